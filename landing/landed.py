"""Puts one delivered file down as a Parquet file of text, or says why it does not enter."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from io import FileIO
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from conf.feed import Feed
from landing.control import Control, control
from landing.csv_rows import csv_batches
from landing.delivered import content, opened, sha256
from landing.drops import Drop
from landing.json_rows import json_batches
from landing.parquet_rows import parquet_batches
from landing.refusal import Held, Refused
from landing.rows import Shape
from landing.text import blocks

ROW_GROUP = 128_000
SOURCE_FILE, DROP = "source_file", "_drop"

__all__ = ["DROP", "SOURCE_FILE", "Landed", "Shape", "digest", "land", "landed_schema"]


@dataclass(frozen=True)
class Landed:
    """A file that is down as text.

    Attributes
    ----------
    drop : Drop
    sha256 : str
        Of the bytes as delivered.
    rows : int
        Data rows; header and blank lines are not counted.
    path : Path
        The Parquet file: `line`, `raw`, `_problem`, every canonical column as text, `source_file`, `_drop`.
    """

    drop: Drop
    sha256: str
    rows: int
    path: Path


def landed_schema(shape: Shape) -> pa.Schema:
    return shape.schema.append(pa.field(SOURCE_FILE, pa.string())).append(pa.field(DROP, pa.date32()))


def digest(drop: Drop, feed: Feed) -> str:
    """The sha256 of a file as delivered, once it is known to be complete and of the right type.

    Raises
    ------
    Refused, Held
    """
    if drop.size < 0:
        raise Held("only its control file is there")
    with opened(drop, feed.settle_seconds) as handle:
        return sha256(handle)


def land(drop: Drop, known: str, feed: Feed, shape: Shape, to: Path) -> Landed:
    """Read a file and put its rows down below `to`.

    Parameters
    ----------
    drop : Drop
    known : str
        Its digest.
    feed : Feed
    shape : Shape
    to : path
        The landed file is named by what was delivered and where, so that landing twice changes nothing.

    Raises
    ------
    Refused, Held
    """
    said = control(drop.control, feed) if drop.control else None
    target = to / f"{drop.feed}-{drop.day.isoformat()}-{known}.parquet"
    unfinished = target.with_suffix(".unfinished")
    with opened(drop, feed.settle_seconds) as handle:
        if said:
            said.check_bytes(drop.size, known)
        batches = _batches(handle, drop, feed, shape)
        rows = _written(batches, unfinished, shape, drop, said)
    if rows == 0 and drop.size == 0 and said and said.rows != 0:
        raise Refused("EMPTY_FILE", "0 bytes")
    if rows == 0 and (said is None or said.rows != 0):
        raise Refused("ROWCOUNT_MISMATCH", "no data rows, and no control file that says so")
    if said:
        said.check_content(rows)
    unfinished.rename(target)
    return Landed(drop, known, rows, target)


def _batches(handle: FileIO, drop: Drop, feed: Feed, shape: Shape) -> Iterator[pa.Table]:
    if drop.size == 0:
        return iter(())
    if drop.suffix == ".parquet":
        return parquet_batches(handle, feed, shape)
    read = csv_batches if ".csv" in drop.suffix else json_batches
    return read(blocks(content(handle, drop.suffix.endswith(".gz")), feed.encoding), feed, shape)


def _written(batches: Iterator[pa.Table], path: Path, shape: Shape, drop: Drop, said: Control | None) -> int:
    """Write batches as row groups of a good size; returns the number of rows."""
    schema, rows, waiting = landed_schema(shape), 0, []
    day = _days_since_1970(drop.day)
    with pq.ParquetWriter(path, schema, use_dictionary=[SOURCE_FILE, DROP], write_statistics=False) as writer:
        for table in batches:
            if said:
                said.add(table)
            rows += table.num_rows
            waiting.append(table)
            if sum(part.num_rows for part in waiting) >= ROW_GROUP:
                writer.write_table(_stamped(waiting, schema, drop, day))
                waiting = []
        if waiting:
            writer.write_table(_stamped(waiting, schema, drop, day))
    return rows


def _stamped(parts: list[pa.Table], schema: pa.Schema, drop: Drop, day: int) -> pa.Table:
    joined = pa.concat_tables(parts)
    source = pa.repeat(pa.scalar(drop.source_file), joined.num_rows)
    on = pa.repeat(pa.scalar(day, pa.int32()), joined.num_rows).cast(pa.date32())
    return joined.append_column(SOURCE_FILE, source).append_column(DROP, on).cast(schema)


def _days_since_1970(day: date) -> int:
    return (day - date(1970, 1, 1)).days
