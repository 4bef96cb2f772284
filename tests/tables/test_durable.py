"""Everything a commit names is flushed before the ledger may say so; counted at the one place that flushes."""

from __future__ import annotations

import os

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from tables import durable
from tables.checksums import differs, sidecar
from tables.durable import LOG, commits, keep_only, newest_commit, newest_version, sync_since


@pytest.fixture
def flushed(monkeypatch) -> list[str]:
    """Names of the files and directories that were flushed, in order."""
    seen: list[str] = []
    real = os.fsync
    monkeypatch.setattr(durable.os, "fsync", lambda handle: (seen.append(os.readlink(f"/proc/self/fd/{handle}")), real(handle)))
    return seen


def days(table, *values: int):
    write_deltalake(table, pa.table({"day": [str(value) for value in values], "n": list(values)}), mode="append",
                    partition_by=["day"])


def test_files_are_flushed_before_the_commit_that_names_them_and_directories_last(tmp_path, flushed):
    table = tmp_path / "lake" / "runs"
    days(table, 1)
    days(table, 2, 3)
    sync_since(table, 0)
    commit = str(newest_commit(table))
    parquet = [path for path in flushed if path.endswith(".parquet")]
    assert len(parquet) == 2
    assert max(flushed.index(path) for path in parquet) < flushed.index(commit)
    directories = {str(table.parent), str(table), str(table / LOG), str(table / "day=2"), str(table / "day=3")}
    assert set(flushed[flushed.index(commit) + 1:]) == directories
    assert str(commits(table)[0]) not in flushed
    assert differs(newest_commit(table)) is False, "delta-rs writes none: a flipped bit in its commits would have no name"
    assert flushed.index(str(sidecar(newest_commit(table)))) < flushed.index(commit)


def test_a_checkpoint_is_flushed_as_well_and_tells_the_version_when_it_alone_is_left(tmp_path, flushed):
    table = tmp_path / "runs"
    assert newest_version(table) == durable.NOTHING
    days(table, 1)
    days(table, 2)
    DeltaTable(table).create_checkpoint()
    sync_since(table, -1)
    assert any(path.endswith(".checkpoint.parquet") for path in flushed)
    for commit in commits(table):
        commit.unlink()
    assert newest_commit(table) is None
    assert newest_version(table) == 1


def test_only_live_files_and_the_newest_log_are_kept(tmp_path):
    table = tmp_path / "runs"
    days(table, 1, 2)
    DeltaTable(table).delete("n = 1")
    (table / "day=2" / "left-over.parquet").touch()
    found = DeltaTable(table)
    found.create_checkpoint()
    keep_only(table, found.file_uris(), 1)
    assert DeltaTable(table).to_pyarrow_table()["n"].to_pylist() == [2]
    assert len([*table.rglob("day=*/*")]) == 1
    assert [commit.stem for commit in commits(table)] == [f"{1:020}"]

    with pytest.raises(FileNotFoundError, match="1 live file"):
        keep_only(table, [*found.file_uris(), str(tmp_path / "elsewhere")], 1)
