"""Delivers a living world as drops: an initial load with its history, then one drop a calendar day."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa

from simulation import rows
from simulation.bank import Agreed, Baskets, BookedDay, live
from simulation.days import days_between, is_business
from simulation.dirt import Dirt, dirtied
from simulation.drops import write_drop, write_truth
from simulation.known_truth import known_chances, known_events, known_households
from simulation.planted import KINDS
from simulation.restrictions import Restrictions
from simulation.state import State

# Events a business day among 1,000 households; of the delivered days everything is planted on purpose, in whole numbers.
RATES: Mapping[str, float] = {
    "withdrawal": 0.2, "split_withdrawal": 0.05, "deposit": 0.2, "early_withdrawal": 0.2, "closure": 0.1, "drained": 0.03,
    "dormant_wakes": 0.02, "own_move": 0.2, "thirteenth_salary": 0.05, "yearly_premium": 0.1,
}


PART_ROWS = 400_000  # of a file of the initial load, about


@dataclass(frozen=True)
class Plan:
    """What is delivered when.

    Attributes
    ----------
    first : date
        The world's first day.
    loaded : date
        Its history up to here is the initial load.
    last : date
        One drop a calendar day up to here.
    """

    first: date
    loaded: date
    last: date

    def days(self) -> list[date]:
        """Dates of the daily drops."""
        return list(days_between(self.loaded + timedelta(days=1), self.last))


class Delivery:
    """Writes a world day by day; nothing of a day is kept beyond what a later drop still needs.

    While `quiet`, days happen and nothing is written, until it is to `go_on`: so a world left earlier is taken up again.
    """

    def __init__(
        self, state: State, plan: Plan, landing: Path, truth: Path, progress: Callable[[str], None], *, quiet: bool = False
    ) -> None:
        self.state, self.plan, self.landing, self.truth, self.progress = state, plan, landing, truth, progress
        self.quiet = quiet
        self.restrictions = Restrictions(state)
        self.more: Callable[[BookedDay], pa.Table] | None = None  # rows of `transactions` beside what was booked
        self._waiting: dict[str, list[pa.Table]] = {"transactions": [], "purchases": []}
        self._parts = dict.fromkeys(self._waiting, 0)
        self._dirt: list[Dirt] = []
        self._held_back: pa.Table | None = None

    def bring(
        self, on: date, baskets: Baskets | None = None, purchases: pa.Table | None = None, agreed: Agreed | None = None
    ) -> BookedDay:
        """Let a day happen and deliver what is due of it.

        Parameters
        ----------
        on : date
            The day after the one brought before.
        baskets : Baskets, optional
            What cards pay for.
        purchases : Table, optional
            Rows of the `purchases` feed.
        agreed : mapping of product -> households that said yes to it when called, optional
        """
        state, plan = self.state, self.plan
        day = live(state, on, planned_counts(state, on, daily=on > plan.loaded), baskets, agreed)
        self.restrictions.follow(day)
        if on.day == 1:
            self.progress(f"generating {on:%B %Y}")
        if on > plan.loaded:
            self._deliver_day(day, purchases)
        elif not self.quiet:
            self._load("transactions", self._transactions(day), last=on == plan.loaded)
            if purchases is not None:
                self._load("purchases", purchases, last=on == plan.loaded)
            if on == plan.loaded:
                self._load_files()
                write_truth(self.truth, "households", known_households(state))
        if not self.quiet and (on.day == 1 or on >= plan.loaded):
            write_truth(self.truth, f"uptake/as_of={on.isoformat()}", known_chances(state, on))
        if not self.quiet and on >= plan.loaded:
            write_truth(self.truth, "events", known_events(state))
            (self.truth / "dirt.json").write_text(json.dumps([asdict(dirt) for dirt in self._dirt], indent=1) + "\n")
        return day

    def go_on(self, landing: Path, truth: Path) -> None:
        """Write to these places from now on."""
        self.landing, self.truth, self.quiet = landing, truth, False

    def say(self, **about: object) -> None:
        """Write what the world is made of beside its truth."""
        self.truth.mkdir(parents=True, exist_ok=True)
        (self.truth / "about.json").write_text(json.dumps(about, indent=1, default=str) + "\n")

    def _load(self, feed: str, table: pa.Table, *, last: bool) -> None:
        """Add to the initial load, which is written in parts, so that its size does not matter."""
        waiting = self._waiting[feed]
        waiting.append(table)
        if last or sum(part.num_rows for part in waiting) >= PART_ROWS:
            self._parts[feed] += 1
            write_drop(self.landing, feed, self.plan.loaded, pa.concat_tables(waiting), f"load-{self._parts[feed]:03d}")
            waiting.clear()

    def _load_files(self) -> None:
        state, on = self.state, self.plan.loaded
        self._write("customers", on, rows.customers(state, rows.known_customers(state, on)))
        self._write("accounts", on, rows.accounts(state, rows.known_accounts(state, on)))
        self._write("holdings", on, rows.holdings(state, np.arange(len(state.holdings))))
        since = rows.previous_business(self.plan.first, state.market.holidays)
        self._write("fx_rates", on, rows.fx_rates(state, since, on))
        self._write("restrictions", on, self.restrictions.known(on))

    def _deliver_day(self, day: BookedDay, purchases: pa.Table | None) -> None:
        state, on = self.state, day.on
        sent = dirtied(rows.transactions(state, day), self._held_back, day, state.seed, last=on == self.plan.last)
        self._held_back = sent.held_back
        self._dirt += sent.dirt
        if self.quiet:
            return
        self._write("customers", on, rows.customers(state, rows.changed_customers(state, on)))
        self._write("accounts", on, rows.accounts(state, rows.changed_accounts(state, on)))
        self._write("holdings", on, rows.holdings(state, rows.changed_holdings(state, on)))
        self._write("fx_rates", on, rows.fx_rates(state, on, on))
        self._write("restrictions", on, self.restrictions.changed(on))
        if purchases is not None:
            self._write("purchases", on, purchases)
        whole = sent.rows if self.more is None else pa.concat_tables([sent.rows, self.more(day)])
        write_drop(self.landing, "transactions", on, whole, raw=sent.raw, raw_cents=sent.raw_cents)

    def _transactions(self, day: BookedDay) -> pa.Table:
        booked = rows.transactions(self.state, day)
        return booked if self.more is None else pa.concat_tables([booked, self.more(day)])

    def _write(self, feed: str, on: date, table: pa.Table) -> None:
        if table.num_rows:
            write_drop(self.landing, feed, on, table)


def planned_counts(state: State, on: date, *, daily: bool) -> dict[str, int]:
    """How many events of each kind to plant: by chance in the history, rounded up on delivered days."""
    if not is_business(on, state.market.holidays):
        return {}
    expected = {kind: RATES[kind] * len(state.households) / 1000 for kind in KINDS}
    rng = np.random.default_rng((state.seed, 5, on.toordinal()))
    if daily:
        return {kind: int(np.ceil(rate)) for kind, rate in expected.items()}
    return {kind: int(rng.poisson(rate)) for kind, rate in expected.items()}
