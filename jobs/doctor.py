"""Doctor: what is broken in the lake and around it, and what mends it. Reads without Spark; every byte of the lake is read."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from conf import ExitCode, KehuError, Settings, conf_hash
from jobs.context import Places, code_version
from jobs.jars import locked, sound
from jobs.ledger import last_day, last_versions, now
from jobs.session import JARS, SAFE, require_java
from jobs.status import rows_of
from tables import TABLES
from tables.durable import NOTHING, append_row, newest_commit, newest_version
from tables.examine import Finding, broken_commit, examined_table, take_back
from tables.lock import exclusive

MIN_FREE = 2 << 30  # bytes; a day of a large bank needs more, and Delta needs room for what it replaces
NETWORK = {"nfs", "nfs4", "cifs", "smb3", "smbfs", "fuse.sshfs", "9p"}  # locks and renames are not what they are on a disk
ASIDE = ".repaired"  # below the lake; nothing that doctor moves is deleted
ROUNDS = 3  # a table whose log was mended is looked at again, down to its data files


@dataclass
class Report:
    """What was found, in the order it was found."""

    lines: list[str] = field(default_factory=list)
    broken: int = 0

    def say(self, where: str, finding: Finding, mended: bool) -> None:
        line = f"{where}: {finding.what}\n  {'mended' if mended else 'to mend'}: {finding.mend}"
        if line not in self.lines:
            self.lines.append(line)
            self.broken += not mended


def examined(settings: Settings, places: Places, repair: bool) -> str:
    """Look at everything; with `repair`, mend what can be mended under the lake's lock.

    Raises
    ------
    KehuError
        CHECK_FAILED, with the whole report, when anything is broken and not mended; BUSY when a run holds the lake.
    """
    report = Report()
    for where, finding in _surroundings(settings, places):
        report.say(where, finding, mended=False)
    if places.lake.is_dir():
        with exclusive(places.lake, "doctor"):
            _lake(settings, places, repair, report)
    page = "\n".join(report.lines)
    if report.broken:
        raise KehuError(f"{report.broken} thing(s) are broken\n{page}", ExitCode.CHECK_FAILED)
    if page:
        return f"{page}\nall mended; the next run goes on from here"
    return "sound" if places.lake.is_dir() else f"there is no lake at {places.lake} yet; what surrounds it is sound"


def _lake(settings: Settings, places: Places, repair: bool, report: Report) -> None:
    aside = places.lake / ASIDE
    mended = False
    for _ in range(ROUNDS if repair else 1):
        back = partial(_roll_back, places.lake, aside)
        found = [(name, finding) for name in ("runs", *sorted(set(TABLES) - {"runs"}))
                 for finding in _table(places.lake, name, aside, back)]
        mends = {finding.repair: None for _, finding in found if repair and finding.repair is not None}  # each once, in order
        for mend in mends:
            mend()
        for name, finding in found:
            if finding.repair in mends:
                mended = True
                report.say(f"table {name}", finding, mended=True)
        if not any(finding.repair for _, finding in found):
            break
    for name, finding in found:
        if not repair or finding.repair is None:
            report.say(f"table {name}", finding, mended=False)
    for where, finding in _models(settings, places):
        report.say(where, finding, mended=False)
    if mended and not report.broken:
        _acknowledge(settings, places)


def _table(lake: Path, name: str, aside: Path, back: Callable[[], None]) -> Iterator[Finding]:
    recorded = _recorded(lake)
    if recorded is None:  # only the newest row of a damaged ledger may be taken back
        recorded = {"runs": newest_version(lake / "runs") - 1}
    yield from examined_table(lake / name, recorded.get(name), aside / name, back)


def _recorded(lake: Path) -> dict[str, int] | None:
    """The versions of the ledger's newest row, empty without a row; None while the ledger itself is damaged."""
    try:
        return last_versions(lake)
    except Exception:  # whatever a damaged log makes the reader raise
        return None


