"""Who takes which product: the known chance of it, month by month. Kept here, and never imported by the product."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

import numpy as np

from simulation.state import State


@dataclass(frozen=True)
class Propensity:
    """Logistic in standardised traits.

    Attributes
    ----------
    monthly : float
        Chance a month of an average customer. Far above real life, like the weights: a few thousand households must give
        every model something to learn from within a year. Age weighs little, as no model may read it.
    weights : mapping of trait -> log-odds for one unit of `traits`
    min_age, max_age : float
    requires : str
        Product that must be held.
    """

    monthly: float
    weights: Mapping[str, float]
    min_age: float = 18
    max_age: float = 120
    requires: str = ""
    once: bool = True


SHELF: Mapping[str, Propensity] = {
    "credit_card": Propensity(0.036, {"age": -0.3, "income": 0.9, "digital": 0.7, "spending": 1.0}, max_age=75),
    "premium_card": Propensity(0.014, {"income": 1.2, "wealth": 1.2, "spending": 0.6}, 25, 70, "credit_card"),
    "mortgage": Propensity(0.009, {"age": -0.3, "age2": -0.3, "income": 1.3, "married": 1.0, "owner": -1.8}, 22, 60),
    "car_loan": Propensity(0.016, {"age2": -0.2, "income": 0.9, "kids": 1.0, "wealth": -1.0}, 20, 70),
    "consumer_loan": Propensity(0.018, {"age": -0.2, "income": -0.4, "wealth": -1.4, "card": 0.7}, 20, 65),
    "education_insurance": Propensity(0.014, {"baby": 1.5, "kids": 1.2, "income": 0.8, "age2": -0.2}, 20, 55),
    "child_growth_fund": Propensity(0.015, {"baby": 1.7, "kids": 1.0, "wealth": 0.8, "digital": 0.5}, 20, 55),
    "pension_plan": Propensity(0.02, {"age": 0.3, "age2": -0.3, "income": 1.2, "wealth": 0.7}, 25, 63),
    "gold_savings": Propensity(0.02, {"age": 0.2, "wealth": 1.4, "risk": -0.6, "married": 0.5}),
    "fx_account": Propensity(0.013, {"income": 1.3, "digital": 1.1, "age": -0.2}),
    "wealth_product": Propensity(0.021, {"wealth": 1.6, "age": 0.2, "inflow": 1.0, "risk": -0.3}, 22),
    "equity_fund": Propensity(0.02, {"risk": 1.3, "digital": 0.8, "wealth": 1.0, "age": -0.2}, 20, 70),
    "bond_fund": Propensity(0.02, {"wealth": 1.4, "age": 0.2, "risk": -0.9}, 22),
    "health_insurance": Propensity(0.022, {"age": 0.3, "age2": -0.2, "kids": 0.9, "married": 0.7, "income": 0.6}, 20, 65),
    "travel_insurance": Propensity(0.02, {"income": 0.9, "digital": 0.9, "age2": -0.2, "spending": 0.5}, once=False),
    "deposit_renewal": Propensity(0.0, {}, once=False),  # follows from a maturing deposit: `renewal_chance`
}
PRODUCTS = tuple(SHELF)
PRODUCT = {name: code for code, name in enumerate(PRODUCTS)}
CONTACT_LOG_ODDS = 0.9  # what a call about the offer adds for an averagely responsive customer
OPENING_MONTHS = 6.0  # held at the start: as if the chance had worked for half a year
SHARPNESS = 1.6  # of all weights: traits tell more here than in life, so that a few thousand households are enough to learn it


@dataclass(frozen=True)
class Chances:
    """True chances a month, households x products, without and with a contact."""

    without_contact: np.ndarray
    with_contact: np.ndarray
    names: tuple[str, ...] = field(default=PRODUCTS)


def traits(state: State, on: date) -> dict[str, np.ndarray]:
    """What uptake depends on, each about one unit wide."""
    h = state.households
    age = (h.age(on) - 45) / 15
    net = np.maximum(state.net_cents(), 1)
    from_shelf = state.held[:, PRODUCT["credit_card"]]
    return {
        "age": age,
        "age2": np.clip(age**2 - 1, -1, 3),
        "income": np.log(h.income / state.market.median_income) / 0.65,
        "wealth": np.clip(np.log((state.deposits() + 100) / (net * 6)), -3, 3) / 1.4,
        "baby": np.minimum(state.baby_days, 5) / 2.0,
        "kids": (h.children > 0) - 0.35,
        "owner": h.homeowner - 0.5,
        "married": h.married - 0.45,
        "digital": (h.digital - 0.65) / 0.2,
        "risk": (h.risk - 3) / 1.1,
        "spending": np.log(h.groceries / np.median(h.groceries)) / 0.9,
        "inflow": np.minimum(np.log1p(state.inflow_30 / net), 2.5),
        "card": from_shelf - 0.5,
    }


def chances(state: State, on: date) -> Chances:
    """The true monthly chance of each product for each household, given what it is and has today."""
    x = traits(state, on)
    contact = CONTACT_LOG_ODDS + 0.4 * np.clip(state.households.responsive, -2, 2)
    alone, called = np.zeros(state.held.shape), np.zeros(state.held.shape)
    for code, (_, p) in enumerate(SHELF.items()):
        if p.monthly == 0:
            continue
        log_odds = np.log(p.monthly / (1 - p.monthly)) + SHARPNESS * sum(w * x[name] for name, w in p.weights.items())
        may = open_to(state, on, PRODUCTS[code])
        alone[:, code] = np.where(may, np.minimum(_sigmoid(log_odds), 0.35), 0)
        called[:, code] = np.where(may, np.minimum(_sigmoid(log_odds + contact), 0.6), 0)
    return Chances(alone, called)


def open_to(state: State, on: date, name: str) -> np.ndarray:
    """Households that a product can be had by today: of its age, without it where once is enough, with what it asks for."""
    p, age = SHELF[name], state.households.age(on)
    may = state.active(on) & (age >= p.min_age) & (age < p.max_age)
    if p.once:
        may &= ~state.held[:, PRODUCT[name]]
    if p.requires:
        may &= state.held[:, PRODUCT[p.requires]]
    return may & (p.monthly > 0)


def of_a_day(monthly: np.ndarray) -> np.ndarray:
    """The chance a day that comes to a chance a month."""
    return (1 - (1 - monthly) ** (1 / 30.4)).astype(np.float32)


def renewal_chance(state: State, household: np.ndarray, on: date) -> np.ndarray:
    """Chance that a maturing deposit is renewed: older, cautious and settled customers do so more often."""
    age = (state.households.age(on)[household] - 45) / 15
    cautious = (3 - state.households.risk[household]) / 1.1
    return _sigmoid(0.7 + 0.5 * age + 0.35 * cautious)


def acquisitions(state: State, on: date, rng: np.random.Generator) -> list[tuple[int, np.ndarray]]:
    """Today's uptake: product code and the households that take it, from `state.daily_chance`."""
    taken = rng.random(state.daily_chance.shape, dtype=np.float32) < state.daily_chance
    active = state.active(on)
    found = []
    for code, p in enumerate(SHELF.values()):
        who = taken[:, code] & active
        if p.once:
            who &= ~state.held[:, code]
        if who.any():
            found.append((code, np.flatnonzero(who)))
    return found


def _sigmoid(log_odds: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-log_odds))
