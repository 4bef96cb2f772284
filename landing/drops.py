"""What lies in the landing directory: one `Drop` a delivered file, whatever its state."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

SUFFIXES = (".csv", ".csv.gz", ".jsonl", ".jsonl.gz", ".parquet")
CONTROL = ".ctl.json"
MARKERS = (".ok", ".done", ".ready", ".md5", ".sha256")  # what senders lay beside a file to say that it is there
UNFINISHED = (".tmp", ".part", ".filepart", ".partial", "~")  # how transfer tools name what is still on its way
MAX_NAME = 200
_NAME = re.compile(rf"[^\W_][\w .()\[\]{{}}*?+=@#,-]{{0,{MAX_NAME - 1}}}")
_DAY = re.compile(r"dt=(\d{4}-\d{2}-\d{2})")


@dataclass(frozen=True)
class Drop:
    """One delivered file.

    Attributes
    ----------
    feed : str
    day : date
        Of its `dt=` directory.
    name : str
        File name; characters that cannot be shown are written as codes.
    path : Path
    size : int
        Bytes as delivered; -1 when only its control file is there.
    changed : float
        When the file or its control file last changed in any way, seconds since 1970.
    control : Path, optional
    """

    feed: str
    day: date
    name: str
    path: Path
    size: int
    changed: float
    control: Path | None

    @property
    def source_file(self) -> str:
        """Path below the landing root: what rows of this file are known by."""
        return f"{self.feed}/dt={self.day.isoformat()}/{self.name}"

    @property
    def suffix(self) -> str:
        """The longest known suffix of the name, empty when it has none."""
        fitting = [suffix for suffix in SUFFIXES if self.name.lower().endswith(suffix)]
        return max(fitting, key=len, default="")

    @property
    def well_named(self) -> bool:
        return _NAME.fullmatch(self.path.name) is not None


def drops(root: Path, feeds: Iterable[str], until: date) -> list[Drop]:
    """Every delivered file of the feeds with a date up to `until`, oldest first.

    Files still on their way (`.tmp`, `.part`, hidden names of transfer tools) and markers (`_SUCCESS`, `.ok`) are no drops.
    """
    found = [drop for feed in feeds for day, place in _days(root / feed, until) for drop in _drops(feed, day, place)]
    return sorted(found, key=lambda drop: (drop.day, drop.feed, drop.name))


def misplaced(root: Path, feeds: Collection[str]) -> list[str]:
    """What lies in the landing directory where nobody looks: directories that are no feed's, or no day's."""
    found = [entry.name for entry in os.scandir(root) if entry.name not in feeds and not entry.name.startswith((".", "_"))]
    for feed in feeds:
        if (root / feed).is_dir():
            found += [f"{feed}/{entry.name}" for entry in os.scandir(root / feed)
                      if _day(entry) is None and not entry.name.startswith((".", "_"))]
    return sorted(map(_shown, found))


def _days(place: Path, until: date) -> Iterator[tuple[date, Path]]:
    if not place.is_dir():
        return
    for entry in os.scandir(place):
        day = _day(entry)
        if day is not None and day <= until:
            yield day, Path(entry.path)


def _day(entry: os.DirEntry[str]) -> date | None:
    match = _DAY.fullmatch(entry.name)
    if not match or not entry.is_dir(follow_symlinks=False):
        return None
    try:
        return date.fromisoformat(match.group(1))
    except ValueError:
        return None


def _drops(feed: str, day: date, place: Path) -> Iterator[Drop]:
    found = {entry.name: entry.stat(follow_symlinks=False) for entry in os.scandir(place)}
    controls = {name.removesuffix(CONTROL): name for name in found if name.endswith(CONTROL)}
    for name, seen in found.items():
        if _is_drop(name):
            control = controls.pop(name, None)
            changed = max(seen.st_ctime, found[control].st_ctime if control else 0)
            size = seen.st_size if stat.S_ISREG(seen.st_mode) else 0
            yield Drop(feed, day, _shown(name), place / name, size, changed, place / control if control else None)
    for name, control in controls.items():
        yield Drop(feed, day, _shown(name), place / name, -1, found[control].st_ctime, place / control)


def _is_drop(name: str) -> bool:
    if name.endswith((CONTROL, *UNFINISHED)) or name.lower().endswith(MARKERS) or name == "_SUCCESS":
        return False
    return name.lower().endswith(SUFFIXES) or not name.startswith(".")


def _shown(name: str) -> str:
    return "".join(
        letter if letter.isprintable() and letter != "\\" else letter.encode("unicode_escape", "surrogatepass").decode()
        for letter in name
    )[: 2 * MAX_NAME]
