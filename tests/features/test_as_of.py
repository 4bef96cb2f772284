"""What was known on a day: the newest version recorded by then, and nothing recorded or happening later."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pyspark.sql.functions as F
from pyspark.sql import SparkSession

from features.as_of import LARGEST, bounded, in_base_currency, latest_known_by, latest_known_on, versions_as_of
from features.bands import age_on, band
from tests.features.literal_world import frame, on, version


def test_a_corrected_row_replaces_the_first_from_the_day_it_was_recorded(spark: SparkSession) -> None:
    fund = {"customer_id": "anna", "product_id": "fund", "acquired_on": on(1, 5), "business_date": on(1, 5)}
    gold = {"customer_id": "anna", "product_id": "gold", "acquired_on": on(2, 1), "business_date": on(2, 1)}
    holdings = frame(spark, "holdings", [
        {**fund, "value": Decimal("10.00")},
        {**fund, "value": Decimal("12.00"), "recorded_on": on(2, 10)},
        {**gold, "recorded_on": on(2, 20)},  # known late
    ])  # fmt: skip
    key = ("customer_id", "product_id", "acquired_on")
    found = latest_known_on(holdings, key, [on(2, 9), on(2, 15), on(2, 20)])
    assert sorted((row["as_of"], row["product_id"], row["value"]) for row in found.collect()) == [
        (on(2, 9), "fund", Decimal("10.00")),
        (on(2, 15), "fund", Decimal("12.00")),
        (on(2, 20), "fund", Decimal("12.00")),
        (on(2, 20), "gold", None),
    ]
    one = latest_known_by(holdings, key, on(2, 15))
    assert one.columns == holdings.columns
    assert [row["value"] for row in one.collect()] == [Decimal("12.00")]


def test_versions_of_many_days_at_once(spark: SparkSession) -> None:
    account = {"account_id": "A", "customer_id": "anna", "product_type": "current"}
    accounts = frame(spark, "accounts", [
        # the initial load of 10 March tells of an account opened in January, and that it will have closed on 5 March
        {**version(on(3, 10), **account, status="closed", closed_on=on(3, 5)), "recorded_on": on(1, 2), "is_current": False},
        version(on(3, 20), **account, status="open") | {"is_current": False},  # reopened
        version(on(3, 25), **account, status="frozen"),
    ])  # fmt: skip
    found = versions_as_of(accounts, "account_id", [on(1, 1), on(2, 1), on(3, 12), on(3, 20), on(3, 25)])
    assert sorted((row["as_of"], row["status"], row["closed_on"]) for row in found.collect()) == [
        (on(2, 1), "open", None), (on(3, 12), "closed", on(3, 5)), (on(3, 20), "open", None),
        (on(3, 25), "frozen", None),
    ]  # fmt: skip


def test_a_rate_corrected_later_converts_only_what_is_seen_from_then_on(spark: SparkSession) -> None:
    amounts = spark.createDataFrame(
        [(day, on(3, 1), Decimal("10.00"), currency) for day in (on(3, 1), on(3, 5)) for currency in ("USD", "CNY", "EUR")],
        "as_of date, business_date date, amount decimal(18,2), currency string",
    )
    rates = spark.createDataFrame(
        [(on(3, 1), on(3, 1), "USD", Decimal("7.0")), (on(3, 5), on(3, 1), "USD", Decimal("7.1"))],
        "as_of date, rate_date date, currency string, rate decimal(18,8)",
    )
    found = in_base_currency(amounts, rates, "CNY", on=["as_of"]).select("as_of", "currency", "amount_base")
    assert sorted(map(tuple, found.collect()), key=str) == [
        (on(3, 1), "CNY", Decimal("10.00")), (on(3, 1), "EUR", None), (on(3, 1), "USD", Decimal("70.00")),
        (on(3, 5), "CNY", Decimal("10.00")), (on(3, 5), "EUR", None), (on(3, 5), "USD", Decimal("71.00")),
    ]  # fmt: skip


def test_an_amount_of_sixteen_digits_is_bounded_so_that_sums_hold_it(spark: SparkSession) -> None:
    most = Decimal("9999999999999999.99")
    said = [(Decimal("10.005"), Decimal("10.01")), (most, LARGEST), (-most, -LARGEST), (LARGEST, LARGEST), (most * 7, LARGEST),
            (None, None)]
    amounts = spark.createDataFrame([(amount,) for amount, _ in said], "amount decimal(20,3)")
    found = amounts.select(bounded(F.round("amount", 2)).alias("it"))
    assert [row["it"] for row in found.collect()] == [bound for _, bound in said]
    assert found.schema["it"].dataType.simpleString() == "decimal(18,2)"


def test_age_and_bands(spark: SparkSession) -> None:
    born = spark.createDataFrame([(date(2000, 2, 29), 60000), (None, None)], "birth_date date, income int")
    ages = [
        *[age_on(F.col("birth_date"), date(year, month, day)) for year, month, day in ((2023, 2, 28), (2023, 3, 1), (2024, 2, 29))],
        band(F.col("income"), (Decimal(60000), Decimal(120000))),
        band(age_on(F.col("birth_date"), date(2024, 2, 28)), (18, 24)),
    ]
    assert [tuple(row) for row in born.select(*ages).collect()] == [
        (22, 23, 24, "60,000 to 120,000", "18-23"), (None, None, None, "unknown", "unknown"),
    ]  # fmt: skip
