"""Worklists as they come back: workbooks and CSV files, re-saved by spreadsheets in any of their ways.

Read are the columns of `COLUMNS`, wherever they stand; everything else in a file is ignored. Nothing in a file is ever evaluated:
a formula where an answer should be is refused.
"""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from conf import ExitCode, KehuError
from worklists.columns import ANSWERS

COLUMNS = ("alert_id", *ANSWERS, "recorded_at", "relationship_manager_id")
MAX_BYTES = 20 << 20
MAX_UNPACKED = 200 << 20  # of a workbook: more is a bomb, not a worklist
MAX_MEMBERS = 1000
MAX_ROWS = 50_000
MAX_COLUMNS = 200
HEADER_WITHIN = 10  # rows from the top
FORMULA = "\x00formula"  # stands for a formula's cell: no answer can be it
_ZIP, _OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
_DELIMITERS = (",", ";", "\t", "|")


@dataclass(frozen=True)
class Line:
    """One line of a returned file, as text."""

    number: int  # as a spreadsheet or an editor counts, 1 is the first
    cells: dict[str, str]  # column -> text, without the blanks around it

    def __getitem__(self, column: str) -> str:
        return self.cells.get(column, "")

    @property
    def answered(self) -> bool:
        return any(self[column] for column in ANSWERS)


def read_returned(file: Path) -> list[Line]:
    """The lines of a returned worklist that name an alert.

    Raises
    ------
    KehuError
        REJECTED for anything that is not a worklist: too large, not readable, without the columns that matter.
    """
    if file.stat().st_size > MAX_BYTES:
        raise _refused(file, f"larger than {MAX_BYTES >> 20} MB")
    content = file.read_bytes()
    if content.startswith(_OLE):
        raise _refused(file, "an old or encrypted workbook; save it as .xlsx or .csv, without a password")
    tables = _sheets(file, content) if content.startswith(_ZIP) else _csv_tables(file, content)
    for table in tables:
        lines = _below_header(file, table)
        if lines is not None:
            return lines
    raise _refused(file, "no columns alert_id and outcome in it; hand in the sheet of calls as it was given out")


Rows = Iterator[tuple[int, Sequence[str]]]


def _below_header(file: Path, rows: Rows) -> list[Line] | None:
    """The lines below the row of column names; None where there is no such row near the top."""
    header: dict[int, str] = {}
    lines: list[Line] = []
    for nth, (number, cells) in enumerate(rows):
        if len(lines) >= MAX_ROWS:
            raise _refused(file, f"more than {MAX_ROWS:,} rows")
        if not header:
            found = {index: name for index, cell in enumerate(cells) if (name := cell.strip().lower()) in COLUMNS}
            if {"alert_id", "outcome"} <= set(found.values()):
                header = found
            elif nth >= HEADER_WITHIN:
                return None
            continue
        line = Line(number, {name: _unquoted(cells[index].strip()) for index, name in header.items() if index < len(cells)})
        if line["alert_id"] or line.answered:
            lines.append(line)
    return lines if header else None


def _unquoted(text: str) -> str:
    """Without the quote that keeps spreadsheets from evaluating a cell."""
    return text[1:].strip() if text.startswith("'") else text


def _sheets(file: Path, content: bytes) -> Iterator[Rows]:
    """Every sheet of a workbook, row by row, without ever holding more than one."""
    import openpyxl

    if not openpyxl.DEFUSEDXML:
        raise KehuError("the package defusedxml is missing: returned workbooks cannot be read safely", ExitCode.MISSING)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            members = packed.infolist()
        if len(members) > MAX_MEMBERS or sum(member.file_size for member in members) > MAX_UNPACKED:
            raise _refused(file, "unpacks to more than a worklist can hold")
        book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=False, keep_links=False)
    except KehuError:
        raise
    except Exception as error:  # openpyxl lets through whatever a broken file provokes
        raise _refused(file, f"not a workbook ({type(error).__name__})") from None
    for sheet in book.worksheets:
        sheet.reset_dimensions()  # what a file says of its own size is not to be trusted
        yield _sheet_rows(file, sheet)


def _sheet_rows(file: Path, sheet: Any) -> Rows:
    try:
        for number, row in enumerate(sheet.iter_rows(max_col=MAX_COLUMNS), start=1):
            yield number, [_cell_text(cell) for cell in row]
    except KehuError:
        raise
    except Exception as error:
        raise _refused(file, f"not a workbook ({type(error).__name__})") from None


def _cell_text(cell: Any) -> str:
    value = cell.value
    if value is None:
        return ""
    if cell.data_type == "f":
        return FORMULA
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == datetime.min.time() else value.isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _csv_tables(file: Path, content: bytes) -> Iterator[Rows]:
    """A CSV file under each delimiter that may be meant."""
    text = _decoded(file, content)
    for delimiter in _DELIMITERS:
        yield _csv_rows(file, text, delimiter)


def _csv_rows(file: Path, text: str, delimiter: str) -> Rows:
    reader, start = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter), 1
    try:
        for cells in reader:
            yield start, cells[:MAX_COLUMNS]
            start = reader.line_num + 1
    except csv.Error as error:
        raise _refused(file, f"line {reader.line_num}: {error}") from None


def _decoded(file: Path, content: bytes) -> str:
    """UTF-8 with or without its mark, UTF-16 as some spreadsheets save, else what Chinese Windows writes."""
    marked = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    for encoding in ("utf-16",) if marked else ("utf-8-sig", "gb18030"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\x00" not in text:
            return text
    raise _refused(file, "neither a workbook nor text")


def _refused(file: Path, why: str) -> KehuError:
    return KehuError(f"{file.name}: {why}; nothing of it was taken", ExitCode.REJECTED)
