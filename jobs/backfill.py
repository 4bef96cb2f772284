"""Many days one after another, each as if it were run on its own day, but for the worklists: nobody is told of days gone by."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from conf import conf_hash
from jobs.context import Counts, Job, code_version
from jobs.run import DAY, whole_day

PUBLISHING = ("export",)


def backfill(job: Job, first: date) -> Counts:
    """Run every day from `first` to the job's day that is not already done, and publish nothing.

    What is still to be called stands on the worklists of the next day that is run or exported. A day is done when each of these jobs
    ended well with this configuration and code, and no drop up to it is waiting.
    """
    days = [first + timedelta(days=n) for n in range((job.day - first).days + 1)]
    done = [day for day in days if is_done(job, day)]
    for day in days:
        if day not in done:
            whole_day(replace(job, day=day), without=PUBLISHING)
    return {"days_run": len(days) - len(done), "days_skipped": len(done)}


def is_done(job: Job, day: date) -> bool:
    """Whether nothing is left to do for a day."""
    from jobs.ingest import waiting

    if waiting(replace(job, day=day)):
        return False
    same = f"business_date = DATE'{day}' AND conf_hash = '{conf_hash(job.settings)}' AND code_version = '{code_version()}'"
    runs = job.lake.read("runs").where(f"{same} AND status = 'done'").select("job").distinct().collect()
    return {name for name, _ in DAY} - {"score", *PUBLISHING} <= {row["job"] for row in runs}


if __name__ == "__main__":
    from jobs.cli import main

    main("backfill")
