"""The law of carried evidence: that of an earlier day, and what has become known since, is the evidence counted anew."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pyspark.sql.functions as F
import pytest
from pyspark.sql import DataFrame, SparkSession

from conf import Settings
from features.as_of import version_as_of, versions_as_of
from features.life_events import consenting
from features.life_evidence import lookback_from
from jobs.carrying import known_since
from jobs.context import Job
from jobs.evidence import carried, counted
from tests.jobs.carried_world import DAYS, START, WORLDS, lived


@pytest.fixture(scope="module")
def job(spark: SparkSession, settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Job:
    return lived(spark, settings, tmp_path_factory.mktemp("evidence"), 11)


def who_consents(job: Job) -> DataFrame:
    people = version_as_of(job.lake.read("customers"), "customer_id", job.day)
    return consenting(people, job.lake.read("restrictions"), job.day).localCheckpoint()


def rows(evidence: DataFrame) -> dict[str, dict[str, Any]]:
    return {row["customer_id"]: row.asDict(recursive=True) for row in evidence.collect()}


def test_carried_evidence_is_the_counted_one(job: Job) -> None:
    def owners(today: Job) -> DataFrame:
        return versions_as_of(job.lake.read("accounts"), "account_id", [today.day]).localCheckpoint()

    before, was, began, ceased, late = job, counted(job, who_consents(job)), set(), set(), set()
    for after in DAYS:
        today = replace(job, day=START + timedelta(after))
        job.lake.replace("payment_evidence", was.withColumn("as_of", F.lit(before.day)), {"as_of": before.day})
        since, consent = known_since(today, before.day, owners(before), owners(today)), who_consents(today)
        found, expected, then = carried(today, since, consent), rows(counted(today, consent)), rows(was)
        assert rows(found) == expected, f"{after} days later"
        began |= expected.keys() - then.keys()
        ceased |= then.keys() - expected.keys()
        assert WORLDS / 3 < len(expected) < WORLDS
        assert max(len(row["payments"]) for row in expected.values()) > 5
        anew = {row["customer_id"] for row in since.anew.collect()}
        late |= {
            who for who in expected.keys() & then.keys() - anew for paid in expected[who]["payments"]
            if paid["on"] <= before.day and paid not in then[who]["payments"]
        }
        before, was = today, found
    assert began, "nobody who gave consent was tried"
    assert ceased, "nobody who withdrew consent was tried"
    assert late, "nothing that was told late was tried"


def test_a_row_says_since_when_a_customer_is_in_sight(job: Job) -> None:
    events = job.settings.enabled_life_events
    for row in rows(counted(job, who_consents(job))).values():
        assert row["seen"] == sorted(row["seen"])
        assert len({(day.year, day.month) for day in row["seen"]}) == len(row["seen"])
        assert all(lookback_from(events, START) <= day <= START for day in row["seen"])
        assert {payment["event"] for payment in row["payments"]} <= events.keys()
