"""A thousand calls handed out, filled in, saved again by LibreOffice in its ways, and read back: none lost, none misassigned."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import openpyxl
import pytest

from conf import Settings
from conf.codes import CAUSES, OUTCOMES
from tests.literal_worklist import literal_worklist
from tests.worklists.office import converted
from worklists.columns import COLUMNS
from worklists.csv_file import worklist_csv
from worklists.returned import read_returned
from worklists.worklist import Worklist
from worklists.xlsx import HEADER_ROWS, worklist_xlsx

CALLS = 1000
NOTES = ("", "=1+1 he said", "after six", "Li \"Lee\"; wants, a call", "下周再联系", "0012", "1E5", "2026-12-01")
CALLS_ONLY = 'csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,false,false,false,2'  # UTF-8, the second sheet


@pytest.fixture(scope="module")
def handed_out() -> Worklist:
    shown = literal_worklist().calls
    return replace(literal_worklist(), calls=tuple(
        replace(shown[n % 6], alert_id=f"AL-{n:012d}-C".replace("0", "Z"), place=n + 1) for n in range(CALLS)))


@pytest.fixture(scope="module")
def filled(handed_out: Worklist, settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, tuple[str, ...]]]:
    """The workbook with an answer on every call, in the words of the drop-downs; and what was answered."""
    file = tmp_path_factory.mktemp("filled") / "RM-017.xlsx"
    file.write_bytes(worklist_xlsx(handed_out, settings))
    book, words = openpyxl.load_workbook(file), settings.wording["en"].worklist
    answers = {}
    for number, call in enumerate(handed_out.calls):
        outcome, cause, note = OUTCOMES[number % 6], CAUSES[number % 13], NOTES[number % 8]
        row = number + HEADER_ROWS + 1
        for column, value in (("outcome", words[f"outcome_{outcome}"]), ("cause", words[f"cause_{cause}"]), ("note", note or None)):
            cell = book["Calls"].cell(row, COLUMNS.index(column) + 1, value)
            cell.data_type = "s" if value else "n"  # typed as text, as into a text cell
        answers[call.alert_id] = (words[f"outcome_{outcome}"], words[f"cause_{cause}"], note)
    book.save(file)
    return file, answers


@pytest.mark.parametrize("way", [("xlsx",), ("ods", "xlsx"), (CALLS_ONLY,)], ids=["xlsx", "ods to xlsx", "csv"])
def test_nothing_is_lost_or_misassigned(filled: tuple[Path, dict[str, tuple[str, ...]]], way: tuple[str, ...], tmp_path: Path) -> None:
    file, answers = filled
    for step, kind in enumerate(way):
        (file,) = converted([file], kind, tmp_path / str(step))
    if not file.exists():  # LibreOffice adds the sheet's name
        (file,) = file.parent.glob("*.csv")

    returned = read_returned(file)

    assert {line["alert_id"]: (line["outcome"], line["cause"], line["note"]) for line in returned} == answers
    assert len(returned) == CALLS


def test_the_csv_comes_back_as_it_was_handed_out(handed_out: Worklist, settings: Settings, tmp_path: Path) -> None:
    file = tmp_path / "RM-017.csv"
    file.write_bytes(worklist_csv(handed_out, settings))

    assert [line["alert_id"] for line in read_returned(file)] == [call.alert_id for call in handed_out.calls]
