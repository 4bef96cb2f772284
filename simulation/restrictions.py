"""Reasons not to call: complaints, bereavements, vulnerable customers, and fraud cases that follow drained accounts."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pyarrow as pa

from simulation.bank import BookedDay
from simulation.days import is_business
from simulation.state import State

# kind -> new ones a business day among 1,000 households, and how long they last (None: open end)
RATES: dict[str, tuple[float, int | None]] = {
    "complaint": (0.025, 60), "bereavement": (0.012, 180), "vulnerable": (0.008, None), "do_not_contact": (0.02, None),
    "aml_case": (0.006, 120), "legal_hold": (0.003, None),
}
REPORTED = 0.5  # of the frauds, the next business day


class Restrictions:
    """Restrictions so far: household, kind, first day, last day."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._all: list[tuple[int, str, date, date | None]] = []
        self._seen_events = 0
        self._reported: list[int] = []  # victims whose case opens on the next business day

    def follow(self, day: BookedDay) -> None:
        """Add what a day brings."""
        state, on = self._state, day.on
        if not is_business(on, state.market.holidays):
            return
        rng = np.random.default_rng((state.seed, 7, on.toordinal()))
        self._all += [(who, "fraud_case", on, None) for who in self._reported]
        self._all += [(who, "bereavement", on, None) for who in state.bereaved]
        state.bereaved.clear()
        events = state.truth.events[self._seen_events:]
        self._seen_events = len(state.truth.events)
        frauds = [event.household for event in events if event.cause == "fraud_or_scam" and event.transactions]
        self._reported = [who for who in frauds if rng.random() < REPORTED]
        for kind, (rate, days) in RATES.items():
            count = int(rng.poisson(rate * len(state.households) / 1000))
            until = None if days is None else on + timedelta(days=days)
            self._all += [(int(who), kind, on, until) for who in rng.integers(0, len(state.households), count)]

    def known(self, on: date) -> pa.Table:
        """All that were entered by a day. Columns of the `restrictions` feed."""
        return self._table([r for r in self._all if r[2] <= on])

    def changed(self, on: date) -> pa.Table:
        """Those entered on a day. Columns of the `restrictions` feed."""
        return self._table([r for r in self._all if r[2] == on])

    def _table(self, some: list[tuple[int, str, date, date | None]]) -> pa.Table:
        once = {(who, kind, first): last for who, kind, first, last in some}
        ids = self._state.households.customer_id
        return pa.table({
            "customer_id": pa.array([ids[who] for who, _, _ in once], pa.string()),
            "kind": pa.array([kind for _, kind, _ in once], pa.string()),
            "valid_from": pa.array([first for _, _, first in once], pa.date32()),
            "valid_to": pa.array(list(once.values()), pa.date32()),
        })
