"""The day's alerts for other channels: one JSON object a line, for CRM, call centre, counter tablet and mobile app.

The schema is `kehu.alert/1` (docs/alerts.md); a field may be added to it, never renamed or removed. Delivered is what stands on a
worklist, and once, on the day it leaves, what was on one: a receiver that keeps the newest line of each id is always right.
Why an alert was withdrawn is never delivered: the reason may be somebody's bereavement or an open case.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Any

from conf.settings import Settings
from worklists.selection import deputy_of

SCHEMA = "kehu.alert/1"
LISTED = ("open", "contacted")
WITHDRAWN = ("suppressed", "superseded", "retracted")
Row = Mapping[str, Any]


def alert_lines(alerts: Iterable[Row], settings: Settings, day: date) -> bytes:
    """The lines of a day, in the order of their ids.

    Parameters
    ----------
    alerts : rows of `alerts` as known on the day
    settings : Settings
    day : date
    """
    delivered = sorted((row for row in alerts if _concerns(row, day)), key=lambda row: row["alert_id"])
    return b"".join(json.dumps(_line(row, settings, day), ensure_ascii=False).encode() + b"\n" for row in delivered)


def _concerns(row: Row, day: date) -> bool:
    """Whether an alert is on a worklist of the day, or left one on it; one that nobody was told of never is."""
    told = row["status"] != "suppressed" or row["closed_on"] is not None
    return not row["control_group"] and told and (_listed(row, day) or row["changed_on"] == day)


def _listed(row: Row, day: date) -> bool:
    asleep = row["snoozed_until"] is not None and row["snoozed_until"] > day
    return row["status"] in LISTED and row["expires_on"] > day and not asleep


def _line(row: Row, settings: Settings, day: date) -> dict[str, Any]:
    own = row["relationship_manager_id"] or settings.worklists.branch_queue
    identity = {
        "schema": SCHEMA,
        "alert_id": row["alert_id"],
        "customer_id": row["customer_id"],
        "owner": deputy_of(settings.worklists.deputies).get(own, own),
        "status": "withdrawn" if row["status"] in WITHDRAWN else row["status"],
        "business_date": day.isoformat(),
    }
    if row["status"] in WITHDRAWN:
        return identity
    return identity | {
        "type": row["type"],
        "severity": row["severity"],
        "priority": row["priority"],
        "raised_on": row["raised_on"].isoformat(),
        "last_day": (row["expires_on"] - timedelta(days=1)).isoformat(),
        "snoozed_until": row["snoozed_until"].isoformat() if row["snoozed_until"] else None,
        "headline": row["headline"],
        "reason": row["reason"],
        "change": row["change"],
        "offers": [_offer(offer) for offer in row["offers"] or ()],
    }


def _offer(offer: Row) -> dict[str, Any]:
    return {name: offer[name] for name in ("offer_id", "name", "probability", "expected_value", "reason")}
