"""Nothing invisible reaches a reader, and nothing is evaluated by a spreadsheet."""

from __future__ import annotations

import pytest

from worklists.safe_text import csv_safe, starts_formula, visible

FORMULAS = (
    "=1+1", "+1+1", "-1+1", "@SUM(1+1)", "\t=1+1", "\r=1+1", "\n=1+1", " =1+1", "\ufeff=1+1", "\x00=1+1", "＝1+1", "＋1", "－1", "＠SUM(1)",
    "=cmd|' /C calc'!A0", "|cmd", "%0A=1", '=HYPERLINK("http://x.test","y")', "=DDE(\"cmd\";\"/C calc\";\"x\")", "  @SUM(A1)", "\u3000=1",
)


@pytest.mark.parametrize("text", FORMULAS)
def test_a_cell_that_could_be_a_formula_gets_a_quote(text: str) -> None:
    assert starts_formula(text)
    assert csv_safe(text).startswith(("'", "[U+"))


@pytest.mark.parametrize("text", ["Zhang Wei", "480,000 CNY went out", "a = b", "AL-7K3FQ2M9-C", "O'Neil", "", "5 - 3"])
def test_plain_text_stays_as_it_is(text: str) -> None:
    assert csv_safe(text) == text


def test_no_formula_starts_after_a_separator_of_another_locale() -> None:
    assert csv_safe("x;=1+1") == "x;'=1+1"
    assert csv_safe('x"\t=1+1') == "x\" =1+1"  # a tab becomes a space
    assert csv_safe("paid; -20 left") == "paid; '-20 left"
    assert csv_safe("paid, -20 left") == "paid, -20 left"  # a comma in a cell is quoted, and splits nothing else


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Li\u200b Na", "Li[U+200B] Na"),
        ("pdf.\u202eexe", "pdf.[U+202E]exe"),
        ("a\u2066b\u2069", "a[U+2066]b[U+2069]"),
        ("bell\x07", "bell[U+0007]"),
        ("two\r\nlines", "two lines"),
        ("张\u3000伟", "张 伟"),
        ("José 😀", "José 😀"),
    ],
)
def test_what_cannot_be_seen_is_shown_as_its_code(text: str, shown: str) -> None:
    assert visible(text) == shown
