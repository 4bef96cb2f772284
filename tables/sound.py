"""Whether the tables are what the ledger says: checked before anything is written, without Spark."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from conf import ExitCode, KehuError
from tables import TABLES
from tables.durable import LOG, actions, commits, newest_commit, newest_version


def require_sound(root: Path, recorded: Mapping[str, int]) -> None:
    """Refuse a lake in which a commit was lost or someone else wrote.

    Parameters
    ----------
    root : path
        A local lake.
    recorded : mapping
        Table -> version when the last run ended (`runs.table_versions`).

    Raises
    ------
    KehuError
        CHECK_FAILED, naming the table: an empty newest commit (Delta would read on as if it were not there), a version
        older than the ledger's, or a commit that no run of ours made.
    """
    for name in TABLES:
        for what in unsound(root / name, recorded.get(name)):
            raise KehuError(f"table {name}: {what}; run `kehu doctor`", ExitCode.CHECK_FAILED)


def unsound(table: Path, recorded: int | None) -> Iterator[str]:
    """What is wrong with a table's commits, in words; nothing for a table that was never written.

    Parameters
    ----------
    table : path
    recorded : int, optional
        The version the ledger knows; None when it knows none.
    """
    newest = newest_commit(table)
    if newest is not None and newest.stat().st_size == 0:
        yield f"its newest commit {LOG}/{newest.name} is empty"
        return
    if recorded is None:
        return
    version = newest_version(table)
    if version < recorded:
        yield f"at version {version}, the ledger knows {recorded}: commits were lost"
    for commit in commits(table):
        if int(commit.stem) > recorded and not signed(commit):
            yield f"{LOG}/{commit.name} was not written by a run of Kehu"


def signed(commit: Path) -> bool:
    """Whether a run of ours made the commit; false as well where it cannot be read."""
    try:
        return any("userMetadata" in action.get("commitInfo", {}) for action in actions(commit))
    except ValueError:
        return False
