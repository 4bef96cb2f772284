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

OFFERS = "array<struct<offer_id: string, name: string, probability: double, expected_value: double, reason: string>>"
SHELF = pa.schema([
    ("offer_id", pa.string()), ("name", pa.string()), ("say", pa.string()), ("raised_by", pa.list_(pa.string())),
    ("private", pa.bool_()),
])  # fmt: skip


def with_offers(matters: DataFrame, scores: DataFrame, settings: Settings, unspoken: Sequence[str] = ()) -> DataFrame:
    """Adds what to offer: what fits the matter, best first, each product family's best before its others.

    To a flow or a life event fit the offers that name one of its events in `raised_by`; where the offer is the matter itself,
    it comes first and the customer's next best that are worth a call follow. Where the customer's safety comes first, nothing is offered.

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
    fitting = (
        matters.where("NOT safety")
        .select("customer_id", "type", "events")
        .join(scores.where("eligible"), "customer_id")
        .join(F.broadcast(shelf), "offer_id")
        .where(fits)
        .withColumns({"_nth": F.row_number().over(best_first), "moved": _spoken(unspoken)})
        .where(F.col("_nth") <= settings.contact_policy.max_offers)
    )
    why = F.concat(F.col("say"), F.when(F.col("moved") != "", worded(words["moved"], {"what": F.col("moved")})).otherwise(""))
    offer = F.struct("offer_id", "name", "probability", "expected_value", why.alias("reason"))
    best = F.min_by(F.struct("moved", "model_version"), "_nth")
    listed = fitting.groupBy("customer_id").agg(
        F.sort_array(F.collect_list(F.struct("_nth", offer.alias("offer")))).alias("_offers"), best.alias("_best")
    )
    return matters.join(listed, "customer_id", "left").select(
        *[F.col(name) for name in matters.columns],
        F.coalesce(F.transform("_offers", lambda item: item["offer"]), F.array()).cast(OFFERS).alias("offers"),
        F.col("_best.model_version").alias("model_version"),
        F.coalesce("_best.moved", F.lit("")).alias("moved"),
    )


def in_words(matters: DataFrame, settings: Settings) -> DataFrame:
    """Adds `headline` and `reason`.

    Parameters
    ----------
    matters : DataFrame with `type`, `lead_amount`, `more`, `told`, `safety`, `offers`, `moved`
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
    return matters.withColumns({"headline": _by_type(headlines), "reason": reason})


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
    return [
        {
            "offer_id": offer_id,
            "name": offer.name.get(language, offer_id),
            "say": offer.reason.get(language, ""),
            "raised_by": sorted(offer.raised_by),
            "private": offer.discreet,
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
