"""Times a day's run as history, customers and events grow, beside plain recomputation, on the same machine and files.

    python -m benchmarks.bench history [--customers 13000] [--days 50] [--times 1 3 10] [--out DIR]
    python -m benchmarks.bench size [--customers 13000] [--days 50] [--credits 100000] [--out DIR]

`history`: worlds of the same customers and the same last days, that differ in the history before. `size`: a world, one of three
times the customers, one with so many more credits a day spread evenly, and one with all of those on a single account.

A world's initial load is taken by a first run; then further days are run one by one in one session, as a scheduler would.
Writes its part of docs/benchmarks.md. DuckDB and Polars are the extra `bench`; `make bench` installs it.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import TypeVar

import pandas as pd
import pyarrow.parquet as pq
from pyspark.sql import functions as F

from benchmarks.bench_pages import REFERENCES, Lived, history_page, size_page
from benchmarks.references import Found, in_duckdb, in_spark
from benchmarks.references.equal import products, require_equal
from benchmarks.report import BENCHMARKS, put
from benchmarks.stages import by_job, logged_to, peak_mb, stages
from conf import Settings, load_settings
from jobs.context import Job, Places, opened
from jobs.run import whole_day
from jobs.session import java_process
from simulation.crowd import crowd
from simulation.days import days_between
from simulation.delivery import Plan
from simulation.market import CHINA
from simulation.world import World
from tables.arrow import read_arrow

T = TypeVar("T")
LAST = date(2026, 11, 24)
KEPT = "lived.json"
DAILY = 4  # the first warms up, the others are measured


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("history", "size"))
    parser.add_argument("--customers", type=int, default=13_000)
    parser.add_argument("--days", type=int, default=50, help="history; of `history` at 1x")
    parser.add_argument("--times", type=int, nargs="+", default=[1, 3, 10])
    parser.add_argument("--credits", type=int, default=100_000, help="more a day, of `size`")
    parser.add_argument("--out", type=Path, help="keep worlds and lakes here; what was measured is not measured again")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="kehu-bench-") as scratch:
        root = (given.out or Path(scratch)) / f"{given.what}-{given.customers}-{given.days}-{given.credits}"  # figures of one size
        lives = []
        for name, make in worlds(given, root).items():
            lives.append(remembered(root / name) or lived(name, make, root / name))
            print(lives[-1].figures, lives[-1].jobs, sep="\n", flush=True)
    pages = {"history": history_page, "size": size_page}
    grown = f"--times {' '.join(map(str, given.times))}" if given.what == "history" else f"--credits {given.credits}"
    options = f"{given.what} --customers {given.customers} --days {given.days} {grown}"
    put(BENCHMARKS, given.what, pages[given.what](lives, options))


def worlds(given: argparse.Namespace, root: Path) -> dict[str, Callable[[], Plan]]:
    """Name of each world -> what makes it."""
    if given.what == "history":
        return {f"{times}x": partial(world, root / f"{times}x", given.customers, given.days * times) for times in given.times}
    made = {"base": partial(world, root / "base", given.customers, given.days)}
    made["3x customers"] = partial(world, root / "3x customers", given.customers * 3, given.days)
    for name, skewed in (("even credits", False), ("one account", True)):
        made[name] = partial(world, root / name, given.customers, given.days, credits=given.credits, skewed=skewed)
    return made


def world(out: Path, customers: int, days: int, credits: int = 0, *, skewed: bool = False) -> Plan:
    """A world with `days` of history and a few daily drops; `credits` extra payments a day."""
    loaded = LAST - timedelta(days=DAILY)
    plan = Plan(loaded - timedelta(days=days - 1), loaded, LAST)
    if not (out / "TRUTH" / "about.json").exists():
        made = World(customers, plan, 1, out / "landing", out / "TRUTH", print, CHINA)
        if credits:
            made.delivery.more = lambda day: crowd(made.state, day, credits, skewed=skewed)
        for on in days_between(plan.first, plan.last):
            made.bring(on)
        made.finish()
    return plan


def remembered(out: Path) -> Lived | None:
    """What was measured before a benchmark was interrupted; a world whose days were not all run is lived anew."""
    kept = out / KEPT
    if kept.exists():
        told = json.loads(kept.read_text())
        return Lived(told["world"], told["figures"], pd.DataFrame(told["jobs"]).rename_axis("job"))
    for begun in ("lake", "events", "worklists"):
        shutil.rmtree(out / begun, ignore_errors=True)
    return None


def lived(name: str, make: Callable[[], Plan], out: Path) -> Lived:
    """Run a world's days and measure the last ones."""
    plan = make()
    settings = load_settings()
    spark = settings.spark.model_copy(update={"conf": settings.spark.conf | logged_to(out / "events")})
    flows = settings.flows.model_copy(update={"min_share_of_assets": 0.0})  # references do not know which balances a look had at hand
    settings = settings.model_copy(update={"spark": spark, "flows": flows})
    places = Places(out / "landing", out / "lake", out / "worklists")
    with opened(settings, places, plan.last, "bench", print) as job:
        first, *each = [timed(partial(whole_day, replace(job, day=on)))[0] for on in (plan.loaded, *plan.days())]
        moved = job.lake.read("transactions")
        told: dict[str, float] = {
            "customers": job.lake.read("customer_features").where(F.col("as_of") == F.lit(plan.last)).count(),
            "transactions": moved.count(),
            "transactions a day": moved.where(F.col("recorded_on") > F.lit(plan.loaded)).count() / DAILY,
            "initial load": first,
            "day": statistics.median(each[1:]),
        }
        java = java_process(job.spark)
        told |= {"Python at most MB": peak_mb("self"), "Java at most MB": peak_mb(java) if java else float("nan")}
        told |= compared(job, settings, plan.last)
        job.spark.stop()  # closes the event log
    told["lake MB"] = sum(file.stat().st_size for file in places.lake.rglob("*.parquet")) / 1e6
    runs = read_arrow(places.lake, "runs", ["job", "business_date", "started_at", "ended_at", "status"]).to_pandas()
    runs = runs[runs["business_date"].isin(plan.days()[1:]) & (runs["status"] == "done")]
    life = Lived(name, told, by_job(runs, stages(out / "events")))
    (out / KEPT).write_text(json.dumps({"world": name, "figures": told, "jobs": life.jobs.to_dict()}))
    return life


