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
from datetime import date

import pyspark.sql.functions as F
from pyspark.sql import Column, DataFrame

from conf.life_event import LifeEvent
from features.as_of import in_force
from features.bands import age_on
from features.child_age import AGE, child_age, child_stage
from features.configured import by_event, literal, of_event, of_evidence
from features.feature import rounded

ADULT = 18
MONTH = 30  # days
SHORTEST_GAP = 7.0  # days: nobody is missed sooner for shopping twice in a week
EARLIER = "earlier"  # the category under which days before the window are listed
CHILD_COLUMNS = {"child_age_months": "months", "child_age_from_months": "from_months", "child_age_to_months": "to_months"}


def consenting(customers: DataFrame, restrictions: DataFrame, as_of: date) -> DataFrame:
    """Customers whose life events may be looked for on a day, with their age; of nobody else is anything computed.

    Parameters
    ----------
    customers : DataFrame as `version_as_of` returns
    restrictions : DataFrame as `latest_known_by` returns; a bereavement ends all looking
    as_of : date

    Returns
    -------
    DataFrame with `customer_id`, `age`: of nobody whose birth date is not on record, who may be a child
    """
    bereaved = restrictions.where((F.col("kind") == "bereavement") & in_force(F.lit(as_of)))
    age = age_on(F.col("birth_date"), as_of)
    return (
        customers.where(F.coalesce("life_event_consent", F.lit(False)) & F.col("closed_on").isNull())
        .where(age >= ADULT)
        .join(bereaved.select("customer_id").distinct(), "customer_id", "left_anti")
        .select("customer_id", age.alias("age"))
    )


def life_events(days: DataFrame, customers: DataFrame, first_seen: DataFrame, events: Mapping[str, LifeEvent], as_of: date) -> DataFrame:
    """Life events probable enough, and new enough, to be written down.

    Parameters
    ----------
    days : DataFrame with `DAY_COLUMNS`, of purchases and payments
    customers : DataFrame as `consenting` returns
    first_seen : DataFrame with `customer_id`, `source` (purchases, payments), `first_on`: first day of any of them within the lookback
    events : mapping of name to LifeEvent
    as_of : date

    Returns
    -------
    DataFrame with the columns of the table `life_events`
    """
    judged = posteriors(days, customers, first_seen, events, as_of)
    return judged.where(F.col("is_new") & (F.col("probability") >= _limits(events, "min_probability"))).select(
        "customer_id",
        F.lit(as_of).alias("as_of"),
        "event",
        "probability",
        "stage",
        "evidence",
        F.lit(True).alias("consented"),
        "first_evidence_on",
        *CHILD_COLUMNS,
    )


