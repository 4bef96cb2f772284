"""The fault campaign: kills, contested starts, full disks, damaged state, fuzzed rows. Counts, and what they bound.

    python -m tests.campaigns.faults [--commit-kills 50] [--random-kills 50] [--day-kills 30] [--starts 200] [--sizes 20]
                                     [--corruptions 200] [--rows 1000000] [--report docs/faults.md]

Every trial starts from a copy of the same small lake, does its harm to the next day's `kehu ingest` or whole `kehu run`, runs it again
where the harm allows it, and compares every row of every table (read by delta-rs) and every byte of the worklists with an
undisturbed run's. Disks are tmpfs mounts: without root they are left out. Harmed runs are processes of their own; reruns share one
warm session, which saves hours.
"""

from __future__ import annotations

import argparse
import hashlib
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
from functools import cache
from pathlib import Path

from conf import ExitCode, KehuError, load_settings
from jobs import ingest
from jobs.context import opened, places, recorded
from jobs.doctor import examined
from jobs.run import whole_day
from jobs.session import start
from simulation.world import landing_feeds
from tables.arrow import read_arrow
from tests.campaigns.rows import differences

CUSTOMERS, HISTORY, SEED = 24, 40, 3
CONF = "spark: {master: 'local[2]', driver_memory: 1g, shuffle_partitions: 2, java_options: '-XX:+UseSerialGC', conf: " \
       "{spark.sql.codegen.wholeStage: 'false', spark.sql.adaptive.enabled: 'false'}}\n"
UNLIKE = ("run_id", "table_versions")  # which run wrote a row is the run's, not the data's
LEDGER = "runs"


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

    def __init__(self, root: Path, name: str) -> None:
        self.root, self.name = root, name
        self.conf = root / "conf"
        self.conf.mkdir(parents=True)
        (self.conf / "kehu.yaml").write_text(CONF)
        self.settings = load_settings(self.conf)
        plan = landing_feeds(root / "bank", CUSTOMERS, HISTORY, SEED, print)
        self.landing, (first, self.day) = root / "bank" / "landing", plan.days()[:2]
        self.base, undisturbed = root / "base" / "lake", root / "undisturbed" / "lake"
        self.again(self.base, first)
        shutil.copytree(self.base.parent, undisturbed.parent)
        began = time.monotonic()
        process = self.kehu(undisturbed)
        _, said = process.communicate()
        if process.returncode:
            raise SystemExit(f"the undisturbed run itself failed: {said}")
        self.seconds = time.monotonic() - began
        self.truth = contents(undisturbed)
        commits = [commit.relative_to(undisturbed) for commit in undisturbed.glob("*/_delta_log/*.json")]
        self.commits = sorted(
            (str(commit) for commit in commits if not (self.base / commit).exists()),
            key=lambda commit: (undisturbed / commit).stat().st_mtime_ns,
        )
        print(f"kehu {name} takes {self.seconds:.0f} s and makes {len(self.commits)} commits", flush=True)

    def fresh(self) -> Path:
        lake = self.root / "trial" / "lake"
        shutil.rmtree(lake.parent, ignore_errors=True)
        shutil.copytree(self.base.parent, lake.parent)
        return lake

    def kehu(self, lake: Path) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "jobs.cli", self.name, "--date", str(self.day), "--landing", str(self.landing)]
        command += ["--lake", str(lake), "--conf", str(self.conf)]
        return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True)

    def again(self, lake: Path, day: date) -> None:
        with opened(self.settings, places(self.settings, str(self.landing), str(lake)), day, self.name) as job:
            if self.name == "run":
                whole_day(job)
            else:
                recorded(job, ingest.run)

    def differs(self, lake: Path) -> str | None:
        """Run the day again; what differs from the undisturbed run."""
        try:
            self.again(lake, self.day)
        except KehuError as error:
            return f"the rerun ended with {error.code}: {error}"
        return difference(contents(lake), self.truth)


def commit_kills(world: World, trials: int) -> Campaign:
    commits = Campaign(f"kill {world.name} at a commit", "the rerun ends as the undisturbed run did")
    for number in range(trials):
        lake, point = world.fresh(), world.commits[number * 7 % len(world.commits)]  # 7: a short campaign sees all parts of the day
        kill(world.kehu(lake), lambda lake=lake, point=point: (lake / point).exists())
        commits.count(f"after {point}", world.differs(lake))
    return commits


def random_kills(world: World, trials: int, rng: random.Random) -> Campaign:
    moments = Campaign(f"kill {world.name} at a random moment", "the same")
    for _ in range(trials):
        lake, moment = world.fresh(), rng.uniform(0, world.seconds)
        end = time.monotonic() + moment
        kill(world.kehu(lake), lambda end=end: time.monotonic() > end)
        moments.count(f"after {moment:.1f} s", world.differs(lake))
    return moments


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
    grows = kib(world.root / "undisturbed") - kib(world.base.parent)
    for number in range(sizes):
        free = grows * number // sizes  # never all that the day needs
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=512m", "tmpfs", str(place)], capture_output=True, check=False).returncode:
            found.note = "left out: mounting needs root"
            return found
        try:
            lake = place / "lake"
            shutil.copytree(world.base.parent, lake.parent, dirs_exist_ok=True)
            room = os.statvfs(place)
            used = (room.f_blocks - room.f_bfree) * room.f_frsize // 1024
            subprocess.run(["mount", "-o", f"remount,size={used + free}k", str(place)], check=True)
            process = world.kehu(lake)
            _, said = process.communicate()
            wrong = None if process.returncode in (0, ExitCode.IO) else f"exit {process.returncode}: {said.strip()[-200:]}"
            contents(lake)
            subprocess.run(["mount", "-o", "remount,size=512m", str(place)], check=True)
            found.count(f"{free} KiB free, exit {process.returncode}", wrong or world.differs(lake))
        finally:
            subprocess.run(["umount", "-l", str(place)], check=False)
    return found


