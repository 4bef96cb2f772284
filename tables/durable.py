"""What lies on the disk of a Delta table: its commits, and the fsync that Delta's local commit path never calls."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from tables.checksums import lay_beside, sidecar

LOG = "_delta_log"
NOTHING = -1  # the version of a table that is not there


def commits(table: Path) -> list[Path]:
    """The commit files of a table, oldest first."""
    return sorted(entry for entry in (table / LOG).glob("*.json") if entry.stem.isdigit())


def checkpoints(table: Path) -> list[Path]:
    """The checkpoint files of a table, oldest first; a checkpoint may have several parts."""
    return sorted((table / LOG).glob("*.checkpoint*.parquet"))


def newest_commit(table: Path) -> Path | None:
    """The commit file of a table's newest version, or None where there is no commit."""
    return max(commits(table), default=None)


def newest_version(table: Path) -> int:
    """The newest version of a table; after a log clean-up a checkpoint may be all that tells it. NOTHING without a table."""
    return max((int(entry.name.split(".")[0]) for entry in (*commits(table), *checkpoints(table))), default=NOTHING)


def actions(commit: Path) -> Iterator[dict[str, Any]]:
    """What a commit did, one action a line.

    Raises
    ------
    ValueError
        When a line is not whole.
    """
    for line in commit.read_text(encoding="utf-8").splitlines():
        yield json.loads(line)


def file_of(table: Path, action: dict[str, Any]) -> Path:
    """The data file an `add` or `cdc` action names; paths in the log are URL-encoded."""
    return table / unquote(action["path"])


def append_row(table: Path, row: dict[str, Any], signed: str) -> None:
    """Append one row to a journal without Spark, in a commit signed with a run's id, and flush it to the disk."""
    import pyarrow as pa
    from deltalake import CommitProperties, DeltaTable, write_deltalake

    before = newest_version(table)
    schema = pa.schema(DeltaTable(table).schema().to_arrow())
    by = CommitProperties(custom_metadata={"userMetadata": signed})
    write_deltalake(table, pa.Table.from_pylist([row], schema), mode="append", commit_properties=by)
    sync_since(table, before)


def sync_since(table: Path, version: int) -> None:
    """Flush every commit after `version` to the disk: its files first, then itself, then the directories that name them."""
    directories = {table.parent, table, table / LOG}
    for commit in commits(table):
        if int(commit.stem) <= version:
            continue
        for action in actions(commit):
            added = action.get("add") or action.get("cdc")
            if added:
                file = file_of(table, added)
                _sync(file)
                directories.add(file.parent)
        if not sidecar(commit).exists():
            lay_beside(commit)
        _sync(commit)
    for checkpoint in checkpoints(table):
        if int(checkpoint.name.split(".")[0]) > version:
            _sync(checkpoint)
    for directory in directories:
        _sync(directory)


def keep_only(table: Path, live: Iterable[str | Path], version: int) -> None:
    """Delete every file of a table but its live ones, and the log before a version that a checkpoint stands for.

    Raises
    ------
    FileNotFoundError
        When a live file is not found; nothing is deleted then.
    """
    kept = {Path(file).resolve() for file in live}
    files = [file.resolve() for file in table.rglob("*") if file.is_file()]
    if kept - set(files):
        raise FileNotFoundError(f"{len(kept - set(files))} live file(s) of {table} are missing")
    log = (table / LOG).resolve()
    for file in files:
        of = file.with_name(file.name.removeprefix(".").removesuffix(".crc")) if file.name.startswith(".") else file  # of a checksum
        number = of.name.split(".")[0]
        if (log not in file.parents and of not in kept) or (file.parent == log and number.isdigit() and int(number) < version):
            file.unlink()
    _sync(log)


def live_files(table: Path) -> dict[Path, int]:
    """The data files of a table's newest version, and the size its log gives each."""
    from deltalake import DeltaTable

    added = DeltaTable(table).get_add_actions(flatten=True)
    return {table / unquote(path): size for path, size in zip(added["path"].to_pylist(), added["size_bytes"].to_pylist(), strict=True)}


def data_files(table: Path) -> list[Path]:
    """Every data file that lies in a table's directory, live or not."""
    return [file for file in table.rglob("*.parquet") if LOG not in file.relative_to(table).parts]


def _sync(path: Path) -> None:
    """Flush a file and the checksum that lies beside it. One that is gone was replaced by a later commit and vacuumed."""
    for one in (sidecar(path), path):
        try:
            handle = os.open(one, os.O_RDONLY)
        except FileNotFoundError:
            continue
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
