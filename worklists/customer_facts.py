"""What is told about the customers on the worklists, as small frames: pure selections, a bounded number of rows each."""

from __future__ import annotations

from datetime import date

import pyspark.sql.functions as F
from pyspark.sql import Column, DataFrame, Window

from worklists.customer import AT_PRINCIPAL, CONTACTS_SHOWN, first_month


def open_accounts(accounts: DataFrame, transactions: DataFrame) -> DataFrame:
    """Open accounts with the balance last stated; a deposit or loan without one stands at its principal.

    Parameters
    ----------
    accounts : DataFrame of accounts as of the day
    transactions : DataFrame of their transactions known on the day, with `nth`, by which those of one second are told apart

    Returns
    -------
    DataFrame with `customer_id`, `account_id`, `product_type`, `currency`, `maturity_on`, `interest_rate`, `balance`
    """
    last = F.max_by("balance_after", F.struct("booked_at", "nth"))
    stated = transactions.where("balance_after IS NOT NULL").groupBy("account_id").agg(last.alias("_stated"))
    principal = F.when(F.col("product_type").isin(*AT_PRINCIPAL), F.col("principal"))
    return (
        accounts.where((F.col("status") == "open") & F.col("closed_on").isNull())
        .join(stated, "account_id", "left")
        .select(
            "customer_id", "account_id", "product_type", "currency", "maturity_on", "interest_rate",
            F.coalesce("_stated", principal).alias("balance"),
        )
    )


def monthly_flows(units: DataFrame, day: date) -> DataFrame:
    """Money in and out by calendar month, the day's month and the eleven before it.

    Parameters
    ----------
    units : DataFrame of `daily_flows`, newest knowledge of each unit
    day : date

    Returns
    -------
    DataFrame with `customer_id`, `first_day`, `money_in`, `money_out`
    """
    shown = units.where(F.col("business_date").between(F.lit(first_month(day)), F.lit(day)))
    return shown.groupBy("customer_id", F.trunc("business_date", "month").alias("first_day")).agg(
        _sum("credit").alias("money_in"), _sum("debit").alias("money_out")
    )


def last_contacts(alerts: DataFrame, outcomes: DataFrame) -> DataFrame:
    """The latest outcomes of each customer, whichever alert they belong to.

    Parameters
    ----------
    alerts : DataFrame of the customers' `alerts`, all statuses
    outcomes : DataFrame of `outcomes` known on the day

    Returns
    -------
    DataFrame with `customer_id`, `alert_id`, `recorded_at`, `business_date`, `outcome`, `cause`, `note`
    """
    newest = Window.partitionBy("customer_id").orderBy(F.col("recorded_at").desc(), F.col("alert_id").desc())
    told = alerts.select("alert_id", "customer_id").join(outcomes, "alert_id")
    return (
        told.withColumn("_nth", F.row_number().over(newest))
        .where(F.col("_nth") <= CONTACTS_SHOWN)
        .select("customer_id", "alert_id", "recorded_at", "business_date", "outcome", "cause", "note")
    )


def _sum(direction: str) -> Column:
    return F.sum(F.when(F.col("direction") == direction, F.col("amount")).otherwise(F.lit(0))).cast("decimal(18,2)")
