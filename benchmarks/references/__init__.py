"""Features of a day once more, recomputed from all history and sharing no code with the product, in three engines.

Every feature but who the customer is and how often the bank called: 166 columns, what a team would write in SQL or Polars. All
are checked equal to the product's table.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from pathlib import Path

import pandas as pd
from pyspark.sql import DataFrame, SparkSession

from benchmarks.references.columns import COLUMNS
from benchmarks.references.dialect import DUCKDB, SPARK, Asked
from benchmarks.references.whole_sql import query
from conf import Settings
from features.catalogue import FEATURES
from tables.durable import live_files

STATED = {  # rows that stand
    "transactions": "superseded_on IS NULL", "purchases": "superseded_on IS NULL", "accounts": "is_current", "customers": "is_current",
}  # fmt: skip
TABLES = (*STATED, "holdings", "fx_rates")
DIGITS, CENT = 2e-6, 0.0101  # the product rounds ratios to six digits, and money that was divided to the cent
DIVIDED = {
    "salary_month", "regular_income_month", "monthly_income_estimate", "regular_payments_month", "basket_90d", "deposits_mean_30d",
    "deposits_mean_90d", "deposits_mean_365d", "margin_year", "net_value_year", "net_value_ahead",
}  # fmt: skip
OF_DIVIDED = {  # ratio -> money that was divided: as far off as a cent of it makes
    "regular_payments_share": "monthly_income_estimate", "deposits_over_usual": "deposits_mean_365d",
}  # fmt: skip


def in_spark(spark: SparkSession, lake: Path, day: date, settings: Settings) -> DataFrame:
    """Plain PySpark: one SQL query over the tables as they are.

    Returns
    -------
    DataFrame with `customer_id` and `COLUMNS`, one row a customer, money as double
    """
    for name in TABLES:
        rows = spark.read.format("delta").load(f"{lake}/{name}")
        rows.where(STATED.get(name, "true")).createOrReplaceTempView(name)
    categories = [row[0] for row in spark.sql("SELECT DISTINCT category FROM purchases").collect()]
    spark.createDataFrame(kinds(categories, settings), "category string, kind string").createOrReplaceTempView("kinds")
    spark.createDataFrame(families(settings), "product_id string, family string").createOrReplaceTempView("families")
    return spark.sql(query(Asked(SPARK, day, settings)))


def in_duckdb(lake: Path, day: date, settings: Settings) -> pd.DataFrame:
    """The same query in DuckDB, over the tables' Parquet files. Columns as `in_spark`."""
    import duckdb

    with duckdb.connect() as bank:
        for name in TABLES:
            bank.sql(f"CREATE VIEW {name} AS SELECT * FROM read_parquet({files(lake, name)}) WHERE {STATED.get(name, 'true')}")
        categories = [row[0] for row in bank.sql("SELECT DISTINCT category FROM purchases").fetchall()]
        bank.register("kinds", pd.DataFrame(kinds(categories, settings), columns=["category", "kind"]))
        bank.register("families", pd.DataFrame(families(settings), columns=["product_id", "family"]))
        return bank.sql(query(Asked(DUCKDB, day, settings))).df()


def kinds(categories: Iterable[str], settings: Settings) -> list[tuple[str, str]]:
    """Which goods a category means: the first configured pattern that fits."""
    patterns = settings.segments.purchase_groups.items()
    return [(each, next((kind for kind, pattern in patterns if re.search(pattern, each)), "other")) for each in categories]


def families(settings: Settings) -> list[tuple[str, str]]:
    """Products that offers sell, and their family."""
    return [(product, str(offer.family)) for offer in settings.offers.values() for product in offer.uptake.products]


def files(lake: Path, table: str) -> list[str]:
    """The Parquet files of a table's newest version."""
    return [str(file) for file in live_files(lake / table)]


def require_equal(product: pd.DataFrame, reference: pd.DataFrame, name: str) -> None:
    """Stop when a reference finds other values than the product.

    Money that was divided may be a cent off and a ratio in the seventh digit, everything else is the same.
    """
    ours = product.set_index("customer_id")
    theirs = reference.set_index("customer_id").reindex(ours.index)
    wrong = {}
    for feature in FEATURES:
        if feature.name not in COLUMNS:
            continue
        mine, other = (frame[feature.name].astype("float64") for frame in (ours, theirs))
        if not feature.null_meaning:
            other = other.fillna(0)
        allowed = CENT if feature.name in DIVIDED else DIGITS
        if feature.name in OF_DIVIDED:
            allowed = (CENT * (1 + mine.abs()) / ours[OF_DIVIDED[feature.name]].astype("float64")).clip(lower=allowed)
        near = (mine - other).abs() <= allowed
        different = (~near & ~(mine.isna() & other.isna())).sum()
        if different:
            wrong[feature.name] = int(different)
    if wrong:
        raise SystemExit(f"{name}: {sum(wrong.values())} of {len(ours) * len(COLUMNS)} values differ from the product's: {wrong}")
