"""What the customer buys: how lately, how often, for how much, of which kind, and how that changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import get_args

import pyspark.sql.functions as F
from pyspark.sql import Column, DataFrame

from conf.settings import PurchaseGroup
from features.as_of import converted, with_rate
from features.feature import MONEY, Feature, share
from features.flow_features import trend
from features.movements import SATURDAY, of_customer, seen_from

WINDOWS = (30, 90, 365)
GROUP_DAYS = 90
GROUPS: tuple[str, ...] = get_args(PurchaseGroup)
OTHER = "other"

_SOURCE = "purchases, fx_rates"
_BUYS = {"en": "shopping with partners", "zh": "合作商户消费"}
_HABIT = {"en": "shopping habits", "zh": "购物习惯"}
# No group tells of a baby or of health: that may only be inferred with consent, by `life_events`.
_WORDS = {
    "food": {"en": "food shopping", "zh": "食品消费"},
    "home": {"en": "spending on home and garden", "zh": "家居消费"},
    "clothing": {"en": "spending on clothing and beauty", "zh": "服饰与美妆消费"},
    "electronics": {"en": "spending on electronics", "zh": "电子产品消费"},
    "travel": {"en": "spending on travel", "zh": "旅游消费"},
    "motor": {"en": "spending on car and fuel", "zh": "汽车与燃油消费"},
    "education": {"en": "spending on books and learning", "zh": "图书与教育消费"},
    "leisure": {"en": "spending on leisure and gifts", "zh": "休闲与礼品消费"},
}
_NONE = "nothing bought within the window"

FEATURES = (
    *(
        feature.over(days)
        for feature in (
            Feature(
                "spent_{days}d",
                MONEY,
                "money spent on purchases in {days} days, refunds taken off",
                _BUYS,
                "base currency",
                _SOURCE,
            ),
            Feature("orders_{days}d", "BIGINT", "orders in {days} days", _BUYS, "orders", _SOURCE),
        )
        for days in WINDOWS
    ),
    Feature("days_since_purchase", "INT", "days since the last purchase", _BUYS, "days", _SOURCE, 365, null_meaning="none in a year"),
    Feature(
        "days_since_first_purchase",
        "INT",
        "days since the first purchase within a year",
        _BUYS,
        "days",
        _SOURCE,
        365,
        null_meaning="none in a year",
    ),
    Feature("purchase_days_90d", "BIGINT", "days with a purchase", _HABIT, "days", _SOURCE, 90),
    Feature("basket_90d", MONEY, "mean value of an order", _HABIT, "base currency", _SOURCE, 90, null_meaning=_NONE),
    Feature("lines_per_order_90d", "DOUBLE", "mean lines of an order", _HABIT, "lines", _SOURCE, 90, null_meaning=_NONE),
    Feature(
        "refund_share_365d",
        "DOUBLE",
        "refunds over money spent before refunds",
        _HABIT,
        "share",
        _SOURCE,
        365,
        null_meaning=_NONE,
    ),
    Feature(
        "spent_trend_30d",
        "DOUBLE",
        "spent a day in 30 days over that in 90 days, less 1",
        _BUYS,
        "ratio",
        _SOURCE,
        90,
        null_meaning=_NONE,
    ),
    Feature(
        "spent_trend_90d",
        "DOUBLE",
        "spent a day in 90 days over that in 365 days, less 1",
        _BUYS,
        "ratio",
        _SOURCE,
        365,
        null_meaning=_NONE,
    ),
    Feature(
        "purchase_weekend_share_90d",
        "DOUBLE",
        "share of orders on Saturday or Sunday",
        _HABIT,
        "share",
        _SOURCE,
        90,
        null_meaning=_NONE,
    ),
    Feature("purchase_groups_90d", "BIGINT", "kinds of goods bought", _HABIT, "kinds", _SOURCE, 90),
    *(
        Feature(
            f"share_{group}_{{days}}d",
            "DOUBLE",
            f"share of money spent on the group {group}",
            _WORDS[group],
            "share",
            _SOURCE,
            null_meaning=_NONE,
        ).over(GROUP_DAYS)
        for group in GROUPS
    ),
    *(
        Feature(
            f"days_since_{group}",
            "INT",
            f"days since something of the group {group} was bought",
            _WORDS[group],
            "days",
            _SOURCE,
            365,
            null_meaning="nothing of it in a year",
        )
        for group in GROUPS
    ),
)


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
    DataFrame with `customer_id`, `as_of`, `age_days`, `weekend`, `order_id`, `group`, `amount` (base currency, refunds taken
    off), `refunded`, `lines` (bought)
    """
    group = F.lit(OTHER)
    for name, pattern in reversed(list(patterns.items())):
        group = F.when(F.col("category").rlike(pattern), name).otherwise(group)
    grouped = purchases.select("category").distinct().withColumn("group", group)
    refunded = F.col("status") == "refunded"
    value = F.round(F.col("quantity") * F.col("unit_price"), 2).cast(MONEY)
    summed = (
        purchases.join(F.broadcast(grouped), "category")
        .groupBy("customer_id", "order_id", "business_date", "recorded_on", "currency", "group")
        .agg(
            F.sum(F.when(refunded, -value).otherwise(value)).alias("amount"),
            F.sum(F.when(refunded, value).otherwise(F.lit(0))).alias("refunded"),
            F.count_if(~refunded).alias("lines"),
        )
    )
    seen = with_rate(seen_from(summed, days), fx_rates, base_currency, on=["as_of"]).select(
        "customer_id",
        "as_of",
        "age_days",
        (F.weekday("business_date") >= SATURDAY).alias("weekend"),
        F.xxhash64("order_id").alias("order_id"),
        "group",
        converted(F.col("amount")).alias("amount"),
        converted(F.col("refunded")).alias("refunded"),
        "lines",
    )
    return of_customer(seen.where(F.col("age_days") < WINDOWS[-1]))


