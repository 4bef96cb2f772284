"""The catalogue of bad input: one generated file a row, one verdict each. Where ours differs from the catalogue: docs/ingest.md.

Files that break as a whole are landed one by one, without Spark. Rows that break lie with one good row each in a file of their own;
all those files are taken in one run.
"""

from __future__ import annotations

import gzip
import io
import json
import os
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from conf import Settings
from conf.feed import Feed
from expectations import CONTRACTS
from jobs import ingest
from jobs.context import Job, Places, recorded
from jobs.ingest_files import shape
from landing import Held, Refused, drops, land
from landing.landed import digest
from tables.arrow import read_arrow

DAY, NEXT = date(2026, 1, 5), date(2026, 1, 6)
CONTRACT = CONTRACTS["transactions"]
SHAPE = shape(CONTRACT)
HEADER = "transaction_id,account_id,booked_at,amount,currency,direction,type,channel,description"


def line(number: int | str = 1, amount: str = "10.00", said: str = "") -> str:
    return f"T{number},A1,2026-01-05T09:00:00,{amount},CNY,debit,card,mobile,{said}"


def text(*lines: str, header: str = HEADER) -> str:
    return "\n".join([header, *lines]) + "\n"


TWO = text(line(1), line(2))
MANY = text(*(line(n) for n in range(3000)))
CHINESE = text(*(line(n, said="咖啡") for n in range(20)))
BACKSLASHED = text(line(1, said='"a \\"b\\""'))


def parquet(int96: bool = False, **columns: object) -> bytes:
    rows = {name: pa.array([value, value]) for name, value in zip(HEADER.split(","), line().split(","), strict=True)} | columns
    out = io.BytesIO()
    pq.write_table(pa.table(rows), out, use_deprecated_int96_timestamps=int96)
    return out.getvalue()


def zipped() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a.csv", TWO)
    return out.getvalue()


@dataclass
class Case:
    """One row of the catalogue. `verdict` is a reason the file is refused for, or how many rows land and what is wrong with which line."""

    number: int
    content: bytes | str
    verdict: str | tuple[int, dict[int, str]]
    name: str = "a.csv"
    conf: Feed = field(default_factory=Feed)
    control: dict | None = None


