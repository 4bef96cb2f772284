"""What a year of a real bank's transactions makes Kehu tell: `make berka`, then `python -m benchmarks.berka_year`.

Judges the last 360 days of the Berka demo's history, thirty days at a time, each span as a bank's first look at its lake would:
with what was usual before it. Prints the flows by kind with what the accounts show around them, and then each with its reason;
docs/berka.md reads them.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pandas as pd

from conf import Settings, load_settings
from features.flow_evidence import PASSED_SHARE, PASSING_DAYS
from features.flows import FLOW_TYPES
from jobs.context import Job, Places, opened
from jobs.demo import ROOM
from jobs.detect import detected
from jobs.explain import DIRECTION
from simulation.berka import LOADED
from tables.arrow import read_arrow

SPANS, SPAN_DAYS = 12, 30  # a look needs as many days before those it tells of, for its p-values
FACTS = ("customers", "accounts", "transactions", "fx_rates")  # what a look reads, and nothing looked at before
SHOWN = ["customer_id", "business_date", "kind", "window_days", "amount", "usual_amount", "observations", "peer_weight",
         "return_period_years", "p_value", "chance", "cause", "reason"]  # fmt: skip
OTHER_WAY = {"credit": "debit", "debit": "credit"}
YOUNG_DAYS, MONTH, LIKE = 60, (20, 40), 0.1  # days since the first movement; days to the like of a flow, within a tenth


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--demo", type=Path, default=Path("demo-berka"))
    parser.add_argument("--out", type=Path, help="a CSV file for the flows")
    given = parser.parse_args()
    moved = movements(given.demo / "lake")
    flows = told(load_settings(ROOM / "conf" / "berka"), given.demo)
    flows = flows.join(around(flows, moved))
    since, until = pd.Timestamp(LOADED - timedelta(days=SPANS * SPAN_DAYS)), pd.Timestamp(LOADED)
    lived = moved.groupby("account_id")["day"].agg(["min", "max"]).clip(since, until)
    days = (lived["max"] - lived["min"]).dt.days
    print(f"{(days > 0).sum()} accounts, {days.sum() / 365:.0f} account-years in {(until - since).days} days to {LOADED}")
    print(flows.groupby("kind")[["reason"]].count().join(flows.groupby("kind")[["young", "monthly", "passed", "adds_up"]].mean().round(2)))
    print(f"nothing counted before {(flows['observations'] == 0).mean():.0%}, fewer than three {(flows['observations'] < 3).mean():.0%}, "
          f"eight or more {(flows['observations'] >= 8).mean():.0%}", "", sep="\n")  # fmt: skip
    for place, flow in enumerate(flows.itertuples(), 1):
        print(f"{place:3}. {flow.reason}")
    if given.out:
        flows.to_csv(given.out, index=False)


def told(settings: Settings, demo: Path) -> pd.DataFrame:
    """The year's flows, the most unusual first."""
    days = [LOADED - timedelta(days=SPAN_DAYS * back) for back in reversed(range(SPANS))]
    with tempfile.TemporaryDirectory(prefix="kehu-berka-") as scratch:
        lake = Path(scratch) / "lake"
        for table in FACTS:
            shutil.copytree(demo / "lake" / table, lake / table)
        with opened(settings, Places(demo / "landing", lake, Path(scratch) / "worklists"), LOADED, "detect") as job:
            flows = pd.concat([_span(job, day) for day in days], ignore_index=True)
    return flows.sort_values("return_period_years", ascending=False, na_position="first", ignore_index=True)


def _span(job: Job, day: date) -> pd.DataFrame:
    return detected(replace(job, day=day), SPAN_DAYS).abnormal.select(*SHOWN).toPandas()


def movements(lake: Path) -> pd.DataFrame:
    """Every transaction: `customer_id`, `account_id`, `day`, `direction`, `type`, `amount`."""
    owner = read_arrow(lake, "accounts", ["account_id", "customer_id"]).to_pandas().drop_duplicates("account_id")
    rows = read_arrow(lake, "transactions", ["account_id", "business_date", "direction", "type", "amount"]).to_pandas()
    moved = rows.merge(owner, on="account_id")
    return moved.assign(day=pd.to_datetime(moved["business_date"]), amount=moved["amount"].astype(float))


def around(flows: pd.DataFrame, moved: pd.DataFrame) -> pd.DataFrame:
    """What a customer's transactions show around each flow, as an RM would look them up.

    Returns
    -------
    DataFrame, one row a flow; nothing of a drained account, which is told by its balance: `young` (the customer's first movement is
    less than 60 days ago), `monthly` (the like of its largest movement came 20 to 40 days before or after), `passed` (four fifths of
    it went the other way within seven days), `adds_up` (it is the sum of the rows in its window)
    """
    of_customer = dict(list(moved.groupby("customer_id")))
    found = []
    for flow in flows.itertuples():
        if flow.kind not in DIRECTION:
            found.append({})
            continue
        own, day, amount = of_customer[flow.customer_id], pd.Timestamp(flow.business_date), float(flow.amount)
        back = (day - own["day"]).dt.days
        way = own["direction"] == DIRECTION[flow.kind]
        inside = own[way & back.between(0, int(flow.window_days) - 1) & own["type"].isin(FLOW_TYPES)]
        like = (own["amount"] - inside["amount"].max()).abs() <= LIKE * inside["amount"].max()
        other = own.loc[(own["direction"] == OTHER_WAY[DIRECTION[flow.kind]]) & (back.abs() <= PASSING_DAYS), "amount"].sum()
        found.append({
            "young": back.max() < YOUNG_DAYS,
            "monthly": bool((way & like & back.abs().between(*MONTH)).any()),
            "passed": other >= PASSED_SHARE * amount,
            "adds_up": abs(inside["amount"].sum() - amount) < 0.005,
        })
    return pd.DataFrame(found, index=flows.index, columns=["young", "monthly", "passed", "adds_up"], dtype="boolean")


if __name__ == "__main__":
    main()
