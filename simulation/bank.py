"""One day of the bank: everything that happens, booked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np

from simulation.booking import Booked, book
from simulation.days import Day, day_of
from simulation.deposits import maturities, placements
from simulation.flows import (
    bank_bookings,
    basket_payments,
    card_payments,
    cash,
    own_transfers,
    regular_payments,
    salaries,
    transfers_to_people,
)
from simulation.ledgers import day64
from simulation.lines import Lines, joined
from simulation.planted import planted
from simulation.shelf import acquire
from simulation.state import State
from simulation.uptake import PRODUCTS, acquisitions, chances, of_a_day, open_to

Agreed = Mapping[str, np.ndarray]  # product -> households
INFLOW_HALF_LIFE_DAYS = 20
PLAN_ENDS_A_DAY = 0.0003  # savings plans and insurances given up


@dataclass(frozen=True)
class Baskets:
    """Purchases of one day as the bank's cards see them: household, local second, cents, wording."""

    household: np.ndarray
    second: np.ndarray
    cents: np.ndarray
    text: np.ndarray


@dataclass(frozen=True)
class BookedDay:
    """What a day left behind; transaction ids are `prefix` and the line's place, from 1, in seven digits."""

    on: date
    booked: Booked

    @property
    def prefix(self) -> str:
        return f"T{self.on:%y%m%d}"

    def transaction_id(self, at: int) -> str:
        """Of the line at a place, from 0."""
        return f"{self.prefix}{at + 1:07d}"


def live(
    state: State, on: date, planned: Mapping[str, int], baskets: Baskets | None = None, agreed: Agreed | None = None
) -> BookedDay:
    """Let one day happen: bring `state` forward, and return what was booked.

    Parameters
    ----------
    state : State
        As the day before left it.
    on : date
    planned : mapping of kind -> number of events to plant (`planted.KINDS`)
    baskets : Baskets, optional
    agreed : mapping of product -> households that said yes to it when called, optional

    Returns
    -------
    BookedDay
    """
    day = day_of(on, state.seed, state.market.holidays)
    state.frozen.clear()
    if on.weekday() == 0 or not state.daily_chance.any():
        state.daily_chance = of_a_day(chances(state, on).without_contact)
    parts = [salaries(state, day), regular_payments(state, day), *maturities(state, day)]
    parts += [*_uptake(state, day, agreed or {}), *placements(state, day)]
    parts += [*planted(state, day, planned), *state.pending.pop(on, [])]
    parts += [card_payments(state, day), cash(state, day), transfers_to_people(state, day)]
    parts += [own_transfers(state, day), bank_bookings(state, day)]
    if baskets is not None:
        parts.append(basket_payments(state, day, baskets.household, baskets.second, baskets.cents, baskets.text))
    _give_up(state, day)
    return _booked(state, day, joined(parts))


def _uptake(state: State, day: Day, agreed: Agreed) -> list[Lines]:
    """Products taken without being asked, and those agreed on the phone, where they can be had."""
    parts: list[Lines] = []
    if day.business:
        for product, who in acquisitions(state, day.on, day.rng(8)):
            parts += acquire(state, day, product, who)
        for name in sorted(set(agreed) & set(PRODUCTS)):
            who = np.unique(agreed[name])
            who = who[open_to(state, day.on, name)[who]]
            if len(who):
                parts += acquire(state, day, PRODUCTS.index(name), who)
    return parts


def _booked(state: State, day: Day, today: Lines) -> BookedDay:
    accounts = state.accounts
    alive = accounts.open | (accounts.closed_on >= day64(day.on))
    frozen = np.zeros(len(accounts), dtype=bool)
    frozen[list(state.frozen)] = True
    booked = book(today, accounts.balance, accounts.floor, alive, frozen)
    done = BookedDay(day.on, booked)
    state.truth.booked(booked.lines, done.transaction_id, day.on)
    large = (booked.lines.cents > 0) & (booked.lines.truth >= 0)
    state.inflow_30 *= 0.5 ** (1 / INFLOW_HALF_LIFE_DAYS)
    np.add.at(state.inflow_30, accounts.household[booked.lines.account[large]], booked.lines.cents[large])
    return done


def _give_up(state: State, day: Day) -> None:
    """A few savings plans and insurances end; one-off covers run out after a month."""
    h, today = state.holdings, day64(day.on)
    open_ = np.isnat(h.closed_on)
    ends = open_ & (h.schedule >= 0) & (h.account < 0) & (day.rng(9).random(len(h)) < PLAN_ENDS_A_DAY)
    ends |= open_ & (h.product == PRODUCTS.index("travel_insurance")) & (h.acquired_on <= today - 30)
    renewed = open_ & (h.product == PRODUCTS.index("deposit_renewal"))
    ends[renewed] = ~np.isnat(state.accounts.closed_on[h.account[renewed]])
    h.closed_on[ends] = today
    h.changed_on[ends] = today
    state.held[h.household[ends], h.product[ends]] = False
    stopped = h.schedule[ends]
    state.schedules.ends_on[stopped[stopped >= 0]] = today
