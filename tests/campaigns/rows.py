"""Fuzzed transactions through the whole ingest against an oracle in plain Python: every row, value and count.

    python -m tests.campaigns.rows [--rows 1000000] [--files 30] [--seed 1]

Two drops: the second repeats rows of the first, contradicts some, and comes too late or too early with others. Fields are drawn
from a grammar of what goes wrong in real files. A difference is printed with its row, and the exit code is 1.
"""

from __future__ import annotations

import argparse
import csv
import io
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from pyspark.sql import SparkSession

from conf import Settings, load_settings
from conf.feed import Feed, Quarantine
from jobs import ingest
from jobs.context import Job, Places, recorded
from jobs.session import start
from tables.arrow import arrow_batches, read_arrow
from tests.row_oracle import Ledger, Verdict

DAYS = (date(2026, 1, 5), date(2026, 1, 6))
ACCOUNTS = 200
ALL = [("source_file", ">", "")]
NAMES = ("transaction_id", "account_id", "booked_at", "amount", "currency", "direction", "type", "channel", "branch_id",
         "counterparty", "balance_after", "description")
ODD = {
    "transaction_id": ["", "0", "000", "NULL", "n/a", "6.21E+18", "1e5", "T 1", "-T", "T1\t", "x" * 64, "x" * 65, "Ｔ１", "a|b/c", "null1"],
    "account_id": ["", "A9999", "A1 ", "NaN", "a1", "A01"],
    "booked_at": ["", "2026-01-05", "05.01.2026 10:00:00", "2026-02-30T10:00:00", "2026-01-05T24:00:00", "2026-01-05T10:00",
                  "2026-01-05 10:00:00", "2026-01-05T10:00:00Z", "2026-01-05T10:00:00+08:00", "2026-01-05T10:00:00+0800",
                  "2026-01-05T10:00:00+08", "2026-01-05T10:00-0", "2026-01-05T10:00:00-19",
                  "2026-01-05T10:00:00.123456789", "2026-01-05T10:00:00.", "2026-01-05T10:00:00+19:00", "2026-01-05T10:00:60",
                  "1899-12-31T10:00:00", "2200-01-01T00:00:00", "0001-01-01T00:00:00", "2026-1-5T10:00:00", "2026-01-05T10:00:00 Z",
                  "2026-01-06T00:30:00+14:00", "2026-01-05T23:59:59-12:00", "２０２６-01-05T10:00:00", "1990-07-01T00:30:00",
                  "2026-01-05T10:00:00z", "20260105T100000", "2026-01-05T16:00:00Z", "2025-11-30T10:00:00", "2026-02-29T10:00:00"],
    "amount": ["", "0", "0.00", "-0.00", "-5", "-5.00", "+5", "10,50", "1,000.00", "1e2", "1E2", ".5", "5.", "5.1", "5.001", "5.000",
               "9999999999999999.99", "99999999999999999", "0000000000000000000001.00", "００.１", "NaN", "1 000", "0x1F", "--1", "1.0.0",
               " 7.00", "7.00 ", "7.00\t", "∞", "\u06611", "12.3", "5.10"],
    "currency": ["", "cny", "RMB", "JPY", "USD", "CN", "CNY ", "XYZ", "¥", "KRW"],
    "direction": ["", "Debit", "d", "credit", "debit ", "CREDIT"],
    "type": ["", "CARD", "atm", "refund", "closure", "transfer"],
    "channel": ["", "branch", "ATM", "pad", "mit", "Mobile"],
    "branch_id": ["B1", "b 1", "0", "", "NULL", "支行", "B/7"],
    "counterparty": ["", "  ", "A2", "\u200bA3", "\u202eevil", "张三", " padded ", '"quoted"', "a,b", "=1+1"],
    "balance_after": ["", "-12.50", "1e3", "12.345", "0", "-0.00", "12345678901234567.00", "5.1", "n/a"],
    "description": ["", "two\nlines", "card 4111111111111111 used", "card 4111111111111112 used", "nul\0here", "tab\there", "\ufeffbom",
                    "ünïcödé", "x" * 500, "\u2066hidden\u2069", "'; drop", "\\", '""', "   ", "1234567890123"],
}


def base(rng: random.Random, number: int, day: date) -> dict[str, str]:
    at = datetime(day.year, day.month, day.day, rng.randrange(24), rng.randrange(60), rng.randrange(60))
    at -= timedelta(days=rng.choice((0, 0, 0, 1, 3, 20)))
    return dict(zip(NAMES, (
        f"T{number}", f"A{rng.randrange(ACCOUNTS)}", at.isoformat(), f"{rng.randrange(1, 10**rng.randrange(3, 9)) / 100:.2f}", "CNY",
        rng.choice(("debit", "credit")), rng.choice(("card", "transfer", "cash")), rng.choice(("mobile", "atm", "counter")),
        f"B{rng.randrange(9)}", f"P{rng.randrange(99)}", f"{rng.randrange(10**7) / 100:.2f}", "coffee"), strict=True))


