"""Every movement of every account, seen from one or more days at once: the frame that all money features are counted from.

A training set asks for the same year of transactions from half a dozen days. They are read and joined once, and
only then repeated for each day that knew them.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import pyspark.sql.functions as F
from pyspark.sql import Column, DataFrame

from features.as_of import each, in_base_currency, known, known_on
from features.flows import loan_drawn, may_net, other_side, with_opposed

SATURDAY = 5
LOOKBACK_DAYS = 400  # the longest window is a year; balances are read a little further back: interest is booked at least yearly


def recent(events: DataFrame, days: Sequence[date], lookback_days: int = LOOKBACK_DAYS) -> DataFrame:
    """The events any of the days may ask for; prunes files, so that the cost does not grow with the history."""
    first = min(days) - timedelta(days=lookback_days - 1)
    return known(events.where(F.col("business_date") >= F.lit(first)), max(days), since=min(days))


def seen_from(events: DataFrame, days: Sequence[date] | None = None) -> DataFrame:
    """Repeats events for every day that knew them.

    Parameters
    ----------
    events : DataFrame with `business_date`, `recorded_on`, `superseded_on` where events are corrected, and, unless `days` are given,
        `_days` (array of dates)
    days : sequence of date, optional

    Returns
    -------
    DataFrame with `as_of` and `age_days` (0 on the day itself)
    """
    day = F.explode("_days") if days is None else each(days)
    repeated = events.withColumn("as_of", day).where(known_on(events, F.col("as_of")))
    return repeated.withColumn("age_days", F.date_diff("as_of", "business_date")).where(F.col("age_days") < LOOKBACK_DAYS).drop("_days")


def of_customer(frame: DataFrame) -> DataFrame:
    """All of one customer and day in one partition: whatever is summed and joined a customer and day moves no rows again."""
    partitions = str(frame.sparkSession.conf.get("spark.sql.shuffle.partitions"))
    return frame.repartition(int(partitions), "customer_id", "as_of")


def movements(transactions: DataFrame, accounts: DataFrame, fx_rates: DataFrame, base_currency: str, time_zone: str) -> DataFrame:
    """What each day knew of the movements on each customer's accounts; meant to be kept, as every money feature starts from it.

    Parameters
    ----------
    transactions : DataFrame as `recent` returns
    accounts : DataFrame as `versions_as_of` returns
    fx_rates : DataFrame as `latest_known_on` returns
    base_currency, time_zone : str
        The bank's.

    Returns
    -------
    DataFrame with `customer_id`, `as_of`, `account_id`, `product_type`, `business_date`, `age_days`, `direction`, `type`, `channel`,
    `series` (a hash of who or what is on the other side), `amount_base` (null where no rate was known), `balance_after`,
    `booked_at`, `nth` (`booking_number`), `hour`, `weekend`, `foreign` (currency), `own` (between accounts of the customer) and
    `external` (to or from others, as `features.flows.external_flows` means it: deposits only; equal amounts of one day that go
    both ways net, and a loan paid out nets what it is spent on)
    """
    of_day = seen_from(_owned(transactions, accounts))
    own = F.coalesce(F.array_contains("_own_days", F.col("as_of")), F.lit(False))
    candidates = of_customer(of_day.withColumns({"own": own, "_nets": may_net(own)}))
    opposed = with_opposed(candidates, "customer_id", "as_of", "business_date", "currency", "amount", "_nets")
    netted = opposed.withColumn("external", F.col("_nets") & ~F.col("opposed") & ~loan_drawn())
    return in_base_currency(netted, fx_rates, base_currency, on=["as_of"]).select(
        "customer_id",
        "as_of",
        "account_id",
        "product_type",
        "business_date",
        "age_days",
        "direction",
        "type",
        "channel",
        F.xxhash64(other_side()).alias("series"),
        "amount_base",
        "balance_after",
        "booked_at",
        booking_number().alias("nth"),
        F.hour(F.from_utc_timestamp("booked_at", time_zone)).alias("hour"),
        (F.weekday("business_date") >= SATURDAY).alias("weekend"),
        (F.col("currency") != base_currency).alias("foreign"),
        "own",
        "external",
    )


def booking_number() -> Column:
    """The last number in a `transaction_id`: of two transactions booked in one second, the greater came later.

    Of an id without a number, its CRC-32.
    """
    number = F.regexp_extract("transaction_id", r"(\d{1,18})\D*$", 1)
    return F.coalesce(number.try_cast("bigint"), F.crc32(F.col("transaction_id").cast("binary")))


def _owned(transactions: DataFrame, accounts: DataFrame) -> DataFrame:
    """Adds whose account it was on which days (`_days`), and on which the other side was the same customer's (`_own_days`)."""
    spells = accounts.groupBy("account_id", "customer_id", "product_type").agg(F.collect_set("as_of").alias("_days"))
    other = accounts.groupBy(F.col("account_id").alias("counterparty"), "customer_id").agg(F.collect_set("as_of").alias("_own_days"))
    return transactions.join(spells, "account_id").join(other, ["counterparty", "customer_id"], "left")
