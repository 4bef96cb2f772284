"""Events that need no statistics: a time deposit broken before its maturity, an account closed."""

from __future__ import annotations

from datetime import date, timedelta

import pyspark.sql.functions as F
from pyspark.sql import Column, DataFrame

from conf.settings import Flows

LATE_DAYS = 30  # a closing date this far back is still news when the bank has only just recorded it
OWN_BOOKINGS = ("interest", "fee")
DAYS_A_YEAR = 365


def newly_closed(accounts: DataFrame, since: date | None, first_day: date) -> DataFrame:
    """Accounts that closed, or whose closing became known, after the last look.

    Parameters
    ----------
    accounts : DataFrame of accounts as of today, with `status`, `closed_on`, `valid_from`
    since : date or None
        Day of the last look.
    first_day : date
        First day looked at on the very first look.

    Returns
    -------
    DataFrame with `closed_day`
    """
    closed = accounts.where((F.col("status") == "closed") | F.col("closed_on").isNotNull()).withColumn(
        "closed_day", F.coalesce("closed_on", "valid_from")
    )
    if since is None:
        return closed.where(F.col("closed_day") >= F.lit(first_day))
    just_recorded = F.col("recorded_on") > F.lit(since)
    late: Column = just_recorded & (F.col("closed_day") >= F.lit(since - timedelta(days=LATE_DAYS)))
    return closed.where((F.col("closed_day") > F.lit(since)) | late)  # what was known at the last look was told then, or was history


def early_withdrawals(
    accounts: DataFrame, new_transactions: DataFrame, outflows: DataFrame, since: date | None, first_day: date, as_of: date
) -> DataFrame:
    """Time deposits paid out, in part or whole, before their maturity.

    Told by either the money (a debit on the account before `maturity_on`) or the account (closed before it); one row a
    deposit of what is new, and of both the money.

    Parameters
    ----------
    accounts : DataFrame of accounts as of today, with `principal_base`
    new_transactions : DataFrame as `owned` returns, with `amount_base`, recorded since the last look and not told before
    outflows : DataFrame as `external_flows` returns, of the days looked at
    since, first_day, as_of : date

    Returns
    -------
    DataFrame with `customer_id`, `account_id`, `business_date`, `transaction_ids`, `amount`, `maturity_on`,
    `days_to_maturity`, `interest_forgone` (what the full term would have earned on the amount, simple interest),
    `went`: placed_again, own_account, left or unknown
    """
    deposits = accounts.where((F.col("product_type") == "time_deposit") & F.col("maturity_on").isNotNull())
    paid_out = (
        new_transactions.where((F.col("direction") == "debit") & ~F.col("type").isin(*OWN_BOOKINGS))
        .join(deposits.select("account_id", "maturity_on"), "account_id")
        .where((F.col("business_date") < F.col("maturity_on")) & (F.col("business_date") >= F.lit(first_day)))
        .groupBy("account_id")
        .agg(
            F.max("business_date").alias("paid_on"),
            F.sum("amount_base").cast("decimal(18,2)").alias("paid"),
            F.sort_array(F.collect_set("transaction_id")).alias("transaction_ids"),
            F.bool_or("own_transfer").alias("to_own"),
        )
    )
    closed = newly_closed(deposits, since, first_day).where("closed_day < maturity_on").select("account_id", "closed_day")
    broken = (
        deposits.join(paid_out, "account_id", "left")
        .join(closed, "account_id", "left")
        .where("paid_on IS NOT NULL OR closed_day IS NOT NULL")
        .withColumn("business_date", F.coalesce("paid_on", "closed_day"))
        .withColumn("amount", F.coalesce("paid", "principal_base"))
    )
    return _with_destination(broken, accounts, outflows, as_of).select(
        "customer_id",
        "account_id",
        "business_date",
        F.coalesce("transaction_ids", F.array().cast("array<string>")).alias("transaction_ids"),
        "amount",
        "maturity_on",
        F.date_diff("maturity_on", "business_date").alias("days_to_maturity"),
        _interest_forgone().alias("interest_forgone"),
        "went",
    )


