"""The files side of ingest: which drops are new, which were seen, and what the ledger says of each."""

from __future__ import annotations

import shutil
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date
from functools import cached_property
from itertools import groupby
from pathlib import Path
from typing import Any

from conf import ExitCode, KehuError
from conf.feed import Feed
from expectations import CONTRACTS, Contract, Repeats
from expectations.configured import contract_of
from expectations.contract import Kind
from jobs.context import Job
from landing import Drop, Held, Landed, Refused, Shape, drops, land
from landing.landed import digest
from tables.arrow import read_arrow

ACCEPTED, REJECTED, DUPLICATE = "accepted", "rejected", "duplicate"
BATCH_BYTES = 1 << 30  # as delivered: so much is taken in one go, whole days together
Row = dict[str, Any]


@dataclass
class Ledger:
    """What was seen so far.

    Attributes
    ----------
    rows : list of dict
        Of `files`.
    looked_at : float
        When the newest finished ingest began, seconds since 1970: what changed since is looked at again.
    version : str
        Of configuration and code, as run ids end with it: under another one a rejected file is tried again.
    """

    rows: list[Row]
    looked_at: float
    version: str

    def is_new(self, drop: Drop, feed: Feed) -> bool:
        """Whether there is anything to take: never seen, changed since, or refused under another configuration."""
        seen = self._by_name[drop.feed, drop.day, drop.name]
        if not seen:
            return True
        refused = all(row["status"] == REJECTED for row in seen)
        touched = drop.changed > self.looked_at or all(row["bytes"] != max(drop.size, 0) for row in seen)
        if refused:
            return touched or not any(row["run_id"].endswith(self.version) for row in seen)
        if not touched or drop.size < 0:
            return False
        try:
            return digest(drop, feed) not in {row["sha256"] for row in seen}
        except (Refused, Held):
            return True

    def accepted_before(self, drop: Drop) -> bool:
        return any(row["status"] != REJECTED for row in self._by_name[drop.feed, drop.day, drop.name])

    def same_content(self, drop: Drop, sha256: str) -> Row | None:
        """The accepted file with the same bytes. A state told again on another day can be news, an event cannot."""
        events = CONTRACTS[drop.feed].of_events
        same = (row for row in self._by_content[drop.feed, sha256] if row["status"] == ACCEPTED)
        return next((row for row in same if events or row["business_date"] == drop.day), None)

    def days(self, feed: str) -> list[date]:
        """Days of a feed's accepted drops, oldest first."""
        return sorted({row["business_date"] for row in self.rows if row["feed"] == feed and row["status"] == ACCEPTED})

    def rows_of(self, feed: str, day: date) -> int:
        return sum(row["rows"] for row in self.rows if (row["feed"], row["business_date"], row["status"]) == (feed, day, ACCEPTED))

    @cached_property
    def _by_name(self) -> defaultdict[tuple[str, date, str], list[Row]]:
        return _grouped(self.rows, "feed", "business_date", "name")

    @cached_property
    def _by_content(self) -> defaultdict[tuple[str, str], list[Row]]:
        return _grouped(self.rows, "feed", "sha256")


@dataclass
class Batch:
    """What was made of some days' drops before Spark: files that are down as text, and verdicts on the others."""

    landed: list[Landed] = field(default_factory=list)
    verdicts: list[Row] = field(default_factory=list)
    copies: list[tuple[Drop, str, Drop]] = field(default_factory=list)  # file, digest, the file of this batch it repeats
    held: list[str] = field(default_factory=list)

    def of(self, feed: str) -> list[Landed]:
        return [file for file in self.landed if file.drop.feed == feed]

    def drops_of(self, job: Job, feed: str) -> list[list[Landed]]:
        """A feed's files as they are taken: all at once, but full snapshots day by day."""
        files = self.of(feed)
        if not is_snapshot(job, feed):
            return [files]
        by_day = [list(of_day) for _, of_day in groupby(files, key=lambda file: file.drop.day)]
        return by_day or [[]]


