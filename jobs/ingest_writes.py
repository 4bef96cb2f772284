"""The writing side of ingest: what was decided goes into the feed's table and into quarantine, and is read back and compared."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

import pyarrow as pa
import pyspark.sql.functions as F
from pyspark.sql import DataFrame, Window

from conf import ExitCode, KehuError
from expectations import Repeats
from expectations.contract import VERSION
from expectations.duplicates import ACCEPTED, SINCE
from expectations.history import chained, closings
from expectations.rules import COLUMNS, DROP, RULES, SOURCE
from jobs.context import Job
from jobs.ingest_counts import QUARANTINED, VERDICT, WAITS_FOR, Counted
from jobs.ingest_files import is_snapshot
from jobs.ingest_rows import Taken, of_dates
from jobs.ledger import last_looked_at
from landing.rows import LINE, RAW
from tables.arrow import arrow_batches

MANY_ROWS = 1_000_000  # of a drop, often all of one day


def write_accepted(job: Job, what: Taken) -> None:
    """Write a feed's accepted rows: its slice of the table by source file, or its part of the history."""
    if what.contract.repeats is Repeats.HISTORY:
        _write_history(job, what)
        return
    feed, accepted = what.contract.feed, _provenance(job, what).where(F.col(VERDICT) == ACCEPTED)
    none = {column.name: F.lit(None).cast(column.type) for column in job.lake.table(feed).columns if column.name not in accepted.columns}
    rows = accepted.withColumns(none).select(*job.lake.table(feed).column_names)
    corrects = what.contract.repeats is Repeats.CORRECTION
    if corrects:
        rows = _superseding(job, what, rows)
    of_run = F.col(SOURCE).isin(*what.sources)
    if what.landed and (_any_accepted(what, what.sources) or _present(job, feed, what.sources)):
        many = sum(what.files[source].rows[ACCEPTED] for source in what.sources) > MANY_ROWS
        job.lake.replace(feed, rows.where(of_run), {SOURCE: what.sources}, spread=many)
    if corrects or _any_accepted(what, what.retried):
        _write_beside(job, what, rows.where(~of_run))


def _write_beside(job: Job, what: Taken, rows: DataFrame) -> None:
    """Write rows of earlier runs' files, new or changed, among the rows of the same files and days."""
    feed, rows = what.contract.feed, rows.persist()
    places = rows.select(SOURCE, "recorded_on").distinct().collect()
    if places:
        sources, days = sorted({row[SOURCE] for row in places}), sorted({row["recorded_on"] for row in places})
        beside = job.lake.read(feed).where(F.col(SOURCE).isin(*sources) & F.col("recorded_on").isin(*days))
        beside = beside.join(rows, [*what.contract.key, SOURCE], "left_anti")
        job.lake.replace(feed, rows.unionByName(beside), {SOURCE: sources, "recorded_on": days})
    rows.unpersist()


def _superseding(job: Job, what: Taken, rows: DataFrame) -> DataFrame:
    """The rows with the day until which each stands, and those of earlier drops for which that changes."""
    feed, key = what.contract.feed, list(what.contract.key)
    earlier = of_dates(job.lake.read(feed), what.dates).where(~F.col(SOURCE).isin(*what.sources))
    earlier = earlier.join(rows.select(*key).distinct(), key, "left_semi")
    earlier = earlier.join(rows.select(*key, SOURCE, VERSION.name), [*key, SOURCE, VERSION.name], "left_anti")
    later = Window.partitionBy(*key).orderBy(F.coalesce(VERSION.name, F.lit(0))).rowsBetween(1, Window.unboundedFollowing)
    chain = earlier.withColumn("_new", F.lit(False)).unionByName(rows.withColumn("_new", F.lit(True))).withColumns(
        {"_was": F.col("superseded_on"), "superseded_on": F.min("recorded_on").over(later)})
    return chain.where(F.col("_new") | ~F.col("superseded_on").eqNullSafe(F.col("_was"))).drop("_new", "_was").localCheckpoint()


def quarantine_rows(job: Job, what: Taken) -> DataFrame:
    """Rows for `quarantine`, computed; what waits for a customer or an account keeps what it says."""
    names = what.contract.names
    bad = what.decided.where(F.col(VERDICT) == QUARANTINED)
    said = F.map_from_arrays(F.array(*(F.lit(name) for name in names)), F.array(*(F.col(name).cast("string") for name in names)))
    return bad.join(what.raws, [SOURCE, LINE], "left").select(
        F.lit(what.contract.feed).alias("feed"), F.col(DROP).alias("business_date"), SOURCE, LINE, RAW, RULES, COLUMNS,
        F.col(WAITS_FOR).alias("waits_for"), F.when(F.col(WAITS_FOR).isNotNull(), said).alias("fields"),
        F.lit(job.run_id).alias("run_id"),
    ).localCheckpoint()  # a write plans its rows several times over


