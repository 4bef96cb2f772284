"""One lake, one writer: an OS lock beside the tables.

Delta on a local disk does not protect two processes from each other (its log store only checks and renames), so every
command that writes holds this lock. The kernel frees it when the holder dies, however it dies. The holder's Java may live on
for a moment and finish a commit: who comes next waits for its end.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conf import ExitCode, KehuError

NAME = ".lock"
PATIENCE_SECONDS = 60  # with the Java of a holder that was killed


@dataclass(frozen=True)
class Held:
    """The lock, held."""

    handle: int
    owner: dict[str, Any]

    def with_java(self, pid: int | None) -> None:
        """Note the Java process that writes for the holder."""
        if pid is not None:
            _write(self.handle, {**self.owner, "java": [pid, _started(pid)]})


@contextmanager
def exclusive(lake: Path, what: str) -> Iterator[Held]:
    """Hold the lake for `what` until the block ends.

    Raises
    ------
    KehuError
        BUSY, naming the holder, when another process has it; IO when the directory cannot be written.
    """
    try:
        lake.mkdir(parents=True, exist_ok=True)
        handle = os.open(lake / NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
    except OSError as error:
        raise KehuError(f"cannot write to the lake {lake}: {error.strerror}", ExitCode.IO) from error
    try:
        before = _read(handle)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = f"`kehu {before['what']}` (process {before['pid']})" if before else "another process"
            raise KehuError(f"the lake {lake} is held by {holder}; try again later", ExitCode.BUSY) from None
        left = _read(handle)
        if left.get("pid") != os.getpid():  # our own Java may go on
            _await_end(lake, *left.get("java", (0, None)))
        owner = {"pid": os.getpid(), "what": what}
        _write(handle, owner)
        yield Held(handle, owner)
        _write(handle, owner)  # its Java has ended, or does nothing any more
    finally:
        os.close(handle)


def _await_end(lake: Path, pid: int, started: str | None) -> None:
    """Wait until the Java of a holder that died has ended, too."""
    end = time.monotonic() + PATIENCE_SECONDS
    while started is not None and _started(pid) == started:
        if time.monotonic() > end:
            raise KehuError(f"the lake {lake} was left by a process whose Java ({pid}) still runs; end it", ExitCode.BUSY)
        time.sleep(0.1)


def _started(pid: int) -> str | None:
    """When a process started, in the kernel's ticks: with the id it names the process for good. None when it is gone."""
    try:
        told = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return None
    return None if told[0] == "Z" else told[19]


def _read(handle: int) -> dict[str, Any]:
    try:
        owner = json.loads(os.pread(handle, 4096, 0))
        return owner if {"pid", "what"} <= set(owner) else {}
    except (ValueError, TypeError):
        return {}


def _write(handle: int, owner: dict[str, Any]) -> None:
    os.ftruncate(handle, 0)
    os.pwrite(handle, json.dumps(owner).encode(), 0)
