"""Outcomes: worklists with answers, taken back whole or not at all, by the way every outcome comes in."""

from __future__ import annotations

import csv
import hashlib
import io
import os
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pyspark.sql.functions as F

from conf import ExitCode, KehuError
from jobs import ingest
from jobs.context import Counts, Job, recorded
from jobs.ledger import now
from tables.arrow import read_arrow
from worklists.alert_id import normalised
from worklists.answers import Answered, Checked, Outcome, checked, day_of
from worklists.lifecycle import changed, decided
from worklists.returned import COLUMNS, read_returned
from worklists.selection import deputy_of

SHOWN = 20  # findings of one file in the closing line; all of them are told while it runs


def take(job: Job, files: Sequence[str]) -> Counts:
    """Take returned worklists back in; the alerts they answer change at once.

    A file is taken whole or, when any line of it is wrong, not at all. Taking a file again changes nothing.

    Raises
    ------
    KehuError
        REJECTED, naming file, line and rule, after every sound file was taken.
    """
    counts = {"rows_in": 0, "rows_out": 0, "files": len(files), "already_known": 0, "empty": 0}
    refused: list[str] = []
    sound: list[Outcome] = []
    for name in files:
        try:
            result = _checked(job, Path(name), sound)
        except KehuError as error:
            refused.append(str(error))
            continue
        counts["rows_in"] += len(result.accepted) + result.repeated + result.empty + len(result.findings)
        if result.findings:
            for finding in result.findings:
                job.progress(f"{Path(name).name} {finding}")
            shown = "; ".join(str(finding) for finding in result.findings[:SHOWN])
            more = f"; and {len(result.findings) - SHOWN} more" if len(result.findings) > SHOWN else ""
            refused.append(f"{Path(name).name} {shown}{more}; nothing of it was taken")
            continue
        counts["already_known"] += result.repeated
        counts["empty"] += result.empty
        counts["rows_out"] += len(result.accepted)
        if result.accepted:
            _drop(job, result.accepted)
            sound += result.accepted
    if sound:
        _ingested(job, sound)
        recorded(job, lambda job: counts | {"alerts_changed": _answered(job)})
    if refused:
        raise KehuError(" | ".join(refused), ExitCode.REJECTED)
    return counts


def _checked(job: Job, file: Path, before: Iterable[Outcome]) -> Checked:
    """One file's lines against the alerts they name and the outcomes on record, or just taken."""
    lines = read_returned(file)
    ids = sorted({normalised(line["alert_id"]) for line in lines if line.answered})
    history = _history(job, ids)
    for outcome in before:
        history[outcome.alert_id].append(outcome)
    day = day_of("/".join(file.absolute().parts[-2:]), job.day)
    return checked(lines, _alerts(job, ids), history, job.settings, day, now())


def _alerts(job: Job, ids: Sequence[str]) -> dict[str, Answered]:
    columns = ["alert_id", "customer_id", "relationship_manager_id", "raised_on", "status", "closed_on", "control_group"]
    alerts = _rows(job, "alerts", columns, [("alert_id", "in", ids)]) if ids else []
    books = _books(job, sorted({row["customer_id"] for row in alerts}))
    queue, deputies = job.settings.worklists.branch_queue, deputy_of(job.settings.worklists.deputies)
    found = {}
    for row in alerts:
        since = [rm for rm, until in books[row["customer_id"]] if until is None or until >= row["raised_on"]]
        own = {rm or queue for rm in (row["relationship_manager_id"], *since)}
        holders = own | {deputies[rm] for rm in own if rm in deputies}
        told = not row["control_group"] and (row["status"] != "suppressed" or row["closed_on"] is not None)
        found[row["alert_id"]] = Answered(
            row["alert_id"], row["raised_on"], told, row["relationship_manager_id"] or queue, frozenset(holders)
        )
    return found


def _books(job: Job, customers: Sequence[str]) -> dict[str, list[tuple[str | None, date | None]]]:
    """Whose book each customer was in, and until when."""
    books: dict[str, list[tuple[str | None, date | None]]] = defaultdict(list)
    if customers:
        columns = ["customer_id", "relationship_manager_id", "valid_to"]
        for row in _rows(job, "customers", columns, [("customer_id", "in", customers)]):
            books[row["customer_id"]].append((row["relationship_manager_id"], row["valid_to"]))
    return books


def _history(job: Job, ids: Sequence[str]) -> defaultdict[str, list[Outcome]]:
    history: defaultdict[str, list[Outcome]] = defaultdict(list)
    if ids:
        columns = ["alert_id", "recorded_at", "relationship_manager_id", "outcome", "cause", "offer_id", "snooze_until", "note"]
        for row in _rows(job, "outcomes", columns, [("alert_id", "in", ids)]):
            history[row["alert_id"]].append(Outcome(**row))
    return history


def _rows(job: Job, table: str, columns: list[str], filters: list[tuple[str, str, Any]]) -> list[dict[str, Any]]:
    found = read_arrow(job.places.lake, table, columns, filters)
    return found.to_pylist() if found is not None else []


def _drop(job: Job, outcomes: Sequence[Outcome]) -> None:
    """The accepted lines as a drop of the feed, named by its content."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for outcome in outcomes:
        row = vars(outcome) | {"recorded_at": outcome.recorded_at.isoformat().replace("+00:00", "Z")}
        writer.writerow(["" if row[column] is None else str(row[column]) for column in COLUMNS])
    content = text.getvalue().encode()
    folder = job.landing / "outcomes" / f"dt={job.day.isoformat()}"
    folder.mkdir(parents=True, exist_ok=True)
    name = f"{hashlib.sha256(content).hexdigest()[:24]}.csv"
    with open(folder / f"{name}.part", "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(folder / f"{name}.part", folder / name)  # a drop is there whole or not at all


def _ingested(job: Job, outcomes: Sequence[Outcome]) -> None:
    """Take the drop in at once, and make sure that every line arrived."""
    recorded(job.named("ingest"), ingest.run)
    history = _history(job, sorted({outcome.alert_id for outcome in outcomes}))
    for outcome in outcomes:
        if all(other.recorded_at != outcome.recorded_at for other in history[outcome.alert_id]):
            raise KehuError("outcomes that were written to the landing did not arrive; see `kehu status`", ExitCode.CHECK_FAILED)


def _answered(job: Job) -> int:
    """Change the alerts that have outcomes of today; how many did."""
    outcomes = job.lake.read("outcomes")
    today = outcomes.where(F.col("recorded_on") == F.lit(job.day)).select("alert_id").distinct()
    stored = job.lake.read("alerts").drop("run_id").join(today, "alert_id", "left_semi")
    after = decided(stored, outcomes, job.settings, job.day)
    news = changed(after, stored, job.day).withColumn("run_id", F.lit(job.run_id)).persist()
    count = news.count()
    if count:
        job.lake.merge("alerts", news)
    news.unpersist()
    return count


if __name__ == "__main__":
    from jobs.cli import main

    main("outcomes")
