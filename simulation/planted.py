"""Abnormal events put into a day on purpose, and events that only look abnormal; each is noted in the truth."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta

import numpy as np

from simulation.days import Day, next_business
from simulation.deposits import open_deposits
from simulation.ledgers import CURRENT, INVESTMENT, SAVINGS, TIME_DEPOSIT, day64
from simulation.lines import CHANNEL, Lines, lines, outside, pair
from simulation.opening import FORTNIGHTLY, MONTHLY, TWICE
from simulation.state import State

Plant = Callable[[State, Day, int, np.random.Generator], list[Lines]]
REST_DAYS = 45  # between two planned events of one household
SMALLEST_IN_ROUND_NUMBERS = 60  # no planned flow is smaller than this many of the market's round numbers
BREAKING_CAUSES = ("home", "car", "tuition", "competitor_rate", "medical", "business")
WITHDRAWAL_CAUSES = (
    "home", "car", "tuition", "business", "family", "medical", "investment_elsewhere", "competitor_rate", "fraud_or_scam",
    "none_given",
)


def planted(state: State, day: Day, counts: Mapping[str, int]) -> list[Lines]:
    """Plan today's events, as many of each kind as asked for and as there are households it can happen to.

    Parameters
    ----------
    state : State
    day : Day
    counts : mapping of kind (a key of `KINDS`) -> number

    Returns
    -------
    list of Lines for today; those of later days go to `state.pending`
    """
    parts: list[Lines] = []
    for stream, (kind, plant) in enumerate(KINDS.items()):
        if counts.get(kind):
            parts += plant(state, day, counts[kind], day.rng(200 + stream))
    return parts


def early_withdrawals(state: State, day: Day, count: int, rng: np.random.Generator) -> list[Lines]:
    """Time deposits broken before maturity; the money leaves, stays on the own account, or is placed again."""
    a = state.accounts
    margin = np.timedelta64(15, "D")
    ripe = (a.product == TIME_DEPOSIT) & a.open
    ripe &= (a.maturity_on > day64(day.on) + margin) & (a.opened_on < day64(day.on) - margin)
    deposits = np.flatnonzero(ripe & (a.principal >= _smallest(state)) & _free(state, day)[a.household])
    deposits = deposits[np.unique(a.household[deposits], return_index=True)[1]]
    deposits = _some(deposits, count, rng)
    who = _busy(state, day, a.household[deposits])
    went = rng.choice(["left", "own_account", "placed_again"], len(who), p=(0.6, 0.25, 0.15))
    causes = np.where(went == "left", rng.choice(BREAKING_CAUSES, len(who)), "none")
    truth = state.truth.plan("early_withdrawal", causes.tolist(), who, deposits, day.on, went=went.tolist())
    at, principal, current = _hours(rng, len(who)), a.balance[deposits], state.main[CURRENT][who]
    parts = [pair(deposits, current, at, principal, "time_deposit", "counter", state.text("td_broken"), must=True, truth=truth)]
    a.closed_on[deposits] = day64(day.on)
    left, placed = went == "left", went == "placed_again"
    names = [state.payee(cause, rng) for cause in causes[left]]
    parts.append(lines(current[left], at[left] + 1200, -_most(principal[left], 0.9), "transfer", "counter",
                       state.texts.codes(names), outside(state.payees.codes(names)), truth=truth[left]))
    if placed.any():
        again = state.rounded(principal[placed])
        new = open_deposits(state, who[placed], np.full(len(again), day64(day.on)), np.full(len(again), 365), again)
        parts.append(pair(current[placed], new, at[placed] + 900, again, "time_deposit", "counter", state.text("td_place"),
                          truth=truth[placed]))
    return parts


def closures(state: State, day: Day, count: int, rng: np.random.Generator) -> list[Lines]:
    """Accounts emptied and closed; with the current account goes the customer."""
    a = state.accounts
    wanted = np.isin(a.product, (CURRENT, SAVINGS, INVESTMENT)) & a.open & (a.currency == 0)
    wanted &= (a.balance > state.net_cents()[a.household] // 2) & _free(state, day)[a.household]
    accounts = np.flatnonzero(wanted)
    accounts = accounts[rng.permutation(len(accounts))]
    accounts = np.sort(accounts[np.unique(a.household[accounts], return_index=True)[1]])
    accounts = _some(accounts, count, rng)
    who = _busy(state, day, a.household[accounts])
    stays = (rng.random(len(who)) < 0.3) & (a.product[accounts] != CURRENT)
    causes = np.where(stays, "none", rng.choice(["competitor_rate", "investment_elsewhere", "none_given"], len(who)))
    went = np.where(stays, "own_account", "left").tolist()
    truth = state.truth.plan("closure", causes.tolist(), who, accounts, day.on, went=went)
    at, balance, text = _hours(rng, len(who)), a.balance[accounts], state.text("closing")
    names = [state.payee(cause, rng) for cause in causes[~stays]]
    away = lines(accounts[~stays], at[~stays], -balance[~stays], "closure", "counter", text, outside(state.payees.codes(names)),
                 must=True, truth=truth[~stays])
    kept = pair(accounts[stays], state.main[CURRENT][who[stays]], at[stays], balance[stays], "closure", "counter", text,
                must=True, truth=truth[stays])
    close(state, day, accounts)
    return [away, kept]


def close(state: State, day: Day, accounts: np.ndarray) -> None:
    """Close accounts today: nothing else is booked on them, and no regular payment finds them again."""
    a, s = state.accounts, state.schedules
    a.closed_on[accounts] = day64(day.on)
    state.frozen.update(accounts.tolist())
    for product, main in state.main.items():
        gone = np.isin(main, accounts) & (main >= 0)
        main[gone] = -1
        if product == CURRENT:
            state.households.closed_on[gone] = day64(day.on)
    over = (np.isin(s.source, accounts) | np.isin(s.target, accounts)) & np.isnat(s.ends_on)
    s.ends_on[over] = day64(day.on)
    ended = np.isin(state.holdings.account, accounts) & np.isnat(state.holdings.closed_on)
    state.holdings.closed_on[ended] = day64(day.on)
    state.holdings.changed_on[ended] = day64(day.on)


def withdrawals(state: State, day: Day, count: int, rng: np.random.Generator) -> list[Lines]:
    """One large payment out, its wording hinting at the cause."""
    who, account, cents = _with_money(state, day, count, rng, 0.55, 0.95)
    causes = rng.choice(WITHDRAWAL_CAUSES, len(who))
    truth = state.truth.plan("withdrawal", causes.tolist(), who, account, day.on)
    names = [state.payee(cause, rng) for cause in causes]
    texts, there = state.texts.codes(names), outside(state.payees.codes(names))
    in_cash = (causes == "none_given") | (rng.random(len(who)) < 0.1)
    at = _hours(rng, len(who))
    return [
        lines(account[in_cash], at[in_cash], -cents[in_cash], "cash", "counter", texts[in_cash], must=True, truth=truth[in_cash]),
        lines(account[~in_cash], at[~in_cash], -cents[~in_cash], "transfer", _remote(rng, int((~in_cash).sum())), texts[~in_cash],
              there[~in_cash], must=True, truth=truth[~in_cash]),
    ]


def split_withdrawals(state: State, day: Day, count: int, rng: np.random.Generator) -> list[Lines]:
    """One large amount in three parts on three business days, none of which says much alone."""
    who, account, cents = _with_money(state, day, count, rng, 0.6, 0.9)
    causes = rng.choice(["investment_elsewhere", "family", "competitor_rate"], len(who))
    truth = state.truth.plan("split_withdrawal", causes.tolist(), who, account, day.on)
    names = [state.payee(cause, rng) for cause in causes]
    texts, there = state.texts.codes(names), outside(state.payees.codes(names))
    third, on, today = cents // 300 * 100, day.on, []
    for part in range(3):
        paid = lines(account, _hours(rng, len(who)), -third, "transfer", "mobile", texts, there, truth=truth)
        if part == 0:
            today.append(paid)
        else:
            state.pending.setdefault(on, []).append(paid)
        on = next_business(on + timedelta(days=1), state.market.holidays)
    return today


def deposits(state: State, day: Day, count: int, rng: np.random.Generator) -> list[Lines]:
    """Large money coming in: a home sold, a bonus, an inheritance, an insurance claim."""
    who = _busy(state, day, _some(np.flatnonzero(_free(state, day)), count, rng))
    causes = rng.choice(["home_sale", "bonus", "gift_or_inheritance", "insurance_payout"], len(who), p=(0.3, 0.25, 0.3, 0.15))
    months = np.select([causes == "home_sale", causes == "bonus", causes == "gift_or_inheritance"],
                       [rng.uniform(20, 70, len(who)), rng.uniform(3, 7, len(who)), rng.lognormal(2.3, 0.6, len(who))],
                       rng.uniform(3, 10, len(who)))
    account = state.main[CURRENT][who]
    truth = state.truth.plan("deposit", causes.tolist(), who, account, day.on)
    cents = np.maximum(state.rounded(state.net_cents()[who] * months), _smallest(state))
    names = [state.market.words["bonus"].format("") if c == "bonus" else state.payee(c, rng) for c in causes]
    texts, there = state.texts.codes(names), outside(state.payees.codes(names))
    is_pay, at = causes == "bonus", _hours(rng, len(who))
    return [
        lines(account[is_pay], at[is_pay], cents[is_pay], "salary", "other", texts[is_pay], state.pay_payer[who][is_pay],
              truth=truth[is_pay]),
        lines(account[~is_pay], at[~is_pay], cents[~is_pay], "transfer", "other", texts[~is_pay], there[~is_pay],
              truth=truth[~is_pay]),
    ]


def drained(state: State, day: Day, count: int, rng: np.random.Generator) -> list[Lines]:
    """Four payments within one morning that leave next to nothing."""
    who, account, cents = _with_money(state, day, count, rng, 0.93, 0.96)
    causes = rng.choice(["fraud_or_scam", "competitor_rate"], len(who), p=(0.7, 0.3))
    truth = state.truth.plan("drained", causes.tolist(), who, account, day.on)
    names = [state.payee(cause, rng) for cause in causes]
    texts, there = state.texts.codes(names), outside(state.payees.codes(names))
    return [
        lines(account, 36_000 + 900 * part + who % 800, -(cents * share // 10_000 * 100), "transfer", "mobile", texts, there,
              must=True, truth=truth)
        for part, share in enumerate((30, 30, 25, 15))
    ]


def waking(state: State, day: Day, count: int, rng: np.random.Generator) -> list[Lines]:
    """A customer unheard of for half a year draws most of what lies there."""
    h = state.households
    sleeping = h.dormant & (state.main[CURRENT] >= 0) & (h.joined_on < day64(day.on) - 200) & (state.busy_until < day64(day.on))
    richer = np.where(state.balance(SAVINGS) >= state.balance(CURRENT), state.main[SAVINGS], state.main[CURRENT])
    enough = state.accounts.balance[richer] >= _smallest(state)
    who = _busy(state, day, _some(np.flatnonzero(sleeping & enough), count, rng))
    account = richer[who]
    truth = state.truth.plan("dormant_wakes", "none_given", who, account, day.on)
    cents = np.maximum(state.accounts.balance[account] * 8 // 1000 * 100, 100)
    names = [state.payee("none_given", rng) for _ in who]
    return [lines(account, _hours(rng, len(who)), -cents, "cash", "counter", state.texts.codes(names), must=True, truth=truth)]


def own_moves(state: State, day: Day, count: int, rng: np.random.Generator) -> list[Lines]:
    """Looks like news and is none: large money moved between own accounts."""
    has = _free(state, day) & (state.balance(SAVINGS) > _smallest(state))
    who = _busy(state, day, _some(np.flatnonzero(has), count, rng))
    account = state.main[SAVINGS][who]
    truth = state.truth.plan("own_move", "none", who, account, day.on, abnormal=False)
    cents = state.rounded(state.balance(SAVINGS)[who] * rng.uniform(0.5, 0.9, len(who)))
    return [pair(account, state.main[CURRENT][who], _hours(rng, len(who)), cents, "transfer", "mobile",
                 state.text("from_savings"), truth=truth)]


def thirteenth_salaries(state: State, day: Day, count: int, rng: np.random.Generator) -> list[Lines]:
    """Looks like news and is little: one more month's pay from the usual employer."""
    employed = np.isin(state.pay_cycle, (MONTHLY, TWICE, FORTNIGHTLY))
    who = _busy(state, day, _some(np.flatnonzero(_free(state, day) & employed), count, rng))
    account = state.main[CURRENT][who]
    truth = state.truth.plan("thirteenth_salary", "none", who, account, day.on, abnormal=False)
    texts = [state.texts.code(state.market.words["thirteenth"].format("").strip())] * len(who)
    return [lines(account, 7 * 3600 + who % 1800, state.net_cents()[who], "salary", "other", texts, state.pay_payer[who],
                  truth=truth)]


