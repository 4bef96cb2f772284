"""Worlds of flows whose every law and event is known, and how well anybody could find the events in them.

Parameters of the worlds stand here only; nothing of the product can import them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

DAYS, JUDGED_DAYS, EVENTS_A_CUSTOMER = 400, 60, 0.075
TAIL = 4  # degrees of freedom
EVENT_SPREAD = 0.8
FIRST_CENTER, CENTER_STEP, BETWEEN = 6.0, 0.5, 0.7  # of log amounts, by income; and how far customers differ
SPREAD, SPREAD_DIFFERS = 0.55, 0.3
RATE, RATE_DIFFERS, RATES = 0.16, 0.7, (0.01, 0.9)  # flows a day
GUESSES = 200  # of each customer's law, in `optimum`
TRUE_LAW, LAW_OF_EVENTS, OPTIMUM = "oracle (true usual law)", "oracle (and the law of events)", "optimum (from the data)"


@dataclass(frozen=True)
class World:
    """One direction's days: `flows` has customer, day, amount, event; the others one value a customer."""

    flows: pd.DataFrame
    center: np.ndarray
    spread: np.ndarray
    rate: np.ndarray
    first_day: np.ndarray
    income: np.ndarray
    multiple: float  # mean log of how much larger an event is than usual


def world(customers: int, seed: int, multiple: float = 3.0) -> World:
    """Draw a world; `multiple` is the mean log of how much larger an event is than usual."""
    rng = np.random.default_rng(seed)
    band = rng.integers(0, 4, customers)
    center = FIRST_CENTER + CENTER_STEP * band + rng.normal(0, BETWEEN, customers)
    spread = np.exp(rng.normal(np.log(SPREAD), SPREAD_DIFFERS, customers))
    rate = np.clip(np.exp(rng.normal(np.log(RATE), RATE_DIFFERS, customers)), *RATES)
    first = np.where(rng.random(customers) < 0.2, rng.integers(DAYS - 120, DAYS - 5, customers), 0)
    active = rng.random((customers, DAYS)) < rate[:, None]
    active &= np.arange(DAYS)[None, :] >= first[:, None]
    who, day = np.nonzero(active)
    amount = np.exp(center[who] + spread[who] * rng.standard_t(TAIL, len(who)))
    count = int(customers * EVENTS_A_CUSTOMER)
    victim = rng.choice(customers, count, replace=False)
    event_amount = np.exp(center[victim] + rng.normal(multiple, EVENT_SPREAD, count))
    event_day = np.maximum(rng.integers(DAYS - JUDGED_DAYS, DAYS, count), first[victim])
    flows = pd.DataFrame({"customer": np.r_[who, victim], "day": np.r_[day, event_day], "amount": np.r_[amount, event_amount],
                          "event": np.r_[np.zeros(len(who), int), np.ones(count, int)]})
    flows = flows.groupby(["customer", "day"], as_index=False).agg(amount=("amount", "sum"), event=("event", "max"))
    flows["amount"] = flows["amount"].round(2).clip(0.01, 1e12)
    return World(flows, center, spread, rate, first, band, multiple)


def split(of: World) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Flows before the judged days, and theirs."""
    border = DAYS - JUDGED_DAYS
    return of.flows[of.flows["day"] < border], of.flows[of.flows["day"] >= border].reset_index(drop=True)


def oracles(of: World) -> dict[str, np.ndarray]:
    """Scores of the judged days by those who know more than a bank can: each customer's own law, also that of events, or how both
    are drawn, but of each customer only the past (`optimum`)."""
    judged = split(of)[1]
    who, x = judged["customer"].to_numpy(), np.log(judged["amount"].to_numpy())
    z = (x - of.center[who]) / of.spread[who]
    return {
        TRUE_LAW: -np.log(of.rate[who] * np.maximum(stats.t.sf(z, TAIL), 1e-15)),
        LAW_OF_EVENTS: stats.norm.logpdf(x - of.center[who], of.multiple, EVENT_SPREAD)
        - np.log(of.rate[who]) - stats.t.logpdf(z, TAIL) + np.log(of.spread[who]),
        OPTIMUM: optimum(of),
    }


def optimum(of: World) -> np.ndarray:
    """The log odds of an event on each judged day, averaged over all that a customer's law may be, given the past.

    No ranking by what a bank can know finds more events on average, in any number of alerts (Neyman and Pearson). Laws are drawn near
    the customer's own past and weighed by how likely they and the past are (importance sampling), rates by the past alone.
    """
    past, judged = split(of)
    rng = np.random.default_rng(0)
    logs = past.assign(x=np.log(past["amount"])).groupby("customer")["x"]
    scores = np.empty(len(judged))
    days = judged.groupby("customer").indices
    known = dict(iter(logs))
    prior_center = FIRST_CENTER + CENTER_STEP * of.income
    for customer, rows in days.items():
        x = np.log(judged["amount"].to_numpy()[rows])[:, None]
        own = known[customer].to_numpy() if customer in known else np.empty(0)
        n, tenure = len(own), max(DAYS - JUDGED_DAYS - of.first_day[customer], 0)
        near, width = prior_center[customer], BETWEEN
        if n:
            of_median = 1.57 * SPREAD**2 / n
            near += BETWEEN**2 / (BETWEEN**2 + of_median) * (np.median(own) - near)
            width = 1.3 * np.sqrt(BETWEEN**2 * of_median / (BETWEEN**2 + of_median))
        center = rng.normal(near, width, GUESSES)
        spread = np.exp(rng.normal(np.log(SPREAD), SPREAD_DIFFERS, GUESSES))
        weight = -(((center - prior_center[customer]) / BETWEEN) ** 2 - ((center - near) / width) ** 2) / 2 - n * np.log(spread)
        weight -= (TAIL + 1) / 2 * np.log1p(((own[:, None] - center) / spread) ** 2 / TAIL).sum(axis=0)
        weight = np.exp(weight - weight.max())
        rate = np.clip(np.exp(rng.normal(np.log(RATE), RATE_DIFFERS, GUESSES)), *RATES)
        rarely = n * np.log(rate) + max(tenure - n, 0) * np.log1p(-rate)
        rarely = np.exp(rarely - rarely.max())
        usual = (weight * stats.t.pdf((x - center) / spread, TAIL) / spread).sum(axis=1)
        event = (weight * stats.norm.pdf(x - center, of.multiple, EVENT_SPREAD)).sum(axis=1)
        scores[rows] = np.log(event + 1e-300) - np.log(usual + 1e-300) - np.log((rarely * rate).sum() / rarely.sum())
    return scores
