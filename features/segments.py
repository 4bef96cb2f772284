"""Segments: the customer's place among others in words, from configured cut points or quantiles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

import pyspark.sql.functions as F
from pyspark.sql import Column, DataFrame, Window

from conf.codes import TIERS
from conf.settings import Segments
from features.bands import UNKNOWN, band, quantile_band
from features.flow_features import NAMED_CHANNELS
from features.flow_sums import HABIT_DAYS

MONTHS = 12
NONE = "none"
BANDED = {"value": "net_value_year", "tier": "assets", "cost_to_serve": "cost_to_serve_year"}  # what `quantiles` may cut
STAFFED_SHARE = 0.5  # from here on it is staff that makes the service cost what it costs


def preferences(holdings: DataFrame, patterns: Mapping[str, str]) -> DataFrame:
    """What each customer holds most of.

    Parameters
    ----------
    holdings : DataFrame as `open_holdings` returns
    patterns : mapping of preference to regular expression over `product_id`; the first that fits counts

    Returns
    -------
    DataFrame with `customer_id`, `as_of`, `preference`: most products, then most value; the configured order decides ties
    """
    rank, name = F.lit(None).cast("int"), F.lit(None).cast("string")
    for nth, (preference, pattern) in reversed(list(enumerate(patterns.items()))):
        fits = F.col("product_id").rlike(pattern)
        rank, name = F.when(fits, nth).otherwise(rank), F.when(fits, preference).otherwise(name)
    most = Window.partitionBy("customer_id", "as_of").orderBy(F.col("products").desc(), F.col("value").desc(), "rank")
    return (
        holdings.where("is_open")
        .withColumns({"rank": rank, "preference": name})
        .where(F.col("preference").isNotNull())
        .groupBy("customer_id", "as_of", "rank", "preference")
        .agg(F.count("*").alias("products"), F.coalesce(F.sum("value"), F.lit(0)).alias("value"))
        .withColumn("nth", F.row_number().over(most))
        .where("nth = 1")
        .select("customer_id", "as_of", "preference")
    )


def segments(features: DataFrame, preferred: DataFrame, settings: Segments, reasons: Mapping[str, str]) -> DataFrame:
    """The segments of customers.

    Parameters
    ----------
    features : DataFrame of the feature catalogue
    preferred : DataFrame as `preferences` returns
    settings : Segments
    reasons : templates `loss_staffed`, `loss_small` of why the bank loses money, with {cost}, {staffed}, {earned}

    Returns
    -------
    DataFrame with `customer_id`, `as_of`, `age_band`, `income_band`, `occupation_group`, `preference`, `value_band`,
    `cost_to_serve_band`, `service_tier`, `channel_preference`, `loss_reason` (null unless the bank loses money)
    """
    bands, quantiles = settings.bands, {name: shares for name, shares in settings.quantiles if shares}
    if quantiles:
        points = [F.percentile(BANDED[name], list(shares)).alias(f"{name}_points") for name, shares in quantiles.items()]
        features = features.join(F.broadcast(features.groupBy("as_of").agg(*points)), "as_of")

    def placed(name: str, cuts: Sequence[Decimal]) -> Column:
        value = F.col(BANDED[name])
        return quantile_band(value, quantiles[name], F.col(f"{name}_points")) if name in quantiles else band(value, cuts)

    tiers = [F.col("tier_points")[nth] for nth in range(len(quantiles["tier"]))] if "tier" in quantiles else bands.tier
    income = F.coalesce("income_stated", F.col("monthly_income_estimate") * MONTHS)
    return features.join(preferred, ["customer_id", "as_of"], "left").select(
        "customer_id",
        "as_of",
        band(F.col("age"), bands.age).alias("age_band"),
        band(income, bands.income).alias("income_band"),
        "occupation_group",
        F.coalesce("preference", F.lit(NONE)).alias("preference"),
        placed("value", bands.value).alias("value_band"),
        placed("cost_to_serve", bands.cost_to_serve).alias("cost_to_serve_band"),
        service_tier(F.col("assets"), tiers).alias("service_tier"),
        _channel_preference().alias("channel_preference"),
        _loss_reason(reasons).alias("loss_reason"),
    )


def service_tier(assets: Column, cuts: Sequence[Decimal] | Sequence[Column]) -> Column:
    """How a customer is served, by assets; as many tiers as cut points allow, from below."""
    expression = F.lit(TIERS[min(len(cuts), len(TIERS) - 1)])
    for tier, cut in reversed(list(zip(TIERS, cuts, strict=False))):
        expression = F.when(assets < F.lit(cut), tier).otherwise(expression)
    return expression


def _channel_preference() -> Column:
    """The channel of most movements; the declared order decides ties."""
    counts = [F.col(f"count_{channel}_{HABIT_DAYS}d") for channel in NAMED_CHANNELS]
    most = F.greatest(*counts)
    expression = F.lit(UNKNOWN)
    for channel, count in reversed(list(zip(NAMED_CHANNELS, counts, strict=True))):
        expression = F.when(count == most, channel).otherwise(expression)
    return F.when(most > 0, expression).otherwise(UNKNOWN)


def _loss_reason(reasons: Mapping[str, str]) -> Column:
    numbers = {
        "{cost}": F.col("cost_to_serve_year"),
        "{staffed}": F.col("staffed_cost_year"),
        "{earned}": F.col("margin_year") + F.col("fees_year"),
    }

    def told(template: str) -> Column:
        text = F.lit(template)
        for place, number in numbers.items():
            text = F.replace(text, F.lit(place), F.format_number(number.cast("double"), 0))
        return text

    staffed = F.col("staffed_cost_year") >= STAFFED_SHARE * F.col("cost_to_serve_year")
    return F.when(F.col("net_value_year") < 0, F.when(staffed, told(reasons["loss_staffed"])).otherwise(told(reasons["loss_small"])))
