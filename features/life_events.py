"""Life events: what a customer's purchases and payments say of their life, as a probability with its evidence.

Bayesian, in log-odds: a prior by age, plus what each kind of evidence adds for the number of *distinct days* it was seen on within
a window. Repeats add less and less (the configured steps), a second kind of evidence counts for less than the first, as both
speak of the same thing, all of it fades from its last day on, and the sum is capped. A single day is a gift or a visit, very many
pieces on one day are a shop or a nursery, and what was sent back was never bought.

Nothing is computed of anybody who has not consented, is not known to be of age, or has left.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date, timedelta

import pyspark.sql.functions as F
from pyspark.sql import Column, DataFrame, Window

from conf.life_event import LifeEvent
from features.bands import age_on
from features.feature import rounded

ADULT = 18
DAY_COLUMNS = ("customer_id", "event", "category", "business_date", "quantity", "stage")
_MATCH = "array<struct<event: string, category: string, stage: int>>"


def consenting(customers: DataFrame, restrictions: DataFrame, as_of: date) -> DataFrame:
    """Customers whose life events may be looked for on a day, with their age; of nobody else is anything computed.

    Parameters
    ----------
    customers : DataFrame as `version_as_of` returns
    restrictions : DataFrame as `latest_known_by` returns; a bereavement ends all looking
    as_of : date

    Returns
    -------
    DataFrame with `customer_id`, `age` (null where the birth date is unknown)
    """
    day = F.lit(as_of)
    in_force = (F.col("valid_from") <= day) & (F.col("valid_to").isNull() | (F.col("valid_to") > day))
    bereaved = restrictions.where((F.col("kind") == "bereavement") & in_force)
    age = age_on(F.col("birth_date"), as_of)
    return (
        customers.where(F.coalesce("life_event_consent", F.lit(False)) & F.col("closed_on").isNull())
        .where(age.isNull() | (age >= ADULT))
        .join(bereaved.select("customer_id").distinct(), "customer_id", "left_anti")
        .select("customer_id", age.alias("age"))
    )


def lookback_from(events: Mapping[str, LifeEvent], as_of: date) -> date:
    """The first day of purchases and payments that any event looks at."""
    return as_of - timedelta(days=max((event.onset_days for event in events.values()), default=1) - 1)


def purchase_days(purchases: DataFrame, events: Mapping[str, LifeEvent]) -> DataFrame:
    """Days with a purchase that is evidence, refunds taken off the newest purchases of the same article.

    Every pattern is tried once an article, not once a line.

    Parameters
    ----------
    purchases : DataFrame of consenting customers' known purchases within the lookback
    events : mapping of name to LifeEvent

    Returns
    -------
    DataFrame with `DAY_COLUMNS`: `quantity` of that day, `stage` (its place in the event's stages, null where none fits)
    """
    text = F.first(F.concat_ws(" ", "category", "product_name"))  # an aggregate's result: a filter on it cannot sink to the lines
    articles = purchases.groupBy("category", "product_name").agg(text.alias("_text"))
    articles = articles.withColumn("matches", _matches(F.col("_text"), events, "purchases")).drop("_text")
    same = [F.col("category") == F.col("_category"), F.col("product_name").eqNullSafe(F.col("_product_name"))]
    telling = articles.where(F.size("matches") > 0).toDF("_category", "_product_name", "matches")
    refunded = F.col("status") == "refunded"
    bought = (
        purchases.join(F.broadcast(telling), same)
        .groupBy("customer_id", "sku", "business_date", "matches")
        .agg(
            F.sum(F.when(~refunded, F.col("quantity")).otherwise(F.lit(0))).alias("paid"),
            F.sum(F.when(refunded, F.col("quantity")).otherwise(F.lit(0))).alias("back"),
        )
    )
    article = Window.partitionBy("customer_id", "sku", "matches")
    newer = article.orderBy(F.col("business_date").desc()).rowsBetween(Window.unboundedPreceding, -1)
    still_back = F.greatest(F.sum("back").over(article) - F.coalesce(F.sum("paid").over(newer), F.lit(0)), F.lit(0))
    return (
        bought.withColumn("kept", F.col("paid") - still_back)
        .where("kept > 0")
        .select("customer_id", "business_date", "kept", F.explode("matches").alias("match"))
        .groupBy("customer_id", "match.event", "match.category", "business_date")
        .agg(F.sum("kept").alias("quantity"), F.min("match.stage").alias("stage"))
        .select(*DAY_COLUMNS)
    )


def payment_days(payments: DataFrame, events: Mapping[str, LifeEvent], as_of: date) -> DataFrame:
    """Days with a payment that is evidence.

    Parameters
    ----------
    payments : DataFrame of consenting customers' known payments within the lookback, with `customer_id`, `business_date`,
        `direction`, `type`, `amount_base`, `description`, `counterparty`
    events : mapping of name to LifeEvent
    as_of : date

    Returns
    -------
    DataFrame with `DAY_COLUMNS`: `quantity` is 1, `stage` null where none fits
    """
    worded = payments.withColumn(
        "text", F.concat_ws(" ", F.regexp_replace(F.coalesce("description", F.lit("")), r"\d+", "#"), "counterparty")
    )
    texts = worded.groupBy("text", "direction", "type").agg(F.first("text").alias("_text"))
    texts = texts.withColumn("matches", _matches(F.col("_text"), events, "payments")).drop("_text")
    matched = worded.join(texts.where(F.size("matches") > 0), ["text", "direction", "type"])
    kind = Window.partitionBy("customer_id", "event", "category")
    series = Window.partitionBy("customer_id", "event", "category", "text")
    evidence = {(name, category): each for name, event in events.items() for category, each in event.evidence.items()}
    floors = _by_key({key: F.lit(each.min_amount) for key, each in evidence.items()})
    windows = _by_key({key: F.lit(events[key[0]].window_days) for key in evidence})
    novel = _by_key({key: F.lit(each.novel) for key, each in evidence.items()})
    another = _by_key({key: F.lit(each.in_place_of_another) for key, each in evidence.items()})
    fresh = F.date_diff(F.lit(as_of), F.min("business_date").over(series)) < windows
    elder = F.date_diff(F.lit(as_of), F.min("business_date").over(kind)) >= windows
    return (
        matched.select("customer_id", "business_date", "amount_base", "text", F.explode("matches").alias("match"))
        .select("customer_id", "business_date", "amount_base", "text", "match.*")
        .withColumn("_counts", (F.col("amount_base") >= floors) & (~novel | fresh) & (~another | elder))
        .where("_counts")
        .groupBy("customer_id", "event", "category", "business_date")
        .agg(F.lit(1).cast("decimal(28,3)").alias("quantity"), F.min("stage").alias("stage"))
        .select(*DAY_COLUMNS)
    )


def life_events(days: DataFrame, customers: DataFrame, first_seen: DataFrame, events: Mapping[str, LifeEvent], as_of: date) -> DataFrame:
    """Life events probable enough, and new enough, to be written down.

    Parameters
    ----------
    days : DataFrame with `DAY_COLUMNS`, of purchases and payments
    customers : DataFrame as `consenting` returns
    first_seen : DataFrame with `customer_id`, `first_on`: first day of any purchase or payment within the lookback
    events : mapping of name to LifeEvent
    as_of : date

    Returns
    -------
    DataFrame with `customer_id`, `as_of`, `event`, `probability`, `stage`, `evidence`, `consented`, `first_evidence_on`
    """
    judged = posteriors(days, customers, first_seen, events, as_of)
    enough = _by_event({name: F.lit(event.min_probability) for name, event in events.items()})
    return judged.where(F.col("is_new") & (F.col("probability") >= enough)).select(
        "customer_id",
        F.lit(as_of).alias("as_of"),
        "event",
        "probability",
        "stage",
        "evidence",
        F.lit(True).alias("consented"),
        "first_evidence_on",
    )


def posteriors(days: DataFrame, customers: DataFrame, first_seen: DataFrame, events: Mapping[str, LifeEvent], as_of: date) -> DataFrame:
    """The probability of every event that anything speaks for. Parameters as of `life_events`.

    Returns
    -------
    DataFrame with `customer_id`, `event`, `probability`, `stage`, `evidence` (what adds most first), `first_evidence_on` (within
    the window), `is_new` (nothing spoke for it for a while before)
    """
    ago = F.date_diff(F.lit(as_of), "business_date")
    windows = _by_event({name: F.lit(event.window_days) for name, event in events.items()})
    lookbacks = _by_event({name: F.lit(event.onset_days) for name, event in events.items()})
    seen = days.where((ago >= 0) & (ago < lookbacks)).withColumns({"ago": ago, "within": ago < windows})
    counted = seen.groupBy("customer_id", "event", "category").agg(
        F.count_if("within").alias("days"),
        F.max(F.when(F.col("within"), F.col("business_date"))).alias("last_on"),
        F.min(F.when(F.col("within"), F.col("ago"))).alias("ago"),
    )
    weighed = counted.where("days > 0").withColumn("log_odds", rounded(_log_odds(events) * _faded(events)))
    collected = weighed.groupBy("customer_id", "event").agg(
        F.sort_array(F.collect_list(F.struct("log_odds", "category", "days", "last_on")), asc=False).alias("found")
    )
    by_day = seen.groupBy("customer_id", "event", "business_date").agg(
        F.sum("quantity").alias("quantity"), F.min("stage").alias("stage"), F.first("within").alias("within")
    )
    whole = by_day.groupBy("customer_id", "event").agg(
        F.count_if("within").alias("all_days"),
        F.max("quantity").alias("most"),
        F.min("business_date").alias("first_ever"),
        F.min(F.when(F.col("within"), F.col("business_date"))).alias("first_evidence_on"),
        F.max_by("stage", F.when(F.col("within") & F.col("stage").isNotNull(), F.col("business_date"))).alias("stage"),
    )
    evidence = _weighted(events)
    total = F.least(F.aggregate("evidence", F.lit(0.0), lambda sum, each: sum + each["log_odds"]), _limits(events, "max_log_odds"))
    prior = _by_event({name: _prior_log_odds(event) for name, event in events.items()})
    quiet = F.date_diff("first_ever", "first_on") >= _limits(events, "quiet_days")
    return (
        collected.join(whole, ["customer_id", "event"])
        .join(customers, "customer_id")
        .join(first_seen, "customer_id")
        .where(F.col("all_days") >= _limits(events, "min_days"))
        .where(F.size("found") >= _limits(events, "min_categories"))
        .where(F.col("most") <= _limits(events, "max_quantity_a_day"))
        .withColumn("evidence", evidence)
        .select(
            "customer_id",
            "event",
            rounded(1 / (1 + F.exp(-(prior + total)))).alias("probability"),
            _stage_name(events).alias("stage"),
            "evidence",
            "first_evidence_on",
            (quiet | _proves_onset(events)).alias("is_new"),
        )
    )


def _matches(text: Column, events: Mapping[str, LifeEvent], source: str) -> Column:
    """Every piece of evidence a text is, with the stage it tells of."""
    found = []
    for name, event in events.items():
        stage = F.lit(None).cast("int")
        for nth, each in reversed(list(enumerate(event.stages))):
            stage = F.when(text.rlike(each.pattern), nth).otherwise(stage)
        for category, evidence in event.evidence.items():
            if evidence.source != source:
                continue
            fits = text.rlike(evidence.pattern) & ~text.rlike(event.excluded)
            if source == "payments":
                fits = fits & (F.col("direction") == evidence.direction)
                if evidence.types:
                    fits = fits & F.col("type").isin(*evidence.types)
            found.append(F.when(fits, F.struct(F.lit(name).alias("event"), F.lit(category).alias("category"), stage.alias("stage"))))
    return F.array_compact(F.array(*found)).cast(_MATCH) if found else F.array().cast(_MATCH)


def _log_odds(events: Mapping[str, LifeEvent]) -> Column:
    """What a kind of evidence adds for its number of days."""
    steps = {
        (name, category): F.element_at(
            F.array(*[F.lit(step) for step in evidence.log_odds]),
            F.least(F.col("days"), F.lit(len(evidence.log_odds))).cast("int"),
        )
        for name, event in events.items()
        for category, evidence in event.evidence.items()
    }
    return _by_key(steps)


def _faded(events: Mapping[str, LifeEvent]) -> Column:
    half_lives = _by_event({name: F.lit(float(event.half_life_days)) for name, event in events.items()})
    return F.pow(F.lit(0.5), F.col("ago") / half_lives)


def _weighted(events: Mapping[str, LifeEvent]) -> Column:
    """The strongest kind of evidence in full, the others in part."""
    others = _by_event({name: F.lit(event.second_category_weight) for name, event in events.items()})

    def part(each: Column, nth: Column) -> Column:
        return F.struct(
            each["category"].alias("category"),
            each["days"].cast("int").alias("days"),
            each["last_on"].alias("last_on"),
            rounded(each["log_odds"] * F.when(nth == 0, 1.0).otherwise(others)).alias("log_odds"),
            F.lit(None).cast("string").alias("note"),
        )

    return F.transform("found", part)


def _prior_log_odds(event: LifeEvent) -> Column:
    expression = F.lit(math.log(event.prior_unknown_age / (1 - event.prior_unknown_age)))
    for prior in event.prior_by_age:
        log_odds = math.log(prior.probability / (1 - prior.probability))
        expression = F.when(F.col("age").between(prior.from_age, prior.to_age), log_odds).otherwise(expression)
    return expression


def _stage_name(events: Mapping[str, LifeEvent]) -> Column:
    return _by_event({name: _one_of([stage.name for stage in event.stages]) for name, event in events.items()})


def _proves_onset(events: Mapping[str, LifeEvent]) -> Column:
    told = {name: _one_of([stage.proves_onset for stage in event.stages]) for name, event in events.items()}
    return F.coalesce(_by_event(told).cast("boolean"), F.lit(False))


def _one_of(values: list) -> Column:
    """The value at the place `stage` tells."""
    if not values:
        return F.lit(None).cast("string")
    return F.get(F.array(*[F.lit(value) for value in values]), F.col("stage")).cast("string")


def _limits(events: Mapping[str, LifeEvent], name: str) -> Column:
    return _by_event({event: F.lit(getattr(declared, name)) for event, declared in events.items()})


def _by_event(values: Mapping[str, Column]) -> Column:
    """The value of the row's event."""
    return _chosen({name: F.col("event") == name for name in values}, values)


def _by_key(values: Mapping[tuple[str, str], Column]) -> Column:
    """The value of the row's event and category."""
    return _chosen({key: (F.col("event") == key[0]) & (F.col("category") == key[1]) for key in values}, values)


def _chosen(conditions: Mapping, values: Mapping) -> Column:
    expression = None
    for key, value in values.items():
        expression = F.when(conditions[key], value) if expression is None else expression.when(conditions[key], value)
    return F.lit(None) if expression is None else expression
