"""A crowd of extra credits has the feed's columns and falls on one account, or evenly on all."""

from __future__ import annotations

from datetime import date

import numpy as np

from simulation import rows
from simulation.bank import live
from simulation.crowd import crowd
from simulation.households import households, unknown_traits
from simulation.market import CHINA
from simulation.opening import opening_state
from simulation.uptake import PRODUCTS, chances, open_to

START = date(2025, 3, 3)


def test_a_crowd_falls_on_one_account_or_evenly() -> None:
    state = opening_state(CHINA, households(unknown_traits(50), CHINA, START, 4), START, 4)
    day = live(state, START, {})
    skewed, even = (crowd(state, day, 2000, skewed=each) for each in (True, False))
    assert skewed.schema == rows.transactions(state, day).schema
    assert len(set(skewed["account_id"].to_pylist())) == 1
    assert len(set(even["account_id"].to_pylist())) > 40
    assert len(set(even["transaction_id"].to_pylist())) == 2000


def test_what_was_agreed_is_taken_where_it_can_be_had_and_moves_money() -> None:
    worlds = [opening_state(CHINA, households(unknown_traits(300), CHINA, START, 4), START, 4) for _ in range(2)]
    state = worlds[0]
    may = np.flatnonzero(open_to(state, START, "wealth_product"))[:20]
    holds = np.flatnonzero(state.held[:, PRODUCTS.index("wealth_product")])[:3]
    called, alone = live(worlds[0], START, {}, agreed={"wealth_product": np.concatenate([may, holds])}), live(worlds[1], START, {})
    taken = state.holdings.household[(state.holdings.acquired_on == np.datetime64(START)) & (
        state.holdings.product == PRODUCTS.index("wealth_product"))]
    assert len(set(taken.tolist()) & set(may.tolist())) > 10  # those with savings to buy with
    assert not set(taken.tolist()) & set(holds.tolist())
    assert len(called.booked.lines) > len(alone.booked.lines)
    true = chances(state, START)
    assert (true.with_contact >= true.without_contact).all()
