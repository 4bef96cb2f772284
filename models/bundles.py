"""Bundles: several offers of the shelf, for a moment in life, made one candidate of what is known of each."""

from __future__ import annotations

from collections.abc import Mapping

import pyspark.sql.functions as F
from pyspark.sql import Column, DataFrame, Window

from conf.offer import Offer
from models.rules import RULES
from models.scoring import DIGITS


def with_bundles(scores: DataFrame, bundles: Mapping[str, Offer]) -> DataFrame:
    """Scores and a row for each bundle that has none: without a probability, which then follows from its offers.

    Parameters
    ----------
    scores : DataFrame as `offer_scores` gives them
    bundles : bundles without a model of their own

    Returns
    -------
    DataFrame, same columns
    """
    leads: dict[str, list[str]] = {}
    for offer_id, offer in sorted(bundles.items()):
        leads.setdefault(offer.holds(offer_id)[0], []).append(offer_id)
    named = F.array("offer_id")
    for first, led in leads.items():
        named = F.when(F.col("offer_id") == first, F.array(*map(F.lit, (first, *led)))).otherwise(named)
    told = {name: F.when(F.col("offer_id") == F.col("_own"), F.col(name)) for name in ("probability", "model_version")}
    rows = scores.withColumnRenamed("offer_id", "_own").withColumn("offer_id", F.col("_own"))
    return rows.withColumn("offer_id", F.explode(named)).withColumns(told).select(*scores.columns) if leads else scores


def as_one(candidates: DataFrame, offers: Mapping[str, Offer]) -> DataFrame:
    """Bundles from what stands of their offers; the others as they are. A bundle without a score of each of its offers is gone.

    Left of a bundle are the offers that the customer does not hold. Its margin is the sum of theirs less the discount; against it
    stands whatever does against itself or any of them, and that fewer than two are left. Without a model of its own its probability is
    `together` times that of the least likely of them: nobody can take all more often than that one, and that all were independent would
    be as wrong, as they answer the same moment in life.
    """
    packed = sorted({member for offer in offers.values() for member in (offer.bundle.offers if offer.bundle else ())})
    part = F.struct("offer_id", "probability", "margin", "blocked_by", "model_version")
    known = F.sort_array(F.collect_list(F.when(F.col("offer_id").isin(*packed), part)).over(Window.partitionBy("customer_id")))
    left, rules = F.col("_left"), F.concat("blocked_by", F.flatten(F.transform("_left", lambda offer: offer["blocked_by"])))
    few = F.when(F.size(left) < 2, F.array(F.lit("fewer_than_two"))).otherwise(F.array().cast("array<string>"))
    least = F.coalesce(F.array_min(F.transform(left, lambda offer: offer["probability"])), F.lit(0.0))
    margin = F.aggregate(left, F.lit(0.0), lambda total, offer: total + offer["margin"]) * (1 - F.col("discount"))
    versions = F.array_join(F.transform("_parts", lambda offer: offer["model_version"]), "+")
    is_bundle = F.col("bundle").isNotNull()
    return (
        candidates.withColumn("_known", known)
        .withColumn("_parts", F.when(is_bundle, F.filter("_known", lambda offer: F.array_contains("bundle", offer["offer_id"]))))
        .where(~is_bundle | (F.size("_parts") == F.size("bundle")))
        .withColumn("_left", F.filter("_parts", lambda offer: ~F.array_contains(offer["blocked_by"], "already_held")))
        .withColumns({
            "margin": F.when(is_bundle, margin).otherwise(F.col("margin")),
            "probability": F.coalesce("probability", F.round(least * F.col("together"), DIGITS)),
            "model_version": F.coalesce("model_version", versions),
            "blocked_by": F.when(is_bundle, _in_order(F.concat(rules, few))).otherwise(F.col("blocked_by")),
        })
        .drop("_known", "_parts", "_left")
    )  # fmt: skip


def _in_order(rules: Column) -> Column:
    return F.filter(F.array(*[F.lit(rule) for rule in RULES]), lambda rule: F.array_contains(rules, rule))


def with_its_offers(offers: Mapping[str, Offer]) -> Column:
    """The offer, and of a bundle those it is made of. Columns read: `offer_id`."""
    found = F.array("offer_id")
    for offer_id, offer in sorted(offers.items()):
        if offer.bundle:
            found = F.when(F.col("offer_id") == offer_id, F.array(*map(F.lit, (offer_id, *offer.bundle.offers)))).otherwise(found)
    return found
