"""The law of the baselines: yesterday's counts plus what entered minus what left are the counts made anew."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyspark.sql import DataFrame, SparkSession

from features.baselines import counts_of, rebuilt, updated

UNITS = (
    "recorded_on date, customer_id string, business_date date, direction string, amount decimal(18,2), "
    "unusual_amount decimal(18,2), transactions bigint, flagged boolean, surprise double"
)
FIRST = date(2026, 1, 1)
SHAPE = ((1, 3, 7), 20, 1.25)  # windows, days of the baseline, ratio of the bins
DAYS = 40

unit = st.tuples(
    st.integers(0, DAYS),  # the day it happened
    st.integers(0, 8),  # days until it was recorded
    st.sampled_from(["credit", "debit"]),
    st.integers(0, 400_000),  # cents of what is judged; 0: only recurring flows
    st.booleans(),  # part of an abnormal flow
)
world = st.lists(unit, min_size=0, max_size=25)


def rows(worlds: list[list[tuple]]) -> list[tuple]:
    """Units of many customers, one a world; of one unit and day of recording the last one counts."""
    newest: dict[tuple, tuple] = {}
    for nth, units in enumerate(worlds):
        for happened, later, direction, cents, flagged in units:
            on, known = FIRST + timedelta(happened), FIRST + timedelta(happened + later)
            money = Decimal(cents) / 100
            newest[(known, nth, on, direction)] = (known, f"C{nth:02d}", on, direction, money, money, 1, flagged, None)
    return list(newest.values())


def counts(baseline: DataFrame) -> set[tuple]:
    return {(*row,) for row in counts_of(baseline).select("customer_id", "direction", "window_days", "bin", "count").collect()}


@settings(max_examples=2, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(worlds=st.lists(world, min_size=15, max_size=15), since=st.integers(5, 30), step=st.integers(1, 25))
def test_updated_equals_rebuilt_on_random_worlds(spark: SparkSession, worlds: list, since: int, step: int) -> None:
    units = spark.createDataFrame(rows(worlds), UNITS).persist()
    before, today = FIRST + timedelta(since), FIRST + timedelta(since + step)
    expected = counts(rebuilt(units, today, *SHAPE))
    assert counts(updated(rebuilt(units, before, *SHAPE), units, before, today, *SHAPE)) == expected
    units.unpersist()