def closures(
    accounts: DataFrame, new_transactions: DataFrame, since: date | None, first_day: date, settings: Flows
) -> DataFrame:
    """Accounts closed: by their status, or emptied by a `closure` transaction.

    A matured time deposit is no closure, and one broken early is an early withdrawal.

    Returns
    -------
    DataFrame with `customer_id`, `account_id`, `business_date`, `transaction_ids`, `amount` (paid out; 0 when unknown),
    `product_type`, `last_account` (no other deposit account of the customer is open)
    """
    of_interest = accounts.where(
        F.col("product_type").isin(*settings.closure_products) & (F.col("product_type") != "time_deposit")
    )
    emptied = (
        new_transactions.where((F.col("type") == "closure") & (F.col("business_date") >= F.lit(first_day)))
        .groupBy("account_id")
        .agg(
            F.max("business_date").alias("emptied_on"),
            F.sum(F.when(F.col("direction") == "debit", F.col("amount_base"))).cast("decimal(18,2)").alias("amount"),
            F.sort_array(F.collect_set("transaction_id")).alias("transaction_ids"),
        )
    )
    closed = newly_closed(of_interest, since, first_day).select("account_id", "closed_day")
    still_open = (
        accounts.where((F.col("status") == "open") & F.col("closed_on").isNull())
        .where(F.col("product_type").isin("current", "savings", "time_deposit", "investment"))
        .join(emptied, "account_id", "left_anti")
        .select("customer_id")
        .distinct()
        .withColumn("_stays", F.lit(True))
    )
    return (
        of_interest.join(emptied, "account_id", "left")
        .join(closed, "account_id", "left")
        .where("emptied_on IS NOT NULL OR closed_day IS NOT NULL")
        .join(still_open, "customer_id", "left")
        .select(
            "customer_id",
            "account_id",
            F.coalesce("closed_day", "emptied_on").alias("business_date"),
            F.coalesce("transaction_ids", F.array().cast("array<string>")).alias("transaction_ids"),
            F.coalesce("amount", F.lit(0)).cast("decimal(18,2)").alias("amount"),
            "product_type",
            F.col("_stays").isNull().alias("last_account"),
        )
    )


def _interest_forgone() -> Column:
    term = F.date_diff("maturity_on", "opened_on")
    return F.round(F.col("amount") * F.coalesce("interest_rate", F.lit(0)) * term / DAYS_A_YEAR, 2).cast("decimal(18,2)")


def _with_destination(broken: DataFrame, accounts: DataFrame, outflows: DataFrame, as_of: date) -> DataFrame:
    """Where the money went, as far as it is known by today."""
    opened = accounts.where(F.col("product_type").isin("time_deposit", "investment")).select(
        F.col("customer_id").alias("_c"), F.col("account_id").alias("_a"), F.col("opened_on").alias("_o"),
        F.col("principal_base").alias("_p"),
    )
    placed = (
        broken.join(opened, (F.col("customer_id") == F.col("_c")) & (F.col("account_id") != F.col("_a")))
        .where((F.col("_o") >= F.col("business_date")) & (F.col("_o") <= F.lit(as_of)) & (F.col("_p") >= F.col("amount") * 0.8))
        .select("account_id")
        .distinct()
        .withColumn("_placed", F.lit(True))
    )
    gone = (
        F.broadcast(broken.select("account_id", "customer_id", "business_date"))
        .join(
            outflows.where("direction = 'debit'").select(
                F.col("customer_id").alias("_c"), F.col("business_date").alias("_d"), "amount_base"
            ),
            (F.col("customer_id") == F.col("_c")) & (F.col("_d") >= F.col("business_date")),
        )
        .groupBy("account_id")
        .agg(F.sum("amount_base").alias("_gone"))
    )
    return (
        broken.join(placed, "account_id", "left")
        .join(gone, "account_id", "left")
        .withColumn(
            "went",
            F.when(F.col("_placed"), "placed_again")
            .when(F.coalesce("_gone", F.lit(0)) >= F.col("amount") * 0.5, "left")
            .when(F.col("to_own"), "own_account")
            .when(F.col("paid_on").isNotNull(), "left")
            .otherwise("unknown"),
        )
    )
