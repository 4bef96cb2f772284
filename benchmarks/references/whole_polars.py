"""The references in Polars, put together of their parts."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl

from benchmarks.references import Found
from benchmarks.references.accounts_polars import account_columns, account_parts, customers
from benchmarks.references.columns import COLUMNS
from benchmarks.references.detection_polars import detection
from benchmarks.references.events_polars import WHO, event_columns, event_parts, moved_by
from benchmarks.references.life_polars import life_events
from benchmarks.references.look import look_of
from benchmarks.references.segments_polars import segments
from conf import Settings


def in_polars(lake: Path, day: date, settings: Settings) -> Found:
    """Over the tables' Parquet files; as `benchmarks.references.in_spark`."""
    features = _features(lake, day, settings)
    outputs = {"customer_features": features.lazy(), "segments": segments(features.lazy(), lake, day, settings)}
    outputs |= {**detection(lake, day, look_of(lake, day, settings), settings), "life_events": life_events(lake, day, settings)}
    return {name: output.collect(engine="streaming").to_pandas() for name, output in outputs.items()}


def _features(lake: Path, day: date, settings: Settings) -> pl.DataFrame:
    """A row a customer."""
    moved, whole = moved_by(lake, day, settings), customers(lake, day)
    for part in event_parts(moved, lake, day, settings) + account_parts(moved, lake, day, settings):
        whole = whole.join(part, on=WHO, how="left")
    made = event_columns() | account_columns(settings)
    return whole.with_columns(**made).select(WHO, *COLUMNS).collect(engine="streaming")
