"""Flows told before that turned out to be no news, and the days they were made of: from the bank's record of alerts and answers."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pandas as pd

from benchmarks.references.lookups import Rows
from tables.arrow import Filter, read_arrow

REMEMBERED_DAYS = 365
REACHED = ("contacted", "accepted", "declined", "false_alarm")
DIRECTIONS = {"withdrawal": "debit", "deposit": "credit"}


def forgiven(lake: Path, day: date) -> Rows:
    """Customer, day and direction of what was a false alarm or came back, and when it was last told of."""
    since = day - timedelta(days=REMEMBERED_DAYS)
    alerts = _read(lake, "alerts", ["alert_id", "flow_ids", "status", "closed_on"])
    withdrawn = alerts[alerts["status"] == "retracted"]
    lately = withdrawn["closed_on"].between(since, day - timedelta(days=1))
    no_news = set(withdrawn[lately]["flow_ids"].explode()) | _false_alarms(lake, day, alerts)
    told = _read(lake, "abnormal_flows", ["flow_id", "customer_id", "business_date", "window_days", "kind", "detected_on"],
                 [("detected_on", ">=", since), ("detected_on", "<", day)])
    found: dict[tuple[str, date, str], date] = {}
    for flow in told[told["flow_id"].isin(no_news) & told["kind"].isin(DIRECTIONS)].itertuples():
        for before in range(flow.window_days):
            unit = (flow.customer_id, flow.business_date - timedelta(days=before), DIRECTIONS[flow.kind])
            found[unit] = max(found.get(unit, flow.detected_on), flow.detected_on)
    return [(*unit, on) for unit, on in found.items()]


def _false_alarms(lake: Path, day: date, alerts: pd.DataFrame) -> set[str]:
    """Flows whose last answer says so."""
    outcomes = _read(lake, "outcomes", ["alert_id", "outcome", "recorded_at", "recorded_on"])
    known = outcomes[outcomes["outcome"].isin(REACHED) & (outcomes["recorded_on"] <= day)]
    said = known.merge(alerts[["alert_id", "flow_ids"]], on="alert_id").explode("flow_ids").sort_values(["recorded_at", "outcome"])
    last = said.groupby("flow_ids")["outcome"].last()
    return set(last[last == "false_alarm"].index)


def _read(lake: Path, table: str, columns: list[str], only: list[Filter] | None = None) -> pd.DataFrame:
    rows = read_arrow(lake, table, columns, only)
    return rows.to_pandas(date_as_object=True) if rows is not None else pd.DataFrame(columns=columns)
