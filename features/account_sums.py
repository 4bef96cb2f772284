"""What balances are worked out from, one row an account and day: its last stated balance and sums that add and subtract exactly.

The mean of the closing balances of `n` days is the balance less each movement weighed by the days before it. Those weights change
daily, so a sum of weighed movements could not be carried; the sum of movements and that of movements times their day can.
"""

from __future__ import annotations

import pyspark.sql.functions as F
from pyspark.sql import Column, DataFrame

from features.feature import cents, within
from features.movements import LOOKBACK_DAYS

MEAN_DAYS = (30, 90, 365)
CENTS = tuple(f"cents_{days}d" for days in MEAN_DAYS)  # what came in less what went out
MOMENTS = tuple(f"cent_days_{days}d" for days in MEAN_DAYS)  # each movement's cents times its day's number
STATED = "struct<booked_at: timestamp, nth: bigint, balance: decimal(18,2), on: date>"
COLUMNS = {  # name -> type, comment
    "stated": (STATED, f"the balance the bank stated last, within {LOOKBACK_DAYS} days"),
    **{name: ("BIGINT", f"in less out of {days} days, in cents of the base currency") for days, name in zip(MEAN_DAYS, CENTS, strict=True)},
    **dict.fromkeys(MOMENTS, ("DECIMAL(38,0)", "the same, each movement times its day's number")),
}


def account_sums(movements: DataFrame) -> DataFrame:
    """One row an account and day that saw a movement.

    Parameters
    ----------
    movements : DataFrame as `features.movements.movements` returns

    Returns
    -------
    DataFrame with `customer_id`, `account_id`, `as_of`, `stated` (the balance the bank stated last, of which `booked_at` and `nth`
    tell the order), `CENTS` (bigint) and `MOMENTS` (decimal)
    """
    stated = F.struct("booked_at", "nth", F.col("balance_after").alias("balance"), F.col("business_date").alias("on"))
    signed = F.when(F.col("direction") == "credit", F.col("amount_base")).otherwise(-F.col("amount_base"))
    whole, day = cents(signed), F.unix_date("business_date")

    return movements.groupBy("customer_id", "account_id", "as_of").agg(
        F.max(F.when(F.col("balance_after").isNotNull(), stated)).cast(STATED).alias("stated"),
        *[within(days, whole).alias(name) for days, name in zip(MEAN_DAYS, CENTS, strict=True)],
        *[within(days, whole.cast("decimal(20,0)") * day).alias(name) for days, name in zip(MEAN_DAYS, MOMENTS, strict=True)],
    )


def of_all_accounts(sums: DataFrame, accounts: DataFrame) -> DataFrame:
    """The sums of every account, of those without a movement too, so that they tell what was known of accounts that day.

    Parameters
    ----------
    sums : DataFrame as `account_sums` returns
    accounts : DataFrame with `account_id`, `customer_id`, `product_type`, `as_of`

    Returns
    -------
    DataFrame with `sums`' columns and `product_type`; sums are 0 where nothing moved
    """
    known = accounts.select("customer_id", "account_id", "as_of", "product_type")
    return known.join(sums, ["customer_id", "account_id", "as_of"], "left").fillna(0, list(CENTS)).withColumns(
        {name: F.coalesce(name, F.lit(0)).cast("decimal(38,0)") for name in MOMENTS}
    )


def weighted_cents(days: int) -> Column:
    """The movements of a window, each times the days of the window before it, in cents."""
    first = F.unix_date("as_of") - (days - 1)
    return F.col(f"cent_days_{days}d") - F.col(f"cents_{days}d").cast("decimal(20,0)") * first