A = (2, {})
json_row = json.dumps(dict(zip(HEADER.split(","), line(1).split(","), strict=True)))
FILES = [
    Case(1, b"", "EMPTY_FILE"),
    Case(1, b"", (0, {}), control={"rows": 0}),
    Case(1, b"", "EMPTY_FILE", control={"rows": 5}),
    Case(2, text(), "ROWCOUNT_MISMATCH"),
    Case(2, text(), (0, {}), control={"rows": 0}),
    Case(3, gzip.compress(MANY.encode())[:-20], "GZIP_CORRUPT", "a.csv.gz"),
    Case(5, gzip.compress(MANY.encode()) + b"junk", "GZIP_TRAILING", "a.csv.gz"),
    Case(6, TWO, "MAGIC_MISMATCH", "a.csv.gz"),
    Case(7, gzip.compress(TWO.encode()), "MAGIC_MISMATCH"),
    Case(8, gzip.compress(TWO[:90].encode()) + gzip.compress(TWO[90:].encode()), A, "a.csv.gz"),
    Case(9, gzip.compress(b"\n" * (40 << 20)), "RATIO_LIMIT", "a.csv.gz"),
    Case(10, zipped(), "UNSUPPORTED_TYPE"),
    Case(10, b"7z\xbc\xaf\x27\x1c" + b"0" * 99, "UNSUPPORTED_TYPE"),
    Case(10, zipped(), "UNSUPPORTED_TYPE", "a.xlsx"),
    Case(11, bytes(range(128, 256)) * 40, "ENCODING"),
    Case(12, TWO + "T3,A1,2026", "TRUNCATED_TAIL"),
    Case(12, TWO, "TRUNCATED_TAIL", control={"bytes": len(TWO) + 9}),
    Case(13, TWO.rstrip("\n"), A),
    Case(16, TWO, "ROWCOUNT_MISMATCH", control={"rows": 3}),
    Case(17, TWO, "CONTROL_TOTAL_MISMATCH", control={"totals": {"amount": {"CNY": "20.01"}}}),
    Case(18, TWO, "HASH_MISMATCH", control={"sha256": "ab" * 32}),
    Case(27, TWO, "BAD_NAME", "_tx.csv"),
    Case(27, TWO, "BAD_NAME", ".tx.csv"),
    Case(28, TWO, A, "a[1]{2}*?.csv"),
    Case(29, TWO, "BAD_NAME", "a\nb.csv"),
    Case(29, TWO, "BAD_NAME", "n" * 230 + ".csv"),
    Case(29, TWO, "BAD_NAME", "%2e%2e%2fa.csv"),
    Case(29, TWO, "BAD_NAME", "..\\a.csv"),
    Case(29, TWO, "BAD_NAME", "a\u202evsc.csv"),
    Case(33, TWO, A, "Ä.csv"),
    Case(37, "\ufeff" + TWO, A),
    Case(38, CHINESE.encode("gbk"), (20, {}), conf=Feed(encoding="gbk")),
    Case(38, CHINESE.encode("gb18030"), (20, {}), conf=Feed(encoding="gb18030")),
    Case(39, CHINESE.encode("gbk"), "ENCODING"),
    Case(40, TWO.encode("utf-16"), A),
    Case(40, b"\xfe\xff" + TWO.encode("utf-16-be"), A),
    Case(40, TWO.encode("utf-16-le"), "HEADER_MISMATCH"),
    Case(41, MANY.encode().replace(b"T77,", b"T\xff77,"), (3000, {79: "ENCODING_ROW"})),
    Case(42, MANY.encode().replace(b"T77,", b"T\xed\xa0\x8077,"), (3000, {79: "ENCODING_ROW"})),
    Case(42, MANY.encode().replace(b"T77,", b"T\xc0\xaf77,"), (3000, {79: "ENCODING_ROW"})),
    Case(43, TWO.replace("T2", "T\0002"), (2, {3: "CONTROL_CHAR"})),
    Case(45, TWO.replace("\n", "\r"), A),
    Case(46, TWO.replace("\n", "\r\n", 1), A),
    Case(47, text(line(1, said='"two\nlines"'), line(2)), A),
    Case(47, text("T1,A1,two", "lines", line(2)), (3, {2: "COLUMN_COUNT", 3: "COLUMN_COUNT"})),
    Case(48, text(line(1, said='"open'), line(2), line(3)), (3, {2: "UNBALANCED_QUOTE"})),
    Case(49, text(line(1, said='"open"x'), line(2)), (2, {2: "UNBALANCED_QUOTE"})),
    Case(50, text(line(1, said='"a ""b"""')), (1, {})),
    Case(50, BACKSLASHED, (1, {}), conf=Feed(escape="backslash")),
    Case(50, BACKSLASHED, (1, {2: "UNBALANCED_QUOTE"})),
    Case(51, text(line(1, said="x" * (10 << 20)), line(2)), (2, {2: "FIELD_TOO_LONG"})),
    Case(52, text(line(1, said="x" * (20 << 20)), line(2)), "LINE_TOO_LONG"),
    Case(53, text(header=HEADER + "," + ",".join(f"c{n}" for n in range(10_000))), "HEADER_MISMATCH"),
    *(Case(54, TWO.replace(",", other), "HEADER_MISMATCH") for other in ";\t|"),
    Case(55, text("9.00,T1,A1,2026-01-05T09:00:00,CNY,debit,card,mobile",
                  header="amount,transaction_id,account_id,booked_at,currency,direction,type,channel"), (1, {})),
    Case(56, TWO.replace("amount", "sum"), "HEADER_MISMATCH"),
    Case(57, text(line(1) + ",more", header=HEADER + ",extra"), (1, {})),
    Case(57, text(line(1) + ",more", header=HEADER + ",extra"), "HEADER_MISMATCH", conf=Feed(extra_columns="refuse")),
    Case(58, TWO.replace("description", "AMOUNT"), "HEADER_DUPLICATE"),
    Case(59, TWO.replace("amount", " ＡＭＯＵＮＴ "), A),
    Case(60, TWO.split("\n", 1)[1], "HEADER_MISMATCH"),
    Case(61, TWO + TWO, (5, {4: "REPEATED_HEADER"})),
    Case(62, text(line(1) + ",x", "T2,A1", line(3)), (3, {2: "COLUMN_COUNT", 3: "COLUMN_COUNT"})),
    Case(63, text(line(1), "", "  ", line(2)), A),
    Case(64, text(line(1), "#c", "TRAILER,2"), (3, {3: "COLUMN_COUNT", 4: "COLUMN_COUNT"})),
    Case(116, parquet()[:-9], "PARQUET_CORRUPT", "a.parquet"),
    Case(116, b"", "EMPTY_FILE", "a.parquet"),
    Case(116, TWO, "PARQUET_CORRUPT", "a.parquet"),
    Case(117, parquet(amount=pa.array([1.5, 2.5])), "TYPE_MISMATCH", "a.parquet"),
    Case(118, parquet(amount=pa.array([Decimal("1.5000000000")] * 2, pa.decimal128(38, 10))), A, "a.parquet"),
    Case(118, parquet(booked_at=pa.array([0, 1], pa.timestamp("ns"))), A, "a.parquet"),
    Case(118, parquet(int96=True, booked_at=pa.array([0, 1], pa.timestamp("ns"))), "TYPE_MISMATCH", "a.parquet"),
    Case(118, parquet(int96=True, booked_at=pa.array([0, 1], pa.timestamp("ns"))), A, "a.parquet", conf=Feed(time_zone="Asia/Shanghai")),
    Case(119, parquet(branch_id=pa.array(["B1", "B2"])), A, "a.parquet"),
    Case(121, b"PARE" + bytes(200), "PARQUET_ENCRYPTED", "a.parquet"),
    Case(122, "\n".join([json_row, json_row[:-1] + ', "amount": "1"}', "[" * 10_000, f"[{json_row}]",
                         json_row.replace('"10.00"', "1e400")]) + "\n",
         (5, {2: "JSON_DUPLICATE_KEY", 3: "JSON_INVALID", 4: "JSON_NOT_OBJECT"}), "a.jsonl"),
]


