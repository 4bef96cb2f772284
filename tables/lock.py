"""One lake, one writer: an OS lock beside the tables.

Delta on a local disk does not protect two processes from each other (its log store only checks and renames), so every
command that writes holds this lock. The kernel frees it when the holder dies, however it dies.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from conf import ExitCode, KehuError

NAME = ".lock"


@contextmanager
def exclusive(lake: Path, what: str) -> Iterator[None]:
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
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise KehuError(f"the lake {lake} is held by {_holder(handle)}; try again later", ExitCode.BUSY) from None
        os.ftruncate(handle, 0)
        os.pwrite(handle, json.dumps({"pid": os.getpid(), "what": what}).encode(), 0)
        yield
    finally:
        os.close(handle)


def _holder(handle: int) -> str:
    try:
        owner = json.loads(os.pread(handle, 4096, 0))
        return f"`kehu {owner['what']}` (process {owner['pid']})"
    except (ValueError, KeyError, TypeError):
        return "another process"
