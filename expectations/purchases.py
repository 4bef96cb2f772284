"""Purchases: one row is one line of an order in the bank's shop."""

from expectations.contract import Contract, Field, Kind, Rule, Sign

PURCHASES = Contract(
    "purchases",
    key=("order_id", "line_no"),
    fields=(
        Field("order_id", Kind.ID, required=True),
        Field("line_no", Kind.INTEGER, required=True),
        Field("customer_id", Kind.ID, required=True),
        Field("ordered_at", Kind.TIME, required=True),
        Field("sku", Kind.ID, required=True),
        Field("category", Kind.TEXT, required=True),
        Field("product_name", Kind.TEXT),
        Field("quantity", Kind.NUMBER, required=True, type="decimal(18,3)"),
        Field("unit_price", Kind.MONEY, required=True, sign=Sign.NOT_NEGATIVE),
        Field("currency", Kind.CURRENCY, required=True),
        Field("status", Kind.ENUM, required=True, values=("paid", "refunded")),
    ),
    happened="ordered_at",
    refers_to=("customer_id", "customers"),
    rules=(Rule("QTY_RANGE", "quantity", "quantity <= 0 OR quantity > 1000000"),),
)
