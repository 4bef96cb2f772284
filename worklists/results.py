"""What came of the calls: for an RM's own page, and for the manager's."""

from __future__ import annotations

from datetime import date, timedelta

import pyspark.sql.functions as F
from pyspark.sql import Column, DataFrame, Window

from conf.codes import REACHED
from conf.settings import Worklists
from worklists.selection import holder_of, listed

OUTWARD = ("early_withdrawal", "account_closure", "abnormal_withdrawal")


def last_words(outcomes: DataFrame, alerts: DataFrame, day: date, days: int) -> DataFrame:
    """The latest outcome of each alert within the days up to the day, with what it was worth.

    Parameters
    ----------
    outcomes : DataFrame of `outcomes` known on the day
    alerts : DataFrame of `alerts`
    day : date
    days : int

    Returns
    -------
    DataFrame with `alert_id`, `customer_id`, `relationship_manager_id` (who recorded it), `type`, `raised_on`, `flow_ids`,
    `outcome`, `value` (expected value of the offer that was accepted; of the first where none was named)
    """
    newest = Window.partitionBy("alert_id").orderBy(F.col("recorded_at").desc())
    told = (
        outcomes.where(F.col("business_date") > F.lit(day - timedelta(days=days)))
        .withColumn("_nth", F.row_number().over(newest))
        .where("_nth = 1")
        .select("alert_id", "relationship_manager_id", "outcome", "offer_id")
    )
    named = F.filter("offers", lambda offer: offer["offer_id"] == F.col("offer_id"))
    value = F.coalesce(F.try_element_at(named, F.lit(1))["expected_value"], F.try_element_at("offers", F.lit(1))["expected_value"])
    of_alert = alerts.select("alert_id", "customer_id", "type", "raised_on", "flow_ids", "offers")
    return told.join(of_alert, "alert_id").select(
        "alert_id", "customer_id", "relationship_manager_id", "type", "raised_on", "flow_ids", "outcome",
        F.when(F.col("outcome") == "accepted", F.coalesce(value, F.lit(0.0))).otherwise(0.0).alias("value"),
    )


def money_kept(words: DataFrame, flows: DataFrame, deposits: DataFrame, day: date) -> DataFrame:
    """Deposits that grew back after an accepted call about money leaving, at most by the amount that had left.

    What would have come back anyway is in it: this is an RM's own tally, the effect report compares with uncalled customers.

    Parameters
    ----------
    words : DataFrame as `last_words` returns
    flows : DataFrame of `abnormal_flows`
    deposits : DataFrame with `customer_id`, `as_of`, `deposits_balance`
    day : date

    Returns
    -------
    DataFrame with `alert_id`, `kept`
    """
    about = words.where(F.col("type").isin(*OUTWARD) & (F.col("outcome") == "accepted"))
    left = (
        about.select("alert_id", "customer_id", "raised_on", F.explode("flow_ids").alias("flow_id"))
        .join(flows.select("flow_id", "amount"), "flow_id")
        .groupBy("alert_id", "customer_id", "raised_on")
        .agg(F.max("amount").alias("amount"))
    )
    then = deposits.select("customer_id", F.col("as_of").alias("raised_on"), F.col("deposits_balance").alias("_then"))
    now = deposits.where(F.col("as_of") == F.lit(day)).select("customer_id", F.col("deposits_balance").alias("_now"))
    grown = F.least("amount", F.col("_now") - F.col("_then"))
    both = left.join(then, ["customer_id", "raised_on"]).join(now, "customer_id")
    return both.select("alert_id", F.greatest(grown, F.lit(0)).cast("decimal(18,2)").alias("kept"))


def results(words: DataFrame, kept: DataFrame, by: str) -> DataFrame:
    """Calls and what came of them, by RM, by branch or by type of alert.

    Parameters
    ----------
    words : DataFrame as `last_words` returns
    kept : DataFrame as `money_kept` returns
    by : str
        A column of `words`.

    Returns
    -------
    DataFrame with `by`, `calls`, `reached`, `accepted`, `declined`, `false_alarms`, `value`, `kept`
    """
    return words.join(kept, "alert_id", "left").groupBy(by).agg(
        F.count("*").alias("calls"),
        F.count_if(F.col("outcome").isin(*REACHED)).alias("reached"),
        *[F.count_if(F.col("outcome") == outcome).alias(name) for outcome, name in
          (("accepted", "accepted"), ("declined", "declined"), ("false_alarm", "false_alarms"))],
        F.round(F.sum("value"), 0).cast("bigint").alias("value"),
        F.coalesce(F.sum("kept"), F.lit(0)).cast("bigint").alias("kept"),
    )


def branches(accounts: DataFrame) -> DataFrame:
    """Each customer's home branch: where their oldest account that is still open is kept; nowhere without one.

    Parameters
    ----------
    accounts : DataFrame of accounts as of the day

    Returns
    -------
    DataFrame with `customer_id`, `branch`
    """
    kept = accounts.where((F.col("status") == "open") & F.col("branch_id").isNotNull())
    oldest = F.min_by("branch_id", F.struct("opened_on", "account_id"))
    return kept.groupBy("customer_id").agg(oldest.alias("branch"))


def load(alerts: DataFrame, day: date, days: int, settings: Worklists, by: Column) -> DataFrame:
    """How much there is to call, how old it is, and what expired uncalled, by any column.

    Parameters
    ----------
    alerts : DataFrame of `alerts`
    day : date
    days : int
        How far back expired alerts are counted.
    settings : Worklists
    by : Column

    Returns
    -------
    DataFrame with `by`, `listed`, `new`, `urgent`, `oldest_on`, `expired`
    """
    on_list = listed(day)
    lapsed = (F.col("status") == "expired") & F.col("closed_on").between(F.lit(day - timedelta(days=days)), F.lit(day))
    shown = alerts.where((on_list | lapsed) & ~F.coalesce("control_group", F.lit(False)))
    return shown.withColumn("holder", holder_of(settings)).groupBy(by.alias("by")).agg(
        F.count_if(on_list).alias("listed"),
        F.count_if(on_list & (F.col("raised_on") == F.lit(day))).alias("new"),
        F.count_if(on_list & (F.col("severity") == "high")).alias("urgent"),
        F.min(F.when(on_list, F.col("raised_on"))).alias("oldest_on"),
        F.count_if(lapsed).alias("expired"),
    )


def held_back(alerts: DataFrame, day: date) -> DataFrame:
    """What the day's contact policy held back, by rule: `rule`, `alerts`."""
    of_day = alerts.where((F.col("raised_on") == F.lit(day)) & F.col("suppressed_by").isNotNull())
    return of_day.groupBy(F.col("suppressed_by").alias("rule")).agg(F.count("*").alias("alerts"))


def new_alerts(alerts: DataFrame, day: date, days: int) -> DataFrame:
    """New alerts to be called a day, the day's own and those of the days before it: `raised_on`, `alerts`."""
    since = alerts.where(F.col("raised_on").between(F.lit(day - timedelta(days=days)), F.lit(day)))
    told = since.where((F.col("status") != "suppressed") & ~F.coalesce("control_group", F.lit(False)))
    return told.groupBy("raised_on").agg(F.count("*").alias("alerts"))