@pytest.mark.parametrize("case", FILES, ids=lambda case: f"{case.number}-{case.name[:20]}")
def test_the_verdict_on_a_file(case: Case, tmp_path: Path) -> None:
    place = tmp_path / "landing" / "transactions" / f"dt={DAY}"
    place.mkdir(parents=True)
    (place / case.name).write_bytes(case.content.encode() if isinstance(case.content, str) else case.content)
    if case.control is not None:
        (place / f"{case.name}.ctl.json").write_text(json.dumps(case.control))
    (drop,) = drops(tmp_path / "landing", ["transactions"], DAY)
    to = tmp_path / "to"
    to.mkdir()
    if isinstance(case.verdict, str):
        with pytest.raises(Refused, match=f"^{case.verdict}: "):
            land(drop, digest(drop, case.conf), case.conf, SHAPE, to)
        return
    landed = land(drop, digest(drop, case.conf), case.conf, SHAPE, to)
    rows = pq.read_table(landed.path).to_pylist()
    assert (landed.rows, {row["line"]: row["_problem"] for row in rows if row["_problem"]}) == case.verdict


@pytest.mark.parametrize("make", [
    lambda path, other: path.symlink_to(other), lambda path, other: os.link(other, path),
    lambda path, _: os.mkfifo(path), lambda path, _: path.mkdir(),
], ids=["30-symlink", "30-hard link", "30-FIFO", "120-directory"])
def test_only_files_are_files(make: Callable[[Path, Path], None], tmp_path: Path) -> None:
    place = tmp_path / "landing" / "transactions" / f"dt={DAY}"
    place.mkdir(parents=True)
    (tmp_path / "other.csv").write_text(TWO)
    make(place / "a.csv", tmp_path / "other.csv")
    (drop,) = drops(tmp_path / "landing", ["transactions"], DAY)
    with pytest.raises(Refused, match="NOT_REGULAR_FILE"):
        digest(drop, Feed())