def ledger(job: Job) -> Ledger:
    files = read_arrow(job.places.lake, "files")
    runs = read_arrow(job.places.lake, "runs", ["job", "status", "started_at"])
    began = [] if runs is None else [
        row["started_at"] for row in runs.to_pylist() if (row["job"], row["status"]) == ("ingest", "done")
    ]
    looked_at = max((at.replace(tzinfo=at.tzinfo or UTC).timestamp() for at in began), default=0.0)
    return Ledger(files.to_pylist() if files is not None else [], looked_at, job.named("ingest").run_id.rsplit("-", 1)[1])


def new_drops(job: Job, seen: Ledger) -> list[Drop]:
    """Drops up to the job's day that are not taken yet, oldest first.

    Raises
    ------
    KehuError
        MISSING without a landing directory: a share that is not mounted looks like a night without deliveries.
    """
    if not job.landing.is_dir():
        raise KehuError(f"there is no landing directory {job.landing}; mount or make it, or say --landing DIR", ExitCode.MISSING)
    found = drops(job.landing, CONTRACTS, job.day)
    return [drop for drop in found if seen.is_new(drop, job.settings.feed(drop.feed))]


def batches(new: Sequence[Drop]) -> Iterator[list[Drop]]:
    """Whole days together, as many as stay within `BATCH_BYTES`."""
    batch: list[Drop] = []
    for _, of_day in groupby(new, key=lambda drop: drop.day):
        today = list(of_day)
        if batch and sum(drop.size for drop in (*batch, *today)) > BATCH_BYTES:
            yield batch
            batch = []
        batch = batch + today
    if batch:
        yield batch


@contextmanager
def landing_place(job: Job) -> Iterator[Path]:
    """Where landed copies lie while they are read; nothing stays, and what a killed run left is removed first."""
    place = job.places.lake / "_landed"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)


def put_down(job: Job, seen: Ledger, new: Sequence[Drop], to: Path) -> Batch:
    """Land what can be landed; give every other file its verdict."""
    batch = Batch()
    known: list[tuple[Drop, str]] = []
    for drop in new:
        sha256 = ""
        try:
            sha256 = _complete(job, drop)
            before = seen.same_content(drop, sha256) or _same(known, drop, sha256)
            if seen.accepted_before(drop) and not before:
                raise Refused("FILE_CHANGED_AFTER_INGEST", "a file of this name and day was taken with other content")
            if before is None:
                known.append((drop, sha256))
            elif isinstance(before, Drop):
                batch.copies.append((drop, sha256, before))
            else:
                batch.verdicts.append(_repeated(job, drop, sha256, before))
        except Refused as refused:
            batch.verdicts.append(verdict(job, drop, sha256, REJECTED, reason=str(refused)))
        except Held as held:
            batch.held.append(f"{drop.source_file}: {held}")
    with ThreadPoolExecutor(2) as both_cores:  # unpacking and Arrow's parser run beside the interpreter
        for (drop, sha256), landed in zip(known, both_cores.map(lambda one: _landed(job, one[0], one[1], to), known), strict=True):
            if isinstance(landed, Landed):
                batch.landed.append(landed)
            elif isinstance(landed, Refused):
                batch.verdicts.append(verdict(job, drop, sha256, REJECTED, reason=str(landed)))
            else:
                batch.held.append(f"{drop.source_file}: {landed}")
    _refuse_shrunk(job, batch, seen)
    return batch


def verdict(job: Job, drop: Drop, sha256: str, status: str, rows: int = 0, accepted: int = 0, quarantined: int = 0,
            duplicates: int = 0, reason: str | None = None) -> Row:
    """A row of `files`."""
    return {
        "feed": drop.feed, "business_date": drop.day, "name": drop.name, "source_file": drop.source_file, "sha256": sha256,
        "bytes": max(drop.size, 0), "rows": rows, "accepted": accepted, "quarantined": quarantined, "duplicates": duplicates,
        "status": status, "reason": reason, "run_id": job.run_id,
    }


