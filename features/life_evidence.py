"""What is evidence of a life event, and the days with a purchase that is; gifts and shops are not yet told apart."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

import pyspark.sql.functions as F
from pyspark.sql import Column, DataFrame, Window

from conf.life_event import LifeEvent

DAY_COLUMNS = ("customer_id", "event", "category", "business_date", "quantity", "signs")
_MATCH = "array<struct<event: string, category: string, sign: int>>"


def lookback_from(events: Mapping[str, LifeEvent], as_of: date) -> date:
    """The first day of purchases and payments that is read: of the month in which any event begins to look."""
    return (as_of - timedelta(days=max((event.onset_days for event in events.values()), default=1) - 1)).replace(day=1)


def purchase_days(purchases: DataFrame, events: Mapping[str, LifeEvent]) -> DataFrame:
    """Days with a purchase that is evidence, refunds taken off the newest purchases of the same article.

    Every pattern is tried once an article, not once a line.

    Parameters
    ----------
    purchases : DataFrame of consenting customers' known purchases within the lookback
    events : mapping of name to LifeEvent

    Returns
    -------
    DataFrame with `DAY_COLUMNS`: `quantity` of that day, `signs` (what tells how far it has come: places in the event's stages, or
    of an event about a child in its sizes)
    """
    text = F.first(F.concat_ws(" ", "category", "product_name"))  # an aggregate's result: a filter on it cannot sink to the lines
    articles = purchases.groupBy("category", "product_name").agg(text.alias("_text"))
    articles = articles.withColumn("matches", matches(F.col("_text"), events, "purchases")).drop("_text")
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
        .agg(F.sum("kept").alias("quantity"), F.collect_set("match.sign").alias("signs"))
        .select(*DAY_COLUMNS)
    )


def matches(text: Column, events: Mapping[str, LifeEvent], source: str) -> Column:
    """Every piece of evidence a text is, with what it tells of how far the event has come."""
    found = []
    for name, event in events.items():
        for category, evidence in event.evidence.items():
            if evidence.source != source:
                continue
            fits = text.rlike(evidence.pattern) & ~text.rlike(event.excluded)
            if source == "payments":
                fits = fits & (F.col("direction") == evidence.direction)
                if evidence.types:
                    fits = fits & F.col("type").isin(*evidence.types)
            found.append(F.when(fits, F.struct(F.lit(name).alias("event"), F.lit(category).alias("category"))))
    if not found:
        return F.array().cast(_MATCH)
    told = {name: _sign(text, _signs(event)) for name, event in events.items() if _signs(event)}

    def with_sign(match: Column) -> Column:
        sign = F.lit(None).cast("int")
        for name, place in told.items():
            sign = F.when(match["event"] == name, place).otherwise(sign)
        return F.struct(match["event"].alias("event"), match["category"].alias("category"), sign.alias("sign"))

    return F.transform(F.array_compact(F.array(*found)), with_sign).cast(_MATCH)


def _sign(text: Column, patterns: list[str]) -> Column:
    """The place of the first pattern that fits."""
    place = F.lit(None).cast("int")
    for nth, pattern in reversed(list(enumerate(patterns))):
        place = F.when(text.rlike(pattern), nth).otherwise(place)
    return place


def _signs(event: LifeEvent) -> list[str]:
    """Patterns of what tells how far an event has come; `signs` are places in it."""
    return [each.pattern for each in event.child.sizes] if event.child else [stage.pattern or "" for stage in event.stages]
