"""A day's calls chosen for the most value within its limits, with a bound no choice can beat.

Maximise the sum of value over the candidates called, subject to each RM's minutes, each campaign's quota, the day's places and so
many offers a customer. The linear programme (HiGHS) lets candidates be called in part: its value bounds every real choice from
above. Its solution is a corner, so only as many candidates as there are binding limits are called in part; those are dropped, and
what room they leave is filled by value a minute. Where that stays further from the bound than `NEAR`, as with few long calls a day,
branch and bound looks for better, within a number of nodes rather than a time, so that the same day has the same calls.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.optimize import Bounds, LinearConstraint, linprog, milp
from scipy.sparse import csr_matrix, vstack

WHOLE = 1 - 1e-6
NEAR, NODES = 0.002, 50


@dataclass(frozen=True)
class Portfolio:
    """What is called, and how far that can be from the best."""

    chosen: np.ndarray  # one flag a candidate
    value: float
    bound: float  # value of the linear programme
    prices: dict[str, float]  # what one minute more of an RM, or one place more, would bring; binding limits only

    @property
    def gap(self) -> float:
        """Share of the bound that is not reached: the best choice is at most this much better."""
        return 1 - self.value / self.bound if self.bound > 0 else 0.0


def portfolio(
    candidates: pd.DataFrame,
    minutes: Mapping[str, float],
    quotas: Mapping[str, int],
    places: int | None = None,
    offers_a_customer: int = 1,
) -> Portfolio:
    """The calls worth most within the limits.

    Parameters
    ----------
    candidates : DataFrame with `customer`, `manager`, `campaign`, `value` (base currency, of a call), `minutes` (it takes)
    minutes : RM -> minutes of the day; an RM who is not named has no limit
    quotas : campaign -> calls; a campaign that is not named has no quota
    places : calls of everybody together; None: no limit
    offers_a_customer : at most
    """
    rows = candidates.reset_index(drop=True)
    value, takes = rows["value"].to_numpy(float), rows["minutes"].to_numpy(float)
    worth = np.flatnonzero((value > 0) & (takes <= rows["manager"].map(minutes).astype(float).fillna(np.inf).to_numpy()))
    chosen = np.zeros(len(rows), bool)
    if not len(worth):
        return Portfolio(chosen, 0.0, 0.0, {})
    kept = rows.iloc[worth]
    one, called = np.ones(len(kept)), kept["customer"].value_counts()
    everybody = pd.Series("the day", kept.index)
    limits = [
        _limit(kept["manager"], takes[worth], minutes, "minutes of "),
        _limit(kept["campaign"], one, quotas, "places in "),
        _limit(everybody, one, {} if places is None else {"the day": places}, "places of "),
        _limit(kept["customer"], one, dict.fromkeys(called.index[called > offers_a_customer], offers_a_customer), ""),
    ]
    matrix, room = vstack([limit[0] for limit in limits], format="csr"), np.concatenate([limit[1] for limit in limits])
    solved = linprog(-value[worth], A_ub=matrix, b_ub=room, bounds=(0, 1), method="highs")
    taken = solved.x >= WHOLE
    left = room - matrix @ taken
    columns = matrix.tocsc()
    for at in np.argsort(-value[worth] / takes[worth], kind="stable"):
        of_candidate = slice(columns.indptr[at], columns.indptr[at + 1])
        under, needs = columns.indices[of_candidate], columns.data[of_candidate]
        if not taken[at] and bool((left[under] >= needs - 1e-9).all()):
            taken[at] = True
            left[under] -= needs
    if value[worth[taken]].sum() < -solved.fun * (1 - NEAR):
        whole = milp(
            -value[worth], constraints=LinearConstraint(matrix, -np.inf, room), integrality=one, bounds=Bounds(0, 1),
            options={"mip_rel_gap": NEAR, "node_limit": NODES},
        )  # fmt: skip
        if whole.x is not None and -whole.fun > value[worth[taken]].sum():
            taken = whole.x >= 0.5
    chosen[worth[taken]] = True
    names = [name for limit in limits for name in limit[2]]
    prices = {name: float(-price) for name, price in zip(names, solved.ineqlin.marginals, strict=True) if name and price < -1e-9}
    return Portfolio(chosen, float(value[chosen].sum()), float(-solved.fun), prices)


def _limit(of: pd.Series, takes: np.ndarray, limits: Mapping, words: str) -> tuple[csr_matrix, np.ndarray, list[str]]:
    """One row a limit: who falls under it and how much of it each takes; limits are named only where somebody asks for their price."""
    names = sorted(set(of) & set(limits))
    place = {name: row for row, name in enumerate(names)}
    under = of.isin(names).to_numpy()
    matrix = csr_matrix((takes[under], (of[under].map(place).to_numpy(int), np.flatnonzero(under))), shape=(len(names), len(of)))
    return matrix, np.array([float(limits[name]) for name in names]), [words + str(name) if words else "" for name in names]
