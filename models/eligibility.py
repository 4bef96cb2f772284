"""Who an offer is suitable for: the rules that training and arbitration share, each with the name it is told by."""

from __future__ import annotations

from collections.abc import Mapping

import pyspark.sql.functions as F
from pyspark.sql import Column, DataFrame, SparkSession

from conf.offer import Offer, asked_about

ADULT = 18
CAUTIOUS = 1  # an unknown risk profile counts as the most cautious one

SHELF = (
    "offer_id string, family string, margin double, contact_cost double, min_age int, max_age int, "
    "min_income decimal(18,2), min_assets decimal(18,2), min_risk_profile int, once boolean, requires_holding array<string>, "
    "service_tiers array<string>, products array<string>, asked string, window_days int, raised_by map<string,double>, "
    "cool_down_days int, discreet boolean, daily_quota int, bundle array<string>, discount double, together double, "
    "new_until date, control_share double"
)


def shelf(spark: SparkSession, offers: Mapping[str, Offer]) -> DataFrame:
    """The offers as rows, so that one expression a rule serves them all. Columns as in `SHELF`."""
    rows = [
        (
            offer_id, offer.family, float(offer.margin), float(offer.contact_cost), offer.eligibility.min_age,
            offer.eligibility.max_age, offer.eligibility.min_income, offer.eligibility.min_assets,
            offer.eligibility.min_risk_profile, offer.eligibility.once, list(offer.eligibility.requires_holding),
            list(offer.eligibility.service_tiers), list(offer.uptake.told(offer_id)),
            None if offer.uptake.shown(offer_id) or offer.bundle else asked_about(offer_id), offer.uptake.window_days,
            {event: float(share) for event, share in offer.raised_by.items()}, offer.cool_down_days, offer.discreet,
            offer.daily_quota,
            *((list(offer.bundle.offers), float(offer.bundle.discount), offer.bundle.together) if offer.bundle else (None, None, None)),
            offer.new_until, offer.control_share,
        )
        for offer_id, offer in sorted(offers.items())
    ]  # fmt: skip
    return spark.createDataFrame(rows, SHELF)


def suitability_rules() -> dict[str, Column]:
    """Rule -> whether a customer breaks it for an offer; never null.

    Columns read: those of `shelf`, and `age` (whole years), `annual_income` and `assets` (base currency), `risk_profile`
    (1 to 5), `held` (array of product ids). Unknown income or assets pass only where nothing is asked.
    """
    held = F.coalesce("held", F.array().cast("array<string>"))
    income, assets = F.coalesce("annual_income", F.lit(0)), F.coalesce("assets", F.lit(0))
    rules = {
        "unknown_age": F.col("age").isNull(),  # might be a minor
        "minor": F.col("age") < ADULT,
        "min_age": (F.col("age") >= ADULT) & (F.col("age") < F.col("min_age")),
        "max_age": F.col("age") > F.col("max_age"),
        "min_income": (F.col("min_income") > 0) & (income < F.col("min_income")),
        "min_assets": (F.col("min_assets") > 0) & (assets < F.col("min_assets")),
        "risk_profile": F.coalesce("risk_profile", F.lit(CAUTIOUS)) < F.col("min_risk_profile"),
        "already_held": F.col("once") & F.arrays_overlap(held, "products"),
        "requires_holding": (F.size("requires_holding") > 0) & ~F.arrays_overlap(held, "requires_holding"),
    }
    return {name: F.coalesce(broken, F.lit(False)) for name, broken in rules.items()}


def held_products(held: DataFrame) -> DataFrame:
    """Products each customer holds on each day.

    Parameters
    ----------
    held : DataFrame with `customer_id`, `as_of`, `product_id`: those open and known on the day

    Returns
    -------
    DataFrame with `customer_id`, `as_of`, `held` (array of product ids, sorted)
    """
    return held.groupBy("customer_id", "as_of").agg(F.sort_array(F.collect_set("product_id")).alias("held"))
