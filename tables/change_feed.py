"""What a table's change feed still tells of its past. Reads without Spark."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tables.durable import actions, commits, file_of


def changes(table: Path) -> Iterator[dict[str, Any]]:
    """Every row that came, became or went, oldest commit first, with `_change_type` and `_commit_version`; as far back as it is kept."""
    import pyarrow as pa
    from deltalake import DeltaTable

    feed = DeltaTable(table).load_cdf(starting_version=_oldest_readable(table), allow_out_of_range=True)
    rows = [row for batch in feed for row in pa.record_batch(batch).to_pylist()]
    told = ("insert", "update_postimage", "delete")
    yield from sorted((row for row in rows if row["_change_type"] in told), key=lambda row: row["_commit_version"])


def _oldest_readable(table: Path) -> int:
    """The oldest version from which on every file of the change feed is still there: `kehu maintain` removes old ones."""
    oldest = 0
    for commit in reversed(commits(table)):
        written = list(actions(commit))
        files = [action for action in written if "cdc" in action] or [action for action in written if "add" in action]
        if not all(file_of(table, action.get("cdc") or action["add"]).exists() for action in files):
            break
        oldest = int(commit.stem)
    return oldest
