"""The columns of a worklist as a file: what is told, and what comes back."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from conf.settings import Settings
from worklists.worklist import Call, Worklist

Cell = str | int | float | Decimal | date | None

OFFERS = (1, 2, 3)
COLUMNS = (
    "alert_id",
    "priority",
    "due_by",
    "customer_id",
    "customer_name",
    "type",
    "headline",
    "reason",
    "outcome",
    "cause",
    "offer_id",
    "snooze_until",
    "note",
    *(f"offer_{n}{part}" for n in OFFERS for part in ("", "_expected_value", "_reason")),
    "relationship_manager_id",
)
ANSWERS = ("outcome", "cause", "offer_id", "snooze_until", "note")  # filled in by the RM; everything else is only told
DATES = ("due_by", "snooze_until")
NUMBERS = ("priority", *(f"offer_{n}_expected_value" for n in OFFERS))


def cells(call: Call, worklist: Worklist, settings: Settings) -> dict[str, Cell]:
    """One call as a row; what the RM fills in is empty."""
    words = settings.wording[settings.bank.language].worklist
    row: dict[str, Cell] = dict.fromkeys(COLUMNS)
    row |= {
        "alert_id": call.alert_id,
        "priority": call.priority,
        "due_by": call.due_by,
        "customer_id": call.customer.customer_id,
        "customer_name": call.customer.name,
        "type": words.get(f"type_{call.type}", call.type),
        "headline": call.headline,
        "reason": call.reason,
        "relationship_manager_id": worklist.holder,
    }
    for n, offer in zip(OFFERS, call.offers, strict=False):
        row |= {f"offer_{n}": offer.name, f"offer_{n}_expected_value": offer.expected_value, f"offer_{n}_reason": offer.reason}
    return row
