"""Ingest: every delivered file checked, its good rows taken once, the others kept with the reason."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

import pyspark.sql.functions as F
from pyspark.sql import DataFrame
from rich.markup import escape

from conf import ExitCode, KehuError
from expectations import CONTRACTS
from expectations.configured import contract_of
from expectations.judge import Judge, Unmet, critical, load_soon
from expectations.suite import OF_USUAL, ROWS, expected, usual_rows
from jobs import ingest_files as files
from jobs.context import Counts, Job
from jobs.ingest_counts import QUARANTINED
from jobs.ingest_rows import Taken, taken, waits
from jobs.ingest_writes import in_quarantine, in_table, quarantine_rows, require_balance, write_accepted
from jobs.session import INTERPRETED, UNCONSTRAINED, planned
from landing import Drop, Landed
from landing.drops import misplaced

FEW_ROWS = 50_000  # of a file: every one goes through every rule


def run(job: Job) -> Counts:
    """Take every drop up to the job's day that was not taken yet, and what waited in quarantine for it."""
    seen = files.ledger(job)
    new = files.new_drops(job, seen)
    for name in misplaced(job.landing, CONTRACTS):
        job.progress(f"{job.day}  [yellow]ingest: {escape(name)} is not looked into; files are taken from FEED/dt=YYYY-MM-DD/[/yellow]")
    counts: Counts = {"rows_in": 0, "rows_out": 0, "files": 0, "quarantined": 0, "duplicates": 0, "rejected_files": []}
    if not new and not waits(job):
        return counts
    load_soon()
    judge = Judge(job.places.lake.parent / "data_docs", job.day)
    with files.landing_place(job) as place:
        for drops in files.batches(new) if new else [[]]:
            batch = files.put_down(job, seen, drops, place)
            with planned(job.spark, _plans(sum(file.rows for file in batch.landed))):
                verdicts, told = _take(job, seen, batch, judge)
            counts["warnings"] = counts.get("warnings", 0) + len(told)
            for file in batch.landed:
                file.path.unlink(missing_ok=True)
            _add(counts, verdicts, batch.held)
            seen = files.ledger(job)
    judge.publish()
    _stop_if_unmet(judge, counts)
    return counts


def waiting(job: Job) -> list[Drop]:
    """Drops up to the job's day that are not taken yet."""
    return files.new_drops(job, files.ledger(job))


def _plans(rows: int) -> dict[str, str]:
    return UNCONSTRAINED | INTERPRETED if rows <= FEW_ROWS else UNCONSTRAINED


def _take(job: Job, seen: files.Ledger, batch: files.Batch, judge: Judge) -> tuple[list[files.Row], list[Unmet]]:
    """Accepted rows first, then quarantine, then one commit of `files`: killed anywhere, the run is simply run again."""
    found: list[Taken] = []
    told: list[Unmet] = []
    verdicts = list(batch.verdicts)
    for feed in CONTRACTS:
        contract = contract_of(feed, job.settings.feed(feed))
        for landed in batch.drops_of(job, feed):
            days = sorted({*seen.days(feed), *(file.drop.day for one in found for file in one.landed if one.contract.feed == feed)})
            rows = sum(file.rows for file in landed)
            with planned(job.spark, _plans(rows)):
                what = taken(job, contract, landed, days)
                if what is None:
                    continue
                job.progress(f"{job.day}  ingest {feed}: {rows:,} rows")
                unmet = _unmet(job, seen, what, judge)
                if critical(unmet):
                    what.refuse_all("EXPECTATION: " + "; ".join(str(one) for one in critical(unmet)))
                told += unmet
                write_accepted(job, what)
                require_balance(job, what)
            found.append(what)
            verdicts += _verdicts(job, what, landed)
    verdicts += files.copies(job, batch, verdicts)
    retried = _retried(job, seen, found)
    _quarantine(job, found)
    _record(job, seen, [*verdicts, *retried])
    _release(job, found)
    for what in found:
        what.done()
    return verdicts, told


def _unmet(job: Job, seen: files.Ledger, what: Taken, judge: Judge) -> list[Unmet]:
    """Judge a feed's newest drop as a whole, before any row of it is written."""
    feed, conf, measures = what.contract.feed, job.settings.feed(what.contract.feed), what.measures
    if what.landed:
        newest = max(file.drop.day for file in what.landed)
        usual = usual_rows({day: seen.rows_of(feed, day) for day in seen.days(feed)}, newest, conf)
        if usual is not None and not files.is_snapshot(job, feed):
            measures = measures | {OF_USUAL: measures[ROWS] / usual}
    unmet = judge.unmet(feed, expected(what.contract, conf), measures)
    for one in unmet:
        job.progress(f"{job.day}  [yellow]ingest {feed}: {one}[/yellow]")
    return unmet


