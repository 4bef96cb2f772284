"""Customers as they were known on past days, with all that eligibility asks of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

import pyspark.sql.functions as F
from pyspark.sql import DataFrame

from conf.offer import Offer
from features.acquired import ACQUIRED, acquired, answered_offers, offers_talked_about, paid_offers
from features.as_of import each, in_force, known_on, latest_known_on, version_as_of, versions_as_of
from features.bands import age_on, band
from jobs.context import Job
from models.eligibility import held_products
from worklists.selection import with_callers

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
    once = {name: offer for name, offer in job.settings.offers.items() if offer.eligibility.once}
    products = _products(job, days).unionByName(offers_taken(job, days, min(days), once))
    held = products.where((F.col("acquired_on") <= as_of) & (F.col("closed_on").isNull() | (F.col("closed_on") > as_of)))
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


def called_customers(job: Job) -> DataFrame:
    """Customers as of the day with their `service_tier`; of those whom the branch calls, without their relationship manager."""
    customers = version_as_of(job.lake.read("customers"), "customer_id", job.day).join(service_tiers(job), "customer_id", "left")
    return with_callers(customers, job.settings.contact_policy.tiers)


def service_tiers(job: Job) -> DataFrame:
    """How the bank serves each customer on the day: `customer_id`, `service_tier`."""
    return job.lake.read("segments").where(F.col("as_of") == F.lit(job.day)).select("customer_id", "service_tier")


def ever_acquired(job: Job, since: date) -> DataFrame:
    """What anybody had acquired by the job's day, as known then: `customer_id`, `product_id`, `acquired_on`, `closed_on`.

    Of what was paid for or agreed to, as much as says what was taken after a day, or held on it.
    """
    return _products(job, [job.day]).unionByName(offers_taken(job, [job.day], since, job.settings.offers)).drop("as_of")


def offers_taken(job: Job, days: Sequence[date], since: date, offers: Mapping[str, Offer]) -> DataFrame:
    """Offers paid for or agreed to after a day, and of those taken once what is still held on it, as known on each of some days.

    Payments are read only where an offer is told by them, answers likewise. The columns are those of `acquired`.
    """
    lake, found = job.lake, job.spark.createDataFrame([], ACQUIRED)
    paid = {name: offer for name, offer in offers.items() if offer.uptake.transactions}
    asked = {name: offer for name, offer in offers.items() if offer.uptake.outcome}
    if paid:
        accounts = versions_as_of(lake.read("accounts"), "account_id", days).select("account_id", "as_of", "customer_id")
        payments = _told(lake.read("transactions"), days, since, paid).join(accounts, ["account_id", "as_of"])
        found = found.unionByName(paid_offers(payments, _latest(job, "fx_rates", days), job.settings.bank.base_currency, paid))
    if asked:
        answers = offers_talked_about(_told(lake.read("outcomes"), days, since, asked), lake.read("alerts"))
        found = found.unionByName(answered_offers(answers, offers))
    return found


def _told(events: DataFrame, days: Sequence[date], since: date, offers: Mapping[str, Offer]) -> DataFrame:
    """Events known on each day, from when what some offers tell was still held on the first."""
    remembered = max((offer.uptake.lasts_days for offer in offers.values() if offer.eligibility.once), default=0)
    recent = events.where(F.col("business_date") >= F.lit(since - timedelta(days=remembered))).withColumn("as_of", each(days))
    return recent.where(known_on(recent, F.col("as_of")))


def _products(job: Job, days: Sequence[date]) -> DataFrame:
    return acquired(_latest(job, "holdings", days), versions_as_of(job.lake.read("accounts"), "account_id", days))


def _latest(job: Job, table: str, days: Sequence[date]) -> DataFrame:
    return latest_known_on(job.lake.read(table), job.lake.table(table).key, days)
