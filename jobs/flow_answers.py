"""What relationship managers said of earlier flows, as known on the day: it teaches the order, and the customer's own threshold."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pyspark.sql.functions as F
from pyspark.sql import DataFrame

from features.as_of import known
from features.flows import UNIT, latest_known
from jobs.context import Job
from models.flow_chance import Learned, answered_flows, learned, telling

REMEMBERED_DAYS = 365


def answers(job: Job) -> DataFrame | None:
    """Flows told within a year whose alert was answered by the day, as `answered_flows` returns; None when there are none."""
    outcomes = telling(known(job.lake.read("outcomes"), job.day))
    if outcomes.isEmpty():
        return None
    first, found = F.lit(job.day - timedelta(days=REMEMBERED_DAYS)), F.col("detected_on")
    flows = job.lake.read("abnormal_flows").where((found >= first) & (found < F.lit(job.day))).select(
        "flow_id", "customer_id", "business_date", "window_days", "kind", "return_period_years", "log_odds", "chance"
    )
    return answered_flows(outcomes, job.lake.read("alerts").select("alert_id", "flow_ids"), flows).localCheckpoint()


def learned_today(answered: DataFrame | None) -> Learned:
    """The odds' correction. What is collected is numbers alone, one pair an answered flow."""
    if answered is None:
        return Learned()
    rows = answered.where("log_odds IS NOT NULL").select("log_odds", "real").orderBy("log_odds", "real").collect()
    return learned(np.array([row[0] for row in rows]), np.array([row[1] for row in rows]))


def forgiven_units(job: Job, answered: DataFrame, stored: DataFrame) -> DataFrame:
    """Rows of `daily_flows` for what an RM has called a false alarm: such a flow is usual for this customer from now on.

    Parameters
    ----------
    job : Job
    answered : DataFrame as `answers` returns
    stored : DataFrame of `daily_flows` rows recorded before the day

    Returns
    -------
    DataFrame of the units' newest rows that are still flagged, no longer flagged
    """
    direction = F.when(F.col("kind") == "withdrawal", "debit").when(F.col("kind") == "deposit", "credit")
    days = F.sequence(F.date_sub("business_date", F.col("window_days") - 1), F.col("business_date"))
    false = answered.where(~F.col("real")).withColumn("direction", direction).where("direction IS NOT NULL")
    units = false.select("customer_id", F.explode(days).alias("business_date"), "direction").distinct()
    newest = latest_known(stored.join(F.broadcast(units), list(UNIT), "left_semi"), job.day)
    return newest.where("flagged").withColumns({"flagged": F.lit(False), "recorded_on": F.lit(job.day)})
