"""Salary and other money that comes regularly, and payments that go out regularly."""

from __future__ import annotations

from decimal import Decimal

import pyspark.sql.functions as F
from pyspark.sql import DataFrame, Window

from features.feature import MONEY, Feature, money, rounded, share

MONTH_DAYS = 30  # of what happened so many months ago; sums are by calendar month, as 30 days may hold two payments of the 1st
SALARY_DAYS = 180  # that the usual month is taken from
REGULAR_DAYS = 150
SEEN_MONTHS = 3  # a series is regular when it was seen in as many months …
REGULAR_TYPES = ("transfer", "bill", "other")  # cards and cash are everyday spending, whatever comes back in them
MAX_SPREAD = 0.5  # … and its largest amount exceeds its smallest by no more than this share of the mean
MIN_SALARY_MONTHS = 2
CHANGE = Decimal("0.1")  # a salary this much higher or lower than the one before has changed; exact, as a raise is often just a tenth

_SOURCE = "transactions, accounts, fx_rates"
_SALARY = {"en": "salary", "zh": "工资收入"}
_INCOME = {"en": "regular income", "zh": "固定收入"}
_REGULAR = {"en": "regular payments", "zh": "固定支出"}
_NO_SALARY = "no salary found"

FEATURES = (
    Feature("has_salary", "BOOLEAN", "a salary came in at least two calendar months", _SALARY, "yes or no", _SOURCE, SALARY_DAYS),
    Feature(
        "salary_month",
        MONEY,
        "usual month's salary: median of the calendar months with one",
        _SALARY,
        "base currency",
        _SOURCE,
        SALARY_DAYS,
        null_meaning="no salary found in two calendar months",
    ),
    Feature("salary_last", MONEY, "amount of the last salary", _SALARY, "base currency", _SOURCE, 365, null_meaning=_NO_SALARY),
    Feature("salary_day", "INT", "day of the month of the last salary", _SALARY, "day of month", _SOURCE, 365, null_meaning=_NO_SALARY),
    Feature("days_since_salary", "INT", "days since the last salary", _SALARY, "days", _SOURCE, 365, null_meaning=_NO_SALARY),
    Feature(
        "salary_change",
        "DOUBLE",
        "last salary over the median of those before it, less 1",
        {"en": "change of salary", "zh": "工资变化"},
        "ratio",
        _SOURCE,
        365,
        null_meaning="fewer than three salaries found",
    ),
    Feature(
        "months_since_salary_change",
        "INT",
        "months of 30 days since a salary last differed by a tenth or more from the one before",
        {"en": "change of salary", "zh": "工资变化"},
        "months",
        _SOURCE,
        365,
        null_meaning="no change found within a year",
    ),
    Feature("salary_payments_365d", "BIGINT", "salaries within a year", _SALARY, "payments", _SOURCE, 365),
    Feature(
        "regular_income_month",
        MONEY,
        "usual month's money in of the largest regular series that is no salary (pension, rent, support)",
        _INCOME,
        "base currency",
        _SOURCE,
        REGULAR_DAYS,
        null_meaning="no such series",
    ),
    Feature(
        "monthly_income_estimate",
        MONEY,
        "usual month's salary, or the regular income where there is none",
        _INCOME,
        "base currency",
        _SOURCE,
        SALARY_DAYS,
        null_meaning="neither was found",
    ),
    Feature(
        "regular_payments",
        "BIGINT",
        f"series of payments (transfer, bill, other) in at least {SEEN_MONTHS} calendar months in like amounts (rent, premiums)",
        _REGULAR,
        "series",
        _SOURCE,
        REGULAR_DAYS,
    ),
    Feature("regular_payments_month", MONEY, "a usual month's sum of them", _REGULAR, "base currency", _SOURCE, REGULAR_DAYS),
    Feature(
        "regular_payments_share",
        "DOUBLE",
        "a usual month's sum of them over the month's income estimate",
        _REGULAR,
        "share",
        _SOURCE,
        SALARY_DAYS,
        null_meaning="no income estimate",
    ),
)


