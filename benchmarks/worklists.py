"""How long a day's alerts and worklists take: `python -m benchmarks.worklists [--customers 200000] [--alerts 5000] [--rms 300]`.

In `kehu run` they follow four Spark jobs of the same process, so Java is warm: a small bank goes first. `--cold` leaves it out.
The bank is made up with numpy and written by delta-rs: its amounts mean nothing, its sizes are a bank's. Caps are set so that the
wanted number of alerts is raised.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import TypeVar

import numpy as np
import pyarrow as pa
from deltalake import write_deltalake
from pyspark.sql import SparkSession

from conf import Settings, load_settings
from jobs import alert, export
from jobs.context import Job, Places
from jobs.session import start

T = TypeVar("T")
DAY = date(2026, 11, 24)
MONTHS, BOOKINGS = 12, 20  # of flows a customer, of bookings an account


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--customers", type=int, default=200_000)
    asked.add_argument("--alerts", type=int, default=5_000)
    asked.add_argument("--rms", type=int, default=300)
    asked.add_argument("--cold", action="store_true")
    given = asked.parse_args()
    root = Path(tempfile.mkdtemp(prefix="kehu-export-"))
    try:
        settings = load_settings()
        policy = settings.contact_policy.model_copy(update={
            "flow_alerts_per_1000_customers": 1000.0, "control_share": 0.0, "offer_alerts_per_1000_customers": 0.0})
        settings = settings.model_copy(update={"contact_policy": policy})
        spark = _timed("started Spark", lambda: start(settings, root / "spark.log"))
        if not given.cold:
            _day(spark, settings, root / "small", 1_000, 50, 10)
        _day(spark, settings, root / "bank", given.customers, given.alerts, given.rms)
        spark.stop()
    finally:
        shutil.rmtree(root)


def _day(spark: SparkSession, settings: Settings, root: Path, customers: int, alerts: int, rms: int) -> None:
    """A day's alerts and worklists; the second time, alerts find nothing to change and the same files are written."""
    places = Places(root / "landing", root / "lake", root / "worklists")
    _timed(f"made {customers:,} customers", lambda: _bank(places.lake, customers, alerts, rms))
    job = Job(settings, places, spark, DAY, "export")
    job.lake.create_all()
    for run in ("first", "again"):
        _timed(f"alerts ({run})", lambda: alert.run(job))
        counts = _timed(f"export ({run})", lambda: export.run(job))
    pages = [file.stat().st_size for file in (places.worklists / DAY.isoformat()).glob("*.html")]
    print(f"{counts['rows_in']:,} alerts, {counts['rows_out']:,} on {len(pages)} lists; largest page {max(pages) / 1e6:.2f} MB", flush=True)


def _timed(what: str, work: Callable[[], T]) -> T:
    started, cpu = time.monotonic(), time.process_time()
    result = work()
    print(f"{what:24} {time.monotonic() - started:7.1f} s   (Python {time.process_time() - cpu:.1f} s)", file=sys.stderr, flush=True)
    return result


