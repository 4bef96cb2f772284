"""Dial: what a day's alerts would cost and be worth at each cut, read without Spark."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

from conf import ExitCode, KehuError, Settings
from conf.codes import REACHED
from jobs.context import Places
from tables.arrow import Filter, read_arrow
from worklists.dial import cuts, dial_text

WEIGHED = (None, "min_priority", "capacity", "control_group")  # held back by no gate, only by how much there is to do


def dialled(settings: Settings, places: Places, day: date) -> str:
    """The budget dial of a day, for a terminal.

    Raises
    ------
    KehuError
        MISSING when nothing was raised or held back on the day.
    """
    lake = places.lake
    columns = ("type", "priority", "flow_ids", "status", "suppressed_by", "closed_on")
    alerts = [row for row in _rows(lake, "alerts", columns, [("raised_on", "=", day)]) if row["suppressed_by"] in WEIGHED]
    if not alerts:
        raise KehuError(f"no alert was raised or held back on {day} in {lake}; run `kehu alert --date {day}`", ExitCode.MISSING)
    answered = _rows(lake, "alerts", ("type", "status"), [("status", "in", list(REACHED)), ("raised_on", "<", day)])
    flows = sorted({flow for row in alerts for flow in row["flow_ids"] or ()})
    found = _rows(lake, "abnormal_flows", ("flow_id", "chance"), [("flow_id", "in", flows)]) if flows else []
    chances = {row["flow_id"]: row["chance"] for row in found if row["chance"] is not None}
    books = _rows(lake, "customers", ("relationship_manager_id", "closed_on"), [("is_current", "=", True)])
    open_ones = [row for row in books if row["closed_on"] is None or row["closed_on"] > day]
    managers = {row["relationship_manager_id"] for row in open_ones} - {None}
    dial = cuts(alerts, answered, chances, len(open_ones), len(managers), settings.worklists)
    return f"Alerts of {day} by least priority\n{dial_text(dial, settings.contact_policy.min_priority)}"


def _rows(lake: Path, table: str, columns: Sequence[str], filters: Sequence[Filter]) -> list[dict[str, Any]]:
    found = read_arrow(lake, table, columns, filters)
    return found.to_pylist() if found is not None else []
