"""A child's age: told by what fits, moving on by itself, the youngest child's, and not told where too little is known."""

from __future__ import annotations

import math
from itertools import pairwise
from random import Random

import pytest
from pyspark.sql import SparkSession

from conf.life_event import Child, Size
from features.child_age import child_age, child_stage

SPANS = [(0, 2), (1, 5), (3, 9), (7, 17), (13, 28), (22, 36)]
CHILD = Child(sizes=tuple(Size(pattern=f"size {n}", from_months=a, to_months=b, newborn=n < 2) for n, (a, b) in enumerate(SPANS)))
Sightings = list[tuple[int, int]]
Age = tuple[float, float, float] | None


def ages(spark: SparkSession, households: list[Sightings], child: Child = CHILD) -> list[Age]:
    rows = spark.createDataFrame(list(enumerate(households)), "id int, sightings array<struct<ago: int, sign: int>>")
    found = rows.select("id", child_age(rows["sightings"], child).alias("age")).orderBy("id").collect()
    return [row["age"] and tuple(row["age"]) for row in found]


def by_hand(sightings: Sightings, child: Child = CHILD) -> Age:
    """The same in plain Python, written from the description and not from the expressions."""
    larger = [ago for ago, sign in sightings if child.sizes[sign].from_months >= 5]
    after = {ago for ago, sign in sightings if child.sizes[sign].newborn and larger and ago < max(larger)}
    if 0 < len(after) < child.newborn_days:
        return None
    if after:
        born = max(after)
        sightings = [(ago, sign) for ago, sign in sightings
                     if ago <= born and child.sizes[sign].from_months <= 5 + child.soft_months + (born - ago) / 30.44]  # fmt: skip
    if not sightings:
        return None
    days = {(sign, pick(ago for ago, other in sightings if other == sign)) for _, sign in sightings for pick in (min, max)}
    weights = []
    for age in range(child.oldest_months + 1):
        weight = 1.0
        for sign, ago in sorted(days):
            size, then = child.sizes[sign], age - ago / 30.44
            early, late = (math.hypot(child.soft_months, child.soft_share * border) for border in (size.from_months, size.to_months))
            beyond = max((size.from_months - then) / early, (then - size.to_months) / late, 0)
            weight *= child.doubt / len(child.sizes) + (1 - child.doubt) * math.exp(-beyond * beyond / 2)
        weights.append(weight)
    total = sum(weights)
    below = [sum(weights[: age + 1]) / total for age in range(len(weights))]
    low, high = (next(age for age, part in enumerate(below) if part >= level) for level in (0.1, 0.9))
    mean = sum(age * weight for age, weight in enumerate(weights)) / total
    return (mean, float(low), float(high)) if high - low <= child.max_interval_months else None


def random_household(rng: Random) -> Sightings:
    """One to three children's sizes at random days, with mistakes, in any order and some twice."""
    seen = []
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        born = rng.randrange(-20, 900)  # days ago
        for ago in rng.sample(range(365), rng.randrange(1, 12)):
            fits = [sign for sign, (first, last) in enumerate(SPANS) if first <= (born - ago) / 30.44 <= last]
            seen.append((ago, rng.choice(fits) if fits and rng.random() < 0.9 else rng.randrange(len(SPANS))))
    seen += rng.sample(seen, len(seen) // 3)
    rng.shuffle(seen)
    return seen


def test_the_age_is_what_one_would_reckon_by_hand(spark: SparkSession) -> None:
    rng = Random(7)
    households = [random_household(rng) for _ in range(400)] + [[]]
    found, expected = ages(spark, households), [by_hand(seen) for seen in households]
    assert sum(age is None for age in expected) > 20
    assert sum(age is not None for age in expected) > 100
    for seen, got, want in zip(households, found, expected, strict=True):
        assert got == pytest.approx(want, abs=0.051) if want else got is None, seen


def test_the_age_moves_on_by_itself(spark: SparkSession) -> None:
    seen = [(0, 0), (20, 0), (0, 1)]
    by_month = ages(spark, [[(ago + 30 * month, sign) for ago, sign in seen] for month in range(12)])
    told = [age[0] for age in by_month if age]
    assert len(told) == 12
    assert all(0.8 <= later - earlier <= 1.2 for earlier, later in pairwise(told)), told


def test_newborn_sizes_after_larger_ones_are_another_child_and_one_day_of_them_leaves_it_open(spark: SparkSession) -> None:
    elder = [(ago, 2) for ago in range(300, 360, 20)] + [(ago, 3) for ago in range(0, 300, 20)]
    alone, gift, second = ages(spark, [elder, [*elder, (30, 0)], [*elder, (30, 0), (11, 0), (3, 1)]])
    assert gift is None
    assert alone is not None
    assert second is not None
    assert alone[0] > 15
    assert second[0] < 5


def test_where_sizes_say_too_little_no_age_is_told(spark: SparkSession) -> None:
    wide, narrow = [(1, 4)], [(5, 1)]
    assert [age is None for age in ages(spark, [[], wide, narrow])] == [True, True, False]
    patient = CHILD.model_copy(update={"max_interval_months": 20.0})
    assert ages(spark, [wide], patient)[0] is not None


def test_a_stage_is_the_span_an_age_falls_into(spark: SparkSession) -> None:
    rows = spark.createDataFrame([(0, 0.0), (1, 5.9), (2, 6.0), (3, 36.0), (4, None)], "id int, months double")
    found = rows.select("id", child_stage(rows["months"], [(0, 6), (6, 12), (12, 36)]).alias("stage")).orderBy("id").collect()
    assert [row["stage"] for row in found] == [0, 0, 1, None, None]
