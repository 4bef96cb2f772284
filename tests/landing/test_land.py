"""What lands, row by row, and what is refused whole: no Spark, no lake."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
from collections.abc import Callable, Iterator
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from conf.feed import Feed
from landing import Drop, Held, Refused, Shape, drops, land
from landing.drops import misplaced
from landing.landed import digest

DAY = date(2026, 1, 5)
SHAPE = Shape(("id", "currency", "amount", "said"), frozenset({"id", "amount"}), frozenset({"amount"}))
PLAIN = "id,currency,amount,said\nT1,CNY,10.50,coffee\nT2,CNY,7,\n"

Deliver = Callable[..., Drop]


@pytest.fixture
def deliver(tmp_path: Path) -> Deliver:
    """Write a file into the landing directory and find it there."""

    def written(content: bytes | str, name: str = "a.csv", control: dict | None = None) -> Drop:
        place = tmp_path / "landing" / "feed" / f"dt={DAY}"
        place.mkdir(parents=True, exist_ok=True)
        (place / name).write_bytes(content.encode() if isinstance(content, str) else content)
        if control is not None:
            (place / f"{name}.ctl.json").write_text(json.dumps(control))
        return found(tmp_path)

    return written


def found(root: Path) -> Drop:
    (drop,) = drops(root / "landing", ["feed"], DAY)
    return drop


def landed(drop: Drop, to: Path, feed: Feed | None = None, shape: Shape = SHAPE) -> list[tuple]:
    """Line, problem and fields of every row."""
    feed = feed or Feed()
    to.mkdir(exist_ok=True)
    one = land(drop, digest(drop, feed), feed, shape, to)
    table = pq.read_table(one.path)
    assert one.rows == table.num_rows
    assert set(table["source_file"].to_pylist()) <= {drop.source_file}
    return [
        (row["line"], row["_problem"], *(row[name] for name in shape.columns)) for row in table.to_pylist()
    ]


def reason(act: Callable[[], object]) -> str:
    with pytest.raises(Refused) as refused:
        act()
    return refused.value.reason


GOOD = [(2, None, "T1", "CNY", "10.50", "coffee"), (3, None, "T2", "CNY", "7", "")]


@pytest.mark.parametrize(
    ("content", "name", "feed"),
    [
        (PLAIN, "a.csv", Feed()),
        (gzip.compress(PLAIN.encode()), "a.csv.gz", Feed()),
        (gzip.compress(PLAIN[:30].encode()) + gzip.compress(PLAIN[30:].encode()) + b"\0" * 700, "a.csv.gz", Feed()),
        ("﻿" + PLAIN, "a.csv", Feed()),
        (PLAIN.replace("\n", "\r\n"), "a.csv", Feed()),
        (PLAIN.replace("\n", "\r"), "a.csv", Feed()),
        (PLAIN.rstrip("\n"), "a.csv", Feed()),
        (PLAIN.encode("utf-16"), "a.csv", Feed()),
        (PLAIN.encode("utf-16-le"), "a.csv", Feed(encoding="utf-16-le")),
        (PLAIN.replace(",", ";"), "a.csv", Feed(delimiter=";")),
        (PLAIN.replace("id,", " ＩＤ ,").replace("said", "Said"), "a.csv", Feed()),
        (PLAIN.replace("id,", "No.,"), "a.csv", Feed(names={"id": "No."})),
        ('id,currency,amount,said\n"T1","CNY","10.50","coffee"\nT2,CNY,7,""\n', "a.csv", Feed()),
    ],
    ids=["plain", "gzip", "gzip of two members, padded", "mark", "CRLF", "CR", "no last newline", "UTF-16", "UTF-16 LE",
         "semicolon", "full-width header", "own names", "quoted"],
)
def test_one_content_however_it_is_written(deliver: Deliver, tmp_path: Path, content: bytes | str, name: str, feed: Feed) -> None:
    assert landed(deliver(content, name), tmp_path / "to", feed) == GOOD


def test_columns_are_found_by_name(deliver: Deliver, tmp_path: Path) -> None:
    drop = deliver("amount,note,id\n10.50,x,T1\n")
    assert landed(drop, tmp_path / "to") == [(2, None, "T1", None, "10.50", None)]
    assert reason(lambda: landed(drop, tmp_path / "to", Feed(extra_columns="refuse"))) == "HEADER_MISMATCH"


def test_chinese_encodings_are_read_as_declared_and_never_guessed(deliver: Deliver, tmp_path: Path) -> None:
    text = "id,currency,amount,said\n" + "".join(f"T{n},CNY,1.00,咖啡𠀀\n" for n in range(20))
    drop = deliver(text.encode("gb18030"))
    assert {row[5] for row in landed(drop, tmp_path / "to", Feed(encoding="gb18030"))} == {"咖啡𠀀"}
    with pytest.raises(Refused, match=r"ENCODING: 20 of 21 lines are not UTF-8, looks like GB18030"):
        landed(drop, tmp_path / "to")
    assert reason(lambda: landed(drop, tmp_path / "to", Feed(encoding="gbk"))) == "ENCODING"


def test_a_bad_row_costs_one_row(deliver: Deliver, tmp_path: Path) -> None:
    lines = [
        b"id,currency,amount,said",
        b'T1,CNY,1,"two', b'lines, and a ""quote"""',
        b"",
        b'T2,CNY,2,"never closed',
        b"T3,CNY,3,fine",
        b"T4,CNY,4",
        b"T5,CNY,5,a,b",
        b"id,currency,amount,said",
        b"T6,CNY,6,\xff\xfe",
        b"T7,CNY,7,nul\0",
        b"T8,CNY,8," + b"x" * 70_000,
        b'T9,CNY,9,5" pipe',
        b'T10,CNY,10,"closed"x',
        *(b"U%d,CNY,1,fine" % n for n in range(9)),
    ]
    rows = landed(deliver(b"\n".join(lines) + b"\n"), tmp_path / "to")
    problems = {row[0]: row[1] for row in rows if row[1]}
    assert problems == {5: "UNBALANCED_QUOTE", 7: "COLUMN_COUNT", 8: "COLUMN_COUNT", 9: "REPEATED_HEADER", 10: "ENCODING_ROW",
                        11: "CONTROL_CHAR", 12: "FIELD_TOO_LONG", 14: "UNBALANCED_QUOTE"}
    good = {row[2]: row[5] for row in rows if not row[1]}
    assert good["T1"] == 'two\nlines, and a "quote"'
    assert good["T9"] == '5" pipe'
    assert set(good) == {"T1", "T3", "T9", *(f"U{n}" for n in range(9))}


