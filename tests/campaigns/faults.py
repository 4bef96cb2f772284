"""The fault campaign on a whole day's ingest: kills, contested starts, full disks, damaged state. Counts, and what they bound.

    python -m tests.campaigns.faults [--commit-kills 50] [--random-kills 50] [--starts 200] [--sizes 20] [--corruptions 200]
                                     [--report docs/faults.md]

Every trial starts from a copy of the same small lake, does its harm to the next day's run, runs the day again where the harm allows it, and
compares every row of every table with an undisturbed run's, read by delta-rs. Disks are tmpfs mounts: without root they are left out.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from conf import ExitCode, KehuError, Settings, load_settings
from jobs.context import places
from jobs.doctor import examined
from tables.arrow import read_arrow

DAYS = (date(2026, 1, 5), date(2026, 1, 6))
WRITTEN = {
    "customers": "customer_id", "accounts": "account_id", "transactions": "transaction_id", "holdings": "product_id",
    "quarantine": "line", "files": "source_file",
}
CONF = "spark: {master: 'local[2]', driver_memory: 1g, shuffle_partitions: 2}\n"


@dataclass
class Campaign:
    """How one kind of harm ended."""

    name: str
    passes: str
    trials: int = 0
    failures: list[str] = field(default_factory=list)
    note: str = ""

    def count(self, what: str, failed: str | None) -> None:
        self.trials += 1
        if failed:
            self.failures.append(f"{what}: {failed}")
        print(f"{self.name} {self.trials}: {what}: {failed or 'as it should be'}", flush=True)


class World:
    """A landing of two days, a lake after the first, and what the second day makes of it undisturbed."""

    def __init__(self, root: Path) -> None:
        self.root, self.landing, self.base = root, root / "landing", root / "base" / "lake"
        self.conf = root / "conf"
        self.conf.mkdir(parents=True)
        (self.conf / "kehu.yaml").write_text(CONF)
        deliver(self.landing)
        self.require(self.kehu(self.base, DAYS[0]))
        shutil.copytree(self.base, root / "undisturbed" / "lake")
        began = time.monotonic()
        self.require(self.kehu(root / "undisturbed" / "lake", DAYS[1]))
        self.seconds = time.monotonic() - began
        self.truth = contents(root / "undisturbed" / "lake")
        self.commits = sorted(
            str(commit.relative_to(root / "undisturbed" / "lake"))
            for commit in (root / "undisturbed" / "lake").glob("*/_delta_log/*.json")
            if not (self.base / commit.relative_to(root / "undisturbed" / "lake")).exists()
        )

    def fresh(self) -> Path:
        lake = self.root / "trial" / "lake"
        shutil.rmtree(lake.parent, ignore_errors=True)
        shutil.copytree(self.base, lake)
        return lake

    def kehu(self, lake: Path, day: date = DAYS[1]) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "jobs.cli", "ingest", "--date", str(day), "--landing", str(self.landing), "--lake", str(lake)]
        return subprocess.Popen([*command, "--conf", str(self.conf)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                                start_new_session=True)

    def require(self, process: subprocess.Popen[str]) -> None:
        _, said = process.communicate()
        if process.returncode:
            raise SystemExit(f"the undisturbed run itself failed: {said}")

    def differs(self, lake: Path) -> str | None:
        """Run the day again; what differs from the undisturbed run."""
        again = self.kehu(lake)
        _, said = again.communicate()
        if again.returncode:
            return f"the rerun ended with {again.returncode}: {said.strip().splitlines()[-1:]}"
        found = contents(lake)
        return next((f"table {name} differs" for name in WRITTEN if found[name] != self.truth[name]), None)


def kills(world: World, at_commits: int, at_random: int, rng: random.Random) -> list[Campaign]:
    commits = Campaign("kill at a commit", "the rerun ends as the undisturbed run did")
    for number in range(at_commits):
        lake, point = world.fresh(), world.commits[number % len(world.commits)]
        kill(world.kehu(lake), lambda lake=lake, point=point: (lake / point).exists())
        commits.count(f"after {point}", world.differs(lake))
    moments = Campaign("kill at a random moment", "the same")
    for _ in range(at_random):
        lake, moment = world.fresh(), rng.uniform(0, world.seconds)
        end = time.monotonic() + moment
        kill(world.kehu(lake), lambda end=end: time.monotonic() > end)
        moments.count(f"after {moment:.1f} s", world.differs(lake))
    return [commits, moments]


def kill(process: subprocess.Popen[str], seen: Callable[[], bool]) -> None:
    while not seen() and process.poll() is None:
        time.sleep(0.002)
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def starts(world: World, pairs: int, contested: int) -> list[Campaign]:
    """Whole runs in pairs; and many more processes that only take the lock and add one to a number in a file."""
    whole = Campaign("two runs at once", "one works, the other ends with 75, nothing is lost")
    for number in range(pairs):
        lake = world.fresh()
        both = [world.kehu(lake) for _ in range(2)]
        for one in both:
            one.communicate()
        codes = sorted(one.returncode for one in both)
        wrong = None if codes in ([0, ExitCode.BUSY], [0, 0]) else f"exit codes {codes}"
        whole.count(f"pair {number}", wrong or world.differs(lake))
    locks = Campaign("contested starts", "each either holds the lake alone or ends with 75")
    place = world.root / "contested"
    place.mkdir()
    counter = place / "counter"
    counter.write_text("0")
    act = (
        "import sys, time; from pathlib import Path; from tables.lock import exclusive; from conf import KehuError\n"
        "try:\n with exclusive(Path(sys.argv[1]), 'trial'):\n"
        "  file = Path(sys.argv[1]) / 'counter'; was = int(file.read_text()); time.sleep(0.05); file.write_text(str(was + 1))\n"
        "except KehuError as error:\n sys.exit(error.code)\n"
    )
    worked = 0
    for first in range(0, contested, 8):
        crowd = [subprocess.Popen([sys.executable, "-c", act, str(place)]) for _ in range(min(8, contested - first))]
        codes = [one.wait() for one in crowd]
        worked += codes.count(0)
        for code in codes:
            locks.count("start", None if code in (0, ExitCode.BUSY) else f"exit code {code}")
    if int(counter.read_text()) != worked:
        locks.failures.append(f"{worked} worked, {counter.read_text()} were counted")
    return [whole, locks]


def full_disks(world: World, sizes: int) -> Campaign:
    found = Campaign("disk full", "exit 74, the tables stay readable, and with room the rerun ends as the undisturbed run did")
    place = world.root / "disk"
    place.mkdir()
    needed = sum(file.stat().st_size for file in world.base.rglob("*") if file.is_file()) // 1024 + 64
    for number in range(sizes):
        size = needed + 40 * (number + 1)
        mount = ["mount", "-t", "tmpfs", "-o", f"size={size}k", "tmpfs", str(place)]
        if subprocess.run(mount, capture_output=True, check=False).returncode:
            found.note = "left out: mounting needs root"
            return found
        try:
            lake = place / "lake"
            shutil.copytree(world.base, lake)
            process = world.kehu(lake)
            _, said = process.communicate()
            wrong = None if process.returncode in (0, ExitCode.IO) else f"exit {process.returncode}: {said.strip()[-200:]}"
            contents(lake)
            subprocess.run(["mount", "-o", "remount,size=512m", str(place)], check=True)
            found.count(f"{size - needed} KiB free, exit {process.returncode}", wrong or world.differs(lake))
        finally:
            subprocess.run(["umount", "-l", str(place)], check=False)
    return found


def corruptions(world: World, trials: int, rng: random.Random) -> Campaign:
    found = Campaign("damaged state", "the doctor names it, or no row differs")
    lake_of_truth = world.root / "undisturbed" / "lake"
    settings: Settings = load_settings(world.conf)
    files = sorted(
        file.relative_to(lake_of_truth) for name in WRITTEN for file in (lake_of_truth / name).rglob("*")
        if file.is_file() and file.suffix in (".json", ".parquet", ".crc") and file.stat().st_size
    )
    healthy = verdict(settings, world, lake_of_truth)
    for _ in range(trials):
        lake = world.root / "trial" / "lake"
        shutil.rmtree(lake.parent, ignore_errors=True)
        shutil.copytree(lake_of_truth, lake)
        victim, harm = rng.choice(files), rng.choice(("flip", "cut", "empty", "delete"))
        hurt(lake / victim, harm, rng)
        named = verdict(settings, world, lake) not in (None, healthy)
        try:
            same = contents(lake) == world.truth
        except Exception:
            same = False
        found.count(f"{harm} {victim}", None if named or same else "a row differs and nobody noticed")
    return found


def verdict(settings: Settings, world: World, lake: Path) -> str | None:
    """What the doctor says is broken."""
    try:
        examined(settings, places(settings, str(world.landing), str(lake)), False)
    except KehuError as error:
        return str(error).replace(str(lake), "LAKE")
    return None


def hurt(file: Path, harm: str, rng: random.Random) -> None:
    content = bytearray(file.read_bytes())
    if harm == "delete":
        file.unlink()
        return
    if harm == "flip":
        content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
    file.write_bytes({"flip": content, "cut": content[: len(content) // 2], "empty": b""}[harm])


def contents(lake: Path) -> dict[str, list[dict]]:
    """Every row of every table, whatever run wrote it."""
    found = {}
    for name, key in WRITTEN.items():
        rows = read_arrow(lake, name)
        assert rows is not None
        found[name] = sorted(rows.drop_columns(["run_id"]).to_pylist(), key=lambda row, key=key: (str(row[key]), str(row)))
    return found


def deliver(landing: Path) -> None:
    for day in DAYS:
        first = day == DAYS[0]
        drops = {
            "customers": ["customer_id,joined_on,marketing_consent",
                          *(f"C{n},2020-01-01,{str(first or n % 2 == 0).lower()}" for n in range(60))],
            "accounts": ["account_id,customer_id,product_type,currency,opened_on,status",
                         *(f"A{n},C{n},current,CNY,2020-01-01,open" for n in range(60 if first else 70))],
            "transactions": ["transaction_id,account_id,booked_at,amount,currency,direction,type,channel",
                             *(f"T{n + 250 * (not first)},A{n % 65},{day}T10:00:00,{n % 7}.10,CNY,debit,card,mobile" for n in range(300))],
            "holdings": ["customer_id,product_id,acquired_on,value", f"C1,fund,2024-01-01,{day.day}00"],
        }
        for feed, lines in drops.items():
            place = landing / feed / f"dt={day}"
            place.mkdir(parents=True)
            (place / "a.csv").write_text("\n".join(lines) + "\n")


def page(campaigns: list[Campaign]) -> str:
    rows = [
        f"| {each.name} | {each.trials} | {len(each.failures)} | {f'{3 / each.trials:.1%}' if each.trials else each.note} | {each.passes} |"
        for each in campaigns
    ]
    failures = [f"- {each.name}, {failure}" for each in campaigns for failure in each.failures]
    return "\n".join([
        "# Fault campaign", "",
        "Written by `python -m tests.campaigns.faults`. Each trial harms one day's ingest of a small lake and compares every row of",
        "every table with an undisturbed run. With no failure in n trials, the chance of one is below 3/n with 95 % confidence.", "",
        "| harm | trials | failures | 3/n | passed when |", "|---|---|---|---|---|", *rows, "", *failures, "",
    ])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("commit-kills", 50), ("random-kills", 50), ("pairs", 10), ("starts", 200), ("sizes", 20), ("corruptions", 200)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--report", type=Path)
    given = parser.parse_args()
    rng = random.Random(given.seed)
    with tempfile.TemporaryDirectory(prefix="kehu-faults-") as scratch:
        world = World(Path(scratch))
        done = [
            corruptions(world, given.corruptions, rng),
            *starts(world, given.pairs, given.starts),
            *kills(world, given.commit_kills, given.random_kills, rng),
            full_disks(world, given.sizes),
        ]
    told = page(done)
    print(told)
    if given.report:
        given.report.write_text(told, encoding="utf-8")
    sys.exit(any(each.failures for each in done))


if __name__ == "__main__":
    main()
