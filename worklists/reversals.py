"""Movements that were taken back: a flow whose money came back is no news any more."""

from __future__ import annotations

import pyspark.sql.functions as F
from pyspark.sql import DataFrame, Window

REVERSAL_DAYS = 10
UNDONE_SHARE = 0.5  # of a flow's amount, from here on nothing is left to tell


def taken_back(legs: DataFrame, transactions: DataFrame) -> DataFrame:
    """Which movements were reversed: the same amount the other way, on the same account and with the same other side, soon after.

    Each reversal takes back one movement.

    Parameters
    ----------
    legs : DataFrame with `transaction_id`, `account_id`, `business_date`, `amount`, `currency`, `direction`, `counterparty`
    transactions : DataFrame with the same columns and `recorded_on`, as known today: at least all of the accounts of `legs` since

    Returns
    -------
    DataFrame with `transaction_id` (of the leg), `taken_back_on` (the day it became known)
    """
    same = ("account_id", "amount", "currency", "direction", "counterparty")
    opposite = F.when(F.col("direction") == "debit", "credit").otherwise("debit")
    back = transactions.join(legs.select("transaction_id"), "transaction_id", "left_anti").select(
        F.col("transaction_id").alias("_back"), "account_id", "amount", "currency", opposite.alias("direction"),
        F.coalesce("counterparty", F.lit("")).alias("counterparty"), F.col("business_date").alias("_on"), "recorded_on",
    )  # fmt: skip
    days = F.date_diff("_on", "business_date")
    each_leg = Window.partitionBy("transaction_id").orderBy("_on", "_back")
    each_back = Window.partitionBy("_back").orderBy(F.col("business_date").desc(), "transaction_id")
    return (
        legs.withColumn("counterparty", F.coalesce("counterparty", F.lit("")))
        .drop("recorded_on")
        .join(back, list(same))
        .where((days >= 0) & (days <= REVERSAL_DAYS))
        .withColumns({"_nth_back": F.row_number().over(each_leg), "_nth_leg": F.row_number().over(each_back)})
        .where(F.col("_nth_back") == F.col("_nth_leg"))
        .groupBy("transaction_id")
        .agg(F.min("recorded_on").alias("taken_back_on"))
    )


def undone_flows(flows: DataFrame, legs: DataFrame, taken: DataFrame) -> DataFrame:
    """Flows of whose amount at least half was taken back.

    Parameters
    ----------
    flows : DataFrame with `flow_id`, `transaction_ids`, `amount`
    legs : DataFrame with `transaction_id`, `amount_base`
    taken : DataFrame as `taken_back` returns

    Returns
    -------
    DataFrame with `flow_id`, `undone_on`
    """
    back = (
        flows.select("flow_id", "amount", F.explode("transaction_ids").alias("transaction_id"))
        .join(legs.select("transaction_id", "amount_base"), "transaction_id")
        .join(taken, "transaction_id")
        .groupBy("flow_id", "amount")
        .agg(F.sum("amount_base").alias("_back"), F.max("taken_back_on").alias("undone_on"))
    )
    return back.where((F.col("amount") > 0) & (F.col("_back") >= F.col("amount") * UNDONE_SHARE)).select("flow_id", "undone_on")
