"""Makes a Delta commit survive a power loss: Delta's local commit path never calls fsync, so the product does."""

from __future__ import annotations

import json
import os
from pathlib import Path
from urllib.parse import unquote

LOG = "_delta_log"


def newest_commit(table: Path) -> Path | None:
    """The commit file of a table's newest version, or None where there is no table."""
    commits = [entry for entry in (table / LOG).glob("*.json") if entry.stem.isdigit()]
    return max(commits, default=None, key=lambda entry: entry.name)


def sync_newest(table: Path) -> None:
    """Flush the files of the newest commit, then the commit, then their directories, to the disk."""
    commit = newest_commit(table)
    if commit is None:
        return
    directories = {commit.parent, table}
    for line in commit.read_text(encoding="utf-8").splitlines():
        added = json.loads(line).get("add") or json.loads(line).get("cdc")
        if added:
            file = table / unquote(added["path"])
            _sync(file)
            directories.add(file.parent)
    _sync(commit)
    for directory in directories:
        _sync(directory)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
