"""Every feature there is: what `customer_features` holds, what models may see, and what each is called."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import pyspark.sql.functions as F
from pyspark.sql import Column, DataFrame

from features import (
    balance_features,
    demographic_features,
    flow_features,
    holding_features,
    income_features,
    profitability,
    purchase_features,
    relationship_features,
)
from features.bands import UNKNOWN
from features.feature import Feature

FAMILIES: dict[str, tuple[Feature, ...]] = {  # in the order of the table's columns
    "Who the customer is": demographic_features.FEATURES,
    "Relationship": relationship_features.FEATURES,
    "Accounts and products": holding_features.FEATURES,
    "Balances": balance_features.FEATURES,
    "Money in and out": flow_features.FEATURES,
    "Income and regular payments": income_features.FEATURES,
    "Purchases": purchase_features.FEATURES,
    "Profitability": profitability.FEATURES,
}
FEATURES: tuple[Feature, ...] = tuple(feature for family in FAMILIES.values() for feature in family)


def model_inputs() -> tuple[str, ...]:
    """Names of the features that models may be trained on."""
    return tuple(feature.name for feature in FEATURES if feature.model_input)


def phrases(language: Literal["en", "zh"]) -> dict[str, str]:
    """Feature -> what an RM calls it; features that say the same share a phrase."""
    return {feature.name: feature.phrase[language] for feature in FEATURES}


def joined(customers: DataFrame, parts: Sequence[DataFrame]) -> DataFrame:
    """One row a customer and day, whatever the parts know of them; columns and types as declared.

    Parameters
    ----------
    customers : DataFrame with `customer_id`, `as_of`, one row each
    parts : sequence of DataFrame with `customer_id`, `as_of` and features, one row each

    Returns
    -------
    DataFrame with `customer_id`, `as_of` and every feature; what is never null is 0 (or false) where nothing was found
    """
    whole = customers.select("customer_id", "as_of")
    for part in parts:
        whole = whole.join(part, ["customer_id", "as_of"], "left")
    return whole.select("customer_id", "as_of", *[_declared(feature) for feature in FEATURES])


def _declared(feature: Feature) -> Column:
    value = F.col(feature.name).cast(feature.type)
    if feature.null_meaning:
        return value.alias(feature.name)
    if feature.type == "STRING":
        return F.coalesce(value, F.lit(UNKNOWN)).alias(feature.name)
    return F.coalesce(value, F.lit(0).cast(feature.type)).alias(feature.name)
