"""What customers have acquired: products held, accounts, and where an offer says so what they paid for or agreed to."""

from __future__ import annotations

from collections.abc import Mapping

import pyspark.sql.functions as F
from pyspark.sql import Column, DataFrame

from conf.codes import REACHED
from conf.offer import Offer, agreed_to, asked_about, paid_for
from features.as_of import in_base_currency

ACQUIRED = "customer_id string, as_of date, product_id string, acquired_on date, closed_on date"
COLUMNS = tuple(column.split()[0] for column in ACQUIRED.split(", "))


def acquired(holdings: DataFrame, accounts: DataFrame) -> DataFrame:
    """Holdings and accounts in one frame: an account is its `product_type`, acquired when it was opened.

    One closed without a date was closed when the version that says so began.

    Parameters
    ----------
    holdings : DataFrame with `customer_id`, `as_of`, `product_id`, `acquired_on`, `closed_on`
    accounts : DataFrame as `versions_as_of` returns

    Returns
    -------
    DataFrame with `customer_id`, `as_of`, `product_id`, `acquired_on`, `closed_on`
    """
    undated = F.when(F.col("status") == "closed", F.col("valid_from"))
    opened = accounts.withColumns({
        "product_id": F.col("product_type"), "acquired_on": F.col("opened_on"), "closed_on": F.coalesce("closed_on", undated)})
    return holdings.select(*COLUMNS).unionByName(opened.select(*COLUMNS))


def paid_offers(payments: DataFrame, fx_rates: DataFrame, base_currency: str, offers: Mapping[str, Offer]) -> DataFrame:
    """What customers took by paying for it: `paid_for` the offer, held for its `lasts_days`.

    Parameters
    ----------
    payments : DataFrame with `customer_id`, `as_of` (the day they are known on), `business_date`, `direction`, `type`, `amount`,
        `currency`, `description`, `counterparty`
    fx_rates : DataFrame as `latest_known_on` returns, of the same days
    base_currency : str
    offers : those whose uptake names `transactions`

    Returns
    -------
    DataFrame with the columns of `acquired`
    """
    text, fitting = F.concat_ws(" ", "description", "counterparty"), []
    for offer_id, offer in sorted(offers.items()):
        assert offer.uptake.transactions is not None
        told = offer.uptake.transactions
        fits = (F.col("direction") == told.direction) & text.rlike(told.pattern)
        fits = fits & F.col("type").isin(*told.types) if told.types else fits
        least = F.lit(told.min_amount).cast("decimal(18,2)").alias("least")
        shows = F.struct(F.lit(paid_for(offer_id)).alias("product_id"), least, F.lit(offer.uptake.lasts_days).alias("lasts"))
        fitting.append(F.when(fits, shows))
    kept = ("customer_id", "as_of", "business_date", "amount", "currency")
    found = payments.select(*kept, F.inline(F.array_compact(F.array(*fitting))))
    enough = in_base_currency(found, fx_rates, base_currency, on=["as_of"]).where(F.col("amount_base") >= F.col("least"))
    return _events(enough)


def answered_offers(answers: DataFrame, offers: Mapping[str, Offer]) -> DataFrame:
    """What customers answered when they were asked: `asked_about` the offer on that day, and `agreed_to` it, held for its `lasts_days`.

    Of the answers to one alert the last one counts, as it does for the alert. One about a bundle is about each of its offers.

    Parameters
    ----------
    answers : DataFrame as `offers_talked_about` returns, with `as_of` (the day they are known on)
    offers : the shelf, or some of it; only those told by an `outcome`, alone or in a bundle, count

    Returns
    -------
    DataFrame with the columns of `acquired`
    """
    last = F.max(F.struct("recorded_at", "outcome", "offer_id", "business_date")).alias("last")
    newest = answers.groupBy("customer_id", "alert_id", "as_of").agg(last).select("customer_id", "as_of", "last.*")
    said = F.array().cast("array<struct<product_id: string, lasts: int>>")
    for offer_id, offer in sorted(offers.items()):
        told = [_answer(name, offers[name]) for name in offer.holds(offer_id) if name in offers and offers[name].uptake.outcome]
        said = F.when(F.col("offer_id") == offer_id, F.concat(*told)).otherwise(said) if told else said
    return _events(newest.select("customer_id", "as_of", "business_date", F.inline(said)))


def offers_talked_about(outcomes: DataFrame, alerts: DataFrame) -> DataFrame:
    """Calls that came about, with the offer they were about: the one the relationship manager named, else what the alert was about.

    Parameters
    ----------
    outcomes : DataFrame with `alert_id`, `outcome`, `offer_id`
    alerts : DataFrame with `alert_id`, `customer_id`, `type`, `offers`

    Returns
    -------
    DataFrame with the columns of `outcomes` and `customer_id`; of calls about no offer there is no row
    """
    first = F.when(F.col("type") == "next_best_offer", F.try_element_at("offers.offer_id", F.lit(1)))
    told = alerts.select("alert_id", "customer_id", first.alias("_first"))
    about = outcomes.where(F.col("outcome").isin(*REACHED)).join(told, "alert_id")
    return about.withColumn("offer_id", F.coalesce("offer_id", "_first")).drop("_first").where("offer_id IS NOT NULL")


def _answer(offer_id: str, offer: Offer) -> Column:
    """Of the answer to an offer: that it was given, and where it was a yes, that too."""
    asked = F.struct(F.lit(asked_about(offer_id)).alias("product_id"), F.lit(0).alias("lasts"))
    agreed = F.struct(F.lit(agreed_to(offer_id)).alias("product_id"), F.lit(offer.uptake.lasts_days).alias("lasts"))
    return F.when(F.col("outcome") == "accepted", F.array(asked, agreed)).otherwise(F.array(asked))


def _events(found: DataFrame) -> DataFrame:
    """Acquired on its day, and held for some days. Columns read: `business_date`, `lasts`."""
    days = {"acquired_on": F.col("business_date"), "closed_on": F.date_add("business_date", F.col("lasts"))}
    return found.withColumns(days).select(*COLUMNS)
