"""Restrictions: one row is one reason not to call a customer, as of its drop."""

from conf.codes import RESTRICTION_KINDS
from expectations.contract import Contract, Field, Kind, Repeats, Rule

RESTRICTIONS = Contract(
    "restrictions",
    key=("customer_id", "kind", "valid_from"),
    fields=(
        Field("customer_id", Kind.ID, required=True),
        Field("kind", Kind.ENUM, required=True, values=RESTRICTION_KINDS),
        Field("valid_from", Kind.DATE, required=True),
        Field("valid_to", Kind.DATE),
    ),
    happened="valid_from",
    repeats=Repeats.VERSION,
    refers_to=("customer_id", "customers"),
    has_horizon=False,
    may_lie_ahead=True,
    rules=(Rule("RANGE", "valid_to", "valid_to < valid_from"),),
)
