"""JSON lines to rows of text: numbers stay as they were written, a key may stand once."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

import pyarrow as pa

from conf.feed import Feed
from landing.header import canonical
from landing.refusal import Refused
from landing.rows import MAX_FIELD, MAX_ROW, Row, Shape, batch
from landing.text import looks_like

ROWS = 50_000


class _Bad(Exception):
    """The problem of one line."""


def json_batches(content: Iterable[bytes], feed: Feed, shape: Shape) -> Iterator[pa.Table]:
    """Tables of the shape's schema, one object a line.

    Raises
    ------
    Refused
        ENCODING when more than a tenth of the lines is not UTF-8; HEADER_MISMATCH when no line has a required column;
        TRUNCATED_TAIL.
    """
    places = {canonical(feed.names.get(column, column)): index for index, column in enumerate(shape.columns)}
    required = [shape.columns.index(column) for column in sorted(shape.required)]
    number, undecodable, hint, fitting, rows = 0, 0, "", 0, []
    whole = True
    for block in content:
        whole = block.endswith(b"\n")
        lines = block.split(b"\n")
        for line in lines[:-1] if whole else lines:
            number += 1
            if not line.strip():
                continue
            row = _row(number, line, places, required, feed.extra_columns == "refuse")
            if row.problem == "ENCODING_ROW":
                undecodable, hint = undecodable + 1, hint or looks_like(line)
            fitting += row.problem is None
            rows.append(row)
        if len(rows) >= ROWS:
            yield batch(rows, shape)
            rows = []
    if not whole and rows and rows[-1].problem == "JSON_INVALID":
        raise Refused("TRUNCATED_TAIL", "the last line is cut off")
    if undecodable * 10 > number:
        raise Refused("ENCODING", f"{undecodable} of {number} lines are not UTF-8{hint}")
    if number and not fitting:
        raise Refused("HEADER_MISMATCH", "no line is an object with every required column")
    if rows:
        yield batch(rows, shape)


def _row(number: int, line: bytes, places: dict[str, int], required: list[int], strict: bool) -> Row:
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError:
        return Row(number, line.decode("utf-8", "backslashreplace"), "ENCODING_ROW", None)
    raw = text.replace("\0", "\\x00")
    try:
        if len(text) > MAX_ROW:
            raise _Bad("ROW_TOO_LONG")
        if "\0" in text:
            raise _Bad("CONTROL_CHAR")
        return Row(number, raw, None, _fields(text, places, required, strict))
    except _Bad as bad:
        return Row(number, raw, str(bad), None)


def _fields(text: str, places: dict[str, int], required: list[int], strict: bool) -> list[str | None]:
    try:
        said = json.loads(text, parse_float=str, parse_int=str, parse_constant=str, object_pairs_hook=_once)
    except (ValueError, RecursionError):
        raise _Bad("JSON_INVALID") from None
    if not isinstance(said, dict):
        raise _Bad("JSON_NOT_OBJECT")
    fields: list[str | None] = [None] * len(places)
    seen: set[int] = set()
    for key, value in said.items():
        at = places.get(canonical(key))
        if at is None:
            if strict:
                raise _Bad("EXTRA_COLUMN")
            continue
        if at in seen:
            raise _Bad("JSON_DUPLICATE_KEY")
        seen.add(at)
        fields[at] = _text(value)
    if not all(at in seen for at in required):
        raise _Bad("COLUMN_COUNT")
    return fields


def _text(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str):
        raise _Bad("JSON_NESTED")
    if len(value) > MAX_FIELD:
        raise _Bad("FIELD_TOO_LONG")
    if "\0" in value:
        raise _Bad("CONTROL_CHAR")
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        raise _Bad("ENCODING_ROW") from None
    return value


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    said = dict(pairs)
    if len(said) != len(pairs):
        raise _Bad("JSON_DUPLICATE_KEY")
    return said
