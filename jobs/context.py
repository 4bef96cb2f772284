"""What every job gets and what is done around it: session, lock, ledger row, errors."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conf import ExitCode, KehuError, Settings, conf_hash

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from tables import Table
    from tables.lake import Lake

Counts = dict[str, Any]  # rows_in, rows_out and whatever else the job wants said


@dataclass(frozen=True)
class Places:
    """Where a bank's files come in and where Kehu's go out."""

    landing: Path
    lake: Path
    worklists: Path

    @property
    def log(self) -> Path:
        """Beside the lake, never in it: logs hold no customer data and outlive a rebuilt lake."""
        return self.lake.parent / "logs" / "kehu.log"


@dataclass(frozen=True)
class Job:
    """One job of one business date."""

    settings: Settings
    places: Places
    spark: SparkSession
    day: date
    name: str = ""
    progress: Callable[[str], None] = field(default=lambda _: None)

    @property
    def landing(self) -> Path:
        return self.places.landing

    @property
    def worklists(self) -> Path:
        return self.places.worklists

    @property
    def run_id(self) -> str:
        """The same for the same job, day, configuration and code: nothing random enters the data."""
        return run_id(self.name, self.day, self.settings)

    @cached_property
    def lake(self) -> Lake:
        from tables.lake import Lake

        lake = Lake(self.spark, self.places.lake, self.run_id)
        for table in declared().values():
            lake.extend(table)
        return lake

    def named(self, name: str) -> Job:
        """The same day's job of another name."""
        return replace(self, name=name)


def declared() -> dict[str, Table]:
    """Every table as it is, with the columns that features declare."""
    from features import account_sums, flow_sums, payment_evidence, purchase_sums
    from features.catalogue import FEATURES
    from tables import TABLES, Column, Personal

    added = {
        "customer_features": tuple(Column(each.name, each.type, each.description, Personal(each.personal)) for each in FEATURES),
        "flow_sums": tuple(Column(name, *told, Personal.SENSITIVE) for name, told in flow_sums.COLUMNS.items()),
        "account_sums": tuple(Column(name, *told, Personal.SENSITIVE) for name, told in account_sums.COLUMNS.items()),
        "purchase_sums": tuple(Column(name, *told, Personal.SENSITIVE) for name, told in purchase_sums.COLUMNS.items()),
        "payment_evidence": tuple(Column(name, *told, Personal.INFERRED) for name, told in payment_evidence.COLUMNS.items()),
    }
    return TABLES | {name: TABLES[name].with_columns(columns) for name, columns in added.items()}


def code_version() -> str:
    return version("kehu")


def run_id(job: str, day: date, settings: Settings) -> str:
    made_of = hashlib.sha256(f"{conf_hash(settings)} {code_version()}".encode()).hexdigest()[:8]
    return f"{job}-{day.isoformat()}-{made_of}"


@contextmanager
def opened(
    settings: Settings, places: Places, day: date, what: str, progress: Callable[[str], None] | None = None
) -> Iterator[Job]:
    """Hold the lake, check that it is sound, start Spark and hand out the day's job.

    Raises
    ------
    KehuError
        BUSY when another run holds the lake, CHECK_FAILED when a table lost a commit, MISSING without Java or JARs.
    """
    from jobs.ledger import last_versions
    from jobs.session import java_process, start
    from tables.catalog import register
    from tables.lock import exclusive
    from tables.sound import require_sound

    with exclusive(places.lake, f"{what} --date {day}") as held:
        require_sound(places.lake, last_versions(places.lake))
        spark = start(settings, places.log)
        held.with_java(java_process(spark))
        job = Job(settings, places, spark, day, what, progress or (lambda _: None))
        job.lake.create_all()
        if settings.paths.catalog:
            register(spark, places.lake, settings.paths.catalog)
        yield job


def recorded(job: Job, work: Callable[[Job], Mapping[str, Any]]) -> Counts:
    """Run one job and write its `runs` row, whether it ends well or not; the data was committed before the row."""
    from jobs.failures import told
    from jobs.ledger import now, write_run

    started = now()
    try:
        counts = dict(work(job))
    except Exception as error:
        failed = told(error, job.name)
        with suppress(Exception):  # on a full disk the ledger cannot be written either; the error itself must be seen
            write_run(job, started, "missing" if failed.code is ExitCode.MISSING else "failed", {}, str(failed))
        raise failed from error
    write_run(job, started, "done", counts, None)
    return counts


def places(settings: Settings, landing: str | None, lake: str | None) -> Places:
    """Where things lie: the command line wins over the configuration. Worklists lie beside the lake unless configured."""
    for place in (lake or settings.paths.lake, landing or settings.paths.landing):
        if "://" in str(place):
            raise KehuError(f"{place}: Kehu reads and writes directories; mount it and say where", ExitCode.CONFIGURATION)
    root = Path(lake or settings.paths.lake).absolute()
    worklists = Path(settings.paths.worklists).absolute() if settings.paths.worklists else root.parent / "worklists"
    os.umask(0o027)
    return Places(Path(landing or settings.paths.landing).absolute(), root, worklists)
