"""An alert's flows detected anew, as of the days they were found on: every stored number against what comes out now."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from itertools import groupby
from typing import Any

import pyspark.sql.functions as F

from jobs.context import Counts, Job
from jobs.detect import detected, last_look
from jobs.explain import alert_of
from tables.arrow import read_arrow

Row = dict[str, Any]
OF_THE_RUN = "run_id"  # says which run wrote a row, not what it found


def redetected(job: Job, alert_id: str) -> Counts:
    """Detect the days of an alert's flows again, from the tables as they were known then, and compare; nothing is written.

    The customer's own and the peers' baselines, weights, return period, p, q and chance all come out anew. What may differ since:
    another configuration or code, and customers erased, who were somebody's peers.

    Returns
    -------
    dict with `detected_again`: a line a flow

    Raises
    ------
    KehuError
        As `jobs.explain.alert_of`.
    """
    ids = sorted(alert_of(job.places.lake, alert_id)["flow_ids"] or ())
    stored = read_arrow(job.places.lake, "abnormal_flows", filters=[("flow_id", "in", ids)]) if ids else None
    flows = sorted(stored.to_pylist() if stored is not None else [], key=lambda row: (row["detected_on"], row["flow_id"]))
    told = []
    for day, of_day in groupby(flows, key=lambda row: row["detected_on"]):
        told += _compared(job, day, list(of_day))
    return {"detected_again": told or ["no flow is behind this alert"]}


def _compared(job: Job, day: date, flows: list[Row]) -> list[str]:
    then = replace(job, day=day)
    since = last_look(then)
    if since is not None and job.lake.read("flow_baselines").where(F.col("as_of") == F.lit(since)).isEmpty():
        return [f"flow {flow['flow_id']}: the baselines of {since}, which it was judged by, are no longer kept" for flow in flows]
    job.progress(f"{day}  detect again")
    ids = [flow["flow_id"] for flow in flows]
    again = {row["flow_id"]: row for row in detected(then).abnormal.where(F.col("flow_id").isin(*ids)).toArrow().to_pylist()}
    return [_told(flow, again.get(flow["flow_id"]), day) for flow in flows]


def _told(flow: Row, again: Row | None, day: date) -> str:
    if again is None:
        return f"flow {flow['flow_id']} as of {day}: not found again"
    names = [name for name in flow if name != OF_THE_RUN]
    differing = [f"{name} is {flow[name]}, comes out as {again[name]}" for name in names if flow[name] != again[name]]
    return f"flow {flow['flow_id']} as of {day}: " + ("; ".join(differing) or f"the same in all {len(names)} columns")
