"""What is damaged in a table as it lies on the disk, and what mends it. Reads the log and the files, without Spark."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pyarrow.parquet as pq

from tables.checksums import differs, sidecar
from tables.durable import LOG, NOTHING, actions, checkpoints, commits, file_of, live_files, newest_version
from tables.sound import signed

READER_VERSION, WRITER_VERSION = 1, 7  # of the Delta protocol: the newest this code was written for
WRITER_FEATURES = {"appendOnly", "invariants", "checkConstraints", "changeDataFeed"}
RESTORE = "restore the table's directory from a backup, or rebuild the lake from the landing files (docs/operations.md)"


@dataclass(frozen=True)
class Finding:
    """One damage: what, what mends it, and the mend itself where a command can do it."""

    what: str
    mend: str
    repair: Callable[[], None] | None = None


def examined_table(table: Path, recorded: int | None, aside: Path, roll_back: Callable[[], None]) -> Iterator[Finding]:
    """Every damage of one table.

    Parameters
    ----------
    table : path
    recorded : int, optional
        The version the ledger knows; None when it knows none.
    aside : path
        Where damaged files are kept when they are moved out of the way.
    roll_back : callable
        Takes every table back to what the ledger knows: what a killed run would have left.
    """
    if newest_version(table) == NOTHING and recorded is None:
        return
    found = list(_log_damage(table, recorded, aside, roll_back))
    yield from found
    if not found:
        yield from _damage_beyond_the_log(table, recorded, roll_back)


def move_aside(file: Path, aside: Path) -> None:
    """Keep a damaged file out of the way, with its checksum: nothing is deleted."""
    aside.mkdir(parents=True, exist_ok=True)
    for one in (file, sidecar(file)):
        if one.exists():
            shutil.move(one, aside / one.name)


def without_checkpoint(table: Path, checkpoint: Path, aside: Path) -> None:
    """Keep a checkpoint aside, and the pointer to it: readers find the newest whole one themselves."""
    move_aside(checkpoint, aside)
    move_aside(table / LOG / "_last_checkpoint", aside)


def take_back(table: Path, version: int, aside: Path) -> None:
    """Take a table back to a version: later commits and checkpoints are kept aside, as if their run had never been."""
    for file in [*commits(table), *checkpoints(table), *(table / LOG).glob("*.crc")]:
        number = file.name.split(".")[0]
        if number.isdigit() and int(number) > version:
            move_aside(file, aside)
    move_aside(table / LOG / "_last_checkpoint", aside)
    if version == NOTHING and table.exists():
        shutil.move(table, aside / "whole")


def broken_commit(commit: Path) -> str:
    """What is wrong with a commit file, in words; empty when it is whole."""
    if commit.stat().st_size == 0:
        return "empty"
    if not _is_whole(commit):
        return "cut or garbled"
    return "not what was written" if differs(commit) else ""


def _log_damage(table: Path, recorded: int | None, aside: Path, roll_back: Callable[[], None]) -> Iterator[Finding]:
    broken = [checkpoint for checkpoint in checkpoints(table) if _broken_parquet(checkpoint)]
    for checkpoint in broken:
        yield Finding(f"checkpoint {LOG}/{checkpoint.name} is damaged: every read fails",
                      "it is kept aside; the log has all it held", partial(without_checkpoint, table, checkpoint, aside))
    bad = {_version(checkpoint) for checkpoint in broken}  # of several parts, one damaged is enough
    good = max({_version(checkpoint) for checkpoint in checkpoints(table)} - bad, default=NOTHING)
    pointer = table / LOG / "_last_checkpoint"
    if pointer.exists() and (differs(pointer) or not _is_json(pointer)):
        yield Finding(f"{LOG}/_last_checkpoint is damaged", "it is kept aside; Delta finds its checkpoint without it",
                      partial(move_aside, pointer, aside))

    present = {int(commit.stem): commit for commit in commits(table)}
    newest, known = newest_version(table), NOTHING if recorded is None else recorded
    for version in range(good + 1, newest + 1):
        commit = present.get(version)
        if commit is not None and not broken_commit(commit):
            continue
        what = f"commit {LOG}/{version:020}.json is {broken_commit(commit) if commit is not None else 'missing'}"
        if version > known:
            yield Finding(f"{what}; the ledger does not know it yet", "it is taken back, and the next run does its work again",
                          roll_back)
        else:
            yield Finding(what, RESTORE)
    if newest < known:
        yield Finding(f"at version {newest}, the ledger knows {known}: commits were lost", RESTORE)
    for version, commit in present.items():
        if recorded is not None and version > known and not broken_commit(commit) and not signed(commit):
            yield Finding(f"commit {LOG}/{commit.name} was not written by a run of Kehu ({_operation(commit)})",
                          "look at what it did; to take it as wanted, repair", lambda: None)
    for version_file in (table / LOG).glob("[0-9]*.crc"):
        if differs(version_file) or not _is_json(version_file):
            yield Finding(f"{LOG}/{version_file.name} is damaged", "it is kept aside; Delta does without it",
                          partial(move_aside, version_file, aside))


def _damage_beyond_the_log(table: Path, recorded: int | None, roll_back: Callable[[], None]) -> Iterator[Finding]:
    from deltalake import DeltaTable

    try:
        told = DeltaTable(table).protocol()
    except Exception as error:  # whatever a log that is whole JSON, with a bit flipped inside a name, makes the reader raise
        yield Finding(f"its log is whole JSON and cannot be read: {str(error).splitlines()[0]}", RESTORE)
        return
    strange = set(told.writer_features or ()) - WRITER_FEATURES
    if told.min_reader_version > READER_VERSION or told.min_writer_version > WRITER_VERSION or strange:
        yield Finding(f"its protocol is {told.min_reader_version}/{told.min_writer_version} {sorted(strange)}: newer than this Kehu",
                      "update Kehu, or restore the table")
    yield from _data_damage(table, recorded, roll_back)


def _data_damage(table: Path, recorded: int | None, roll_back: Callable[[], None]) -> Iterator[Finding]:
    fresh = _files_after(table, NOTHING if recorded is None else recorded)
    for file, size in live_files(table).items():
        path, damage = file.relative_to(table), _broken_data(file, size)
        if damage and file in fresh:
            yield Finding(f"data file {path} is {damage}; the ledger does not know it yet",
                          "its commit is taken back, and the next run does its work again", roll_back)
        elif damage:
            yield Finding(f"data file {path} is {damage}", RESTORE)


def _files_after(table: Path, version: int) -> set[Path]:
    later = (commit for commit in commits(table) if int(commit.stem) > version)
    return {file_of(table, action["add"]) for commit in later for action in actions(commit) if "add" in action}


def _broken_data(file: Path, size: int) -> str:
    if not file.exists():
        return "missing"
    if file.stat().st_size != size:
        return f"{file.stat().st_size:,} bytes long instead of {size:,}"
    wrong = differs(file)
    if wrong is None:
        wrong = _broken_parquet(file)
    return "not what was written" if wrong else ""


def _broken_parquet(file: Path) -> bool:
    """Whether a Parquet file differs from its checksum or cannot be read to its last page."""
    if differs(file):
        return True
    try:
        opened = pq.ParquetFile(file, page_checksum_verification=True)
        for _ in opened.iter_batches(batch_size=1 << 16):
            pass
    except (OSError, ValueError):  # what pyarrow raises for all that is no Parquet
        return True
    return False


def _version(file: Path) -> int:
    return int(file.name.split(".")[0])


def _is_whole(commit: Path) -> bool:
    try:
        return bool(list(actions(commit)))
    except ValueError:
        return False


def _is_json(file: Path) -> bool:
    try:
        json.loads(file.read_text(encoding="utf-8"))
    except ValueError:
        return False
    return True


def _operation(commit: Path) -> str:
    told = (action["commitInfo"].get("operation", "unknown") for action in actions(commit) if "commitInfo" in action)
    return str(next(told, "unknown"))
