"""Demo: the main job on real input, from nothing to worklists, one business day after another."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pyarrow.parquet as pq

import simulation
from conf import ExitCode, KehuError, load_settings
from jobs.backfill import is_done
from jobs.context import Counts, Job, Places, opened, recorded
from jobs.run import DAY, whole_day
from simulation import berka as berka_bank
from simulation import complete_journey
from simulation.contacts import Calls, called, known
from simulation.days import days_between, is_business
from simulation.delivery import Plan
from simulation.drops import write_drop
from simulation.market import UNITED_STATES

Progress = Callable[[str], None]
ROOM = Path(simulation.__file__).parent
MADE = ("landing", "TRUTH", "lake", "worklists")  # what a demo's feeds lead to


@dataclass(frozen=True)
class Bank:
    """A demo's bank.

    Attributes
    ----------
    conf : str
        Its configuration in `simulation/conf/`.
    days : tuple of date
        The business days that are run; the first takes the initial load.
    made_of : str
        What the feeds are made of besides the generator: they are written again when it changes.
    write : callable of (landing, truth, progress)
        Writes the feeds as far as they are known beforehand.
    living : LivingDemo, optional
        A world to be brought on day by day; without one every drop lies there from the beginning.
    """

    conf: str
    days: tuple[date, ...]
    made_of: str
    write: Callable[[Path, Path], None]
    living: LivingDemo | None = None


def demonstrated(directory: str, berka: str | None, progress: Progress) -> Counts:
    """Write the feeds unless they are there, run every day that is not done, and say what came of it.

    Parameters
    ----------
    directory : str
        Everything of the demo lies below it.
    berka : str, optional
        Directory of the Berka files.
    progress : callable taking a message

    Raises
    ------
    KehuError
        USAGE when `directory` holds the demo of the other bank.
    """
    root = Path(directory).absolute()
    bank = _berka(Path(berka), progress) if berka else _complete_journey(root, progress)
    settings = load_settings(ROOM / "conf" / bank.conf)
    places = Places(root / "landing", root / "lake", root / "worklists")
    _feeds(bank, root, progress)
    with opened(settings, places, bank.days[-1], "demo", progress) as job:
        run = _days(job, bank)
        return {"days_run": len(run), "days_already_done": len(bank.days) - len(run), **_summary(job, bank, root)}


def _complete_journey(root: Path, progress: Progress) -> Bank:
    days = tuple(day for day in complete_journey.PLAN.days() if is_business(day, UNITED_STATES.holidays))
    living = LivingDemo(root, progress)
    made_of = f"{complete_journey.PACKAGE} {complete_journey.package_version()}"
    return Bank("complete_journey", days, made_of, living.write, living)


def _berka(data: Path, progress: Progress) -> Bank:
    def write(landing: Path, truth: Path) -> None:
        truth.mkdir(parents=True, exist_ok=True)  # nothing is planted in real data
        berka_bank.landing_feeds(data, landing, progress)

    return Bank("berka", berka_bank.DAYS, berka_bank.made_of(data), write)


def _feeds(bank: Bank, root: Path, progress: Progress) -> None:
    """Feeds and truth, written whole or not at all. When they change, what was made from the old ones goes too."""
    marker, wanted = root / "feeds.json", {"bank": bank.conf, "made_of": bank.made_of, "generator": _generator()}
    written = json.loads(marker.read_text()) if marker.exists() else None
    if written == wanted:
        progress("the feeds are there")
        return
    if written and written["bank"] != bank.conf:
        raise KehuError(f"{root} holds the demo of another bank; choose another --dir", ExitCode.USAGE)
    root.mkdir(parents=True, exist_ok=True)
    marker.unlink(missing_ok=True)
    if (root / "landing").exists():
        progress("the demo's data changed with this version: starting over")
    for old in MADE:
        shutil.rmtree(root / old, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix="writing-", dir=root) as writing:
        bank.write(Path(writing) / "landing", Path(writing) / "TRUTH")
        for part in ("TRUTH", "landing"):
            (Path(writing) / part).rename(root / part)
    marker.write_text(json.dumps(wanted, indent=1) + "\n")


def _generator() -> str:
    """A hash of the generator's code: other code, other feeds."""
    sources = hashlib.sha256()
    for file in sorted(ROOM.glob("*.py")):
        sources.update(file.read_bytes())
    return sources.hexdigest()[:16]


def _days(job: Job, bank: Bank) -> list[date]:
    """Run the days that are not done, one after another."""
    run = []
    for day in bank.days:
        today = replace(job, day=day)
        if bank.living is not None:
            bank.living.bring(today)
        if is_done(today, day):
            job.progress(f"{day}  done before")
            continue
        if day == bank.days[0]:
            _first_day(today)
        else:
            whole_day(today)
        run.append(day)
    return run


def _first_day(job: Job) -> None:
    """A whole day with training in it, so that the very first alerts carry scored offers."""
    from jobs import train

    for name, work in DAY:
        if name == "score":
            job.progress(f"{job.day}  train")
            recorded(job.named("train"), train.run)
        job.progress(f"{job.day}  {name}")
        recorded(job.named(name), work)


