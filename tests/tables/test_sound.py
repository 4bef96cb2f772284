"""A lake that lost a commit, or in which someone else wrote, is refused before anything is written."""

from __future__ import annotations

import pyarrow as pa
import pytest
from deltalake import CommitProperties, write_deltalake

from conf import ExitCode, KehuError
from tables.durable import newest_commit
from tables.sound import require_sound

OURS = CommitProperties(custom_metadata={"userMetadata": "detect-2024-01-01-test"})


@pytest.fixture
def lake(tmp_path):
    """A table at version 2, all of it ours."""
    for n in range(3):
        write_deltalake(tmp_path / "runs", pa.table({"n": [n]}), mode="append", commit_properties=OURS)
    return tmp_path


def refused(lake, recorded: dict[str, int]) -> str:
    with pytest.raises(KehuError) as error:
        require_sound(lake, recorded)
    assert error.value.code == ExitCode.CHECK_FAILED
    assert "run `kehu doctor`" in str(error.value)
    return str(error.value)


def test_a_sound_lake_passes_also_when_a_run_was_killed_before_its_ledger_row(lake):
    for recorded in ({"runs": 2}, {"runs": 1}, {}):
        require_sound(lake, recorded)


def test_an_empty_newest_commit_is_refused(lake):
    """Delta itself reads on as if the commit were not there, and builds on top."""
    newest_commit(lake / "runs").write_bytes(b"")
    assert "table runs: its newest commit _delta_log/00000000000000000002.json is empty" in refused(lake, {"runs": 2})


def test_a_lost_commit_is_refused(lake):
    newest_commit(lake / "runs").unlink()
    assert "at version 1, the ledger knows 2: commits were lost" in refused(lake, {"runs": 2})
    assert "at version -1, the ledger knows 4" in refused(lake, {"alerts": 4})


def test_a_commit_that_is_not_ours_is_refused(lake):
    write_deltalake(lake / "runs", pa.table({"n": [9]}), mode="append")
    assert "00000000000000000003.json was not written by a run of Kehu" in refused(lake, {"runs": 2})
