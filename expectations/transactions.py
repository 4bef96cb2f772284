"""Transactions: one row is one booking on an account."""

from conf.codes import CHANNELS, TRANSACTION_TYPES
from expectations.contract import Contract, Field, Kind, Sign

TRANSACTIONS = Contract(
    "transactions",
    key=("transaction_id",),
    fields=(
        Field("transaction_id", Kind.ID, required=True),
        Field("account_id", Kind.ID, required=True),
        Field("booked_at", Kind.TIME, required=True),
        Field("amount", Kind.MONEY, required=True, sign=Sign.POSITIVE),
        Field("currency", Kind.CURRENCY, required=True),
        Field("direction", Kind.ENUM, required=True, values=("credit", "debit")),
        Field("type", Kind.ENUM, required=True, values=TRANSACTION_TYPES),
        Field("channel", Kind.ENUM, required=True, values=CHANNELS),
        Field("branch_id", Kind.ID),
        Field("counterparty", Kind.TEXT),
        Field("balance_after", Kind.MONEY),
        Field("description", Kind.TEXT, free=True),
    ),
    happened="booked_at",
    refers_to=("account_id", "accounts"),
)