def yearly_premiums(state: State, day: Day, count: int, rng: np.random.Generator) -> list[Lines]:
    """Looks like news and is none: an insurance premium that is paid once a year."""
    can = _free(state, day) & (state.balance(CURRENT) > state.net_cents())
    who = _busy(state, day, _some(np.flatnonzero(can), count, rng))
    account = state.main[CURRENT][who]
    truth = state.truth.plan("yearly_premium", "none", who, account, day.on, abnormal=False)
    cents = state.net_cents()[who] * 7 // 1000 * 100
    return [lines(account, 25_000 + who % 1800, -cents, "bill", "other", state.text("yearly_premium"),
                  outside(state.payees.code("HOME INSURER")), truth=truth)]


KINDS: Mapping[str, Plant] = {
    "early_withdrawal": early_withdrawals, "closure": closures, "withdrawal": withdrawals, "split_withdrawal": split_withdrawals,
    "deposit": deposits, "drained": drained, "dormant_wakes": waking, "own_move": own_moves,
    "thirteenth_salary": thirteenth_salaries, "yearly_premium": yearly_premiums,
}


def _free(state: State, day: Day) -> np.ndarray:
    return state.active(day.on) & (state.busy_until < day64(day.on))


def _busy(state: State, day: Day, who: np.ndarray) -> np.ndarray:
    state.busy_until[who] = day64(day.on) + REST_DAYS
    return who


