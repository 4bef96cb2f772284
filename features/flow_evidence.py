"""The rows behind an abnormal flow, so that it can be defended."""

from __future__ import annotations

import pyspark.sql.functions as F
from pyspark.sql import DataFrame

from features.flows import UNIT


def with_rows_behind(abnormal: DataFrame, flows: DataFrame) -> DataFrame:
    """Adds the movements an abnormal flow is made of.

    Parameters
    ----------
    abnormal : DataFrame as `models.abnormal_flow.judged_units` returns, with `_window`, `p_value`, `q_value`
    flows : DataFrame as `with_recurring` returns; recurring ones were not judged and are no evidence

    Returns
    -------
    DataFrame with `customer_id`, `business_date`, `direction`, `p_value`, `q_value`, the fields of `_window`,
    `transaction_ids` (largest first), `account_id`, `channel`, `description`, `counterparty` (of the largest), `_recorded`
    (last day one became known)
    """
    f, a = flows.where("NOT recurring").alias("f"), abnormal.alias("a")
    same_window = (
        (F.col("f.customer_id") == F.col("a.customer_id"))
        & (F.col("f.direction") == F.col("a.direction"))
        & (F.col("f.business_date") <= F.col("a.business_date"))
        & (F.col("f.business_date") > F.date_sub(F.col("a.business_date"), F.col("a._window.window_days")))
    )
    main = F.struct("f.account_id", "f.channel", "f.description", "f.counterparty")
    behind = (
        a.join(f, same_window)
        .groupBy("a.customer_id", "a.direction", "a.business_date")
        .agg(
            F.sort_array(F.collect_list(F.struct("f.amount_base", "f.transaction_id")), asc=False).alias("_legs"),
            F.max_by(main, F.struct("f.amount_base", "f.transaction_id")).alias("_main"),
            F.max("f.recorded_on").alias("_recorded"),
        )
    )
    return abnormal.join(behind, list(UNIT)).select(
        *UNIT, "p_value", "q_value", "_window.*", F.col("_legs.transaction_id").alias("transaction_ids"), "_main.*", "_recorded"
    )