def test_an_unreadable_file_and_one_that_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """31 and 24: tests may run as root, who may read anything."""
    place = tmp_path / "landing" / "transactions" / f"dt={DAY}"
    place.mkdir(parents=True)
    (place / "a.csv").write_text(TWO)
    (drop,) = drops(tmp_path / "landing", ["transactions"], DAY)
    (place / "a.csv").unlink()
    with pytest.raises(Held):
        digest(drop, Feed())

    def refused(*_: object, **__: object) -> int:
        raise PermissionError

    monkeypatch.setattr("landing.delivered.os.open", refused)
    with pytest.raises(Refused, match="PERMISSION"):
        digest(drop, Feed())


GOOD = {
    "customers": {"customer_id": "C{n}", "joined_on": "2020-01-01", "marketing_consent": "true"},
    "accounts": {"account_id": "A{n}", "customer_id": "C1", "product_type": "current", "currency": "CNY", "opened_on": "2020-01-01",
                 "status": "open"},
    "transactions": {"transaction_id": "T{n}", "account_id": "A1", "booked_at": "2026-01-06T09:00:00", "amount": "10.00",
                     "currency": "CNY", "direction": "debit", "type": "card", "channel": "mobile"},
    "purchases": {"order_id": "O{n}", "line_no": "1", "customer_id": "C1", "ordered_at": "2026-01-06T09:00:00", "sku": "S1",
                  "category": "food", "quantity": "1", "unit_price": "2.00", "currency": "CNY", "status": "paid"},
}


@dataclass
class RowCase:
    """One row of the catalogue about a row's values: what differs from a good row, and the rules it breaks (none: accepted)."""

    number: int
    feed: str
    change: dict[str, str]
    rules: list[str]


def q(number: int, rule: str, feed: str = "transactions", **change: str) -> RowCase:
    return RowCase(number, feed, change, [rule])


def ok(number: int, feed: str = "transactions", **change: str) -> RowCase:
    return RowCase(number, feed, change, [])


