"""What in payments is evidence of a life event, one row a consenting customer: a day's is carried on from the day before's.

Beside the payments that are evidence, a row holds the first day of each month with any payment: since when the customer is in sight.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import pyspark.sql.functions as F
from pyspark.sql import Column, DataFrame, Window

from conf.life_event import WATCHED_DAYS, LifeEvent
from features.as_of import in_base_currency
from features.configured import of_event, of_evidence
from features.flows import wording
from features.life_evidence import DAY_COLUMNS, matches

PAYMENTS = "array<struct<on: date, event: string, category: string, sign: int, series: bigint, amount: decimal(18,2), currency: string>>"
SEEN = "array<date>"
COLUMNS = {  # name -> type, comment
    "seen": (SEEN, "first day of each month with a payment, own transfers left out"),
    "payments": (PAYMENTS, "each different payment that is evidence; `series` is a hash of who or what is on the other side"),
}


def payment_evidence(payments: DataFrame, customers: DataFrame, events: Mapping[str, LifeEvent]) -> DataFrame:
    """One row a customer, whether there is evidence or not.

    Every pattern is tried once a wording, not once a payment.

    Parameters
    ----------
    payments : DataFrame of the customers' known payments within the lookback, with `customer_id`, `business_date`, `direction`,
        `type`, `amount`, `currency`, `description`, `counterparty`
    customers : DataFrame with `customer_id`: those who consent
    events : mapping of name to LifeEvent

    Returns
    -------
    DataFrame with `customer_id` and `COLUMNS`, both sorted
    """
    worded = payments.withColumn("text", F.concat_ws(" ", wording(), "counterparty"))
    texts = worded.groupBy("text", "direction", "type").agg(F.first("text").alias("_text"))  # a filter on it cannot sink to the payments
    texts = texts.withColumn("matches", matches(F.col("_text"), events, "payments")).drop("_text")
    telling = worded.join(texts.where(F.size("matches") > 0), ["text", "direction", "type"])
    each = telling.select("customer_id", F.col("business_date").alias("on"), "amount", "currency", F.xxhash64("text").alias("series"),
                          F.inline("matches"))  # fmt: skip
    found = each.groupBy("customer_id").agg(
        F.collect_set(F.struct("on", "event", "category", "sign", "series", "amount", "currency")).alias("payments"))
    by_month = payments.groupBy("customer_id", F.trunc("business_date", "month")).agg(F.min("business_date").alias("first"))
    seen = by_month.groupBy("customer_id").agg(F.collect_set("first").alias("seen"))
    known = customers.select("customer_id").join(seen, "customer_id", "left").join(found, "customer_id", "left")
    return known.select("customer_id", *[F.array_sort(_listed(name, kind)).alias(name) for name, (kind, _) in COLUMNS.items()])


def carried_payment_evidence(before: DataFrame, told: DataFrame, since: date) -> DataFrame:
    """A later day's rows of the same customers.

    Parameters
    ----------
    before : DataFrame as `payment_evidence` returns, of the earlier day
    told : DataFrame as the same returns, of the payments that have become known since
    since : date
        First day that the later day looks at.

    Returns
    -------
    DataFrame as `payment_evidence` returns
    """
    new = told.select("customer_id", *[F.col(name).alias(f"_{name}") for name in COLUMNS])
    both = before.join(new, "customer_id", "left").select(
        "customer_id", *[F.array_sort(F.array_union(name, _listed(f"_{name}", kind))).alias(name) for name, (kind, _) in COLUMNS.items()])
    in_sight = both.select(
        "customer_id",
        F.filter("seen", lambda day: day >= F.lit(since)).alias("seen"),
        F.filter("payments", lambda payment: payment["on"] >= F.lit(since)).alias("payments"),
    )
    return in_sight.withColumn("seen", F.filter("seen", _first_of_its_month))


def _first_of_its_month(day: Column, place: Column) -> Column:
    """Of sorted days."""
    before = F.get("seen", place - 1)
    return before.isNull() | (F.trunc(before, "month") < F.trunc(day, "month"))


def _listed(name: str, kind: str) -> Column:
    return F.coalesce(name, F.array().cast(kind))


def payment_days(
    evidence: DataFrame, fx_rates: DataFrame, base_currency: str, events: Mapping[str, LifeEvent], as_of: date
) -> DataFrame:
    """Days with a payment that is evidence.

    Parameters
    ----------
    evidence : DataFrame as `payment_evidence` returns
    fx_rates : DataFrame as `latest_known_by` returns
    base_currency : str
    events : mapping of name to LifeEvent
    as_of : date

    Returns
    -------
    DataFrame with `DAY_COLUMNS`: `quantity` is 1
    """
    told = evidence.select("customer_id", F.array_min("seen").alias("seen_on"), F.inline("payments"))
    kind = Window.partitionBy("customer_id", "event", "category")
    series = Window.partitionBy("customer_id", "event", "category", "series")
    evidences = {(name, category): each for name, event in events.items() for category, each in event.evidence.items()}
    floors = of_evidence({key: each.min_amount for key, each in evidences.items()})
    windows = of_event({name: event.window_days for name, event in events.items()})
    novel = of_evidence({key: each.novel for key, each in evidences.items()})
    another = of_evidence({key: each.in_place_of_another for key, each in evidences.items()})
    fresh = F.date_diff(F.lit(as_of), F.min("business_date").over(series)) < windows
    watched = F.date_diff(F.lit(as_of), "seen_on") >= windows + WATCHED_DAYS
    elder = F.date_diff(F.lit(as_of), F.min("business_date").over(kind)) >= windows
    return (
        in_base_currency(told.withColumnRenamed("on", "business_date"), fx_rates, base_currency)
        .withColumn("_counts", (F.col("amount_base") >= floors) & (~novel | (fresh & watched)) & (~another | elder))
        .where("_counts")
        .groupBy("customer_id", "event", "category", "business_date")
        .agg(F.lit(1).cast("decimal(28,3)").alias("quantity"), F.collect_set("sign").alias("signs"))
        .select(*DAY_COLUMNS)
    )
