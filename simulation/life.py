"""Households get older: births, weddings, moves, retirements and deaths, each with its date in the truth."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta

import numpy as np
import pyarrow as pa

from simulation.households import OCCUPATION_GROUPS
from simulation.ledgers import day64
from simulation.lines import outside
from simulation.opening import MONTHLY
from simulation.state import State

RETIRED = OCCUPATION_GROUPS.index("retired")
PENSION_SHARE = 0.55  # of the last pay
OLDEST_BABY_DAYS = 3 * 365
EXPECTED_DAYS = 60


@dataclass
class Babies:
    """One element a child below three, at any time of the world."""

    household: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    born_on: np.ndarray = field(default_factory=lambda: np.empty(0, dtype="datetime64[D]"))

    def add(self, household: np.ndarray, born_on: np.ndarray) -> None:
        self.household = np.concatenate([self.household, household])
        self.born_on = np.concatenate([self.born_on, np.broadcast_to(born_on, household.shape).astype("datetime64[D]")])


class Life:
    """What happens to households beyond money. `babies` grows; `events` is the truth."""

    def __init__(self, state: State, start: date) -> None:
        self.state = state
        self.babies = Babies()
        self._events: list[tuple[str, np.ndarray, date]] = []
        rng = np.random.default_rng((state.seed, 21))
        chance = np.minimum(_fertile(state.households.age(start)) * 3, 0.5)
        young = np.flatnonzero(rng.random(len(state.households)) < chance)
        self.babies.add(young, day64(start) - rng.integers(0, OLDEST_BABY_DAYS, len(young)))

    def happen(self, on: date) -> None:
        """Let a day's events happen; the bank hears of weddings, moves and deaths."""
        h = self.state.households
        rng = np.random.default_rng((self.state.seed, 22, on.toordinal()))
        alive = self.state.active(on)
        age = h.age(on)
        yearly = {
            "birth": (_fertile(age), self._expecting),
            "wedding": (np.where(~h.married & (age > 22) & (age < 45), 0.06, 0.0), self._wedding),
            "home_move": (np.clip(0.09 - age * 0.001, 0.01, 0.08), self._move),
            "retirement": (np.where((age >= 60) & (h.occupation_group != RETIRED), 0.35, 0.0), self._retirement),
            "death": (np.clip(0.0004 * np.exp((age - 45) / 11), 0, 0.3), self._death),
        }
        for event, (rate, what) in yearly.items():
            who = np.flatnonzero(alive & (rng.random(len(alive)) < rate / 365))
            if len(who):
                what(who, on, rng)
                self._events.append((event, who, on + timedelta(days=EXPECTED_DAYS) if event == "birth" else on))

    def events(self) -> pa.Table:
        """The truth.

        Returns
        -------
        Table, one row an event: `customer_id`, `event` (birth, wedding, home_move, retirement, death), `happened_on`; a birth
        may still be ahead
        """
        ids = pa.array(self.state.households.customer_id)
        who = np.concatenate([some for _, some, _ in self._events]) if self._events else np.empty(0, np.int64)
        return pa.table({
            "customer_id": ids.take(pa.array(who)),
            "event": pa.array([event for event, some, _ in self._events for _ in some], pa.string()),
            "happened_on": pa.array([on for _, some, on in self._events for _ in some], pa.date32()),
        })

    def children(self) -> pa.Table:
        """The truth about children below three. One row a child: `customer_id`, `born_on`."""
        ids = pa.array(self.state.households.customer_id)
        return pa.table({"customer_id": ids.take(pa.array(self.babies.household)), "born_on": self.babies.born_on})

    def _expecting(self, who: np.ndarray, on: date, rng: np.random.Generator) -> None:  # noqa: ARG002
        """A child to be born in two months: what is bought for it begins before."""
        self.babies.add(who, np.asarray(day64(on) + EXPECTED_DAYS))
        self.state.households.children[who] += 1

    def _wedding(self, who: np.ndarray, on: date, rng: np.random.Generator) -> None:
        h = self.state.households
        h.married[who] = True
        told = who[rng.random(len(who)) < 0.6]
        h.marital_on_file[told] = True
        h.changed_on[told] = day64(on)

    def _move(self, who: np.ndarray, on: date, rng: np.random.Generator) -> None:
        h = self.state.households
        told = who[rng.random(len(who)) < 0.8]
        h.region[told] = rng.integers(0, len(self.state.market.regions), len(told))
        h.changed_on[told] = day64(on)

    def _retirement(self, who: np.ndarray, on: date, rng: np.random.Generator) -> None:
        state, h = self.state, self.state.households
        h.occupation_group[who] = RETIRED
        for one in who.tolist():
            h.occupation[one] = state.market.occupations["retired"][0]
        state.pay_cycle[who] = MONTHLY
        state.pay_cents[who] = np.round(state.net_cents()[who] * PENSION_SHARE).astype(np.int64)
        state.pay_text[who] = state.text("pension")
        state.pay_payer[who] = outside(state.payees.code("PENSION OFFICE"))
        h.changed_on[who[rng.random(len(who)) < 0.5]] = day64(on)

    def _death(self, who: np.ndarray, on: date, rng: np.random.Generator) -> None:  # noqa: ARG002
        """The account lies still from now on; the branch enters a bereavement."""
        self.state.households.dormant[who] = True
        self.state.bereaved.extend(who.tolist())


def _fertile(age: np.ndarray) -> np.ndarray:
    """Births a year of a household, by the customer's age."""
    return 0.11 * np.exp(-(((age - 30) / 5.5) ** 2))
