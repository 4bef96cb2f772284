"""Worklists as they come back, re-saved in any way; and which of their lines may be taken."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import openpyxl
import pytest

from conf import ExitCode, KehuError, Settings
from tests.literal_worklist import an_id
from worklists.answers import Answered, Outcome, checked, day_of
from worklists.returned import FORMULA, Line, read_returned

HEADER = ("alert_id", "customer_name", "outcome", "cause", "offer_id", "snooze_until", "note", "recorded_at", "relationship_manager_id")
D = date(2026, 6, 15)
NOW = datetime(2026, 6, 20, tzinfo=UTC)
END = datetime(2026, 6, 15, 15, tzinfo=UTC)  # 23:00 in Shanghai


A, B, NEVER_TOLD = an_id("23456789ABCD"), an_id("ZZZZZZZZZZZZ"), an_id("QQQQQQQQQQQQ")
ROWS = [[A, "王 小明", "accepted", "home", "mortgage", "", "gut, sagt er", "", "RM1"], [B, "=SUM(1)", "", "", "", "", "", "", "RM1"]]


def text(delimiter: str = ",", rows: list[list[str]] = ROWS) -> str:
    quoted = [[f'"{cell}"' if delimiter in cell else cell for cell in row] for row in (list(HEADER), *rows)]
    return "\r\n".join(delimiter.join(row) for row in quoted)


def workbook(tmp_path: Path, cells: list[list[object]]) -> Path:
    book = openpyxl.Workbook()
    book.active.append(["Calls for RM1"])
    calls = book.create_sheet("Calls")
    calls.append([f"Label {name}" for name in HEADER])
    calls.append(list(HEADER))
    for row in cells:
        calls.append(row)
    file = tmp_path / "returned.xlsx"
    book.save(file)
    return file


@pytest.mark.parametrize(
    "content",
    [
        text().encode("utf-8-sig"),
        text().encode(),
        text(";").encode("utf-8-sig"),
        ("sep=;\r\n" + text(";")).encode(),
        text("\t").encode("utf-16"),
        text().encode("gb18030"),
        text().replace("\r\n", "\n").replace(A, f"'{A}").encode(),
    ],
    ids=["bom", "plain", "semicolon", "sep", "tab utf-16", "gbk", "quote prefix"],
)
def test_csv_is_read_however_a_spreadsheet_saved_it(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "RM1.csv"
    file.write_bytes(content)
    first, second = read_returned(file)
    assert (first["alert_id"], first["outcome"], first["note"]) == (A, "accepted", "gut, sagt er")
    assert (second["alert_id"], second.answered) == (B, False)


def test_a_workbook_is_read_without_evaluating_anything(tmp_path: Path) -> None:
    until = datetime(2026, 7, 1)
    answered = [A, "x", "snoozed", None, None, until, 12.0, None, "RM1"]
    file = workbook(tmp_path, [answered, [B, "x", "=1+1", None, None, None, None, None, "RM1"]])
    first, second = read_returned(file)
    assert (first.number, first["snooze_until"], first["note"]) == (3, "2026-07-01", "12")
    assert second["outcome"] == FORMULA


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"\xd0\xcf\x11\xe0rest", "old or encrypted workbook"),
        (b"a,b\n1,2\n", "no columns alert_id and outcome"),
        (b"PK\x03\x04 broken", "not a workbook"),
        (b"alert_id,outcome\n" + b"x,y\n" * 50_001, "more than 50,000 rows"),
        (b"", "no columns"),
    ],
)
def test_what_is_no_worklist_is_refused_in_one_line(tmp_path: Path, content: bytes, told: str) -> None:
    file = tmp_path / "RM1.csv"
    file.write_bytes(content)
    with pytest.raises(KehuError, match=told) as refused:
        read_returned(file)
    assert refused.value.code == ExitCode.REJECTED
    assert "\n" not in str(refused.value)


def test_a_bomb_is_never_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("worklists.returned.MAX_UNPACKED", 1 << 20)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as bomb:
        bomb.writestr("xl/worksheets/sheet1.xml", b"0" * (2 << 20))
    file = tmp_path / "RM1.xlsx"
    file.write_bytes(packed.getvalue())
    with pytest.raises(KehuError, match="unpacks to more"):
        read_returned(file)


def line(number: int, alert: str = A, outcome: str = "contacted", **other: str) -> Line:
    return Line(number, {"alert_id": alert, "outcome": outcome, "relationship_manager_id": "RM1"} | other)


ALERTS = {A: Answered(A, D, True, "RM1", frozenset({"RM1", "RM9"})), B: Answered(B, D, True, "branch", frozenset({"branch"})),
          NEVER_TOLD: Answered(NEVER_TOLD, D, False, "RM1", frozenset({"RM1"}))}


def rules(settings: Settings, *lines: Line, history: dict[str, list[Outcome]] | None = None) -> list[tuple[int, str]]:
    found = checked(lines, ALERTS, history or {}, settings, D, NOW)
    return [(finding.line, finding.rule) for finding in found.findings]


def test_each_wrong_line_is_told_with_its_rule(settings: Settings) -> None:
    wrong = A[:-1] + ("2" if A[-1] != "2" else "3")
    assert rules(
        settings,
        line(2, wrong),
        line(3, an_id("ABCDEFGHJKMN")),
        line(4, NEVER_TOLD),
        line(5, relationship_manager_id="RM2"),
        line(6, outcome="maybe"),
        line(7, cause="because"),
        line(8, offer_id="moon_loan"),
        line(9, outcome="snoozed"),
        line(10, outcome="snoozed", snooze_until="01/02/2026"),
        line(11, outcome=FORMULA),
        line(12, recorded_at="2026-07-01T00:00:00"),
    ) == [
        (2, "OUTCOME_ID"), (3, "OUTCOME_ID"), (4, "OUTCOME_ID"), (5, "OUTCOME_NOT_OWNER"), (6, "OUTCOME_UNKNOWN"),
        (7, "OUTCOME_UNKNOWN"), (8, "OUTCOME_UNKNOWN"), (9, "OUTCOME_UNKNOWN"), (10, "OUTCOME_UNKNOWN"),
        (11, "OUTCOME_UNKNOWN"), (12, "OUTCOME_UNKNOWN"),
    ]  # fmt: skip


def test_lines_that_contradict_each_other_or_the_record(settings: Settings) -> None:
    early, late = "2026-06-16T09:00:00+08:00", "2026-06-16T15:00:00+08:00"
    assert rules(settings, line(2), line(3, outcome="declined")) == [(2, "OUTCOME_CONFLICT"), (3, "OUTCOME_CONFLICT")]
    assert rules(settings, line(2, recorded_at=early), line(3, outcome="declined", recorded_at=late)) == []
    on_record = checked([line(2, recorded_at=late)], ALERTS, {}, settings, D, NOW).accepted
    history = {A: list(on_record)}
    assert rules(settings, line(2, outcome="declined", recorded_at=early), history=history) == [(2, "OUTCOME_OLDER")]
    assert rules(settings, line(2, outcome="declined", recorded_at=late), history=history) == [(2, "OUTCOME_CONFLICT")]
    assert rules(settings, line(2, outcome="declined"), history=history) == [(2, "OUTCOME_OLDER")]  # undated, of an older file


def test_sound_lines_become_outcomes(settings: Settings) -> None:
    lines = [
        line(2, f" {A.lower()} ", "Accepted", cause="HOME", offer_id="Mortgage", note="x" * 3000),
        line(3, B, "snoozed", snooze_until="2026/7/1", relationship_manager_id=""),
        Line(4, {"alert_id": A}),
    ]
    found = checked(lines, ALERTS, {}, settings, D, NOW)
    assert (found.findings, found.empty, found.repeated) == ((), 1, 0)
    first, second = found.accepted
    assert replace(first, note=None) == Outcome(A, END, "RM1", "accepted", "home", "mortgage", None, None)
    assert len(first.note or "") == 2000
    assert second == Outcome(B, END, "branch", "snoozed", None, None, date(2026, 7, 1), None)


def test_the_same_file_again_is_known_and_a_correction_of_the_day_is_taken(settings: Settings) -> None:
    first = checked([line(2)], ALERTS, {}, settings, D, NOW).accepted
    again = checked([line(2)], ALERTS, {A: list(first)}, settings, D, NOW)
    assert (again.accepted, again.repeated) == ((), 1)
    corrected = checked([line(2, outcome="accepted")], ALERTS, {A: list(first)}, settings, D, NOW).accepted
    assert corrected[0].recorded_at == END + timedelta(seconds=1)
    old_copy = checked([line(2)], ALERTS, {A: [*first, *corrected]}, settings, D, NOW)
    assert (old_copy.accepted, old_copy.findings, old_copy.repeated) == ((), (), 1)


def test_the_day_of_a_file_is_in_its_path() -> None:
    assert day_of("2026-06-14/RM1.xlsx", D) == date(2026, 6, 14)
    assert day_of("kehu RM1 2026-06-13 (2).csv", D) == date(2026, 6, 13)
    assert day_of("2026-06-16/RM1.xlsx", D) == D  # a day to come
    assert day_of("2026-99-99.csv", D) == D
