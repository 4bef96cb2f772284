"""Where the money of a broken time deposit went: as the day's data show it, and as the days after do."""

from __future__ import annotations

from datetime import date

import pyspark.sql.functions as F
from pyspark.sql import DataFrame

from conf.settings import Flows
from features.flows import DEPOSIT_PRODUCTS, may_recur

DEPOSIT_ACCOUNTS = (*DEPOSIT_PRODUCTS, "investment")
OWN_BOOKINGS = ("interest", "fee")
PLACED_SHARE, LEFT_SHARE = 0.8, 0.5  # of the deposit's money, from here on it was placed again, or has left
OPEN_ENDED = ("own_account", "unknown")  # what may still become of it


def with_own_side(payments: DataFrame, movements: DataFrame) -> DataFrame:
    """Adds where a payment lies: `_own`, on another account of the customer, as the counterparty or an equal credit of the day says;
    `_outside`, in cash or with a counterparty that is not the customer's; or neither.

    Parameters
    ----------
    payments : DataFrame as `features.flows.owned` returns: what was paid out of time deposits
    movements : DataFrame as `features.flows.owned` returns, of the same days
    """
    lies = F.col("product_type").isin(*DEPOSIT_ACCOUNTS) & ~F.col("type").isin(*OWN_BOOKINGS)
    credits = movements.where(lies & (F.col("direction") == "credit")).select(
        "customer_id", "currency", "amount", "business_date", F.col("account_id").alias("_other")
    )
    few = payments.select("transaction_id", "account_id", "customer_id", "currency", "amount", "business_date")
    landed = (
        credits.join(F.broadcast(few), ["customer_id", "currency", "amount", "business_date"])
        .where(F.col("_other") != F.col("account_id"))
        .select("transaction_id")
        .distinct()
        .withColumn("_landed", F.lit(True))
    )
    own = F.col("own_transfer") | F.col("_landed").isNotNull()
    outside = ~F.col("_own") & (F.col("counterparty").isNotNull() | (F.col("type") == "cash"))
    return payments.join(landed, "transaction_id", "left").withColumn("_own", own).withColumn("_outside", outside)


def with_destination(
    broken: DataFrame, key: str, accounts: DataFrame, outflows: DataFrame, as_of: date, settings: Flows
) -> DataFrame:
    """Where the money went, as far as it is known by today and within `settlement_days`.

    It has left when half of it was paid out in cash or to a counterparty that is not the customer's, or went out again from another
    account, everyday and expected payments apart. Of a payment that names no other side and lies nowhere nothing is known.

    Parameters
    ----------
    broken : DataFrame with `key`, `customer_id`, `account_id`, `_from`, `business_date` (first and last day of what was paid out),
        `amount`, `_to_own`, `_outside` (of it, base currency)
    key : str
        One row each.
    accounts : DataFrame of accounts as of today, with `principal_base`
    outflows : DataFrame as `features.flows.with_expected` returns, of the days looked at
    as_of : date
    settings : Flows

    Returns
    -------
    DataFrame with the columns of `broken` and `went`; of what was placed again or went out, `moved` (base currency) and `refs` (the
    accounts it was placed on, the transactions it went out by)
    """
    last = F.least(F.date_add("business_date", settings.settlement_days), F.lit(as_of))
    whose = dict.fromkeys((key, "account_id", "customer_id", "_from", "business_date", "amount"))
    few = F.broadcast(broken.select(*whose))
    elsewhere = (F.col("customer_id") == F.col("_c")) & (F.col("account_id") != F.col("_a"))
    opened = accounts.where(F.col("product_type").isin("time_deposit", "investment")).select(
        F.col("customer_id").alias("_c"), F.col("account_id").alias("_a"), F.col("opened_on").alias("_on"),
        F.col("principal_base").alias("_amount"),
    )
    enough = F.col("_on").between(F.col("_from"), last) & (F.col("_amount") >= F.col("amount") * PLACED_SHARE)
    placed = few.join(opened, elsewhere).where(enough).groupBy(key).agg(
        F.sum("_amount").cast("decimal(18,2)").alias("_placed"), F.sort_array(F.collect_set("_a")).alias("_placed_on"))
    large = (F.col("direction") == "debit") & ~F.col("expected") & may_recur(settings)
    out = outflows.where(large).select(
        F.col("customer_id").alias("_c"), F.col("account_id").alias("_a"), F.col("business_date").alias("_on"),
        "transaction_id", F.col("amount_base").alias("_amount"),
    )
    gone = few.join(out, elsewhere & F.col("_on").between(F.col("_from"), last)).groupBy(key).agg(
        F.sum("_amount").cast("decimal(18,2)").alias("_gone"), F.sort_array(F.collect_set("transaction_id")).alias("_gone_by"))
    half, left = F.col("amount") * LEFT_SHARE, F.coalesce("_gone", F.lit(0)) + F.coalesce("_outside", F.lit(0))
    again = F.col("_placed").isNotNull()
    return (
        broken.join(placed, key, "left")
        .join(gone, key, "left")
        .withColumns({
            "went": F.when(again, "placed_again")
            .when((left > 0) & (left >= half), "left")  # of a deposit of nothing nothing has left
            .when(F.col("_to_own") >= half, "own_account")
            .otherwise("unknown"),
            "moved": F.when(again, F.col("_placed")).otherwise(F.col("_gone")),
            "refs": F.when(again, F.col("_placed_on")).otherwise(F.col("_gone_by")),
        })
        .drop("_placed", "_placed_on", "_gone", "_gone_by")
    )


def settled(
    told: DataFrame, movements: DataFrame, accounts: DataFrame, outflows: DataFrame, first_day: date, as_of: date, settings: Flows
) -> DataFrame:
    """Broken deposits whose money was placed again, or left, after they were told.

    Parameters
    ----------
    told : DataFrame of earlier `abnormal_flows` rows, of which nothing is settled yet
    movements : DataFrame as `features.flows.owned` returns
    accounts : DataFrame of all accounts as of today, with `principal_base`
    outflows : DataFrame as `features.flows.with_expected` returns
    first_day, as_of : date
        First day looked at, and today.
    settings : Flows

    Returns
    -------
    DataFrame with `flow_id`, `customer_id`, `account_id`, `went` (placed_again or left), `amount` (of it, base currency), `refs`
    """
    still_open = (F.col("kind") == "early_withdrawal") & F.col("went").isin(*OPEN_ENDED) & (F.col("business_date") >= F.lit(first_day))
    few = told.where(still_open).select("flow_id", "customer_id", "account_id", "business_date", "amount", "transaction_ids")
    by = few.select("flow_id", F.explode("transaction_ids").alias("transaction_id"))
    began = movements.join(F.broadcast(by), "transaction_id").groupBy("flow_id").agg(F.min("business_date").alias("_from"))
    none = F.lit(None).cast("decimal(18,2)")
    broken = few.join(began, "flow_id", "left").withColumns(
        {"_from": F.coalesce("_from", "business_date"), "_to_own": none, "_outside": none})
    found = with_destination(broken, "flow_id", accounts, outflows, as_of, settings).where(~F.col("went").isin(*OPEN_ENDED))
    return found.select("flow_id", "customer_id", "account_id", "went", F.least("moved", "amount").alias("amount"), "refs")
