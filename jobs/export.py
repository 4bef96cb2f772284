"""Export: each relationship manager's worklist of the day as XLSX, CSV and a page, all published at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import date
from functools import partial
from itertools import chain
from multiprocessing import get_context
from statistics import median
from typing import Any

from pyspark.sql import DataFrame

from conf import ExitCode, KehuError, Settings
from jobs.context import Counts, Job
from jobs.export_facts import ahead, customer_facts, rows, team
from jobs.published import file_stem, publish
from worklists.csv_file import worklist_csv
from worklists.customer import customer_pictures
from worklists.deliveries import delivered, json_lines
from worklists.page import worklist_page
from worklists.results import new_alerts
from worklists.selection import listed, on_the_lists
from worklists.team import Team, team_page
from worklists.worklist import Worklist, worklists
from worklists.xlsx import worklist_xlsx

RENDERED = {".xlsx": worklist_xlsx, ".csv": worklist_csv, ".html": worklist_page}
TEAM, CHANNELS = "team", "channels"  # directories beside the RMs' files, each for its own readers
MANY, SHARE = 100, 20  # lists from which other processes pay for their start, and how many one renders at a time
USUAL_DAYS, MIN_USUAL_DAYS = 30, 5  # what is usual is looked up in so many days, and known from so many


def run(job: Job) -> Counts:
    """Write `WORKLISTS/<day>/`: three files for everybody who has somebody to call, a page for their manager, and the same alerts
    for other channels. A day without alerts is a success."""
    settings, day = job.settings, job.day
    alerts = job.lake.read("alerts")
    _require_usual_volume(job, alerts)
    chosen = on_the_lists(alerts, day, settings.worklists).persist()
    calls = rows(chosen)
    counted = team(job)
    pictures = customer_pictures(customer_facts(job, chosen.select("customer_id").distinct()), day) if calls else {}
    _require_known({row["customer_id"] for row in calls} - set(pictures))
    lists = worklists(calls, pictures, day, settings.worklists.calls_per_day, ahead(job), counted["results_by_rm"])
    counts = _checked(lists, alerts.where(listed(day)).count())
    job.lake.replace("deliveries", delivered(chosen, day, settings.worklists, job.run_id), {"business_date": day})
    chosen.unpersist()
    files = _rendered(lists, settings)
    files[f"{TEAM}/managers.html"] = team_page(Team.of(counted, day), settings)
    files[f"{CHANNELS}/alerts.jsonl"] = json_lines(lists)
    publish(job.worklists / day.isoformat(), files, _told(job, lists, counts))
    return {"rows_in": counts["alerts"], "rows_out": counts["calls"], "worklists": len(lists), "files": len(files),
            "below_line": counts["below_line"], "waiting": counts["waiting"], "to_open": str(job.worklists / day.isoformat())}


def _rendered(lists: Sequence[Worklist], settings: Settings) -> dict[str, bytes]:
    """The files of all lists by name; of many, on every core."""
    files_of = partial(_files, settings=settings)
    if len(lists) < MANY:
        return dict(chain.from_iterable(map(files_of, lists)))
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as processes:  # a fork would share Spark's connection
        return dict(chain.from_iterable(processes.map(files_of, lists, chunksize=SHARE)))


def _files(worklist: Worklist, settings: Settings) -> list[tuple[str, bytes]]:
    return [(f"{file_stem(worklist.holder)}{ending}", render(worklist, settings)) for ending, render in RENDERED.items()]


def _require_usual_volume(job: Job, alerts: DataFrame) -> None:
    """A breaker: far more new alerts than on other days, or than can be called, are a fault in the data until somebody has looked.

    Raises
    ------
    KehuError
        CHECK_FAILED, saying what is usual; nothing was published.
    """
    settings = job.settings.worklists
    raised = {row["raised_on"]: row["alerts"] for row in rows(new_alerts(alerts, job.day, USUAL_DAYS))}
    today = raised.pop(job.day, 0)
    if today <= settings.breaker_min_alerts:
        return
    usual = _usual(raised, job.day)
    if usual is not None and today > settings.breaker_ratio * usual:
        _stop(f"{today} alerts were raised on {job.day}, {usual:.0f} are usual", "breaker_ratio")
    holders = on_the_lists(alerts, job.day, settings).select("holder").distinct().count()
    if today > settings.breaker_days_of_work * holders * settings.calls_per_day:
        _stop(f"{today} alerts were raised on {job.day} for {holders} who call {settings.calls_per_day} a day", "breaker_days_of_work")


def _usual(raised: Mapping[date, int], day: date) -> float | None:
    """The median of the days before, or of the same weekday's where that is more: a weekly digest is usual. None from too few days."""
    if len(raised) < MIN_USUAL_DAYS:
        return None
    same = [count for on, count in raised.items() if on.weekday() == day.weekday()]
    return max(median(raised.values()), median(same) if same else 0)


def _stop(what: str, setting: str) -> None:
    raise KehuError(
        f"{what}; nothing was published. Look at `kehu status`; if it is right, raise worklists.{setting} and export again",
        ExitCode.CHECK_FAILED,
    )


def _require_known(unknown: set[str]) -> None:
    if unknown:
        raise KehuError(
            f"{len(unknown)} customer(s) with alerts are not in `customers`; run `kehu doctor`", ExitCode.CHECK_FAILED
        )


def _checked(lists: Sequence[Worklist], in_table: int) -> dict[str, int]:
    """Counts of what is about to be published, which must agree with the table.

    Raises
    ------
    KehuError
        CHECK_FAILED when an alert of the table would be on no list, or on two.
    """
    calls = [call.alert_id for each in lists for call in each.calls]
    waiting = sum(each.waiting for each in lists)
    if len(calls) + waiting != in_table or len(set(calls)) != len(calls):
        raise KehuError(
            f"{in_table} alerts are to be listed, the worklists hold {len(set(calls))} and {waiting} wait; nothing was published",
            ExitCode.CHECK_FAILED,
        )
    below = sum(len(each.below) for each in lists)
    return {"alerts": in_table, "calls": len(calls), "above_line": len(calls) - below, "below_line": below, "waiting": waiting}


def _told(job: Job, lists: Sequence[Worklist], counts: dict[str, int]) -> dict[str, Any]:
    return {
        "business_date": job.day.isoformat(),
        "run_id": job.run_id,
        "counts": counts,
        "worklists": [
            {"holder": each.holder, "file": file_stem(each.holder), "above_line": len(each.above), "below_line": len(each.below),
             "waiting": each.waiting}
            for each in lists
        ],
    }


if __name__ == "__main__":
    from jobs.cli import main

    main("export")
