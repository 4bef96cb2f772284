"""Times the whole ingest against Spark's bare read of the same files as strings written to Delta, in one session.

    python -m benchmarks.ingest [--rows 10000000] [--files 10] [--dates 30] [--memory 3g]

Writes the ratio, the seconds of both, CPU seconds and the greatest resident memory of Python and of the JVM to standard output.
"""

from __future__ import annotations

import argparse
import gzip
import os
import resource
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from datetime import date
from functools import partial
from pathlib import Path

import numpy as np

from conf import load_settings
from jobs import ingest
from jobs.context import Job, Places, opened, recorded

DAY, ACCOUNTS = date(2026, 1, 31), 100_000
HEADER = "transaction_id,account_id,booked_at,amount,currency,direction,type,channel,branch_id,counterparty,balance_after,description\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--files", type=int, default=10)
    parser.add_argument("--dates", type=int, default=30, help="business dates the rows lie on, at most 31")
    parser.add_argument("--memory", default="3g", help="of the driver")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="kehu-ingest-") as scratch:
        places = Places(Path(scratch) / "landing", Path(scratch) / "lake", Path(scratch) / "worklists")
        deliver(places.landing, given.rows, given.files, given.dates)
        settings = load_settings()
        spark = settings.spark.model_copy(update={"driver_memory": given.memory})
        with opened(settings.model_copy(update={"spark": spark}), places, DAY, "ingest") as job:
            for name, feed in (("customers", customers()), ("accounts", accounts())):
                write(places.landing / name / f"dt={DAY}" / "a.csv.gz", feed)
            rows = places.landing / "transactions"
            held = rows.rename(places.landing / "later")
            recorded(job, ingest.run)  # accounts and customers, and a warm session
            held.rename(rows)
            bare = measured(partial(bare_read, job))
            whole = measured(partial(recorded, job, ingest.run))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{given.rows:,} rows of {given.dates} days in {given.files} files: bare read {bare[0]:.1f} s ({bare[1]:.1f} s CPU), "
          f"whole ingest {whole[0]:.1f} s ({whole[1]:.1f} s CPU), ratio {whole[0] / bare[0]:.2f} ({whole[1] / bare[1]:.2f} in CPU), "
          f"Python at most {peak:.0f} MiB")


def bare_read(job: Job) -> None:
    """What Spark needs to write the same files to Delta as strings, with no check at all."""
    text = job.spark.read.option("header", True).csv(str(job.landing / "transactions" / "*" / "*.csv.gz"))
    text.write.format("delta").mode("overwrite").save(str(job.places.lake.parent / "bare"))


def measured(act: Callable[[], object]) -> tuple[float, float]:
    """Seconds, and CPU seconds of this process and the JVM."""
    wall, used = time.perf_counter(), cpu()
    act()
    return time.perf_counter() - wall, cpu() - used


def cpu() -> float:
    spent = os.times()
    return spent.user + spent.system + sum(_of_process(child) for child in _children(os.getpid()))


def _children(parent: int) -> list[int]:
    found = []
    for task in Path(f"/proc/{parent}/task").iterdir():
        with suppress(FileNotFoundError):  # a thread may end while we look
            for child in map(int, (task / "children").read_text().split()):
                found += [child, *_children(child)]
    return found


def _of_process(process: int) -> float:
    fields = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def deliver(landing: Path, rows: int, files: int, dates: int) -> None:
    """Write `rows` transactions, evenly over `files` gzipped files of one drop and the last `dates` days up to it."""
    each = rows // files
    with ProcessPoolExecutor() as workers:
        list(workers.map(partial(_transactions, landing, each, dates), range(files)))


def _transactions(landing: Path, rows: int, dates: int, file: int) -> None:
    rng = np.random.default_rng(file)
    account, cents, balance = rng.integers(ACCOUNTS, size=rows), rng.integers(1, 2_000_000, rows), rng.integers(0, 9**9, rows)
    day, second, payee = rng.integers(32 - dates, 32, rows), rng.integers(86_400, size=rows), rng.integers(5000, size=rows)
    lines = (
        f"T{file:03}{n:08},A{account[n]:06},2026-01-{day[n]:02}T{second[n] // 3600:02}:{second[n] // 60 % 60:02}:{second[n] % 60:02},"
        f"{cents[n] / 100:.2f},CNY,{'credit' if payee[n] % 3 == 0 else 'debit'},card,mobile,B{payee[n] % 40},P{payee[n]},"
        f"{balance[n] / 100:.2f},{'shop no ' if payee[n] % 2 else ''}{payee[n]}\n"
        for n in range(rows)
    )
    write(landing / "transactions" / f"dt={DAY}" / f"{file:03}.csv.gz", (HEADER, *lines))


def customers() -> list[str]:
    return ["customer_id,joined_on,marketing_consent\n", *(f"C{n:06},2020-01-01,true\n" for n in range(ACCOUNTS))]


def accounts() -> list[str]:
    header = "account_id,customer_id,product_type,currency,opened_on,status\n"
    return [header, *(f"A{n:06},C{n:06},current,CNY,2020-01-01,open\n" for n in range(ACCOUNTS))]


def write(path: Path, lines: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with gzip.open(path, "wt", compresslevel=5, encoding="utf-8") as file:
        file.writelines(lines)  # type: ignore[arg-type]


if __name__ == "__main__":
    main()
