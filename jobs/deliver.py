"""Deliver: the day's alerts as JSON lines for other channels, read without Spark and published all at once."""

from __future__ import annotations

from datetime import date

from conf import Settings
from jobs.context import Counts, Places
from jobs.published import publish
from tables.arrow import read_arrow
from worklists.delivery import SCHEMA, alert_lines


def delivered(settings: Settings, places: Places, day: date) -> Counts:
    """Write `WORKLISTS/channels/<day>/alerts.jsonl` with its manifest; again with the same tables, the same bytes."""
    found = read_arrow(places.lake, "alerts", None, [("raised_on", "<=", day)])
    content = alert_lines(found.to_pylist() if found is not None else [], settings, day)
    target = places.worklists / "channels" / day.isoformat()
    rows = content.count(b"\n")
    publish(target, {"alerts.jsonl": content}, {"schema": SCHEMA, "business_date": day.isoformat(), "rows": rows})
    return {"rows_out": rows, "to_read": str(target / "alerts.jsonl")}
