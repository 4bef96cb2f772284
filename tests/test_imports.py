"""Imports point inwards, only one room writes tables, only one file makes a session, and only the ledger looks at the clock."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = ("conf", "tables", "landing", "expectations", "features", "models", "worklists", "jobs", "simulation")


def lines(pattern: str, *rooms: str) -> set[str]:
    """Files of the rooms in which a line of code matches."""
    wanted = re.compile(pattern)
    return {
        str(file.relative_to(ROOT)) for room in rooms or ROOMS for file in (ROOT / room).rglob("*.py")
        if any(wanted.search(line.split("#")[0]) for line in file.read_text(encoding="utf-8").splitlines())
    }


def test_imports_point_inwards():
    done = subprocess.run([Path(sys.executable).with_name("lint-imports")], capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stdout[-2000:]


@pytest.mark.parametrize("room", ["features", "models", "worklists"])
def test_pure_rooms_neither_read_nor_write_a_table(room):
    assert lines(r"\bDeltaTable\b|\.write\b(?!_)|spark\.read|\.saveAsTable|read_arrow|getOrCreate", room) == set()


def test_only_the_lake_writes_delta_and_only_the_session_is_made_in_one_place():
    assert lines(r"\.format\(\"delta\"\)|DeltaTable\.forPath|\.saveAsTable") <= {"tables/lake.py"}
    assert lines(r"write_deltalake\(|\bDeltaTable\(", *(set(ROOMS) - {"tables"})) <= {"jobs/document.py"}  # an example it prints
    assert lines(r"SparkSession\.builder|builder\.getOrCreate") == {"jobs/session.py"}


def test_nothing_of_the_product_knows_the_worlds_it_is_judged_on():
    assert lines(r"^\s*(from|import) (benchmarks|tests|notebooks)\b") == set()


def test_nothing_random_and_nothing_of_the_clock_gets_into_rows():
    assert lines(r"F\.(rand|randn|uuid|monotonically_increasing_id|current_date|current_timestamp|now)\(") == set()
    assert lines(r"uuid4|random\.random\(") == set()
    assert lines(r"datetime\.(now|today|utcnow)\(|date\.today\(") == {"jobs/ledger.py"}
    assert lines(r"_jvm\b|\.rdd\b") == set()


def test_nothing_of_this_machine_is_in_the_code():
    assert lines(r"/(root|work|home/\w+)/") == set()
