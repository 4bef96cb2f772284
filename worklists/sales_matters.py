"""What there is to tell where no money moved: life events, and offers worth a call of their own."""

from __future__ import annotations

from datetime import date

import pyspark.sql.functions as F
from pyspark.sql import DataFrame, Window

from conf.settings import ContactPolicy, Settings
from worklists.evidence import EVIDENCE
from worklists.matters import WOULD_BE, lifetime, told_before
from worklists.reasons import chosen

AT_HAND = 3  # times an offer's quota: customers at hand for it, as other rules hold some of them back


def life_event_matters(life_events: DataFrame, settings: Settings) -> DataFrame:
    """Life events, told without naming them.

    Parameters
    ----------
    life_events : DataFrame of the day's `life_events` rows that are to be told
    settings : Settings

    Returns
    -------
    DataFrame with the columns of `flow_matters.flow_matters`, one row a customer; nothing that a relationship manager sees names the event
    or what it was noticed in
    """
    matter = F.concat_ws("|", F.lit("life_event"), "event", F.coalesce("stage", F.lit("")), F.year("as_of"))
    would_be = F.lit(None).cast(WOULD_BE).alias("would_be")
    one = F.max_by(F.struct("probability", "as_of", matter.alias("matter"), would_be), F.struct("probability", "event"))
    events = F.sort_array(F.collect_set("event"))
    found = life_events.groupBy("customer_id").agg(one.alias("_one"), events.alias("events"))
    return _without_flows(found, "life_event", settings.contact_policy)


def offer_matters(offers: DataFrame, settings: Settings) -> DataFrame:
    """Offers worth a call of their own.

    Parameters
    ----------
    offers : DataFrame as `untold_offers` returns
    settings : Settings

    Returns
    -------
    DataFrame with the columns of `flow_matters.flow_matters`; `events` holds the offer's id, `would_be` the offer that would be told
    were there no lot: certainty is its probability, so that what was drawn does not decide who is called
    """
    matter = F.concat_ws("|", F.lit("offer"), "offer_id", F.date_format("as_of", "yyyy-MM"))
    found = offers.select(
        "customer_id",
        F.struct("would_be.probability", "as_of", matter.alias("matter"), "would_be").alias("_one"),
        F.array("offer_id").alias("events"),
    )
    return _without_flows(found, "next_best_offer", settings.contact_policy)


def untold_life_events(life_events: DataFrame, alerts: DataFrame, policy: ContactPolicy, today: date) -> DataFrame:
    """Today's life events of customers who were not told of the same event and stage within `life_event_again_days`.

    Of whom it is no longer known what they were told, as they withdrew consent and gave it anew, nothing is told as long.

    Parameters
    ----------
    life_events : DataFrame of `life_events` rows
    alerts : DataFrame of `alerts` rows raised before today
    """
    part = F.split("matter", "[|]")
    since = F.date_diff(F.lit(today), "raised_on") < policy.life_event_again_days
    told = alerts.where(told_before(today) & (F.col("type") == "life_event") & since).select(
        "customer_id", part[1].alias("_event"), part[2].alias("_stage")
    )
    same = (F.col("_event") == F.col("e.event")) & (F.col("_stage") == F.coalesce("e.stage", F.lit("")))
    whose = F.col("e.customer_id") == F.col("t.customer_id")
    found = life_events.where(F.col("as_of") == F.lit(today)).alias("e")
    return found.join(told.distinct().alias("t"), whose & (same | (F.col("_event") == "")), "left_anti")