def _bank(lake: Path, customers: int, alerts: int, rms: int) -> None:
    rng = np.random.default_rng(1)
    who = np.array([f"C{n:07d}" for n in range(customers)])
    rm = np.array([f"RM-{n:04d}" for n in range(rms)])[np.arange(customers) % rms]
    recorded = np.full(customers, np.datetime64(date(2020, 1, 1)))
    write_deltalake(lake / "customers", pa.table({
        "customer_id": who, "full_name": np.char.add("Customer ", who), "occupation": np.full(customers, "engineer"),
        "joined_on": recorded, "relationship_manager_id": rm, "marketing_consent": np.full(customers, True), "valid_from": recorded,
        "is_current": np.full(customers, True), "recorded_on": recorded, "region": np.full(customers, "Shanghai"),
        "closed_on": pa.nulls(customers, pa.date32()),
    }))
    for kind, suffix in (("current", "C"), ("time_deposit", "T")):
        write_deltalake(lake / "accounts", pa.table({
            "account_id": np.char.add(who, suffix), "customer_id": who, "product_type": np.full(customers, kind),
            "currency": np.full(customers, "CNY"), "opened_on": recorded,
            "maturity_on": np.datetime64(DAY) + rng.integers(1, 700, customers).astype("timedelta64[D]"),
            "principal": _money(rng, customers), "interest_rate": pa.nulls(customers, pa.decimal128(9, 6)),
            "status": np.full(customers, "open"), "closed_on": pa.nulls(customers, pa.date32()), "valid_from": recorded,
            "is_current": np.full(customers, True), "recorded_on": recorded,
        }), mode="append")
    for booking in range(BOOKINGS):
        on = np.datetime64(DAY) - rng.integers(0, 365, customers).astype("timedelta64[D]")
        write_deltalake(lake / "transactions", pa.table({
            "transaction_id": np.char.add(who, f"-{booking}"), "account_id": np.char.add(who, "C"),
            "booked_at": pa.array(on.astype("datetime64[us]"), pa.timestamp("us", "UTC")), "amount": _money(rng, customers),
            "currency": np.full(customers, "CNY"), "direction": np.full(customers, "debit"), "balance_after": _money(rng, customers),
            "business_date": on, "recorded_on": on,
        }), mode="append")
    for back in range(MONTHS):
        for direction in ("credit", "debit"):
            on = np.full(customers, np.datetime64(DAY - timedelta(days=30 * back + 1)))
            write_deltalake(lake / "daily_flows", pa.table({
                "recorded_on": on, "customer_id": who, "business_date": on, "direction": np.full(customers, direction),
                "amount": _money(rng, customers),
            }), partition_by=["recorded_on"], mode="append")
    _findings(lake, rng, who, alerts)


def _findings(lake: Path, rng: np.random.Generator, who: np.ndarray, alerts: int) -> None:
    """What the jobs before would have written: features, flows and offers of the day."""
    day, found = np.datetime64(DAY), rng.choice(len(who), alerts, replace=False)
    write_deltalake(lake / "customer_features", pa.table({
        "customer_id": who, "as_of": np.full(len(who), day), "assets": _money(rng, len(who)), "deposits_balance": _money(rng, len(who)),
    }), partition_by=["as_of"])
    names = np.array([f"AL-{n:06d}" for n in range(alerts)])
    kinds = np.where(np.arange(alerts) % 3 == 0, "deposit", "withdrawal")
    ids = pa.array([[f"{who[customer]}-{booking}" for booking in range(10)] for customer in found])
    write_deltalake(lake / "abnormal_flows", pa.table({
        "flow_id": np.char.add("F", names), "customer_id": who[found], "account_id": np.char.add(who[found], "C"), "kind": kinds,
        "business_date": np.full(alerts, day), "window_days": np.full(alerts, 1, np.int32), "transaction_ids": ids,
        "amount": _money(rng, alerts, 13), "usual_amount": _money(rng, alerts), "return_period_years": np.full(alerts, 14.0),
        "p_value": np.full(alerts, 0.001), "q_value": np.full(alerts, 0.1), "chance": np.full(alerts, 0.8),
        "severity": np.full(alerts, "medium"), "observations": np.full(alerts, 40), "peer_group": np.full(alerts, "35-44"),
        "peer_weight": np.full(alerts, 0.2), "late": np.full(alerts, False), "detected_on": np.full(alerts, day),
        "reason": np.full(alerts, "480,000 CNY went out on 23 Nov 2026 (by mobile app): 34 times a usual outflow of 14,000."),
    }), partition_by=["detected_on"])
    for rank, offer in enumerate(("deposit_renewal", "wealth_product", "mortgage"), 1):
        write_deltalake(lake / "offer_scores", pa.table({
            "customer_id": who, "as_of": np.full(len(who), day), "offer_id": np.full(len(who), offer),
            "probability": rng.uniform(0.01, 0.3, len(who)), "expected_value": rng.uniform(20, 900, len(who)),
            "eligible": np.full(len(who), True), "rank": np.full(len(who), rank, np.int32),
            "blocked_by": pa.array([[]] * len(who), pa.list_(pa.string())),
            "reasons": pa.array([["for: monthly income above typical"]] * len(who)), "model_version": np.full(len(who), f"{offer}/1"),
        }), partition_by=["as_of"], mode="append")


def _money(rng: np.random.Generator, count: int, log_median: float = 9) -> pa.Array:
    cents = np.round(np.exp(rng.normal(log_median, 1.2, count)) * 100).astype(np.int64)
    return pa.array(cents / 100).cast(pa.decimal128(18, 2), safe=False)


if __name__ == "__main__":
    main()
