"""How long a day's export takes: `python -m benchmarks.export [--customers 200000] [--alerts 5000] [--rms 300]`.

The bank is made up with numpy and written by delta-rs: its amounts mean nothing, its sizes are a bank's.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TypeVar

import numpy as np
import pyarrow as pa
from deltalake import write_deltalake

from conf import load_settings
from jobs import export
from jobs.context import Job, Places
from jobs.session import start

T = TypeVar("T")
DAY = date(2026, 11, 24)
EVIDENCE = pa.list_(pa.struct([
    ("kind", pa.string()), ("ref", pa.string()), ("business_date", pa.date32()), ("amount", pa.decimal128(18, 2)), ("note", pa.string())]))
MONTHS, BOOKINGS = 12, 20  # of flows a customer, of bookings an account


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--customers", type=int, default=200_000)
    asked.add_argument("--alerts", type=int, default=5_000)
    asked.add_argument("--rms", type=int, default=300)
    given = asked.parse_args()
    root = Path(tempfile.mkdtemp(prefix="kehu-export-"))
    try:
        places = Places(root / "landing", root / "lake", root / "worklists")
        _timed("made the bank", lambda: _bank(places.lake, given.customers, given.alerts, given.rms))
        settings = load_settings()
        spark = _timed("started Spark", lambda: start(settings, root / "spark.log"))
        job = Job(settings, places, spark, DAY, "export")
        for run in ("first", "again"):
            counts = _timed(f"exported ({run})", lambda: export.run(job))
        pages = [file.stat().st_size for file in (places.worklists / DAY.isoformat()).glob("*.html")]
        print(f"{counts['rows_in']:,} alerts, {counts['rows_out']:,} on {len(pages)} lists; largest page {max(pages) / 1e6:.2f} MB")
        spark.stop()
    finally:
        shutil.rmtree(root)


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
    _findings(lake, rng, who, rm, alerts)


def _findings(lake: Path, rng: np.random.Generator, who: np.ndarray, rm: np.ndarray, alerts: int) -> None:
    """What the jobs before export would have written: features, flows and alerts of the day."""
    day, found = np.datetime64(DAY), rng.choice(len(who), alerts, replace=False)
    write_deltalake(lake / "customer_features", pa.table({
        "customer_id": who, "as_of": np.full(len(who), day), "assets": _money(rng, len(who)), "deposits_balance": _money(rng, len(who)),
    }), partition_by=["as_of"])
    names = np.array([f"AL-{n:06d}" for n in range(alerts)])
    flows = np.char.add("F", names)
    write_deltalake(lake / "abnormal_flows", pa.table({
        "flow_id": flows, "customer_id": who[found], "kind": np.full(alerts, "withdrawal"), "business_date": np.full(alerts, day),
        "amount": _money(rng, alerts), "detected_on": np.full(alerts, day),
    }), partition_by=["detected_on"])
    row = {"kind": "transaction", "business_date": DAY, "amount": Decimal(1), "note": "by mobile app"}
    evidence = [row | {"ref": f"T{n}"} for n in range(10)]
    offers = [{"offer_id": "mortgage", "name": "Mortgage", "probability": 0.1, "expected_value": 900.0, "reason": "It may fit."}] * 3
    write_deltalake(lake / "alerts", pa.table({
        "alert_id": names, "customer_id": who[found], "relationship_manager_id": rm[found],
        "type": np.full(alerts, "abnormal_withdrawal"), "raised_on": np.full(alerts, day),
        "expires_on": np.full(alerts, day + np.timedelta64(7, "D")), "priority": rng.integers(20, 100, alerts).astype(np.int32),
        "severity": np.full(alerts, "medium"), "headline": np.full(alerts, "480,000 CNY went out, far more than usual"),
        "reason": np.full(alerts, "480,000 CNY went out on 23 Nov 2026 (by mobile app): 34 times a usual outflow of 14,000. " * 3),
        "evidence": pa.array([evidence] * alerts, EVIDENCE), "offers": pa.array([offers] * alerts),
        "status": np.full(alerts, "open"), "control_group": np.full(alerts, False), "flow_ids": pa.array([[flow] for flow in flows]),
        "suppressed_by": pa.nulls(alerts, pa.string()), "snoozed_until": pa.nulls(alerts, pa.date32()),
        "closed_on": pa.nulls(alerts, pa.date32()), "change": pa.nulls(alerts, pa.string()),
    }))


def _money(rng: np.random.Generator, count: int) -> pa.Array:
    cents = np.round(np.exp(rng.normal(9, 1.2, count)) * 100).astype(np.int64)
    return pa.array(cents / 100).cast(pa.decimal128(18, 2), safe=False)


if __name__ == "__main__":
    main()
