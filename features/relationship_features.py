"""The customer and the bank: who looks after them, and how earlier calls went."""

from __future__ import annotations

import pyspark.sql.functions as F
from pyspark.sql import DataFrame

from conf.codes import REACHED
from features.feature import Feature

YEAR_DAYS = 365

_KNOWN = {"en": "how well the bank knows the customer", "zh": "银行对客户的熟悉程度"}
_CALLS = {"en": "how earlier calls went", "zh": "以往沟通情况"}

FEATURES = (
    Feature(
        "has_relationship_manager",
        "BOOLEAN",
        "has a relationship manager of their own",
        _KNOWN,
        "yes or no",
        "customers",
        personal="personal",
    ),
    Feature("alerts_365d", "BIGINT", "alerts raised within a year, before the day, those held back too", _CALLS, "alerts", "alerts", 365),
    Feature(
        "contacts_365d",
        "BIGINT",
        "outcomes reported within a year in which the customer was reached",
        _CALLS,
        "outcomes",
        "outcomes, alerts",
        365,
    ),
    Feature("accepted_365d", "BIGINT", "calls within a year that ended `accepted`", _CALLS, "outcomes", "outcomes, alerts", 365),
    Feature("declined_365d", "BIGINT", "calls within a year that ended `declined`", _CALLS, "outcomes", "outcomes, alerts", 365),
    Feature(
        "days_since_contact",
        "INT",
        "days since the customer was last reached",
        _CALLS,
        "days",
        "outcomes, alerts",
        365,
        null_meaning="not reached within a year",
    ),
)


def relationship_features(customers: DataFrame, alerts: DataFrame, outcomes: DataFrame) -> DataFrame:
    """Features of the customer and the bank.

    Parameters
    ----------
    customers : DataFrame as `versions_as_of` returns
    alerts : DataFrame with `alert_id`, `customer_id`, `raised_on`; an alert's status is not looked at, as it changes later
    outcomes : DataFrame as `features.movements.seen_from` returns, with `alert_id`, `outcome`, `age_days`

    Returns
    -------
    DataFrame with `customer_id`, `as_of` and the features
    """
    key = ["customer_id", "as_of"]
    ago = F.date_diff("as_of", "raised_on")
    raised = (
        alerts.join(customers.select(*key), "customer_id")
        .where((ago > 0) & (ago < YEAR_DAYS))
        .groupBy(*key)
        .agg(F.count("*").alias("alerts_365d"))
    )
    reached = F.col("outcome").isin(*REACHED)
    told = (
        outcomes.where(F.col("age_days") < YEAR_DAYS)
        .join(alerts.select("alert_id", "customer_id"), "alert_id")
        .groupBy(*key)
        .agg(
            F.count_if(reached).alias("contacts_365d"),
            F.count_if(F.col("outcome") == "accepted").alias("accepted_365d"),
            F.count_if(F.col("outcome") == "declined").alias("declined_365d"),
            F.min(F.when(reached, F.col("age_days"))).alias("days_since_contact"),
        )
    )
    known = F.col("relationship_manager_id").isNotNull().alias("has_relationship_manager")
    return customers.select(*key, known).join(raised, key, "left").join(told, key, "left")
