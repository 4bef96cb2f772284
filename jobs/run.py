"""The whole day, in order: ingest → detect → features → score → alert → export."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from conf import ExitCode, KehuError
from jobs import alert, build_features, detect, export, ingest, score
from jobs.context import Counts, Job, recorded

DAY: tuple[tuple[str, Callable[[Job], Counts]], ...] = (
    ("ingest", ingest.run),
    ("detect", detect.run),
    ("features", build_features.run),
    ("score", score.run),
    ("alert", alert.run),
    ("export", export.run),
)


def whole_day(job: Job) -> Counts:
    """Run every job of the day; without models it goes on and says what is missing.

    Raises
    ------
    KehuError
        REJECTED at the very end when files were rejected: everything that could be done was.
    """
    said: Counts = {"business_date": job.day.isoformat()}
    for name, work in DAY:
        job.progress(f"{job.day}  {name}")
        try:
            said[name] = recorded(job.named(name), work)
        except KehuError as error:
            if name != "score" or error.code != ExitCode.MISSING:
                raise
            said[name] = {"missing": str(error)}
            job.progress(f"{job.day}  [yellow]{error}[/yellow]")
    _refuse_rejected(said["ingest"])
    return told(said)


def one_job(job: Job, name: str, work: Callable[[Job], Counts]) -> Counts:
    """Run one job of the day and record it."""
    job.progress(f"{job.day}  {name}")
    counts = recorded(job.named(name), work)
    _refuse_rejected(counts)
    return counts


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


def _refuse_rejected(counts: Counts) -> None:
    rejected = counts.get("rejected_files") or []
    if rejected:
        raise KehuError(
            f"{len(rejected)} file(s) rejected, everything else was done: {'; '.join(rejected)}", ExitCode.REJECTED
        )
