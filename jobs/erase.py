"""Erase: a customer's rows leave every table, and their bytes every file, with a certificate that says what was looked at."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path

import pyspark.sql.functions as F
from pyspark.sql import Column

from conf import ExitCode, KehuError
from jobs.context import Counts, Job, code_version, recorded
from jobs.ledger import now
from tables import TABLES
from tables.erasure import ERASURES, NOBODY, SUBJECTS, certify, subject_hash
from tables.traces import pattern, to_blank, traces


def erased(job: Job, customer_ids: Sequence[str]) -> Counts:
    """Erase customers and record the run.

    Raises
    ------
    KehuError
        CHECK_FAILED when a file of ours still holds one of their ids.
    """
    return recorded(job.named("erase"), lambda named: _erase(named, sorted(set(customer_ids))))


def _erase(job: Job, customers: list[str]) -> Counts:
    subjects = _subjects(job, customers)
    ids = {one for found in subjects.values() for one in found}
    touched = [name for name in TABLES if traces(job.places.lake / name, ids)]
    rows = {}
    for name in touched:
        job.progress(f"erasing from {name}")
        rows[name] = _delete(job, name, subjects)
        _blank(job, name, ids)
        job.lake.forget_past(name)
    worklists = traces(job.worklists, ids)
    for file in worklists:
        file.unlink()

    left = _scanned(job, ids)
    delivered = [str(file.relative_to(job.landing)) for file in traces(job.landing, ids)]
    hashes = sorted(subject_hash(job.places.lake, one) for one in ids)
    certificate = certify(job.places.lake, f"{job.day}-{hashes[0][:12]}", {
        "written_at": now().isoformat(timespec="seconds"),
        "business_date": job.day.isoformat(),
        "code_version": code_version(),
        "subjects": hashes,
        "rows_deleted": {name: count for name, count in rows.items() if count},
        "tables_without_past": touched,
        "worklists_deleted": len(worklists),
        "files_that_still_hold_an_id": [str(file) for file in left],
        "landing_files_to_delete_at_the_source": delivered,
    })
    if left:
        raise KehuError(f"erase: {len(left)} file(s) still hold an id; see {certificate}", ExitCode.CHECK_FAILED)
    return {"rows_in": len(customers), "rows_out": sum(rows.values()), "worklists_deleted": len(worklists),
            "certificate": str(certificate), "landing_files_to_delete": delivered}


def _subjects(job: Job, customers: list[str]) -> dict[str, list[str]]:
    """The ids that lead to the customers: their own, those of accounts nobody else ever had, those of their alerts."""
    accounts = job.lake.read("accounts").groupBy("account_id").agg(F.min(F.col("customer_id").isin(customers)).alias("only"))
    alerts = job.lake.read("alerts").where(F.col("customer_id").isin(customers))
    return {
        "customer_id": customers,
        "account_id": [row["account_id"] for row in accounts.where("only").collect()],
        "alert_id": [row["alert_id"] for row in alerts.select("alert_id").collect()],
    }


def _delete(job: Job, name: str, subjects: dict[str, list[str]]) -> int:
    """Delete the subjects' rows of one table; how many."""
    table = job.lake.table(name)
    theirs: Column = F.lit(False)
    for column in SUBJECTS:
        if column in table.column_names and subjects[column]:
            theirs = theirs | F.col(column).isin(subjects[column])
    if name == "quarantine":  # a row that cannot be read names whom it names; one that can says whose it is
        unread = F.col("fields").isNull() & F.col("raw").rlike(pattern({one for found in subjects.values() for one in found}))
        theirs = functools.reduce(Column.__or__, (F.col("fields")[column].isin(found) for column, found in subjects.items() if found))
        theirs = unread | F.coalesce(theirs, F.lit(False))
    count = job.lake.read(name).where(theirs).count()
    if count:
        job.lake.delete(name, theirs)
    return count


def _blank(job: Job, name: str, ids: set[str]) -> None:
    """Take the ids out of what others' rows say: a counterparty, a description, a reason. Not out of their own ids: where ids are plain
    numbers, one may be a customer here and somebody else's account there."""
    table, wanted, blank = job.lake.table(name), pattern(ids), to_blank(ids)
    texts = [column.name for column in table.columns
             if column.type == "STRING" and column.name not in (*table.key, "waits_for") and not column.name.endswith("_id")]
    blanked = {column: F.regexp_replace(column, blank, NOBODY) for column in texts}
    found = [F.col(column).rlike(wanted) for column in texts]
    if name == "quarantine":
        says = F.map_filter("fields", lambda field, _: ~field.endswith("_id"))
        found.append(F.exists(F.map_values(says), lambda value: value.rlike(wanted)))
        blanked["fields"] = F.transform_values("fields", lambda field, value: F.when(field.endswith("_id"), value).otherwise(
            F.regexp_replace(value, blank, NOBODY)))
    theirs = F.coalesce(functools.reduce(Column.__or__, found, F.lit(False)), F.lit(False))
    if blanked and job.lake.read(name).where(theirs).limit(1).count():
        job.lake.update(name, theirs, blanked)


def _scanned(job: Job, ids: set[str]) -> list[Path]:
    """Files of ours that hold an id: tables, models, data docs, worklists, logs."""
    places = (job.places.lake, job.worklists, job.places.log.parent)
    return [file for place in places for file in traces(place, ids) if ERASURES not in file.parts]


if __name__ == "__main__":
    from jobs.cli import main

    main("erase")
