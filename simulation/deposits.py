"""Time deposits: placed, renewed or paid out at maturity."""

from __future__ import annotations

import numpy as np

from simulation.days import Day
from simulation.ledgers import CURRENT, SAVINGS, TIME_DEPOSIT, day64
from simulation.lines import CHANNEL, Lines, lines, pair
from simulation.shelf import hold, open_account
from simulation.state import State
from simulation.uptake import renewal_chance

TERMS = (91, 182, 365, 730)  # days
RATES_BP = {91: 140, 182: 165, 365: 190, 730: 230}
PLACING_CHANCE = 0.0035  # a day, of households with more savings than they need


def open_deposits(
    state: State, who: np.ndarray, on: np.ndarray, term: np.ndarray, principal: np.ndarray, balance: np.ndarray | int = 0
) -> np.ndarray:
    """Open time deposits; a maturity on a closed day moves to the next day the bank is open.

    Returns
    -------
    ndarray of int: the new accounts
    """
    maturity = np.asarray(on, "datetime64[D]") + np.asarray(term)
    holidays = np.array([h for h in state.market.holidays if len(h) == 10], dtype="datetime64[D]")
    yearly = [h for h in state.market.holidays if len(h) == 5]
    years = range(2000, 2041)
    closed = np.concatenate([holidays, np.array([f"{y}-{h}" for y in years for h in yearly], dtype="datetime64[D]")])
    maturity = np.busday_offset(maturity, 0, roll="forward", holidays=closed)
    rate = np.vectorize(RATES_BP.__getitem__, otypes=[np.int64])(term) if len(who) else np.empty(0, np.int64)
    return open_account(
        state, on, TIME_DEPOSIT, who, principal=principal, maturity=maturity, rate_bp=rate, balance=balance
    )


def maturities(state: State, day: Day) -> list[Lines]:
    """Deposits that mature today: interest, principal back to the current account, and often placed again at once."""
    accounts = state.accounts
    ripe = np.flatnonzero((accounts.product == TIME_DEPOSIT) & accounts.open & (accounts.maturity_on <= day64(day.on)))
    ripe = ripe[state.main[CURRENT][accounts.household[ripe]] >= 0]
    if not day.business or not len(ripe):
        return []
    rng = day.rng(11)
    who = accounts.household[ripe]
    current = state.main[CURRENT][who]
    interest = _interest(state, ripe)
    at = np.full(len(ripe), 6 * 3600) + rng.integers(0, 1800, len(ripe))
    total = accounts.balance[ripe] + interest
    parts = [
        lines(ripe, at, interest, "interest", "other", state.text("interest")),
        pair(ripe, current, at + 1, total, "time_deposit", "other", state.text("td_paid")),
    ]
    accounts.closed_on[ripe] = day64(day.on)
    again = rng.random(len(ripe)) < renewal_chance(state, who, day.on)
    if again.any():
        renewed = who[again]
        principal = state.rounded(total[again])
        principal = np.where(principal > total[again], total[again], principal)
        term = rng.choice(TERMS, len(renewed), p=(0.15, 0.25, 0.4, 0.2))
        new = open_deposits(state, renewed, np.full(len(renewed), day64(day.on)), term, principal)
        truth = state.truth.plan("deposit_renewed", "none", renewed, new, day.on, abnormal=False)
        parts.append(pair(current[again], new, at[again] + 2, principal, "time_deposit", "other", state.text("td_renewed"),
                          truth=truth))
        once, first, nth = np.unique(renewed, return_index=True, return_inverse=True)  # two of one household are one uptake
        sums = np.bincount(nth, principal.astype(float)).astype(np.int64)
        hold(state, day, "deposit_renewal", once, sums, account=new[first])
    return parts


def placements(state: State, day: Day) -> list[Lines]:
    """New time deposits out of savings beyond what a household needs at hand."""
    if not day.business:
        return []
    rng = day.rng(12)
    saved, net = state.balance(SAVINGS), state.net_cents()
    eager = (saved > net * 4) & state.active(day.on) & (state.busy_until < day64(day.on))
    who = np.flatnonzero(eager & (rng.random(len(eager)) < PLACING_CHANCE))
    if not len(who):
        return []
    principal = state.rounded(saved[who] * rng.uniform(0.25, 0.7, len(who)))
    term = rng.choice(TERMS, len(who), p=(0.2, 0.25, 0.35, 0.2))
    new = open_deposits(state, who, np.full(len(who), day64(day.on)), term, principal)
    channel = np.where(rng.random(len(who)) < state.households.digital[who], CHANNEL["mobile"], CHANNEL["counter"])
    return [pair(state.main[SAVINGS][who], new, rng.integers(33_000, 59_000, len(who)), principal, "time_deposit", channel,
                 state.text("td_place"))]


def _interest(state: State, deposits: np.ndarray) -> np.ndarray:
    """Simple interest of the whole term, cents."""
    accounts = state.accounts
    days = (accounts.maturity_on[deposits] - accounts.opened_on[deposits]).astype(np.int64)
    return accounts.principal[deposits] * accounts.rate_bp[deposits] * days // (10_000 * 365)

