"""A generated world: a Chinese bank whose every true cause is known, of any size, day by day."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import numpy as np

from simulation.bank import Agreed, Baskets
from simulation.days import day_of, days_between
from simulation.delivery import Delivery, Plan
from simulation.drops import write_truth
from simulation.households import Known, households, unknown_traits
from simulation.ledgers import day64
from simulation.life import Life
from simulation.market import CHINA, Market
from simulation.opening import opening_state
from simulation.shopping import SHOPS, SMALLEST, Orders, Shopping, purchase_rows
from simulation.state import State

FIRST = date(2025, 1, 1)
DAILY_DROPS = 30  # at most; and no more than a tenth of the days
BABY_HALF_LIFE_DAYS = 40  # of what uptake remembers of baby purchases


def landing_feeds(
    out: Path, customers: int, days: int, seed: int, progress: Callable[[str], None], market: Market = CHINA
) -> Plan:
    """Write a world's feeds to `out / landing` and its truth to `out / TRUTH`: an initial load, then a drop a day.

    The same arguments give the same bytes.

    Returns
    -------
    Plan: which day is which
    """
    plan = plan_of(days)
    world = World(customers, plan, seed, out / "landing", out / "TRUTH", progress, market)
    for on in days_between(plan.first, plan.last):
        world.bring(on)
    world.finish()
    return plan


def plan_of(days: int) -> Plan:
    """Most of the days are history."""
    last = FIRST + timedelta(days=days - 1)
    return Plan(FIRST, last - timedelta(days=min(DAILY_DROPS, days // 10)), last)


class World:
    """A world and its delivery; days are brought one at a time, in order."""

    def __init__(
        self, customers: int, plan: Plan, seed: int, landing: Path, truth: Path, progress: Callable[[str], None], market: Market
    ) -> None:
        traits = _joining(unknown_traits(customers), plan, seed)
        self.state: State = opening_state(market, households(traits, market, plan.first, seed), plan.first, seed)
        self.life = Life(self.state, plan.first)
        self.shopping = Shopping(self.state, self.life, plan.first)
        self.delivery = Delivery(self.state, plan, landing, truth, progress)
        self.delivery.say(customers=customers, seed=seed, first=plan.first, loaded=plan.loaded, last=plan.last)
        self._truth = truth

    def bring(self, on: date, agreed: Agreed | None = None) -> None:
        """Let a day happen and deliver what is due of it; `agreed` are households that said yes to a product when called."""
        state = self.state
        self.life.happen(on)
        orders = self.shopping.of_day(day_of(on, state.seed, state.market.holidays))
        state.baby_days *= 0.5 ** (1 / BABY_HALF_LIFE_DAYS)
        baby = np.unique(orders.household[(orders.article >= SMALLEST) & ~orders.refunded])
        state.baby_days[baby] += 1
        self.delivery.bring(on, _baskets(state, orders), purchase_rows(state, orders, on), agreed)

    def finish(self) -> None:
        """Write the truth that is only whole at the end."""
        write_truth(self._truth, "life_events", self.life.events())
        write_truth(self._truth, "children", self.life.children())


def _joining(traits: Known, plan: Plan, seed: int) -> Known:
    """Two customers in a hundred come while the world runs."""
    rng = np.random.default_rng((seed, 8))
    days = max((plan.last - plan.first).days, 1)
    comes = rng.random(len(traits.customer_id)) < 0.02 * min(days / 365, 1)
    traits.joined_on[comes] = day64(plan.first) + rng.integers(1, days + 1, int(comes.sum()))
    return traits


def _baskets(state: State, orders: Orders) -> Baskets:
    """Orders as the bank's cards see them."""
    paid = np.flatnonzero(~orders.refunded)
    count = int(orders.order[paid].max(initial=-1)) + 1
    cents = np.bincount(orders.order[paid], (orders.cents * orders.quantity)[paid].astype(float), minlength=count)
    _, first = np.unique(orders.order[paid], return_index=True)
    shop = np.array([state.text("shop", f"S{number}") for number in range(1, SHOPS + 1)])
    who = orders.household[paid][first]
    return Baskets(who, orders.second[paid][first], cents.astype(np.int64), shop[(who + np.arange(count)) % len(shop)])
