"""An ordinary day's account lines: pay, bills, cards, cash, people, own transfers, interest and fees."""

from __future__ import annotations

import numpy as np

from simulation.days import Day
from simulation.ledgers import CREDIT_CARD, CURRENT, LOAN, SAVINGS, day64
from simulation.lines import CHANNEL, TYPE, Lines, joined, lines, pair
from simulation.opening import FORTNIGHTLY, IRREGULAR, MONTHLY, TWICE
from simulation.state import State

HOURS = np.array([0, 0, 0, 0, 0, 0, 1, 4, 6, 5, 6, 8, 10, 8, 6, 6, 7, 10, 11, 8, 6, 4, 2, 0.5])  # of card payments
COUNTER_OPENS, COUNTER_CLOSES = 9 * 3600, 16 * 3600 + 1800
SCHEDULED = {TYPE[name]: name for name in ("transfer", "bill", "loan", "investment")}
LOW, PLENTY = 0.25, 2.5  # of a month's income on the current account: topped up below, saved above


def salaries(state: State, day: Day) -> Lines:
    """Pay and pensions on pay days; invoices of the self-employed on any business day."""
    rng, cycle = day.rng(1), state.pay_cycle
    due = np.zeros(len(cycle), dtype=bool)
    if day.business:
        due |= (cycle == MONTHLY) & day.due[state.pay_due]
        due |= (cycle == TWICE) & (day.due[15] | day.due[0])
        friday = day.on.weekday() == 4
        due |= (cycle == FORTNIGHTLY) & friday & ((day.on.toordinal() // 7 + state.pay_due) % 2 == 0)
        due |= (cycle == IRREGULAR) & (rng.random(len(cycle)) < 0.115)
    who = np.flatnonzero(due & state.active(day.on))
    hourly = (who % 5 == 0) & (cycle[who] != IRREGULAR)
    irregular = cycle[who] == IRREGULAR
    steady = np.where(hourly, rng.normal(1, 0.06, len(who)), 1.0)
    spread = np.where(irregular, rng.lognormal(-0.18, 0.6, len(who)), steady)
    cents = np.round(state.pay_cents[who] * np.clip(spread, 0.3, 8)).astype(np.int64)
    at = rng.integers(6 * 3600, 8 * 3600, len(who))
    current = state.main[CURRENT][who]
    paid = lines(current[~irregular], at[~irregular], cents[~irregular], "salary", "other", state.pay_text[who][~irregular],
                 state.pay_payer[who][~irregular])
    earned = lines(current[irregular], at[irregular] + 9000, cents[irregular], "transfer", "online",
                   state.pay_text[who][irregular])
    return joined([paid, earned])


def regular_payments(state: State, day: Day) -> Lines:
    """Everything in `State.schedules` that falls due; on loans never more than is still owed."""
    s = state.schedules
    today = day64(day.on)
    due = day.due[s.due] & ((s.months >> (day.on.month - 1)) & 1 == 1) & (s.starts_on <= today)
    due &= np.isnat(s.ends_on) | (s.ends_on > today)
    at = np.flatnonzero(due)
    at = at[state.active(day.on)[s.household[at]]]
    if not len(at):
        return _none()
    rng = day.rng(2)
    cents = np.round(s.cents[at] * np.clip(rng.normal(1, s.volatility_pm[at] / 1000), 0.4, 2)).astype(np.int64)
    target, inside = s.target[at], s.target[at] >= 0
    account = np.where(inside, target, 0)
    owed = np.where(inside & (state.accounts.product[account] == LOAN), -state.accounts.balance[account], cents)
    cents = np.maximum(np.minimum(cents, owed), 0)
    second = rng.integers(6 * 3600 + 1800, 7 * 3600 + 1800, len(at))
    parts = []
    for kind, name in SCHEDULED.items():
        own = inside & (s.type[at] == kind)
        away = ~inside & (s.type[at] == kind)
        parts.append(lines(s.source[at][away], second[away], -cents[away], name, "other", s.text[at][away], target[away]))
        moved = own & (cents > 0)
        parts.append(pair(s.source[at][moved], target[moved], second[moved], cents[moved], name, "other", s.text[at][moved]))
    return joined(parts)


def card_payments(state: State, day: Day) -> Lines:
    """Card spending other than the purchases the feed shows: Poisson in number, log-normal in size, seasonal."""
    rng = day.rng(3)
    rate = state.card_rate * day.season * state.active(day.on)
    who = np.repeat(np.arange(len(rate)), rng.poisson(rate))
    market = state.market.merchants
    shares = np.array([share for _, share, _ in market])
    kind = rng.choice(len(market), len(who), p=shares / shares.sum())
    size = np.array([relative for _, _, relative in market])[kind]
    cents = np.maximum(np.round(state.ticket[who] * size * rng.lognormal(-0.3, 0.75, len(who))).astype(np.int64), 100)
    texts = np.array([state.texts.code(wording) for wording, _, _ in market])[kind]
    second = rng.choice(24, len(who), p=HOURS / HOURS.sum()) * 3600 + rng.integers(0, 3600, len(who))
    return lines(_paying(state, who, rng), second, -cents, "card", "other", texts)


def basket_payments(
    state: State, day: Day, who: np.ndarray, second: np.ndarray, cents: np.ndarray, text: np.ndarray | int
) -> Lines:
    """Card payments for purchases: three baskets in four are paid with this bank's cards, a minute later."""
    rng = day.rng(4)
    paid = (rng.random(len(who)) < 0.75) & state.active(day.on)[who] & (cents > 0)
    who, second, cents = who[paid], second[paid], cents[paid]
    texts = np.broadcast_to(np.asarray(text), paid.shape)[paid]
    return lines(_paying(state, who, rng), np.minimum(second + 60, 86_399), -cents, "card", "other", texts)


def cash(state: State, day: Day) -> Lines:
    """Cash from machines in notes, cash brought by those who earn it."""
    rng = day.rng(5)
    active = state.active(day.on)
    who = np.repeat(np.arange(len(active)), rng.poisson(state.atm_rate * day.season * active))
    note = max(state.market.round_to // 5, 1) * 100
    cents = np.maximum(np.round(state.net_cents()[who] * rng.lognormal(-3.3, 0.5, len(who)) / note).astype(np.int64), 1) * note
    second = rng.integers(7 * 3600, 22 * 3600, len(who))
    drawn = lines(state.main[CURRENT][who], second, -cents, "cash", "atm", state.text("atm"))
    bringing = state.cash_rate * active * day.business
    who = np.repeat(np.arange(len(active)), rng.poisson(bringing))
    cents = np.maximum(np.round(state.net_cents()[who] * rng.lognormal(-2.2, 0.6, len(who)) / note).astype(np.int64), 1) * note
    machine = np.where(rng.random(len(who)) < 0.6, CHANNEL["crs"], CHANNEL["counter"])
    second = rng.integers(COUNTER_OPENS, COUNTER_CLOSES, len(who))
    brought = lines(state.main[CURRENT][who], second, cents, "cash", machine, state.text("cash_in"))
    return joined([drawn, brought])


def transfers_to_people(state: State, day: Day) -> Lines:
    """Payments between people: half to customers of this bank (both legs), half to other banks, some back from there."""
    rng = day.rng(6)
    active = state.active(day.on)
    rate = state.person_rate * active
    who = np.repeat(np.arange(len(rate)), rng.poisson(rate))
    cents = np.maximum(np.round(state.net_cents()[who] * rng.lognormal(-3.2, 0.8, len(who)) / 100).astype(np.int64) * 100, 500)
    second = rng.integers(8 * 3600, 22 * 3600, len(who))
    channel = _chosen_channel(rng.random(len(who)), state.households.digital[who], day)
    in_branch = np.isin(channel, (CHANNEL["mit"], CHANNEL["counter"]))
    in_hours = COUNTER_OPENS + (second - 8 * 3600) * (COUNTER_CLOSES - COUNTER_OPENS) // (14 * 3600)
    second = np.where(in_branch, in_hours, second)
    text, current = state.text("person"), state.main[CURRENT]
    other = rng.integers(0, len(rate), len(who))
    inside = (rng.random(len(who)) < 0.5) & active[other] & (other != who)
    back = ~inside & (rng.random(len(who)) < 0.45)
    sign = np.where(back, 1, -1)
    friends = np.array([state.payees.code(f"PERSON {number}") for number in range(40)])
    friend = -2 - friends[(who + rng.integers(0, 3, len(who))) % 40]
    between = pair(current[who[inside]], current[other[inside]], second[inside], cents[inside], "transfer", channel[inside], text)
    away = lines(current[who[~inside]], second[~inside], (sign * cents)[~inside], "transfer", channel[~inside], text,
                 friend[~inside])
    return joined([between, away])


def own_transfers(state: State, day: Day) -> Lines:
    """Savings drawn on when the current account runs low, and filled when it runs over; card bills paid."""
    rng = day.rng(7)
    active = state.active(day.on)
    current, net = state.balance(CURRENT), state.net_cents()
    has = active & (state.main[SAVINGS] >= 0)
    draws = rng.random(len(net))
    low = np.flatnonzero(has & (current < net * LOW) & (state.balance(SAVINGS) > net * 0.6) & (draws < 0.4))
    over = np.flatnonzero(has & (current > net * PLENTY) & (draws < 0.06))
    up = state.rounded(net[low] * 0.5)
    away = state.rounded((current[over] - net[over] * 1.5) * 0.8)
    at = rng.integers(7 * 3600, 9 * 3600, len(net))
    main = state.main
    parts = [
        pair(main[SAVINGS][low], main[CURRENT][low], at[low], up, "transfer", "mobile", state.text("from_savings")),
        pair(main[CURRENT][over], main[SAVINGS][over], at[over] + 36_000, away, "transfer", "mobile", state.text("to_savings")),
    ]
    settling = 2 + np.arange(len(net)) % 26
    due = np.flatnonzero(active & (main[CREDIT_CARD] >= 0) & day.due[settling])
    share = np.where(due % 4 == 0, 0.4, 1.0)
    owed = np.round(-state.balance(CREDIT_CARD)[due] * share).astype(np.int64)
    due, owed = due[owed > 0], owed[owed > 0]
    parts.append(pair(main[CURRENT][due], main[CREDIT_CARD][due], at[due], owed, "transfer", "other", state.text("card_payment")))
    return joined(parts)


def bank_bookings(state: State, day: Day) -> Lines:
    """Interest on savings and loans at the end of a quarter, account fees on the first of the month."""
    accounts = state.accounts
    parts = []
    if day.due[0] and day.on.month % 3 == 0:
        earning = np.flatnonzero(accounts.open & np.isin(accounts.product, (CURRENT, SAVINGS, LOAN)) & (accounts.rate_bp > 0))
        earned = accounts.balance[earning] * accounts.rate_bp[earning] // (10_000 * 4)
        parts.append(lines(earning, 5 * 3600, earned, "interest", "other", state.text("interest")))
    if day.due[1]:
        who = np.flatnonzero((np.arange(len(state.households)) % 6 == 0) & state.active(day.on))
        fee = -state.market.round_to * 6
        parts.append(lines(state.main[CURRENT][who], 5 * 3600 + 60, fee, "fee", "other", state.text("fee")))
    return joined(parts)


def _paying(state: State, who: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The account a card payment goes to: the credit card as often as the household prefers it."""
    by_credit = (state.main[CREDIT_CARD][who] >= 0) & (rng.random(len(who)) < state.card_share[who])
    return np.where(by_credit, state.main[CREDIT_CARD][who], state.main[CURRENT][who])


def _chosen_channel(draw: np.ndarray, digital: np.ndarray, day: Day) -> np.ndarray:
    """By app or website as often as the household does without a branch; else, on a business day, at its machine or counter."""
    apart = np.where(draw < 0.8 * digital, CHANNEL["mobile"], CHANNEL["online"])
    branch = np.where(draw < digital + 0.6 * (1 - digital), CHANNEL["mit"], CHANNEL["counter"])
    return np.where((draw < digital) | (not day.business), apart, branch)


def _none() -> Lines:
    return lines([], 0, [], "other", "other", 0)
