"""Reads tables without Spark, for desks and pages that cannot wait for a JVM."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa

Filter = tuple[str, str, Any]  # column, operator, value


def read_arrow(
    lake: Path, table: str, columns: Sequence[str] | None = None, filters: Sequence[Filter] | None = None
) -> pa.Table | None:
    """Rows of a table as Arrow, or None where it does not exist.

    Parameters
    ----------
    lake : path
    table : str
    columns : sequence of str, optional
        Only these columns.
    filters : sequence of (column, operator, value), optional
        All must hold; pushed down to files and row groups.
    """
    from deltalake import DeltaTable
    from deltalake.exceptions import TableNotFoundError

    try:
        found = DeltaTable(f"{lake}/{table}")
    except TableNotFoundError:
        return None
    return found.to_pyarrow_table(
        columns=list(columns) if columns else None, filters=list(filters) if filters else None, filesystem=_filesystem(lake, table)
    )


def stood(event: Mapping[str, Any], day: date) -> bool:
    """Whether a row of an event table was known on a day and not yet corrected."""
    corrected = event.get("superseded_on")
    return event["recorded_on"] <= day and (corrected is None or corrected > day)


def arrow_batches(lake: Path, table: str, columns: Sequence[str], filters: Sequence[Filter]) -> Iterator[pa.RecordBatch]:
    """Rows of a table batch by batch, in bounded memory; none where it does not exist."""
    import pyarrow.parquet as pq
    from deltalake import DeltaTable
    from deltalake.exceptions import TableNotFoundError

    try:
        dataset = DeltaTable(f"{lake}/{table}").to_pyarrow_dataset(filesystem=_filesystem(lake, table))
    except TableNotFoundError:
        return
    yield from dataset.to_batches(columns=list(columns), filter=pq.filters_to_expression(list(filters)))


def _filesystem(lake: Path, table: str) -> Any:
    """Arrow's own access to local files: through delta-rs's, which is Python's, a thread that still reads ahead aborts the exit."""
    from pyarrow.fs import LocalFileSystem, SubTreeFileSystem

    return SubTreeFileSystem(f"{lake}/{table}", LocalFileSystem())
