"""One Spark session and one small bank for all that a process tests."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from conf import Settings, load_settings

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from jobs.context import Places


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whole days before everything quick: `make test` has two workers, which take whole files in this order."""
    items.sort(key=lambda item: "tests/jobs/" not in item.nodeid)


@pytest.fixture(scope="session")
def settings() -> Settings:
    """The packaged defaults, on two threads and little memory."""
    from jobs.session import INTERPRETED

    loaded = load_settings()
    return loaded.model_copy(update={"spark": loaded.spark.model_copy(update={
        "master": "local[2]", "driver_memory": "2g", "shuffle_partitions": 2,
        "java_options": "-XX:+UseSerialGC -Xmn1g -XX:+DontCompileHugeMethods",  # compiling wide methods pays for rows, not for plans
        "conf": {**loaded.spark.conf, **INTERPRETED}})})  # tables of a few rows, as the product plans a small day


@pytest.fixture(scope="session")
def spark(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    from jobs.session import start

    session = start(settings, tmp_path_factory.mktemp("log") / "spark.log")
    yield session
    session.stop()


@pytest.fixture
def places(tmp_path: Path):
    from jobs.context import Places

    root = tmp_path / "客户 bank"  # blanks and letters that are not ASCII are some banks' paths
    return Places(root / "landing", root / "lake", root / "worklists")


def large_withdrawal(landing: Path, day: date) -> None:
    """One more file in the day's drop: somebody's current account loses two million."""
    with gzip.open(min((landing / "accounts").glob("*/*.csv.gz")), "rt", encoding="utf-8") as lines:
        account = next(row for row in csv.DictReader(lines) if row["product_type"] == "current" and row["status"] == "open")
    (landing / "transactions" / f"dt={day}" / "planted.csv").write_text(
        "transaction_id,account_id,booked_at,amount,currency,direction,type,channel\n"
        f"PLANTED,{account['account_id']},{day}T10:00:00,2000000.00,{account['currency']},debit,transfer,counter\n")


@pytest.fixture(scope="session")
def small_bank(
    spark: SparkSession, settings: Settings, tmp_path_factory: pytest.TempPathFactory  # noqa: ARG001 - the one session is made first
) -> Places:
    """A generated bank of sixty customers after its first whole day, one large withdrawal in it: real tables to be read."""
    from jobs.context import Places, opened
    from jobs.run import whole_day
    from simulation.world import landing_feeds

    root = tmp_path_factory.mktemp("small_bank")
    plan = landing_feeds(root, 60, 60, 1, lambda _: None)
    places = Places(root / "landing", root / "lake", root / "worklists")
    large_withdrawal(places.landing, plan.days()[0])
    with opened(settings, places, plan.days()[0], "run") as job:
        whole_day(job)
    return places
