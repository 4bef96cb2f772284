"""The day's calls for other channels: CRM, call centre, counter tablet and mobile app. The same alerts, the same gates."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date

import pyspark.sql.functions as F
from pyspark.sql import DataFrame

from conf.settings import Worklists
from worklists.worklist import Call, Worklist


def delivered(chosen: DataFrame, day: date, settings: Worklists, run_id: str) -> DataFrame:
    """Rows of the table `deliveries`.

    Parameters
    ----------
    chosen : DataFrame as `selection.on_the_lists` returns
    day : date
    settings : Worklists
    run_id : str
    """
    return chosen.select(
        F.lit(day).alias("business_date"), "holder", "place", (F.col("place") <= settings.calls_per_day).alias("above_line"),
        "alert_id", "customer_id", "relationship_manager_id", "type", "severity", "priority", "status", "raised_on", "due_by",
        "headline", "reason", "offers", "change", F.lit(run_id).alias("run_id"),
    )


def json_lines(lists: Sequence[Worklist]) -> bytes:
    """One JSON object a call and line, in the worklists' order, keys sorted; the columns of `deliveries` without `run_id`."""
    lines = [json.dumps(_told(call, each), ensure_ascii=False, sort_keys=True) for each in lists for call in each.calls]
    return "".join(f"{line}\n" for line in lines).encode()


def _told(call: Call, worklist: Worklist) -> dict[str, object]:
    return {
        "business_date": worklist.day.isoformat(),
        "holder": worklist.holder,
        "place": call.place,
        "above_line": call.above_line,
        "alert_id": call.alert_id,
        "customer_id": call.customer.customer_id,
        "relationship_manager_id": call.customer.relationship_manager_id,
        "type": call.type,
        "severity": call.severity,
        "priority": call.priority,
        "status": call.status,
        "raised_on": call.raised_on.isoformat(),
        "due_by": call.due_by.isoformat(),
        "headline": call.headline,
        "reason": call.reason,
        "offers": [
            {"offer_id": offer.offer_id, "name": offer.name, "expected_value": offer.expected_value, "reason": offer.reason}
            for offer in call.offers
        ],
        "change": call.change,
    }
