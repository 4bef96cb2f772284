"""What became of earlier flows, as known on the day: it teaches the order, and the customer's own threshold."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pyspark.sql.functions as F
from pyspark.sql import DataFrame

from features.as_of import known
from features.flows import UNIT, latest_known
from jobs.context import Job
from models.flow_chance import Learned, answered_flows, learned, telling
from worklists.reversals import JUDGED_AGAIN, corrected_flows

REMEMBERED_DAYS = 365


def answers(job: Job) -> DataFrame | None:
    """Flows told within a year whose alert was answered by the day, as `answered_flows` returns; None when there are none."""
    outcomes = telling(known(job.lake.read("outcomes"), job.day))
    if outcomes.isEmpty():
        return None
    return answered_flows(outcomes, job.lake.read("alerts").select("alert_id", "flow_ids"), _remembered(job)).localCheckpoint()


def false_alarms(answered: DataFrame | None) -> DataFrame | None:
    """The answered flows that were no news."""
    return None if answered is None else answered.where(~F.col("real")).drop("real", "told_cause")


def returned(job: Job) -> DataFrame | None:
    """Flows told within a year whose alert was withdrawn by the day, because the money came back; None when there are none."""
    closed = F.col("closed_on").between(F.lit(job.day - timedelta(days=REMEMBERED_DAYS)), F.lit(job.day - timedelta(days=1)))
    alerts = job.lake.read("alerts").where((F.col("status") == "retracted") & closed)
    if alerts.isEmpty():
        return None
    return _remembered(job).join(alerts.select(F.explode("flow_ids").alias("flow_id")).distinct(), "flow_id", "left_semi")


def _remembered(job: Job) -> DataFrame:
    first, found = F.lit(job.day - timedelta(days=REMEMBERED_DAYS)), F.col("detected_on")
    return job.lake.read("abnormal_flows").where((found >= first) & (found < F.lit(job.day))).select(
        "flow_id", "customer_id", "business_date", "window_days", "kind", "return_period_years", "log_odds", "chance", "detected_on"
    )


def told_rows(job: Job, days: DataFrame, first: date) -> DataFrame | None:
    """Rows of the withdrawals and deposits that earlier looks told of, on days that are looked at again; not of those of which a row was
    corrected since, which are judged anew. None where there are none, as on most days: what is new is of the day itself.

    Parameters
    ----------
    job : Job
    days : DataFrame with `customer_id`, `business_date`
    first : the first of them

    Returns
    -------
    DataFrame with `transaction_id`, distinct and few
    """
    told_of = (F.col("detected_on") < F.lit(job.day)) & F.col("kind").isin(*JUDGED_AGAIN) & (F.col("business_date") >= F.lit(first))
    flows = job.lake.read("abnormal_flows").where(told_of).alias("f")
    ago = F.date_diff("f.business_date", "d.business_date")
    again = (F.col("f.customer_id") == F.col("d.customer_id")) & ago.between(0, F.col("f.window_days") - 1)
    found = flows.join(days.alias("d"), again, "left_semi").localCheckpoint()
    if found.isEmpty():
        return None
    behind = found.select("flow_id", F.explode("transaction_ids").alias("transaction_id"))
    earliest = F.lit(first - timedelta(days=max(job.settings.flows.windows_days)))
    recent = job.lake.read("transactions").where((F.col("business_date") >= earliest) & (F.col("recorded_on") <= F.lit(job.day)))
    versions = recent.join(F.broadcast(behind.select("transaction_id").distinct()), "transaction_id", "left_semi")
    corrected = corrected_flows(found, versions, job.day)
    return behind.join(corrected, "flow_id", "left_anti").select("transaction_id").distinct().localCheckpoint()


def learned_today(answered: DataFrame | None) -> Learned:
    """The odds' correction. What is collected is numbers alone, one pair an answered flow."""
    if answered is None:
        return Learned()
    rows = answered.where("log_odds IS NOT NULL").select("log_odds", "real").orderBy("log_odds", "real").collect()
    return learned(np.array([row[0] for row in rows]), np.array([row[1] for row in rows]))


def forgiven_units(job: Job, flows: DataFrame, stored: DataFrame) -> DataFrame:
    """Rows of `daily_flows` for flows that were no news: such a flow is usual for this customer from now on.

    Parameters
    ----------
    job : Job
    flows : DataFrame with `customer_id`, `business_date`, `window_days`, `kind`, `detected_on`
        What an RM has called a false alarm, and what came back. Days that a later flow tells of (after a correction) are not touched.
    stored : DataFrame of `daily_flows` rows recorded before the day

    Returns
    -------
    DataFrame of the units' newest rows that are still flagged, no longer flagged, and without odds: they were no news for certain
    """
    found = _parts(flows).groupBy(*UNIT).agg(F.max("detected_on").alias("_found"))
    last = _parts(_remembered(job)).groupBy(*UNIT).agg(F.max("detected_on").alias("_last"))
    units = found.join(last, list(UNIT)).where("_found >= _last").select(*UNIT)
    still = latest_known(stored.join(F.broadcast(units), list(UNIT)), job.day).where("flagged")
    return still.withColumns({"flagged": F.lit(False), "log_odds": F.lit(None).cast("double"), "recorded_on": F.lit(job.day)})


def _parts(flows: DataFrame) -> DataFrame:
    """The units that withdrawals and deposits are made of, with `detected_on`."""
    direction = F.when(F.col("kind") == "withdrawal", "debit").when(F.col("kind") == "deposit", "credit")
    days = F.sequence(F.date_sub("business_date", F.col("window_days") - 1), F.col("business_date"))
    return flows.withColumn("direction", direction).where("direction IS NOT NULL").select(
        "customer_id", F.explode(days).alias("business_date"), "direction", "detected_on")
