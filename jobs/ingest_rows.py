"""The judging side of ingest: every row of a feed's landed files is accepted, quarantined, a duplicate, or waits."""

from __future__ import annotations

import functools
from collections.abc import Sequence, Set
from dataclasses import dataclass
from datetime import date, timedelta

import pyspark.sql.functions as F
from pyspark.sql import Column, DataFrame
from pyspark.sql.types import DateType, LongType, StringType, StructField, StructType

from expectations import CONTRACTS, Contract, Repeats
from expectations.duplicates import ACCEPTED, CONFLICT, SINCE, repeated_keys, telling_apart, verdicts
from expectations.rules import COLUMNS, CONTENT, DROP, RULES, SOURCE, checked, content
from expectations.suite import Measures
from jobs.context import Job
from jobs.ingest_counts import ORPHAN, QUARANTINED, VERDICT, WAITS_FOR, Counted, counts, grouped, measures, over_limit
from jobs.ingest_files import shape
from landing import Landed
from landing.landed import landed_schema
from landing.rows import LINE, RAW
from tables.arrow import read_arrow
from tables.erasure import NOBODY, SUBJECTS, erased_hashes, is_erased

ERASED = "ERASED_SUBJECT"
OTHER_SIDE = "counterparty"
MANY_DATES = 400


@dataclass
class Taken:
    """What a feed's landed files came to, before anything is written.

    Attributes
    ----------
    contract : Contract
    decided : DataFrame
        Typed rows with `_verdict`, cached.
    raws : DataFrame
        `source_file`, `line`, `raw` of every row.
    files : dict of source file -> Counted
        Also of files of earlier runs whose waiting rows were taken again.
    landed : list of Landed
        The files of this run that are not refused.
    refused : dict of source file -> reason
    measures : dict of measure -> value
        Of the newest drop, for the judge.
    """

    contract: Contract
    decided: DataFrame
    raws: DataFrame
    files: dict[str, Counted]
    landed: list[Landed]
    refused: dict[str, str]
    initial: date
    newest: date | None  # the newest drop taken before
    measures: Measures
    dates: tuple[date, ...]  # business dates on which rows with the same keys may stand in the table
    cached: tuple[DataFrame, ...]

    def done(self) -> None:
        """Let go of what was kept in memory; what was made of the other first, else Spark would plan it anew without it."""
        for frame in reversed(self.cached):
            frame.unpersist()

    @property
    def sources(self) -> list[str]:
        return [file.drop.source_file for file in self.landed]

    def refuse_all(self, reason: str) -> None:
        """Let no row of this run's files in; rows of earlier files that waited are taken all the same."""
        self.refused |= dict.fromkeys(self.sources, reason)
        self.decided = self.decided.where(~F.col(SOURCE).isin(*self.sources))
        self.files = {source: of_file for source, of_file in self.files.items() if source not in self.refused}
        self.landed = []

    @property
    def retried(self) -> list[str]:
        """Files of earlier runs."""
        return sorted(set(self.files) - set(self.sources) - set(self.refused))


def taken(job: Job, contract: Contract, landed: Sequence[Landed], drop_days: Sequence[date]) -> Taken | None:
    """Judge a feed's landed rows, and rows in quarantine that waited for what is now known.

    Parameters
    ----------
    job : Job
    contract : Contract
    landed : sequence of Landed
    drop_days : sequence of date
        Of the feed's earlier accepted drops.
    """
    known = _known(job, contract)
    waiting = _waiting(job, contract)
    if not landed and waiting is None:
        return None
    initial = min([*drop_days, *(file.drop.day for file in landed)], default=job.day)
    typed, raws = _read(job, contract, landed, initial)
    if waiting is not None:
        retried = _retried(waiting, contract, job.settings.bank.time_zone)
        typed = retried if typed is None else typed.unionByName(retried)
        said = waiting.select(SOURCE, LINE, RAW)
        raws = said if raws is None else raws.unionByName(said)
    assert typed is not None
    assert raws is not None
    everything = rows = _referred(typed, contract, known).persist()
    first = counts(rows, contract, job.settings.feed(contract.feed))
    refused = over_limit(job, contract, landed, first.files)
    if refused:
        rows = rows.where(~F.col(SOURCE).isin(*refused))
    fit = [file for file in landed if file.drop.source_file not in refused]
    counted = {source: of_file for source, of_file in first.files.items() if source not in refused}
    for file in fit:
        counted.setdefault(file.drop.source_file, Counted())
    dates = _dates(job, contract, rows, fit, first.days) if drop_days else sorted(first.days)
    decided, counted, repeated = _decided(job, contract, rows, fit, dates, waiting, counted)
    measured = measures(first, counted, fit, repeated)
    return Taken(contract, decided, raws, counted, fit, refused, initial, max(drop_days, default=None), measured, tuple(dates),
                 (everything, decided))


