"""Writes landing feeds as a bank would deliver them: one gzipped CSV a drop, and its control file."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

MONEY = {"transactions": "amount"}  # the column whose totals a feed's control file states, by currency


def write_drop(
    landing: Path, feed: str, on: date, rows: pa.Table, part: str = "", raw: Sequence[str] = (),
    raw_cents: Mapping[str, int] | None = None,
) -> None:
    """Write one file of one feed's drop, whole or not at all; the same rows give the same bytes.

    Parameters
    ----------
    landing : path
    feed : str
    on : date
        The drop's `dt`.
    rows : Table
    part : str
        Tells the files of one drop apart.
    raw : sequence of str
        Lines as they are, behind the rows: what a bank's export should not contain and sometimes does.
    raw_cents : mapping of currency -> cents, optional
        What the readable amounts of `raw` come to.
    """
    folder = landing / feed / f"dt={on.isoformat()}"
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{feed}-{part or format(on, '%Y%m%d')}.csv.gz"
    writing = file.with_name(f".{file.name}")
    with writing.open("wb") as sink, gzip.GzipFile("", "wb", 5, sink, mtime=0) as packed:
        written = io.BufferedWriter(packed, 1 << 20)
        pa_csv.write_csv(rows, written)
        for line in raw:
            written.write(line.encode() + b"\n")
        written.flush()
    content = writing.read_bytes()
    control: dict[str, Any] = {
        "rows": rows.num_rows + len(raw), "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest(),
    }
    if feed in MONEY:
        control["totals"] = {MONEY[feed]: _totals(rows, MONEY[feed], raw_cents or {})}
    file.with_name(file.name + ".ctl.json").write_text(json.dumps(control, indent=1) + "\n")
    writing.rename(file)


def write_truth(root: Path, name: str, rows: pa.Table) -> None:
    """Write a table of the truth beside the landing, `root / name.parquet`."""
    file = root / f"{name}.parquet"
    file.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(rows, file, compression="zstd")


def line_of(rows: pa.Table, at: int) -> str:
    """One row as the file would carry it."""
    sink = io.BytesIO()
    pa_csv.write_csv(rows.slice(at, 1), sink, pa_csv.WriteOptions(include_header=False))
    return sink.getvalue().decode().rstrip("\n")


def _totals(rows: pa.Table, amount: str, more: Mapping[str, int]) -> dict[str, str]:
    sums = rows.group_by("currency").aggregate([(amount, "sum")]).to_pylist()
    cents = {row["currency"]: int(row[f"{amount}_sum"] * 100) for row in sums}
    for currency, amount_more in more.items():
        cents[currency] = cents.get(currency, 0) + amount_more
    return {currency: f"{value // 100}.{value % 100:02d}" for currency, value in sorted(cents.items())}
