"""An alert in words: headline, reason, and what to offer; a life event is told without naming it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import pyarrow as pa
import pyspark.sql.functions as F
from pyspark.sql import Column, DataFrame, Window

from conf.codes import ALERT_TYPES, AlertType
from conf.settings import Settings
from worklists.flow_reasons import each_cause_once
from worklists.reasons import money, worded

OFFER = "struct<offer_id: string, name: string, probability: double, expected_value: double, reason: string>"
OFFERS = f"array<{OFFER}>"
PART = pa.struct([("offer_id", pa.string()), ("name", pa.string())])
SHELF = pa.schema([
    ("offer_id", pa.string()), ("name", pa.string()), ("say", pa.string()), ("raised_by", pa.list_(pa.string())),
    ("private", pa.bool_()), ("bundled", pa.bool_()), ("parts", pa.list_(PART)),
])  # fmt: skip


def with_offers(matters: DataFrame, scores: DataFrame, settings: Settings, unspoken: Sequence[str] = ()) -> DataFrame:
    """Adds what to offer: what fits the matter, best first, each product family's best before its others.

    To a flow or a life event fit the offers that name one of its events in `raised_by`; where the offer is the matter itself,
    it comes first and the customer's next best that are worth a call follow. Where the customer's safety comes first, nothing is offered.
    Nothing is offered twice: beside a bundle that comes before it no offer that is in it, and no bundle beside one of its offers.

    Parameters
    ----------
    matters : DataFrame with `customer_id`, `type`, `events`, `safety`
    scores : DataFrame of the day's `offer_scores` rows
    settings : Settings
    unspoken : sequence of str
        Words that a reason given by a model must not hold: they would tell what was inferred.

    Returns
    -------
    DataFrame with `offers` (as in `alerts`), `model_version` (of the first), `moved` (what moved the first one's score)
    """
    words = settings.wording[settings.bank.language].reasons
    shelf = scores.sparkSession.createDataFrame(pa.Table.from_pylist(_shelf(settings), SHELF))
    is_own = (F.col("type") == "next_best_offer") & (F.col("offer_id") == F.col("events")[0])
    worth = is_own | (F.col("expected_value") >= F.lit(float(settings.contact_policy.min_expected_value)))
    fits = F.when(F.col("type") == "next_best_offer", worth & ~F.col("private")).otherwise(F.arrays_overlap("events", "raised_by"))
    best_first = Window.partitionBy("customer_id").orderBy(is_own.desc(), "rank")
    asked = matters.where("NOT safety").select("customer_id", "type", "events")
    fitting = (
        asked.join(scores.where("eligible"), "customer_id")
        .join(F.broadcast(shelf), "offer_id")
        .where(fits)
        .withColumns({"_nth": F.row_number().over(best_first), "moved": _spoken(unspoken)})
    )
    if any(offer.bundle for offer in settings.offers.values()):
        held = scores.where(F.array_contains("blocked_by", "already_held")).join(asked, "customer_id", "left_semi")
        held = held.groupBy("customer_id").agg(F.collect_set("offer_id").alias("_held"))
        fitting = fitting.join(held, "customer_id", "left").withColumn("say", F.concat("say", _contents(words)))
    why = F.concat(F.col("say"), F.when(F.col("moved") != "", worded(words["moved"], {"what": F.col("moved")})).otherwise(""))
    offer = F.struct("offer_id", "name", "probability", "expected_value", why.alias("reason"))
    best = F.min_by(F.struct("moved", "model_version"), "_nth")
    told = F.struct("_nth", offer.alias("offer"), F.col("parts.offer_id").alias("parts"))
    listed = fitting.groupBy("customer_id").agg(F.sort_array(F.collect_list(told)).alias("_told"), best.alias("_best"))
    listed = listed.withColumn("_offers", F.slice(_each_once(F.col("_told")), 1, settings.contact_policy.max_offers))
    return matters.join(listed, "customer_id", "left").select(
        *[F.col(name) for name in matters.columns],
        F.coalesce(F.transform("_offers", lambda item: item["offer"]), F.array()).cast(OFFERS).alias("offers"),
        F.col("_best.model_version").alias("model_version"),
        F.coalesce("_best.moved", F.lit("")).alias("moved"),
    )


def _each_once(told: Column) -> Column:
    """Of offers, best first, those that share nothing with one that is kept before them."""
    kind = f"array<struct<_nth: int, offer: {OFFER}, parts: array<string>>>"

    def kept(so_far: Column, offer: Column) -> Column:
        again = F.exists(so_far, lambda before: F.arrays_overlap(before["parts"], offer["parts"]))
        return F.when(again, so_far).otherwise(F.concat(so_far, F.array(offer)))

    return F.aggregate(told, F.array().cast(kind), kept)


def _contents(words: Mapping[str, str]) -> Column:
    """What is in a bundle that the customer does not hold; empty for anything else. Columns read: `bundled`, `parts`, `_held`."""
    none = F.array().cast("array<string>")
    left = F.filter("parts", lambda part: ~F.array_contains(F.coalesce("_held", none), part["offer_id"]))
    names = F.array_join(F.transform(left, lambda part: part["name"]), words["bundled_and"])
    return F.when(F.col("bundled"), worded(words["bundled"], {"what": names})).otherwise("")


def in_words(matters: DataFrame, settings: Settings) -> DataFrame:
    """Adds `headline` and `reason`.

    Parameters
    ----------
    matters : DataFrame with `type`, `lead_kind`, `lead_amount`, `more`, `told`, `safety`, `offers`, `moved`
    settings : Settings
    """
    words, currency = settings.wording[settings.bank.language].reasons, F.lit(settings.bank.base_currency)
    first = F.try_element_at("offers", F.lit(1))
    amount = money(F.col("lead_amount"))
    values = {
        "amount": amount,
        "currency": currency,
        "paid": F.when(F.col("lead_amount") > 0, worded(words["paid"], {"amount": amount, "currency": currency})),
        "more": F.when(F.col("more") > 0, worded(words["headline_more"], {"count": F.col("more")})),
        "offer": first["name"],
    }
    headlines = {kind: worded(words[f"headline_{kind}"], values) for kind in ALERT_TYPES}
    chance = F.format_string("%.1f", first["probability"] * 100)
    moved = F.when(F.col("moved") != "", worded(words["moved"], {"what": F.col("moved")}))
    best = worded(words["next_best_offer"], {"offer": first["name"], "chance": chance, "moved": moved})
    safe = F.when(F.col("safety"), F.lit(words["safety"]))
    reason = (
        F.when(F.col("type") == "life_event", F.lit(words["life_event"]))
        .when(F.col("type") == "next_best_offer", best)
        .otherwise(F.concat_ws(" ", each_cause_once(F.col("told"), settings), safe, offered(words)))
    )
    stopped = F.when(F.col("lead_kind") == "income_ended", worded(words["headline_income_ended"], values))
    return matters.withColumns({"headline": F.coalesce(stopped, _by_type(headlines)), "reason": reason})


def offered(words: Mapping[str, str]) -> Column:
    """What a flow's reason says of the first offer; null without one. Columns read: `offers`."""
    first = F.try_element_at("offers", F.lit(1))
    return F.when(F.size("offers") > 0, worded(words["offered"], {"offer": first["name"], "say": first["reason"]}))


def _by_type(texts: Mapping[AlertType, Column]) -> Column:
    text = F.lit(None).cast("string")
    for kind, worded_text in texts.items():
        text = F.when(F.col("type") == kind, worded_text).otherwise(text)
    return text


def _shelf(settings: Settings) -> list[dict[str, object]]:
    """The offers as rows. `private`: only made through a life event."""
    language = settings.bank.language
    names = {offer_id: offer.name.get(language, offer_id) for offer_id, offer in settings.offers.items()}
    return [
        {
            "offer_id": offer_id,
            "name": names[offer_id],
            "say": offer.reason.get(language, ""),
            "raised_by": sorted(offer.raised_by),
            "private": offer.discreet,
            "bundled": offer.bundle is not None,
            "parts": [{"offer_id": part, "name": names.get(part, part)} for part in offer.holds(offer_id)],
        }
        for offer_id, offer in sorted(settings.offers.items())
    ]


def _spoken(unspoken: Sequence[str]) -> Column:
    """The model's reasons for an offer, without those that would tell what was inferred. Columns read: `reasons`, `type`."""
    reasons = F.coalesce("reasons", F.array().cast("array<string>"))
    if unspoken:
        tells = "|".join(re.escape(words) for words in unspoken)
        reasons = F.filter(reasons, lambda reason: ~F.regexp_like(reason, F.lit(f"(?i){tells}")))
    return F.when(F.col("type") == "life_event", "").otherwise(F.array_join(reasons, "; "))
