"""The world on its first morning: accounts with their balances, how income arrives and how it is spent."""

from __future__ import annotations

from datetime import date

import numpy as np

from simulation.days import LAST_BUSINESS_DAY, Day, day_of
from simulation.deposits import TERMS, open_deposits
from simulation.households import OCCUPATION_GROUPS, Households
from simulation.ledgers import CURRENT, SAVINGS, Accounts, Holdings, Schedules, day64
from simulation.lines import Texts, outside
from simulation.market import Market
from simulation.shelf import acquire, open_account, regular
from simulation.state import MAIN_ACCOUNTS, State
from simulation.truth import Truth
from simulation.uptake import OPENING_MONTHS, PRODUCT, PRODUCTS, chances

NO_PAY, MONTHLY, TWICE, FORTNIGHTLY, IRREGULAR = range(5)


def opening_state(market: Market, households: Households, start: date, seed: int) -> State:
    """Everything as it stands on the morning of `start`.

    Balances are log-normal with heavy tails around each household's income; a product is held with the chance that its
    true uptake would have produced in half a year.
    """
    n = len(households)
    rng = np.random.default_rng((seed, 2))
    day = day_of(start, seed, market.holidays)
    state = _empty(market, households, seed, rng)
    net = state.net_cents()
    everyone = np.arange(n)
    here = households.joined_on < day64(start)
    current = np.round(net * rng.lognormal(-0.1, 0.6, n)).astype(np.int64)
    open_account(state, households.joined_on, CURRENT, everyone, rate_bp=10, balance=np.where(here, current, 0))
    age = households.age(start)
    saver = everyone[(rng.random(n) < np.clip(0.55 + (age - 35) * 0.008, 0.4, 0.9)) & here]
    saved = net[saver] * 12 * np.clip(rng.lognormal(-1.1 + (age[saver] - 45) * 0.02, 1.1), 0.01, 12)
    open_account(state, _since(households, saver, start, rng), SAVINGS, saver, rate_bp=110, balance=saved.astype(np.int64))
    _time_deposits(state, day, rng)
    _shelf(state, day, rng)
    _regular_payments(state, day, rng)
    return state


def _empty(market: Market, h: Households, seed: int, rng: np.random.Generator) -> State:
    n = len(h)
    state = State(
        market=market, households=h, seed=seed, accounts=Accounts(), schedules=Schedules(), holdings=Holdings(),
        texts=Texts(), payees=Texts(), truth=Truth(), main={product: np.full(n, -1) for product in MAIN_ACCOUNTS},
        pay_cycle=np.zeros(n, np.int64), pay_due=np.zeros(n, np.int64), pay_cents=np.zeros(n, np.int64),
        pay_text=np.zeros(n, np.int64), pay_payer=np.zeros(n, np.int64),
        ticket=np.zeros(n), card_rate=np.zeros(n), atm_rate=np.zeros(n), cash_rate=np.zeros(n), person_rate=np.zeros(n),
        card_share=rng.beta(3, 2, n), held=np.zeros((n, len(PRODUCTS)), dtype=bool), inflow_30=np.zeros(n),
        baby_days=np.zeros(n), busy_until=np.full(n, np.datetime64("1900-01-01", "D")),
        daily_chance=np.zeros((n, len(PRODUCTS)), dtype=np.float32),
    )
    _income(state, rng)
    _spending(state, rng)
    return state


def _income(state: State, rng: np.random.Generator) -> None:
    """Who pays, when and how much a time."""
    h, market, n = state.households, state.market, len(state.households)
    group = h.occupation_group
    cycle = rng.choice([MONTHLY, TWICE, FORTNIGHTLY], n, p=market.pay_cycles)
    cycle = np.select([group == OCCUPATION_GROUPS.index("business_owner"), group == OCCUPATION_GROUPS.index("retired")],
                      [IRREGULAR, MONTHLY], cycle)
    cycle = np.where(group == OCCUPATION_GROUPS.index("student"), np.where(rng.random(n) < 0.5, MONTHLY, NO_PAY), cycle)
    per_pay = np.choose(cycle, [0, 1.0, 0.5, 12 / 26, 0.4])
    employer = rng.integers(0, len(market.employers), n)
    employers = [state.text("salary", name) for name in market.employers]
    payers = [outside(state.payees.code(name)) for name in market.employers]
    retired = group == OCCUPATION_GROUPS.index("retired")
    state.pay_cycle = np.where(h.dormant, NO_PAY, cycle)
    state.pay_due = np.where(rng.random(n) < 0.45, LAST_BUSINESS_DAY, rng.choice([1, 5, 10, 15, 20, 25, 28], n))
    state.pay_cents = np.round(state.net_cents() * per_pay).astype(np.int64)
    state.pay_text = np.where(retired, state.text("pension"), np.array(employers)[employer])
    state.pay_text = np.where(cycle == IRREGULAR, state.text("irregular"), state.pay_text)
    state.pay_payer = np.where(retired, outside(state.payees.code("PENSION OFFICE")), np.array(payers)[employer])


