"""The worklist as CSV: UTF-8 with a byte order mark, so that spreadsheets read names right; no cell is ever a formula."""

from __future__ import annotations

import csv
import io
from datetime import date

from conf.settings import Settings
from worklists.columns import COLUMNS, Cell, cells
from worklists.safe_text import csv_safe
from worklists.worklist import Worklist


def worklist_csv(worklist: Worklist, settings: Settings) -> bytes:
    """An RM's calls, one a line, machine names in the header."""
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_MINIMAL, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for call in worklist.calls:
        row = cells(call, worklist, settings)
        writer.writerow([_written(row[column]) for column in COLUMNS])
    return ("\ufeff" + text.getvalue()).encode()


def _written(value: Cell) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return csv_safe(value)
    return value.isoformat() if isinstance(value, date) else f"{round(value, 2)}"