def waits(job: Job) -> bool:
    """Whether a row in quarantine waits for something that is known by now."""
    rows = read_arrow(job.places.lake, "quarantine", ["feed", "waits_for"], [("waits_for", ">", "")])
    if rows is None or not rows.num_rows:
        return False
    for feed, contract in CONTRACTS.items():
        keys = sorted({row["waits_for"] for row in rows.to_pylist() if row["feed"] == feed})
        if keys and contract.refers_to:
            column, other = contract.refers_to
            known = read_arrow(job.places.lake, other, [column], [(column, "in", keys)])
            if known is not None and known.num_rows:
                return True
    return False


def _read(job: Job, contract: Contract, landed: Sequence[Landed], initial: date) -> tuple[DataFrame | None, DataFrame | None]:
    if not landed:
        return None, None
    kinds = {"int64": LongType(), "date32[day]": DateType()}
    schema = StructType([StructField(each.name, kinds.get(str(each.type), StringType())) for each in landed_schema(shape(contract))])
    text = _forgotten(job, contract, job.spark.read.schema(schema).parquet(*(str(file.path) for file in landed)))
    typed = checked(text, contract, job.settings.feed(contract.feed), job.settings.bank.time_zone, initial)
    gone = _erased(job, contract)
    if gone is None:
        return typed, text.select(SOURCE, LINE, _raw_line(contract).alias(RAW))
    refused = {RULES: F.array(F.lit(ERASED)), COLUMNS: F.array().cast("array<string>")}
    typed = typed.withColumns({name: F.when(gone, instead).otherwise(F.col(name)) for name, instead in refused.items()})
    return typed, text.select(SOURCE, LINE, F.when(~gone, _raw_line(contract)).alias(RAW))


def _raw_line(contract: Contract) -> Column:
    """A row as it came: its line, or its fields where the file has no lines."""
    return F.coalesce(RAW, F.to_json(F.struct(*contract.names)))


def _forgotten(job: Job, contract: Contract, text: DataFrame) -> DataFrame:
    """Rows as read, without the account of somebody erased on the other side: it is not known again by whom it paid."""
    if OTHER_SIDE not in contract.names or not erased_hashes(job.places.lake):
        return text
    gone = is_erased(job.places.lake, F.trim(OTHER_SIDE))
    return text.withColumns({
        OTHER_SIDE: F.when(gone, NOBODY).otherwise(F.col(OTHER_SIDE)),
        RAW: F.when(~gone, F.col(RAW)),  # told by its fields instead
    })


def _erased(job: Job, contract: Contract) -> Column | None:
    """Whether a row is about someone who was erased: nothing of it is kept. None where nobody ever was."""
    ids = [name for name in SUBJECTS if name in contract.names]
    if not ids or not erased_hashes(job.places.lake):
        return None
    return functools.reduce(Column.__or__, (is_erased(job.places.lake, F.trim(name)) for name in ids))


def _known(job: Job, contract: Contract) -> DataFrame | None:
    """Customers or accounts a feed refers to, with the date each is known from."""
    if contract.refers_to is None:
        return None
    column, other = contract.refers_to
    return job.lake.read(other).groupBy(F.col(column).alias("_known")).agg(F.min("valid_from").alias("_known_from"))


def _waiting(job: Job, contract: Contract) -> DataFrame | None:
    """Rows of the feed in quarantine whose customer or account is known by now; None when there are none."""
    if contract.refers_to is None:
        return None
    filters = [("feed", "=", contract.feed), ("waits_for", ">", "")]
    kept = read_arrow(job.places.lake, "quarantine", ["waits_for"], filters)
    if kept is None or not kept.num_rows:
        return None
    column, other = contract.refers_to
    rows = job.lake.read("quarantine").where((F.col("feed") == contract.feed) & F.col("waits_for").isNotNull())
    known = job.lake.read(other).select(F.col(column).alias("waits_for")).distinct()
    found = rows.join(known, "waits_for", "left_semi")
    return None if found.isEmpty() else found


def _retried(waiting: DataFrame, contract: Contract, bank_zone: str) -> DataFrame:
    """Rows from quarantine as `checked` would have returned them."""
    happened = next(each for each in contract.fields if each.name == contract.happened)
    day = F.from_utc_timestamp(happened.name, bank_zone).cast("date") if happened.spark_type == "timestamp" else F.col(happened.name)
    none = F.array().cast("array<string>")
    rows = waiting.select(
        SOURCE, F.col("business_date").alias(DROP), LINE, none.alias(RULES), none.alias(COLUMNS),
        *(F.col("fields")[each.name].cast(each.spark_type).alias(each.name) for each in contract.fields),
    )
    return rows.withColumn("business_date", day).withColumn(CONTENT, content(contract))


