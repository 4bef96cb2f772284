"""What every format is read into: batches of rows of text, with what is wrong with a row's shape."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

MAX_FIELD = 64 << 10  # characters
MAX_ROW = 1 << 20
MAX_RAW = 8 << 10  # of a refused row that is kept
LINE, RAW, PROBLEM = "line", "raw", "_problem"

Fields = Sequence[str | None]


@dataclass(frozen=True)
class Shape:
    """What a feed's rows must hold.

    Attributes
    ----------
    columns : tuple of str
        Canonical names in order.
    required : frozenset of str
        Those a file must have.
    exact : frozenset of str
        Decimal numbers: binary floating point is refused for them.
    whole, dates : frozenset of str
        Whole numbers and dates: tools without missing integers, or without dates, write them as floating point and as midnights.
    """

    columns: tuple[str, ...]
    required: frozenset[str]
    exact: frozenset[str]
    whole: frozenset[str] = frozenset()
    dates: frozenset[str] = frozenset()

    @property
    def schema(self) -> pa.Schema:
        fixed = [(LINE, pa.int64()), (RAW, pa.string()), (PROBLEM, pa.string())]
        return pa.schema([*fixed, *((column, pa.string()) for column in self.columns)])


@dataclass(frozen=True)
class Row:
    """One row read the careful way; `fields` follow the order of `Shape.columns`."""

    line: int
    raw: str
    problem: str | None
    fields: Fields | None


def batch(rows: Sequence[Row], shape: Shape) -> pa.Table:
    """Rows as a table of the shape's schema."""
    none = (None,) * len(shape.columns)
    columns = list(zip(*(row.fields or none for row in rows), strict=True)) or [()] * len(shape.columns)
    fixed = [
        pa.array([row.line for row in rows], pa.int64()),
        pa.array([cut(row.raw) for row in rows], pa.string()),
        pa.array([row.problem for row in rows], pa.string()),
    ]
    return pa.table([*fixed, *(pa.array(column, pa.string()) for column in columns)], schema=shape.schema)


def cut(raw: str) -> str:
    """A line that is too long to be kept: its beginning, its length and its hash."""
    if len(raw) <= MAX_ROW and len(raw) <= MAX_FIELD:
        return raw
    digest = hashlib.sha256(raw.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{raw[:MAX_RAW]}… ({len(raw)} characters, sha256 {digest})"
