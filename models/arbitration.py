"""Arbitration: of all offers, which may be made to a customer, what each is worth, and in which order."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import pyspark.sql.functions as F
from pyspark.sql import Column, DataFrame, Window

from conf.offer import BUNDLE, Offer
from conf.settings import ContactPolicy
from models.bundles import as_one, with_its_offers
from models.eligibility import shelf, suitability_rules
from models.exploration import explored, lot
from models.rules import RULES


def ranked_candidates(
    scores: DataFrame,
    customers: DataFrame,
    events: DataFrame,
    talked_about: DataFrame,
    told: DataFrame,
    offers: Mapping[str, Offer],
    policy: ContactPolicy,
    as_of: date,
) -> DataFrame:
    """Every candidate with its value, what stands against it, and its place among the customer's eligible ones.

    Value = probability × margin - cost of contact, the odds of that probability raised by the largest boost among the customer's
    events: it stays below 1, whatever happened. Ranked are the eligible, by value; the best of each product family comes first,
    further ones of a family after them. Ties fall to the higher probability, then to the offer's id. For a few customers the lot
    puts another first (`explored`).

    A bundle is one candidate among the others, of a family of its own: `as_one` makes it of its offers. Talk about it was talk about each
    of them.

    Parameters
    ----------
    scores : DataFrame as `offer_scores` gives them, or `with_bundles`
    customers : DataFrame with `customer_id`, `age`, `annual_income`, `assets`, `risk_profile`, `held`, `service_tier`,
        `marketing_consent`, `life_event_consent`, `closed` (boolean), `restricted` (boolean); one row a customer
    events : DataFrame with `customer_id`, `event`: life events and kinds of abnormal flows of late
    talked_about : DataFrame with `customer_id`, `offer_id`, `last_on`: when an offer was last talked about
    told : DataFrame with `customer_id`, `offer_id`, `raised_on`: when an offer last opened a call of its own
    offers : the shelf
    policy : ContactPolicy
    as_of : date

    Returns
    -------
    DataFrame with the columns of `offer_scores` but `reasons`
    """
    happened = events.groupBy("customer_id").agg(F.sort_array(F.collect_set("event")).alias("events"))
    talked_about = talked_about.withColumn("offer_id", F.explode(with_its_offers(offers)))
    spoken = talked_about.unionByName(told, allowMissingColumns=True)
    last = spoken.groupBy("customer_id", "offer_id").agg(F.max("last_on").alias("last_on"), F.max("raised_on").alias("told_on"))
    candidates = (
        scores.join(customers, "customer_id")
        .join(happened, "customer_id", "left")
        .join(last, ["customer_id", "offer_id"], "left")
        .join(F.broadcast(shelf(scores.sparkSession, offers)), "offer_id")
        .withColumn("events", F.coalesce("events", F.array().cast("array<string>")))
        .withColumn("blocked_by", _blocked_by(policy, as_of))
    )
    if any(offer.bundle for offer in offers.values()):
        candidates = as_one(candidates, offers)
    worthless = F.when(F.col("expected_value") <= 0, F.array(F.lit("negative_value"))).otherwise(F.array().cast("array<string>"))
    candidates = (
        candidates.withColumn("expected_value", _expected_value())
        .withColumn("blocked_by", F.concat("blocked_by", worthless))
        .withColumn("eligible", F.size("blocked_by") == 0)
    )
    best_first = [F.col("expected_value").desc(), F.col("probability").desc(), F.col("offer_id")]
    in_family = Window.partitionBy("customer_id", "eligible", "family").orderBy(*best_first)
    overall = Window.partitionBy("customer_id", "eligible").orderBy(F.col("_in_family") > 1, *best_first)
    opens = F.col("eligible") & _may_open_a_call(policy, as_of)
    ranked = (
        candidates.withColumns({"_in_family": F.row_number().over(in_family), "_opens_in_family": F.count_if(opens).over(in_family)})
        .withColumn("rank", F.when(F.col("eligible"), F.row_number().over(overall)))
        .withColumn("opens", opens & (F.col("_opens_in_family") == 1))
    )
    return explored(ranked, policy).select(
        "customer_id", "as_of", "offer_id", "probability", "expected_value", "eligible", "blocked_by", "rank", "propensity",
        "model_version",
    )  # fmt: skip


def _may_open_a_call(policy: ContactPolicy, as_of: date) -> Column:
    """Whether a relationship manager would call for it alone, as `worklists.sales_matters.untold_offers` chooses; never null."""
    rested = F.coalesce(F.date_diff(F.lit(as_of), "told_on") >= F.col("cool_down_days"), F.lit(True))
    return (F.col("expected_value") >= float(policy.min_expected_value)) & ~F.col("discreet") & rested


def _expected_value() -> Column:
    """In base currency, rounded to cents so that equal offers tie equally everywhere; two events do not add up."""
    boost = F.array_max(F.transform("events", lambda event: F.try_element_at("raised_by", event)))
    raised = F.col("probability") * (1 + F.coalesce(boost, F.lit(0.0)))
    return F.round(raised / (1 - F.col("probability") + raised) * F.col("margin") - F.col("contact_cost"), 2)


def _blocked_by(policy: ContactPolicy, as_of: date) -> Column:
    """Names of every rule that stands against the offer whatever it is worth, in the order of `RULES`."""
    inferred = F.arrays_overlap("events", F.map_keys("raised_by"))
    rules = suitability_rules() | {
        "closed_customer": F.col("closed"),
        "no_marketing_consent": ~F.coalesce("marketing_consent", F.lit(False)),
        "restriction": F.col("restricted"),  # never which: worklists must not tip anybody off
        "service_tier": _not_of_the_tier(policy),
        "life_event_consent": F.col("discreet") & ~F.coalesce("life_event_consent", F.lit(False)),
        "no_life_event": F.col("discreet") & ~inferred,
        "offer_control_group": (F.col("new_until") >= F.lit(as_of)) & in_control_group_of_offer(policy),
        "cool_down": F.date_diff(F.lit(as_of), "last_on") < F.col("cool_down_days"),
    }
    named = [F.when(F.coalesce(rules[rule], F.lit(False)), F.lit(rule)) for rule in RULES if rule in rules]
    return F.filter(F.array(*named), lambda rule: rule.isNotNull())


def _not_of_the_tier(policy: ContactPolicy) -> Column:
    """Whether the offer names service tiers without the customer's, or the customer's tier names families without the offer's."""
    by_offer = (F.size("service_tiers") > 0) & ~F.coalesce(F.array_contains("service_tiers", F.col("service_tier")), F.lit(False))
    by_tier = [
        (F.col("service_tier") == tier) & ~F.col("family").isin([BUNDLE, *served.families])  # a bundle: of its offers
        for tier, served in policy.tiers.items() if served.families is not None
    ]  # fmt: skip
    return F.greatest(by_offer, F.lit(False), *by_tier)


def in_control_group_of_offer(policy: ContactPolicy) -> Column:
    """Whether lot keeps an offer from a customer while it is new. Columns read: `customer_id`, `offer_id`, `control_share`."""
    return lot(F.concat_ws("|", F.lit(policy.control_salt), F.lit("offer"), "offer_id", "customer_id")) < F.col("control_share")
