"""What Spark did for each job of a day, read from its event log: stages, tasks, bytes read and shuffled, spill."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd

LOGGED = {"spark.eventLog.enabled": "true", "spark.eventLog.rolling.enabled": "false", "spark.eventLog.compress": "false"}
METRICS = {
    "internal.metrics.input.bytesRead": "read_mb",
    "internal.metrics.shuffle.write.bytesWritten": "shuffled_mb",
    "internal.metrics.diskBytesSpilled": "spilled_mb",
}


def logged_to(folder: Path) -> dict[str, str]:
    """Spark settings that write an event log to `folder`, which is made."""
    folder.mkdir(parents=True, exist_ok=True)
    return LOGGED | {"spark.eventLog.dir": folder.absolute().as_uri()}


def stages(folder: Path) -> pd.DataFrame:
    """One row a finished stage: `submitted` (UTC), `tasks`, `read_mb`, `shuffled_mb`, `spilled_mb` (to disk)."""
    rows = []
    for file in folder.iterdir():
        with file.open(encoding="utf-8") as events:
            for line in events:
                if '"SparkListenerStageCompleted"' not in line:
                    continue
                stage = json.loads(line)["Stage Info"]
                sums = {METRICS[each["Name"]]: int(each["Value"]) / 1e6 for each in stage["Accumulables"] if each.get("Name") in METRICS}
                at = pd.Timestamp(stage["Submission Time"], unit="ms", tz="UTC")
                rows.append({"submitted": at, "tasks": stage["Number of Tasks"], **sums})
    return pd.DataFrame(rows, columns=["submitted", "tasks", *METRICS.values()]).fillna(0)


def by_job(runs: pd.DataFrame, done: pd.DataFrame) -> pd.DataFrame:
    """Medians over the days of what each job cost.

    Parameters
    ----------
    runs : DataFrame with `job`, `business_date`, `started_at`, `ended_at` (UTC)
    done : DataFrame as `stages` returns

    Returns
    -------
    DataFrame, one row a job in the order they ran: `seconds`, `stages`, `tasks`, `read_mb`, `shuffled_mb`, `spilled_mb`
    """
    rows = []
    for run in runs.sort_values("started_at").itertuples():
        within = done[done["submitted"].between(run.started_at, run.ended_at)]
        sums = within.drop(columns="submitted").sum().to_dict()
        rows.append({"job": run.job, "seconds": (run.ended_at - run.started_at).total_seconds(), "stages": len(within), **sums})
    return pd.DataFrame(rows).groupby("job", sort=False).median()


def peak_mb(process: int | str) -> float:
    """Greatest resident memory a process ever had, in MB."""
    status = Path(f"/proc/{process}/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))) / 1024
