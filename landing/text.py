"""From bytes in any encoding to blocks of whole UTF-8 lines, each ending in one newline character."""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator
from itertools import chain

from landing.refusal import Refused

BLOCK = 4 << 20
MAX_LINE = 16 << 20  # bytes; nothing that long is a row, and it would not fit into bounded memory
UTF8 = "utf-8"
WIDE_MARKS = {codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}


def blocks(content: Iterable[bytes], encoding: str) -> Iterator[bytes]:
    """Whole lines in blocks of about `BLOCK` bytes; only the last line of the last block may lack its newline.

    A byte order mark of UTF-8 or UTF-16 wins over the configured encoding and is taken off. Other encodings are decoded
    strictly here; UTF-8 is handed on as it is and checked row by row.

    Raises
    ------
    Refused
        ENCODING for bytes that the configured encoding does not know, LINE_TOO_LONG.
    """
    rest, size = [], 0
    for chunk in _unix_lines(_utf8(content, encoding)):
        rest.append(chunk)
        size += len(chunk)
        if size < BLOCK:
            continue
        joined = b"".join(rest)
        cut = joined.rfind(b"\n") + 1
        if cut:
            yield joined[:cut]
        elif len(joined) > MAX_LINE:
            raise Refused("LINE_TOO_LONG", f"a line of more than {MAX_LINE} bytes")
        rest, size = [joined[cut:]], len(joined) - cut
    last = b"".join(rest)
    if last:
        yield last


def _utf8(content: Iterable[bytes], encoding: str) -> Iterator[bytes]:
    chunks = iter(content)
    head = b""
    while len(head) < 4 and (chunk := next(chunks, b"")):
        head += chunk
    marked = next((wide for mark, wide in WIDE_MARKS.items() if head.startswith(mark)), None)
    if marked is None and head.startswith(codecs.BOM_UTF8):
        head, encoding = head[len(codecs.BOM_UTF8):], UTF8
    encoding = marked or encoding
    if codecs.lookup(encoding).name in (UTF8, "utf-8-sig"):
        if head:
            yield head
        yield from chunks
        return
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    read = 0
    try:
        for chunk in chain([head], chunks):
            yield decoder.decode(chunk).encode(UTF8)
            read += len(chunk)
        yield decoder.decode(b"", final=True).encode(UTF8)
    except (UnicodeDecodeError, UnicodeEncodeError):
        raise Refused("ENCODING", f"not {encoding} within the {read} bytes or soon behind them") from None


def _unix_lines(content: Iterable[bytes]) -> Iterator[bytes]:
    """CRLF and lone CR become LF, also across the border of two chunks."""
    held = b""
    for chunk in content:
        joined = held + chunk if held else chunk
        held = b""
        if b"\r" in joined:
            if joined.endswith(b"\r"):
                joined, held = joined[:-1], b"\r"
            joined = joined.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        if joined:
            yield joined
    if held:
        yield b"\n"


def looks_like(sample: bytes) -> str:
    """A hint for bytes that are not UTF-8: the encoding they would be valid in, or nothing."""
    for encoding in ("gb18030", "utf-16-le"):
        try:
            text = codecs.getincrementaldecoder(encoding)("strict").decode(sample)
        except UnicodeDecodeError:
            continue
        if any("一" <= letter <= "鿿" for letter in text):
            return f", looks like {encoding.upper()}: set `encoding` in the feed's configuration"
    return ""