def posteriors(days: DataFrame, customers: DataFrame, first_seen: DataFrame, events: Mapping[str, LifeEvent], as_of: date) -> DataFrame:
    """The probability of every event that anything speaks for. Parameters as of `life_events`.

    Returns
    -------
    DataFrame with `customer_id`, `event`, `probability`, `stage`, `evidence` (what adds most first), `first_evidence_on` (within
    the window), `is_new` (nothing spoke for it for a while before, or its stage proves it), and of an event about a child
    `CHILD_COLUMNS`
    """
    ago = F.date_diff(F.lit(as_of), "business_date")
    in_sight = days.where((ago >= 0) & (ago < _limits(events, "onset_days")))
    sources = of_evidence({(name, kind): each.source for name, event in events.items() for kind, each in event.evidence.items()})
    seen = in_sight.withColumns({"ago": ago, "within": ago < _limits(events, "window_days"), "source": sources}).join(
        first_seen, ["customer_id", "source"]
    )
    counted = seen.groupBy("customer_id", "event", "category").agg(
        F.count_if("within").alias("days"),
        F.max(F.when(F.col("within"), F.col("business_date"))).alias("last_on"),
        F.min(F.when(F.col("within"), F.col("ago"))).alias("ago"),
        F.sum(F.when(F.col("within"), F.col("quantity"))).alias("pieces"),
    )
    most_pieces = of_evidence({(name, kind): each.max_quantity for name, event in events.items() for kind, each in event.evidence.items()})
    weighed = counted.where("days > 0").withColumns({
        "log_odds": rounded(_log_odds(events)), "too_many": F.col("pieces") > most_pieces
    })  # fmt: skip
    collected = weighed.groupBy("customer_id", "event").agg(
        F.sort_array(F.collect_list(F.struct("log_odds", "category", "days", "last_on")), asc=False).alias("found"),
        F.coalesce(F.bool_or("too_many"), F.lit(False)).alias("too_many"),
    )
    by_day = seen.groupBy("customer_id", "event", "business_date").agg(
        F.sum("quantity").alias("quantity"),
        F.array_distinct(F.flatten(F.collect_list("signs"))).alias("signs"),
        F.max(F.size("signs")).alias("sizes"),
        F.first("within").alias("within"),
        F.first("ago").alias("ago"),
        F.min(F.date_diff("business_date", "first_on")).alias("quiet"),
    )
    sightings = F.transform("signs", lambda sign: F.struct(F.col("ago"), sign.alias("sign")))
    whole = by_day.groupBy("customer_id", "event").agg(
        F.count_if("within").alias("all_days"),
        F.max("quantity").alias("most"),
        F.max("sizes").alias("sizes"),
        F.min("ago").alias("silent"),
        F.min("quiet").alias("quiet"),
        F.min(F.when(F.col("within"), F.col("business_date"))).alias("first_evidence_on"),
        F.count_if(~F.col("within")).alias("earlier"),
        F.size(F.collect_set(F.when(~F.col("within"), F.floor(F.col("ago") / MONTH)))).alias("earlier_months"),
        F.max(F.when(F.col("within"), F.col("ago"))).alias("began"),
        F.max(F.when(~F.col("within"), F.col("business_date"))).alias("earlier_on"),
        F.max_by(F.array_min("signs"), F.when(F.col("within") & (F.size("signs") > 0), F.col("business_date"))).alias("latest"),
        _child(events, F.flatten(F.collect_list(sightings))).alias("child"),  # once a group: no later filter can pull it in and repeat it
    )
    total = F.least(F.aggregate("evidence", F.lit(0.0), lambda sum, each: sum + each["log_odds"]), _limits(events, "max_log_odds"))
    quiet = F.col("quiet") >= _limits(events, "quiet_days")
    return (
        collected.join(whole, ["customer_id", "event"])
        .join(customers, "customer_id")
        .where(F.col("all_days") + F.when(_lasts(events), F.col("earlier")).otherwise(0) >= _limits(events, "min_days"))
        .where(F.size("found") >= _limits(events, "min_categories"))
        .where((F.col("most") <= _limits(events, "max_quantity_a_day")) & ~F.col("too_many"))
        .where(F.col("sizes") <= _limits(events, "max_sizes_a_day"))
        .where(F.col("silent") <= _patience(events))
        .withColumns({"evidence": _weighted(events), "reached": _reached(events)})
        .select(
            "customer_id",
            "event",
            rounded(1 / (1 + F.exp(-(_prior_log_odds(events) + total)))).alias("probability"),
            _of_stage(events, "name").cast("string").alias("stage"),
            "evidence",
            "first_evidence_on",
            (quiet | F.coalesce(_of_stage(events, "proves_onset").cast("boolean"), F.lit(False))).alias("is_new"),
            *[F.col(f"child.{field}").alias(name) for name, field in CHILD_COLUMNS.items()],
        )
    )


def _log_odds(events: Mapping[str, LifeEvent]) -> Column:
    """What a kind of evidence adds for its number of days, faded since its last one."""
    kinds = {(name, category): each.log_odds for name, event in events.items() for category, each in event.evidence.items()}
    return _step(of_evidence(kinds), F.col("days")) * F.pow(F.lit(0.5), F.col("ago") / _limits(events, "half_life_days"))