class LivingDemo:
    """The generated bank between the days: RMs call, customers answer, and the next drops are written.

    What was agreed is noted in `TRUTH/calls` when a day's drops are complete; from there a stopped demo goes on.
    """

    def __init__(self, root: Path, progress: Progress, some: int | None = None, plan: Plan = complete_journey.PLAN) -> None:
        self._root, self._progress, self._some, self._plan = root, progress, some, plan
        self._world: complete_journey.Living | None = None

    def write(self, landing: Path, truth: Path) -> None:
        """Write the initial load; the world goes on from there."""
        self._world = complete_journey.Living(landing, truth, self._progress, self._some, self._plan)
        self._world.load()

    def bring(self, job: Job) -> None:
        """Deliver up to the job's day, unless that was done before."""
        if self._note(job.day).exists():
            return
        calls = self._calls(job)
        for on in days_between(self._last_noted(job.day) + timedelta(days=1), job.day):
            self._live(on, calls.agreed if on == job.day else [])
        if calls.outcomes.num_rows:
            write_drop(job.landing, "outcomes", job.day, calls.outcomes)
        note = self._note(job.day)
        note.parent.mkdir(parents=True, exist_ok=True)
        writing = note.with_suffix(".writing")
        writing.write_text(json.dumps(calls.agreed, indent=1) + "\n")
        writing.rename(note)

    def _live(self, on: date, agreed: list[tuple[str, str]]) -> None:
        """Let the world live a day; a world that was left is first brought to where it was."""
        if self._world is None:
            self._progress("bringing the generated bank to where its drops end")
            places = self._root / "landing", self._root / "TRUTH"
            self._world = complete_journey.Living(*places, _say_nothing, self._some, self._plan, quiet=True)
            self._world.load()
            for past in days_between(self._plan.loaded + timedelta(days=1), on - timedelta(days=1)):
                note = self._note(past)
                self._world.bring(past, json.loads(note.read_text()) if note.exists() else [])
        self._world.delivery.go_on(self._root / "landing", self._root / "TRUTH")
        self._world.bring(on, agreed)

    def _calls(self, job: Job) -> Calls:
        """What RMs reported by the job's day about the alerts of earlier days."""
        from tables.arrow import read_arrow

        alerts = read_arrow(job.places.lake, "alerts", filters=[("raised_on", "<", job.day)])
        truth = self._root / "TRUTH"
        before = self._last_noted(job.day)
        chances = pq.read_table(truth / "uptake" / f"as_of={before.isoformat()}.parquet")
        products = {name: offer.uptake.products[0] for name, offer in job.settings.offers.items() if offer.uptake.products}
        told = known(pq.read_table(truth / "events.parquet"), chances)
        rows = alerts.to_pylist() if alerts is not None else []
        return called(rows, job.day, told, products, job.settings.worklists.calls_per_day, job.settings.models.seed)

    def _last_noted(self, day: date) -> date:
        """The last day before `day` whose drops are complete."""
        noted = [date.fromisoformat(note.stem) for note in (self._root / "TRUTH" / "calls").glob("*.json")]
        return max((on for on in noted if on < day), default=self._plan.loaded)

    def _note(self, day: date) -> Path:
        return self._root / "TRUTH" / "calls" / f"{day.isoformat()}.json"


def _say_nothing(message: str) -> None:
    """Progress of what was told before."""


def _summary(job: Job, bank: Bank, root: Path) -> Counts:
    """What the lake holds after the last day."""
    from tables.arrow import read_arrow

    def counted(table: str, column: str, **same: Any) -> str:
        rows = read_arrow(job.places.lake, table, [column], [(name, "=", value) for name, value in same.items()] or None)
        values = {} if rows is None else {row["values"]: row["counts"] for row in pc.value_counts(rows[column]).to_pylist()}
        return ", ".join(f"{name} {count:,}" for name, count in sorted(values.items(), key=lambda item: -item[1])) or "none"

    counts = ["rows", "accepted", "quarantined", "duplicates"]
    files = read_arrow(job.places.lake, "files", counts)
    sums = {name: 0 if files is None else int(pc.sum(files[name]).as_py() or 0) for name in counts}
    last = bank.days[-1]
    features = read_arrow(job.places.lake, "customer_features", ["customer_id"], [("as_of", "=", last)])
    return {
        "rows in": sums["rows"],
        "accepted": sums["accepted"],
        "quarantined": f"{sums['quarantined']:,} rows with the rules they broke, {sums['duplicates']:,} duplicates",
        "flags": counted("abnormal_flows", "kind"),
        "features": f"{0 if features is None else features.num_rows:,} customers on {last}",
        "models": _models(job),
        "life events": counted("life_events", "event", as_of=last),
        "alerts": counted("alerts", "type"),
        "alerts now": counted("alerts", "status"),
        "outcomes": counted("outcomes", "outcome"),
        "open first": str(_page(root / "worklists" / last.isoformat())),
        "worklists": str(root / "worklists"),
        "tables": str(root / "lake"),
    }


def _models(job: Job) -> str:
    """What training decided, from its recorded run."""
    from tables.arrow import read_arrow

    runs = read_arrow(job.places.lake, "runs", ["job", "ended_at", "counts"], [("job", "=", "train"), ("status", "=", "done")])
    if runs is None or not runs.num_rows:
        return "none trained"
    counts: Mapping[str, int] = dict(max(runs.to_pylist(), key=lambda row: row["ended_at"])["counts"])
    return ", ".join(f"{name.replace('_', ' ')} {count:,}" for name, count in counts.items())


def _page(worklists: Path) -> Path:
    """The page to open first: the fullest worklist of the day."""
    pages = sorted(worklists.rglob("*.html"), key=lambda page: (-page.stat().st_size, page.name))
    return pages[0] if pages else worklists


if __name__ == "__main__":
    from jobs.cli import main

    main("demo")
