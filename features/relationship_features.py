"""The customer and the bank: who looks after them, and how earlier calls went."""

from __future__ import annotations

import pyspark.sql.functions as F
from pyspark.sql import DataFrame

from features.feature import Feature

_KNOWN = {"en": "how well the bank knows the customer", "zh": "银行对客户的熟悉程度"}
_CALLS = {"en": "how earlier calls went", "zh": "以往沟通情况"}

FEATURES = (
    Feature("has_relationship_manager", "BOOLEAN", "has a relationship manager of their own", _KNOWN, "yes or no", "customers",
            personal="personal"),
    Feature("alerts_365d", "BIGINT", "alerts raised within a year, before the day", _CALLS, "alerts", "alerts", 365),
    Feature("contacts_365d", "BIGINT", "outcomes reported within a year in which the customer was reached", _CALLS, "outcomes",
            "outcomes, alerts", 365),
    Feature("accepted_365d", "BIGINT", "offers accepted within a year", _CALLS, "outcomes", "outcomes, alerts", 365),
    Feature("declined_365d", "BIGINT", "offers declined within a year", _CALLS, "outcomes", "outcomes, alerts", 365),
    Feature("days_since_contact", "INT", "days since the customer was last reached", _CALLS, "days", "outcomes, alerts", 365,
            null_meaning="not reached within a year"),
)  # fmt: skip
