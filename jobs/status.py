"""Status: what ran, which feeds are fresh, late or missing, and which models are in use. Reads without Spark."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

from rich.console import Console
from rich.table import Table

from conf import Settings
from jobs.context import Places
from landing.drops import drops
from tables.arrow import read_arrow

RHYTHM = 10  # a feed's rhythm is read from so many of its last drops
PRICES = 4  # of limits shown, the dearest first
WIDTH = 118


@dataclass(frozen=True)
class Freshness:
    """How fresh a feed is on the day last run."""

    feed: str
    newest: date | None  # business date of its newest accepted drop
    due: date | None  # by when the next was expected, from its own rhythm
    files: int
    accepted: int
    quarantined: int
    rejected: int
    waiting: int  # delivered up to the day last run and not yet taken

    def state(self, today: date) -> str:
        if self.waiting:
            return f"{self.waiting} waiting"
        if self.newest is None:
            return "never delivered"
        return "late" if self.due is not None and self.due < today else "fresh"


def told(settings: Settings, places: Places) -> str:
    """The page `kehu status` prints."""
    runs = rows_of(places, "runs")
    if not runs:
        return f"nothing was run in the lake {places.lake} yet; start with `kehu run --date D`"
    today = max(run["business_date"] for run in runs)
    parts = [_runs(runs), _feeds(freshness(settings, places, today), today), _calls(rows_of(places, "portfolios"), settings),
             _models(rows_of(places, "models"))]  # fmt: skip
    return "\n".join(_text(part) for part in parts if part.row_count)


def freshness(settings: Settings, places: Places, today: date) -> list[Freshness]:
    """One entry a configured feed, in alphabetical order."""
    seen = rows_of(places, "files")
    taken = {(file["feed"], file["business_date"], file["name"]) for file in seen}
    delivered = drops(places.landing, settings.feeds, today)
    return [
        Freshness(
            feed,
            max(days, default=None),
            due(days),
            len(files),
            sum(file["accepted"] or 0 for file in files),
            sum(file["quarantined"] or 0 for file in files),
            sum(file["status"] == "rejected" for file in files),
            sum(drop.feed == feed and (feed, drop.day, drop.name) not in taken for drop in delivered),
        )
        for feed in sorted(settings.feeds)
        for files in [[file for file in seen if file["feed"] == feed]]
        for days in [sorted({file["business_date"] for file in files if file["status"] == "accepted"})]
    ]


def due(days: list[date]) -> date | None:
    """By when a feed's next drop is expected: the longest pause between its last drops after the newest; None after one drop."""
    pauses = [after - before for before, after in pairwise(days[-RHYTHM:])]
    return days[-1] + max(pauses) if pauses else None


def rows_of(places: Places, table: str) -> list[dict[str, Any]]:
    """The rows of a small table of the ledger; none where it was never written."""
    found = read_arrow(places.lake, table)
    return found.to_pylist() if found is not None else []


def _runs(runs: list[dict[str, Any]]) -> Table:
    """The newest run of every job."""
    table = Table("job", "date", "ended", "took", "rows in", "rows out", "counts", title="Last run of each job",
                  title_justify="left")
    newest = {run["job"]: run for run in sorted(runs, key=lambda run: run["ended_at"])}
    for job, run in sorted(newest.items(), key=lambda item: item[1]["ended_at"]):
        counts = ", ".join(_counted(run["counts"])) if run["status"] == "done" else run["message"]
        took: timedelta = run["ended_at"] - run["started_at"]
        name = job if run["status"] == "done" else f"{job} {run['status'].upper()}"
        table.add_row(name, str(run["business_date"]), f"{run['ended_at']:%Y-%m-%d %H:%M}",
                      f"{took.total_seconds():,.0f} s", f"{run['rows_in']:,}", f"{run['rows_out']:,}", counts)
    return table


def _counted(counts: Any) -> Iterator[str]:
    for name, count in sorted(dict(counts or {}).items()):
        if count:
            yield f"{name.replace('_', ' ')} {count:,}"


def _feeds(feeds: list[Freshness], today: date) -> Table:
    table = Table("feed", "state", "newest", "files", "accepted", "quarantined", "rejected files",
                  title=f"Feeds on {today}", title_justify="left")
    for feed in feeds:
        table.add_row(feed.feed, feed.state(today), str(feed.newest or ""), f"{feed.files:,}", f"{feed.accepted:,}",
                      f"{feed.quarantined:,}", f"{feed.rejected:,}")
    return table


def _calls(days: list[dict[str, Any]], settings: Settings) -> Table:
    """The newest choice of calls about offers, and what the limits that bind cost."""
    table = Table("date", "chosen", "of", "worth", "at most", "gap", "one more would bring",
                  title=f"Calls about offers ({settings.bank.base_currency})", title_justify="left")
    for day in sorted(days, key=lambda row: row["business_date"])[-1:]:
        dearest = sorted(dict(day["prices"] or {}).items(), key=lambda named: (-named[1], named[0]))[:PRICES]
        table.add_row(str(day["business_date"]), f"{day['chosen']:,}", f"{day['candidates']:,}", f"{day['value']:,.0f}",
                      f"{day['bound']:,.0f}", f"{day['gap']:.2%}", ", ".join(f"{name} {price:,.2f}" for name, price in dearest))
    return table


def _models(models: list[dict[str, Any]]) -> Table:
    table = Table("offer", "version", "kind", "trained with data of", title="Models in use", title_justify="left")
    for model in sorted(models, key=lambda model: model["offer_id"]):
        if model["alias"] == "champion":
            table.add_row(model["offer_id"], str(model["version"]), model["kind"], str(model["as_of"]))
    return table


def _text(table: Table) -> str:
    page = io.StringIO()
    Console(file=page, width=WIDTH, force_terminal=False).print(table)
    return page.getvalue().rstrip() + "\n"


if __name__ == "__main__":
    from jobs.cli import main

    main("status")
