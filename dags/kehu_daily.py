"""The day as an Airflow 3 DAG: one task a job, the business date said, no retry where a retry cannot help.

Airflow runs in its own environment and starts `kehu` by its path. What to change for a bank stands in the environment:
KEHU_BIN, KEHU_LANDING, KEHU_LAKE, KEHU_CONF, KEHU_ZONE. docs/airflow.md explains the rest.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path

import pendulum
from airflow.sdk import Param, dag, task
from airflow.sdk.exceptions import AirflowException, AirflowFailException

JOBS = ("ingest", "detect", "features", "score", "alert", "export")
KEHU = os.environ.get("KEHU_BIN", str(Path(__file__).resolve().parents[1] / ".venv" / "bin" / "kehu"))
PLACES = ("landing", "lake", "conf")
ZONE = pendulum.timezone(os.environ.get("KEHU_ZONE", "Asia/Shanghai"))  # as `bank.time_zone`: the business date is the run's date there

REJECTED, MISSING, IO, BUSY = 65, 69, 74, 75  # kehu's exit codes (docs/operations.md)
GOES_ON = {"ingest": {REJECTED}, "score": {REJECTED, MISSING}}  # the rest of the day is done; `verdict` fails at its end
RETRY = {IO, BUSY}  # a disk that was full, a lake that was held; whatever killed the process, too


def command(job: str, day: str) -> list[str]:
    """The command line of a job for a business date."""
    given = [(place, os.environ.get(f"KEHU_{place.upper()}")) for place in PLACES]
    return [KEHU, job, "--date", day, *(word for place, value in given if value for word in (f"--{place}", value))]


def judged(job: str, code: int) -> int:
    """The exit code where the day goes on; an error that Airflow retries, or one that it does not.

    Raises
    ------
    AirflowException
        When a later try may succeed.
    AirflowFailException
        When it would not: configuration, rejected data, a failed check.
    """
    if code == 0 or code in GOES_ON.get(job, ()):
        return code
    if code in RETRY or code < 0:
        raise AirflowException(f"kehu {job} exited {code}; it will be tried again")
    raise AirflowFailException(f"kehu {job} exited {code}; a retry would not help")


def refused(codes: Iterable[int]) -> list[str]:
    """What to say of a day's exit codes, as `kehu run` judges: what was refused is a fault, that nothing was trained yet is none."""
    return [f"{job} exited {code}" for job, code in zip(JOBS, codes, strict=True) if code == REJECTED]


@dag(
    schedule="30 23 * * *",
    start_date=pendulum.datetime(2024, 1, 1, tz=ZONE),
    catchup=False,  # missed days: `kehu backfill`, which knows what was done
    max_active_runs=1,  # and the lake's own lock below it
    params={"business_date": Param(None, type=["null", "string"], format="date", description="empty: the run's own date")},
    default_args={"retries": 3, "retry_delay": timedelta(minutes=10)},
    tags=["kehu"],
)
def kehu_daily() -> None:
    """From the day's drops to the worklists."""

    @task
    def run(job: str, params: dict, logical_date: pendulum.DateTime | None, dag_run) -> int:
        moment = logical_date or dag_run.run_after
        day = params["business_date"] or pendulum.instance(moment).in_timezone(ZONE).to_date_string()
        with subprocess.Popen(command(job, day)) as process:
            try:
                code = process.wait()
            finally:  # a task that is killed takes its job along; the job's next run finds everything in order
                process.terminate()
        return judged(job, code)

    @task(retries=0)
    def verdict(codes: list[int]) -> None:
        if told := refused(codes):
            raise AirflowFailException(f"the day was done, but {', '.join(told)}; `kehu status` says more")

    codes = []
    for job in JOBS:
        done = run.override(task_id=job)(job)
        if codes:
            codes[-1] >> done
        codes.append(done)
    verdict(codes)


kehu_daily()
