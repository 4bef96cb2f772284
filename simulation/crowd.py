"""Extra credits for a skewed world: one account that takes as many a day as all others together, or an even world of the same size."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from simulation.bank import BookedDay
from simulation.ledgers import CURRENT
from simulation.rows import account_ids, local_times, money
from simulation.state import State

LARGEST_CENTS = 50_000


def crowd(state: State, day: BookedDay, credits: int, *, skewed: bool) -> pa.Table:
    """Rows of the `transactions` feed: `credits` small incoming payments of a day.

    Parameters
    ----------
    state : State
    day : BookedDay
    credits : int
    skewed : bool
        All go to the first household's current account (a payroll agent, an acquirer); else they are spread over all households.
        Their balances are not kept: `balance_after` is empty.
    """
    rng = np.random.default_rng((state.seed, 41, day.on.toordinal()))
    open_ = np.flatnonzero(state.main[CURRENT] >= 0)
    who = np.full(credits, open_[0]) if skewed else rng.choice(open_, credits)
    second = np.sort(rng.integers(0, 86_400, credits))
    numbers = np.char.zfill(np.arange(1, credits + 1).astype(str), 7)
    return pa.table({
        "transaction_id": np.char.add(f"{day.prefix}C", numbers),
        "account_id": account_ids(state.main[CURRENT][who]),
        "booked_at": local_times(np.datetime64(day.on, "s") + second),
        "amount": money(rng.integers(100, LARGEST_CENTS, credits)),
        "currency": pa.repeat(state.market.currency, credits),
        "direction": pa.repeat("credit", credits),
        "type": pa.repeat("transfer", credits),
        "channel": pa.repeat("online", credits),
        "branch_id": pa.nulls(credits, pa.string()),
        "counterparty": np.char.add("PAYER ", rng.integers(0, 100_000, credits).astype(str)),
        "balance_after": pa.nulls(credits, pa.decimal128(18, 2)),
        "description": pa.repeat("INCOMING PAYMENT", credits),
    })