ROWS = [
    q(44, "ID_FORMAT", transaction_id="T\u200b{n}"), q(44, "ID_FORMAT", transaction_id="T\x01{n}"), ok(44, description="a\u202eb\x07"),
    q(66, "AMOUNT_FORMAT", amount='"10,50"'), q(67, "AMOUNT_FORMAT", amount='"1,234.50"'), q(68, "AMOUNT_SCALE", amount="10.005"),
    q(68, "AMOUNT_SCALE", amount="10.50", currency="JPY"), q(68, "AMOUNT_SCALE", amount="1.005", currency="KWD"),
    *(q(69, "AMOUNT_FORMAT", amount=odd) for odd in ("1e2", "+5", " 5.00 ", "(5.00)", "5-", "¥5", "5.00 CR")),
    *(q(70, "AMOUNT_FORMAT", amount=odd) for odd in ("１２", "١٢")),
    *(q(71, "AMOUNT_FORMAT", amount=odd) for odd in ("NaN", "Infinity", "null", "N/A", "-")),
    q(72, "AMOUNT_OVERFLOW", amount="10000000000000000.00"), ok(73, amount="9999999999999999.99"), ok(73, amount="9999999999999999.99"),
    q(74, "AMOUNT_SIGN", amount="-5.00"), q(75, "AMOUNT_ZERO", amount="0"), ok(76, direction="credit", type="other"),
    *(q(77, "CURRENCY", currency=odd) for odd in ("XXX", "cny", "")), ok(78, currency="USD"),
    *(q(79, "TS_INVALID", booked_at=odd) for odd in ("2026-02-29T09:00:00", "2025-13-01T09:00:00")),
    ok(80, "customers", birth_date="2024-02-29"), ok(81, "customers", birth_date="2004-02-29"),
    *(RowCase(82, "transactions", {"booked_at": f"{odd}T09:00:00"}, ["TS_RANGE", "LATE_BEYOND_HORIZON"])
      for odd in ("1900-01-01", "0001-01-01")),
    RowCase(82, "transactions", {"booked_at": "9999-12-31T09:00:00"}, ["TS_RANGE", "TS_FUTURE"]),
    q(83, "TS_FUTURE", booked_at="2026-01-07T00:00:00"), ok(84, booked_at="2026-01-06T23:59:59"),
    ok(85, booked_at="2026-01-06T09:00:00+08:00"), q(87, "TS_FORMAT", booked_at="01/02/2026"),
    *(q(88, "TS_FORMAT", booked_at=odd) for odd in ("1767661200", "1767661200000")), q(89, "TS_FORMAT", booked_at="2026-01-06T09:00:60"),
    *(q(93, "ID_FORMAT", transaction_id=odd) for odd in ("", "NULL", "0", "6.21E+18")),
    *(q(94, "ID_FORMAT", transaction_id=odd) for odd in (" T{n}", "T{n} ", "T{n}é")),
    q(95, "ORPHAN_KEY", account_id="A404"), q(95, "ORPHAN_KEY", "purchases", customer_id="C404"),
    ok(97, account_id="A7"), q(98, "ENUM", channel="fax"), q(98, "ENUM", type="CASH"),
    *(ok(99, description=odd) for odd in ('"=HYPERLINK(""x"")"', "@SUM(A1)", "{=1+1}", "\t=1")), ok(100, description="<script>x</script>"),
    ok(101, description="😀𠀀"), ok(102, description="card 4111 1111 1111 1111 paid"),
    q(103, "BIRTH_RANGE", "customers", birth_date="2027-01-01"), q(103, "BIRTH_RANGE", "customers", birth_date="1901-01-01"),
    RowCase(103, "customers", {"birth_date": "0001-01-01"}, ["TS_RANGE", "BIRTH_RANGE"]), ok(103, "customers", birth_date=""),
    ok(104, "customers", birth_date="2015-01-01"),
    q(105, "INCOME_RANGE", "customers", annual_income="-1"), q(105, "INCOME_RANGE", "customers", annual_income="1000000000000"),
    q(105, "AMOUNT_FORMAT", "customers", annual_income="5-10k"), ok(105, "customers", annual_income="0"),
    q(109, "REQUIRED", "customers", marketing_consent=""), ok(109, "customers", life_event_consent=""),
    *(q(112, "QTY_RANGE", "purchases", quantity=odd) for odd in ("0", "-1", "1000000000")), ok(113, "purchases", category="never/seen"),
    ok(114, "purchases", quantity="500"), ok(115, "purchases", customer_id="C2"),
]


def row(feed: str, names: list[str], number: int, change: dict[str, str]) -> str:
    return ",".join((GOOD[feed] | change).get(name, "").replace("{n}", str(number)) for name in names)


