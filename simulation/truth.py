"""What really happened, beside the feeds and never read by the product."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date

import numpy as np

from simulation.lines import Lines


@dataclass
class Event:
    """One planned or organic event. `abnormal` is False for what only looks like news (hard negatives)."""

    kind: str
    cause: str
    household: int
    account: int
    first_on: date
    abnormal: bool
    organic: bool  # follows from a product taken, not planted
    cents: int = 0  # booked on `account`
    last_on: date | None = None
    went: str = ""
    transactions: list[str] = field(default_factory=list)


class Truth:
    """Events in the order they were planned; account lines carry their number."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def plan(
        self, kind: str, cause: str | Sequence[str], household: np.ndarray, account: np.ndarray, on: date,
        *, abnormal: bool = True, organic: bool = False, went: str | Sequence[str] = "",
    ) -> np.ndarray:
        """Note one event a household.

        Returns
        -------
        ndarray of int: their numbers
        """
        first = len(self.events)
        causes = [cause] * len(household) if isinstance(cause, str) else cause
        goes = [went] * len(household) if isinstance(went, str) else went
        for h, a, c, w in zip(household.tolist(), account.tolist(), causes, goes, strict=True):
            self.events.append(Event(kind, c, h, a, on, abnormal, organic, went=w))
        return np.arange(first, len(self.events))

    def booked(self, booked: Lines, transaction_id: Callable[[int], str], on: date) -> None:
        """Note what became of them on a day; `transaction_id` names the line at a place of `booked`."""
        for at in np.flatnonzero(booked.truth >= 0).tolist():
            event = self.events[int(booked.truth[at])]
            event.transactions.append(transaction_id(at))
            event.last_on = on
            if int(booked.account[at]) == event.account:
                event.cents += abs(int(booked.cents[at]))
