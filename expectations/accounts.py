"""Accounts: one row is what the bank knows of an account from a day on."""

from conf.codes import PRODUCTS
from expectations.contract import Contract, Field, Kind, Repeats, Rule, Sign

ACCOUNTS = Contract(
    "accounts",
    key=("account_id",),
    fields=(
        Field("account_id", Kind.ID, required=True),
        Field("customer_id", Kind.ID, required=True),
        Field("product_type", Kind.ENUM, required=True, values=PRODUCTS),
        Field("currency", Kind.CURRENCY, required=True),
        Field("opened_on", Kind.DATE, required=True),
        Field("maturity_on", Kind.DATE),
        Field("principal", Kind.MONEY, sign=Sign.NOT_NEGATIVE),
        Field("interest_rate", Kind.NUMBER, type="decimal(9,6)"),
        Field("status", Kind.ENUM, required=True, values=("open", "closed")),
        Field("closed_on", Kind.DATE),
        Field("branch_id", Kind.ID),
    ),
    happened="opened_on",
    repeats=Repeats.HISTORY,
    refers_to=("customer_id", "customers"),
    has_horizon=False,
    rules=(Rule("RANGE", "interest_rate", "abs(interest_rate) > 10"),),
)
