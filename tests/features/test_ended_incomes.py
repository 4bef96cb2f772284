"""A regular income that stops is news once; one that goes on elsewhere, or that the feed may have lost, is none."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from conf import Settings
from conf.settings import Flows
from features.ended_incomes import ended_incomes, stopped_series
from features.feed_gaps import missing_days
from worklists.flow_reasons import income_ended_reason

TRANSACTIONS = (
    "transaction_id string, account_id string, business_date date, direction string, type string, counterparty string, description string, "
    "amount_base decimal(18,2)"
)
ACCOUNTS = "account_id string, customer_id string, product_type string, status string, closed_on date"
LAST = date(2026, 9, 10)
OVERDUE = LAST + timedelta(days=40)
SETTINGS = Flows()


def paid(who: str, on: date, amount: int, kind: str = "salary", other: str | None = "PAYROLL", direction: str = "credit") -> tuple:
    return (f"{who} {on} {direction}", f"{who}-A", on, direction, kind, other, f"PAY {on:%m}", Decimal(amount))


def monthly(who: str, months: tuple[int, ...] = (5, 6, 7, 8, 9), amount: int = 12300, **other: str | None) -> list[tuple]:
    return [paid(who, date(2026, month, 10), amount + 10 * month, **other) for month in months]


def ended(spark: SparkSession, rows: list[tuple], missing: tuple[date, ...] = (), day: date = OVERDUE) -> dict[str, object]:
    people = sorted({row[1].removesuffix("-A") for row in rows})
    accounts = spark.createDataFrame(
        [(f"{who}-A", who, "current", "closed" if who == "closed" else "open", LAST if who == "closed" else None) for who in people]
        + [(f"{who}-S", who, "savings", "open", None) for who in people], ACCOUNTS)
    transactions = spark.createDataFrame(rows, TRANSACTIONS)
    stopped = stopped_series(transactions, day, day, SETTINGS).localCheckpoint()
    return {row.customer_id: row for row in ended_incomes(stopped, transactions, accounts, missing, SETTINGS).collect()}


def test_an_income_that_stops_is_told_and_what_only_looks_like_one_is_not(spark: SparkSession) -> None:
    after = LAST + timedelta(days=25)
    rows = [
        *monthly("anna"),  # five months, and no more
        *monthly("ben", other=None, kind="transfer"),  # a rent, told apart by its wording
        *monthly("twice"), *[paid("twice", date(2026, month, 25), 12300) for month in (5, 6, 7, 8)],  # as often as twice a month
        *monthly("new job"), paid("new job", after, 15000, other="OTHER EMPLOYER"),
        *monthly("other account"), paid("other account", after, 12000, kind="transfer", other="SELF ELSEWHERE"),
        *monthly("retired"), paid("retired", after, 7000, other="PENSION OFFICE"),  # half as much is news
        *monthly("own money"), paid("own money", after, 12300, kind="transfer", other="own money-S"),  # no income
        *monthly("closed"),  # the account's closing is told
        *monthly("own", other="own-S", kind="transfer"),
        *monthly("through"), *monthly("through", direction="debit", other="SHOP"),
        *monthly("three", (7, 8, 9)), *monthly("gap", (4, 5, 7, 8, 9)), *monthly("small", amount=2000), *monthly("cash", kind="cash"),
        *monthly("late"), paid("late", OVERDUE, 12300), *monthly("less", amount=3100), paid("less", after, 2000),
    ]  # fmt: skip
    found = ended(spark, rows)
    assert set(found) == {"anna", "ben", "twice", "retired", "own money"}
    anna = found["anna"]
    assert (anna.last_on, anna.business_date, anna.amount, anna.months, anna.monthly) == (LAST, OVERDUE, Decimal(12370), 5, True)
    assert [each.business_date.month for each in anna.payments] == [9, 8, 7]
    assert not found["twice"].monthly


@pytest.mark.parametrize(("days_after", "told"), [(25, True), (26, False), (40, False), (41, True)])
def test_nothing_is_said_where_the_feed_may_have_lost_the_payment(spark: SparkSession, days_after: int, told: bool) -> None:
    assert ("anna" in ended(spark, monthly("anna"), (LAST + timedelta(days=days_after),))) == told


@pytest.mark.parametrize("day", [OVERDUE - timedelta(days=1), OVERDUE + timedelta(days=1)])
def test_an_end_is_told_on_the_day_it_is_overdue_and_on_no_other(spark: SparkSession, day: date) -> None:
    assert not ended(spark, monthly("anna"), day=day)


@pytest.mark.parametrize(("language", "told"), [
    ("en", "The salary of about 12,370 CNY that came each month around day 10, 5 months running, has not come since 10 Sep 2026."),
    ("zh", "工资约12,370CNY，每月10日前后到账，已连续5个月，2026年9月10日之后未再到账。")])
def test_the_end_is_told_in_words(spark: SparkSession, settings: Settings, language: str, told: str) -> None:
    spoken = settings.model_copy(update={"bank": settings.bank.model_copy(update={"language": language})})
    stopped = stopped_series(spark.createDataFrame(monthly("anna"), TRANSACTIONS), OVERDUE, OVERDUE, SETTINGS)
    assert [row[0] for row in stopped.select(income_ended_reason(spoken)).collect()] == [told]


@given(st.sets(st.integers(0, 69), max_size=6))
def test_a_silent_day_is_missing_unless_the_bank_never_books_on_such_a_day(silent: set[int]) -> None:
    first = date(2026, 1, 5)  # a Monday
    days = [first + timedelta(days=after) for after in range(70)]
    seen = [day for after, day in enumerate(days) if after not in silent]
    busy = {weekday for weekday in range(7) if sum(days[after].weekday() == weekday for after in silent) <= 5}
    assert missing_days(seen, days[0], days[-1]) == [days[after] for after in sorted(silent) if days[after].weekday() in busy]
    weekdays = [day for day in seen if day.weekday() < 5]
    assert all(day.weekday() < 5 for day in missing_days(weekdays, days[0], days[-1]))
