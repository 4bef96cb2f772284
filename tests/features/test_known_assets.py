"""Assets are what is booked and placed here, and never more."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from pyspark.sql import SparkSession

from features.known_assets import known_assets

ACCOUNTS = ("account_id string, customer_id string, product_type string, status string, closed_on date, principal_base decimal(18,2)")
MOVED = ("transaction_id string, account_id string, customer_id string, booked_at timestamp, amount decimal(18,2), "
         "amount_base decimal(18,2), balance_after decimal(18,2)")


def test_assets_are_the_last_balances_and_the_deposits_that_are_still_open(spark: SparkSession) -> None:
    def account(name: str, who: str, product: str, principal: int | None = None, closed: date | None = None) -> tuple:
        return (name, who, product, "closed" if closed else "open", closed, None if principal is None else Decimal(principal))

    def booked(number: int, account: str, who: str, balance: int | None, rate: int = 1, hour: int = 9) -> tuple:
        return (f"T{number}", account, who, datetime(2026, 6, 1, hour), Decimal(10), Decimal(10 * rate),
                None if balance is None else Decimal(balance))

    accounts = [
        account("A1", "anna", "current"), account("A2", "anna", "savings"), account("A3", "anna", "time_deposit", 50000),
        account("A4", "anna", "time_deposit", 70000, date(2026, 5, 1)), account("A5", "anna", "credit_card"),
        account("A6", "anna", "savings", None, date(2026, 5, 1)), account("B1", "ben", "current"), account("C1", "carl", "current"),
    ]  # fmt: skip
    rows = [
        booked(1, "A1", "anna", 900), booked(3, "A1", "anna", 300), booked(2, "A1", "anna", 700), booked(9, "A1", "anna", 5000, hour=8),
        booked(4, "A2", "anna", 1000, rate=7), booked(5, "A5", "anna", 40000), booked(6, "A6", "anna", 60000),
        booked(7, "B1", "ben", -200), booked(8, "C1", "carl", None),
    ]  # fmt: skip
    found = known_assets(spark.createDataFrame(accounts, ACCOUNTS), spark.createDataFrame(rows, MOVED)).collect()
    assert {row.customer_id: row.assets for row in found} == {"anna": Decimal(300 + 7000 + 50000), "ben": Decimal(0)}
