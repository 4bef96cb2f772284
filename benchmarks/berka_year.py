"""What a year of a real bank's transactions makes Kehu tell: `make berka`, then `python -m benchmarks.berka_year`.

Judges the last 360 days of the Berka demo's history, thirty days at a time, each span as a bank's first look at its lake would:
with what was usual before it. Prints the flows by kind and then each with its reason; docs/berka.md reads them.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pandas as pd
from pyspark.sql import functions as F

from conf import Settings, load_settings
from jobs.context import Job, Places, opened
from jobs.demo import ROOM
from jobs.detect import detected
from simulation.berka import LOADED

SPANS, SPAN_DAYS = 12, 30  # a look needs as many days before those it tells of, for its p-values
FACTS = ("customers", "accounts", "transactions", "fx_rates", "alerts", "outcomes")  # what a look reads, and nothing looked at before
SHOWN = ["customer_id", "business_date", "kind", "window_days", "amount", "usual_amount", "observations", "peer_weight",
         "return_period_years", "p_value", "chance", "cause", "reason"]  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--demo", type=Path, default=Path("demo-berka"))
    parser.add_argument("--out", type=Path, help="a CSV file for the flows")
    given = parser.parse_args()
    flows, accounts = told(load_settings(ROOM / "conf" / "berka"), given.demo)
    print(f"{accounts} accounts with transactions, {SPANS * SPAN_DAYS} days to {LOADED}: {len(flows)} flows")
    print(flows["kind"].value_counts().to_string(), "", sep="\n")
    for place, flow in enumerate(flows.itertuples(), 1):
        print(f"{place:3}. {flow.reason}")
    if given.out:
        flows.to_csv(given.out, index=False)


def told(settings: Settings, demo: Path) -> tuple[pd.DataFrame, int]:
    """The year's flows, the most unusual first, and how many accounts have transactions."""
    days = [LOADED - timedelta(days=SPAN_DAYS * back) for back in reversed(range(SPANS))]
    with tempfile.TemporaryDirectory(prefix="kehu-berka-") as scratch:
        lake = Path(scratch) / "lake"
        for table in FACTS:
            shutil.copytree(demo / "lake" / table, lake / table)
        with opened(settings, Places(demo / "landing", lake, Path(scratch) / "worklists"), LOADED, "detect") as job:
            parts = [_span(job, day) for day in days]
            accounts = job.lake.read("transactions").where(F.col("business_date") <= F.lit(LOADED)).select("account_id").distinct().count()
    flows = pd.concat(parts, ignore_index=True)
    return flows.sort_values("return_period_years", ascending=False, na_position="first", ignore_index=True), accounts


def _span(job: Job, day: date) -> pd.DataFrame:
    return detected(replace(job, day=day), SPAN_DAYS).abnormal.select(*SHOWN).toPandas()


if __name__ == "__main__":
    main()