def untold_offers(scores: DataFrame, alerts: DataFrame, settings: Settings, today: date) -> DataFrame:
    """Each customer's best offer that is worth a call of its own and was not the matter of one within its `cool_down_days`.

    An offer with a daily quota is the best of so many customers at most, those whom it is worth most, and the others' next best is
    told: nobody waits behind a quota.

    Parameters
    ----------
    scores : DataFrame of today's `offer_scores` rows
    alerts : DataFrame of `alerts` rows raised before today

    Returns
    -------
    DataFrame with the columns of `scores` and `would_be` (the offer that would come first, were there no lot)
    """
    rests = chosen(F.col("offer_id"), {offer_id: offer.cool_down_days for offer_id, offer in settings.offers.items()}, 0)
    told = offers_told(alerts, today).where(F.date_diff(F.lit(today), "raised_on") < rests)
    private = [offer_id for offer_id, offer in settings.offers.items() if offer.discreet]
    worth = F.col("expected_value") >= float(settings.contact_policy.min_expected_value)
    open_to = scores.where(F.col("eligible") & worth & ~F.col("offer_id").isin(private)).join(
        told.select("customer_id", "offer_id").distinct(), ["customer_id", "offer_id"], "left_anti"
    )
    quotas = {offer_id: offer.daily_quota for offer_id, offer in settings.offers.items() if offer.daily_quota}
    if quotas:
        of_offer = Window.partitionBy("offer_id").orderBy(F.col("expected_value").desc(), "customer_id")
        scarce = _first_of_each(open_to).where(F.col("offer_id").isin(*quotas)).withColumn("_nth", F.row_number().over(of_offer))
        over = scarce.where(F.col("_nth") > chosen(F.col("offer_id"), quotas, 0) * AT_HAND).select("customer_id", "offer_id")
        open_to = open_to.join(over, ["customer_id", "offer_id"], "left_anti")
    return _first_of_each(open_to)


def offers_told(alerts: DataFrame, today: date) -> DataFrame:
    """When which offer opened a call of its own before today: `customer_id`, `offer_id`, `raised_on`.

    Parameters
    ----------
    alerts : DataFrame of `alerts` rows
    """
    return alerts.where(told_before(today) & (F.col("type") == "next_best_offer")).select(
        "customer_id", F.split("matter", "[|]")[1].alias("offer_id"), "raised_on"
    )


def _first_of_each(offers: DataFrame) -> DataFrame:
    """Each customer's first offer, with the one that would be first were there no lot: its chance is the greatest."""
    of_customer = Window.partitionBy("customer_id")
    likeliest = F.max_by(F.struct("offer_id", "probability", "expected_value"), F.struct("propensity", -F.col("rank")))
    return (
        offers.withColumns({"_nth": F.row_number().over(of_customer.orderBy("rank")), "would_be": likeliest.over(of_customer)})
        .where("_nth = 1")
        .drop("_nth")
    )


def _without_flows(found: DataFrame, kind: str, policy: ContactPolicy) -> DataFrame:
    """The columns of `flow_matters.flow_matters` for what no money moved for. Columns read: `customer_id`, `_one`, `events`."""
    lasts = lifetime(F.lit(kind), policy)
    return found.select(
        "customer_id",
        F.col("_one.matter").alias("matter"),
        F.lit(kind).alias("type"),
        F.lit("low").alias("severity"),
        F.col("_one.probability").alias("certainty"),
        F.lit(0).cast("decimal(18,2)").alias("at_stake"),
        F.col("_one.as_of").alias("happened_on"),
        F.date_add(F.col("_one.as_of"), lasts).alias("expires_on"),
        F.lit(False).alias("hard"),
        F.lit(False).alias("safety"),
        "events",
        F.col("_one.would_be").alias("would_be"),
        F.array().cast("array<string>").alias("flow_ids"),
        F.lit(None).cast("string").alias("lead_kind"),
        F.lit(None).cast("decimal(18,2)").alias("lead_amount"),
        F.lit(0).alias("more"),
        F.lit("").alias("told"),
        F.lit("").alias("news"),
        F.lit(False).alias("undone"),
        F.lit(0).cast("decimal(28,2)").alias("taken_back"),
        F.array().cast(EVIDENCE).alias("evidence"),
    )
