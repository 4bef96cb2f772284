"""The rows behind an abnormal flow, so that it can be defended, what was netted out beside it, and what had gone the other way before."""

from __future__ import annotations

import pyspark.sql.functions as F
from pyspark.sql import Column, DataFrame

from conf.settings import Flows
from features.deposit_money import OWN_BOOKINGS
from features.flows import DEPOSIT_PRODUCTS, RECURRING_LOOKBACK_DAYS, UNIT, may_net, other_side, with_opposed

NETTED_ROWS = 20  # kept of one flow, the largest: a pooling account cannot blow an alert up
PASSING_DAYS = 7  # what goes out within a week of coming in was only passing through
PASSED_SHARE = 0.8  # of the amount


def with_rows_behind(abnormal: DataFrame, flows: DataFrame, settings: Flows) -> DataFrame:
    """Adds the movements an abnormal flow is made of, and what the largest one's series usually is.

    Parameters
    ----------
    abnormal : DataFrame as `models.materiality.material` returns, with `p_value`, `q_value`
    flows : DataFrame as `with_expected` returns, with `flagged` (part of an abnormal flow told before); neither those nor expected ones
        were judged, so they are no evidence
    settings : Flows

    Returns
    -------
    DataFrame with `customer_id`, `business_date`, `direction`, `p_value`, `q_value`, the fields of `_window`,
    `transaction_ids` (largest first), `account_id`, `channel`, `type`, `description`, `counterparty`, `largest` (amount; all of the largest
    one), `series_usual` (where that belongs to a series that was recurring at another amount: the median of it; otherwise null),
    `_recorded` (last day one became known), `passed` (what went the other way from a week before its window to the window's end, where
    that is most of the amount; otherwise null)
    """
    f, a = flows.alias("f"), F.broadcast(abnormal).alias("a")  # few, by design
    days_before = F.date_diff("a.business_date", "f.business_date")
    near = days_before.between(0, F.col("a._window.window_days") + PASSING_DAYS - 1)
    same_way = F.col("f.direction") == F.col("a.direction")
    past = same_way & (F.col("f.amount_base") >= settings.recurring_min_amount) & days_before.between(1, RECURRING_LOOKBACK_DAYS)
    judged = same_way & ~F.col("f.expected") & ~F.col("f.flagged")
    inside = judged & (days_before < F.col("a._window.window_days"))
    series = F.xxhash64("f.account_id", "f.type", other_side()).alias("series")
    largest = F.col("f.amount_base").alias("largest")
    main = F.struct("f.account_id", "f.channel", "f.type", "f.description", "f.counterparty", largest, series)
    payment = F.struct(series, "f.business_date", F.col("f.amount_base").alias("amount"))
    size = F.struct("f.amount_base", "f.transaction_id")
    other_way = F.sum(F.when(near & ~same_way, F.col("f.amount_base")))
    behind = (
        a.join(f, (F.col("f.customer_id") == F.col("a.customer_id")) & (near | past))
        .groupBy("a.customer_id", "a.direction", "a.business_date")
        .agg(
            F.sort_array(F.collect_list(F.when(inside, size)), asc=False).alias("_legs"),
            F.max_by(F.when(inside, main), F.when(inside, size)).alias("_main"),
            F.max(F.when(inside, F.col("f.recorded_on"))).alias("_recorded"),
            other_way.cast("decimal(18,2)").alias("_other_way"),
            F.collect_list(F.when(past, payment)).alias("_past"),
        )
    )
    passed = F.when(F.col("_other_way") >= F.col("_window.amount") * PASSED_SHARE, F.col("_other_way"))
    return abnormal.join(_with_series_usual(behind, settings), list(UNIT)).select(
        *UNIT, "p_value", "q_value", "_window.*", F.col("_legs.transaction_id").alias("transaction_ids"), "_main.*", "series_usual",
        "_recorded", passed.alias("passed"),
    )


