"""Which files still hold an id, whatever their format: the proof of an erasure. Reads every byte, and what bytes are packed in."""

from __future__ import annotations

import gzip
import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

EDGE = "[^A-Za-z0-9]"  # an id ends where no letter or digit follows: C1 is not in C10
OVERLAP = 4096  # of two chunks, so that an id across their border is seen
CHUNK = 1 << 22


def pattern(ids: Iterable[str]) -> str:
    """A regular expression, in the syntax common to Python, Java and RE2, that finds any of the ids, each whole."""
    return f"(^|{EDGE})({'|'.join(re.escape(one) for one in sorted(ids))})($|{EDGE})"


def to_blank(ids: Iterable[str]) -> str:
    """The same for replacing, in Java's syntax: only the id itself is matched."""
    return f"(?<![A-Za-z0-9])({'|'.join(re.escape(one) for one in sorted(ids))})(?![A-Za-z0-9])"


# Damaged, cut off, encrypted, or packed in a way Python does not know.
UNREADABLE = (OSError, EOFError, ValueError, RuntimeError, zlib.error, zipfile.BadZipFile)


def traces(root: Path, ids: Iterable[str]) -> list[Path]:
    """Files below a directory that hold any of the ids, in their name or content; Parquet, gzip and zip are looked into."""
    wanted = pattern(ids)
    files = sorted(file for file in root.rglob("*") if file.is_file()) if root.is_dir() else []
    return [file for file in files if holds(file, wanted)]


def holds(file: Path, wanted: str) -> bool:
    """Whether a file's name or content matches; a packed file that cannot be unpacked is judged by its bytes."""
    plain = re.compile(wanted.encode(), re.MULTILINE)
    if plain.search(file.name.encode()):
        return True
    with open(file, "rb") as handle:
        start = handle.read(4)
        handle.seek(0)
        if _in_chunks(plain, iter(lambda: handle.read(CHUNK), b"")):
            return True
    try:
        if start == b"PAR1":
            return any(_in_arrow(column, wanted) for batch in pq.ParquetFile(file).iter_batches() for column in batch.columns)
        if start[:2] == b"\x1f\x8b":
            with gzip.open(file) as unpacked:
                return _in_chunks(plain, iter(lambda: unpacked.read(CHUNK), b""))
        if start == b"PK\x03\x04":
            with zipfile.ZipFile(file) as archive:
                return any(plain.search(archive.read(member)) for member in archive.namelist())
    except UNREADABLE:
        return False
    return False


def _in_chunks(plain: re.Pattern[bytes], chunks: Iterator[bytes]) -> bool:
    before = b""
    for chunk in chunks:
        if plain.search(before + chunk):
            return True
        before = chunk[-OVERLAP:]
    return False


def _in_arrow(column: pa.Array, wanted: str) -> bool:
    kind = column.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return bool(pc.any(pc.match_substring_regex(column, wanted)).as_py())
    if pa.types.is_dictionary(kind):
        return _in_arrow(column.dictionary, wanted)
    if pa.types.is_map(kind):
        return _in_arrow(column.keys, wanted) or _in_arrow(column.items, wanted)
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return _in_arrow(column.flatten(), wanted)
    if pa.types.is_struct(kind):
        return any(_in_arrow(part, wanted) for part in column.flatten())
    return False
