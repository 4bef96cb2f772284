"""A day's files appear all at once, or not at all: written aside, flushed, counted, then renamed into place."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from conf import ExitCode, KehuError

MANIFEST = "manifest.json"
DIRECTORY_MODE, FILE_MODE = 0o750, 0o640
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


def file_stem(holder: str) -> str:
    """A file name for whoever a worklist is for; one that is not plain letters, digits, dots and dashes becomes a hash.

    Two holders never share a name, and none leads out of the directory.
    """
    return holder if _PLAIN.fullmatch(holder) else f"_{hashlib.sha256(holder.encode()).hexdigest()}"


def publish(target: Path, files: Mapping[str, bytes], told: Mapping[str, Any]) -> None:
    """Put files and their manifest at `target`, replacing what an earlier run of the same day put there.

    Parameters
    ----------
    target : directory of the day
    files : name -> content; a name may lie in a directory of the day's
    told : what the manifest says besides each file's name, size and hash

    Raises
    ------
    KehuError
        CHECK_FAILED when what lies on the disk is not what was to be written.
    """
    target.parent.mkdir(parents=True, exist_ok=True, mode=DIRECTORY_MODE)
    aside, former = target.with_name(f".{target.name}.new"), target.with_name(f".{target.name}.old")
    for left_over in (aside, former):
        if left_over.exists():
            shutil.rmtree(left_over)
    aside.mkdir(mode=DIRECTORY_MODE)
    os.chmod(aside, DIRECTORY_MODE)
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in sorted(files.items())}
    listed = [{"name": name, "bytes": len(files[name]), "sha256": digest} for name, digest in hashes.items()]
    manifest = json.dumps({**told, "files": listed}, ensure_ascii=False, indent=1, sort_keys=True).encode() + b"\n"
    for folder in sorted({Path(name).parent for name in files} - {Path()}):
        (aside / folder).mkdir(mode=DIRECTORY_MODE)
        os.chmod(aside / folder, DIRECTORY_MODE)
    for name, content in ({**files, MANIFEST: manifest}).items():
        _write(aside / name, content)
    for name, digest in hashes.items():
        if hashlib.sha256((aside / name).read_bytes()).hexdigest() != digest:
            raise KehuError(f"worklist file {name} is not what was written; check the disk", ExitCode.CHECK_FAILED)
    for folder in (*(entry for entry in aside.iterdir() if entry.is_dir()), aside):
        _sync(folder)
    if target.exists():
        os.rename(target, former)
    os.rename(aside, target)
    _sync(target.parent)
    if former.exists():
        shutil.rmtree(former)


def _write(path: Path, content: bytes) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, FILE_MODE)
    with os.fdopen(handle, "wb") as file:
        os.fchmod(file.fileno(), FILE_MODE)
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
