"""The worklist as a workbook: a summary to print, the calls to work through and send back, the evidence behind them."""

from __future__ import annotations

import io
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import xlsxwriter

from conf.codes import CAUSES, OUTCOMES
from conf.settings import Settings
from worklists.columns import ANSWERS, COLUMNS, DATES, NUMBERS, Cell, cells
from worklists.figures import day as told_day
from worklists.safe_text import LONGEST_CELL, starts_formula, visible
from worklists.worklist import Call, Worklist

HEADER_ROWS = 2  # what people read, then the names by which a returned file is read
FROZEN_COLUMNS = COLUMNS.index("customer_name") + 1
SPARE_ROWS = 50  # below the calls, still with their drop-downs
LONGEST_LIST = 255  # characters of a drop-down's list
NEVER_EVALUATED = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False, "in_memory": True}
WIDTHS = {
    "alert_id": 21, "priority": 8, "due_by": 12, "customer_id": 13, "customer_name": 20, "type": 18, "headline": 38, "reason": 62,
    "outcome": 14, "cause": 20, "offer_id": 22, "snooze_until": 13, "note": 36, "relationship_manager_id": 14,
    **{f"offer_{n}{part}": width for n in (1, 2, 3) for part, width in (("", 24), ("_expected_value", 11), ("_reason", 44))},
}
INK, ACCENT, PALE, LINE, HOT = "#1B2530", "#0D5C63", "#E3F0EF", "#D5DAD8", "#B3390F"


def worklist_xlsx(worklist: Worklist, settings: Settings) -> bytes:
    """An RM's day as XLSX.

    Text is always written as text: a cell that looks like a formula also carries the quote prefix, so that editing it does
    not turn it into one. The file is the same, byte for byte, for the same worklist and settings.
    """
    target = io.BytesIO()
    book = xlsxwriter.Workbook(target, NEVER_EVALUATED)
    book.set_properties({"title": "Kehu worklist", "created": datetime(worklist.day.year, worklist.day.month, worklist.day.day)})
    sheets = _Sheets(book, worklist, settings)
    sheets.summary()
    sheets.calls()
    sheets.evidence()
    if worklist.ahead:
        sheets.ahead()
    book.close()
    return target.getvalue()


