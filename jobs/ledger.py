"""The `runs` table: who ran what when, with which code and configuration, and what the tables were at afterwards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conf import ExitCode, KehuError, conf_hash

if TYPE_CHECKING:
    from jobs.context import Job
    from tables.arrow import Filter

FEW_ROWS = 2_000_000  # accepted, of all feeds: measured to be quicker so up to here (docs/benchmarks.md)
FEW_CUSTOMERS = 50_000  # and versions of them; each is a candidate for some twenty offers
ROWS_A_PARTITION = 2_000_000  # of all ever taken: a first look sorts them, and four sorts of 50 million rows ran out of memory
LOOKING = ("detect", "features")  # jobs that look at what has become known since they last did


def now() -> datetime:
    """The clock: of the ledger, of certificates, and of the latest an outcome may have been recorded; never of data."""
    return datetime.now(UTC)


def write_run(job: Job, started: datetime, status: str, counts: Mapping[str, Any], message: str | None) -> None:
    """Append the row of one run, with the only times of the clock that a table holds."""
    from jobs.context import code_version

    numbers = {key: int(value) for key, value in counts.items() if isinstance(value, (int, float))}
    row = {
        "run_id": job.run_id,
        "job": job.name,
        "business_date": job.day,
        "started_at": started,
        "ended_at": now(),
        "status": status,
        "rows_in": numbers.pop("rows_in", 0),
        "rows_out": numbers.pop("rows_out", 0),
        "counts": numbers,
        "table_versions": job.lake.versions(),
        "code_version": code_version(),
        "conf_hash": conf_hash(job.settings),
        "message": message,
    }
    job.lake.append("runs", job.lake.literal("runs", [row]))


def last_versions(lake: Path) -> dict[str, int]:
    """Table -> Delta version when the newest run ended; empty for a new lake. Reads without Spark."""
    newest = _newest_run(lake)
    return dict(newest["table_versions"]) if newest else {}


def last_day(lake: Path) -> date:
    """The newest business date that was run.

    Raises
    ------
    KehuError
        MISSING when nothing was ever run in this lake.
    """
    from tables.arrow import read_arrow

    runs = read_arrow(lake, "runs", columns=["business_date"])
    if runs is None or not runs.num_rows:
        raise KehuError(f"nothing was run in the lake {lake} yet; start with `kehu run --date D`", ExitCode.MISSING)
    return max(runs["business_date"].to_pylist())


def last_looked_at(lake: Path, before: date) -> date | None:
    """The newest business date before a day that news or features were looked for on; None when there is none."""
    from tables.arrow import read_arrow

    runs = read_arrow(lake, "runs", columns=["job", "business_date", "status"])
    looked = [run for run in runs.to_pylist() if run["job"] in LOOKING and run["status"] == "done"] if runs is not None else []
    return max((run["business_date"] for run in looked if run["business_date"] < before), default=None)


def is_small(lake: Path) -> bool:
    """Whether all rows ever taken are so few that plans are best interpreted, and sums best counted anew every day."""
    return _accepted(lake) <= FEW_ROWS


def has_few_customers(lake: Path) -> bool:
    """Whether jobs that read customers' rows and not their movements are best planned as in a small lake."""
    return _accepted(lake, [("feed", "=", "customers")]) <= FEW_CUSTOMERS


def partitions(lake: Path, at_least: int) -> int:
    """Into how many parts rows are shuffled, so that none is too large to be sorted."""
    return max(at_least, _accepted(lake) // ROWS_A_PARTITION)


def _accepted(lake: Path, of: Sequence[Filter] = ()) -> int:
    from tables.arrow import read_arrow

    files = read_arrow(lake, "files", ["accepted"], list(of) or None)
    return sum(files["accepted"].to_pylist()) if files is not None else 0


def _newest_run(lake: Path) -> dict[str, Any] | None:
    from tables.arrow import read_arrow

    runs = read_arrow(lake, "runs", columns=["ended_at", "table_versions"])
    if runs is None or not runs.num_rows:
        return None
    return runs.sort_by([("ended_at", "descending")]).slice(0, 1).to_pylist()[0]
