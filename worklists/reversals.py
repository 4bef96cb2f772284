"""Movements that were taken back or corrected: a flow that was not so, or whose money came back, is no news any more."""

from __future__ import annotations

from datetime import date

import pyspark.sql.functions as F
from pyspark.sql import Column, DataFrame, Window

UNDONE_SHARE = 0.5  # of a flow's amount, from here on nothing is left to tell
JUDGED_AGAIN = ("withdrawal", "deposit")  # on any correction; what is still abnormal is then told as a flow of its own


def taken_back(legs: DataFrame, transactions: DataFrame, within_days: int) -> DataFrame:
    """Which movements were reversed: the same amount the other way, on the same account and with the same other side, soon after.

    Each reversal takes back one movement.

    Parameters
    ----------
    legs : DataFrame with `transaction_id`, `account_id`, `business_date`, `amount`, `currency`, `direction`, `counterparty`
    transactions : DataFrame with the same columns and `recorded_on`, as known today: at least all of the accounts of `legs` since
    within_days : int
        After the leg.

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
        .where((days >= 0) & (days <= within_days))
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


def corrected_flows(flows: DataFrame, versions: DataFrame, today: date) -> DataFrame:
    """Flows of which a movement was corrected after they were found.

    Withdrawals and deposits are judged again on any change of account, day, amount or direction, so the flow as it was told
    is undone. Of other events (a broken deposit, a closure) only what leaves at most half of the amount undoes them.

    Parameters
    ----------
    flows : DataFrame with `flow_id`, `kind`, `detected_on`, `transaction_ids`
    versions : DataFrame of every version of their transactions recorded by `today`, as in the table `transactions`
    today : date

    Returns
    -------
    DataFrame with `flow_id`, `undone_on` (the day the last correction became known)
    """
    says = ("account_id", "business_date", "amount", "currency", "direction")
    now = versions.where(F.coalesce(F.col("superseded_on") > F.lit(today), F.lit(True))).select(
        "transaction_id", *(F.col(name).alias(f"_{name}") for name in says))
    behind = flows.select("flow_id", "kind", "detected_on", F.explode("transaction_ids").alias("transaction_id"))
    then = (F.col("recorded_on") <= F.col("detected_on")) & F.col("superseded_on").between(F.date_add("detected_on", 1), F.lit(today))
    same = {name: F.col(name).eqNullSafe(F.col(f"_{name}")) for name in says}
    moved = ~(same["account_id"] & same["currency"] & same["direction"])
    less = moved | (F.col("_amount") <= F.col("amount") * UNDONE_SHARE)
    other = moved | ~(same["business_date"] & same["amount"])
    return (
        behind.join(versions, "transaction_id")
        .where(then)
        .join(now, "transaction_id", "left")
        .where(F.when(F.col("kind").isin(*JUDGED_AGAIN), other).otherwise(less))
        .groupBy("flow_id")
        .agg(F.max("superseded_on").alias("undone_on"))
    )


def resumed_incomes(flows: DataFrame, legs: DataFrame, transactions: DataFrame) -> DataFrame:
    """Ended incomes that came after all: the same account, type and other side (or wording) was paid at least half as much since.

    Parameters
    ----------
    flows : DataFrame with `flow_id`, `kind`, `transaction_ids`
    legs : DataFrame with `transaction_id`, `account_id`, `business_date`, `amount`, `currency`, `type`, `counterparty`, `description`
    transactions : DataFrame with the same columns, `direction` and `recorded_on`, as known today: at least all of the accounts of `legs`

    Returns
    -------
    DataFrame with `flow_id`, `undone_on` (the day it became known)
    """
    ended = flows.where("kind = 'income_ended'").select("flow_id", F.explode("transaction_ids").alias("transaction_id"))
    same = ("account_id", "type", "currency")
    last = (
        ended.join(legs, "transaction_id")
        .groupBy("flow_id", *same, side().alias("_side"))
        .agg(F.max("business_date").alias("_last"), F.max("amount").alias("_amount"))
    )
    paid = transactions.where("direction = 'credit'").select(*same, "business_date", "amount", "recorded_on", side().alias("_side"))
    since = (F.col("business_date") > F.col("_last")) & (F.col("amount") >= F.col("_amount") * UNDONE_SHARE)
    return paid.join(F.broadcast(last), [*same, "_side"]).where(since).groupBy("flow_id").agg(F.min("recorded_on").alias("undone_on"))


def side() -> Column:
    """The other side of a movement, or else its wording without numbers; as `features.flows` tells series apart."""
    return F.coalesce("counterparty", F.regexp_replace(F.coalesce("description", F.lit("")), r"\d+", "#"))
