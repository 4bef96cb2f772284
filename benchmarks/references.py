"""The money features of a day once more, recomputed from all history and sharing no code with the product.

In and out amounts and counts of the last 1, 7, 30, 90, 180 and 365 days (24 columns): what a team would write on a free
afternoon, in Spark SQL, in DuckDB and in Polars. All are checked equal to the product's table.
"""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pandas as pd
from pyspark.sql import DataFrame, SparkSession

from tables.durable import live_files

WINDOWS = (1, 7, 30, 90, 180, 365)
WAYS = {"in": "credit", "out": "debit"}
COLUMNS = tuple(f"{way}_{what}_{days}d" for way in WAYS for what in ("amount", "count") for days in WINDOWS)
FLOWS = ("cash", "transfer", "card", "bill", "salary", "other")
DEPOSITS = ("current", "savings", "time_deposit")

_EXTERNAL = """
    SELECT o.customer_id, t.business_date, t.direction, t.amount,
           row_number() OVER (PARTITION BY o.customer_id, t.business_date, t.currency, t.amount, t.direction
                              ORDER BY t.transaction_id) AS nth,
           sum(CASE WHEN t.direction = 'credit' THEN 1 ELSE 0 END)
               OVER (PARTITION BY o.customer_id, t.business_date, t.currency, t.amount) AS credits,
           sum(CASE WHEN t.direction = 'debit' THEN 1 ELSE 0 END)
               OVER (PARTITION BY o.customer_id, t.business_date, t.currency, t.amount) AS debits
    FROM transactions t
    JOIN accounts o ON t.account_id = o.account_id
    LEFT JOIN accounts c ON t.counterparty = c.account_id
    WHERE t.business_date <= DATE '{day}' AND t.business_date > DATE '{day}' - INTERVAL 365 DAYS
      AND o.product_type IN {deposits} AND t.type IN {flows} AND t.currency = '{currency}'
      AND NOT coalesce(c.customer_id = o.customer_id, false)
"""


def query(day: date, currency: str) -> str:
    """The SQL of Spark and of DuckDB, over views `transactions` and `accounts`."""
    sums = []
    for way, direction in WAYS.items():
        for days in WINDOWS:
            fits = f"direction = '{direction}' AND business_date > DATE '{day}' - INTERVAL {days} DAYS"
            sums.append(f"CAST(coalesce(sum(CASE WHEN {fits} THEN amount END), 0) * 100 AS bigint) AS {way}_amount_{days}d")
            sums.append(f"count(CASE WHEN {fits} THEN 1 END) AS {way}_count_{days}d")
    external = _EXTERNAL.format(day=day, deposits=DEPOSITS, flows=FLOWS, currency=currency)
    return f"SELECT customer_id, {', '.join(sums)} FROM ({external}) AS e WHERE nth > least(credits, debits) GROUP BY customer_id"


def in_spark(spark: SparkSession, lake: Path, day: date, currency: str) -> DataFrame:
    """Plain PySpark: one SQL query over the tables as they are.

    Returns
    -------
    DataFrame with `customer_id` and `COLUMNS`, amounts in cents; customers without flows are not in it
    """
    for name in ("transactions", "accounts"):
        spark.read.format("delta").load(f"{lake}/{name}").createOrReplaceTempView(f"all_{name}")
    spark.sql("SELECT * FROM all_transactions").createOrReplaceTempView("transactions")
    spark.sql("SELECT account_id, customer_id, product_type FROM all_accounts WHERE is_current").createOrReplaceTempView("accounts")
    return spark.sql(query(day, currency)).select("customer_id", *COLUMNS)


def in_duckdb(lake: Path, day: date, currency: str) -> pd.DataFrame:
    """The same query in DuckDB, over the tables' Parquet files. Columns as `in_spark`."""
    import duckdb

    with duckdb.connect() as bank:
        bank.sql(f"CREATE VIEW transactions AS SELECT * FROM read_parquet({_files(lake, 'transactions')})")
        bank.sql(f"CREATE VIEW accounts AS SELECT * FROM read_parquet({_files(lake, 'accounts')}) WHERE is_current")
        return bank.sql(query(day, currency)).df()[["customer_id", *COLUMNS]]


def in_polars(lake: Path, day: date, currency: str) -> pd.DataFrame:
    """The same in Polars' lazy frames, over the same files. Columns as `in_spark`."""
    import polars as pl

    accounts = pl.scan_parquet(_files(lake, "accounts")).filter("is_current").select("account_id", "customer_id", "product_type")
    owners = accounts.select(counterparty="account_id", other="customer_id")
    same = ["customer_id", "business_date", "amount"]
    credit = pl.col("direction") == "credit"
    lines = (
        pl.scan_parquet(_files(lake, "transactions"))
        .filter(
            pl.col("business_date").is_between(day - timedelta(days=364), day),
            pl.col("type").is_in(FLOWS),
            pl.col("currency") == currency,
        )
        .select("transaction_id", "account_id", "counterparty", "business_date", "direction", "amount")
        .join(accounts.filter(pl.col("product_type").is_in(DEPOSITS)), on="account_id")
        .join(owners, on="counterparty", how="left")
        .filter((pl.col("other") != pl.col("customer_id")).fill_null(True))
        .with_columns(
            nth=pl.col("transaction_id").rank("ordinal").over(*same, "direction"),
            credits=credit.sum().over(same), debits=(~credit).sum().over(same),
        )
        .filter(pl.col("nth") > pl.min_horizontal("credits", "debits"))
    )
    sums = []
    for way, direction in WAYS.items():
        for days in WINDOWS:
            fits = (pl.col("direction") == direction) & (pl.col("business_date") > day - timedelta(days=days))
            sums.append((pl.col("amount").filter(fits).sum() * 100).cast(pl.Int64).alias(f"{way}_amount_{days}d"))
            sums.append(fits.sum().alias(f"{way}_count_{days}d"))
    return lines.group_by("customer_id").agg(*sums).collect().to_pandas()[["customer_id", *COLUMNS]]


def _files(lake: Path, table: str) -> list[str]:
    """The Parquet files of a table's newest version."""
    return [str(file) for file in live_files(lake / table)]
