"""Outcomes: one row is what a relationship manager reported back on an alert."""

from conf.codes import CAUSES
from conf.codes import OUTCOMES as REPORTED
from expectations.contract import Contract, Field, Kind

OUTCOMES = Contract(
    "outcomes",
    key=("alert_id", "recorded_at"),
    fields=(
        Field("alert_id", Kind.ID, required=True),
        Field("recorded_at", Kind.TIME, required=True),
        Field("relationship_manager_id", Kind.ID, required=True),
        Field("outcome", Kind.ENUM, required=True, values=REPORTED),
        Field("cause", Kind.ENUM, values=CAUSES),
        Field("offer_id", Kind.ID),
        Field("snooze_until", Kind.DATE),
        Field("note", Kind.TEXT, free=True),
    ),
    happened="recorded_at",
    may_lie_ahead=True,  # a day's worklists are worked on the day after, and what comes back belongs to the day that was run
)
