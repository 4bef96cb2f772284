"""Times a day's run at growing history, beside plain recomputation of the same features, on the same machine and files.

    python -m benchmarks.bench [--customers 2000] [--days 60] [--times 1 3 10] [--out DIR] [--skew CREDITS]

Each world has the same customers and the same days at its end; only the history before differs. A world's initial load is
taken by a first run; then three further days are run one by one in one session, as a scheduler would, and their median told.
Writes docs/benchmarks.md. DuckDB and Polars are the extra `bench`; `make bench` installs it.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
from pyspark.sql import functions as F

from benchmarks.references import COLUMNS, in_duckdb, in_polars, in_spark
from conf import Settings, load_settings
from jobs.context import Job, Places, opened
from jobs.run import whole_day
from simulation.crowd import crowd
from simulation.days import days_between
from simulation.delivery import Plan
from simulation.market import CHINA
from simulation.world import World
from tables.arrow import read_arrow

LAST = date(2026, 11, 24)
DAILY = 4  # the first warms up, the others are measured
JOBS = ("ingest", "detect", "features", "alert", "export")
DOCS = Path(__file__).parents[1] / "docs"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--customers", type=int, default=2000)
    parser.add_argument("--days", type=int, default=60, help="history at 1x")
    parser.add_argument("--times", type=int, nargs="+", default=[1, 3, 10])
    parser.add_argument("--skew", type=int, default=0, help="credits a day on one account, against the same spread evenly")
    parser.add_argument("--out", type=Path, help="keep worlds and lakes here")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="kehu-bench-") as scratch:
        root = given.out or Path(scratch)
        worlds = {f"{times}x": partial(world, root / f"{times}x", given.customers, given.days * times) for times in given.times}
        if given.skew:
            for name, skewed in (("even", False), ("skewed", True)):
                worlds[name] = partial(world, root / name, given.customers, given.days, credits=given.skew, skewed=skewed)
        measured = [{"world": name, **lived(make, root / name)} for name, make in worlds.items()]
    table = pd.DataFrame(measured)
    (DOCS / "benchmarks.md").write_text(page(table, given))
    print(table.to_string(index=False))


def world(out: Path, customers: int, days: int, credits: int = 0, *, skewed: bool = False) -> Plan:
    """A world with `days` of history and a few daily drops; `credits` extra payments a day."""
    loaded = LAST - timedelta(days=DAILY)
    plan = Plan(loaded - timedelta(days=days - 1), loaded, LAST)
    if not (out / "landing").exists():
        made = World(customers, plan, 1, out / "landing", out / "TRUTH", print, CHINA)
        if credits:
            made.delivery.more = lambda day: crowd(made.state, day, credits, skewed=skewed)
        for on in days_between(plan.first, plan.last):
            made.bring(on)
        made.finish()
    return plan


def lived(make: Callable[[], Plan], out: Path) -> dict[str, Any]:
    """Run a world's days and measure the last ones."""
    plan = make()
    settings = load_settings()
    places = Places(out / "landing", out / "lake", out / "worklists")
    with opened(settings, places, plan.last, "bench", print) as job:
        first = timed(lambda: whole_day(replace(job, day=plan.loaded)))
        each = [timed(partial(whole_day, replace(job, day=on))) for on in plan.days()]
        told = {"customers": 0, "transactions": job.lake.read("transactions").count(), "initial load s": first,
                "day s": statistics.median(each[1:]), **shares(places.lake, plan)}
        told["customers"] = job.lake.read("customer_features").where(F.col("as_of") == F.lit(plan.last)).count()
        told |= compared(job, settings, plan.last)
    told["lake MB"] = sum(file.stat().st_size for file in places.lake.rglob("*.parquet")) / 1e6
    return told


def compared(job: Job, settings: Settings, day: date) -> dict[str, float]:
    """Seconds of the references, and the floor: reading and writing the transactions' bytes."""
    lake, currency = job.places.lake, settings.bank.base_currency
    product = read_arrow(lake, "customer_features", ["customer_id", *COLUMNS], [("as_of", "=", day)]).to_pandas()
    told = {}
    references: dict[str, Callable[[], pd.DataFrame]] = {
        "plain Spark s": lambda: in_spark(job.spark, lake, day, currency).toPandas(),
        "DuckDB s": lambda: in_duckdb(lake, day, currency),
        "Polars s": lambda: in_polars(lake, day, currency),
    }
    for name, reference in references.items():
        told[name] = statistics.median(timed(reference) for _ in range(3))
        require_equal(product, reference(), name)
    files = [file for file in (lake / "transactions").rglob("*.parquet") if "_delta_log" not in file.parts]
    copy = lake.parent / "floor.parquet"
    told["floor s"] = timed(lambda: pq.write_table(pq.ParquetDataset(files, partitioning=None).read(), copy, compression="zstd"))
    return told


def require_equal(product: pd.DataFrame, reference: pd.DataFrame, name: str) -> None:
    """Stop when a reference finds other sums than the product."""
    for column in COLUMNS:
        if "_amount_" in column:
            product[column] = (product[column].astype(float) * 100).round()
    both = product.set_index("customer_id")[list(COLUMNS)].fillna(0).astype("int64")
    others = reference.set_index("customer_id").reindex(both.index).fillna(0).astype("int64")
    different = (both != others).to_numpy().sum()
    if different:
        raise SystemExit(f"{name}: {different} of {both.size} values differ from the product's")
    for column in COLUMNS:
        if "_amount_" in column:
            product[column] = product[column] / 100


def shares(lake: Path, plan: Plan) -> dict[str, float]:
    """Median seconds of each job on the measured days, from the ledger."""
    runs = read_arrow(lake, "runs", ["job", "business_date", "started_at", "ended_at"]).to_pandas()
    runs = runs[runs["business_date"].isin(plan.days()[1:])]
    seconds = (runs["ended_at"] - runs["started_at"]).dt.total_seconds().groupby(runs["job"]).median()
    return {f"{name} s": float(seconds.get(name, float("nan"))) for name in JOBS}


def timed(work: Callable[[], Any]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def page(table: pd.DataFrame, given: argparse.Namespace) -> str:
    """docs/benchmarks.md"""
    numbers = table.columns[1:]
    cells = [[f"{row[name]:,.0f}" if row[name] >= 100 else f"{row[name]:.1f}" for name in numbers] for _, row in table.iterrows()]
    rows = [f"| {name} | " + " | ".join(cell) + " |" for name, cell in zip(table["world"], cells, strict=True)]
    day = table.set_index("world")["day s"]
    ratios = [f"- a day at {name} history takes {day[name] / day.iloc[0]:.2f} of a day at {table['world'][0]}" for name in day.index[1:]]
    ratios += [f"- {row['world']}: a whole day takes {row['day s'] / row['plain Spark s']:.2f} of what plain Spark takes to recompute "
               f"24 money features, {row['day s'] / row['DuckDB s']:.1f} times what DuckDB takes" for _, row in table.iterrows()]
    times = " ".join(map(str, given.times))
    return "\n".join([
        "# Benchmarks", "",
        f"Written by `python -m benchmarks.bench --customers {given.customers} --days {given.days} --times {times}`.",
        "Days are the median of three after one to warm up; references the median of three; each is checked to find the same sums.",
        "",
        "| world | " + " | ".join(numbers) + " |", "|---|" + "---:|" * len(numbers), *rows, "", *ratios, "",
    ])


if __name__ == "__main__":
    main()