def require_balance(job: Job, what: Taken) -> None:
    """Compare what was written with what was decided, by another reader than the one that wrote it.

    Raises
    ------
    KehuError
        CHECK_FAILED when a row or an amount is missing or too many.
    """
    feed, amount = what.contract.feed, what.contract.amount
    sources = [*what.sources, *what.retried]
    found: dict[str, Counted] = {source: Counted() for source in sources}
    columns = [SOURCE, "currency", amount] if amount else [SOURCE]
    for batch in arrow_batches(job.places.lake, feed, columns, [(SOURCE, "in", sources)]):
        for row in _sums(batch, amount):
            found[row[SOURCE]].rows[ACCEPTED] += row["rows"]
            if amount:
                found[row[SOURCE]].amounts[row["currency"]] += row["sum"]
    for source in what.sources:
        written, decided = found[source], what.files[source]
        if (written.rows[ACCEPTED], dict(written.amounts)) != (decided.rows[ACCEPTED], dict(decided.amounts)):
            raise KehuError(
                f"{source}: {decided.rows[ACCEPTED]} rows were accepted, the table holds {written.rows[ACCEPTED]}, or their sums "
                f"differ; nothing was recorded, run `kehu doctor`", ExitCode.CHECK_FAILED)


def in_table(job: Job, feed: str, sources: Sequence[str]) -> dict[str, int]:
    """Rows of each file that a table holds."""
    counts: dict[str, int] = dict.fromkeys(sources, 0)
    if not sources:
        return counts
    for batch in arrow_batches(job.places.lake, feed, [SOURCE], [(SOURCE, "in", list(sources))]):
        for row in _sums(batch, None):
            counts[row[SOURCE]] += row["rows"]
    return counts


def in_quarantine(job: Job, sources: Sequence[str]) -> dict[str, int]:
    """Rows of each file that are in quarantine."""
    return in_table(job, "quarantine", sources)


def _sums(batch: pa.RecordBatch, amount: str | None) -> Iterator[dict[str, Any]]:
    table = pa.Table.from_batches([batch])
    if amount is None:
        for row in table.group_by(SOURCE).aggregate([([], "count_all")]).to_pylist():
            yield {SOURCE: row[SOURCE], "rows": row["count_all"]}
        return
    for row in table.group_by([SOURCE, "currency"]).aggregate([([], "count_all"), (amount, "sum")]).to_pylist():
        yield {SOURCE: row[SOURCE], "currency": row["currency"], "rows": row["count_all"], "sum": row[f"{amount}_sum"]}


def _provenance(job: Job, what: Taken) -> DataFrame:
    """Adds `recorded_on` and `run_id`: a row is known from its drop on; of a feed's initial load, from the day it happened on.

    An event of a drop of an earlier day, up to which everything had been taken or looked at before, is known from the day it is
    taken: what has looked at its drop's day would not look there again.
    """
    recorded = (
        F.when(F.col(SINCE) > F.col(DROP), F.col(SINCE))
        .when(F.col(DROP) == F.lit(what.initial), F.least("business_date", DROP))
        .otherwise(F.col(DROP))
    )
    if what.newest is not None and what.contract.of_events:
        until = max(what.newest, last_looked_at(job.places.lake, job.day) or what.newest)
        too_late = (F.col(DROP) < F.lit(job.day)) & (recorded <= F.lit(until))
        recorded = F.when(too_late, F.lit(job.day)).otherwise(recorded)
    return what.decided.withColumns({"recorded_on": recorded, "run_id": F.lit(job.run_id)})


def _any_accepted(what: Taken, sources: Sequence[str]) -> bool:
    return any(what.files[source].rows[ACCEPTED] for source in sources)


def _present(job: Job, feed: str, sources: Sequence[str]) -> bool:
    return any(in_table(job, feed, sources).values())


def _write_history(job: Job, what: Taken) -> None:
    """Write versions: those accepted, those that close what a snapshot left out, and the ends of the versions before."""
    contract, feed, lake = what.contract, what.contract.feed, job.lake
    columns = lake.table(feed).column_names
    snapshots = sorted({file.drop.day for file in what.landed}) if is_snapshot(job, feed) else []
    own = [*what.sources, *(f"{feed}/dt={day.isoformat()}/" for day in snapshots)]
    if own and _present(job, feed, own):  # left by a killed run, perhaps under another configuration
        lake.delete(feed, f"{SOURCE} IN ({', '.join(_quoted(source) for source in own)})")
    accepted = (
        _provenance(job, what)
        .where(F.col(VERDICT) == ACCEPTED)
        .withColumns({"valid_from": F.col(SINCE), "valid_to": F.lit(None).cast("date"), "is_current": F.lit(True)})
        .select(*columns)
    )
    table = lake.read(feed)
    if snapshots and _tells_who_is_gone(what, snapshots[-1]):
        gone = closings(table, what.decided, contract, snapshots[-1]).withColumn("run_id", F.lit(job.run_id))
        accepted = accepted.unionByName(gone.select(*columns))
    if not what.retried and not snapshots and not _any_accepted(what, what.sources):
        return
    accepted = accepted.persist()
    if what.newest is None and table.isEmpty():
        lake.replace(feed, chained(accepted, contract), {SOURCE: what.sources})
    else:
        key = list(contract.key)
        before = table.join(accepted.select(*key).distinct(), key, "left_semi").join(
            accepted.select(*key, "valid_from"), [*key, "valid_from"], "left_anti")
        chain = chained(before.unionByName(accepted), contract).persist()
        lake.merge(feed, chain)
        chain.unpersist()
    accepted.unpersist()


def _tells_who_is_gone(what: Taken, day: date) -> bool:
    """Whether what a snapshot leaves out is gone: the newest, whole, and every row of it with a key."""
    newest = what.newest is None or what.newest < day
    return newest and not what.refused and what.decided.where(F.col(what.contract.key[0]).isNull()).isEmpty()


def _quoted(source: str) -> str:
    return "'" + source.replace("\\", "\\\\").replace("'", "\\'") + "'"
