"""The checksums Hadoop lays beside every file it writes on a local disk: Spark refuses a file that differs, so `doctor` names it."""

from __future__ import annotations

import os
import struct
import zlib
from pathlib import Path

MAGIC = b"crc\0"
CHUNK = 512  # bytes a sum is of, as Hadoop has it


def sidecar(file: Path) -> Path:
    """Where the checksum of a file lies: `.name.crc` in the same directory."""
    return file.with_name(f".{file.name}.crc")


def differs(file: Path) -> bool | None:
    """Whether a file differs from its checksum; None where there is no checksum."""
    beside = sidecar(file)
    if not beside.exists():
        return None
    told = beside.read_bytes()
    if told[:4] != MAGIC or len(told) < 8:
        return True
    (size,) = struct.unpack(">i", told[4:8])
    if size <= 0:
        return True
    return _sums(file, size) != told[8:]


def lay_beside(file: Path) -> None:
    """Give a file that another writer than Hadoop made (delta-rs) its checksum: without one a flipped bit in it has no name."""
    beside = sidecar(file)
    unfinished = beside.with_suffix(".unfinished")
    unfinished.write_bytes(MAGIC + struct.pack(">i", CHUNK) + _sums(file, CHUNK))
    os.replace(unfinished, beside)


def _sums(file: Path, size: int) -> bytes:
    found = bytearray()
    with open(file, "rb") as handle:
        while chunk := handle.read(size):
            found += struct.pack(">I", zlib.crc32(chunk))
    return bytes(found)
