"""Hard events: broken deposits, closures, emptied and waking accounts."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest
from pyspark.sql import DataFrame, SparkSession

from conf.settings import Flows
from features.account_events import drained, woken
from features.deposit_events import closures, early_withdrawals

ACCOUNTS = (
    "account_id string, customer_id string, product_type string, opened_on date, maturity_on date, principal_base decimal(18,2), "
    "interest_rate decimal(9,6), status string, closed_on date, valid_from date, recorded_on date"
)
MOVED = (
    "transaction_id string, account_id string, customer_id string, product_type string, booked_at timestamp, amount decimal(18,2), "
    "amount_base decimal(18,2), direction string, type string, own_transfer boolean, balance_after decimal(18,2), channel string, "
    "counterparty string, description string, business_date date, recorded_on date, expected boolean"
)
DAY = date(2026, 6, 15)
YESTERDAY = DAY - timedelta(days=1)
SETTINGS = Flows()


def account(name: str, customer: str, product: str, *, maturity: date | None = None, principal: str | None = None,
            closed: date | None = None, opened: date = date(2025, 6, 15)) -> tuple:
    amount = Decimal(principal) if principal else None
    return (name, customer, product, opened, maturity, amount, Decimal("0.02"), "closed" if closed else "open", closed, opened, opened)


def moved(number: int, name: str, customer: str, product: str, amount: str, direction: str, kind: str = "transfer", *,
          own: bool = False, balance: str | None = None, on: date = DAY, expected: bool = False) -> tuple:
    money = Decimal(amount)
    return (f"T{number}", name, customer, product, datetime(on.year, on.month, on.day, 9, number), money, money, direction, kind, own,
            Decimal(balance) if balance else None, "counter", None, "TO SON", on, on, expected)


@pytest.fixture(scope="module")
def accounts(spark: SparkSession) -> DataFrame:
    maturity = date(2026, 11, 15)
    return spark.createDataFrame(
        [
            account("A1", "anna", "current"),
            account("A2", "anna", "time_deposit", maturity=maturity, principal="100000.00"),
            account("B1", "ben", "current"),
            account("B2", "ben", "time_deposit", maturity=DAY, principal="50000.00", closed=DAY),  # matured
            account("C1", "carl", "time_deposit", maturity=maturity, principal="70000.00", closed=DAY),  # broken, no booking known
            account("D1", "dora", "current", closed=DAY),
            account("E1", "emil", "savings", closed=DAY),
            account("E2", "emil", "current"),
        ],
        ACCOUNTS,
    )


def test_a_deposit_paid_out_before_maturity_is_told_with_what_was_given_up(spark: SparkSession, accounts: DataFrame) -> None:
    rows = [
        moved(1, "A2", "anna", "time_deposit", "100000.00", "debit", "time_deposit", own=True),
        moved(2, "A2", "anna", "time_deposit", "12.00", "debit", "fee"),
        moved(3, "A1", "anna", "current", "90000.00", "debit"),
        moved(4, "B2", "ben", "time_deposit", "50000.00", "debit", "time_deposit", own=True),
    ]
    new = spark.createDataFrame(rows, MOVED)
    found = early_withdrawals(accounts, new, new.where("NOT own_transfer AND type <> 'fee'"), YESTERDAY, YESTERDAY, DAY)
    told = {row.account_id: row for row in found.collect()}
    assert set(told) == {"A2", "C1"}, "a deposit paid at maturity is no news"
    broken = told["A2"]
    assert (broken.amount, broken.days_to_maturity, broken.transaction_ids, broken.went) == (Decimal("100000.00"), 153, ["T1"], "left")
    term = (date(2026, 11, 15) - date(2025, 6, 15)).days
    assert broken.interest_forgone == round(Decimal(100000) * Decimal("0.02") * term / 365, 2)
    assert (told["C1"].amount, told["C1"].went, told["C1"].transaction_ids) == (Decimal("70000.00"), "unknown", [])


def test_closures_say_whether_anything_is_left(spark: SparkSession, accounts: DataFrame) -> None:
    new = spark.createDataFrame([moved(1, "D1", "dora", "current", "8000.00", "debit", "closure")], MOVED)
    found = {row.account_id: (row.amount, row.last_account) for row in closures(accounts, new, YESTERDAY, YESTERDAY, SETTINGS).collect()}
    assert found == {"D1": (Decimal("8000.00"), True), "E1": (Decimal("0.00"), False)}


def test_an_account_is_drained_when_most_of_it_goes_to_others(spark: SparkSession) -> None:
    rows = [
        moved(1, "A1", "anna", "current", "30000.00", "debit", balance="20000.00", on=YESTERDAY),
        moved(2, "A1", "anna", "current", "18000.00", "debit", balance="2000.00"),
        moved(3, "B1", "ben", "current", "48000.00", "debit", own=True, balance="2000.00"),  # to own savings
        moved(4, "C1", "carl", "current", "48000.00", "debit", balance="3000.00"),  # fine so far, but
        moved(5, "C1", "carl", "current", "10.00", "debit", balance="99.00"),  # the balances do not add up
        moved(6, "D1", "dora", "current", "10000.00", "debit", balance="40000.00"),  # plenty left
        moved(7, "E1", "emil", "current", "49000.00", "debit", balance="1000.00", expected=True),  # as every month
    ]
    all_rows = spark.createDataFrame(rows, MOVED)
    found = drained(all_rows, all_rows.where("NOT own_transfer"), YESTERDAY, YESTERDAY, SETTINGS).collect()
    assert [(row.account_id, row.before, row.left, row.amount, row.transaction_ids) for row in found] == [
        ("A1", Decimal("50000.00"), Decimal("2000.00"), Decimal("48000.00"), ["T1", "T2"])
    ]


def test_a_sleeper_wakes_only_after_silence_that_was_observed(spark: SparkSession) -> None:
    flows = spark.createDataFrame(
        [moved(n, f"{who}1", who, "current", amount, "debit") for n, (who, amount) in enumerate(
            (("anna", "20000.00"), ("ben", "20000.00"), ("carl", "200.00"), ("dora", "20000.00")), 1)],
        MOVED,
    )
    units = spark.createDataFrame(
        [("ben", DAY - timedelta(days=100)), ("anna", DAY - timedelta(days=200)), *((who, DAY) for who in ("anna", "ben", "carl", "dora"))],
        "customer_id string, business_date date",
    )
    opened = {"anna": date(2020, 1, 1), "ben": date(2020, 1, 1), "carl": date(2020, 1, 1), "dora": DAY - timedelta(days=30)}
    tenure = spark.createDataFrame(list(opened.items()), "customer_id string, _opened date")
    found = woken(flows, units, tenure, date(2025, 1, 1), YESTERDAY, YESTERDAY, SETTINGS)
    assert [(row.customer_id, row.amount, row.direction) for row in found.collect()] == [("anna", Decimal("20000.00"), "debit")]
    too_young = woken(flows, units, tenure, DAY - timedelta(days=90), YESTERDAY, YESTERDAY, SETTINGS)
    assert too_young.count() == 0, "silence before the data begin is not known"
