"""Arbitration: of all offers, which may be made to a customer, what each is worth, and in which order."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import pyspark.sql.functions as F
from pyspark.sql import Column, DataFrame, Window

from conf.offer import Offer
from models.eligibility import shelf, suitability_rules

RULES = (  # in the order `blocked_by` tells them
    "closed_customer",
    "unknown_age",
    "minor",
    "no_marketing_consent",
    "restriction",
    "min_age",
    "max_age",
    "min_income",
    "min_assets",
    "risk_profile",
    "service_tier",
    "already_held",
    "requires_holding",
    "life_event_consent",
    "no_life_event",
    "cool_down",
    "negative_value",
)


def ranked_candidates(
    scores: DataFrame,
    customers: DataFrame,
    events: DataFrame,
    talked_about: DataFrame,
    offers: Mapping[str, Offer],
    as_of: date,
) -> DataFrame:
    """Every candidate with its value, what stands against it, and its place among the customer's eligible ones.

    Value = probability × margin × (1 + the largest boost among the customer's events) - cost of contact. Ranked are the
    eligible, by value; the best of each product family comes first, further ones of a family after them. Ties fall to the higher
    probability, then to the offer's id.

    Parameters
    ----------
    scores : DataFrame as `offer_scores` gives them
    customers : DataFrame with `customer_id`, `age`, `annual_income`, `assets`, `risk_profile`, `held`, `service_tier`,
        `marketing_consent`, `life_event_consent`, `closed` (boolean), `restricted` (boolean); one row a customer
    events : DataFrame with `customer_id`, `event`: life events and kinds of abnormal flows of late
    talked_about : DataFrame with `customer_id`, `offer_id`, `last_on`: when an offer was last talked about
    offers : the shelf
    as_of : date

    Returns
    -------
    DataFrame with the columns of `offer_scores` but `reasons`; `propensity` is 1 as nothing is left to chance yet
    """
    happened = events.groupBy("customer_id").agg(F.sort_array(F.collect_set("event")).alias("events"))
    last = talked_about.groupBy("customer_id", "offer_id").agg(F.max("last_on").alias("last_on"))
    candidates = (
        scores.join(customers, "customer_id")
        .join(happened, "customer_id", "left")
        .join(last, ["customer_id", "offer_id"], "left")
        .join(F.broadcast(shelf(scores.sparkSession, offers)), "offer_id")
        .withColumn("events", F.coalesce("events", F.array().cast("array<string>")))
        .withColumn("expected_value", _expected_value())
        .withColumn("blocked_by", _blocked_by(as_of))
        .withColumn("eligible", F.size("blocked_by") == 0)
    )
    best_first = [F.col("expected_value").desc(), F.col("probability").desc(), F.col("offer_id")]
    in_family = Window.partitionBy("customer_id", "eligible", "family").orderBy(*best_first)
    overall = Window.partitionBy("customer_id", "eligible").orderBy(F.col("_in_family") > 1, *best_first)
    return (
        candidates.withColumn("_in_family", F.row_number().over(in_family))
        .withColumn("rank", F.when(F.col("eligible"), F.row_number().over(overall)))
        .select(
            "customer_id",
            "as_of",
            "offer_id",
            "probability",
            "expected_value",
            "eligible",
            "blocked_by",
            "rank",
            F.lit(1.0).alias("propensity"),
            "model_version",
        )
    )


def _expected_value() -> Column:
    """In base currency, rounded to cents so that equal offers tie equally everywhere; two events do not add up."""
    boost = F.array_max(F.transform("events", lambda event: F.try_element_at("raised_by", event)))
    return F.round(F.col("probability") * F.col("margin") * (1 + F.coalesce(boost, F.lit(0.0))) - F.col("contact_cost"), 2)


def _blocked_by(as_of: date) -> Column:
    """Names of every rule that stands against the offer, in the order of `RULES`."""
    inferred = F.arrays_overlap("events", F.map_keys("raised_by"))
    rules = suitability_rules() | {
        "closed_customer": F.col("closed"),
        "no_marketing_consent": ~F.coalesce("marketing_consent", F.lit(False)),
        "restriction": F.col("restricted"),  # never which: worklists must not tip anybody off
        "service_tier": (F.size("service_tiers") > 0)
        & ~F.coalesce(F.array_contains("service_tiers", F.col("service_tier")), F.lit(False)),
        "life_event_consent": F.col("discreet") & ~F.coalesce("life_event_consent", F.lit(False)),
        "no_life_event": F.col("discreet") & ~inferred,
        "cool_down": F.date_diff(F.lit(as_of), "last_on") < F.col("cool_down_days"),
        "negative_value": F.col("expected_value") <= 0,
    }
    named = [F.when(F.coalesce(rules[rule], F.lit(False)), F.lit(rule)) for rule in RULES]
    return F.filter(F.array(*named), lambda rule: rule.isNotNull())
