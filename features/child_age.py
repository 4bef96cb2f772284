"""A child's probable age in months, from the sizes that were bought for it.

A size is worn from some months of age to some others, so each sighting tells an age on its day, and that age has grown by the months
since. The likelihoods of all sightings are multiplied over a grid of ages; where they agree there is an age, and it moves on by
itself. Sightings are no independent witnesses (a heavy child wears everything early, always), so of each size only the first and the
last day count. Where a newborn's size follows those of a larger child, only what can be the newborn's counts from then on.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import pyspark.sql.functions as F
from pyspark.sql import Column

from conf.life_event import Child
from features.configured import literals

MONTH_DAYS = 30.44
DIGITS = 1
AGE = "struct<months: double, from_months: double, to_months: double>"


def child_age(sightings: Column, child: Child) -> Column:
    """The probable age of a household's youngest child.

    Parameters
    ----------
    sightings : Column, array<struct<ago: int, sign: int>>
        One a day and size: days ago, and the size's place in `child.sizes`. Any number, in any order, repeats allowed.
    child : Child

    Returns
    -------
    Column, `AGE`
        The mean, and the interval that holds the age with probability `child.interval`; null where no size was seen, or where
        the interval is wider than `child.max_interval_months`.
    """
    seen = _first_and_last(_of_youngest(sightings, child), child)
    ages = F.sequence(F.lit(0), F.lit(child.oldest_months))
    scores = _let(seen, lambda each: F.transform(ages, lambda age: _log_likelihood(each, age, child)))
    weights = _let(scores, lambda each: _let(F.array_max(each), lambda best: F.transform(each, lambda score: F.exp(score - best))))
    told = _let(weights, lambda each: _mean_and_interval(each, child))
    narrow = _let(told, lambda age: F.when(age["to_months"] - age["from_months"] <= child.max_interval_months, age))
    return F.when(F.size(sightings) > 0, narrow).cast(AGE)


def child_stage(months: Column, spans: list[tuple[float, float]]) -> Column:
    """The place of the stage an age falls into: the first that has not ended; null where the age is unknown or in none."""
    expression = F.lit(None).cast("int")
    for place, (first, last) in reversed(list(enumerate(spans))):
        expression = F.when((months >= first) & (months < last), place).otherwise(expression)
    return expression


def _of_youngest(sightings: Column, child: Child) -> Column:
    """What may have been bought for the youngest child; nothing where that is open.

    A newborn's sizes on enough days after the first size for a larger child are another child's. From then on a size counts only
    if that child can have grown into it. On fewer days they may be a gift or a child: nobody's age is told.
    """
    newborn = [place for place, size in enumerate(child.sizes) if size.newborn]
    outgrown = max((child.sizes[place].to_months for place in newborn), default=float(child.oldest_months))
    larger = [place for place, size in enumerate(child.sizes) if size.from_months >= outgrown]
    if not newborn or not larger:
        return sightings
    starts = literals([size.from_months for size in child.sizes])
    elder = F.array_max(F.transform(F.filter(sightings, lambda each: each["sign"].isin(larger)), lambda each: each["ago"]))

    def days_after(first: Column) -> Column:
        after = F.filter(sightings, lambda each: each["sign"].isin(newborn) & (each["ago"] < first))
        return F.array_distinct(F.transform(after, lambda each: each["ago"]))

    def grown_into(each: Column, born: Column) -> Column:
        months = outgrown + child.soft_months + (born - each["ago"]) / MONTH_DAYS
        return (each["ago"] <= born) & (F.get(starts, each["sign"]) <= months)

    def for_newborn(days: Column) -> Column:
        return F.when(F.size(days) >= child.newborn_days, F.filter(sightings, lambda each: grown_into(each, F.array_max(days))))

    none_after = F.coalesce(F.size(days_after(elder)) == 0, F.lit(True))
    return F.when(none_after, sightings).otherwise(_let(days_after(elder), for_newborn))


def _first_and_last(sightings: Column, child: Child) -> Column:
    """Each size seen, with how many days ago first and last: array<struct<sign, first, last>>."""

    def of(sign: Column, every: Column) -> Column:
        days = F.transform(F.filter(every, lambda each: each["sign"] == sign), lambda each: each["ago"])
        return F.struct(sign.alias("sign"), F.array_max(days).alias("first"), F.array_min(days).alias("last"))

    signs = F.sequence(F.lit(0), F.lit(len(child.sizes) - 1))
    each_sign = _let(sightings, lambda every: F.transform(signs, lambda sign: of(sign, every)))
    return F.filter(each_sign, lambda each: each["first"].isNotNull())


def _log_likelihood(seen: Column, age: Column, child: Child) -> Column:
    """Of a child of that age today having been bought these sizes: each fits, nearly fits, or was for somebody else."""
    starts, early = _of_sizes([size.from_months for size in child.sizes], child)
    ends, late = _of_sizes([size.to_months for size in child.sizes], child)

    def of_day(sign: Column, ago: Column) -> Column:
        then = age - ago / MONTH_DAYS
        too_young, too_old = (F.get(starts, sign) - then) / F.get(early, sign), (then - F.get(ends, sign)) / F.get(late, sign)
        beyond = F.greatest(too_young, too_old, F.lit(0.0))
        return F.ln(child.doubt / len(child.sizes) + (1 - child.doubt) * F.exp(-0.5 * beyond * beyond))

    def both(total: Column, each: Column) -> Column:
        first = F.when(each["first"] > each["last"], of_day(each["sign"], each["first"])).otherwise(0.0)
        return total + first + of_day(each["sign"], each["last"])

    return F.aggregate(seen, F.lit(0.0), both)


def _of_sizes(borders: list[float], child: Child) -> tuple[Column, Column]:
    """A border a size, in months, and how soft it is."""
    soft = [math.hypot(child.soft_months, child.soft_share * border) for border in borders]
    return literals(borders), literals(soft)


def _mean_and_interval(weights: Column, child: Child) -> Column:
    """Of weights of the ages 0, 1, 2 … months, not normalised: mean, and the ages between which the middle of them lies."""
    tail = (1 - child.interval) / 2
    total = F.aggregate(weights, F.lit(0.0), lambda sum, weight: sum + weight)

    def add(sofar: Column, weight: Column, whole: Column) -> Column:
        below = sofar["below"] + weight
        return F.struct(
            (sofar["age"] + 1).alias("age"),
            below.alias("below"),
            (sofar["moment"] + sofar["age"] * weight).alias("moment"),
            (sofar["low"] + F.when(below < tail * whole, 1.0).otherwise(0.0)).alias("low"),
            (sofar["high"] + F.when(below < (1 - tail) * whole, 1.0).otherwise(0.0)).alias("high"),
        )

    nothing = F.struct(*[F.lit(0.0).alias(name) for name in ("age", "below", "moment", "low", "high")])

    def told(whole: Column) -> Column:
        return F.aggregate(
            weights,
            nothing,
            lambda sofar, weight: add(sofar, weight, whole),
            lambda end: F.struct(
                F.round(end["moment"] / whole, DIGITS).alias("months"), end["low"].alias("from_months"), end["high"].alias("to_months")
            ),
        )

    return _let(total, told)


def _let(value: Column, use: Callable[[Column], Column]) -> Column:
    """`use(value)` with the value computed once, however often it is used."""
    return F.element_at(F.transform(F.array(value), use), 1)