def test_the_verdict_on_a_row(settings: Settings, places: Places, spark: SparkSession) -> None:
    """One file a case, each with a good row beside the bad one; and the cases that need a second file or a second day."""
    strict = settings.model_copy(update={"feeds": settings.feeds | {"outcomes": Feed(control_file="required")}})
    Job(strict, places, spark, DAY, "ingest").lake.create_all()

    def deliver(feed: str, name: str, *rows: str, day: date = NEXT) -> None:
        place = places.landing / feed / f"dt={day}"
        place.mkdir(parents=True, exist_ok=True)
        (place / name).write_text("\n".join([",".join(CONTRACTS[feed].names), *rows]) + "\n", encoding="utf-8")

    def line_of(feed: str, number: int, **change: str) -> str:
        return row(feed, list(CONTRACTS[feed].names), number, change)

    deliver("customers", "first.csv", line_of("customers", 1), line_of("customers", 2, joined_on="2026-01-04"), day=DAY)
    deliver("accounts", "first.csv", line_of("accounts", 1), line_of("accounts", 7, status="closed", closed_on="2026-01-01"), day=DAY)
    old = {"booked_at": "2026-01-05T09:00:00"}
    deliver("transactions", "first.csv", line_of("transactions", 1, **old), line_of("transactions", 2, **old), day=DAY)
    deliver("purchases", "first.csv", line_of("purchases", 1, ordered_at="2026-01-05T09:00:00"), day=DAY)
    for at, case in enumerate(ROWS):
        deliver(case.feed, f"case {at}.csv", line_of(case.feed, 1000 + at), line_of(case.feed, 5000 + at, **case.change))
    deliver("transactions", "90.csv", line_of("transactions", 9000), line_of("transactions", 9000))
    deliver("transactions", "91.csv", line_of("transactions", 9100), line_of("transactions", 9100, amount="11.00"))
    deliver("transactions", "92.csv", line_of("transactions", 1, **old), line_of("transactions", 9200))
    deliver("transactions", "92 other.csv", line_of("transactions", 2, amount="11.00", **old))
    deliver("transactions", "36.csv", line_of("transactions", 3600, booked_at="2025-11-01T09:00:00"))
    deliver("transactions", "35.csv", line_of("transactions", 3500, booked_at="2026-01-02T09:00:00"))
    deliver("transactions", "21.csv", line_of("transactions", 9000), line_of("transactions", 9000))
    deliver("transactions", "23.csv", line_of("transactions", 3501, booked_at="2026-01-02T09:00:00"), line_of("transactions", 3502))
    deliver("transactions", "23 turned.csv", line_of("transactions", 3502), line_of("transactions", 3501, booked_at="2026-01-02T09:00:00"))
    deliver("customers", "107.csv",
            line_of("customers", 1, relationship_manager_id="R1"), line_of("customers", 1, relationship_manager_id="R2"))
    deliver("accounts", "96.csv", line_of("accounts", 9600), line_of("accounts", 9600, customer_id="C2"))
    place = places.landing / "transactions" / f"dt={NEXT}"
    (place / "15.csv.ctl.json").write_text('{"rows": 1}')
    deliver("transactions", "34.csv", line_of("transactions", 3400, booked_at="2026-02-01T09:00:00"), day=date(2026, 2, 1))
    for day in (DAY, NEXT):
        deliver("outcomes", "14.csv", "AL-1,2026-01-05T09:00:00,R1,contacted,,,,", day=day)
    counts = recorded(Job(strict, places, spark, NEXT, "ingest"), ingest.run)
    assert [told.split(":")[0] for told in counts["rejected_files"]] == [f"outcomes/dt={DAY}/14.csv CTL_MISSING"]
    assert [told.split("/")[-1].split(":")[0] for told in counts["held_files"]] == ["14.csv", "15.csv"], "they may still come today"

    found, kept = read_arrow(places.lake, "files"), read_arrow(places.lake, "quarantine")
    assert found is not None
    assert kept is not None
    files = {each["source_file"]: each for each in found.to_pylist()}
    broken: dict[str, list[list[str]]] = {}
    for each in sorted(kept.to_pylist(), key=lambda each: each["line"]):
        broken.setdefault(each["source_file"], []).append(each["rules"])
    told = []
    for at, case in enumerate(ROWS):
        source = f"{case.feed}/dt={NEXT}/case {at}.csv"
        told.append((case.number, case.change, files[source]["accepted"], broken.get(source, [[]])[0]))
    assert told == [(case.number, case.change, 1 if case.rules else 2, case.rules) for case in ROWS]

    def counted(feed: str, name: str) -> tuple:
        each = files[f"{feed}/dt={NEXT}/{name}"]
        return each["status"], each["accepted"], each["quarantined"], each["duplicates"]

    conflict = [["DUP_CONFLICT"], ["DUP_CONFLICT"]]
    assert counted("transactions", "21.csv") == ("accepted", 1, 0, 1)
    assert counted("transactions", "90.csv") == ("duplicate", 0, 0, 2), "21: the same bytes under another name"
    assert (counted("transactions", "91.csv"), broken[f"transactions/dt={NEXT}/91.csv"]) == (("accepted", 0, 2, 0), conflict)
    assert counted("transactions", "92.csv") == ("accepted", 1, 0, 1)
    assert broken[f"transactions/dt={NEXT}/92 other.csv"] == [["DUP_CONFLICT"]]
    assert broken[f"transactions/dt={NEXT}/36.csv"] == [["LATE_BEYOND_HORIZON"]]
    assert counted("transactions", "35.csv") == ("accepted", 1, 0, 0)
    assert [counted("transactions", name) for name in ("23 turned.csv", "23.csv")] == [("accepted", 2, 0, 0), ("accepted", 0, 0, 2)]
    assert broken[f"customers/dt={NEXT}/107.csv"] == broken[f"accounts/dt={NEXT}/96.csv"] == conflict
    assert not [source for source in files if "dt=2026-02-01" in source], "34: its day has not come"

    texts = {each["transaction_id"]: each["description"] for each in read_arrow(places.lake, "transactions").to_pylist()}
    said = {case.number: texts[f"T{5000 + at}"] for at, case in enumerate(ROWS) if case.feed == "transactions" and not case.rules}
    assert said[44] == "ab"
    assert said[101] == "😀𠀀"
    assert said[102] == "card ****1111 paid"


