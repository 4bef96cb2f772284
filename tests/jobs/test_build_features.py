"""The features job on a literal lake: only what was known on the day, whatever comes later; told without Spark."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pyspark.sql.functions as F
import pytest
from pyspark.sql import SparkSession, Window

from conf import KehuError, Settings
from jobs.build_features import features_as_of, listed, printed, run
from jobs.context import Job, Places
from jobs.maintain import CARRIED
from tests.features.literal_world import (
    ACCOUNTS,
    CUSTOMERS,
    DAY,
    FX_RATES,
    HOLDINGS,
    PURCHASES,
    TRANSACTIONS,
    bought,
    frame,
    moved,
    on,
    version,
)

NEXT = DAY + timedelta(1)
DIAPERS = [
    bought(f"D{nth}", 1, DAY - timedelta(back), "Baby/Diapers", "9.00", name="Diapers NB", customer="anna")
    for nth, back in enumerate((50, 41, 33, 24, 15, 6))
]
LATER = {  # happened after the day, or happened before and was recorded after it
    "customers": [version(NEXT, customer_id="anna", birth_date=on(1, 1, 1950), annual_income=Decimal("1.00"), joined_on=NEXT)],
    "accounts": [
        version(NEXT, account_id="A1", customer_id="anna", product_type="current", currency="CNY", status="closed",
                opened_on=on(1, 1, 2025), closed_on=NEXT),
        {**version(on(3, 1), account_id="SHOP", customer_id="anna", product_type="current", currency="CNY", status="open",
                   opened_on=on(3, 1)), "recorded_on": NEXT},  # the other side of T08 turns out to be the customer's own
    ],
    "transactions": [
        moved(90, NEXT, 9, "777.00", "debit", "cash", "atm", "1.00"),
        {**moved(91, on(3, 12), 9, "888.00", "credit", "salary", "other", "2.00"), "recorded_on": NEXT},
        {**moved(92, on(3, 15), 9, "5600.00", "debit", "transfer", "online", "3.00"), "recorded_on": NEXT},  # would net the salary
    ],
    "purchases": [bought("L1", 1, NEXT, "Baby/Diapers", "9.00"), bought("L2", 1, on(3, 1), "FUEL/FUEL", "9.00", recorded_on=NEXT)],
    "holdings": [
        {"customer_id": "anna", "product_id": "bond_fund", "acquired_on": on(6, 1, 2025), "value": Decimal("1.00"),
         "closed_on": on(3, 1), "business_date": on(6, 1, 2025), "recorded_on": NEXT},
    ],
    "fx_rates": [{"rate_date": on(1, 1), "currency": "USD", "rate": Decimal("9.0"), "business_date": on(1, 1), "recorded_on": NEXT}],
    "alerts": [{"alert_id": "AL-9", "customer_id": "anna", "raised_on": DAY, "priority": 50, "run_id": "later"}],
}  # fmt: skip


def put(job: Job, table: str, rows: list[dict[str, Any]], run_id: str) -> None:
    job.lake.replace(table, frame(job.spark, table, [{**row, "run_id": run_id} for row in rows]), {"run_id": run_id})
    if table in ("customers", "accounts"):  # as ingest leaves them: only the newest version of each is current
        newest = F.max("valid_from").over(Window.partitionBy(f"{table.removesuffix('s')}_id"))
        versions = job.lake.read(table).withColumn("is_current", F.col("valid_from") == newest).localCheckpoint()
        job.lake.replace(table, versions, {"run_id": ["first", "later"]})


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Places:
    root = tmp_path_factory.mktemp("features")
    return Places(root / "landing", root / "lake", root / "worklists")


@pytest.fixture(scope="module")
def job(spark: SparkSession, settings: Settings, places: Places) -> Job:
    job = Job(settings, places, spark, DAY, "features")
    world = {"customers": CUSTOMERS, "accounts": ACCOUNTS, "transactions": TRANSACTIONS, "purchases": PURCHASES + DIAPERS,
             "holdings": HOLDINGS, "fx_rates": FX_RATES}  # fmt: skip
    for table, rows in world.items():
        put(job, table, rows, "first")
    return job


def test_the_day_is_written_and_what_comes_later_never_changes_it(
    job: Job, settings: Settings, places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts = run(job)
    assert counts == {"rows_in": 2, "rows_out": 2, "life_events": 1, "rates_known": 1}
    stored = {row["customer_id"]: row.asDict() for row in job.lake.read("customer_features").collect()}
    assert (stored["anna"]["assets"], stored["anna"]["age"], stored["ben"]["assets"]) == (Decimal("27600.00"), 35, 0)
    assert {row["customer_id"]: row["service_tier"] for row in job.lake.read("segments").collect()} == {"anna": "mass", "ben": "mass"}
    assert all(job.lake.read(name).isEmpty() for name in CARRIED), "a small lake needs nothing of the day before"
    monkeypatch.setattr("jobs.build_features.is_small", lambda _: False)
    assert run(job) == counts
    for name in CARRIED:
        assert {row["as_of"] for row in job.lake.read(name).collect()} == {DAY}, "a large lake keeps what the next day is carried on from"
        job.lake.delete(name, F.col("as_of") == F.lit(DAY))
    assert {row["customer_id"]: row.asDict() for row in job.lake.read("customer_features").collect()} == stored
    event = job.lake.read("life_events").first()
    assert (event["customer_id"], event["event"], event["stage"], event["consented"]) == ("anna", "new_parent", "newborn", True)

    for table, rows in LATER.items():
        put(job, table, rows, "later")
    months = features_as_of(job, [on(2, 28), DAY])
    rows = {(row["customer_id"], row["as_of"]): row.asDict() for row in months.collect()}
    months.unpersist()
    assert {who: rows[(who, DAY)] for who in stored} == stored
    assert set(rows) == {("anna", on(2, 28)), ("anna", DAY), ("ben", DAY)}  # ben joined in March
    february = rows[("anna", on(2, 28))]
    assert (february["salary_last"], february["current_balance"], february["holdings_value"]) == (
        Decimal("5000.00"), Decimal("8000.00"), Decimal("4000.00"),
    )  # fmt: skip

    _is_told(settings, places)


def test_what_was_inferred_is_gone_the_day_consent_is_taken_back(job: Job) -> None:
    """Of earlier days too, and what the next day would have been carried on from; what others allowed stays."""
    carol = {"customer_id": "carol", "event": "new_parent", "probability": 0.7}
    job.lake.append("life_events", job.lake.literal("life_events", [carol | {"as_of": DAY}]))
    kept = [{"customer_id": who, "as_of": DAY} for who in ("anna", "carol")]
    job.lake.append("payment_evidence", job.lake.literal("payment_evidence", kept))
    assert {row["customer_id"] for row in job.lake.read("life_events").collect()} == {"anna", "carol"}
    call = {"type": "life_event", "status": "contacted", "priority": 50, "reason": "A review.", "offers": [
        {"offer_id": "postpartum_centre", "name": "Postpartum centre", "probability": 0.1, "expected_value": 1.0, "reason": "x"}]}
    alert, delivery = {"raised_on": DAY, "matter": "life_event|new_parent|newborn|2026"}, {"business_date": DAY}
    for table, more in (("alerts", alert), ("deliveries", delivery)):
        rows = [call | more | {"customer_id": who, "alert_id": who} for who in ("anna", "carol")]
        job.lake.replace(table, job.lake.literal(table, rows), {"type": ["life_event"]})
    withdrawn = version(NEXT, customer_id="anna", birth_date=on(4, 1, 1990), joined_on=on(1, 1, 2025), life_event_consent=False)
    put(job, "customers", [withdrawn], "later")

    assert run(replace(job, day=NEXT))["life_events"] == 0
    for table in ("life_events", "payment_evidence"):
        assert [row["customer_id"] for row in job.lake.read(table).collect()] == ["carol"]
        assert "anna" not in "".join(log.read_text() for log in (job.places.lake / table / "_delta_log").glob("*.json"))
    run(job)
    assert {row["customer_id"] for row in job.lake.read("life_events").collect()} <= {"carol"}, "an earlier day is run again"
    for table in job.lake.versions():
        said = [row.asDict(recursive=True) for row in job.lake.read(table).collect() if "customer_id" in row]
        assert not [row for row in said if row["customer_id"] == "anna" and re.search("new_parent|postpartum", str(row))], table
    alerts = job.lake.read("alerts").where("type = 'life_event'").collect()
    told = {row["customer_id"]: (row["status"], row["reason"], len(row["offers"])) for row in alerts}
    assert told == {"anna": ("contacted", "A review.", 0), "carol": ("contacted", "A review.", 1)}


def _is_told(settings: Settings, places: Places) -> None:
    said = printed(settings, places, DAY, "anna")
    assert "27,600.00  deposits (0 where overdrawn) and investments [transactions (balance_after), accounts, fx_rates, holdings]" in said
    assert "New parent: probability 0." in said
    assert re.search(r"  child probably [12] months old, [01] to [23] with a probability of 80%\n", said)
    assert "not known: nothing of it in a year" in said
    with pytest.raises(KehuError, match="no features of that customer"):
        printed(settings, places, DAY, "nobody")


def test_the_list_tells_every_feature(settings: Settings) -> None:
    said = listed(settings)
    assert "  tenure_days" in said
    assert "(days; from customers, accounts)" in said