def purchase_features(baskets: DataFrame) -> DataFrame:
    """Features of what the customer buys.

    Parameters
    ----------
    baskets : DataFrame as `baskets` returns

    Returns
    -------
    DataFrame with `customer_id`, `as_of` and the features
    """
    key = ["customer_id", "as_of"]
    orders = baskets.groupBy(*key, "order_id", "weekend", "age_days").agg(
        *[F.sum(name).alias(name) for name in ("amount", "refunded", "lines")]
    )
    bought = F.col("lines") > 0
    sums: dict[str, Column] = {}
    for days in WINDOWS:
        within = F.col("age_days") < days
        sums[f"spent_{days}d"] = F.coalesce(F.sum(F.when(within, F.col("amount"))), F.lit(0)).cast(MONEY)
        sums[f"orders_{days}d"] = F.count_if(within & bought)
    lately = (F.col("age_days") < GROUP_DAYS) & bought
    summed = orders.groupBy(*key).agg(
        *[value.alias(name) for name, value in sums.items()],
        F.min(F.when(bought, F.col("age_days"))).alias("days_since_purchase"),
        F.max(F.when(bought, F.col("age_days"))).alias("days_since_first_purchase"),
        F.size(F.collect_set(F.when(lately, F.col("age_days")))).alias("purchase_days_90d"),
        F.sum(F.when(lately, F.col("lines"))).alias("_lines"),
        F.count_if(lately & F.col("weekend")).alias("_weekend"),
        F.sum("refunded").alias("_refunded"),
    )
    basket = F.when(F.col("orders_90d") > 0, F.col("spent_90d") / F.col("orders_90d"))
    return (
        summed.join(_groups(baskets), key, "left")
        .withColumns(
            {
                "basket_90d": basket.cast(MONEY),
                "lines_per_order_90d": share(F.col("_lines"), F.col("orders_90d")),
                "purchase_weekend_share_90d": share(F.col("_weekend"), F.col("orders_90d")),
                "refund_share_365d": share(F.col("_refunded"), F.col("spent_365d") + F.col("_refunded")),
                "spent_trend_30d": trend(F.col("spent_30d"), 30, F.col("spent_90d"), 90),
                "spent_trend_90d": trend(F.col("spent_90d"), 90, F.col("spent_365d"), 365),
            }
        )
        .drop("_lines", "_weekend", "_refunded")
    )


def _groups(baskets: DataFrame) -> DataFrame:
    """Each group's share of money and days since."""
    key = ["customer_id", "as_of"]
    lately = F.col("age_days") < GROUP_DAYS
    by_group = baskets.groupBy(*key, "group").agg(
        F.sum(F.when(lately, F.col("amount"))).alias("spent"),
        F.min(F.when(F.col("lines") > 0, F.col("age_days"))).alias("ago"),
    )
    positive = F.when(F.col("spent") > 0, F.col("spent"))
    shares = {f"share_{group}_{GROUP_DAYS}d": F.coalesce(F.sum(F.when(F.col("group") == group, positive)), F.lit(0)) for group in GROUPS}
    ago = {f"days_since_{group}": F.min(F.when(F.col("group") == group, F.col("ago"))) for group in GROUPS}
    return (
        by_group.groupBy(*key)
        .agg(
            *[value.alias(name) for name, value in (shares | ago).items()],
            F.coalesce(F.sum(positive), F.lit(0)).alias("_spent"),
            F.count(positive).alias("purchase_groups_90d"),
        )
        .withColumns({name: share(F.col(name), F.col("_spent")) for name in shares})
        .drop("_spent")
    )