def _stop_if_unmet(judge: Judge, counts: Counts) -> None:
    """Nothing downstream runs on the day a drop looks wrong as a whole; run again, and the day goes on without it.

    Raises
    ------
    KehuError
        REJECTED
    """
    stopping = [told for told in counts["rejected_files"] if " EXPECTATION: " in told]
    if stopping:
        raise KehuError(f"{'; '.join(stopping)}; see {judge.place / 'index.html'}; to take the file, widen the feed's limits in the "
                        "configuration; to go on without it, run again", ExitCode.REJECTED)


def _verdicts(job: Job, what: Taken, landed: Sequence[Landed]) -> list[files.Row]:
    rows = []
    for file in landed:
        source = file.drop.source_file
        if source in what.refused:
            rows.append(files.verdict(job, file.drop, file.sha256, files.REJECTED, file.rows, reason=what.refused[source]))
            continue
        of_file = what.files[source].rows
        rows.append(files.verdict(
            job, file.drop, file.sha256, files.ACCEPTED, file.rows, of_file["accepted"], of_file[QUARANTINED], of_file["duplicate"]))
    return rows


def _retried(job: Job, seen: files.Ledger, found: Sequence[Taken]) -> list[files.Row]:
    """Rows of `files` of earlier runs whose waiting rows were taken: counted anew, so that a killed run does not count twice."""
    rows = []
    for what in found:
        if not what.retried:
            continue
        accepted, kept = in_table(job, what.contract.feed, what.retried), in_quarantine(job, what.retried)
        for row in seen.rows:
            if row["status"] == files.ACCEPTED and row["source_file"] in what.retried:
                again = what.files[row["source_file"]].rows
                quarantined = kept[row["source_file"]] - sum(again.values()) + again[QUARANTINED]
                taken_now = accepted[row["source_file"]]
                rows.append({**row, "accepted": taken_now, "quarantined": quarantined,
                             "duplicates": row["rows"] - taken_now - quarantined})
    return rows


def _quarantine(job: Job, found: Sequence[Taken]) -> None:
    """Put the bad rows of this run's files into quarantine."""
    bad = [what for what in found if any(what.files[source].rows[QUARANTINED] for source in what.sources)]
    sources = [source for what in found for source in what.sources]
    if not bad and not any(in_quarantine(job, sources).values()):
        return
    rows = [quarantine_rows(job, what).where(F.col("source_file").isin(*what.sources)) for what in bad]
    nothing = job.lake.literal("quarantine", [])
    job.lake.replace("quarantine", reduce(DataFrame.unionByName, rows, nothing), {"source_file": sources})


def _record(job: Job, seen: files.Ledger, rows: Sequence[files.Row]) -> None:
    """Write the batch's rows of `files`, in one commit; what the ledger knows of the same names and contents stays."""
    if not rows:
        return
    names, contents = {row["source_file"] for row in rows}, {row["sha256"] for row in rows}
    written = {(row["source_file"], row["sha256"]) for row in rows}
    beside = [
        row for row in seen.rows
        if row["source_file"] in names and row["sha256"] in contents and (row["source_file"], row["sha256"]) not in written
    ]
    job.lake.replace("files", job.lake.literal("files", [*rows, *beside]), {"source_file": sorted(names), "sha256": sorted(contents)})


def _release(job: Job, found: Sequence[Taken]) -> None:
    """Take out of quarantine what is accepted by now; after the ledger, so that a killed run finds it again."""
    for what in found:
        if not what.retried:
            continue
        of_files = job.lake.read("quarantine").where(F.col("source_file").isin(*what.retried))
        kept = of_files.join(what.decided.select("source_file", "line"), ["source_file", "line"], "left_anti")
        again = quarantine_rows(job, what).where(F.col("source_file").isin(*what.retried))
        job.lake.replace("quarantine", kept.unionByName(again), {"source_file": what.retried})


def _add(counts: Counts, verdicts: Sequence[files.Row], held: Sequence[str]) -> None:
    counts["files"] += len(verdicts)
    counts["rows_in"] += sum(row["rows"] for row in verdicts)
    counts["rows_out"] += sum(row["accepted"] for row in verdicts)
    counts["quarantined"] += sum(row["quarantined"] for row in verdicts)
    counts["duplicates"] += sum(row["duplicates"] for row in verdicts)
    counts["rejected_files"] += [
        f"{row['source_file']} {row['reason']}" for row in verdicts if row["status"] == files.REJECTED
    ]
    if held:
        counts["held_files"] = [*counts.get("held_files", []), *held]


if __name__ == "__main__":
    from jobs.cli import main

    main("ingest")
