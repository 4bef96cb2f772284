"""Every feature there is: what `customer_features` holds, what models may see, and what each is called."""

from __future__ import annotations

from typing import Literal

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
