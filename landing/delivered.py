"""The bytes as delivered: a regular file, of the type its name says, unpacked within limits."""

from __future__ import annotations

import hashlib
import os
import stat
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import FileIO

from landing.drops import Drop
from landing.refusal import Held, Refused

CHUNK = 1 << 20
MAX_BYTES = 20 << 30
MAX_RATIO = 200  # unpacked over packed
RATIO_FREE = 16 << 20  # unpacked bytes from which the ratio is looked at
GZIP, PARQUET, PARQUET_ENCRYPTED = b"\x1f\x8b", b"PAR1", b"PARE"
OTHER_TYPES = {b"PK\x03\x04": "zip or xlsx", b"7z\xbc\xaf\x27\x1c": "7z", b"\xd0\xcf\x11\xe0": "xls", b"%PDF": "pdf",
               b"BZh": "bzip2", b"\xfd7zXZ": "xz", b"\x28\xb5\x2f\xfd": "zstd", b"Rar!": "rar", b"ORC": "orc", b"Obj\x01": "avro"}
TAR_AT, TAR = 257, b"ustar"


@contextmanager
def opened(drop: Drop, settle_seconds: int = 0) -> Iterator[FileIO]:
    """The file, open for reading, known to be a regular file of the type its name says and not to change meanwhile.

    Raises
    ------
    Refused
        BAD_NAME, NOT_REGULAR_FILE, PERMISSION, UNSUPPORTED_TYPE, EMPTY_FILE, TOO_LARGE or MAGIC_MISMATCH.
    Held
        When the file is still being written.
    """
    if not drop.well_named:
        raise Refused("BAD_NAME", "begin with a letter or digit; letters, digits, space and ._-()[]{}*?+=@#, only; at most 200")
    if not drop.suffix:
        raise Refused("UNSUPPORTED_TYPE", "a file name ends in .csv, .csv.gz, .jsonl, .jsonl.gz or .parquet")
    with _regular(drop) as handle:
        before = os.fstat(handle.fileno())
        if settle_seconds and time.time() - before.st_mtime < settle_seconds:
            raise Held("changed moments ago")
        _require_type(drop, handle, before.st_size)
        yield handle
        after = os.fstat(handle.fileno())
        if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
            raise Held("it changed while it was read")


@contextmanager
def _regular(drop: Drop) -> Iterator[FileIO]:
    try:
        descriptor = os.open(drop.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except PermissionError:
        raise Refused("PERMISSION", "the file cannot be read by this user") from None
    except FileNotFoundError:
        raise Held("it is gone") from None
    except OSError:  # a link (ELOOP), a socket (ENXIO)
        raise Refused("NOT_REGULAR_FILE", "a link or a device, not a file") from None
    seen = os.fstat(descriptor)
    if not stat.S_ISREG(seen.st_mode) or seen.st_nlink > 1:
        os.close(descriptor)
        what = "a hard link: the same file has another name" if stat.S_ISREG(seen.st_mode) else "a directory, pipe or device"
        raise Refused("NOT_REGULAR_FILE", what)
    with FileIO(descriptor) as handle:
        yield handle


def _require_type(drop: Drop, handle: FileIO, size: int) -> None:
    head = handle.read(512)
    handle.seek(0)
    if not head:
        if drop.control:  # which may say that it is to be empty
            return
        raise Refused("EMPTY_FILE", "0 bytes")
    if size > MAX_BYTES:
        raise Refused("TOO_LARGE", f"{size} bytes, at most {MAX_BYTES}")
    if head.startswith(PARQUET_ENCRYPTED):
        raise Refused("PARQUET_ENCRYPTED", "an encrypted Parquet file, no key is configured")
    is_gzip, is_parquet = head.startswith(GZIP), head.startswith(PARQUET)
    if is_gzip != drop.suffix.endswith(".gz"):
        raise Refused("MAGIC_MISMATCH", f"named {drop.suffix} but the content is {'' if is_gzip else 'not '}gzip")
    if is_parquet and drop.suffix != ".parquet":
        raise Refused("MAGIC_MISMATCH", f"named {drop.suffix} but the content is Parquet")
    if drop.suffix == ".parquet" and not is_parquet:
        raise Refused("PARQUET_CORRUPT", "does not begin like a Parquet file")
    kind = next((kind for magic, kind in OTHER_TYPES.items() if head.startswith(magic)), None)
    if kind or head[TAR_AT:TAR_AT + len(TAR)] == TAR:
        raise Refused("UNSUPPORTED_TYPE", f"the content is {kind or 'tar'}")


def sha256(handle: FileIO) -> str:
    """Of the bytes as delivered; leaves the file at its beginning."""
    digest = hashlib.file_digest(handle, "sha256").hexdigest()
    handle.seek(0)
    return digest


def content(handle: FileIO, packed: bool) -> Iterator[bytes]:
    """The content in chunks of bounded size.

    Raises
    ------
    Refused
        GZIP_CORRUPT, GZIP_TRAILING or RATIO_LIMIT.
    """
    if packed:
        yield from _unpacked(handle)
        return
    while chunk := handle.read(CHUNK):
        yield chunk


def _unpacked(handle: FileIO) -> Iterator[bytes]:
    """Every member of a gzip file, checked to its last byte."""
    packed, unpacked, member, waiting = 0, 0, zlib.decompressobj(wbits=31), b""
    whole = False
    while True:
        if not waiting:
            waiting = handle.read(CHUNK)
            packed += len(waiting)
            if not waiting:
                break
        if whole:  # behind the end of a member: another one, padding, or junk
            if waiting.strip(b"\0") == b"":
                waiting = b""
                continue
            if len(waiting) < len(GZIP):
                more = handle.read(CHUNK)
                packed += len(more)
                waiting += more
            if not waiting.startswith(GZIP):
                raise Refused("GZIP_TRAILING", "bytes that are not gzip behind its end")
            member, whole = zlib.decompressobj(wbits=31), False
        try:
            chunk = member.decompress(waiting, CHUNK)
        except zlib.error:
            raise Refused("GZIP_CORRUPT", f"damaged within the first {packed} bytes") from None
        unpacked += len(chunk)
        if unpacked > RATIO_FREE and unpacked > MAX_RATIO * packed:
            raise Refused("RATIO_LIMIT", f"unpacks to more than {MAX_RATIO} times its size")
        if unpacked > MAX_BYTES:
            raise Refused("TOO_LARGE", f"unpacks to more than {MAX_BYTES} bytes")
        if chunk:
            yield chunk
        whole = member.eof
        waiting = member.unused_data if whole else member.unconsumed_tail
    if not whole:
        raise Refused("GZIP_CORRUPT", "cut off before its end")