# Rows of the catalogue about other parts of the product, and the test that holds each.
ELSEWHERE = {
    4: "tests/jobs/test_session.py", 19: "tests/landing/test_land.py", 20: "tests/jobs/test_ingest.py",
    22: "tests/jobs/test_ingest.py", 65: "tests/jobs/test_ingest.py", 86: "tests/expectations/test_rules.py",
    108: "tests/jobs/test_ingest.py", 110: "tests/jobs/test_alert.py", 111: "tests/jobs/test_erase.py",
    123: "tests/jobs/test_outcomes.py",
    124: "tests/jobs/test_outcomes.py", 125: "tests/jobs/test_outcomes.py", 126: "tests/conf/test_load.py",
    127: "tests/jobs/test_train.py", 128: "tests/jobs/test_train.py", 129: "tests/campaigns/faults.py",
    130: "tests/tables/test_lock.py",
    131: "tests/tables/test_sound.py", 132: "tests/jobs/test_kill.py", 133: "tests/jobs/test_doctor.py", 134: "tests/jobs/test_doctor.py",
    135: "tests/jobs/test_doctor.py",
}
SECOND_FILE = {14, 15, 21, 23, 34, 35, 36, 90, 91, 92, 96, 107}
ALONE = {24, 30, 31, 120}
CHANGED = {25, 26, 32, 106}  # nothing to refuse: docs/ingest.md says why


def numbers() -> Iterator[int]:
    yield from (case.number for case in FILES)
    yield from (case.number for case in ROWS)
    yield from (*ELSEWHERE, *SECOND_FILE, *ALONE, *CHANGED)


def test_the_catalogue_is_whole() -> None:
    assert sorted(set(numbers())) == list(range(1, 136))
    root = Path(__file__).parents[2]
    assert [place for place in ELSEWHERE.values() if not (root / place).exists()] == []
    changes = (root / "docs" / "ingest.md").read_text(encoding="utf-8")
    assert [number for number in CHANGED if f"| {number} |" not in changes] == []
