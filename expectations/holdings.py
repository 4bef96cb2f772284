"""Holdings: one row is what a customer holds of a product, as of its drop."""

from expectations.contract import Contract, Field, Kind, Repeats, Rule

HOLDINGS = Contract(
    "holdings",
    key=("customer_id", "product_id", "acquired_on"),
    fields=(
        Field("customer_id", Kind.ID, required=True),
        Field("product_id", Kind.ID, required=True),
        Field("acquired_on", Kind.DATE, required=True),
        Field("closed_on", Kind.DATE),
        Field("value", Kind.MONEY),
    ),
    happened="acquired_on",
    repeats=Repeats.VERSION,
    refers_to=("customer_id", "customers"),
    has_horizon=False,
    rules=(Rule("RANGE", "closed_on", "closed_on < acquired_on"),),
)
