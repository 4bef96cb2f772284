"""The rows behind an abnormal flow, so that it can be defended, and what had gone the other way shortly before."""

from __future__ import annotations

import pyspark.sql.functions as F
from pyspark.sql import DataFrame

from features.flows import UNIT

PASSING_DAYS = 7  # what goes out within a week of coming in was only passing through
PASSED_SHARE = 0.8  # of the amount


def with_rows_behind(abnormal: DataFrame, flows: DataFrame) -> DataFrame:
    """Adds the movements an abnormal flow is made of.

    Parameters
    ----------
    abnormal : DataFrame as `models.abnormal_flow.judged_units` returns, with `_window`, `p_value`, `q_value`
    flows : DataFrame as `with_expected` returns, with `flagged` (part of an abnormal flow told before); neither those nor expected ones
        were judged, so they are no evidence

    Returns
    -------
    DataFrame with `customer_id`, `business_date`, `direction`, `p_value`, `q_value`, the fields of `_window`,
    `transaction_ids` (largest first), `account_id`, `channel`, `description`, `counterparty` (of the largest), `_recorded`
    (last day one became known), `passed` (what went the other way from a week before its window to the window's end, where that is
    most of the amount; otherwise null)
    """
    f, a = flows.alias("f"), F.broadcast(abnormal).alias("a")  # few, by design
    days_before = F.date_diff("a.business_date", "f.business_date")
    near = (F.col("f.customer_id") == F.col("a.customer_id")) & days_before.between(0, F.col("a._window.window_days") + PASSING_DAYS - 1)
    same_way = F.col("f.direction") == F.col("a.direction")
    judged = same_way & ~F.col("f.expected") & ~F.col("f.flagged")
    inside = judged & (days_before < F.col("a._window.window_days"))
    main = F.struct("f.account_id", "f.channel", "f.description", "f.counterparty")
    size = F.struct("f.amount_base", "f.transaction_id")
    other_way = F.sum(F.when(~same_way, F.col("f.amount_base")))
    behind = (
        a.join(f, near)
        .groupBy("a.customer_id", "a.direction", "a.business_date")
        .agg(
            F.sort_array(F.collect_list(F.when(inside, size)), asc=False).alias("_legs"),
            F.max_by(F.when(inside, main), F.when(inside, size)).alias("_main"),
            F.max(F.when(inside, F.col("f.recorded_on"))).alias("_recorded"),
            other_way.cast("decimal(18,2)").alias("_other_way"),
        )
    )
    passed = F.when(F.col("_other_way") >= F.col("_window.amount") * PASSED_SHARE, F.col("_other_way"))
    return abnormal.join(behind, list(UNIT)).select(
        *UNIT, "p_value", "q_value", "_window.*", F.col("_legs.transaction_id").alias("transaction_ids"), "_main.*", "_recorded",
        passed.alias("passed"),
    )
