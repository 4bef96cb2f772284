"""CSV to rows of text, strictly: never half a row, never one that swallows the next."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as arrow_csv

from conf.feed import Feed
from landing.header import places
from landing.refusal import Refused
from landing.rows import LINE, MAX_FIELD, MAX_ROW, PROBLEM, RAW, Row, Shape, batch
from landing.text import looks_like

UNPRINTABLE = bytes(set(range(32)) - {9, 10})  # all but TAB and the newline: looked at row by row


class _Open(Exception):
    """A quoted field does not close in what there is to read."""


class _FieldTooLong(Exception):
    pass


@dataclass(frozen=True)
class Header:
    line: bytes
    places: list[int | None]
    width: int


def csv_batches(content: Iterable[bytes], feed: Feed, shape: Shape) -> Iterator[pa.Table]:
    """Tables of the shape's schema, in the order of the file.

    A block whose quotes all close on their line is cut by Arrow; any other goes line by line, where a quoted field may
    hold newlines but an unclosed quote costs one row and not the rest of the file.

    Raises
    ------
    Refused
        HEADER_MISMATCH, HEADER_DUPLICATE, ENCODING, TRUNCATED_TAIL.
    """
    reader = _Reader(feed, shape)
    held: bytes | None = None
    for block in content:
        if held is not None:
            yield from reader.read(held, last=False)
        held = block
    if held is not None:
        yield from reader.read(held, last=True)
    if reader.header is None:
        raise Refused("HEADER_MISMATCH", "no header line")
    if reader.undecodable * 10 > reader.lines:
        raise Refused("ENCODING", f"{reader.undecodable} of {reader.lines} lines are not UTF-8{reader.hint}")


class _Reader:
    """Reads block after block; keeps the header, the line number and a quoted row that goes on in the next block."""

    def __init__(self, feed: Feed, shape: Shape) -> None:
        self.feed, self.shape = feed, shape
        self.header: Header | None = None
        self.lines = 0  # read so far
        self.undecodable = 0
        self.hint = ""
        self._rest = b""
        self._quote = feed.quote.encode()
        self._escape = b"\\" if feed.escape == "backslash" else None
        delimiter, quote = re.escape(feed.delimiter.encode()), re.escape(self._quote)
        # a quoted field that closes on its line, before a delimiter or the line's end
        self._closed = re.compile(rb"(?:(?<=%s)|^)%s(?:[^%s\n]|%s%s)*%s(?=%s|$)" % (
            delimiter, quote, quote, quote, quote, quote, delimiter), re.MULTILINE)
        delimiter_text, quote_text = re.escape(feed.delimiter), re.escape(feed.quote)
        inside, outside = rf"[^{quote_text}\\]|\\.", rf"[^{delimiter_text}\\\n]|\\[^\n]"
        self._field = re.compile(
            rf"(?:{quote_text}(?P<quoted>(?:{inside})*){quote_text}|(?!{quote_text})(?P<plain>(?:{outside})*))"
            rf"(?P<end>{delimiter_text}|\n)", re.DOTALL)
        self._unclosed = re.compile(rf"{quote_text}(?:{inside})*\\?\Z", re.DOTALL)

    def read(self, block: bytes, last: bool) -> Iterator[pa.Table]:
        block, self._rest = self._rest + block, b""
        if self.header is None:
            block = self._take_header(block)
            if self.header is None:
                return
        if not block:
            return
        table = self._cut(block) if self._plain(block) else None
        if table is None:
            rows = self._careful(block, last)
            table = batch(rows, self.shape) if rows else None
        if table is not None:
            yield table

    def _take_header(self, block: bytes) -> bytes:
        """The first line that is not blank; returns what stands behind it."""
        at = 0
        while at < len(block):
            end = block.find(b"\n", at)
            line, at = (block[at:], len(block)) if end < 0 else (block[at:end], end + 1)
            self.lines += 1
            if not line.strip(b" "):
                continue
            try:
                text = line.decode("utf-8")
            except UnicodeDecodeError:
                raise Refused("ENCODING", f"the header is not UTF-8{looks_like(line)}") from None
            try:
                names = (self._backslashed if self._escape else self._doubled)(iter([text + "\n"]))
            except (_Open, _FieldTooLong):
                names = None
            if names is None:
                raise Refused("HEADER_MISMATCH", "the header's quotes do not close on its line")
            found = places(names, self.shape, self.feed.names, self.feed.extra_columns)
            self.header = Header(line, found, len(names))
            return block[at:]
        return b""

    def _plain(self, block: bytes) -> bool:
        """Whether every line of the block is one row with nothing to decide about."""
        assert self.header is not None
        return (
            (self._quote not in block or (self._escape is None and (self._paired(block) or self._closes(block))))
            and (self._escape is None or self._escape not in block)
            and b"\n\n" not in block
            and not block.startswith(b"\n")
            and self.header.line not in block
            and len(block.translate(None, UNPRINTABLE)) == len(block)
            and len(self.feed.delimiter.encode()) == 1
            and self.header.width > 1
        )

    def _paired(self, block: bytes) -> bool:
        """Whether quotes come in pairs around whole fields of one line; the quick answer, without doubled quotes."""
        if len(self._quote) > 1 or len(self.feed.delimiter.encode()) > 1:
            return False
        letters = np.frombuffer(b"\n" + block + b"\n", dtype=np.uint8)
        delimiter, newline = self.feed.delimiter.encode()[0], ord("\n")
        quotes = np.flatnonzero(letters == self._quote[0])
        opening, closing = quotes[::2], quotes[1::2]
        if len(opening) != len(closing):
            return False
        before, behind = letters[opening - 1], letters[closing + 1]
        if not (((before == delimiter) | (before == newline)) & ((behind == delimiter) | (behind == newline))).all():
            return False
        newlines = np.flatnonzero(letters == newline)
        return bool((np.searchsorted(newlines, opening) == np.searchsorted(newlines, closing)).all())

    def _closes(self, block: bytes) -> bool:
        """Whether every quote belongs to a field that closes on its line, doubled quotes among them."""
        return self._quote not in self._closed.sub(b"", block)

    def _cut(self, block: bytes) -> pa.Table | None:
        """A plain block by Arrow; None when a row has another width, a byte is not UTF-8 or a line is very long."""
        assert self.header is not None
        names = [str(index) for index in range(self.header.width)]
        wanted = [names[at] for at in self.header.places if at is not None]
        try:
            table = arrow_csv.read_csv(
                pa.py_buffer(block),
                arrow_csv.ReadOptions(use_threads=False, block_size=len(block) + 1, column_names=names),
                arrow_csv.ParseOptions(
                    delimiter=self.feed.delimiter, quote_char=self.feed.quote, double_quote=True, escape_char=False,
                    newlines_in_values=False, ignore_empty_lines=False,
                ),
                arrow_csv.ConvertOptions(
                    column_types=dict.fromkeys(names, pa.string()), include_columns=wanted, strings_can_be_null=False,
                    check_utf8=True,
                ),
            )
        except pa.ArrowInvalid:
            return None
        raw = _lines(block)
        if len(raw) != table.num_rows or pc.max(pc.binary_length(raw)).as_py() > MAX_FIELD:
            return None
        first = self.lines + 1
        self.lines += table.num_rows
        none = pa.nulls(table.num_rows, pa.string())
        columns = [none if at is None else table.column(names[at]) for at in self.header.places]
        line = pa.array(range(first, first + table.num_rows), pa.int64())
        return pa.table([line, raw, none, *columns], names=[LINE, RAW, PROBLEM, *self.shape.columns])

    def _careful(self, block: bytes, last: bool) -> list[Row]:
        whole = block.endswith(b"\n")
        lines = block.split(b"\n")
        if whole:
            lines.pop()
        rows: list[Row] = []
        at = 0
        while at < len(lines):
            line = lines[at]
            if not line.strip(b" "):
                at += 1
                continue
            row, used = self._row(lines, at, last)
            if used == 0:  # a quoted field goes on in the next block
                self._rest = b"\n".join(lines[at:]) + (b"\n" if whole else b"")
                break
            rows.append(row)
            at += used
        self.lines += at
        if last and not whole and lines[-1].strip(b" ") and rows and rows[-1].problem in ("COLUMN_COUNT", "UNBALANCED_QUOTE"):
            raise Refused("TRUNCATED_TAIL", "the last line is cut off")
        return rows

    def _row(self, lines: Sequence[bytes], at: int, last: bool) -> tuple[Row, int]:
        """The row that begins at a line, and how many lines it takes; 0 when it may go on behind the block."""
        assert self.header is not None
        number, line = self.lines + at + 1, lines[at]
        if line == self.header.line:
            return Row(number, line.decode("utf-8"), "REPEATED_HEADER", None), 1
        try:
            text = line.decode("utf-8")
        except UnicodeDecodeError:
            self.undecodable += 1
            self.hint = self.hint or looks_like(line)
            return Row(number, line.decode("utf-8", "backslashreplace"), "ENCODING_ROW", None), 1
        if self._quote not in line and (self._escape is None or self._escape not in line):
            return self._judged(number, text, text.split(self.feed.delimiter)), 1
        return self._quoted(lines, at, number, text, last)

    def _quoted(self, lines: Sequence[bytes], at: int, number: int, first: str, last: bool) -> tuple[Row, int]:
        """A row with quotes or escapes. One that does not close costs its first line only: the next line is read afresh."""
        taken: list[str] = []
        read = self._backslashed if self._escape else self._doubled
        try:
            fields = read(self._following(lines[at:], taken))
        except UnicodeDecodeError:
            return Row(number, first, "UNBALANCED_QUOTE", None), 1
        except _FieldTooLong:
            return Row(number, first, "FIELD_TOO_LONG" if len(taken) == 1 else "UNBALANCED_QUOTE", None), 1
        except _Open:
            may_go_on = not last and at + len(taken) == len(lines) and sum(map(len, taken)) <= MAX_ROW
            return Row(number, first, "UNBALANCED_QUOTE", None), 0 if may_go_on else 1
        if fields is None:
            return Row(number, first, "UNBALANCED_QUOTE", None), 1
        return self._judged(number, "\n".join(taken), fields), len(taken)

    @staticmethod
    def _following(lines: Sequence[bytes], taken: list[str]) -> Iterator[str]:
        """Lines with their newline, as long as they could be one row; `taken` keeps what was asked for."""
        size = 0
        for line in lines:
            size += len(line) + 1
            if taken and size > MAX_ROW:
                return
            taken.append(line.decode("utf-8"))
            yield taken[-1] + "\n"

    def _doubled(self, lines: Iterator[str]) -> list[str] | None:
        """Fields of the next record, or None when its quotes are wrong."""
        try:
            return next(csv.reader(lines, delimiter=self.feed.delimiter, quotechar=self.feed.quote, strict=True))
        except csv.Error as error:
            if "field larger" in str(error):
                raise _FieldTooLong from None
            if "unexpected end" in str(error):
                raise _Open from None
            return None

    def _backslashed(self, lines: Iterator[str]) -> list[str] | None:
        """The same where a backslash takes a character's meaning away; Python's reader is not strict about it."""
        text, at, fields = "", 0, []
        while True:
            if at == len(text):
                text += next(lines)
            match = self._field.match(text, at)
            while match is None and text[at] == self.feed.quote and self._unclosed.match(text, at):
                more = next(lines, None)
                if more is None:
                    raise _Open
                text += more
                match = self._field.match(text, at)
            if match is None:
                return None
            if match.end() - at > MAX_FIELD:
                raise _FieldTooLong
            said = match["quoted"] if match["quoted"] is not None else match["plain"]
            fields.append(re.sub(r"\\(.)", r"\1", said, flags=re.DOTALL))
            at = match.end()
            if match["end"] == "\n":
                return fields

    def _judged(self, number: int, raw: str, fields: Sequence[str]) -> Row:
        assert self.header is not None
        if len(fields) != self.header.width:
            return Row(number, raw, "COLUMN_COUNT", None)
        if len(raw) > MAX_FIELD and max(map(len, fields)) > MAX_FIELD:
            return Row(number, raw, "FIELD_TOO_LONG", None)
        if len(raw) > MAX_ROW:
            return Row(number, raw, "ROW_TOO_LONG", None)
        if "\0" in raw:
            return Row(number, raw.replace("\0", "\\x00"), "CONTROL_CHAR", None)
        return Row(number, raw, None, [None if at is None else fields[at] for at in self.header.places])


def _lines(block: bytes) -> pa.Array:
    """The lines of a block, without copying it once more in Python."""
    size = len(block) - block.endswith(b"\n")
    offsets = pa.array([0, size], pa.int32()).buffers()[1]
    return pc.split_pattern(pa.StringArray.from_buffers(1, offsets, pa.py_buffer(block)), "\n").values
