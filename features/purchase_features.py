"""What the customer buys: how lately, how often, for how much, of which kind, and how that changes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import get_args

import pyspark.sql.functions as F
from pyspark.sql import Column, DataFrame

from conf.settings import PurchaseGroup
from features.feature import MONEY, Feature, rounded, share

WINDOWS = (30, 90, 365)
GROUP_DAYS = 90
GROUPS: tuple[str, ...] = get_args(PurchaseGroup)
OTHER = "other"

_SOURCE = "purchases, fx_rates"
_BUYS = {"en": "shopping with partners", "zh": "合作商户消费"}
_HABIT = {"en": "shopping habits", "zh": "购物习惯"}
_WORDS = {
    "food": {"en": "food shopping", "zh": "食品消费"},
    "baby": {"en": "shopping for small children", "zh": "母婴消费"},
    "health": {"en": "spending on health and care", "zh": "健康与个护消费"},
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
            Feature("spent_{days}d", MONEY, "money spent on purchases in {days} days, refunds taken off", _BUYS, "base currency", _SOURCE),
            Feature("orders_{days}d", "BIGINT", "orders in {days} days", _BUYS, "orders", _SOURCE),
        )
        for days in WINDOWS
    ),
    Feature("days_since_purchase", "INT", "days since the last purchase", _BUYS, "days", _SOURCE, 365, null_meaning="none in a year"),
    Feature("days_since_first_purchase", "INT", "days since the first purchase within a year", _BUYS, "days", _SOURCE, 365,
            null_meaning="none in a year"),
    Feature("purchase_days_90d", "BIGINT", "days with a purchase", _HABIT, "days", _SOURCE, 90),
    Feature("basket_90d", MONEY, "mean value of an order", _HABIT, "base currency", _SOURCE, 90, null_meaning=_NONE),
    Feature("lines_per_order_90d", "DOUBLE", "mean lines of an order", _HABIT, "lines", _SOURCE, 90, null_meaning=_NONE),
    Feature("refund_share_365d", "DOUBLE", "refunds over money spent before refunds", _HABIT, "share", _SOURCE, 365,
            null_meaning=_NONE),
    Feature("spent_trend_30d", "DOUBLE", "spent a day in 30 days over that in 90 days, less 1", _BUYS, "ratio", _SOURCE, 90,
            null_meaning=_NONE),
    Feature("spent_trend_90d", "DOUBLE", "spent a day in 90 days over that in 365 days, less 1", _BUYS, "ratio", _SOURCE, 365,
            null_meaning=_NONE),
    Feature("purchase_weekend_share_90d", "DOUBLE", "share of orders on Saturday or Sunday", _HABIT, "share", _SOURCE, 90,
            null_meaning=_NONE),
    Feature("purchase_groups_90d", "BIGINT", "kinds of goods bought", _HABIT, "kinds", _SOURCE, 90),
    *(
        Feature(f"share_{group}_{{days}}d", "DOUBLE", f"share of money spent on the group {group}", _WORDS[group], "share", _SOURCE,
                null_meaning=_NONE).over(GROUP_DAYS)
        for group in GROUPS
    ),
    *(
        Feature(f"days_since_{group}", "INT", f"days since something of the group {group} was bought", _WORDS[group], "days", _SOURCE,
                365, null_meaning="nothing of it in a year")
        for group in GROUPS
    ),
)  # fmt: skip