class _Sheets:
    """The sheets of one workbook, with the formats they share."""

    def __init__(self, book: Any, worklist: Worklist, settings: Settings) -> None:
        self.book, self.worklist, self.settings = book, worklist, settings
        self.language = settings.bank.language
        self.words = settings.wording[self.language].worklist
        self._formats: dict[tuple[Any, ...], Any] = {}

    def summary(self) -> None:
        """One printed page: how much there is, in which order, and how to hand it back."""
        words, sheet = self.words, self._sheet("sheet_summary", landscape=False)
        sheet.hide_gridlines(2)
        for column, width in enumerate((5, 24, 58, 14, 20)):
            sheet.set_column(column, column, width)
        self._text(sheet, 0, 0, words["calls_of"].format(rm=self.worklist.holder), bold=True, font_size=18)
        self._text(sheet, 1, 0, f"{self.settings.bank.name} · {told_day(self.worklist.day, self.language)}", font_color="#5A6672")
        urgent = sum(call.urgent(self.worklist.day) for call in self.worklist.above)
        counts = ((len(self.worklist.above), "to_call"), (urgent, "urgent_ones"), (len(self.worklist.below), "below_line_short"),
                  (self.worklist.waiting, "waiting_short"))
        told = " · ".join(f"{count} {words[word]}" for count, word in counts if count or word == "to_call")
        self._text(sheet, 2, 0, told, bold=True, font_color=ACCENT)
        head = {"bold": True, "bg_color": ACCENT, "font_color": "#FFFFFF", "valign": "vcenter"}
        for column, word in enumerate(("", "column_customer_name", "column_headline", "column_due_by", "column_type")):
            self._text(sheet, 4, column, words[word] if word else "", **head)
        for row, call in enumerate(self.worklist.calls, 5):
            self._summary_row(sheet, row, call)
        after = 6 + len(self.worklist.calls)
        for row, line in enumerate(words["hand_back"].splitlines(), after):
            self._text(sheet, row, 0, line, font_color="#5A6672")
        sheet.print_area(0, 0, after + 4, 4)

    def _summary_row(self, sheet: Any, row: int, call: Call) -> None:
        look = {"border": 1, "border_color": LINE, "valign": "top", "font_color": INK if call.above_line else "#7A8590"}
        due = look | ({"font_color": HOT, "bold": True} if call.urgent(self.worklist.day) else {})
        sheet.write_number(row, 0, call.place, self._format(**look))
        self._text(sheet, row, 1, call.customer.name, **look, bold=True)
        self._text(sheet, row, 2, call.headline, **look, text_wrap=True)
        sheet.write_datetime(row, 3, _moment(call.due_by), self._format(**due, num_format="yyyy-mm-dd", align="left"))
        self._text(sheet, row, 4, self.words.get(f"type_{call.type}", call.type), **look)

    def calls(self) -> None:
        """The calls in order, with drop-downs for what comes back."""
        words, sheet, count = self.words, self._sheet("sheet_calls"), len(self.worklist.calls)
        for index, column in enumerate(COLUMNS):
            returned = column in ANSWERS
            sheet.set_column(index, index, WIDTHS[column])
            self._text(sheet, 0, index, words[f"column_{column}"], bold=True, font_color="#FFFFFF", text_wrap=True, valign="top",
                       bg_color=ACCENT if returned else INK, border=1, border_color="#FFFFFF")
            self._text(sheet, 1, index, column, font_size=8, font_color="#7A8590", bg_color=PALE if returned else "#F4F5F3")
        sheet.set_row(0, 32)
        for row, call in enumerate(self.worklist.calls, HEADER_ROWS):
            values = cells(call, self.worklist, self.settings)
            for index, column in enumerate(COLUMNS):
                self._cell(sheet, row, index, column, values[column], call)
        last = HEADER_ROWS + max(count, 1) - 1
        self._drop_downs(sheet, last + SPARE_ROWS)
        for row, call in enumerate(self.worklist.calls, HEADER_ROWS):
            if call.offers:
                self._choices(sheet, row, row, "offer_id", {offer.offer_id: offer.name for offer in call.offers})
        sheet.autofilter(1, 0, last, len(COLUMNS) - 1)
        sheet.freeze_panes(HEADER_ROWS, FROZEN_COLUMNS)
        sheet.repeat_rows(0, 1)
        sheet.print_area(0, 0, last, COLUMNS.index("note"))  # offers are for the screen
        sheet.activate()

    def _drop_downs(self, sheet: Any, last: int) -> None:
        for column, codes in (("outcome", OUTCOMES), ("cause", CAUSES)):
            self._choices(sheet, HEADER_ROWS, last, column, {code: self.words.get(f"{column}_{code}", code) for code in codes})
        index = COLUMNS.index("snooze_until")
        sheet.data_validation(HEADER_ROWS, index, last, index, {
            "validate": "date", "criteria": ">", "value": self.worklist.day, "ignore_blank": True,
            "error_title": self.words["column_snooze_until"], "error_message": self.words["snooze_hint"]})

    def _choices(self, sheet: Any, first: int, last: int, column: str, labels: Mapping[str, str]) -> None:
        """A drop-down of words; of their codes where the words do not fit into a list. Either is understood when it comes back."""
        for choices in (list(labels.values()), list(labels)):
            if len(",".join(choices)) <= LONGEST_LIST and not any("," in choice for choice in choices):
                index = COLUMNS.index(column)
                sheet.data_validation(first, index, last, index, {"validate": "list", "source": choices, "ignore_blank": True})
                return

    def evidence(self) -> None:
        """The rows and numbers behind each call."""
        words, sheet = self.words, self._sheet("sheet_evidence")
        columns = ("alert", "column_customer_name", "date", "what", "amount", "reference")
        for index, (word, width) in enumerate(zip(columns, (21, 20, 12, 62, 16, 26), strict=True)):
            sheet.set_column(index, index, width)
            align = "right" if word == "amount" else "left"
            self._text(sheet, 0, index, words[word], bold=True, font_color="#FFFFFF", bg_color=INK, align=align)
        row = 1
        for call in self.worklist.calls:
            for item in call.evidence:
                told = item.note or words.get(f"evidence_{item.kind}", item.kind)
                self._text(sheet, row, 0, call.alert_id)
                self._text(sheet, row, 1, call.customer.name)
                self._value(sheet, row, 2, item.business_date, num_format="yyyy-mm-dd", align="left")
                self._text(sheet, row, 3, told, text_wrap=True, valign="top")
                self._value(sheet, row, 4, item.amount, num_format="#,##0.00")
                self._text(sheet, row, 5, item.ref or "")
                row += 1
        sheet.freeze_panes(1, 0)
        sheet.autofilter(0, 0, max(row - 1, 1), len(columns) - 1)
        sheet.repeat_rows(0)

    def ahead(self) -> None:
        """What is coming up in the book."""
        words, sheet = self.words, self._sheet("coming_up")
        columns = (("date", 12), ("what", 34), ("column_customer_name", 24), ("column_customer_id", 16), ("rate", 10), ("amount", 16))
        for index, (word, width) in enumerate(columns):
            sheet.set_column(index, index, width)
            self._text(sheet, 0, index, words[word], bold=True, font_color="#FFFFFF", bg_color=INK)
        for row, item in enumerate(self.worklist.ahead, 1):
            self._value(sheet, row, 0, item.due_on, num_format="yyyy-mm-dd", align="left")
            self._text(sheet, row, 1, words[f"ahead_{item.kind}"])
            self._text(sheet, row, 2, item.name)
            self._text(sheet, row, 3, item.customer_id)
            self._value(sheet, row, 4, item.interest_rate, num_format="0.00%")
            self._value(sheet, row, 5, item.amount, num_format=f'#,##0 "{item.currency or self.settings.bank.base_currency}"')
        sheet.freeze_panes(1, 0)
        sheet.autofilter(0, 0, len(self.worklist.ahead), len(columns) - 1)

    def _cell(self, sheet: Any, row: int, index: int, column: str, value: Cell, call: Call) -> None:
        look: dict[str, Any] = {"valign": "top", "border": 1, "border_color": LINE, "text_wrap": True}
        if column in ANSWERS:
            look |= {"bg_color": PALE}
        elif not call.above_line:
            look |= {"font_color": "#7A8590"}
        if column == "due_by" and call.urgent(self.worklist.day):
            look |= {"font_color": HOT, "bold": True}
        if column == "customer_name":
            look |= {"bold": True}
        if column in DATES:
            look |= {"num_format": "yyyy-mm-dd", "align": "left"}
        elif column in NUMBERS:
            look |= {"num_format": "#,##0"}
        elif column in ("alert_id", "customer_id", "offer_id", "note"):
            look |= {"num_format": "@"}
        self._value(sheet, row, index, value, **look)

    def _sheet(self, name: str, landscape: bool = True) -> Any:
        sheet = self.book.add_worksheet(self.words[name])
        sheet.set_paper(9)
        if landscape:
            sheet.set_landscape()
        sheet.fit_to_pages(1, 0)
        sheet.set_margins(0.4, 0.4, 0.6, 0.6)
        sheet.set_footer(f"&L{visible(self.worklist.holder)[:60].replace('&', '&&')}&C{self.worklist.day.isoformat()}&R&P / &N")
        return sheet

    def _value(self, sheet: Any, row: int, column: int, value: Cell, **look: Any) -> None:
        if isinstance(value, str):
            self._text(sheet, row, column, value, **look)
        elif isinstance(value, date):
            sheet.write_datetime(row, column, _moment(value), self._format(**look))
        elif isinstance(value, (int, float, Decimal)):
            sheet.write_number(row, column, float(value), self._format(**look))
        else:
            sheet.write_blank(row, column, None, self._format(**look))

    def _text(self, sheet: Any, row: int, column: int, text: str, **look: Any) -> None:
        shown = visible(text)[:LONGEST_CELL]
        if starts_formula(shown):
            look |= {"quote_prefix": True}
        sheet.write_string(row, column, shown, self._format(**look))

    def _format(self, **look: Any) -> Any:
        key = tuple(sorted(look.items()))
        if key not in self._formats:
            self._formats[key] = self.book.add_format({"font_name": "Arial", "font_size": 10, **look})
        return self._formats[key]


def _moment(value: date) -> datetime:
    return datetime(value.year, value.month, value.day)
