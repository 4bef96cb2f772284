"""A random world for the laws of carrying: late, netted, corrected and own movements, owners and products that change."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
from pyspark.sql import SparkSession

from conf import Settings
from conf.codes import CHANNELS
from features.flow_sums import TYPES
from jobs.context import Job, Places
from tests.features.literal_world import frame

START = date(2026, 3, 1)  # of this day is counted, the next ones are carried on
DAYS = (1, 3, 6, 20)  # after it, with gaps as of a weekend and of a lake left alone
GOODS = ("GROCERY", "BOOKS", "FUEL", "no such goods")
WORDINGS = ("rent 7", "tuition 3", "city motors", "water works 12", "hotel and wedding hall", "pay")
WORLDS = 30  # one a customer; they meet in transfers
KINDS = sorted({kind for kinds in TYPES.values() for kind in kinds} | {"other", "closure"})


def accounts(rng: np.random.Generator) -> Iterator[dict[str, Any]]:
    """Up to three accounts a customer; some turn up later, change their product or go to somebody else."""
    for who in range(WORLDS):
        for nth in range(int(rng.integers(1, 4))):
            first = START - timedelta(900) if nth == 0 else START + timedelta(int(rng.choice([-900, -100, 1, 2, 5, 15])))
            of = {"account_id": f"A{who:02d}-{nth}", "currency": "CNY", "status": "open", "opened_on": first}
            product = str(rng.choice(["current", "savings", "time_deposit", "investment", "loan"]))
            yield of | {"customer_id": f"C{who:02d}", "product_type": product, "valid_from": first, "recorded_on": first}
            if rng.random() < 0.15:
                later = max(first, START) + timedelta(int(rng.integers(1, 8)))
                owner, other = (f"C{(who + 1) % WORLDS:02d}", product) if rng.random() < 0.5 else (f"C{who:02d}", "current")
                yield of | {"customer_id": owner, "product_type": other, "valid_from": later, "recorded_on": later}


def histories(key: str, versions: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Versions in order, of which the last of each key is the current one."""
    listed = list(versions)
    last = {row[key]: row for row in listed}
    return [row | {"is_current": last[row[key]] is row} for row in listed]


def transactions(rng: np.random.Generator, known: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Few amounts and sides, so that they net, recur and turn out to be the customer's own; late and corrected ones."""
    first = {row["account_id"]: row["recorded_on"] for row in reversed(known)}
    ids = sorted(first)
    edges = np.array([0, 1, 7, 30, 90, 180, 365, 400])
    for number in range(WORLDS * 70):
        account = str(rng.choice(ids))
        near = int(rng.choice(edges)) - int(rng.integers(-25, 26))
        on, late = START + timedelta(25) - timedelta(max(near, 0) if rng.random() < 0.7 else int(rng.integers(0, 430))), 0
        if rng.random() < 0.2:  # told late, in the days that are carried
            late = int(rng.choice([1, 2, 5, 40, 300]))
            on = START + timedelta(int(rng.integers(-5, 22)) - late)
        recorded = max(on + timedelta(late), first[account])
        corrected = recorded + timedelta(int(rng.choice([1, 3, 30]))) if rng.random() < 0.02 else None
        pick = rng.random()
        own = [each for each in ids if each[:3] == account[:3]]
        other = str(rng.choice(own)) if pick < 0.25 else str(rng.choice(ids)) if pick < 0.4 else "SHOP" if pick < 0.7 else None
        yield {
            "transaction_id": f"T{number:05d}", "account_id": account, "amount": Decimal(int(rng.choice([50, 50, 99, 120000]))) / 10,
            "booked_at": datetime(on.year, on.month, on.day, int(rng.integers(0, 16))), "business_date": on, "recorded_on": recorded,
            "superseded_on": corrected, "direction": str(rng.choice(["credit", "debit"])), "type": str(rng.choice(KINDS)),
            "currency": str(rng.choice(["CNY", "CNY", "CNY", "USD", "EUR"])), "channel": str(rng.choice(CHANNELS)),
            "counterparty": other, "balance_after": Decimal(int(rng.integers(0, 9999))) if rng.random() < 0.5 else None,
            "description": str(rng.choice(WORDINGS)),
        }  # fmt: skip


def rate(back: int, currency: str, worth: str, told: int) -> dict[str, Any]:
    """A rate of some days before the start, told some days after it."""
    on, recorded = START - timedelta(back), START + timedelta(told)
    return {"rate_date": on, "business_date": on, "currency": currency, "rate": Decimal(worth), "recorded_on": recorded}


def purchases(rng: np.random.Generator) -> Iterator[dict[str, Any]]:
    """Orders of one or more lines: some told later than the rest, corrected, refunded, or in a currency no rate is known for."""
    edges = np.array([0, 30, 90, 365])
    for number in range(WORLDS * 15):
        on = START + timedelta(25) - timedelta(max(int(rng.choice(edges)) - int(rng.integers(-25, 26)), 0))
        who, currency = f"C{int(rng.integers(WORLDS)):02d}", str(rng.choice(["CNY", "CNY", "USD", "EUR", "JPY"]))
        for line in range(int(rng.integers(1, 4))):
            recorded = on + timedelta(int(rng.choice([0, 0, 0, 1, 2, 5, 40])))
            corrected = recorded + timedelta(int(rng.choice([1, 3, 30]))) if rng.random() < 0.1 else None
            told = {
                "order_id": f"O{number:04d}", "line_no": line, "customer_id": who, "business_date": on, "recorded_on": recorded,
                "superseded_on": corrected, "category": str(rng.choice(GOODS)), "currency": currency,
                "quantity": Decimal(int(rng.integers(1, 4))), "unit_price": Decimal(int(rng.integers(1, 9999))) / 100,
                "status": "refunded" if rng.random() < 0.15 else "paid",
            }  # fmt: skip
            yield told
            if corrected:
                yield told | {"recorded_on": corrected, "superseded_on": None, "quantity": Decimal(7), "customer_id": "C00"}


RATES = [rate(back, "USD", f"7.{back:03d}", -back) for back in range(0, 430, 10)]
RATES += [rate(5, "USD", "7.5", 2), rate(20, "EUR", "8", 3)]  # one of USD is corrected; of EUR nothing is known for three days


def customers(rng: np.random.Generator) -> Iterator[dict[str, Any]]:
    """Half consent from the start; some begin to, some cease to."""
    for who in range(WORLDS):
        consents, first = bool(rng.random() < 0.6), START - timedelta(900)
        of = {"customer_id": f"C{who:02d}", "birth_date": date(1980, 5, 1), "joined_on": first, "marketing_consent": True}
        yield of | {"life_event_consent": consents, "valid_from": first, "recorded_on": first}
        if rng.random() < 0.4:
            later = START + timedelta(int(rng.integers(1, 8)))
            yield of | {"life_event_consent": not consents, "valid_from": later, "recorded_on": later}


def lived(spark: SparkSession, settings: Settings, root: Path, seed: int) -> Job:
    """The features job of `START`, on a lake that holds the world."""
    job = Job(settings, Places(root / "landing", root / "lake", root / "w"), spark, START, "features")
    rng = np.random.default_rng(seed)
    owned = histories("account_id", accounts(rng))
    world = {"accounts": owned, "transactions": list(transactions(rng, owned)), "fx_rates": RATES}
    world |= {"customers": histories("customer_id", customers(rng)), "purchases": list(purchases(rng))}
    for table, rows in world.items():
        job.lake.replace(table, frame(spark, table, [{**row, "run_id": "all"} for row in rows]), {"run_id": "all"})
    return job
