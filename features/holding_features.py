"""Accounts and products the customer has, since when, and what came and went."""

from __future__ import annotations

from collections.abc import Mapping
from typing import get_args

import pyspark.sql.functions as F
from pyspark.sql import Column, DataFrame

from conf.codes import PRODUCTS
from conf.offer import Family, Offer
from features.as_of import bounded
from features.feature import MONEY, Feature
from features.movements import of_customer

FAMILIES: tuple[str, ...] = get_args(Family)
INVESTED = ("wealth_product", "fund", "precious_metal", "pension")  # families whose value is part of the assets
OTHER = "other"
LATELY_DAYS, YEAR_DAYS = 90, 365

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
_ACCOUNT_WORDS = {
    "current": {"en": "current account held", "zh": "持有活期账户"},
    "savings": {"en": "savings account held", "zh": "持有储蓄账户"},
    "time_deposit": {"en": "time deposit held", "zh": "持有定期存款"},
    "credit_card": {"en": "credit card account held", "zh": "持有信用卡账户"},
    "loan": {"en": "loan account held", "zh": "持有贷款账户"},
    "investment": {"en": "investment account held", "zh": "持有投资账户"},
}

FEATURES = (
    Feature("holdings_open", "BIGINT", "products held", _HELD, "products", "holdings"),
    Feature("holdings_closed_365d", "BIGINT", "products given up within a year", _HELD, "products", "holdings", 365),
    Feature("holdings_new_90d", "BIGINT", "products taken within 90 days", _NEW, "products", "holdings", 90),
    Feature("holdings_new_365d", "BIGINT", "products taken within a year", _NEW, "products", "holdings", 365),
    Feature(
        "days_since_new_holding",
        "INT",
        "days since a product was last taken",
        _NEW,
        "days",
        "holdings",
        null_meaning="never took one",
    ),
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
        Feature(
            f"has_{product}_account",
            "BOOLEAN",
            f"has an open {product.replace('_', ' ')} account",
            _ACCOUNT_WORDS[product],
            "yes or no",
            "accounts",
        )
        for product in PRODUCTS
    ),
    Feature("foreign_accounts", "BIGINT", "open accounts in foreign currency", _HELD, "accounts", "accounts"),
    Feature(
        "tenure_days",
        "INT",
        "days since the customer joined, or opened the first account if earlier",
        _TENURE,
        "days",
        "customers, accounts",
    ),
)


def product_family(product: Column, offers: Mapping[str, Offer]) -> Column:
    """The family of the offer that sells a product; `other` where none does."""
    families = {name: offer.family for offer in offers.values() for name in offer.uptake.products}
    expression = F.lit(OTHER)
    for family in sorted(set(families.values())):
        products = sorted(name for name, its in families.items() if its == family)
        expression = F.when(product.isin(*products), family).otherwise(expression)
    return expression


def open_holdings(holdings: DataFrame, offers: Mapping[str, Offer]) -> DataFrame:
    """Holdings with their family and whether they were open.

    Parameters
    ----------
    holdings : DataFrame as `latest_known_on` returns
    offers : mapping of offer id to Offer

    Returns
    -------
    DataFrame with `customer_id`, `as_of`, `product_id`, `acquired_on`, `closed_on` (null while ahead), `value`, `family`,
    `is_open`
    """
    closed_on = F.when(F.col("closed_on") <= F.col("as_of"), F.col("closed_on"))
    return of_customer(holdings.where(F.col("acquired_on") <= F.col("as_of"))).select(
        "customer_id",
        "as_of",
        "product_id",
        "acquired_on",
        closed_on.alias("closed_on"),
        bounded(F.col("value")).alias("value"),
        product_family(F.col("product_id"), offers).alias("family"),
        closed_on.isNull().alias("is_open"),
    )


def invested_values(holdings: DataFrame) -> DataFrame:
    """Value of the holdings that count as assets.

    Parameters
    ----------
    holdings : DataFrame as `open_holdings` returns

    Returns
    -------
    DataFrame with `customer_id`, `as_of`, `invested_value`
    """
    counts = F.col("is_open") & F.col("family").isin(*INVESTED)
    return holdings.groupBy("customer_id", "as_of").agg(
        F.coalesce(F.sum(F.when(counts, F.col("value"))), F.lit(0)).cast(MONEY).alias("invested_value")
    )


def holding_features(holdings: DataFrame, accounts: DataFrame, customers: DataFrame, base_currency: str) -> DataFrame:
    """Features of accounts and products.

    Parameters
    ----------
    holdings : DataFrame as `open_holdings` returns
    accounts : DataFrame as `account_balances` returns
    customers : DataFrame as `versions_as_of` returns
    base_currency : str

    Returns
    -------
    DataFrame with `customer_id`, `as_of` and the features
    """
    key = ["customer_id", "as_of"]
    taken, gone = F.date_diff("as_of", "acquired_on"), F.date_diff("as_of", "closed_on")
    products = holdings.groupBy(*key).agg(
        F.count_if("is_open").alias("holdings_open"),
        F.count_if(gone < YEAR_DAYS).alias("holdings_closed_365d"),
        F.count_if(taken < LATELY_DAYS).alias("holdings_new_90d"),
        F.count_if(taken < YEAR_DAYS).alias("holdings_new_365d"),
        F.min(taken).alias("days_since_new_holding"),
        F.coalesce(F.sum(F.when(F.col("is_open"), F.col("value"))), F.lit(0)).cast(MONEY).alias("holdings_value"),
        *[F.bool_or(F.col("is_open") & (F.col("family") == family)).alias(f"has_{family}") for family in FAMILIES],
    )
    opened, closed = F.date_diff("as_of", "opened_on"), F.date_diff("as_of", "closed_on")
    kinds = accounts.groupBy(*key).agg(
        F.count_if("is_open").alias("accounts_open"),
        F.count_if(closed < YEAR_DAYS).alias("accounts_closed_365d"),
        F.count_if(opened < YEAR_DAYS).alias("accounts_opened_365d"),
        F.count_distinct(F.when(F.col("is_open"), F.col("product_type"))).alias("account_products"),
        *[F.bool_or(F.col("is_open") & (F.col("product_type") == product)).alias(f"has_{product}_account") for product in PRODUCTS],
        F.count_if(F.col("is_open") & (F.col("currency") != base_currency)).alias("foreign_accounts"),
        F.min("opened_on").alias("_first"),
    )
    since = F.least(F.col("joined_on"), F.col("_first"))
    return (
        customers.select(*key, "joined_on")
        .join(products, key, "left")
        .join(kinds, key, "left")
        .withColumn("tenure_days", F.greatest(F.date_diff("as_of", since), F.lit(0)))
        .drop("joined_on", "_first")
    )