def income_features(sums: DataFrame, payments: DataFrame) -> DataFrame:
    """Features of salary, other regular income and regular payments.

    Parameters
    ----------
    sums : DataFrame as `features.flow_sums.flow_sums` returns
    payments : DataFrame as `features.movements.movements` returns, of `REGULAR_TYPES` and the last `REGULAR_DAYS`

    Returns
    -------
    DataFrame with `customer_id`, `as_of` and the features
    """
    both = _salaries(sums).join(_regular(payments), ["customer_id", "as_of"], "full").fillna(0, ["regular_payments_month"])
    estimate = F.coalesce("salary_month", "regular_income_month")
    return both.withColumn("monthly_income_estimate", estimate).withColumn(
        "regular_payments_share", share(F.col("regular_payments_month"), F.col("monthly_income_estimate"))
    )


def _salaries(sums: DataFrame) -> DataFrame:
    """One row a customer and day; a salary paid in several parts on one day is one."""
    each = sums.select("customer_id", "as_of", F.inline("salaries"))
    paid = each.select("customer_id", "as_of", "on", F.date_diff("as_of", "on").alias("age_days"), money(F.col("cents")).alias("amount"))
    by_month = (
        paid.where(F.col("age_days") < SALARY_DAYS)
        .groupBy("customer_id", "as_of", F.trunc("on", "month").alias("month"))
        .agg(F.sum("amount").alias("amount"))
        .groupBy("customer_id", "as_of")
        .agg(F.count("*").alias("months"), F.median(F.col("amount").cast("double")).alias("median"))
    )
    earlier = Window.partitionBy("customer_id", "as_of").orderBy(F.col("age_days").desc())
    in_order = paid.withColumn("before", F.lag("amount").over(earlier))
    changed = F.abs(F.col("amount") - F.col("before")) >= F.lit(CHANGE) * F.col("before")
    last = F.min("age_days").over(Window.partitionBy("customer_id", "as_of")) == F.col("age_days")
    summed = (
        in_order.withColumn("last", last)
        .groupBy("customer_id", "as_of")
        .agg(
            F.max(F.when(F.col("last"), F.col("amount"))).alias("salary_last"),
            F.dayofmonth(F.date_sub(F.col("as_of"), F.min("age_days"))).alias("salary_day"),
            F.min("age_days").alias("days_since_salary"),
            F.floor(F.min(F.when(changed, F.col("age_days"))) / MONTH_DAYS).cast("int").alias("months_since_salary_change"),
            F.count("*").alias("salary_payments_365d"),
            F.median(F.when(~F.col("last"), F.col("amount").cast("double"))).alias("_before"),
        )
    )
    enough = F.coalesce(F.col("months") >= MIN_SALARY_MONTHS, F.lit(False))
    change = F.when(F.col("salary_payments_365d") > MIN_SALARY_MONTHS, F.col("salary_last").cast("double") / F.col("_before") - 1)
    return summed.join(by_month, ["customer_id", "as_of"], "left").select(
        "customer_id",
        "as_of",
        enough.alias("has_salary"),
        F.when(enough, F.col("median")).cast(MONEY).alias("salary_month"),
        "salary_last",
        "salary_day",
        "days_since_salary",
        rounded(change).alias("salary_change"),
        "months_since_salary_change",
        "salary_payments_365d",
    )


def _regular(payments: DataFrame) -> DataFrame:
    """One row a customer: series of like amounts with one other side, seen in most of the last months."""
    series = ["customer_id", "as_of", "account_id", "direction", "type", "series"]
    by_month = (
        payments.where(F.col("external") & F.col("amount_base").isNotNull())
        .groupBy(*series, F.trunc("business_date", "month").alias("month"))
        .agg(
            F.sum("amount_base").alias("sum"),
            F.count("*").alias("count"),
            F.min("amount_base").alias("least"),
            F.max("amount_base").alias("most"),
        )
    )
    regular = (
        by_month.groupBy(*series)
        .agg(
            F.count("*").alias("months"),
            (F.sum("sum") / F.sum("count")).alias("mean"),
            (F.max("most") - F.min("least")).alias("spread"),
            F.median(F.col("sum").cast("double")).cast("decimal(18,3)").alias("monthly"),  # exact: half a cent at most
        )
        .where((F.col("months") >= SEEN_MONTHS) & (F.col("spread") <= MAX_SPREAD * F.col("mean")))
    )
    credit, debit = F.col("direction") == "credit", F.col("direction") == "debit"
    return regular.groupBy("customer_id", "as_of").agg(
        F.max(F.when(credit, F.col("monthly"))).cast(MONEY).alias("regular_income_month"),
        F.count_if(debit).alias("regular_payments"),
        F.coalesce(F.sum(F.when(debit, F.col("monthly"))), F.lit(0)).cast(MONEY).alias("regular_payments_month"),
    )