def test_a_quoted_field_may_cross_blocks(deliver: Deliver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("landing.text.BLOCK", 64)
    monkeypatch.setattr("landing.delivered.CHUNK", 7)
    rows = [("A" * 9, "CNY", str(n), "x\ny" * (n % 40)) for n in range(60)]
    text = "id,currency,amount,said\n" + "".join(f'{a},{b},{c},"{d}"\n' for a, b, c, d in rows)
    found = landed(deliver(gzip.compress(text.encode()), "a.csv.gz"), tmp_path / "to")
    assert [row[2:] for row in found] == rows
    assert not any(row[1] for row in found)


def test_backslash_escapes_are_read_when_declared(deliver: Deliver, tmp_path: Path) -> None:
    drop = deliver('id,currency,amount,said\nT1,CNY,1,"a \\"b\\" c"\n')
    assert landed(drop, tmp_path / "to", Feed(escape="backslash"))[0][5] == 'a "b" c'
    assert landed(drop, tmp_path / "to")[0][1] == "UNBALANCED_QUOTE"


def test_json_lines_keep_numbers_as_written(deliver: Deliver, tmp_path: Path) -> None:
    lines = [
        '{"id": "T1", "amount": 10.50, "said": null, "more": 1}',
        '{"ID": "T2", "amount": "1e400", "said": true}',
        '{"id": "T3", "amount": 1e400}',
        '{"id": "T4", "id": "T5", "amount": 1}',
        '{"id": "T6"}',
        '[1]',
        '{"id": "T7", "amount": {"cents": 1}}',
        "[" * 5000,
        '{"id": "T8", "amount": NaN}',
    ]
    rows = landed(deliver("\n".join(lines) + "\n", "a.jsonl"), tmp_path / "to")
    assert [row[1:5:3] for row in rows[:3]] == [(None, "10.50"), (None, "1e400"), (None, "1e400")]
    assert [row[1] for row in rows[3:8]] == ["JSON_DUPLICATE_KEY", "COLUMN_COUNT", "JSON_NOT_OBJECT", "JSON_NESTED", "JSON_INVALID"]
    assert rows[8][4] == "NaN"
    assert rows[1][5] == "true"


def test_parquet_money_must_be_exact(tmp_path: Path) -> None:
    def parquet(amounts: pa.Array) -> Drop:
        path = tmp_path / "landing" / "feed" / f"dt={DAY}" / "a.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.table({"amount": amounts, "id": ["T1", "T2"]}), path)
        return found(tmp_path)

    exact = parquet(pa.array([Decimal("10.5000"), Decimal("0.0050")], pa.decimal128(20, 4)))
    assert [row[4] for row in landed(exact, tmp_path / "to")] == ["10.50", "0.005"]
    assert reason(lambda: landed(parquet(pa.array([1.5, 2.5])), tmp_path / "to")) == "TYPE_MISMATCH"
    path = exact.path
    path.write_bytes(path.read_bytes()[:-9])
    assert reason(lambda: landed(found(tmp_path), tmp_path / "to")) == "PARQUET_CORRUPT"
    path.write_bytes(b"PARE" + b"x" * 50)
    assert reason(lambda: landed(found(tmp_path), tmp_path / "to")) == "PARQUET_ENCRYPTED"


def test_what_tools_without_dates_or_missing_integers_write_into_parquet_is_read(tmp_path: Path) -> None:
    shape = Shape(("day", "rank"), frozenset({"day"}), frozenset(), frozenset({"rank"}), frozenset({"day"}))
    path = tmp_path / "landing" / "feed" / f"dt={DAY}" / "a.parquet"
    path.parent.mkdir(parents=True)
    days = pa.array([datetime(1961, 5, 5), datetime(1961, 5, 5, 10)], pa.timestamp("ns"))
    pq.write_table(pa.table({"day": days, "rank": pa.array([3.0, 2.5])}), path)
    assert landed(found(tmp_path), tmp_path / "to", shape=shape) == [
        (1, None, "1961-05-05", "3"), (2, None, "1961-05-05T10:00:00.000000", "2.5")]


def test_what_lies_where_nobody_looks_is_named(tmp_path: Path) -> None:
    (tmp_path / "feed" / f"dt={DAY}").mkdir(parents=True)
    for name in ("A.CSV.OK", "a.csv.md5", "A.CTL.JSON", "a.TMP", "b.tmp"):
        (tmp_path / "feed" / f"dt={DAY}" / name).touch()
    assert [drop.name for drop in drops(tmp_path, ["feed"], DAY)] == ["A.CTL.JSON", "a.TMP"], "no name is passed over but those known"
    for place in ("loans/dt=2026-01-05", "feed/dt=2026-01-05", "feed/dt=20260105", "feed/2026-01-05", "feed/dt=2026-13-45", "feed/.tmp"):
        (tmp_path / place).mkdir(parents=True, exist_ok=True)
    assert misplaced(tmp_path, ["feed", "other"]) == ["feed/2026-01-05", "feed/dt=2026-13-45", "feed/dt=20260105", "loans"]


PACKED = gzip.compress(PLAIN.encode() * 400)


@pytest.mark.parametrize(
    ("content", "name", "expected"),
    [
        (b"", "a.csv", "EMPTY_FILE"),
        ("id,currency,amount,said\n", "a.csv", "ROWCOUNT_MISMATCH"),
        (PACKED[:-30], "a.csv.gz", "GZIP_CORRUPT"),
        (PACKED[:50] + b"\xff" + PACKED[51:], "a.csv.gz", "GZIP_CORRUPT"),
        (PACKED + b"junk", "a.csv.gz", "GZIP_TRAILING"),
        (PLAIN, "a.csv.gz", "MAGIC_MISMATCH"),
        (PACKED, "a.csv", "MAGIC_MISMATCH"),
        (gzip.compress(b"a," * (20 << 20)), "a.csv.gz", "RATIO_LIMIT"),
        (b"PK\x03\x04" + b"x" * 99, "a.csv", "UNSUPPORTED_TYPE"),
        (PLAIN, "a.txt", "UNSUPPORTED_TYPE"),
        (PLAIN, "_a.csv", "BAD_NAME"),
        (PLAIN, ".a.csv", "BAD_NAME"),
        (PLAIN, "a‮vsc.csv", "BAD_NAME"),
        (PLAIN, "a\nb.csv", "BAD_NAME"),
        (PLAIN, "%2e%2e.csv", "BAD_NAME"),
        (PLAIN + "T3,CN", "a.csv", "TRUNCATED_TAIL"),
        (PLAIN.replace(",", ";"), "a.csv", "HEADER_MISMATCH"),
        (PLAIN.replace("id,", "number,"), "a.csv", "HEADER_MISMATCH"),
        (PLAIN.split("\n", 1)[1], "a.csv", "HEADER_MISMATCH"),
        (PLAIN.replace("said", "ID"), "a.csv", "HEADER_DUPLICATE"),
        (",".join(map(str, range(9999))) + "\n", "a.csv", "HEADER_MISMATCH"),
        (os.urandom(3000), "a.csv", "ENCODING"),
    ],
)
def test_files_refused_whole(deliver: Deliver, tmp_path: Path, content: bytes | str, name: str, expected: str) -> None:
    drop = deliver(content, name)
    assert reason(lambda: landed(drop, tmp_path / "to")) == expected
    assert not list((tmp_path / "to").glob("*.parquet"))


def test_a_line_that_never_ends_is_refused_in_bounded_memory(deliver: Deliver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("landing.text.MAX_LINE", 5 << 20)
    assert reason(lambda: landed(deliver(PLAIN + "x" * (9 << 20)), tmp_path / "to")) == "LINE_TOO_LONG"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    directory = tmp_path / "landing" / "feed" / f"dt={DAY}"
    directory.mkdir(parents=True)
    return directory


def test_only_regular_files_are_opened(place: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.csv").write_text(PLAIN)
    for make in (
        lambda path: path.symlink_to(tmp_path / "secret.csv"),
        lambda path: os.link(tmp_path / "secret.csv", path),
        os.mkfifo,
        Path.mkdir,
    ):
        target = place / "a.csv"
        make(target)
        assert reason(lambda: landed(found(tmp_path), tmp_path / "to")) == "NOT_REGULAR_FILE"
        target.rmdir() if target.is_dir() and not target.is_symlink() else target.unlink()


def test_control_files(deliver: Deliver, tmp_path: Path) -> None:
    sums = {"amount": {"CNY": "17.50"}}
    right = {"rows": 2, "bytes": len(PLAIN), "sha256": hashlib.sha256(PLAIN.encode()).hexdigest(), "totals": sums}
    assert len(landed(deliver(PLAIN, control=right), tmp_path / "to")) == 2
    for wrong, expected in (
        ({"rows": 3}, "ROWCOUNT_MISMATCH"),
        ({"bytes": 99999}, "TRUNCATED_TAIL"),
        ({"sha256": "0" * 64}, "HASH_MISMATCH"),
        ({"totals": {"amount": {"CNY": "17.51"}}}, "CONTROL_TOTAL_MISMATCH"),
        ({"totals": {"amount": {"CNY": "17.50", "USD": "1.00"}}}, "CONTROL_TOTAL_MISMATCH"),
        ({"rows": "2"}, "CTL_INVALID"),
        ({"totals": {"amount": {"CNY": 17.5}}}, "CTL_INVALID"),
        ({}, "CTL_INVALID"),
    ):
        drop = deliver(PLAIN, control=right | wrong if wrong else {})
        assert reason(lambda drop=drop: landed(drop, tmp_path / "to")) == expected, wrong
    assert landed(deliver("id,amount\n", control={"rows": 0}), tmp_path / "to") == []


def test_what_lies_in_the_landing_directory(place: Path, tmp_path: Path) -> None:
    for name in ("b.csv", "a.csv", "a.csv.ctl.json", "c.csv.tmp", "_SUCCESS", ".a.csv.x7Gh", "gone.csv.ctl.json", "a[1]*.csv"):
        (place / name).write_text("x")
    later, odd = place.parent / "dt=2026-01-06", place.parent / "dt=2026-13-45"
    for other in (later, odd, tmp_path / "landing" / "unknown" / "dt=2026-01-05"):
        other.mkdir(parents=True)
        (other / "a.csv").write_text("x")
    seen = drops(tmp_path / "landing", ["feed"], DAY)
    assert [(drop.name, drop.size, drop.control is not None) for drop in seen] == [
        ("a.csv", 1, True), ("a[1]*.csv", 1, False), ("b.csv", 1, False), ("gone.csv", -1, True)]
    assert seen[0].source_file == "feed/dt=2026-01-05/a.csv"


def test_a_file_still_being_written_is_held(deliver: Deliver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drop = deliver(PLAIN)
    with pytest.raises(Held):
        digest(drop, Feed(settle_seconds=3600))
    known = digest(drop, Feed())
    read = drop.path.read_bytes()

    def growing(handle: object, packed: bool) -> Iterator[bytes]:  # noqa: ARG001
        yield read
        drop.path.write_bytes(read + b"T3,CNY,1,\n")

    monkeypatch.setattr("landing.landed.content", growing)
    (tmp_path / "to").mkdir()
    with pytest.raises(Held):
        land(drop, known, Feed(), SHAPE, tmp_path / "to")
