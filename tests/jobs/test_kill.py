"""A run killed in the middle is simply run again; a second run at the same time is turned away."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from conf import ExitCode, Settings
from jobs import ingest
from jobs.context import Job, Places, recorded
from tables.arrow import read_arrow
from tables.lock import exclusive

DAY = date(2026, 1, 5)
DROPS = {
    "customers": ["customer_id,joined_on,marketing_consent", *(f"C{n},2020-01-01,true" for n in range(40))],
    "accounts": ["account_id,customer_id,product_type,currency,opened_on,status",
                 *(f"A{n},C{n},current,CNY,2020-01-01,open" for n in range(40))],
    "transactions": ["transaction_id,account_id,booked_at,amount,currency,direction,type,channel",
                     *(f"T{n},A{n % 45},2026-01-05T10:00:00,{n % 7}.10,CNY,debit,card,mobile" for n in range(300))],
}
TABLES = {
    "customers": "customer_id", "accounts": "account_id", "transactions": "transaction_id", "quarantine": "line", "files": "source_file",
}


@pytest.fixture
def landing(tmp_path: Path) -> Path:
    for feed, lines in DROPS.items():
        place = tmp_path / "landing" / feed / f"dt={DAY}"
        place.mkdir(parents=True)
        (place / "a.csv").write_text("\n".join(lines) + "\n")
    return tmp_path / "landing"


def contents(lake: Path) -> dict[str, list[dict]]:
    """Every row of every table that ingest writes; which run wrote it is the run's, not the data's."""
    found = {}
    for table, key in TABLES.items():
        rows = read_arrow(lake, table)
        assert rows is not None
        found[table] = sorted(rows.drop_columns(["run_id"]).to_pylist(), key=lambda row: str(row[key]))
    return found


def kehu(landing: Path, lake: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "jobs.cli", "ingest", "--date", str(DAY), "--landing", str(landing), "--lake", str(lake)]
    conf = lake.parent / "conf"
    conf.mkdir(exist_ok=True)
    (conf / "kehu.yaml").write_text("spark: {master: 'local[2]', driver_memory: 1g, shuffle_partitions: 2}\n")
    bare = {name: value for name, value in os.environ.items() if name not in ("LC_ALL", "LC_CTYPE", "LANG")}  # as cron starts it
    return subprocess.Popen([*command, "--conf", str(conf)], stderr=subprocess.PIPE, text=True, start_new_session=True, env=bare)


def killed_when(process: subprocess.Popen[str], seen: Callable[[], bool]) -> None:
    """SIGKILL the process and all it started as soon as something is seen."""
    end = time.monotonic() + 240
    while not seen() and process.poll() is None and time.monotonic() < end:
        time.sleep(0.005)
    assert process.poll() is None, process.stderr.read() if process.stderr else ""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def test_a_killed_run_is_run_again(landing: Path, settings: Settings, spark: SparkSession, tmp_path: Path) -> None:
    """Killed when the transactions were committed and neither quarantine nor ledger were: the rerun ends as if nothing had been."""
    lake, undisturbed = tmp_path / "客户 killed" / "lake", tmp_path / "undisturbed" / "lake"
    lake.parent.mkdir()
    commits = lake / "transactions" / "_delta_log"
    killed_when(kehu(landing, lake), lambda: (commits / f"{1:020}.json").exists())
    assert len(contents(lake)["transactions"]) > 0
    assert contents(lake)["files"] == []
    assert (lake / "_landed").exists()

    for place in (lake, undisturbed):
        job = Job(settings, Places(landing, place, tmp_path / "w"), spark, DAY, "ingest")
        job.lake.create_all()
        counts = recorded(job, ingest.run)
        assert (counts["rows_in"], counts["quarantined"]) == (380, 30)
    assert contents(lake) == contents(undisturbed)
    assert not (lake / "_landed").exists()


def test_a_second_run_is_turned_away(landing: Path, tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    with exclusive(lake, "ingest --date 2026-01-04"):
        second = kehu(landing, lake)
        _, said = second.communicate(timeout=60)
    assert second.returncode == ExitCode.BUSY
    assert "`kehu ingest --date 2026-01-04`" in said
    assert not (lake / "transactions").exists()
