"""Times the features of one day and of six past days on a generated lake, and with ten times the history.

    python -m benchmarks.time_features [--customers 2500] [--years 1]

The world is made by Spark from hashes: sizes are right, contents mean nothing.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from datetime import date, timedelta
from pathlib import Path

import pyspark.sql.functions as F
from pyspark.sql import Column, DataFrame

from conf import load_settings
from jobs.build_features import features_as_of
from jobs.context import Job, Places
from jobs.session import start

LAST = date(2026, 6, 30)
MOVES_A_DAY, LINES_A_DAY = 1.1, 1.65  # of one customer: 1 M transactions and 1.5 M purchase lines a year for 2,500
TYPES = ("card", "card", "card", "transfer", "bill", "cash", "salary", "interest", "investment", "fee")
CHANNELS = ("mobile", "mobile", "online", "counter", "atm", "crs", "mit", "pad", "other")
CATEGORIES = ("GROCERY/MILK", "GROCERY/BREAD", "DRUG GM/DIAPERS & DISPOSABLES/BABY DIAPERS", "FUEL/FUEL", "PRODUCE/APPLES", "MEAT/BEEF")


def drawn(values: tuple[str, ...], *of: Column | int) -> Column:
    """One of a few values, by hash."""
    return F.element_at(F.array(*[F.lit(value) for value in values]), (drawn_int(len(values), *of) + 1).cast("int"))


def drawn_int(below: int, *of: Column | int) -> Column:
    return F.pmod(F.xxhash64("id", *[F.lit(each) for each in of]), F.lit(below))


def money(below: int, seed: int) -> Column:
    return (drawn_int(below * 100, seed) / 100 + 1).cast("decimal(18,2)")


def written(job: Job, name: str, rows: DataFrame) -> None:
    provenance = {"source_file": F.lit("generated"), "run_id": F.lit("generated")}
    table = job.lake.table(name)
    missing = {column.name: F.lit(None).cast(column.type) for column in table.columns if column.name not in rows.columns}
    job.lake.replace(name, rows.withColumns(missing | provenance).select(*table.column_names), {"run_id": "generated"})


def generated(job: Job, customers: int, days: int) -> dict[str, int]:
    """Write a world of so many customers and days; returns rows a table."""
    spark, first = job.spark, LAST - timedelta(days=days)
    who = F.format_string("C%07d", (drawn_int(customers, 1)).cast("int"))
    people = spark.range(customers).withColumn("customer_id", F.format_string("C%07d", F.col("id").cast("int")))
    since = F.lit(first - timedelta(days=100))
    version = {"valid_from": since, "recorded_on": since, "is_current": F.lit(True), "joined_on": since, "opened_on": since}
    person = {"birth_date": F.date_sub(F.lit(LAST), drawn_int(20000, 3).cast("int") + 7000), "annual_income": money(300000, 4)}
    consent = {"marketing_consent": F.lit(True), "life_event_consent": F.lit(True)}
    written(job, "customers", people.withColumns(person | consent | version).drop("id", "opened_on"))
    kinds = people.crossJoin(spark.createDataFrame([("current",), ("savings",), ("time_deposit",)], "product_type string"))
    account = F.concat(F.col("customer_id"), F.lit("-"), F.substring("product_type", 1, 1))
    terms = {"currency": F.lit("CNY"), "status": F.lit("open"), "principal": money(50000, 5), "maturity_on": F.lit(LAST)}
    written(job, "accounts", kinds.withColumns({"account_id": account} | terms | version).drop("id", "joined_on"))
    on = F.date_sub(F.lit(LAST), drawn_int(days, 2).cast("int"))
    at = (F.unix_timestamp(F.col("business_date").cast("timestamp")) + drawn_int(86400, 6)).cast("timestamp")
    moves = spark.range(int(customers * days * MOVES_A_DAY)).withColumn("customer_id", who).withColumns({"business_date": on})
    written(job, "transactions", moves.withColumns({
        "recorded_on": F.col("business_date"), "transaction_id": F.format_string("T%010d", "id"), "booked_at": at,
        "account_id": F.concat(F.col("customer_id"), drawn(("-c", "-c", "-s"), 7)), "amount": money(3000, 8),
        "currency": F.lit("CNY"), "direction": drawn(("credit", "debit", "debit"), 9), "type": drawn(TYPES, 10),
        "channel": drawn(CHANNELS, 11), "balance_after": money(90000, 12), "description": F.concat(F.lit("to shop "), drawn_int(50, 13))}
    ).drop("id", "customer_id"))
    lines = spark.range(int(customers * days * LINES_A_DAY)).withColumn("customer_id", who).withColumns({"business_date": on})
    written(job, "purchases", lines.withColumns({
        "recorded_on": F.col("business_date"), "order_id": F.concat_ws("-", "customer_id", "business_date"), "ordered_at": at,
        "line_no": F.col("id").cast("int"), "sku": drawn_int(9000, 14).cast("string"), "quantity": F.lit(1), "currency": F.lit("CNY"),
        "unit_price": money(30, 15), "category": F.concat_ws("/", drawn(CATEGORIES, 16), drawn_int(300, 17)), "status": F.lit("paid"),
    }).drop("id"))
    held = people.withColumns({"product_id": drawn(("wealth_product", "health_insurance", "credit_card"), 18), "acquired_on": since,
                               "value": money(80000, 19), "business_date": since, "recorded_on": since})
    written(job, "holdings", held.drop("id"))
    return {name: job.lake.read(name).count() for name in ("transactions", "purchases", "accounts", "customers")}


def timed(job: Job, days: list[date]) -> float:
    started = time.perf_counter()
    features_as_of(job, days).unpersist()
    return time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--customers", type=int, default=2500)
    parser.add_argument("--years", type=int, nargs="*", default=[1])
    given = parser.parse_args()
    settings = load_settings()
    root = Path(tempfile.mkdtemp(prefix="kehu-features-"))
    spark = start(settings, root / "spark.log")
    for years in given.years:
        lake = root / f"lake-{years}"
        job = Job(settings, Places(root / "landing", lake, root / "worklists"), spark, LAST, "features")
        job.lake.create_all()
        rows = generated(job, given.customers, years * 365)
        print(f"{years} year(s): {rows}", flush=True)
        six = [LAST - timedelta(days=60 + 30 * nth) for nth in range(6)]
        for what, days in {"one day": [LAST], "one day, warm": [LAST], "six days": six}.items():
            print(f"  {what}: {timed(job, days):.1f} s", flush=True)
        shutil.rmtree(lake)
    spark.stop()
    shutil.rmtree(root)


if __name__ == "__main__":
    main()
