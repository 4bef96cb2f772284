"""The workbook, read back by another library: sheets, drop-downs, types, and no cell that is a formula."""

from __future__ import annotations

import io
import zipfile
from datetime import datetime
from typing import Any

import openpyxl
import pytest

from conf import Settings
from conf.codes import CAUSES
from tests.literal_worklist import literal_worklist
from worklists.columns import COLUMNS
from worklists.xlsx import worklist_xlsx


@pytest.fixture(scope="module")
def book(settings: Settings) -> Any:
    return openpyxl.load_workbook(io.BytesIO(worklist_xlsx(literal_worklist(), settings)))


def test_a_summary_the_calls_and_the_evidence(book: Any) -> None:
    assert book.sheetnames == ["Summary", "Calls", "Evidence", "Coming up"]
    assert book.active.title == "Calls"
    summary = [[cell.value for cell in row] for row in book["Summary"]]
    assert summary[0][0] == "Calls for RM-017"
    assert summary[2][0] == "4 to call · 2 today · 2 if there is time · 3 waiting"
    assert summary[5][:4] == [1, "Zhang Wei", "480,000 CNY went out by mobile app: 34 times the usual", datetime(2026, 11, 26)]
    assert [row[0].value for row in book["Evidence"].iter_rows(min_row=2)].count("AL-3B4N6M8V-R") == 0  # a life event


def test_the_calls_carry_what_people_and_what_programs_call_the_columns(book: Any) -> None:
    labels, names, first = ([cell.value for cell in row] for row in book["Calls"].iter_rows(max_row=3))

    assert names == list(COLUMNS)
    assert labels[:3] == ["Alert", "Priority", "Call by"]
    told = dict(zip(names, first, strict=True))
    assert (told["alert_id"], told["priority"], told["due_by"]) == ("AL-7K3FQ2M9-C", 91, datetime(2026, 11, 26))
    assert (told["offer_1"], told["offer_1_expected_value"]) == ("Mortgage", 2140)
    assert (told["outcome"], told["note"]) == (None, None)
    assert (book["Calls"].freeze_panes, book["Calls"].auto_filter.ref) == ("F3", "A2:W8")
    assert book["Calls"].print_title_rows == "$1:$2"


def test_outcome_and_cause_are_chosen_from_lists(book: Any) -> None:
    offered = {str(rule.sqref): rule.formula1 for rule in book["Calls"].data_validations.dataValidation}

    assert offered["I3:I58"] == '"Contacted,Not reached,Accepted,Declined,False alarm,Later"'
    assert offered["J3:J58"].count(",") == len(CAUSES) - 1
    assert offered["K3"] == '"Mortgage,Time deposit with a renewal rate,Wealth advisory"'


def test_nothing_from_outside_is_a_formula_or_a_link(settings: Settings) -> None:
    attack = '=HYPERLINK("http://x.test","pay")'
    attacked = literal_worklist(
        names={"C000101": attack}, headline="{=1+1}", reason="http://x.test/a",
        evidence=[{"kind": "=1", "ref": "@SUM(1)", "business_date": None, "amount": None, "note": "+1"}])
    content = worklist_xlsx(attacked, settings)

    sheets = [name for name in zipfile.ZipFile(io.BytesIO(content)).namelist() if name.startswith("xl/worksheets/")]
    xml = "".join(zipfile.ZipFile(io.BytesIO(content)).read(name).decode() for name in sheets)
    assert "<f>" not in xml
    assert "hyperlink" not in xml
    assert not [name for name in sheets if "rels" in name]
    name = openpyxl.load_workbook(io.BytesIO(content))["Calls"]["E3"]
    assert (name.value, name.data_type, name.quotePrefix) == (attack, "s", True)


def test_the_same_worklist_is_the_same_file(settings: Settings) -> None:
    assert worklist_xlsx(literal_worklist(), settings) == worklist_xlsx(literal_worklist(), settings)


def test_in_chinese(settings: Settings) -> None:
    chinese = settings.model_copy(update={"bank": settings.bank.model_copy(update={"language": "zh"})})

    book = openpyxl.load_workbook(io.BytesIO(worklist_xlsx(literal_worklist(), chinese)))

    assert book.sheetnames == ["概览", "联系清单", "依据", "近期到期"]
    assert [cell.value for cell in book["联系清单"][2]] == list(COLUMNS)
