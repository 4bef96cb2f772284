"""What the features of purchases add up from, one row a customer and day: sums that add and subtract exactly, and one short list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import get_args

import pyspark.sql.functions as F
from pyspark.sql import Column, DataFrame

from conf.settings import PurchaseGroup
from features.as_of import bounded, converted, with_rate
from features.feature import cents, within
from features.movements import SATURDAY, of_customer, seen_from

WINDOWS = (30, 90, 365)
HABIT_DAYS = 90  # of groups and orders
YEAR_DAYS = WINDOWS[-1]
GROUPS: tuple[str, ...] = get_args(PurchaseGroup)
OTHER = "other"
BOUGHT = "array<struct<on: date, group: string>>"

OF_ORDERS = {  # name -> comment; an order of which something was bought
    **{f"orders_{days}d": f"orders of {days} days" for days in WINDOWS},
    "lines": f"lines of the orders of {HABIT_DAYS} days",
    "weekend_orders": f"orders of {HABIT_DAYS} days on Saturday or Sunday",
}
OF_MONEY = {
    **{f"spent_cents_{days}d": f"cents spent in {days} days, less refunds" for days in WINDOWS},
    **{f"{group}_cents": f"cents spent in {HABIT_DAYS} days on the group {group}" for group in (*GROUPS, OTHER)},
    "refunded_cents": f"cents refunded in {YEAR_DAYS} days",
    "baskets": f"rows of baskets within {YEAR_DAYS} days: without one there is no row",
}
SUMS = (*OF_ORDERS, *OF_MONEY)
COLUMNS = {  # name -> type, comment
    **{name: ("BIGINT", told) for name, told in (OF_ORDERS | OF_MONEY).items()},
    "bought": (BOUGHT, f"days of {YEAR_DAYS} on which something of a group was bought"),
}


def baskets(
    purchases: DataFrame, fx_rates: DataFrame, days: Sequence[date], base_currency: str, patterns: Mapping[PurchaseGroup, str]
) -> DataFrame:
    """Order lines summed by order and group of goods, as each day knew them: what every purchase feature starts from.

    A category's group is looked up once a category, not once a line.

    Parameters
    ----------
    purchases : DataFrame as `features.movements.recent` returns
    fx_rates : DataFrame as `latest_known_on` returns
    days : sequence of date
    base_currency : str
    patterns : mapping of group to regular expression over `category`; the first that fits counts

    Returns
    -------
    DataFrame with `customer_id`, `as_of`, `business_date`, `age_days`, `order_id`, `group`, `amount` (base currency, refunds taken
    off), `refunded`, `lines` (bought)
    """
    group = F.lit(OTHER)
    for name, pattern in reversed(list(patterns.items())):
        group = F.when(F.col("category").rlike(pattern), name).otherwise(group)
    grouped = purchases.select("category").distinct().withColumn("group", group)
    refunded = F.col("status") == "refunded"
    value = bounded(F.round(F.col("quantity") * F.col("unit_price"), 2))
    summed = (
        purchases.join(F.broadcast(grouped), "category")
        .groupBy("customer_id", "order_id", "business_date", "recorded_on", "superseded_on", "currency", "group")
        .agg(
            F.sum(F.when(refunded, -value).otherwise(value)).alias("amount"),
            F.sum(F.when(refunded, value).otherwise(F.lit(0))).alias("refunded"),
            F.count_if(~refunded).alias("lines"),
        )
    )
    seen = with_rate(seen_from(summed, days), fx_rates, base_currency, on=["as_of"]).select(
        "customer_id",
        "as_of",
        "business_date",
        "age_days",
        F.xxhash64("order_id").alias("order_id"),
        "group",
        converted(F.col("amount")).alias("amount"),
        converted(F.col("refunded")).alias("refunded"),
        "lines",
    )
    return of_customer(seen.where(F.col("age_days") < YEAR_DAYS))


def purchase_sums(baskets: DataFrame) -> DataFrame:
    """One row a customer and day that saw a purchase or a refund within a year.

    Parameters
    ----------
    baskets : DataFrame as `baskets` returns; read twice, so keep it when it is large

    Returns
    -------
    DataFrame with `customer_id`, `as_of` and `COLUMNS`: sums as bigint, money in cents; `bought` sorted
    """
    key, age = ["customer_id", "as_of"], F.col("age_days")
    weekend = F.weekday("business_date") >= SATURDAY
    orders = baskets.groupBy(*key, "order_id", "business_date", "age_days").agg(F.sum("lines").alias("lines")).where("lines > 0")
    of_orders = {f"orders_{days}d": F.count_if(age < days) for days in WINDOWS}
    of_orders |= {"lines": within(HABIT_DAYS, F.col("lines")), "weekend_orders": F.count_if((age < HABIT_DAYS) & weekend)}
    amount = cents(F.col("amount"))
    of_money = {f"spent_cents_{days}d": within(days, amount) for days in WINDOWS}
    of_money |= {f"{group}_cents": within(HABIT_DAYS, F.when(F.col("group") == group, amount)) for group in (*GROUPS, OTHER)}
    of_money |= {"refunded_cents": within(YEAR_DAYS, cents(F.col("refunded"))), "baskets": F.count("*")}
    bought = F.collect_set(F.when(F.col("lines") > 0, F.struct(F.col("business_date").alias("on"), "group")))
    summed = baskets.groupBy(*key).agg(*_named(of_money), F.sort_array(bought).cast(BOUGHT).alias("bought"))
    counted = orders.groupBy(*key).agg(*_named(of_orders))
    return summed.join(counted, key, "left").fillna(0, list(OF_ORDERS)).select(*key, *COLUMNS)


def _named(values: Mapping[str, Column]) -> list[Column]:
    return [value.alias(name) for name, value in values.items()]
