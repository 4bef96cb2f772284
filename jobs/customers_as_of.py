"""Customers as they were known on a day, with all that eligibility asks of them."""

from __future__ import annotations

from datetime import date

import pyspark.sql.functions as F
from pyspark.sql import Column, DataFrame

from features.as_of import latest_known_by, version_as_of
from features.bands import age_on, band
from jobs.context import Job
from models.eligibility import held_products

ASSETS = "assets"  # the feature that eligibility reads


def customers_as_of(job: Job, day: date, features: DataFrame) -> DataFrame:
    """One row a customer of a day.

    Parameters
    ----------
    job : Job
    day : date
    features : DataFrame with `customer_id`, `as_of`, `assets`

    Returns
    -------
    DataFrame with `customer_id`, `as_of`, `age`, `age_band`, `gender`, `annual_income`, `assets`, `risk_profile`, `held`,
    `marketing_consent`, `life_event_consent`, `closed`, `restricted`
    """
    lake, of_day = job.lake, F.lit(day)
    customers = version_as_of(lake.read("customers"), "customer_id", day)
    holdings = latest_known_by(lake.read("holdings"), lake.table("holdings").key, day)
    held = held_products(holdings.where((F.col("acquired_on") <= of_day) & _open("closed_on", day)))
    restrictions = latest_known_by(lake.read("restrictions"), lake.table("restrictions").key, day)
    restricted = restrictions.where((F.col("valid_from") <= of_day) & _open("valid_to", day))
    assets = features.where(F.col("as_of") == of_day).select("customer_id", F.col(ASSETS).alias("assets"))
    return (
        customers.select(
            "customer_id",
            of_day.alias("as_of"),
            age_on(F.col("birth_date"), day).alias("age"),
            band(age_on(F.col("birth_date"), day), job.settings.segments.bands.age).alias("age_band"),
            "gender",
            "annual_income",
            "risk_profile",
            "marketing_consent",
            "life_event_consent",
            F.coalesce(F.col("closed_on") <= of_day, F.lit(False)).alias("closed"),
        )
        .join(assets, "customer_id", "left")
        .join(held, "customer_id", "left")
        .join(restricted.select("customer_id", F.lit(True).alias("_restricted")).distinct(), "customer_id", "left")
        .withColumn("restricted", F.coalesce("_restricted", F.lit(False)))
        .drop("_restricted")
    )


def _open(last_day: str, day: date) -> Column:
    return F.col(last_day).isNull() | (F.col(last_day) > F.lit(day))
