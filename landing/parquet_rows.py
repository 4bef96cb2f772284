"""Parquet to rows of text: what is exact stays exact, what is not is refused."""

from __future__ import annotations

from collections.abc import Iterator
from io import FileIO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from conf.feed import Feed
from landing.header import places
from landing.refusal import Refused
from landing.rows import LINE, MAX_FIELD, PROBLEM, RAW, Shape

ROWS = 64_000
MIDNIGHT = r"T00:00:00\.0+$"  # of a date that a tool without dates wrote as a time


def parquet_batches(handle: FileIO, feed: Feed, shape: Shape) -> Iterator[pa.Table]:
    """Tables of the shape's schema; `line` is the row's number and `raw` is empty, as there is no line.

    Raises
    ------
    Refused
        PARQUET_CORRUPT, TYPE_MISMATCH, HEADER_MISMATCH, HEADER_DUPLICATE.
    """
    try:
        file = pq.ParquetFile(pa.PythonFile(handle, mode="r"))
        at = places(file.schema_arrow.names, shape, feed.names, feed.extra_columns)
        _require_exact(file, at, shape, feed)
        first = 1
        for read in file.iter_batches(ROWS, columns=[file.schema_arrow.names[place] for place in at if place is not None]):
            yield _text(read, file.schema_arrow.names, at, shape, first)
            first += read.num_rows
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError) as error:
        raise Refused("PARQUET_CORRUPT", f"Arrow cannot read it ({type(error).__name__})") from None


def _require_exact(file: pq.ParquetFile, at: list[int | None], shape: Shape, feed: Feed) -> None:
    for column, place in zip(shape.columns, at, strict=True):
        if place is None:
            continue
        kind = file.schema_arrow.field(place).type
        if pa.types.is_nested(kind) or pa.types.is_binary(kind):
            raise Refused("TYPE_MISMATCH", f"column {column} is {kind}, not one value")
        if pa.types.is_floating(kind) and column not in shape.whole:  # whole numbers become floating where one is missing
            wanted = "a decimal" if column in shape.exact else "text or a whole number"
            raise Refused("TYPE_MISMATCH", f"column {column} is {kind}: floating point is not exact; deliver {wanted}")
        if column not in shape.dates and file.schema.column(place).physical_type == "INT96" and feed.time_zone is None:
            # some tools write such times in UTC and some in their own zone; other times without a zone are in the feed's
            raise Refused("TYPE_MISMATCH", f"column {column} has INT96 times; say in which `time_zone` in the feed's conf")


def _text(read: pa.RecordBatch, names: list[str], at: list[int | None], shape: Shape, first: int) -> pa.Table:
    none = pa.nulls(read.num_rows, pa.string())
    columns = [none if place is None else _as_text(read.column(names[place]), column in shape.dates)
               for column, place in zip(shape.columns, at, strict=True)]
    long = [pc.fill_null(pc.greater(pc.utf8_length(column), MAX_FIELD), False) for column in columns]
    problem = none
    for one in long:
        problem = pc.if_else(one, "FIELD_TOO_LONG", problem)
    if pc.any(pc.is_valid(problem)).as_py():
        columns = [pc.if_else(pc.is_valid(problem), pa.scalar(None, pa.string()), column) for column in columns]
    line = pa.array(range(first, first + read.num_rows), pa.int64())
    return pa.table([line, none, problem, *columns], names=[LINE, RAW, PROBLEM, *shape.columns])


def _as_text(column: pa.Array, is_date: bool) -> pa.Array:
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _as_text(column.dictionary_decode(), is_date)
    if pa.types.is_timestamp(kind):
        text = pc.strftime(column.cast(pa.timestamp("us", kind.tz), safe=False), "%Y-%m-%dT%H:%M:%S" + ("%z" if kind.tz else ""))
        return pc.replace_substring_regex(text, MIDNIGHT, "") if is_date else text
    text = column.cast(pa.string())
    if pa.types.is_decimal(kind) and kind.scale > 2:  # noughts that only the type asks for say nothing
        text = pc.replace_substring_regex(text, r"^(-?\d+\.\d\d\d*?)0+$", r"\1")
    return text
