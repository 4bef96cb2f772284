"""The law of carried sums: yesterday's, less what is seen otherwise now, plus how it is seen now, are the sums counted anew."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from pyspark.sql import DataFrame, SparkSession

from conf import Settings
from features.as_of import latest_known_on, versions_as_of
from features.carrying import spans_moved
from features.flow_sums import CHANNELS, TYPES
from jobs.context import Job, Places, recorded
from jobs.ledger import is_small
from jobs.sums import MAX_DAYS, RATES_KNOWN, Sums, carried, carried_from, counted, rates_known, sums_of_day
from tables import TABLES
from tests.features.literal_world import frame

START = date(2026, 3, 1)  # the sums of this day are counted, those of the next ones carried on
DAYS = (1, 3, 6, 20)  # after it, with gaps as of a weekend and of a lake left alone
WORLDS = 30  # one a customer; they meet in transfers
KINDS = sorted({kind for kinds in TYPES.values() for kind in kinds} | {"other", "closure"})


def test_dates_that_move_are_those_whose_window_differs() -> None:
    def window(on: date, day: date) -> int:
        return next((days for days in (1, 7, 30, 90, 180, 365) if (day - on).days < days), 0)

    for gap in (1, 2, 6, 25, 31):
        day = START + timedelta(gap)
        moved = {on for on in (day - timedelta(back) for back in range(500)) if on > START or window(on, START) != window(on, day)}
        spans = spans_moved(START, day)
        assert {first + timedelta(n) for first, last in spans for n in range((last - first).days + 1)} == moved
        assert all(later[0] > earlier[1] + timedelta(1) for earlier, later in pairwise(spans))


def accounts(rng: np.random.Generator) -> Iterator[dict[str, Any]]:
    """Up to three accounts a customer; some turn up later, change their product or go to somebody else."""
    for who in range(WORLDS):
        for nth in range(int(rng.integers(1, 4))):
            first = START - timedelta(900) if nth == 0 else START + timedelta(int(rng.choice([-900, -100, 1, 2, 5, 15])))
            of = {"account_id": f"A{who:02d}-{nth}", "currency": "CNY", "status": "open", "opened_on": first}
            product = str(rng.choice(["current", "savings", "time_deposit", "investment", "loan"]))
            yield of | {"customer_id": f"C{who:02d}", "product_type": product, "valid_from": first, "recorded_on": first}
            if rng.random() < 0.15:
                later = max(first, START) + timedelta(int(rng.integers(1, 8)))
                owner, other = (f"C{(who + 1) % WORLDS:02d}", product) if rng.random() < 0.5 else (f"C{who:02d}", "current")
                yield of | {"customer_id": owner, "product_type": other, "valid_from": later, "recorded_on": later}


def transactions(rng: np.random.Generator, known: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Few amounts and sides, so that they net, recur and turn out to be the customer's own; late and corrected ones."""
    first = {row["account_id"]: row["recorded_on"] for row in reversed(known)}
    ids = sorted(first)
    edges = np.array([0, 1, 7, 30, 90, 180, 365, 400])
    for number in range(WORLDS * 70):
        account = str(rng.choice(ids))
        near = int(rng.choice(edges)) - int(rng.integers(-25, 26))
        on = START + timedelta(25) - timedelta(max(near, 0) if rng.random() < 0.7 else int(rng.integers(0, 430)))
        late = 0 if rng.random() < 0.8 else int(rng.choice([1, 2, 5, 40, 300]))
        recorded = max(on + timedelta(late), first[account])
        corrected = recorded + timedelta(int(rng.choice([1, 3, 30]))) if rng.random() < 0.04 else None
        pick = rng.random()
        own = [each for each in ids if each[:3] == account[:3]]
        other = str(rng.choice(own)) if pick < 0.25 else str(rng.choice(ids)) if pick < 0.4 else "SHOP" if pick < 0.7 else None
        yield {
            "transaction_id": f"T{number:05d}", "account_id": account, "amount": Decimal(int(rng.choice([50, 50, 99, 120000]))) / 10,
            "booked_at": datetime(on.year, on.month, on.day, int(rng.integers(0, 16))), "business_date": on, "recorded_on": recorded,
            "superseded_on": corrected, "direction": str(rng.choice(["credit", "debit"])), "type": str(rng.choice(KINDS)),
            "currency": str(rng.choice(["CNY", "CNY", "CNY", "USD", "EUR"])), "channel": str(rng.choice(CHANNELS)),
            "counterparty": other, "balance_after": Decimal(int(rng.integers(0, 9999))) if rng.random() < 0.5 else None,
            "description": "rent 7",
        }  # fmt: skip


