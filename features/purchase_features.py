"""What the customer buys: how lately, how often, for how much, of which kind, and how that changes."""

from __future__ import annotations

import pyspark.sql.functions as F
from pyspark.sql import Column, DataFrame

from features.feature import MONEY, Feature, money, share
from features.flow_features import trend
from features.purchase_sums import GROUPS, HABIT_DAYS, OTHER, WINDOWS

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
_NOT_SPENT = "nothing spent within the window, refunds taken off"

FEATURES = (
    *(
        feature.over(days)
        for feature in (
            Feature(
                "spent_{days}d",
                MONEY,
                "money spent on purchases in {days} days, less refunds",
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
    Feature("basket_90d", MONEY, "money spent over orders, refunds taken off", _HABIT, "base currency", _SOURCE, 90, null_meaning=_NONE),
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
        null_meaning=_NOT_SPENT,
    ),
    Feature(
        "spent_trend_90d",
        "DOUBLE",
        "spent a day in 90 days over that in 365 days, less 1",
        _BUYS,
        "ratio",
        _SOURCE,
        365,
        null_meaning=_NOT_SPENT,
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
    Feature("purchase_groups_90d", "BIGINT", "groups of goods money was spent on, the rest as one more", _HABIT, "kinds", _SOURCE, 90),
    *(
        Feature(
            f"share_{group}_{{days}}d",
            "DOUBLE",
            f"share of money spent on the group {group}",
            _WORDS[group],
            "share",
            _SOURCE,
            null_meaning=_NOT_SPENT,
        ).over(HABIT_DAYS)
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


def purchase_features(sums: DataFrame) -> DataFrame:
    """Features of what the customer buys.

    Parameters
    ----------
    sums : DataFrame as `features.purchase_sums.purchase_sums` returns

    Returns
    -------
    DataFrame with `customer_id`, `as_of` and the features
    """
    ago = F.col("bought")["on"]
    lately = F.filter(F.array_distinct(ago), lambda day: F.date_diff("as_of", day) < HABIT_DAYS)
    spent = {group: F.greatest(money(F.col(f"{group}_cents")), F.lit(0)) for group in (*GROUPS, OTHER)}
    told: dict[str, Column] = {
        **{f"spent_{days}d": money(F.col(f"spent_cents_{days}d")) for days in WINDOWS},
        **{f"orders_{days}d": F.col(f"orders_{days}d") for days in WINDOWS},
        "days_since_purchase": F.date_diff("as_of", F.array_max(ago)),
        "days_since_first_purchase": F.date_diff("as_of", F.array_min(ago)),
        "purchase_days_90d": F.size(lately),
        "lines_per_order_90d": share(F.col("lines"), F.col("orders_90d")),
        "purchase_weekend_share_90d": share(F.col("weekend_orders"), F.col("orders_90d")),
        "purchase_groups_90d": sum(((amount > 0).cast("bigint") for amount in spent.values()), F.lit(0)),
        "_refunded": money(F.col("refunded_cents")),
        "_grouped": sum(spent.values(), F.lit(0)),
        **{f"share_{group}_{HABIT_DAYS}d": spent[group] for group in GROUPS},
        **{f"days_since_{group}": F.date_diff("as_of", F.array_max(_days_of(group))) for group in GROUPS},
    }
    basket = F.when(F.col("orders_90d") > 0, F.col("spent_90d") / F.col("orders_90d"))
    derived = {
        "basket_90d": basket.cast(MONEY),
        "refund_share_365d": share(F.col("_refunded"), F.col("spent_365d") + F.col("_refunded")),
        "spent_trend_30d": trend(F.col("spent_30d"), 30, F.col("spent_90d"), 90),
        "spent_trend_90d": trend(F.col("spent_90d"), 90, F.col("spent_365d"), 365),
        **{f"share_{group}_{HABIT_DAYS}d": share(F.col(f"share_{group}_{HABIT_DAYS}d"), F.col("_grouped")) for group in GROUPS},
    }
    plain = sums.select("customer_id", "as_of", *[value.alias(name) for name, value in told.items()])
    return plain.withColumns(derived).drop("_refunded", "_grouped")


def _days_of(group: str) -> Column:
    return F.filter("bought", lambda each: each["group"] == group)["on"]
