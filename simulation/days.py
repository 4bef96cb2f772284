"""The bank's calendar, and the seeded randomness of one day."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

LAST_BUSINESS_DAY = 0  # in the place of a day of the month; others are 1..28, which every month has
_WEEKDAY_SPENDING = (0.88, 0.86, 0.92, 0.98, 1.22, 1.28, 0.86)  # Monday first
_MONTH_SPENDING = (0.94, 0.92, 0.98, 0.97, 1.0, 1.0, 1.02, 1.0, 0.97, 0.99, 1.08, 1.2)


@dataclass(frozen=True)
class Day:
    """One calendar day of a bank.

    Attributes
    ----------
    on : date
    business : bool
        Neither a weekend nor a holiday of the market.
    due : ndarray of bool, shape (29,)
        Which days of the month fall due: today's own and those of the closed days just before it; index 0 is the last
        business day of the month. Nothing is due on a closed day.
    season : float
        How lively spending is, 1 on an average day.
    """

    on: date
    business: bool
    due: np.ndarray
    season: float
    seed: int

    def rng(self, stream: int) -> np.random.Generator:
        """Randomness of one purpose on this day: the same whatever else is drawn, and on whichever day one starts."""
        return np.random.default_rng((self.seed, self.on.toordinal(), stream))


def day_of(on: date, seed: int, holidays: frozenset[str] = frozenset()) -> Day:
    """The day `on`; `holidays` are MM-DD or YYYY-MM-DD."""
    due = np.zeros(29, dtype=bool)
    business = is_business(on, holidays)
    if business:
        at = on
        while True:
            if at.day <= 28:
                due[at.day] = True
            at -= timedelta(days=1)
            if is_business(at, holidays):
                break
        ahead = on + timedelta(days=1)
        while not is_business(ahead, holidays):
            ahead += timedelta(days=1)
        due[LAST_BUSINESS_DAY] = ahead.month != on.month
    season = _WEEKDAY_SPENDING[on.weekday()] * _MONTH_SPENDING[on.month - 1]
    return Day(on, business, due, season, seed)


def is_business(on: date, holidays: frozenset[str] = frozenset()) -> bool:
    return on.weekday() < 5 and f"{on:%m-%d}" not in holidays and on.isoformat() not in holidays


def next_business(on: date, holidays: frozenset[str] = frozenset()) -> date:
    """`on` itself when the bank is open, else the next day it is."""
    while not is_business(on, holidays):
        on += timedelta(days=1)
    return on


def days_between(first: date, last: date) -> Iterator[date]:
    """Every calendar day from `first` to `last`, both included."""
    for ordinal in range(first.toordinal(), last.toordinal() + 1):
        yield date.fromordinal(ordinal)
