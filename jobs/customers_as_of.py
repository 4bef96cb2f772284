"""Customers as they were known on past days, with all that eligibility asks of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import pyspark.sql.functions as F
from pyspark.sql import DataFrame

from features.acquired import acquired
from features.as_of import in_force, latest_known_on, versions_as_of
from features.bands import age_on, band
from jobs.context import Job
from models.eligibility import held_products

ASSETS = "assets"  # the feature that eligibility reads


def customers_as_of(job: Job, days: Sequence[date], features: DataFrame) -> DataFrame:
    """One row a customer and day.

    Parameters
    ----------
    job : Job
    days : sequence of date
    features : DataFrame with `customer_id`, `as_of`, `assets`

    Returns
    -------
    DataFrame with `customer_id`, `as_of`, `age`, `age_band`, `gender`, `annual_income`, `assets`, `risk_profile`, `held`,
    `marketing_consent`, `life_event_consent`, `closed`, `restricted`
    """
    key, as_of = ["customer_id", "as_of"], F.col("as_of")
    held = _acquired(job, days).where((F.col("acquired_on") <= as_of) & (F.col("closed_on").isNull() | (F.col("closed_on") > as_of)))
    restrictions = _latest(job, "restrictions", days).where(in_force(as_of))
    age = age_on(F.col("birth_date"), as_of)
    return (
        versions_as_of(job.lake.read("customers"), "customer_id", days)
        .select(
            *key,
            age.alias("age"),
            band(age, job.settings.segments.bands.age).alias("age_band"),
            "gender",
            "annual_income",
            "risk_profile",
            "marketing_consent",
            "life_event_consent",
            F.coalesce(F.col("closed_on") <= as_of, F.lit(False)).alias("closed"),
        )
        .join(features.select(*key, F.col(ASSETS).alias("assets")), key, "left")
        .join(held_products(held), key, "left")
        .join(restrictions.select(*key, F.lit(True).alias("_restricted")).distinct(), key, "left")
        .withColumn("restricted", F.coalesce("_restricted", F.lit(False)))
        .drop("_restricted")
    )


def service_tiers(job: Job) -> DataFrame:
    """How the bank serves each customer on the day: `customer_id`, `service_tier`."""
    return job.lake.read("segments").where(F.col("as_of") == F.lit(job.day)).select("customer_id", "service_tier")


def ever_acquired(job: Job) -> DataFrame:
    """What anybody had acquired by the job's day, as known then: `customer_id`, `product_id`, `acquired_on`, `closed_on`."""
    return _acquired(job, [job.day]).drop("as_of")


def _acquired(job: Job, days: Sequence[date]) -> DataFrame:
    return acquired(_latest(job, "holdings", days), versions_as_of(job.lake.read("accounts"), "account_id", days))


def _latest(job: Job, table: str, days: Sequence[date]) -> DataFrame:
    return latest_known_on(job.lake.read(table), job.lake.table(table).key, days)
