"""Regular money in that has stopped: a salary, a pension or a rent that was due and did not come."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import pyspark.sql.functions as F
from pyspark.sql import Column, DataFrame

from conf.settings import Flows
from features.flows import DEPOSIT_PRODUCTS, FLOW_TYPES, MONTH_APART_DAYS, RECURRING_LOOKBACK_DAYS, other_side

INCOME_TYPES = tuple(kind for kind in FLOW_TYPES if kind != "cash")


def stopped_series(transactions: DataFrame, overdue_from: date, day: date, settings: Flows) -> DataFrame:
    """Series of credits that came every month and whose last payment is `income_grace_days` old: on a day of the span, it is overdue.

    As in `features.flows.with_expected`, a series is one account, type and other side (or wording), and recurs when its last payment
    had a similar one in `recurring_min_months` other months of the 130 days before. Here no month between may be without one.

    Parameters
    ----------
    transactions : DataFrame known on the day, with `amount_base`; from 130 days before the oldest last payment on
    overdue_from, day : date
        The span.
    settings : Flows

    Returns
    -------
    DataFrame with `account_id`, `type`, `side`, `last_on`, `business_date` (it is overdue), `amount` (usual), `months` (running),
    `monthly` (once a month; otherwise more often), `payments` (the last `recurring_min_months`, the newest first: struct of
    `business_date`, `amount_base`, `transaction_id`)
    """
    overdue = timedelta(days=settings.income_grace_days)
    some = settings.income_min_amount / 2  # a payment somewhat smaller than usual is one that came
    income = (F.col("direction") == "credit") & F.col("type").isin(*INCOME_TYPES) & (F.col("amount_base") >= some)
    payment, paid = F.struct("business_date", "amount_base", "transaction_id"), transactions.where(income)
    just_overdue = F.col("last_on").between(F.lit(overdue_from - overdue), F.lit(day - overdue))
    due = paid.withColumnRenamed("business_date", "last_on").where(just_overdue).select("account_id").distinct()
    series = (
        paid.join(due, "account_id", "left_semi")  # of all others nothing need be put together
        .groupBy("account_id", "type", other_side().alias("side"))
        .agg(F.max("business_date").alias("last_on"), F.sort_array(F.collect_list(payment), asc=False).alias("_paid"))
        .where(just_overdue)
    )
    usual = F.col("_paid")[0]["amount_base"]

    def similar(paid: Column) -> Column:
        near = F.abs(paid["amount_base"] - usual) <= usual * settings.recurring_tolerance
        return near & (F.date_diff("last_on", paid["business_date"]) <= RECURRING_LOOKBACK_DAYS)

    alike = series.withColumn("_alike", F.filter("_paid", similar))
    months = F.array_distinct(F.transform("_alike", lambda paid: F.trunc(paid["business_date"], "month")))
    amounts = F.sort_array(F.transform("_alike", lambda paid: paid["amount_base"]))
    unbroken = F.months_between(F.array_max("_months"), F.array_min("_months")) == F.size("_months") - 1
    return (
        alike.withColumn("_months", months)
        .where((usual >= settings.income_min_amount) & (F.size("_months") > settings.recurring_min_months) & unbroken)
        .select(
            "account_id", "type", "side", "last_on",
            F.date_add("last_on", settings.income_grace_days).alias("business_date"),
            F.element_at(amounts, F.ceil(F.size(amounts) / 2).cast("int")).alias("amount"),
            F.size("_months").alias("months"),
            (F.size("_alike") == F.size("_months")).alias("monthly"),
            F.slice("_alike", 1, settings.recurring_min_months).alias("payments"),
        )
    )


def ended_incomes(
    stopped: DataFrame, transactions: DataFrame, accounts: DataFrame, missing: Sequence[date], settings: Flows
) -> DataFrame:
    """The stopped series that were an income and have ended: nothing else took their place, and the feed was there to show it.

    Left out are own transfers and what left again in the same amount on the same day; series whose account was closed, which is told as
    that; those that may have come on a day the feed misses; and incomes that go on: a similar amount came since from elsewhere, or a
    salary of at least as much.

    Parameters
    ----------
    stopped : DataFrame as `stopped_series` returns; few, and read twice
    transactions : DataFrame as there
    accounts : DataFrame as of the day, with `account_id`, `customer_id`, `product_type`, `status`, `closed_on`
    missing : sequence of date
        As `features.feed_gaps.missing_days` returns.
    settings : Flows

    Returns
    -------
    DataFrame, columns of `stopped`, and `customer_id`
    """
    is_open = (F.col("status") == "open") & F.col("closed_on").isNull() & F.col("product_type").isin(*DEPOSIT_PRODUCTS)
    gaps = F.array(*[F.lit(day) for day in missing]).cast("array<date>")
    due = (F.date_add("last_on", MONTH_APART_DAYS[0]), F.col("business_date"))
    others = accounts.select(F.col("account_id").alias("counterparty"), "customer_id")
    ended = (
        accounts.where(is_open)
        .select("account_id", "customer_id")
        .join(F.broadcast(stopped), "account_id")
        .where(~F.exists(gaps, lambda day: day.between(*due)))
        .withColumn("counterparty", F.col("side"))
        .join(others, ["counterparty", "customer_id"], "left_anti")
        .drop("counterparty")
    )
    theirs = F.broadcast(accounts.select("account_id", "customer_id").join(ended.select("customer_id").distinct(), "customer_id"))
    moved = (
        transactions.where(F.col("type").isin(*INCOME_TYPES) & (F.col("amount_base") >= settings.income_min_amount))
        .select("account_id", "counterparty", "direction", "type", "business_date", "amount_base")
        .join(theirs, "account_id")
        .join(theirs.select(F.col("account_id").alias("counterparty"), "customer_id"), ["counterparty", "customer_id"], "left_anti")
    )
    e, m = ended.alias("e"), moved.alias("m")
    left_again = (F.col("m.direction") == "debit") & F.exists(
        "e.payments", lambda paid: (paid["business_date"] == F.col("m.business_date")) & (paid["amount_base"] == F.col("m.amount_base")))
    close = F.abs(F.col("m.amount_base") - F.col("e.amount")) <= F.col("e.amount") * settings.recurring_tolerance
    salary = (F.col("m.type") == "salary") & (F.col("e.type") == "salary") & (F.col("m.amount_base") >= F.col("e.amount"))
    goes_on = (F.col("m.direction") == "credit") & (F.col("m.business_date") > F.col("e.last_on")) & (close | salary)
    return e.join(m, (F.col("e.customer_id") == F.col("m.customer_id")) & (left_again | goes_on), "left_anti")
