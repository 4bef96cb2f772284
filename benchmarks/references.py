"""The money features of a day once more, recomputed from all history and sharing no code with the product.

In and out amounts and counts of the last 1, 7, 30, 90, 180 and 365 days (24 columns): what a team would write on a free
afternoon, once in Spark SQL and once in pandas over Arrow. Both are checked equal to the product's table.
"""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pandas as pd
from pyspark.sql import DataFrame, SparkSession

WINDOWS = (1, 7, 30, 90, 180, 365)
WAYS = {"in": "credit", "out": "debit"}
COLUMNS = tuple(f"{way}_{what}_{days}d" for way in WAYS for what in ("amount", "count") for days in WINDOWS)
FLOWS = ("cash", "transfer", "card", "bill", "salary", "other")
DEPOSITS = ("current", "savings", "time_deposit")

_EXTERNAL = """
    SELECT o.customer_id, t.business_date, t.direction, t.amount,
           row_number() OVER (PARTITION BY o.customer_id, t.business_date, t.currency, t.amount, t.direction
                              ORDER BY t.transaction_id) AS nth,
           count_if(t.direction = 'credit') OVER (PARTITION BY o.customer_id, t.business_date, t.currency, t.amount) AS credits,
           count_if(t.direction = 'debit') OVER (PARTITION BY o.customer_id, t.business_date, t.currency, t.amount) AS debits
    FROM transactions t
    JOIN accounts o ON t.account_id = o.account_id
    LEFT JOIN accounts c ON t.counterparty = c.account_id
    WHERE t.business_date <= DATE'{day}' AND t.business_date > DATE'{day}' - INTERVAL 365 DAYS
      AND o.product_type IN {deposits} AND t.type IN {flows} AND t.currency = '{currency}'
      AND NOT coalesce(c.customer_id = o.customer_id, false)
"""


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
    sums = []
    for way, direction in WAYS.items():
        for days in WINDOWS:
            fits = f"direction = '{direction}' AND business_date > DATE'{day}' - INTERVAL {days} DAYS"
            sums.append(f"CAST(coalesce(sum(CASE WHEN {fits} THEN amount END), 0) * 100 AS bigint) AS {way}_amount_{days}d")
            sums.append(f"count_if({fits}) AS {way}_count_{days}d")
    external = _EXTERNAL.format(day=day, deposits=DEPOSITS, flows=FLOWS, currency=currency)
    return spark.sql(
        f"SELECT customer_id, {', '.join(sums)} FROM ({external}) WHERE nth > least(credits, debits) GROUP BY customer_id"
    ).select("customer_id", *COLUMNS)


def in_pandas(lake: Path, day: date, currency: str) -> pd.DataFrame:
    """The same in memory: Arrow reads, pandas joins and sums. Columns as `in_spark`."""
    from tables.arrow import read_arrow

    since = day - timedelta(days=364)
    wanted = ["transaction_id", "account_id", "counterparty", "business_date", "direction", "amount", "currency", "type"]
    rows = read_arrow(lake, "transactions", wanted, [("business_date", ">=", since), ("business_date", "<=", day)])
    owner = read_arrow(lake, "accounts", ["account_id", "customer_id", "product_type"], [("is_current", "=", True)])
    lines, accounts = rows.to_pandas(), owner.to_pandas().set_index("account_id")
    lines = lines[lines["type"].isin(FLOWS) & (lines["currency"] == currency)]
    customer, product = (lines["account_id"].map(accounts[name]) for name in ("customer_id", "product_type"))
    other = lines["counterparty"].map(accounts["customer_id"])
    lines = lines.assign(customer_id=customer, cents=(lines["amount"].astype("float64") * 100).round().astype("int64"))
    lines = lines[product.isin(DEPOSITS) & (other != customer)].sort_values("transaction_id")
    same = ["customer_id", "business_date", "cents"]
    credit = (lines["direction"] == "credit").groupby([lines[name] for name in same]).transform("sum")
    both = lines.groupby(same)["cents"].transform("size")
    nth = lines.groupby([*same, "direction"]).cumcount() + 1
    lines = lines[nth > pd.concat([credit, both - credit], axis=1).min(axis=1)]
    age = (pd.Timestamp(day) - pd.to_datetime(lines["business_date"])).dt.days
    columns = {}
    for way, direction in WAYS.items():
        for days in WINDOWS:
            some = lines[(lines["direction"] == direction) & (age < days)].groupby("customer_id")["cents"]
            columns[f"{way}_amount_{days}d"], columns[f"{way}_count_{days}d"] = some.sum(), some.size()
    return pd.DataFrame(columns).fillna(0).astype("int64").rename_axis("customer_id").reset_index()[["customer_id", *COLUMNS]]
