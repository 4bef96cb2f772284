"""What counts as a flow: own moves net out, what comes back every month is expected, the rest is judged."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal

import pyspark.sql.functions as F
import pytest
from pyspark.sql import DataFrame, SparkSession

from conf.settings import Flows
from features.flows import daily_flows, external_flows, latest_known, owned, window_sums, with_expected
from features.movements import movements

ACCOUNTS = "account_id string, customer_id string, product_type string"
TRANSACTIONS = (
    "transaction_id string, account_id string, booked_at timestamp, currency string, amount decimal(18,2), "
    "amount_base decimal(18,2), direction string, type string, counterparty string, description string, "
    "business_date date, recorded_on date"
)
UNITS = (
    "recorded_on date, customer_id string, business_date date, direction string, amount decimal(18,2), "
    "unusual_amount decimal(18,2), transactions bigint, flagged boolean, surprise double"
)
DAY = date(2026, 3, 10)


def transaction(
    number: int, account: str, amount: str, direction: str, kind: str = "transfer", other: str | None = None,
    said: str | None = None, on: date = DAY, rate: str = "1",
) -> tuple:
    money, currency = Decimal(amount), "CNY" if rate == "1" else "USD"
    booked = datetime(on.year, on.month, on.day, 9, 0, number % 60)
    return (f"T{number}", account, booked, currency, money, round(money * Decimal(rate), 2), direction, kind, other, said, on, on)


@pytest.fixture(scope="module")
def accounts(spark: SparkSession) -> DataFrame:
    return spark.createDataFrame(
        [("A1", "anna", "current"), ("A2", "anna", "savings"), ("A3", "anna", "credit_card"), ("B1", "ben", "current")], ACCOUNTS
    )


def test_only_movements_with_the_world_outside_are_flows(spark: SparkSession, accounts: DataFrame) -> None:
    rows = [
        transaction(1, "A1", "500.00", "debit", other="A2"),  # to own savings, said by the counterparty
        transaction(2, "A2", "500.00", "credit", other="A1"),
        transaction(3, "A1", "70.00", "debit", other="B1"),  # to somebody else of this bank
        transaction(4, "A1", "900.00", "debit"),  # a move between own accounts whose other side is not named
        transaction(5, "A2", "900.00", "credit"),
        transaction(6, "A1", "900.00", "debit"),  # the same amount once more, and this one leaves
        transaction(7, "A1", "12.00", "debit", "fee"),  # the bank's own booking
        transaction(8, "A1", "4000.00", "debit", "time_deposit"),  # placed with the bank
        transaction(9, "A3", "33.00", "debit", "card"),  # a credit card is no deposit
        transaction(10, "X9", "1.00", "debit"),  # of an account nobody knows
        transaction(11, "B1", "3000.00", "credit", "loan"),  # a loan paid out
        transaction(12, "B1", "3000.00", "debit"),  # and spent at once on what it was for
    ]
    transactions = spark.createDataFrame(rows, TRANSACTIONS)
    flows = external_flows(owned(transactions, accounts))
    assert sorted((row.transaction_id, row.customer_id) for row in flows.collect()) == [("T3", "anna"), ("T6", "anna")]
    # features call the same movements flows
    known = transactions.withColumns({"channel": F.lit("mobile"), "balance_after": F.lit(None).cast("int")})
    rates = spark.createDataFrame([], "as_of date, rate_date date, currency string, rate decimal(18,8)")
    seen = movements(known, accounts.withColumn("as_of", F.lit(DAY)), rates, "CNY", "Asia/Shanghai")
    assert sorted((f"T{row.nth}", row.customer_id) for row in seen.where("external").collect()) == [("T3", "anna"), ("T6", "anna")]


def test_what_comes_back_every_month_is_recurring_whatever_its_type(spark: SparkSession, accounts: DataFrame) -> None:
    rents = [
        transaction(n, "A1", str(1000 + 20 * n), "debit", "other", said=f"RENT {n}", on=date(2026, month, 1))
        for n, month in ((1, 1), (2, 2), (3, 3), (4, 4))
    ]
    jump = [transaction(5, "A1", "2500.00", "debit", "other", said="RENT 5", on=date(2026, 5, 1))]
    flows = with_expected(external_flows(owned(spark.createDataFrame(rents + jump, TRANSACTIONS), accounts)), Flows())
    found = {row.transaction_id: row.expected for row in flows.collect()}
    assert found == {"T1": False, "T2": False, "T3": False, "T4": True, "T5": False}
    # a recurring flow is part of the day, but not of what is judged
    of_april = {(r.amount, r.unusual_amount) for r in daily_flows(flows).where("business_date = '2026-04-01'").collect()}
    assert of_april == {(Decimal("1080.00"), Decimal("0.00"))}


def test_a_salary_that_came_twice_is_expected_the_second_time(spark: SparkSession, accounts: DataFrame) -> None:
    """Cash is moved in round amounts, and twice the same is chance; so is the same amount at another distance."""
    days = {"salary": date(2026, 2, 12), "cash": date(2026, 2, 12), "transfer": date(2026, 1, 25)}
    rows = [transaction(n, "A1", "44899.00", "credit", kind, said=kind) for n, kind in enumerate(days)]
    rows += [transaction(n + 3, "A1", "44899.00", "credit", kind, said=kind, on=on) for n, (kind, on) in enumerate(days.items())]
    flows = with_expected(external_flows(owned(spark.createDataFrame(rows, TRANSACTIONS), accounts)), Flows())
    assert {row.transaction_id for row in flows.where("expected").collect()} == {"T0"}


def test_money_that_comes_back_is_expected_once(spark: SparkSession, accounts: DataFrame) -> None:
    def back(number: int, days: int, amount: str = "50000.00", other: str | None = "SHOP", account: str = "A1") -> tuple:
        return transaction(number, account, amount, "credit", other=other, on=DAY + timedelta(days=days))

    rows = [transaction(1, "A1", "50000.00", "debit", other="SHOP"), transaction(2, "B1", "7000.00", "debit")]
    rows += [back(3, 4), back(4, 6), back(5, 3, "49000.00"), back(6, 3, other="SON"), back(7, 11, "7000.00", None, "B1")]
    rows += [back(8, 10, "7000.00", None, "B1")]
    dollars = {"account": "A2", "amount": "10000.00"}  # of two days, at two rates
    rows += [transaction(9, direction="debit", rate="7.00", **dollars),
             transaction(10, direction="credit", rate="7.05", on=DAY + timedelta(days=2), **dollars)]
    flows = with_expected(external_flows(owned(spark.createDataFrame(rows, TRANSACTIONS), accounts)), Flows())
    assert {row.transaction_id for row in flows.where("expected").collect()} == {"T3", "T8", "T10"}


def unit(on: date, amount: str, recorded: date | None = None, flagged: bool = False) -> tuple:
    money = Decimal(amount)
    return (recorded or on, "anna", on, "debit", money, money, 1, flagged, None)


def test_sums_see_an_amount_split_over_days_whole(spark: SparkSession) -> None:
    days = [DAY - timedelta(days=n) for n in (6, 2, 1, 0)]
    units = spark.createDataFrame(
        [unit(days[0], "1"), unit(days[1], "10", flagged=True), unit(days[2], "100"), unit(days[3], "1000")], UNITS
    )
    sums = {(row.business_date, row.window_days): int(row.amount) for row in window_sums(units, (1, 3, 7)).collect()}
    assert {window: sums[DAY, window] for window in (1, 3, 7)} == {1: 1000, 3: 1100, 7: 1101}
    assert (days[1], 1) not in sums, "a flagged day is neither usual nor part of a later sum"


def test_a_late_row_replaces_what_was_known_of_its_day(spark: SparkSession) -> None:
    units = spark.createDataFrame([unit(DAY, "10"), unit(DAY, "25", recorded=DAY + timedelta(days=4))], UNITS)
    amounts = [
        [int(row.amount) for row in latest_known(units, DAY + timedelta(days=later)).collect()] for later in (0, 3, 4)
    ]
    assert amounts == [[10], [10], [25]]
