"""Maintain: join small files, drop what retention no longer asks for, free the disk."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from pathlib import Path

import pyspark.sql.functions as F

from jobs.carrying import CARRIED
from jobs.context import Counts, Job, recorded

SNAPSHOTS = ("customer_features", "segments", "life_events", "offer_scores", "flow_baselines")
CARRIED_DAYS = 7  # a day of the last week run again is carried from the one before; an older one is counted anew
MONTH = timedelta(days=31)


def maintained(job: Job) -> Counts:
    """Maintain every table and record the run."""
    return recorded(job.named("maintain"), _maintain)


def _maintain(job: Job) -> Counts:
    retention, lake = job.settings.retention, job.lake
    before = _size(job.places.lake)
    kept = (retention.daily_snapshots_days, retention.monthly_snapshots_months)
    dropped = sum(_dropped(job, name, superfluous(_days(job, name), job.day, *kept)) for name in SNAPSHOTS)
    last = job.day - timedelta(days=CARRIED_DAYS)
    dropped += sum(_dropped(job, name, [day for day in _days(job, name) if day < last]) for name in CARRIED)
    lake.delete("quarantine", F.col("business_date") < F.lit(job.day - timedelta(days=retention.quarantine_days)))
    tables = list(lake.versions())
    for name in tables:
        job.progress(f"compacting {name}")
        lake.compact(name)
        lake.vacuum(name, retention.replaced_files_hours)
    return {"tables": len(tables), "snapshots_dropped": dropped, "bytes_freed": max(before - _size(job.places.lake), 0)}


def _days(job: Job, name: str) -> list[date]:
    return [row["as_of"] for row in job.lake.read(name).select("as_of").distinct().collect()]


def _dropped(job: Job, name: str, gone: list[date]) -> int:
    """Drop some days' rows of a table; how many days."""
    if gone:
        job.lake.delete(name, F.col("as_of").isin(gone))
    return len(gone)


def superfluous(days: Iterable[date], today: date, daily_days: int, monthly_months: int) -> list[date]:
    """Snapshot days to drop: beyond `daily_days` all but each month's last, beyond `monthly_months` all."""
    kept = sorted(days)
    month_ends = {(day.year, day.month): day for day in kept}
    old, ancient = today - timedelta(days=daily_days), today - monthly_months * MONTH
    return [day for day in kept if day < ancient or (day < old and month_ends[day.year, day.month] != day)]


def _size(lake: Path) -> int:
    return sum(file.stat().st_size for file in lake.rglob("*") if file.is_file())


if __name__ == "__main__":
    from jobs.cli import main

    main("maintain")
