"""The law of carried sums: yesterday's, less what is seen otherwise now, plus how it is seen now, are the sums counted anew."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from functools import partial
from itertools import pairwise
from typing import Any

import pyspark.sql.functions as F
import pytest
from pyspark.sql import DataFrame, SparkSession

from conf import Settings
from features.as_of import latest_known_on, versions_as_of
from features.carrying import spans_moved
from jobs.carrying import MAX_DAYS, RATES_KNOWN, carried_from, known_since, rates_known, since_last
from jobs.context import Job, recorded
from jobs.ledger import has_few_customers, is_small, partitions
from jobs.run import one_job
from jobs.session import SHUFFLE_PARTITIONS
from jobs.sums import Sums, carried, counted, sums_of_day
from tables import TABLES
from tests.features.literal_world import frame
from tests.jobs.carried_world import DAYS, START, WORLDS, lived, rate


def test_dates_that_move_are_those_whose_window_differs() -> None:
    windows = (1, 7, 30, 90, 180, 365)

    def window(on: date, day: date) -> int:
        return next((days for days in windows if (day - on).days < days), 0)

    for gap in (1, 2, 6, 25, 31):
        day = START + timedelta(gap)
        moved = {on for on in (day - timedelta(back) for back in range(500)) if on > START or window(on, START) != window(on, day)}
        spans = spans_moved(START, day, windows)
        assert {first + timedelta(n) for first, last in spans for n in range((last - first).days + 1)} == moved
        assert all(later[0] > earlier[1] + timedelta(1) for earlier, later in pairwise(spans))


@pytest.fixture(scope="module")
def job(spark: SparkSession, settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Job:
    return lived(spark, settings, tmp_path_factory.mktemp("sums"), 7)


def known(job: Job, *days: date) -> tuple[DataFrame, DataFrame]:
    versions = versions_as_of(job.lake.read("accounts"), "account_id", days).localCheckpoint()
    return versions, latest_known_on(job.lake.read("fx_rates"), TABLES["fx_rates"].key, days).localCheckpoint()


def rows(frame: DataFrame) -> dict[tuple, dict[str, Any]]:
    key = [name for name in ("customer_id", "account_id") if name in frame.columns]
    return {tuple(row[name] for name in key): row.asDict(recursive=True) for row in frame.collect()}


def stored(job: Job, sums: Sums) -> None:
    for table, rows in (("flow_sums", sums.flows), ("account_sums", sums.accounts), ("purchase_sums", sums.purchases)):
        job.lake.replace(table, rows, {"as_of": job.day})


def test_carried_sums_are_the_counted_ones_to_the_last_digit(job: Job) -> None:
    before = START
    stored(job, counted(job, [START], *known(job, START)))
    for after in DAYS:
        today = replace(job, day=START + timedelta(after))
        versions = known(today, today.day)
        then = job.lake.read("account_sums").where(f"as_of = DATE'{before}'").localCheckpoint()
        since = known_since(today, before, then, versions[0])
        found, expected = carried(today, since, *versions), counted(today, [today.day], *versions)
        assert found is not None
        for name in ("flows", "accounts", "purchases"):
            one, other = rows(getattr(found, name)), rows(getattr(expected, name))
            assert one == other, f"{name} {after} days later"
            assert len(one) >= WORLDS - 1
        before = today.day
        stored(today, found)


def test_many_days_are_counted_at_once_as_each_alone(job: Job) -> None:
    days = [START, *(START + timedelta(after) for after in DAYS)]
    together = counted(job, days, *known(job, *days))
    for name in ("flows", "accounts", "purchases"):
        one = getattr(together, name)
        for day in days:
            alone = getattr(counted(job, [day], *known(job, day)), name)
            assert rows(one.where(F.col("as_of") == F.lit(day))) == rows(alone), f"{name} of {day}"


def test_only_what_would_equal_a_count_is_carried(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is before a first day or after something was slipped in behind the last one."""
    first, today = (replace(job, day=START + timedelta(days), name="features") for days in (21, 22))
    done = {RATES_KNOWN: rates_known(job, first.day)}
    recorded(first, lambda _: done)
    assert carried_from(today) is None, "nothing was kept of that day"

    stored(first, counted(first, [first.day], *known(job, first.day)))
    assert carried_from(today) is None, "the run of that day knew nothing of what is kept now"
    job.lake.create_all()
    recorded(first, lambda _: done)
    assert carried_from(today) == first.day
    versions = known(job, today.day)
    found = sums_of_day(today, since_last(today, versions[0]), *versions)
    expected = counted(job, [today.day], *versions)
    assert rows(found.flows) == rows(expected.flows)
    assert rows(found.accounts) == rows(expected.accounts)
    assert rows(found.purchases) == rows(expected.purchases)

    assert carried_from(replace(today, day=today.day + timedelta(MAX_DAYS))) is None, "too long ago"
    with monkeypatch.context() as other:
        other.setattr("jobs.carrying.code_version", lambda: "another")
        assert carried_from(today) is None
    late = rate(3, "USD", "8", 0) | {"run_id": "late"}
    job.lake.replace("fx_rates", frame(job.spark, "fx_rates", [late]), {"run_id": "late"})
    assert carried_from(today) is None, "a rate that counts as known, and was not"
    job.lake.delete("fx_rates", "run_id = 'late'")
    one = {"transaction_id": "T", "account_id": "A00-0", "business_date": first.day, "run_id": "one"}
    taken = partial(job.lake.replace, "transactions", frame(job.spark, "transactions", [one]), {"run_id": "one"})
    recorded(replace(today, name="ingest"), lambda _: taken() or {})
    recorded(replace(first, name="ingest"), lambda _: {"rows_out": 5})  # of another feed: what calls came to
    assert carried_from(today) == first.day
    recorded(replace(first, name="ingest"), lambda _: taken() or {})
    assert carried_from(today) is None, "movements of a day that was counted before they came"
    job.lake.delete("transactions", "run_id = 'one'")