def _with_series_usual(behind: DataFrame, settings: Flows) -> DataFrame:
    """Adds `series_usual`. Columns read: `_main`, `_past` (payments the same way before)."""
    alike = F.filter("_past", lambda paid: paid["series"] == F.col("_main.series"))
    amounts = F.sort_array(F.transform(alike, lambda paid: paid["amount"]))
    usual = F.try_element_at(amounts, F.ceil(F.size(amounts) / 2).cast("int"))

    def like_usual(amount: Column) -> Column:
        return F.abs(amount - F.col("_usual")) <= F.col("_usual") * settings.recurring_tolerance

    regular = F.filter("_alike", lambda paid: like_usual(paid["amount"]))
    months = F.size(F.array_distinct(F.transform(regular, lambda paid: F.trunc(paid["business_date"], "month"))))
    jumped = (months >= settings.recurring_min_months) & ~like_usual(F.col("_main.largest"))
    return (
        behind.withColumns({"_alike": alike, "_usual": F.when(F.size(amounts) > 0, usual)})
        .withColumn("series_usual", F.when(jumped, F.col("_usual")))
        .drop("_past", "_alike", "_usual")
    )


def with_netted(told: DataFrame, movements: DataFrame) -> DataFrame:
    """Adds what was netted out of a flow's days: the customer's own transfers and roll-overs, and equal amounts of one day both ways.

    Parameters
    ----------
    told : DataFrame with `flow_id`, `kind`, `customer_id`, `business_date`, `window_days`, `transaction_ids`, one row a flow; on the day an
        ended income is overdue nothing moved for it, so nothing is netted
    movements : DataFrame as `features.flows.owned` returns, with `amount_base`; whole for the days of the flows

    Returns
    -------
    DataFrame with `netted_ids` (array, the largest first, at most `NETTED_ROWS`), `own_moved` and `both_ways` (what moved between own
    accounts, and what went and came in equal amounts; each pair counted once, null where nothing did)
    """
    flow = ("flow_id", "customer_id", "business_date", "window_days", "transaction_ids")
    moved = told.where(F.col("kind") != "income_ended")
    m, t = movements.where(F.col("product_type").isin(*DEPOSIT_PRODUCTS)).alias("m"), F.broadcast(moved.select(*flow)).alias("t")
    inside = F.date_diff("t.business_date", "m.business_date").between(0, F.col("t.window_days") - 1)
    near = m.where(F.col("amount_base").isNotNull()).join(t, (F.col("m.customer_id") == F.col("t.customer_id")) & inside).select(
        "t.flow_id", "t.transaction_ids", "m.transaction_id", "m.business_date", "m.direction", "m.amount_base",
        (F.col("m.own_transfer") & ~F.col("m.type").isin(*OWN_BOOKINGS, "loan")).alias("_own"),
        may_net(F.col("m.own_transfer")).alias("_nets"),
    )
    found = with_opposed(near, "flow_id", "business_date", "amount_base", "_nets").withColumn("_back", F.col("opposed") & F.col("_nets"))
    out, into = F.col("direction") == "debit", F.col("direction") == "credit"

    def total(which: Column) -> Column:
        return F.sum(F.when(which, F.col("amount_base"))).cast("decimal(18,2)")

    netted = (
        found.where((F.col("_own") | F.col("_back")) & ~F.array_contains("transaction_ids", F.col("transaction_id")))
        .groupBy("flow_id")
        .agg(
            F.sort_array(F.collect_list(F.struct("amount_base", "transaction_id")), asc=False).alias("_legs"),
            F.greatest(total(F.col("_own") & out), total(F.col("_own") & into)).alias("own_moved"),
            F.greatest(total(F.col("_back") & out), total(F.col("_back") & into)).alias("both_ways"),
        )
    )
    ids = F.coalesce(F.slice("_legs.transaction_id", 1, NETTED_ROWS), F.array().cast("array<string>"))
    return told.join(netted, "flow_id", "left").withColumn("netted_ids", ids).drop("_legs")
