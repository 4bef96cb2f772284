"""A day's outputs once more, recomputed from all history and sharing no code with the product, in three engines.

What a team would write in SQL or Polars: every feature but who the customer is and how often the bank called (166 columns), segments,
the day's flows, baselines, what of them is abnormal by statistics, and life events. All are checked equal to the product's tables of
the day (`equal.py`). Not recomputed is what does not follow from history: which earlier days were flagged, and what was answered.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pandas as pd
from pyspark.sql import SparkSession

from benchmarks.references.dialect import DUCKDB, SPARK, Asked
from benchmarks.references.look import look_of
from benchmarks.references.lookups import Lookup
from benchmarks.references.whole_sql import steps
from conf import Settings
from tables.durable import live_files

VIEWS = {  # name -> table, and rows that stand
    "transactions": ("transactions", "superseded_on IS NULL"), "purchases": ("purchases", "superseded_on IS NULL"),
    "accounts": ("accounts", "is_current"), "customers": ("customers", "is_current"), "holdings": ("holdings", "true"),
    "fx_rates": ("fx_rates", "true"), "bookings": ("transactions", "true"), "earlier_flows": ("daily_flows", "true"),
    "restrictions": ("restrictions", "true"),
}  # fmt: skip
KEPT = (  # asked by several steps: computed once
    "features", "flags", "outside_then", "outside_now", "units_then", "units_now", "changed", "standing_then", "standing_now",
    "usual_counts", "members", "own", "peers", "scored", "around", "abnormal", "bought", "paid", "seen", "youngest",
)  # fmt: skip
OUTPUTS = {  # the product's table -> the references' step
    "customer_features": "features", "segments": "segments", "daily_flows": "daily_flows", "flow_baselines": "flow_baselines",
    "abnormal_flows": "abnormal_flows", "life_events": "life_events",
}  # fmt: skip

Found = dict[str, pd.DataFrame]  # a frame an output


def in_spark(spark: SparkSession, lake: Path, day: date, settings: Settings) -> Found:
    """Plain PySpark: SQL over the tables as they are."""
    for name, (table, stands) in VIEWS.items():
        spark.read.format("delta").load(f"{lake}/{table}").where(stands).createOrReplaceTempView(name)
    for name, step in steps(Asked(SPARK, day, settings, look_of(lake, day, settings))).items():
        if isinstance(step, Lookup):
            found = spark.table(step.table).select(*step.columns).distinct().collect() if step.table else []
            rows = spark.createDataFrame(step.make([tuple(row) for row in found]), step.schema)
        else:
            rows = spark.sql(step)
        (rows.localCheckpoint() if name in KEPT else rows).createOrReplaceTempView(name)  # plans of everything below take minutes
    return {output: spark.table(name).toPandas() for output, name in OUTPUTS.items()}


def in_duckdb(lake: Path, day: date, settings: Settings) -> Found:
    """The same SQL in DuckDB, over the tables' Parquet files."""
    import duckdb

    with duckdb.connect() as bank:
        for name, (table, stands) in VIEWS.items():
            bank.sql(f"CREATE VIEW {name} AS SELECT * FROM read_parquet({files(lake, table)}, hive_partitioning = true) WHERE {stands}")
        for name, step in steps(Asked(DUCKDB, day, settings, look_of(lake, day, settings))).items():
            if isinstance(step, Lookup):
                found = bank.sql(f"SELECT DISTINCT {', '.join(step.columns)} FROM {step.table}").fetchall() if step.table else []
                bank.sql(f"CREATE TABLE {name} ({step.schema})")
                made = pd.DataFrame(step.make(found), columns=step.names())  # noqa: F841 - DuckDB reads it by its name
                bank.sql(f"INSERT INTO {name} SELECT * FROM made")
            else:
                bank.sql(f"CREATE {'TABLE' if name in KEPT else 'VIEW'} {name} AS {step}")
        return {output: bank.table(name).df() for output, name in OUTPUTS.items()}


def files(lake: Path, table: str) -> list[str]:
    """The Parquet files of a table's newest version."""
    return [str(file) for file in live_files(lake / table)]