def _spending(state: State, rng: np.random.Generator) -> None:
    """How often and how much a household pays by card, draws and brings cash, and pays people."""
    h, n = state.households, len(state.households)
    relative = np.sqrt(h.income / state.market.median_income)
    state.card_rate = rng.gamma(3.0, 0.1, n) * np.clip(relative, 0.5, 2)
    monthly = state.net_cents() * rng.uniform(0.32, 0.55, n)
    state.ticket = monthly / 30.4 / np.maximum(state.card_rate, 0.03)
    state.atm_rate = rng.gamma(2.0, 0.028, n)
    state.person_rate = rng.gamma(1.5, 0.016, n)
    owner = h.occupation_group == OCCUPATION_GROUPS.index("business_owner")
    state.cash_rate = np.where(owner, rng.gamma(2, 0.05, n), np.where(rng.random(n) < 0.1, 0.02, 0.0))


def _time_deposits(state: State, day: Day, rng: np.random.Generator) -> None:
    h, n = state.households, len(state.households)
    age = h.age(day.on)
    chance = np.clip(0.16 + (age - 40) * 0.009, 0.05, 0.5) * (state.main[SAVINGS] >= 0)
    for _ in range(3):
        who = np.flatnonzero(rng.random(n) < chance * np.where(h.dormant, 0.3, 1))
        term = rng.choice(TERMS, len(who), p=(0.2, 0.25, 0.35, 0.2))
        on = day64(day.on) - (term * rng.random(len(who))).astype(np.int64)
        on = np.maximum(on, np.minimum(h.joined_on[who], day64(day.on) - 1))
        principal = state.rounded(state.net_cents()[who] * 12 * np.clip(rng.lognormal(-1.2, 0.8, len(who)), 0.03, 8))
        open_deposits(state, who, on, term, principal, balance=principal)


def _shelf(state: State, day: Day, rng: np.random.Generator) -> None:
    """Holdings at the start; the card first, as others ask for it."""
    for code in [PRODUCT["credit_card"], *(c for c in range(len(PRODUCTS)) if PRODUCTS[c] != "credit_card")]:
        p = chances(state, day.on).without_contact[:, code]
        who = np.flatnonzero(rng.random(len(p)) < np.minimum(1 - (1 - p) ** OPENING_MONTHS, 0.6))
        if len(who) and PRODUCTS[code] != "travel_insurance":
            acquire(state, day, code, who, opening=True)


def _regular_payments(state: State, day: Day, rng: np.random.Generator) -> None:
    h, net = state.households, state.net_cents()
    lives = np.flatnonzero(~h.dormant)
    started = day64(day.on) - 365

    def agree(
        who: np.ndarray, share: np.ndarray | float, word: str, kind: str, payee: str, spread_pm: int = 0, **more: object
    ) -> None:
        cents = np.maximum(np.round(net[who] * share / 100).astype(np.int64) * 100, 1500)
        there = outside(state.payees.code(payee))
        due = rng.integers(1, 29, len(who))
        regular(state, who, there, cents, due, kind, word, starts=started, volatility_pm=spread_pm, **more)  # type: ignore[arg-type]

    renters = lives[~h.homeowner[lives] & ~state.held[lives, PRODUCT["mortgage"]]]
    for number in range(4):
        part = renters[renters % 4 == number]
        landlord = f"LANDLORD {number + 1}"
        cents = np.maximum(np.round(net[part] * rng.uniform(0.2, 0.32, len(part)) / 1000).astype(np.int64) * 1000, 5000)
        regular(state, part, outside(state.payees.code(landlord)), cents, rng.integers(1, 6, len(part)), "transfer", "rent",
                str(number + 1), starts=started)
    agree(lives, rng.uniform(0.02, 0.05, len(lives)), "power", "bill", "POWER UTILITY", 180)
    agree(lives, rng.uniform(0.01, 0.025, len(lives)), "phone", "bill", "PHONE COMPANY", 60)
    online = lives[rng.random(len(lives)) < 0.7]
    agree(online, 0.015, "internet", "bill", "INTERNET COMPANY")
    insured = lives[rng.random(len(lives)) < 0.3]
    agree(insured, rng.uniform(0.3, 0.9, len(insured)), "yearly_premium", "bill", "HOME INSURER",
          months=1 << rng.integers(0, 12, len(insured)))
    steady = lives[(state.main[SAVINGS][lives] >= 0) & (rng.random(len(lives)) < 0.7)]
    cents = np.maximum(np.round(net[steady] * rng.uniform(0.03, 0.12, len(steady)) / 1000).astype(np.int64) * 1000, 1000)
    regular(state, steady, state.main[SAVINGS][steady], cents, rng.integers(1, 29, len(steady)), "transfer", "to_savings",
            starts=started)


def _since(h: Households, who: np.ndarray, start: date, rng: np.random.Generator) -> np.ndarray:
    lived = (day64(start) - h.joined_on[who]).astype(np.int64)
    return h.joined_on[who] + (lived * rng.random(len(who)) * 0.8).astype(np.int64)