def _weighted(events: Mapping[str, LifeEvent]) -> Column:
    """The strongest kind of evidence in full, the others in part, and what there was before the window."""
    others = _limits(events, "second_category_weight")

    def part(category: Column, days: Column, last_on: Column, log_odds: Column, note: Column) -> Column:
        return F.struct(
            category.alias("category"),
            days.cast("int").alias("days"),
            last_on.alias("last_on"),
            rounded(log_odds).alias("log_odds"),
            note.cast("string").alias("note"),
        )

    def weighted(each: Column, nth: Column) -> Column:
        weight = F.when(nth == 0, 1.0).otherwise(others)
        return part(each["category"], each["days"], each["last_on"], each["log_odds"] * weight, F.lit(None))

    months = F.col("earlier_months")
    added = _step(_limits(events, "earlier_log_odds").cast("array<double>"), months)
    before = part(F.lit(EARLIER), F.col("earlier"), F.col("earlier_on"), added, F.concat(F.lit("months: "), months))
    return F.concat(F.transform("found", weighted), F.when((F.col("earlier") > 0) & _lasts(events), F.array(before)).otherwise(F.array()))


def _lasts(events: Mapping[str, LifeEvent]) -> Column:
    """Whether evidence from before the window counts."""
    return F.col("event").isin(*[name for name, event in events.items() if event.earlier_log_odds])


def _patience(events: Mapping[str, LifeEvent]) -> Column:
    """Days without evidence after which an event has ended: at most so many, and so many of the customer's own usual gaps."""
    gap = F.when(F.col("all_days") > 2, F.greatest((F.col("began") - F.col("silent")) / (F.col("all_days") - 1), F.lit(SHORTEST_GAP)))
    return F.coalesce(F.least(_limits(events, "silence_days"), gap * _limits(events, "silence_gaps")), F.lit(math.inf))


def _step(steps: Column, days: Column) -> Column:
    """What so many days (one or more) add; the last step holds on."""
    return F.element_at(steps, F.least(days, F.size(steps)).cast("int"))


def _prior_log_odds(events: Mapping[str, LifeEvent]) -> Column:
    """The event's prior at the customer's age, in log-odds."""
    bands = [
        f"WHEN event = {literal(name)} AND age BETWEEN {each.from_age} AND {each.to_age} THEN {literal(_log_odds_of(each.probability))}"
        for name, event in events.items() for each in event.prior_by_age
    ]  # fmt: skip
    unknown = of_event({name: _log_odds_of(event.prior_unknown_age) for name, event in events.items()})
    return F.coalesce(F.expr(f"CASE {' '.join(bands)} END"), unknown) if bands else unknown


def _log_odds_of(probability: float) -> float:
    return math.log(probability / (1 - probability))


def _child(events: Mapping[str, LifeEvent], sightings: Column) -> Column:
    """The child's probable age; null for events that are not about a child."""
    ages = {name: child_age(sightings, event.child) for name, event in events.items() if event.child}
    return by_event(ages).cast(AGE)


def _reached(events: Mapping[str, LifeEvent]) -> Column:
    """The place of the stage reached: by the child's age, or by the latest article that tells one."""
    spans = {name: [(each.from_months or 0.0, each.to_months or 0.0) for each in event.stages]
             for name, event in events.items() if event.child}  # fmt: skip
    aged = by_event({name: child_stage(F.col("child.months"), some) for name, some in spans.items()})
    return F.when(F.col("event").isin(*spans), aged).otherwise(F.col("latest"))


def _of_stage(events: Mapping[str, LifeEvent], name: str) -> Column:
    """What is configured of the stage reached; null where none is."""
    values = of_event({event: tuple(getattr(stage, name) for stage in declared.stages) for event, declared in events.items()})
    return F.get(values, F.col("reached")) if any(event.stages for event in events.values()) else F.lit(None)


def _limits(events: Mapping[str, LifeEvent], name: str) -> Column:
    return of_event({event: getattr(declared, name) for event, declared in events.items()})
