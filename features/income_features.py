"""Salary and other money that comes regularly, and payments that go out regularly."""

from __future__ import annotations

import pyspark.sql.functions as F
from pyspark.sql import DataFrame, Window

from features.feature import MONEY, Feature, rounded, share

MONTH_DAYS = 30  # a month here is 30 days back from the day, so that every day sees whole months
RECENT_MONTHS = 6  # that the usual month is taken from
SEEN_MONTHS = 3  # a series is regular when it was seen in as many of the last five months …
OF_MONTHS = 5
MAX_VARIATION = 0.25  # … and its amounts vary no more (standard deviation over mean)
MIN_SALARY_MONTHS = 2

_SOURCE = "transactions, accounts, fx_rates"
_SALARY = {"en": "salary", "zh": "工资收入"}
_INCOME = {"en": "regular income", "zh": "固定收入"}
_REGULAR = {"en": "regular payments", "zh": "固定支出"}
_NO_SALARY = "no salary found"

FEATURES = (
    Feature("has_salary", "BOOLEAN", "a salary came in at least two of the last six months", _SALARY, "yes or no", _SOURCE, 180),
    Feature("salary_month", MONEY, "usual month's salary: median of the last six months with one", _SALARY, "base currency", _SOURCE,
            180, null_meaning=_NO_SALARY),
    Feature("salary_last", MONEY, "amount of the last salary", _SALARY, "base currency", _SOURCE, 365, null_meaning=_NO_SALARY),
    Feature("salary_day", "INT", "day of the month of the last salary", _SALARY, "day of month", _SOURCE, 365,
            null_meaning=_NO_SALARY),
    Feature("days_since_salary", "INT", "days since the last salary", _SALARY, "days", _SOURCE, 365, null_meaning=_NO_SALARY),
    Feature("salary_change", "DOUBLE", "last salary over the median of those before it, less 1", {
        "en": "change of salary", "zh": "工资变化"}, "ratio", _SOURCE, 365, null_meaning="fewer than three salaries found"),
    Feature("months_since_salary_change", "INT", "months since a salary last differed by a tenth or more from the one before", {
        "en": "change of salary", "zh": "工资变化"}, "months", _SOURCE, 365, null_meaning="no change found within a year"),
    Feature("salary_payments_365d", "BIGINT", "salaries within a year", _SALARY, "payments", _SOURCE, 365),
    Feature("regular_income_month", MONEY, "largest monthly money in of one series that is no salary (pension, rent, support)",
            _INCOME, "base currency", _SOURCE, 150, null_meaning="no such series"),
    Feature("monthly_income_estimate", MONEY, "usual month's salary, or the regular income where there is no salary", _INCOME,
            "base currency", _SOURCE, 180, null_meaning="neither was found"),
    Feature("regular_payments", "BIGINT", "series paid in most months in like amounts (rent, instalments, premiums)", _REGULAR,
            "series", _SOURCE, 150),
    Feature("regular_payments_month", MONEY, "a month's sum of them", _REGULAR, "base currency", _SOURCE, 150),
    Feature("regular_payments_share", "DOUBLE", "that sum over the month's income estimate", _REGULAR, "share", _SOURCE, 180,
            null_meaning="no income estimate"),
)  # fmt: skip
