"""Booking: no account below its floor, groups whole or not at all, nothing on closed accounts."""

from __future__ import annotations

import numpy as np

from simulation.booking import book
from simulation.lines import joined, lines, pair


def test_what_funds_do_not_allow_is_refused_with_all_of_its_group() -> None:
    balance = np.array([10_000, 0, 5_000])
    day = joined([
        lines([0], 100, [-4_000], "card", "other", 1),
        pair([0], [1], 200, [7_000], "transfer", "mobile", 2),  # 6,000 left: refused, both legs
        lines([0], 300, [-6_000], "cash", "atm", 3),
        lines([2], 50, [-1_000], "card", "other", 4),  # closed
    ])
    booked = book(day, balance, floor=np.zeros(3), open_=np.array([True, True, False]), frozen=np.zeros(3, dtype=bool))
    assert booked.lines.text.tolist() == [1, 3]
    assert booked.balance_after.tolist() == [6_000, 0]
    assert balance.tolist() == [0, 0, 5_000]
    assert booked.refused == 3


def test_a_frozen_account_takes_only_what_must_be_booked() -> None:
    balance = np.array([1_000])
    day = joined([
        lines([0], 10, [-100], "card", "other", 1),
        lines([0], 20, [-900], "closure", "counter", 2, must=True),
    ])
    booked = book(day, balance, floor=np.zeros(1), open_=np.ones(1, dtype=bool), frozen=np.ones(1, dtype=bool))
    assert booked.lines.text.tolist() == [2]
    assert balance.tolist() == [100]