def drawn(rng: random.Random, rows: int, day: date, past: list[dict[str, str]], first: int) -> Iterator[dict[str, str]]:
    """Rows of one drop: fresh ones, odd ones, and ones that repeat or contradict what was said before."""
    said = list(past)
    for number in range(first, first + rows):
        luck = rng.random()
        if said and luck < 0.12:
            row = dict(rng.choice(said))
            if luck < 0.03:
                row["amount"] = "77.70"
            elif luck < 0.05 and row["amount"].endswith("0"):
                row["amount"] = row["amount"][:-1]  # another spelling, the same content
        else:
            row = base(rng, number, day)
        if rng.random() < 0.35:
            for name in rng.sample(NAMES, rng.choice((1, 1, 1, 2, 3))):
                row[name] = rng.choice(ODD[name])
        if len(said) < 50_000:
            said.append(row)
        else:
            said[rng.randrange(len(said))] = row
        yield row


def deliver(place: Path, source: str, rows: list[dict[str, str]]) -> dict[tuple[str, int], dict[str, str]]:
    """Write a file; its rows by the line they begin on."""
    out, at, found = io.StringIO(), 2, {}
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(NAMES)
    for row in rows:
        found[source, at] = row
        writer.writerow([row[name] for name in NAMES])
        at += 1 + sum(value.count("\n") for value in row.values())
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(out.getvalue(), encoding="utf-8", newline="")
    return found


def differences(
    spark: SparkSession, settings: Settings, root: Path, rows: int, files: int, seed: int, drops: int = len(DAYS)
) -> Iterator[str]:
    """Every difference between the product and the oracle, in words."""
    rng = random.Random(seed)
    feeds = {"transactions": Feed(quarantine=Quarantine(max_share=1.0), max_empty_share={})}
    settings = settings.model_copy(update={"feeds": settings.feeds | feeds})
    places = Places(root / "landing", root / "lake", root / "worklists")
    given = {
        "customers": ["customer_id,joined_on,marketing_consent", "C1,2020-01-01,true"],
        "accounts": ["account_id,customer_id,product_type,currency,opened_on,status",
                     *(f"A{n},C1,current,CNY,2000-01-01,open" for n in range(ACCOUNTS))],
    }
    for feed, lines in given.items():
        file = places.landing / feed / f"dt={DAYS[0]}" / "a.csv"
        file.parent.mkdir(parents=True)
        file.write_text("\n".join(lines) + "\n")
    ledger = Ledger({f"A{n}" for n in range(ACCOUNTS)})
    past: list[dict[str, str]] = []
    expected: dict[tuple[str, int], Verdict] = {}
    for nth, day in enumerate(DAYS[:drops]):
        many = rows if nth == 0 else rows // 5
        made = list(drawn(rng, many, day, past, nth * rows))
        past = made[:50_000]
        found: dict[tuple[str, int], dict[str, str]] = {}
        for file in range(files):
            source = f"transactions/dt={day}/{file:03}.csv"
            found |= deliver(places.landing / source, source, made[file * many // files:(file + 1) * many // files])
        expected |= ledger.drop(day, found)
        job = Job(settings, places, spark, day, "ingest")
        job.lake.create_all()
        recorded(job, ingest.run)
    yield from _compared(places.lake, expected)


def _compared(lake: Path, expected: dict[tuple[str, int], Verdict]) -> Iterator[str]:
    accepted = Counter(verdict.row for verdict in expected.values() if verdict.what == "accepted")
    for batch in arrow_batches(lake, "transactions", NAMES, ALL):
        for row in batch.to_pylist():
            at = row["booked_at"]
            row["booked_at"] = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
            accepted[tuple(row[name] for name in NAMES)] -= 1
    yield from (f"{'missing' if count > 0 else 'too many'} in transactions: {row}" for row, count in accepted.items() if count)
    bad = {place: verdict.rules for place, verdict in expected.items() if verdict.what == "quarantined"}
    for batch in arrow_batches(lake, "quarantine", ["source_file", "line", "rules", "raw"], ALL):
        for row in batch.to_pylist():
            rules = bad.pop((row["source_file"], row["line"]), None)
            if rules != tuple(row["rules"]):
                instead = rules or expected.get((row["source_file"], row["line"]))
                yield f"{row['source_file']} line {row['line']}: {row['rules']}, expected {instead}: {row['raw']}"
    yield from (f"{source} line {line}: not in quarantine, expected {rules}" for (source, line), rules in bad.items())
    files = read_arrow(lake, "files")
    told = {row["source_file"]: row for row in (files.to_pylist() if files is not None else [])}
    counts: dict[str, Counter[str]] = {}
    for (source, _), verdict in expected.items():
        counts.setdefault(source, Counter())[verdict.what] += 1
    for source, of in counts.items():
        row = told[source]
        if (row["accepted"], row["quarantined"], row["duplicates"]) != (of["accepted"], of["quarantined"], of["duplicate"]):
            yield f"{source}: told {row}, expected {dict(of)}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("rows", 1_000_000), ("files", 30), ("seed", 1)):
        parser.add_argument(f"--{name}", type=int, default=default)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="kehu-rows-") as scratch:
        settings = load_settings()
        spark = start(settings, Path(scratch) / "spark.log")
        count = 0
        for count, difference in enumerate(differences(spark, settings, Path(scratch), given.rows, given.files, given.seed), 1):
            if count <= 20:
                print(difference)
        spark.stop()
    print(f"{given.rows + given.rows // 5:,} fuzzed rows in {2 * given.files} files: {count} differences from the oracle")
    sys.exit(count > 0)


if __name__ == "__main__":
    main()
