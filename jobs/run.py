"""The whole day, in order: ingest → detect → features → score → alert → export."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from conf import ExitCode, KehuError
from jobs import alert, build_features, detect, export, ingest, score
from jobs.context import Counts, Job, recorded
from jobs.ledger import has_few_customers, is_small, partitions
from jobs.session import INTERPRETED, SHUFFLE_PARTITIONS, UNCONSTRAINED, planned

DAY: tuple[tuple[str, Callable[[Job], Counts]], ...] = (
    ("ingest", ingest.run),
    ("detect", detect.run),
    ("features", build_features.run),
    ("score", score.run),
    ("alert", alert.run),
    ("export", export.run),
)
OF_CUSTOMERS = ("score", "alert", "export")  # read no movements


def whole_day(job: Job, without: Collection[str] = ()) -> Counts:
    """Run every job of the day but those named `without`; where a model is missing or cannot be used it goes on without, and says so.

    Raises
    ------
    KehuError
        REJECTED at the very end when files or models were refused: everything that could be done was.
    """
    said: Counts = {"business_date": job.day.isoformat()}
    refused: list[str] = []
    for name, work in DAY:
        if name in without:
            continue
        job.progress(f"{job.day}  {name}")
        try:
            said[name] = _done(job.named(name), work)
        except KehuError as error:
            if name != "score" or error.code not in (ExitCode.MISSING, ExitCode.REJECTED):
                raise
            said[name] = {"missing": str(error)}
            job.progress(f"{job.day}  [yellow]{error}[/yellow]")
            if error.code == ExitCode.REJECTED:  # nothing trained yet is no fault; a model that was there is one
                refused = [str(error)]
    _refuse([*_rejected(said["ingest"]), *refused])
    return told(said)


def one_job(job: Job, name: str, work: Callable[[Job], Counts]) -> Counts:
    """Run one job of the day and record it."""
    job.progress(f"{job.day}  {name}")
    counts = _done(job.named(name), work)
    _refuse(_rejected(counts))
    return counts


def _done(job: Job, work: Callable[[Job], Counts]) -> Counts:
    """Run and record a job, its plans made for few rows or for many."""
    with planned(job.spark, _plans(job)):
        return recorded(job, work)


def _plans(job: Job) -> Mapping[str, str]:
    """The options plans are made under; `ingest` makes its own, file by file."""
    lake = job.places.lake
    if job.name == "ingest":
        return {}
    if is_small(lake) or (job.name in OF_CUSTOMERS and has_few_customers(lake)):
        return UNCONSTRAINED | INTERPRETED
    return {SHUFFLE_PARTITIONS: str(partitions(lake, int(job.spark.conf.get(SHUFFLE_PARTITIONS) or 1)))}


def told(said: Counts) -> Counts:
    """The day's counts as an operator reads them."""
    return {
        name: ", ".join(_said(key, value) for key, value in value.items() if not isinstance(value, (list, dict)))
        if isinstance(value, dict)
        else value
        for name, value in said.items()
    }


def _said(key: str, value: Any) -> str:
    number = f"{value:,}" if isinstance(value, int) else str(value)
    return number if key == "missing" else f"{key.replace('_', ' ')} {number}"


def _rejected(counts: Counts) -> list[str]:
    files = counts.get("rejected_files") or []
    return [f"{len(files)} file(s) rejected: {'; '.join(files)}"] if files else []


def _refuse(what: list[str]) -> None:
    if what:
        raise KehuError(f"everything else was done, but {'; '.join(what)}", ExitCode.REJECTED)


if __name__ == "__main__":
    from jobs.cli import main

    main("run")