def _referred(rows: DataFrame, contract: Contract, known: DataFrame | None) -> DataFrame:
    """Adds the day a row counts from, and for rows without a known customer or account what they wait for."""
    nobody = F.lit(None).cast("string")
    if known is None or contract.refers_to is None:
        return rows.withColumns({SINCE: F.col(DROP), WAITS_FOR: nobody})
    column, _ = contract.refers_to
    orphan = (F.size(RULES) == 0) & F.col("_known_from").isNull()
    joined = rows.join(known, F.col(column) == F.col("_known"), "left")
    return joined.withColumns({
        SINCE: F.greatest(DROP, "_known_from"),
        WAITS_FOR: F.when(orphan, F.col(column)),
        RULES: F.when(orphan, F.array(F.lit(ORPHAN))).otherwise(F.col(RULES)),
        COLUMNS: F.when(orphan, F.array(F.lit(column))).otherwise(F.col(COLUMNS)),
    }).drop("_known", "_known_from")


def _decided(
    job: Job, contract: Contract, rows: DataFrame, landed: Sequence[Landed], dates: Sequence[date], waiting: DataFrame | None,
    counted: dict[str, Counted],
) -> tuple[DataFrame, dict[str, Counted], int]:
    """Adds `_verdict`: what is good is accepted, a duplicate, or in conflict; and how many accepted rows share a key."""
    good = rows.where(F.size(RULES) == 0)
    existing = _existing(job, contract, good, [file.drop.source_file for file in landed], dates, waiting)
    plain = F.when(F.size(RULES) == 0, ACCEPTED).otherwise(QUARANTINED)
    repeated = repeated_keys(good, existing, contract)
    if repeated.isEmpty():
        for of_file in counted.values():
            of_file.rows[QUARANTINED] += of_file.rows.pop(ORPHAN, 0)
        return rows.withColumn(VERDICT, plain), counted, 0
    key = list(contract.key)
    found = verdicts(good.join(repeated, key, "left_semi"), existing.join(repeated, key, "left_semi"), contract)
    conflict = F.coalesce(F.col("verdict") == CONFLICT, F.lit(False))
    decided = rows.join(found, [SOURCE, LINE], "left").withColumns({
        VERDICT: F.when(conflict, QUARANTINED).otherwise(F.coalesce("verdict", plain)),
        RULES: F.when(conflict, F.array(F.lit(CONFLICT))).otherwise(F.col(RULES)),
        COLUMNS: F.when(conflict, F.array(F.lit(contract.key[0]))).otherwise(F.col(COLUMNS)),
    }).drop("verdict").persist()
    files = grouped(decided, contract).files
    shared = 0
    if contract.repeats is Repeats.EVENT:
        accepted = decided.where(F.col(VERDICT) == ACCEPTED).join(repeated, key, "left_semi")
        shared = accepted.groupBy(*key).count().where("count > 1").count()
    return decided, {source: files[source] for source in counted}, shared


def _existing(
    job: Job, contract: Contract, good: DataFrame, sources: Sequence[str], dates: Sequence[date], waiting: DataFrame | None
) -> DataFrame:
    """Rows of the table that new ones may repeat: key, `_since`, `_content`. What a killed run left of the same files is not there."""
    since = "valid_from" if contract.repeats is Repeats.HISTORY else "recorded_on"
    if contract.repeats is not Repeats.HISTORY:
        table = of_dates(job.lake.read(contract.feed), dates)
    else:
        table = job.lake.read(contract.feed).join(good.select(*contract.key).distinct(), list(contract.key), "left_semi")
    own = [*sources, *sorted({source.rsplit("/", 1)[0] + "/" for source in sources})]
    table = table.where(~F.col(SOURCE).isin(*own))
    rows = table.select(*telling_apart(contract), SOURCE, F.col(since).alias(SINCE), content(contract).alias(CONTENT))
    if waiting is not None:
        again = good.where(~F.col(SOURCE).isin(*sources)).select(*contract.key, SOURCE, CONTENT)
        rows = rows.join(again, [*contract.key, SOURCE, CONTENT], "left_anti")
    return rows


def of_dates(events: DataFrame, dates: Sequence[date]) -> DataFrame:
    """Rows of some business dates; of many, whatever lies between them."""
    on = F.col("business_date")
    return events.where(on.isin(*dates) if len(dates) <= MANY_DATES else on.between(dates[0], dates[-1]))


def _dates(job: Job, contract: Contract, rows: DataFrame, landed: Sequence[Landed], told: Set[date]) -> list[date]:
    """The business dates of good rows, and those on which the table has the same keys, as far back as the feed's horizon.

    Only keys are read, and of no more days than a row may be late: that one id says two things on two days is found at that cost.
    """
    if not told or not landed or contract.happened in contract.key or not contract.of_events:
        return sorted(told)
    first = min(file.drop.day for file in landed) - timedelta(days=job.settings.feed(contract.feed).late_horizon_days)
    elsewhere = job.lake.read(contract.feed).where((F.col("business_date") >= F.lit(first)) & ~F.col("business_date").isin(*told))
    key = list(contract.key)
    new = rows.where((F.size(RULES) == 0) & F.col(SOURCE).isin(*(file.drop.source_file for file in landed))).select(*key)
    found = elsewhere.select(*key, "business_date").join(new, key, "left_semi").select("business_date").distinct().collect()
    return sorted({*told, *(row["business_date"] for row in found)})