def _some(candidates: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    return np.sort(rng.permutation(candidates)[:count])


def _smallest(state: State) -> int:
    return state.market.round_to * 100 * SMALLEST_IN_ROUND_NUMBERS


def _most(cents: np.ndarray, share: float) -> np.ndarray:
    """A share of an amount, in whole units."""
    return (cents * share).astype(np.int64) // 100 * 100


def _hours(rng: np.random.Generator, count: int) -> np.ndarray:
    return rng.integers(9 * 3600 + 1800, 16 * 3600, count)


def _remote(rng: np.random.Generator, count: int) -> np.ndarray:
    return rng.choice([CHANNEL["counter"], CHANNEL["mobile"], CHANNEL["online"]], count, p=(0.4, 0.4, 0.2))


def _with_money(
    state: State, day: Day, count: int, rng: np.random.Generator, least: float, most: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Households with money to withdraw, the account it lies on, and how much of it goes: two months' income or more."""
    richer = np.where(state.balance(SAVINGS) >= state.balance(CURRENT), state.main[SAVINGS], state.main[CURRENT])
    balance = np.where(richer >= 0, state.accounts.balance[richer], 0)
    enough = balance * least >= np.maximum(state.net_cents() * 2, _smallest(state))
    who = _busy(state, day, _some(np.flatnonzero(_free(state, day) & enough), count, rng))
    cents = balance[who] * rng.uniform(least, most, len(who))
    return who, richer[who], (cents.astype(np.int64) // 10_000) * 10_000


