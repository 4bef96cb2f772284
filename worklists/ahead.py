"""What is coming in an RM's book without being an alert: deposits that mature, customers about to fall silent."""

from __future__ import annotations

from datetime import date

import pyspark.sql.functions as F
from pyspark.sql import DataFrame, Window

from conf.settings import Worklists
from worklists.selection import holder_of


def book(customers: DataFrame, restricted: DataFrame, settings: Worklists) -> DataFrame:
    """Whose book every customer is in; without those who have left and those not to be contacted.

    Parameters
    ----------
    customers : DataFrame of customers as of the day
    restricted : DataFrame with `customer_id`
    settings : Worklists

    Returns
    -------
    DataFrame with `customer_id`, `full_name`, `holder`
    """
    present = customers.where("closed_on IS NULL").join(restricted, "customer_id", "left_anti")
    return present.select("customer_id", "full_name", holder_of(settings).alias("holder"))


def coming_up(book: DataFrame, accounts: DataFrame, units: DataFrame, day: date, dormant_days: int, settings: Worklists) -> DataFrame:
    """Maturities and dormancy of the days ahead, the largest and the nearest of each holder.

    Parameters
    ----------
    book : DataFrame as `book` returns
    accounts : DataFrame of accounts as of the day
    units : DataFrame of `daily_flows`, any knowledge of each unit
    day : date
    dormant_days : int
        A customer without any flow for so long counts as dormant.
    settings : Worklists

    Returns
    -------
    DataFrame with `holder`, `customer_id`, `full_name`, `kind` (maturity, dormancy), `due_on`, `amount` and `currency` (of a
    maturity), `interest_rate`
    """
    ahead = F.date_add(F.lit(day), settings.forward_days)
    deposits = accounts.where((F.col("product_type") == "time_deposit") & (F.col("status") == "open"))
    maturing = deposits.select(
        "customer_id", F.lit("maturity").alias("kind"), F.col("maturity_on").alias("due_on"),
        F.col("principal").alias("amount"), "currency", "interest_rate",
    )
    last = units.where(F.col("business_date") <= F.lit(day)).groupBy("customer_id").agg(F.max("business_date").alias("_last_on"))
    silent = last.select(
        "customer_id", F.lit("dormancy").alias("kind"), F.date_add("_last_on", dormant_days).alias("due_on"),
        F.lit(None).cast("decimal(18,2)").alias("amount"), F.lit(None).cast("string").alias("currency"),
        F.lit(None).cast("decimal(9,6)").alias("interest_rate"),
    )
    near = maturing.unionByName(silent).where((F.col("due_on") > F.lit(day)) & (F.col("due_on") <= ahead))
    worth_most = Window.partitionBy("holder", "kind").orderBy(F.col("amount").desc_nulls_last(), "due_on", "customer_id")
    told = book.join(near, "customer_id").withColumn("_nth", F.row_number().over(worth_most))
    return told.where(F.col("_nth") <= settings.forward_rows).drop("_nth")
