"""Which rare flows are told: those that are large enough to matter, on a day that is not like others; and how severe they are."""

from __future__ import annotations

import functools

import pyspark.sql.functions as F
from pyspark.sql import Column, DataFrame

from conf.settings import Flows

SATURDAY, DECEMBER = 5, 12


def is_abnormal(settings: Flows) -> Column:
    """Which judged sums are abnormal: rare for this customer, large enough to matter, and not told by an earlier day already.

    The last day must carry at least half of an even share of the sum: a quiet day after a large one is no news. Twice the return
    period is asked on holidays and month ends, and of the money with which a new customer moves in.

    Columns read: `amount`, `day_amount`, `window_days`, `usual_month`, `return_period_years`, `business_date`, `direction`, `settled`.
    """
    moving_in = ~F.col("settled") & (F.col("direction") == "credit")
    years, day = F.col("return_period_years"), F.col("business_date")
    ordinary = ~(_festive(day, settings) | _month_end(day, settings) | moving_in)
    return (
        ((years >= 2 * settings.min_return_period_years) | ((years >= settings.min_return_period_years) & ordinary))
        & (F.col("amount") >= F.lit(settings.min_amount))
        & (F.col("amount") >= F.col("usual_month") * settings.min_share_of_usual_month)
        & (F.col("day_amount") * (2 * F.col("window_days")) >= F.col("amount"))
    )


def judged_units(scored: DataFrame, settings: Flows) -> DataFrame:
    """One row a customer's day and direction: its largest surprise, and the windows in which it is abnormal.

    Parameters
    ----------
    scored : DataFrame as `abnormal_flow.surprises` returns, one row a window

    Returns
    -------
    DataFrame with `customer_id`, `business_date`, `direction`, `surprise`, `log_odds` (of the same window), `_windows` (array of structs,
    the shortest first; empty where nothing is abnormal)
    """
    abnormal = is_abnormal(settings)
    facts = F.struct(
        "window_days", "amount", "usual_amount", "return_period_years", "log_odds", "observations", "peer_group", "peer_weight",
        severity(settings).alias("severity"),
    )
    return scored.groupBy("customer_id", "business_date", "direction").agg(
        F.max("surprise").alias("surprise"),
        F.max_by("log_odds", F.struct("surprise", "log_odds")).alias("log_odds"),
        F.sort_array(F.collect_list(F.when(abnormal, facts))).alias("_windows"),
    )


def material(units: DataFrame, means: DataFrame, settings: Flows) -> DataFrame:
    """The window in which each abnormal unit is told: the shortest whose amount matters beside what the customer has and earns.

    Parameters
    ----------
    units : DataFrame as `judged_units` returns
    means : DataFrame with `customer_id`, `assets`, `annual_income`; null, or no row, where one is not known

    Returns
    -------
    DataFrame, columns of `units` with `_window` (struct; null where nothing is told) for `_windows`
    """
    assets = F.coalesce(F.col("assets").cast("double") * settings.min_share_of_assets, F.lit(0.0))
    income = F.coalesce(F.col("annual_income").cast("double") * settings.min_share_of_income, F.lit(0.0))
    least = F.greatest(assets, income)
    enough = F.filter("_windows", lambda window: window["amount"].cast("double") >= least)
    told = units.join(F.broadcast(means), "customer_id", "left").withColumn("_window", F.try_element_at(enough, F.lit(1)))
    return told.drop("_windows", *[name for name in means.columns if name != "customer_id"])


def told_once(abnormal: DataFrame) -> DataFrame:
    """Abnormal units without those whose window holds a day that an earlier one of the same look tells: a day is told once, however many
    days are looked at together.

    Parameters
    ----------
    abnormal : DataFrame as `material` returns, with a `_window`

    Returns
    -------
    DataFrame, same columns
    """
    dates = F.sort_array(F.collect_list(F.struct("business_date", "_window.window_days")))
    none = F.array().cast("array<date>")

    def kept(earlier: Column, unit: Column) -> Column:
        apart = F.date_sub(unit["business_date"], unit["window_days"] - 1) > F.array_max(earlier)
        return F.when(F.coalesce(apart, F.lit(True)), F.array_append(earlier, unit["business_date"])).otherwise(earlier)

    series = abnormal.groupBy("customer_id", "direction").agg(F.aggregate(dates, none, kept).alias("_told_on"))
    told = series.select("customer_id", "direction", F.explode("_told_on").alias("business_date"))
    return abnormal.join(told, ["customer_id", "direction", "business_date"], "left_semi")


def severity(settings: Flows) -> Column:
    """high, medium or low, from the surprise and what is at stake. Columns read: `amount`, `return_period_years`."""
    rare = F.col("return_period_years") >= settings.high_return_period_years
    large = F.col("amount") >= F.lit(settings.min_amount * 5)
    return F.when(rare & large, "high").when(rare | large, "medium").otherwise("low")


def hard_severity(kind: str, settings: Flows) -> Column:
    """Severity of an event that needs no statistics, from what is at stake and whether it can still be kept.

    Columns read: `amount`; for early withdrawals `went`, for closures `last_account`.
    """
    large = F.col("amount") >= F.lit(settings.min_amount * 5)
    if kind == "early_withdrawal":
        kept = F.col("went") == "placed_again"
        return F.when(kept, "low").when(large | (F.col("went") == "left"), "high").otherwise("medium")
    if kind == "closure":
        return F.when(F.col("last_account") | large, "high").otherwise("medium")
    return F.when(large, "high").otherwise("medium")


def _festive(day: Column, settings: Flows) -> Column:
    return F.date_format(day, "MM-dd").isin(*settings.holidays) | day.cast("string").isin(*settings.holidays)


def _month_end(day: Column, settings: Flows) -> Column:
    """Whether a day is one of `month_ends`: no other business day follows it in its month, or none came before it."""

    def no_business(first: Column, last: Column) -> Column:
        days = F.when(first <= last, F.sequence(first, last)).otherwise(F.array().cast("array<date>"))
        return ~F.exists(days, lambda each: (F.weekday(each) < SATURDAY) & ~_festive(each, settings))

    ends, starts = no_business(F.date_add(day, 1), F.last_day(day)), no_business(F.trunc(day, "month"), F.date_sub(day, 1))
    found = {"month_end": ends, "month_start": starts, "year_end": ends & (F.month(day) == DECEMBER)}
    return functools.reduce(Column.__or__, (found[name] for name in settings.month_ends), F.lit(False))
