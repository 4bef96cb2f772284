"""The references' columns in Polars, put together of their parts: a row a customer."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pandas as pd

from benchmarks.references.accounts_polars import account_columns, account_parts, customers
from benchmarks.references.columns import COLUMNS
from benchmarks.references.events_polars import WHO, event_columns, event_parts, moved_by
from conf import Settings


def in_polars(lake: Path, day: date, settings: Settings) -> pd.DataFrame:
    """Over the tables' Parquet files; columns as `benchmarks.references.in_spark`."""
    moved, whole = moved_by(lake, day, settings), customers(lake, day)
    for part in event_parts(moved, lake, day, settings) + account_parts(moved, lake, day, settings):
        whole = whole.join(part, on=WHO, how="left")
    made = event_columns() | account_columns(settings)
    return whole.with_columns(**made).select(WHO, *COLUMNS).collect(engine="streaming").to_pandas()
