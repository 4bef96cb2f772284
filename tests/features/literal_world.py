"""Two customers a reader can follow by head: Anna, whose every row is written down here, and Ben, of whom nothing is known."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from features.feature import Feature
from tables import TABLES

DAY = date(2026, 3, 31)
KEY = ("customer_id", "as_of")


def frame(spark: SparkSession, table: str, rows: Iterable[dict[str, Any]]) -> DataFrame:
    """Rows of a table; columns left out are null, `recorded_on` is the day it happened."""
    columns = TABLES[table].column_names
    complete = [{"recorded_on": row.get("business_date"), **row} for row in rows]
    return spark.createDataFrame([tuple(row.get(column) for column in columns) for row in complete], TABLES[table].ddl)


def on(month: int, day: int, year: int = 2026) -> date:
    return date(year, month, day)


def at(day: date, hour: int, minute: int = 0) -> datetime:
    """An hour of a day in the bank's zone (Shanghai, UTC+8)."""
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=UTC) - timedelta(hours=8)


def version(since: date, **values: Any) -> dict[str, Any]:
    return {"valid_from": since, "recorded_on": since, "is_current": True, **values}


CUSTOMERS = [
    version(on(1, 1, 2025), customer_id="anna", birth_date=on(4, 1, 1990), occupation="Teacher", annual_income=Decimal("70000.00"),
            marital_status="married", region="north", joined_on=on(1, 1, 2025), relationship_manager_id="RM1", risk_profile=3,
            marketing_consent=True, life_event_consent=True),
    version(on(3, 1), customer_id="ben", joined_on=on(3, 1), marketing_consent=False),
]
ACCOUNTS = [
    version(on(1, 1, 2025), account_id="A1", customer_id="anna", product_type="current", currency="CNY", status="open",
            opened_on=on(1, 1, 2025)),
    version(on(1, 1, 2025), account_id="A2", customer_id="anna", product_type="savings", currency="CNY", status="open",
            opened_on=on(1, 1, 2025)),
    version(on(4, 20, 2025), account_id="A3", customer_id="anna", product_type="time_deposit", currency="CNY", status="open",
            opened_on=on(4, 20, 2025), principal=Decimal("10000.00"), maturity_on=on(4, 20), interest_rate=Decimal("0.020000")),
]


def moved(
    number: int, day: date, hour: int, amount: str, direction: str, kind: str, channel: str, after: str, account: str = "A1",
    other: str | None = None, said: str | None = None, currency: str = "CNY",
) -> dict[str, Any]:
    return {
        "transaction_id": f"T{number:02d}", "account_id": account, "booked_at": at(day, hour), "amount": Decimal(amount),
        "currency": currency, "direction": direction, "type": kind, "channel": channel, "counterparty": other,
        "balance_after": Decimal(after), "description": said, "business_date": day,
    }


TRANSACTIONS = [
    moved(1, on(1, 15), 9, "5000.00", "credit", "salary", "other", "6000.00", other="ACME"),
    moved(2, on(1, 20), 10, "1500.00", "debit", "transfer", "mobile", "4500.00", said="rent 1"),
    moved(3, on(2, 15), 9, "5000.00", "credit", "salary", "other", "9500.00", other="ACME"),
    moved(4, on(2, 20), 10, "1500.00", "debit", "transfer", "mobile", "8000.00", said="rent 2"),
    moved(5, on(3, 10), 0, "100.00", "debit", "card", "online", "7300.00", currency="USD"),  # at 7.00
    moved(6, on(3, 15), 9, "5600.00", "credit", "salary", "other", "12900.00", other="ACME"),
    moved(7, on(3, 20), 10, "1500.00", "debit", "transfer", "mobile", "11400.00", said="rent 3"),
    moved(8, on(3, 25), 12, "200.00", "debit", "transfer", "online", "11200.00", other="SHOP"),
    moved(9, on(3, 25), 12, "200.00", "credit", "transfer", "online", "11400.00", other="SHOP"),  # taken back on the same day
    moved(10, on(3, 30), 20, "300.00", "debit", "cash", "atm", "11100.00"),
    moved(11, on(3, 31), 11, "1000.00", "debit", "transfer", "mobile", "10100.00", other="A2"),
    moved(12, on(3, 31), 11, "1000.00", "credit", "transfer", "mobile", "3000.00", account="A2", other="A1"),
]
FX_RATES = [{"rate_date": on(1, 1), "currency": "USD", "rate": Decimal("7.00000000"), "business_date": on(1, 1)}]
HOLDINGS = [
    {"customer_id": "anna", "product_id": "bond_fund", "acquired_on": on(6, 1, 2025), "value": Decimal("4000.00"),
     "business_date": on(6, 1, 2025)},
    {"customer_id": "anna", "product_id": "bond_fund", "acquired_on": on(6, 1, 2025), "value": Decimal("4500.00"),
     "business_date": on(6, 1, 2025), "recorded_on": on(3, 2)},  # a later drop tells its value anew
    {"customer_id": "anna", "product_id": "health_insurance", "acquired_on": on(2, 1), "closed_on": on(3, 1),
     "business_date": on(2, 1)},
]


def bought(
    order: str, line: int, day: date, category: str, price: str, quantity: str = "1.000", name: str = "", status: str = "paid",
    customer: str = "anna", **more: Any,
) -> dict[str, Any]:
    return {
        "order_id": order, "line_no": line, "customer_id": customer, "ordered_at": at(day, 12), "sku": f"{category}|{name}",
        "category": category, "product_name": name, "quantity": Decimal(quantity), "unit_price": Decimal(price), "currency": "CNY",
        "status": status, "business_date": day, **more,
    }


PURCHASES = [
    bought("O1", 1, on(5, 1, 2025), "Toys/Dolls", "80.00"),
    bought("O2", 1, on(1, 10), "GROCERY/MILK", "10.00", "3.000"),
    bought("O2", 2, on(1, 10), "Baby/Diapers", "50.00"),
    bought("O3", 1, on(3, 21), "GROCERY/BREAD", "20.00"),  # a Saturday
    bought("O4", 1, on(3, 30), "GROCERY/BREAD", "20.00", status="refunded"),
    bought("O5", 1, on(3, 31), "Baby/Diapers", "60.00"),
]


def unknown(features: Iterable[Feature]) -> dict[str, Any]:
    """A customer of whom nothing is found: 0, false, or null where the declaration says what null means."""
    zeros: dict[str, Any] = {"BOOLEAN": False, "STRING": "unknown"}
    return {
        each.name: None if each.null_meaning else zeros.get(each.type, Decimal("0.00") if each.type.startswith("DECIMAL") else 0)
        for each in features
    }


def rows(part: DataFrame) -> dict[str, dict[str, Any]]:
    """Customer -> row, without the key."""
    return {row["customer_id"]: {name: value for name, value in row.asDict().items() if name not in KEY} for row in part.collect()}
