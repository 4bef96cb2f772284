"""Row rules, duplicates and histories on literal rows."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

import pytest
from pyspark.sql import DataFrame, SparkSession

from conf.feed import Feed
from expectations import CONTRACTS, Contract
from expectations.contract import Repeats
from expectations.duplicates import repeated_keys, verdicts
from expectations.history import chained, closings
from expectations.rules import checked
from tables import TABLES

DAY, FIRST = date(2026, 1, 5), date(2025, 12, 1)
GOOD = {
    "transaction_id": "T1", "account_id": "A1", "booked_at": "2026-01-05T09:30:00", "amount": "10.50", "currency": "CNY",
    "direction": "debit", "type": "card", "channel": "mobile",
}
CUSTOMER = {"customer_id": "C1", "joined_on": "2020-01-01", "marketing_consent": "true"}


def landed(spark: SparkSession, contract: Contract, rows: list[dict[str, str | None]]) -> DataFrame:
    schema = "source_file string, _drop date, line bigint, _problem string, " + ", ".join(f"{n} string" for n in contract.names)
    values = [
        ("f", DAY, number, row.get("_problem"), *(row.get(name) for name in contract.names)) for number, row in enumerate(rows)
    ]
    return spark.createDataFrame(values, schema)


def broken(spark: SparkSession, feed: str, rows: list[dict[str, str | None]], conf: Feed | None = None) -> list[list[str]]:
    contract = CONTRACTS[feed]
    found = checked(landed(spark, contract, rows), contract, conf or Feed(), "Asia/Shanghai", FIRST)
    return [
        [f"{rule} {column}".strip() for rule, column in zip(row.rules, row.columns, strict=True)]
        for row in found.orderBy("line").select("rules", "columns").collect()
    ]


def test_contracts_are_the_tables() -> None:
    """What a contract reads is what the table stores, type by type."""
    for feed, contract in CONTRACTS.items():
        declared = {column.name: column.type.lower() for column in TABLES[feed].columns}
        assert {field.name: field.spark_type.replace(", ", ",") for field in contract.fields}.items() <= declared.items()
        since = {Repeats.HISTORY: ("valid_from",)}.get(contract.repeats, ())
        assert (*contract.key, *since) == TABLES[feed].key


CASES: list[tuple[dict[str, str | None], list[str]]] = [
    ({}, []),
    ({"amount": "10,50"}, ["AMOUNT_FORMAT amount"]),
    ({"amount": "1,234.50"}, ["AMOUNT_FORMAT amount"]),
    ({"amount": "10.005"}, ["AMOUNT_SCALE amount"]),
    *(({"amount": odd}, ["AMOUNT_FORMAT amount"]) for odd in (
        "1e2", "+5", " 5.00 ", "(5.00)", "5-", "¥5", "5.00 CR", "１２", "١٢", "NaN", "Infinity", "null", "N/A", "-", "5.", ".5", "5\n")),
    ({"amount": ""}, ["REQUIRED amount"]),
    ({"amount": "99999999999999999.99"}, ["AMOUNT_OVERFLOW amount"]),
    ({"amount": "9999999999999999.99"}, []),
    ({"amount": "-5.00"}, ["AMOUNT_SIGN amount"]),
    ({"amount": "0.00"}, ["AMOUNT_ZERO amount"]),
    ({"currency": "JPY", "amount": "10.50"}, ["AMOUNT_SCALE amount"]),
    ({"currency": "JPY", "amount": "10"}, []),
    ({"currency": "KWD", "amount": "10.125"}, ["AMOUNT_SCALE amount"]),
    *(({"currency": odd}, ["CURRENCY currency"]) for odd in ("XXX", "cny", "")),
    *(({"booked_at": odd}, ["TS_INVALID booked_at"]) for odd in ("2026-02-29T10:00:00", "2025-13-01T10:00:00")),
    *(({"booked_at": odd}, ["TS_FORMAT booked_at"]) for odd in (
        "01/02/2026", "1767576600", "1767576600000", "2026-01-05T09:30:60", "2026-01-05", "05.01.2026 09:30", "2026-01-05T24:00:00")),
    *(({"booked_at": f"{odd}T00:00:00Z"}, ["TS_RANGE booked_at", "LATE_BEYOND_HORIZON booked_at"]) for odd in ("1900-01-01", "0001-01-01")),
    ({"booked_at": "9999-12-31T00:00:00"}, ["TS_RANGE booked_at", "TS_FUTURE booked_at"]),
    ({"booked_at": "2026-01-06T00:00:00"}, ["TS_FUTURE booked_at"]),
    ({"booked_at": "2026-01-05T16:30:00Z"}, ["TS_FUTURE booked_at"]),
    ({"booked_at": "2026-01-05T23:30:00+08:00"}, []),
    ({"booked_at": "2026-01-05 09:30"}, []),
    ({"booked_at": "2025-12-06T09:30:00.123456"}, []),
    ({"booked_at": "2025-12-05T23:59:59"}, ["LATE_BEYOND_HORIZON booked_at"]),
    *(({"transaction_id": odd}, ["ID_FORMAT transaction_id"]) for odd in (
        "", "NULL", "0", "000", "6.21E+18", " T1", "T1 ", "T 1", "Т1", "T\u200b1", "T1\n", "T" * 65, "é1")),
    *(({"channel": odd}, ["ENUM channel"]) for odd in ("fax", "Mobile", " mobile")),
    ({"description": "=HYPERLINK(\"x\")"}, []),
    ({"amount": "x", "channel": "fax", "currency": "XXX"}, ["AMOUNT_FORMAT amount", "CURRENCY currency", "ENUM channel"]),
    ({"_problem": "COLUMN_COUNT", "amount": None}, ["COLUMN_COUNT"]),
]


def test_every_rule_of_a_transaction(spark: SparkSession) -> None:
    found = broken(spark, "transactions", [GOOD | change for change, _ in CASES])
    told = [(change, rules) for (change, _), rules in zip(CASES, found, strict=True)]
    assert told == CASES


def test_rules_of_people(spark: SparkSession) -> None:
    cases = [
        ({}, []),
        ({"birth_date": "2026-01-06"}, ["BIRTH_RANGE birth_date"]),
        ({"birth_date": "1905-01-01"}, ["BIRTH_RANGE birth_date"]),
        ({"birth_date": "2024-02-29", "annual_income": "0"}, []),
        ({"annual_income": "-1"}, ["INCOME_RANGE annual_income"]),
        ({"annual_income": "1000000000000"}, ["INCOME_RANGE annual_income"]),
        ({"annual_income": "5-10k"}, ["AMOUNT_FORMAT annual_income"]),
        ({"marketing_consent": ""}, ["REQUIRED marketing_consent"]),
        ({"marketing_consent": "yes"}, ["BOOLEAN marketing_consent"]),
        ({"risk_profile": "6"}, ["RANGE risk_profile"]),
        ({"risk_profile": "3.0"}, ["NUMBER_FORMAT risk_profile"]),
        ({"gender": "f"}, ["ENUM gender"]),
        ({"joined_on": "2026-01-06"}, ["TS_FUTURE joined_on"]),
    ]
    assert broken(spark, "customers", [CUSTOMER | change for change, _ in cases]) == [rules for _, rules in cases]


def test_a_banks_own_way_of_writing(spark: SparkSession) -> None:
    conf = Feed(
        decimal_mark=",", thousands_separator=".", date_formats=("dd.MM.yyyy", "yyyyMMdd"), time_zone="America/New_York",
        values={"direction": {"S": "debit", "H": "credit"}, "branch_id": {"-": ""}},
    )
    contract = CONTRACTS["transactions"]
    said = [
        {"amount": "1.234,50", "direction": "S", "branch_id": "-", "booked_at": "2026-01-05T01:30:00", "description": "\u202eevil\x07 "},
        {"amount": "1234,5", "direction": "H"},
        {"amount": "12.34,50", "direction": "S"},
        {"amount": "1234.50", "direction": "debit"},
    ]
    frame = checked(landed(spark, contract, [GOOD | row for row in said]), contract, conf, "Asia/Shanghai", FIRST)
    rows = frame.orderBy("line").collect()
    assert [(row.amount, row.direction, row.rules) for row in rows] == [
        (Decimal("1234.50"), "debit", []), (Decimal("1234.50"), "credit", []), (None, "debit", ["AMOUNT_FORMAT"]),
        (None, "debit", ["AMOUNT_FORMAT"])]
    assert (rows[0].booked_at, rows[0].business_date, rows[0].branch_id, rows[0].description) == (
        datetime(2026, 1, 5, 6, 30), date(2026, 1, 5), None, "evil")
    dates = checked(landed(spark, CONTRACTS["customers"], [CUSTOMER | {"joined_on": on} for on in (
        "31.12.2020", "20201231", "29.02.2021", "2020-12-31")]), CONTRACTS["customers"], conf, "Asia/Shanghai", FIRST)
    assert [(row.joined_on, row.rules) for row in dates.orderBy("line").collect()] == [
        (date(2020, 12, 31), []), (date(2020, 12, 31), []), (None, ["TS_INVALID"]), (None, ["TS_FORMAT"])]


def test_clocks_that_skip_or_repeat_an_hour(spark: SparkSession) -> None:
    conf = Feed(time_zone="Europe/Berlin", late_horizon_days=1000)
    contract = CONTRACTS["transactions"]
    frame = checked(landed(spark, contract, [GOOD | {"booked_at": at} for at in (
        "2025-03-30T02:30:00", "2025-10-26T02:30:00")]), contract, conf, "Asia/Shanghai", FIRST)
    assert [row.booked_at for row in frame.orderBy("line").collect()] == [datetime(2025, 3, 30, 1, 30), datetime(2025, 10, 26, 0, 30)]


NEW = "id string, _since date, _content bigint, source_file string, line bigint"
OLD = "id string, _since date, _content bigint"


@pytest.mark.parametrize(
    ("repeats", "expected"),
    [
        (Repeats.EVENT, {"a1": "accepted", "a2": "duplicate", "b1": "DUP_CONFLICT", "b2": "DUP_CONFLICT", "b3": "accepted",
                         "c1": "duplicate", "c2": "DUP_CONFLICT", "d1": "accepted", "d2": "DUP_CONFLICT", "d3": "duplicate"}),
        (Repeats.VERSION, {"a1": "accepted", "a2": "duplicate", "b1": "DUP_CONFLICT", "b2": "DUP_CONFLICT", "b3": "accepted",
                           "c1": "duplicate", "c2": "accepted", "d1": "accepted", "d2": "accepted", "d3": "accepted"}),
    ],
)
def test_what_comes_again(spark: SparkSession, repeats: Repeats, expected: dict[str, str]) -> None:
    one, two, three = date(2026, 1, 1), date(2026, 1, 2), date(2026, 1, 3)
    new = [
        ("a", one, 1, "a1", 0), ("a", two, 1, "a2", 0),  # told again
        ("b", one, 1, "b1", 0), ("b", one, 2, "b2", 0), ("b", two, 2, "b3", 0),  # a drop that contradicts itself
        ("c", two, 7, "c1", 0), ("c", three, 8, "c2", 0),  # known: the same, then another
        ("d", one, 1, "d1", 0), ("d", two, 2, "d2", 0), ("d", three, 1, "d3", 0),  # there and back
        ("e", one, 1, "e1", 0),
    ]
    contract = Contract("x", ("id",), (), "id", repeats)
    fresh, known = spark.createDataFrame(new, NEW), spark.createDataFrame([("c", one, 7)], OLD)
    again = repeated_keys(fresh, known, contract)
    assert {row.id for row in again.collect()} == {"a", "b", "c", "d"}
    found = verdicts(fresh.join(again, "id", "left_semi"), known, contract)
    assert {row.source_file: row.verdict for row in found.collect()} == expected


def test_versions_end_where_the_next_begins(spark: SparkSession) -> None:
    contract = CONTRACTS["customers"]
    days = [date(2026, 1, day) for day in (3, 1, 2)]
    versions = spark.createDataFrame([("C1", day) for day in days] + [("C2", days[0])], "customer_id string, valid_from date")
    found = {(row.customer_id, row.valid_from.day): (row.valid_to, row.is_current) for row in chained(versions, contract).collect()}
    assert found == {("C1", 1): (days[2], False), ("C1", 2): (days[0], False), ("C1", 3): (None, True), ("C2", 3): (None, True)}


def test_who_a_snapshot_leaves_out_is_closed(spark: SparkSession) -> None:
    schema = ("customer_id string, closed_on date, valid_from date, valid_to date, is_current boolean, recorded_on date, "
              "source_file string")
    one, two = date(2026, 1, 1), date(2026, 1, 2)
    existing = spark.createDataFrame([
        ("here", None, one, None, True, one, "f"), ("gone", None, one, None, True, one, "f"),
        ("closed before", one, one, None, True, one, "f"), ("came today", None, two, None, True, two, "f"),
    ], schema)
    delivered = spark.createDataFrame([("here",)], "customer_id string")
    found = closings(existing, delivered, CONTRACTS["customers"], two).select("customer_id", "closed_on", "valid_from", "source_file")
    assert [tuple(row) for row in found.collect()] == [("gone", two, two, "customers/dt=2026-01-02/")]
