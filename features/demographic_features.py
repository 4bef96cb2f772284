"""Who the customer is, as stated to the bank and known on the day."""

from __future__ import annotations

from collections.abc import Mapping

import pyspark.sql.functions as F
from pyspark.sql import Column, DataFrame

from features.bands import UNKNOWN, age_on
from features.feature import MONEY, Feature

_ABOUT = {"en": "who the customer is", "zh": "客户基本情况"}
_INCOME = {"en": "stated income", "zh": "申报收入"}
_RISK = {"en": "risk profile", "zh": "风险偏好"}

FEATURES = (
    Feature(
        "age",
        "INT",
        "whole years of age on the day",
        _ABOUT,
        "years",
        "customers",
        null_meaning="birth date unknown",
        personal="personal",
        model_input=False,
    ),
    Feature(
        "income_stated",
        MONEY,
        "yearly income as stated",
        _INCOME,
        "base currency a year",
        "customers",
        null_meaning="never stated",
    ),
    Feature(
        "occupation_group",
        "STRING",
        "group of the stated occupation; `other` where none fits, `unknown` where nothing is stated",
        {"en": "occupation", "zh": "职业"},
        "group",
        "customers",
        personal="personal",
    ),
    Feature(
        "marital_status",
        "STRING",
        "as stated",
        _ABOUT,
        "status",
        "customers",
        null_meaning="never stated",
        personal="personal",
        model_input=False,
    ),
    Feature(
        "region",
        "STRING",
        "where the customer lives",
        _ABOUT,
        "region",
        "customers",
        null_meaning="unknown",
        personal="personal",
        model_input=False,
    ),
    Feature(
        "risk_profile",
        "INT",
        "1 (cautious) to 5 (speculative)",
        _RISK,
        "class",
        "customers",
        null_meaning="never asked; counts as cautious where it decides",
        personal="personal",
    ),
    Feature(
        "marketing_consent",
        "BOOLEAN",
        "may be offered products",
        _ABOUT,
        "yes or no",
        "customers",
        personal="none",
        model_input=False,
    ),
)


def demographic_features(customers: DataFrame, occupation_groups: Mapping[str, str]) -> DataFrame:
    """Features of who the customer is.

    Parameters
    ----------
    customers : DataFrame as `versions_as_of` returns, one row a customer and `as_of`
    occupation_groups : mapping of group to regular expression over the stated occupation; the first that fits counts

    Returns
    -------
    DataFrame with `customer_id`, `as_of` and the features
    """
    return customers.select(
        "customer_id",
        "as_of",
        age_on(F.col("birth_date"), F.col("as_of")).alias("age"),
        F.col("annual_income").cast(MONEY).alias("income_stated"),
        occupation_group(F.col("occupation"), occupation_groups).alias("occupation_group"),
        "marital_status",
        "region",
        "risk_profile",
        F.coalesce("marketing_consent", F.lit(False)).alias("marketing_consent"),
    )


def occupation_group(occupation: Column, groups: Mapping[str, str]) -> Column:
    """The first group whose pattern is found in a stated occupation; `other` where none fits, `unknown` without one."""
    expression = F.when(occupation.isNull(), UNKNOWN)
    for group, pattern in groups.items():
        expression = expression.when(occupation.rlike(pattern), group)
    return expression.otherwise("other")