def test_a_lake_is_small_by_all_rows_ever_taken(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    assert is_small(job.places.lake)
    job.lake.append("files", job.lake.literal("files", [{"feed": "transactions", "accepted": 6}, {"feed": "purchases", "accepted": 5}]))
    monkeypatch.setattr("jobs.ledger.FEW_ROWS", 11)
    assert is_small(job.places.lake)
    monkeypatch.setattr("jobs.ledger.FEW_ROWS", 10)
    assert not is_small(job.places.lake)
    assert has_few_customers(job.places.lake), "movements and purchases are none"
    job.lake.append("files", job.lake.literal("files", [{"feed": "customers", "accepted": 4}]))
    monkeypatch.setattr("jobs.ledger.FEW_CUSTOMERS", 3)
    assert not has_few_customers(job.places.lake)


def test_many_rows_are_shuffled_into_more_parts(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    job.lake.append("files", job.lake.literal("files", [{"feed": "transactions", "accepted": 50}]))
    assert (partitions(job.places.lake, 4), partitions(job.places.lake, 200)) == (4, 200)
    monkeypatch.setattr("jobs.ledger.ROWS_A_PARTITION", 5)
    monkeypatch.setattr("jobs.ledger.FEW_ROWS", 0)
    parts = one_job(job, "detect", lambda of: {"parts": int(of.spark.conf.get(SHUFFLE_PARTITIONS))})["parts"]
    assert parts == partitions(job.places.lake, 1) >= 10
    assert int(job.spark.conf.get(SHUFFLE_PARTITIONS)) < parts, "only meanwhile"


def test_rates_corrected_far_back_are_counted_anew(job: Job) -> None:
    far = rate(MAX_DAYS + 2, "USD", "9", 1) | {"run_id": "far"}
    sums = counted(job, [START], *known(job, START))
    job.lake.replace("fx_rates", frame(job.spark, "fx_rates", [far]), {"run_id": "far"})
    today = replace(job, day=START + timedelta(1))
    versions = known(today, today.day)
    assert carried(today, known_since(today, START, sums.accounts, versions[0]), *versions) is None
