"""Accounts and products the customer has, since when, and what came and went."""

from __future__ import annotations

from collections.abc import Mapping
from typing import get_args

import pyspark.sql.functions as F
from pyspark.sql import Column, DataFrame

from conf.offer import Family, Offer
from features.feature import MONEY, Feature

FAMILIES: tuple[str, ...] = get_args(Family)
INVESTED = ("wealth_product", "fund", "precious_metal", "pension")  # families whose value is part of the assets
ACCOUNT_PRODUCTS = ("current", "savings", "time_deposit", "credit_card", "loan", "investment")
OTHER = "other"

_HELD = {"en": "products already held", "zh": "已持有产品"}
_TENURE = {"en": "length of the relationship", "zh": "客户关系年限"}
_NEW = {"en": "products taken lately", "zh": "近期新办产品"}
_WORDS = {
    "deposit": {"en": "deposit products held", "zh": "持有存款产品"},
    "wealth_product": {"en": "wealth products held", "zh": "持有理财产品"},
    "fund": {"en": "funds held", "zh": "持有基金"},
    "insurance": {"en": "insurance held", "zh": "持有保险"},
    "loan": {"en": "loans held", "zh": "持有贷款"},
    "card": {"en": "cards held", "zh": "持有信用卡"},
    "precious_metal": {"en": "precious metals held", "zh": "持有贵金属"},
    "fx": {"en": "foreign currency held", "zh": "持有外汇"},
    "pension": {"en": "pension plan held", "zh": "持有养老产品"},
    "partner": {"en": "partner services used", "zh": "使用合作服务"},
}

FEATURES = (
    Feature("holdings_open", "BIGINT", "products held", _HELD, "products", "holdings"),
    Feature("holdings_closed_365d", "BIGINT", "products given up within a year", _HELD, "products", "holdings", 365),
    Feature("holdings_new_90d", "BIGINT", "products taken within 90 days", _NEW, "products", "holdings", 90),
    Feature("holdings_new_365d", "BIGINT", "products taken within a year", _NEW, "products", "holdings", 365),
    Feature("days_since_new_holding", "INT", "days since a product was last taken", _NEW, "days", "holdings",
            null_meaning="never took one"),
    Feature("holdings_value", MONEY, "value of products held, as the feed tells it", _HELD, "base currency", "holdings"),
    *(
        Feature(f"has_{family}", "BOOLEAN", f"holds a product of the family {family}", _WORDS[family], "yes or no", "holdings, offers")
        for family in FAMILIES
    ),
    Feature("accounts_open", "BIGINT", "open accounts", _HELD, "accounts", "accounts"),
    Feature("accounts_closed_365d", "BIGINT", "accounts closed within a year", _HELD, "accounts", "accounts", 365),
    Feature("accounts_opened_365d", "BIGINT", "accounts opened within a year", _NEW, "accounts", "accounts", 365),
    Feature("account_products", "BIGINT", "kinds of account open", _HELD, "kinds", "accounts"),
    *(
        Feature(f"has_{product}_account", "BOOLEAN", f"has an open {product.replace('_', ' ')} account", _HELD, "yes or no", "accounts")
        for product in ACCOUNT_PRODUCTS
    ),
    Feature("foreign_accounts", "BIGINT", "open accounts in foreign currency", _HELD, "accounts", "accounts"),
    Feature("tenure_days", "INT", "days since the customer joined, or opened the first account if earlier", _TENURE, "days",
            "customers, accounts"),
)  # fmt: skip