def kib(directory: Path) -> int:
    """What a directory's files take on a disk of whole pages."""
    return sum(-(-file.stat().st_size // 4096) * 4 for file in directory.rglob("*") if file.is_file())


def corruptions(world: World, trials: int, rng: random.Random) -> Campaign:
    found = Campaign("damaged state", "the doctor names it, or no row differs")
    lake_of_truth = world.root / "undisturbed" / "lake"
    files = sorted(
        file.relative_to(lake_of_truth) for name in tables_of(lake_of_truth) for file in (lake_of_truth / name).rglob("*")
        if file.is_file() and file.suffix in (".json", ".parquet", ".crc") and file.stat().st_size
    )
    healthy = verdict(world, lake_of_truth)
    for _ in range(trials):
        lake = world.root / "trial" / "lake"
        shutil.rmtree(lake.parent, ignore_errors=True)
        shutil.copytree(lake_of_truth.parent, lake.parent)
        victim, harm = rng.choice(files), rng.choice(("flip", "cut", "empty", "delete"))
        hurt(lake / victim, harm, rng)
        try:
            named = verdict(world, lake) not in (None, healthy)
        except Exception as error:  # it must name what is damaged, whatever that is
            found.count(f"{harm} {victim}", f"the doctor itself fell: {error}")
            continue
        try:
            same = difference(contents(lake), world.truth) is None
        except Exception:  # unreadable: somebody who reads it is told, but the doctor must have named it
            same = False
        found.count(f"{harm} {victim}", None if named or same else "a row differs and nobody noticed")
    return found


def fuzzed(world: World, rows: int) -> Campaign:
    found = Campaign("fuzzed rows", "row, values, rules and counts are those of an oracle in plain Python")
    spark = start(world.settings, world.root / "spark.log")
    found.failures = list(differences(spark, world.settings, world.root / "rows", rows, 30, 1))
    found.trials = rows + rows // 5
    return found


def verdict(world: World, lake: Path) -> str | None:
    """What the doctor says is broken."""
    try:
        examined(world.settings, places(world.settings, str(world.landing), str(lake)), False)
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


def tables_of(lake: Path) -> list[str]:
    return sorted(log.parent.name for log in lake.glob("*/_delta_log") if log.parent.name != LEDGER)


def contents(lake: Path) -> dict[str, object]:
    """Every row of every table, and a digest of every worklist, whatever run wrote them."""
    found: dict[str, object] = {}
    for name in tables_of(lake):
        rows = read_arrow(lake, name)
        assert rows is not None
        kept = rows.select([column for column in rows.column_names if column not in UNLIKE])
        found[name] = sorted(map(str, kept.to_pylist()))
    for file in (lake.parent / "worklists").rglob("*"):
        if file.is_file():
            found[str(file.relative_to(lake.parent))] = hashlib.sha256(file.read_bytes()).hexdigest()
    return found


def difference(found: dict[str, object], truth: dict[str, object]) -> str | None:
    names = sorted(name for name in {*found, *truth} if found.get(name) != truth.get(name))
    return f"{', '.join(names[:5])} differ" if names else None


def page(campaigns: list[Campaign]) -> str:
    rows = [
        f"| {each.name} | {each.trials} | {len(each.failures)} | {f'{3 / each.trials:.2g}' if each.trials else each.note} | {each.passes} |"
        for each in campaigns
    ]
    failures = [f"- {each.name}, {failure}" for each in campaigns for failure in each.failures]
    return "\n".join([
        "# Fault campaign", "",
        "Written by `make faults`. Each trial harms one day's `kehu ingest` or whole `kehu run` on a small lake and compares every row of",
        "every table and every byte of the worklists with an undisturbed run's. With no failure in n trials, the chance of one is below",
        "3/n with 95 % confidence.", "",
        "| harm | trials | failures | 3/n | passed when |", "|---|---|---|---|---|", *rows, "", *failures, "",
    ])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("commit-kills", 50), ("random-kills", 50), ("day-kills", 30), ("pairs", 10), ("starts", 200), ("sizes", 20),
                          ("corruptions", 200), ("rows", 1_000_000)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--report", type=Path)
    given = parser.parse_args()
    rng = random.Random(given.seed)
    with tempfile.TemporaryDirectory(prefix="kehu-faults-") as scratch:
        of_ingest = World(Path(scratch) / "ingest", "ingest")
        of_day = cache(lambda: World(Path(scratch) / "run", "run"))  # made when the first of its parts begins
        parts: list[Callable[[], list[Campaign]]] = [
            lambda: starts(of_ingest, given.pairs, given.starts),
            lambda: [full_disks(of_ingest, given.sizes)],
            lambda: [commit_kills(of_ingest, given.commit_kills)],
            lambda: [random_kills(of_ingest, given.random_kills, rng)],
            lambda: [fuzzed(of_ingest, given.rows)],
            lambda: [corruptions(of_day(), given.corruptions, rng)],
            lambda: [commit_kills(of_day(), given.day_kills), random_kills(of_day(), given.day_kills // 3, rng)],
        ]
        done: list[Campaign] = []
        for part in parts:
            done += part()
            if given.report:  # after each part: what hours have found outlives whoever stops it
                given.report.write_text(page(done), encoding="utf-8")
    print(page(done))
    sys.exit(any(each.failures for each in done))


if __name__ == "__main__":
    main()