def compared(job: Job, settings: Settings, day: date) -> dict[str, float]:
    """Seconds of the references, and the floor: reading and writing the transactions' bytes."""
    from benchmarks.references.whole_polars import in_polars  # of the extra `bench`

    lake = job.places.lake
    product = products(lake, day, settings)
    told = {}
    references: tuple[Callable[[], Found], ...] = (
        lambda: in_spark(job.spark, lake, day, settings),
        lambda: in_duckdb(lake, day, settings),
        lambda: in_polars(lake, day, settings),
    )
    for name, reference in zip(REFERENCES, references, strict=True):
        seconds, found = zip(*(timed(reference) for _ in range(3)), strict=True)
        told[name] = statistics.median(seconds)
        require_equal(product, found[-1], name)
    files = [file for file in (lake / "transactions").rglob("*.parquet") if "_delta_log" not in file.parts]
    told["floor"], _ = timed(partial(copied, files, lake.parent / "floor.parquet"))
    return told


def copied(files: list[Path], to: Path) -> None:
    """Read and write the same rows, file by file."""
    with pq.ParquetWriter(to, pq.read_schema(files[0]), compression="zstd") as writer:
        for file in files:
            writer.write_table(pq.ParquetFile(file).read())
    to.unlink()


def timed(work: Callable[[], T]) -> tuple[float, T]:
    """Seconds of some work, and what it returns."""
    started = time.perf_counter()
    done = work()
    return time.perf_counter() - started, done


if __name__ == "__main__":
    main()
