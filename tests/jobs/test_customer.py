"""The customer's whole picture, from tables written without Spark: what the desk sees, and what it must never see."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake import write_deltalake

from conf import ExitCode, KehuError, Settings
from features import movements
from jobs.context import Places
from jobs.customer import booking_number, customer_picture, pictured
from jobs.why_not import why_not
from tables import TABLES

DAY = date(2026, 11, 24)
WHO = {"customer_id": "C1"}
KNOWN = {"recorded_on": date(2026, 1, 1), "business_date": date(2026, 1, 1)}
TYPES = {"STRING": pa.string(), "DATE": pa.date32(), "BOOLEAN": pa.bool_(), "INT": pa.int32(), "BIGINT": pa.int64(),
         "DOUBLE": pa.float64(), "TIMESTAMP": pa.timestamp("us", "UTC"), "ARRAY<STRING>": pa.list_(pa.string())}
ROWS: dict[str, list[dict[str, Any]]] = {
    "customers": [
        WHO | {"full_name": "Zhang Wei", "joined_on": date(2012, 5, 2), "marketing_consent": True, "life_event_consent": True,
               "relationship_manager_id": "RM-1", "valid_from": date(2026, 1, 1), "recorded_on": date(2026, 1, 1)},
        WHO | {"full_name": "Not yet", "marketing_consent": False, "valid_from": date(2026, 12, 1), "recorded_on": date(2026, 12, 1)},
        {"customer_id": "C2", "full_name": "Somebody Else", "valid_from": date(2026, 1, 1), "recorded_on": date(2026, 1, 1)},
    ],
    "accounts": [
        WHO | {"account_id": "A1", "product_type": "current", "currency": "CNY", "status": "open", "valid_from": date(2026, 1, 1),
               "recorded_on": date(2026, 1, 1)},
        WHO | {"account_id": "A2", "product_type": "time_deposit", "currency": "CNY", "status": "open", "principal": Decimal(50000),
               "maturity_on": date(2027, 1, 9), "interest_rate": Decimal("0.0215"), "valid_from": date(2026, 1, 1),
               "recorded_on": date(2026, 1, 1)},
        {"customer_id": "C2", "account_id": "A9", "product_type": "current", "currency": "CNY", "status": "open",
         "valid_from": date(2026, 1, 1), "recorded_on": date(2026, 1, 1)},
    ],
    "transactions": [
        {"transaction_id": f"T{n}", "account_id": account, "booked_at": datetime(2026, 11, n, 9), "business_date": date(2026, 11, n),
         "recorded_on": date(2026, 11, n), "amount": Decimal(n), "currency": "CNY", "direction": "debit", "type": "card",
         "channel": "mobile", "balance_after": balance, "description": text}
        for n, account, balance, text in (
            (20, "A1", Decimal(900), "GROCER"), (21, "A1", None, "=cmd\u202e"), (22, "A9", Decimal(1), "SECRET-C2"))
    ],
    "holdings": [WHO | KNOWN | {"product_id": "equity_fund", "acquired_on": date(2024, 3, 5), "value": Decimal("62400.5")}],
    "daily_flows": [
        WHO | {"recorded_on": on, "business_date": date(2026, 10, 3), "direction": "debit", "amount": Decimal(amount)}
        for on, amount in ((date(2026, 10, 3), 100), (date(2026, 10, 9), 4321))  # the later knowledge counts
    ],
    "segments": [WHO | {"as_of": DAY, "service_tier": "affluent", "age_band": "45-54", "preference": "funds"}],
    "life_events": [WHO | {"as_of": DAY, "event": "new_parent", "probability": 0.9, "stage": "newborn"}],
    "offer_scores": [
        WHO | {"as_of": DAY, "offer_id": offer, "eligible": eligible, "rank": rank, "expected_value": 100.0, "probability": 0.1}
        for offer, eligible, rank in (("wealth_product", True, 2), ("mortgage", True, 1), ("credit_card", False, None))
    ],
    "alerts": [
        WHO | {"alert_id": f"AL-{status}", "type": "abnormal_withdrawal", "raised_on": DAY, "expires_on": date(2026, 12, 1), "priority": 50,
               "headline": f"money moved, {status}", "reason": "because", "status": status, "control_group": held, "flow_ids": ["F1"]}
        for status, held in (("open", False), ("suppressed", False), ("contacted", True))
    ],
    "outcomes": [
        {"alert_id": "AL-open", "recorded_at": datetime(2026, 11, 24, 2), "outcome": "not_reached", "note": "after six",
         "recorded_on": DAY, "business_date": DAY}],
    "runs": [{"run_id": "r", "job": "export", "business_date": DAY}],
}


@pytest.fixture
def lake(places: Places) -> Path:
    for name, rows in ROWS.items():
        _write(places.lake, name, rows)
    return places.lake


def test_the_desk_sees_the_whole_customer(lake: Path, settings: Settings) -> None:
    picture = customer_picture(settings, lake, "C1", DAY)

    customer = picture.customer
    assert (customer.name, customer.may_be_offered, customer.service_tier) == ("Zhang Wei", True, "affluent")
    assert [(account.account_id, account.balance) for account in customer.accounts] == [("A2", Decimal(50000)), ("A1", Decimal(900))]
    assert [moved.amount for moved in customer.movements] == [Decimal(-21), Decimal(-20)]
    assert [month.money_out for month in customer.months if month.money_out] == [Decimal(4321)]
    assert [alert.alert_id for alert in picture.alerts] == ["AL-open"]
    assert [offer.name for offer in picture.offers] == ["Mortgage", "Wealth management product"]
    assert [contact.note for contact in customer.contacts] == ["after six"]


def test_of_two_bookings_in_one_second_desk_and_features_take_the_same_for_the_later(spark: Any) -> None:
    ids = ["T9", "T10", "2026-11-24/7-a", "x", "no number", "T00012", "9" * 30]
    rows = spark.createDataFrame([(each,) for each in ids], "transaction_id string").select("transaction_id", movements.booking_number())
    assert {name: booking_number(name) for name in ids} == dict(rows.collect())


def test_as_text_and_as_a_page_that_tell_no_secret(lake: Path, places: Places, settings: Settings, tmp_path: Path) -> None:
    _write(lake, "restrictions", [WHO | KNOWN | {"kind": "aml_case", "valid_from": date(2026, 11, 1)}])

    text = pictured(settings, places, "C1", None)
    file = pictured(settings, places, "C1", str(tmp_path / "c1.html"))
    page = Path(file).read_text(encoding="utf-8")

    for told in (text, page):
        assert "Zhang Wei" in told
        assert "Do not contact" in told
        assert "[U+202E]" in told
        for secret in ("aml", "new_parent", "newborn", "SECRET-C2", "Somebody Else", "Mortgage"):
            assert secret.lower() not in told.lower(), secret
    assert "script" not in re.sub(r"default-src 'none'[^\"]*", "", page)
    assert "50,000" in text


def test_topics_only_with_consent_and_without_naming_what_was_inferred(lake: Path, settings: Settings) -> None:
    assert customer_picture(settings, lake, "C1", DAY).topics == ("Household budget, saving plans, protection",)

    _write(lake, "customers", [ROWS["customers"][0] | {"life_event_consent": False, "valid_from": DAY, "recorded_on": DAY}])

    assert customer_picture(settings, lake, "C1", DAY).topics == ()


def test_in_the_middle_of_a_night_the_day_before_is_shown(lake: Path, settings: Settings) -> None:
    picture = customer_picture(settings, lake, "C1", date(2026, 11, 25))

    assert (picture.customer.service_tier, len(picture.offers)) == ("affluent", 2)
    assert picture.topics == ("Household budget, saving plans, protection",)


def test_an_unknown_customer_is_one_clear_line(lake: Path, settings: Settings) -> None:
    with pytest.raises(KehuError, match="no customer 'C7'") as refused:
        customer_picture(settings, lake, "C7", DAY)
    assert refused.value.code == ExitCode.REJECTED


def test_without_spark_and_within_three_seconds(lake: Path) -> None:
    started = time.monotonic()
    done = subprocess.run([sys.executable, "-X", "importtime", "-m", "jobs.cli", "customer", "C1", "--lake", str(lake)],
                          capture_output=True, text=True, check=True)

    assert "Zhang Wei" in done.stdout
    assert "pyspark" not in done.stderr
    assert time.monotonic() - started < 30  # on a loaded machine; 1.5 s on a quiet one


def test_why_not_names_every_rule_in_plain_words(places: Places, settings: Settings) -> None:
    best = WHO | {"as_of": DAY, "offer_id": "mortgage", "eligible": True, "rank": 1, "expected_value": 90.0, "probability": 0.1,
                  "propensity": 0.96, "blocked_by": [], "model_version": "mortgage/1"}  # fmt: skip
    _write(places.lake, "offer_scores", [
        best | {"offer_id": "gold_savings", "rank": 2, "expected_value": 9.0, "propensity": 0.0},
        best,
        best | {"offer_id": "credit_card", "eligible": False, "rank": None, "blocked_by": ["restriction", "already_held"]},
        best | {"as_of": date(2026, 11, 20), "offer_id": "car_loan"},  # an older day
    ])
    _write(places.lake, "alerts", [
        WHO | {"alert_id": "AL-1", "type": "next_best_offer", "raised_on": DAY, "status": "suppressed", "suppressed_by": "capacity"}])
    _write(places.lake, "runs", [
        {"run_id": "score-1", "job": "score", "business_date": DAY, "status": "done", "code_version": "1.2", "conf_hash": "abc"}])

    told = why_not(settings, places, "C1").splitlines()

    shown = [line.strip() for line in told if line]
    assert shown[1].startswith("1  mortgage: probability 0.1000, expected value 90.00")
    assert shown[1].endswith("chance to open a call 96.00%")
    assert shown[2].endswith("opens no call by itself (worth less than 20)")
    assert shown[3].startswith("-  credit_card: not offered")
    assert shown[4:6] == ["restriction: a restriction is in force", "already_held: already held"]
    assert "no model that day: bond_fund, car_loan" in shown[6]
    assert "AL-1, next_best_offer of 2026-11-24: suppressed, capacity: more than can be called" in shown
    assert shown[-1] == "Decided by run score-1: code 1.2, configuration abc"
    with pytest.raises(KehuError, match="no offer of customer 'C7' was scored"):
        why_not(settings, places, "C7")


def _write(lake: Path, name: str, rows: list[dict[str, Any]]) -> None:
    columns = {column.name: _arrow(column.type) for column in TABLES[name].columns if "STRUCT" not in column.type}
    if name == "customer_features":
        columns |= {"assets": pa.decimal128(18, 2), "deposits_balance": pa.decimal128(18, 2)}
    table = pa.Table.from_pylist([{column: row.get(column) for column in columns} for row in rows], pa.schema(columns.items()))
    write_deltalake(lake / name, table, mode="append")


def _arrow(ddl: str) -> pa.DataType:
    if ddl.startswith("DECIMAL"):
        return pa.decimal128(*map(int, ddl[8:-1].split(",")))
    return TYPES.get(ddl, pa.map_(pa.string(), pa.int64()))