def _roll_back(lake: Path, aside: Path) -> None:
    """Take every table back to the versions the ledger knows: together they are what the last recorded run left."""
    recorded, ledger = _recorded(lake), newest_commit(lake / "runs")
    if recorded is None or (ledger is not None and broken_commit(ledger)):  # then the row before the ledger's newest speaks
        take_back(lake / "runs", newest_version(lake / "runs") - 1, aside / "runs")
        return
    for name in set(TABLES) - {"runs"}:
        if newest_version(lake / name) > recorded.get(name, NOTHING):
            take_back(lake / name, recorded.get(name, NOTHING), aside / name)


def _acknowledge(settings: Settings, places: Places) -> None:
    """A ledger row that says what the tables are at now, so that the next run goes on from here."""
    runs = places.lake / "runs"
    if newest_version(runs) == NOTHING:
        return
    at = now()
    versions = {name: newest_version(places.lake / name) for name in TABLES}
    name = f"doctor-{at:%Y-%m-%dT%H:%M:%S}"
    row = {
        "run_id": name, "job": "doctor", "business_date": last_day(places.lake), "started_at": at,
        "ended_at": at, "status": "done", "rows_in": 0, "rows_out": 0, "counts": {},
        "table_versions": {name: version for name, version in versions.items() if version != NOTHING},
        "code_version": code_version(), "conf_hash": conf_hash(settings), "message": "repaired",
    }
    append_row(runs, row, signed=name)


def _models(settings: Settings, places: Places) -> Iterator[tuple[str, Finding]]:
    """Champions whose artifact is gone or not the one that was registered."""
    try:
        champions = [row for row in rows_of(places, "models") if row["alias"] == "champion"]
    except Exception:  # a damaged table is told of already
        return
    if not champions:
        return
    from models.registry import Registered, Registry

    registry = Registry(settings.models, places.lake / "_models")
    for row in champions:
        try:
            registry.verified(Registered(row["offer_id"], row["version"], row["artifact"], row["sha256"]))
        except KehuError as refused:
            yield f"model {row['model_version']}", Finding(str(refused), "train again with `kehu train --as-of D`")


def _surroundings(settings: Settings, places: Places) -> Iterator[tuple[str, Finding]]:
    """Java, JARs, disk, configuration and rights."""
    try:
        require_java()
    except KehuError as missing:
        yield "Java", Finding(str(missing), "install it")
    for name, digest in locked().items():
        if not sound(name, digest):
            yield f"JAR {name}", Finding(f"missing from {JARS} or not the one that is locked",
                                         "remove it if it is there, then `python -m jobs.jars`")
    for key, value in SAFE.items():
        if settings.spark.conf.get(key, value) != value:
            yield "configuration", Finding(f"spark.conf sets {key} to {settings.spark.conf[key]}: losses would go unnoticed",
                                           f"remove it; Kehu needs {value}")
    if places.lake.is_dir():
        free = shutil.disk_usage(places.lake).free
        if free < MIN_FREE:
            yield "disk", Finding(f"{free >> 20:,} MiB free where the lake lies", "free some; `kehu maintain` drops what is not needed")
        kind = _file_system(places.lake)
        if kind in NETWORK:
            yield "disk", Finding(f"the lake lies on {kind}, where locks do not hold", "move it to a local disk")
    for place in (places.landing, places.lake, places.worklists):
        if place.is_dir() and place.stat().st_mode & 0o002:
            yield str(place), Finding("anyone may write here", f"chmod o-w {place}")


def _file_system(place: Path) -> str:
    """The type of the file system a directory lies on; empty where the system does not tell."""
    mounts = Path("/proc/mounts")
    if not mounts.exists():
        return ""
    lines = (line.split(" ") for line in mounts.read_text(encoding="utf-8").splitlines())
    above = [(mount, kind) for _, mount, kind, *_ in lines if os.path.commonpath([mount, place.resolve()]) == mount]
    return max(above, default=("", ""), key=lambda found: len(found[0]))[1]


if __name__ == "__main__":
    from jobs.cli import main

    main("doctor")