def shape(contract: Contract) -> Shape:
    return Shape(contract.names, contract.required, contract.of_kind(Kind.MONEY, Kind.NUMBER), contract.of_kind(Kind.INTEGER),
                 contract.of_kind(Kind.DATE))


def is_snapshot(job: Job, feed: str) -> bool:
    return CONTRACTS[feed].repeats is Repeats.HISTORY and job.settings.feed(feed).delivery == "snapshot"


def _complete(job: Job, drop: Drop) -> str:
    """The digest of a file that is all there."""
    conf, its_day_is_over = job.settings.feed(drop.feed), job.day > drop.day
    if drop.size < 0:
        if its_day_is_over:
            raise Refused("DATA_MISSING", "its control file is there, the file is not")
        raise Held("its control file is there, the file is not yet")
    if conf.control_file == "required" and drop.control is None:
        if its_day_is_over:
            raise Refused("CTL_MISSING", "the feed asks for a control file, there is none")
        raise Held("its control file is not there yet")
    return digest(drop, conf)


def _landed(job: Job, drop: Drop, sha256: str, to: Path) -> Landed | Refused | Held:
    try:
        conf = job.settings.feed(drop.feed)
        return land(drop, sha256, conf, shape(contract_of(drop.feed, conf)), to)
    except (Refused, Held) as told:
        return told


def _same(known: Sequence[tuple[Drop, str]], drop: Drop, sha256: str) -> Drop | None:
    """An earlier file of this batch with the same bytes."""
    events = CONTRACTS[drop.feed].of_events
    same = (one for one, of_one in known if one.feed == drop.feed and of_one == sha256)
    return next((one for one in same if events or one.day == drop.day), None)


def copies(job: Job, batch: Batch, verdicts: Sequence[Row]) -> list[Row]:
    """The verdicts on files that repeat another one of the same batch: duplicates of what was accepted, else refused like it."""
    by_file = {row["source_file"]: row for row in verdicts}
    found = []
    for drop, sha256, original in batch.copies:
        row = by_file.get(original.source_file)
        if row is None:
            continue
        if row["status"] == REJECTED:
            found.append(verdict(job, drop, sha256, REJECTED, reason=row["reason"]))
        else:
            found.append(_repeated(job, drop, sha256, row))
    return found


def _repeated(job: Job, drop: Drop, sha256: str, original: Row) -> Row:
    return verdict(job, drop, sha256, DUPLICATE, rows=original["rows"], duplicates=original["rows"],
                   reason=f"DUPLICATE_FILE: the same content as {original['source_file']}")


def _refuse_shrunk(job: Job, batch: Batch, seen: Ledger) -> None:
    """Refuse every file of a snapshot that holds far fewer rows than the one before it."""
    for feed in CONTRACTS:
        if not is_snapshot(job, feed):
            continue
        sizes = {day: seen.rows_of(feed, day) for day in seen.days(feed)}
        for day, of_day in groupby(batch.of(feed), key=lambda file: file.drop.day):
            files = list(of_day)
            before = max((past for past in sizes if past < day), default=None)
            sizes[day] = sizes.get(day, 0) + sum(file.rows for file in files)
            if before is None or sizes[day] >= (1 - job.settings.feed(feed).max_snapshot_shrink) * sizes[before]:
                continue
            reason = f"SNAPSHOT_SHRINK: {sizes[day]} rows after {sizes[before]} on {before}"
            for file in files:
                batch.landed.remove(file)
                batch.verdicts.append(verdict(job, file.drop, file.sha256, REJECTED, rows=file.rows, reason=reason))
            del sizes[day]


def _grouped(rows: Sequence[Row], *by: str) -> defaultdict[Any, list[Row]]:
    groups: defaultdict[Any, list[Row]] = defaultdict(list)
    for row in rows:
        groups[tuple(row[name] for name in by)].append(row)
    return groups