def rate(back: int, currency: str, worth: str, told: int) -> dict[str, Any]:
    """A rate of some days before the start, told some days after it."""
    on, recorded = START - timedelta(back), START + timedelta(told)
    return {"rate_date": on, "business_date": on, "currency": currency, "rate": Decimal(worth), "recorded_on": recorded}


RATES = [rate(back, "USD", f"7.{back:03d}", -back) for back in range(0, 430, 10)]
RATES += [rate(5, "USD", "7.5", 2), rate(20, "EUR", "8", 3)]  # one of USD is corrected; of EUR nothing is known for three days


@pytest.fixture(scope="module")
def job(spark: SparkSession, settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Job:
    root = tmp_path_factory.mktemp("sums")
    job = Job(settings, Places(root / "landing", root / "lake", root / "w"), spark, START, "features")
    rng = np.random.default_rng(7)
    owned = list(accounts(rng))
    world = {"accounts": owned, "transactions": list(transactions(rng, owned)), "fx_rates": RATES}
    for table, rows in world.items():
        job.lake.replace(table, frame(spark, table, [{**row, "run_id": "all"} for row in rows]), {"run_id": "all"})
    return job


def known(job: Job, day: date) -> tuple[DataFrame, DataFrame]:
    versions = versions_as_of(job.lake.read("accounts"), "account_id", [day]).localCheckpoint()
    return versions, latest_known_on(job.lake.read("fx_rates"), TABLES["fx_rates"].key, [day]).localCheckpoint()


def rows(frame: DataFrame) -> dict[tuple, dict[str, Any]]:
    key = [name for name in ("customer_id", "account_id") if name in frame.columns]
    return {tuple(row[name] for name in key): row.asDict(recursive=True) for row in frame.collect()}


def test_carried_sums_are_the_counted_ones_to_the_last_digit(job: Job) -> None:
    before, sums = START, counted(job, [START], *known(job, START))
    for after in DAYS:
        today = replace(job, day=START + timedelta(after))
        versions = known(today, today.day)
        found, expected = carried(today, before, sums, *versions), counted(today, [today.day], *versions)
        assert found is not None
        for name in ("flows", "accounts"):
            one, other = rows(getattr(found, name)), rows(getattr(expected, name))
            assert one == other, f"{name} {after} days later"
            assert len(one) >= WORLDS - 1
        before, sums = today.day, Sums(found.flows, found.accounts)


def test_only_what_would_equal_a_count_is_carried(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is, of a small lake, before a first day or after something was slipped in behind the last one."""
    first, today = (replace(job, day=START + timedelta(days), name="features") for days in (21, 22))
    sums_of_day(first, *known(job, first.day))
    recorded(first, lambda job: {RATES_KNOWN: rates_known(job, job.day)})
    assert job.lake.read("flow_sums").isEmpty(), "a small lake needs no sums of the day before"
    assert carried_from(today) is None

    monkeypatch.setattr("jobs.sums.is_small", lambda _: False)
    sums_of_day(first, *known(job, first.day))
    assert carried_from(today) == first.day
    versions = known(job, today.day)
    sums_of_day(today, *versions)
    expected = counted(job, [today.day], *versions)
    assert rows(job.lake.read("flow_sums").where(f"as_of = DATE'{today.day}'")) == rows(expected.flows)
    assert rows(job.lake.read("account_sums").where(f"as_of = DATE'{today.day}'")) == rows(expected.accounts)

    assert carried_from(replace(today, day=today.day + timedelta(MAX_DAYS))) is None, "too long ago"
    with monkeypatch.context() as other:
        other.setattr("jobs.sums.code_version", lambda: "another")
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


def test_rates_corrected_far_back_are_counted_anew(job: Job) -> None:
    far = rate(MAX_DAYS + 2, "USD", "9", 1) | {"run_id": "far"}
    sums = counted(job, [START], *known(job, START))
    job.lake.replace("fx_rates", frame(job.spark, "fx_rates", [far]), {"run_id": "far"})
    today = replace(job, day=START + timedelta(1))
    assert carried(today, START, sums, *known(today, today.day)) is None
