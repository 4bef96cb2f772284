"""What taking a product does: the account, the money that moves, the payment that comes back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np

from simulation.days import Day
from simulation.ledgers import ALL_MONTHS, CREDIT_CARD, CURRENT, INVESTMENT, LOAN, NEVER, NO_FLOOR, SAVINGS, day64, grow
from simulation.lines import CHANNEL, TYPE, Lines, joined, lines, outside, pair
from simulation.state import State
from simulation.uptake import PRODUCT, PRODUCTS


@dataclass(frozen=True)
class Loan:
    of_income: float
    months: int
    rate_bp: int
    cause: str  # what the money is paid for at once; empty: kept


LOANS = {
    "mortgage": Loan(2.4, 240, 420, "home"),
    "car_loan": Loan(0.35, 60, 560, "car"),
    "consumer_loan": Loan(0.15, 36, 920, ""),
}
PLANS = {"child_growth_fund": 0.03, "pension_plan": 0.045, "gold_savings": 0.02}  # share of the month's net income
PREMIUMS = {"education_insurance": 0.02, "health_insurance": 0.025}
LUMPS = {"wealth_product": 0.3, "equity_fund": 0.18, "bond_fund": 0.22, "fx_account": 0.08}  # share of the savings


def acquire(state: State, day: Day, product: int, who: np.ndarray, *, opening: bool = False) -> list[Lines]:
    """Households `who` take a product today; at the `opening` they have had it for a while and no money moves.

    Returns
    -------
    list of Lines to book
    """
    name = PRODUCTS[product]
    rng = day.rng(1000 + product)
    if name in LOANS:
        return _loan(state, day, name, who, rng, opening)
    if name in PLANS:
        return _plan(state, day, name, who, PLANS[name], opening)
    if name in PREMIUMS:
        return _premium(state, day, name, who, PREMIUMS[name], opening)
    if name in LUMPS:
        return _lump(state, day, name, who, LUMPS[name], rng, opening)
    if name == "travel_insurance":
        cents = np.maximum(np.round(state.net_cents()[who] * 0.012 / 100).astype(np.int64) * 100, 100)
        hold(state, day, name, who, cents, opening=opening)
        paid = lines(state.main[CURRENT][who], 50_000 + who % 9000, -cents, "bill", "mobile", state.text("premium", "TRAVEL"))
        return [] if opening else [paid]
    return _card(state, day, name, who, opening)


def hold(
    state: State, day: Day, name: str, who: np.ndarray, cents: np.ndarray, *, account: np.ndarray | int = -1,
    schedule: np.ndarray | int = -1, opening: bool = False,
) -> None:
    """Enter holdings; those of the opening were taken at some day of the two years before."""
    taken = _before(state, day, who, 31 + PRODUCT[name]) if opening else day64(day.on)
    grow(
        state.holdings, len(who), household=who, product=PRODUCT[name], acquired_on=taken, closed_on=NEVER, value=cents,
        account=account, schedule=schedule, changed_on=taken,
    )
    state.held[who, PRODUCT[name]] = True


def open_account(
    state: State, on: np.ndarray | np.datetime64, product: int, who: np.ndarray, *, principal: np.ndarray | int = 0,
    maturity: np.ndarray | np.datetime64 = NEVER, rate_bp: np.ndarray | int = 0, floor: np.ndarray | int = 0,
    currency: int = 0, balance: np.ndarray | int = 0,
) -> np.ndarray:
    """Open an account a household; it becomes the main one of its product unless there is one.

    Returns
    -------
    ndarray of int: the new accounts
    """
    new = grow(
        state.accounts, len(who), household=who, product=product, currency=currency, opened_on=np.asarray(on, "datetime64[D]"),
        maturity_on=maturity, principal=principal, rate_bp=rate_bp, closed_on=NEVER, branch=state.households.branch[who],
        balance=balance, floor=floor,
    )
    if product in state.main and currency == 0:
        have = state.main[product][who]
        state.main[product][who] = np.where(have < 0, new, have)
    return new


def investment_account(state: State, day: Day, who: np.ndarray, opening: bool) -> np.ndarray:
    """The household's investment account, opened where there is none."""
    without = who[state.main[INVESTMENT][who] < 0]
    if len(without):
        on = _before(state, day, without, 77) if opening else day64(day.on)
        open_account(state, on, INVESTMENT, without)
    return state.main[INVESTMENT][who]


def _before(state: State, day: Day, who: np.ndarray, stream: int) -> np.ndarray:
    """Some day before `day`, not before the household joined."""
    back = day64(day.on) - np.random.default_rng((state.seed, 3, stream)).integers(5, 700, len(state.households))[who]
    return np.maximum(back, np.minimum(state.households.joined_on[who], day64(day.on)))


def _loan(state: State, day: Day, name: str, who: np.ndarray, rng: np.random.Generator, opening: bool) -> list[Lines]:
    loan = LOANS[name]
    amount = state.rounded(state.households.income[who] * 100 * loan.of_income * rng.uniform(0.6, 1.3, len(who)))
    monthly_rate = loan.rate_bp / 1e4 / 12
    instalment = np.round(amount * monthly_rate / (1 - (1 + monthly_rate) ** -loan.months)).astype(np.int64)
    on = _before(state, day, who, 41 + PRODUCT[name]) if opening else np.broadcast_to(day64(day.on), who.shape)
    paid = np.round(amount * rng.uniform(0.05, 0.3, len(who))).astype(np.int64) if opening else np.zeros(len(who), np.int64)
    account = open_account(
        state, on, LOAN, who, principal=amount, maturity=on + int(loan.months * 30.44), rate_bp=loan.rate_bp, floor=NO_FLOOR,
        balance=-(amount - paid) if opening else 0,
    )
    schedule = regular(
        state, who, account, instalment, rng.integers(1, 29, len(who)), "loan", "instalment", starts=day64(day.on) + 20)
    hold(state, day, name, who, amount, account=account, schedule=schedule, opening=opening)
    if opening:
        return []
    current = state.main[CURRENT][who]
    at = rng.integers(34_000, 50_000, len(who))
    parts = [pair(account, current, at, amount, "loan", "counter", state.text("drawdown"))]
    if loan.cause:
        truth = state.truth.plan("withdrawal", loan.cause, who, current, day.on, organic=True)
        payees = [state.payee(loan.cause, rng) for _ in who]
        codes, there = state.texts.codes(payees), outside(state.payees.codes(payees))
        parts.append(lines(current, at + 3600, -amount, "transfer", "counter", codes, there, truth=truth))
    return parts


def _plan(state: State, day: Day, name: str, who: np.ndarray, share: float, opening: bool) -> list[Lines]:
    target = investment_account(state, day, who, opening)
    cents = np.maximum(np.round(state.net_cents()[who] * share / 1000).astype(np.int64) * 1000, 1000)
    schedule = regular(state, who, target, cents, 3 + who % 20, "investment", "plan", name, starts=day64(day.on) + 2)
    hold(state, day, name, who, cents * 12, account=target, schedule=schedule, opening=opening)
    return []


def _premium(state: State, day: Day, name: str, who: np.ndarray, share: float, opening: bool) -> list[Lines]:
    cents = np.maximum(np.round(state.net_cents()[who] * share / 100).astype(np.int64) * 100, 500)
    insurer = outside(state.payees.code("INSURER " + name))
    schedule = regular(state, who, insurer, cents, 2 + who % 20, "bill", "premium", name, starts=day64(day.on) + 1)
    hold(state, day, name, who, cents * 12, schedule=schedule, opening=opening)
    return []


def _lump(
    state: State, day: Day, name: str, who: np.ndarray, share: float, rng: np.random.Generator, opening: bool
) -> list[Lines]:
    saved = np.maximum(state.balance(SAVINGS)[who], state.balance(CURRENT)[who])
    if opening:
        saved = state.net_cents()[who] * 5
    amount = state.rounded(saved * share * rng.uniform(0.5, 1.5, len(who)))
    affordable = opening | (amount <= saved)
    who, amount, saved = who[affordable], amount[affordable], saved[affordable]
    if name == "fx_account":
        return _fx_account(state, day, who, amount, opening)
    target = investment_account(state, day, who, opening)
    if opening:
        np.add.at(state.accounts.balance, target, amount)
    hold(state, day, name, who, amount, account=target, opening=opening)
    from_savings = state.balance(SAVINGS)[who] >= state.balance(CURRENT)[who]
    source = np.where(from_savings, state.main[SAVINGS][who], state.main[CURRENT][who])
    bought = pair(source, target, rng.integers(33_000, 60_000, len(who)), amount, "investment", _by_habit(state, who, rng),
                  state.text("buy", name))
    return [] if opening else [bought]


def _fx_account(state: State, day: Day, who: np.ndarray, amount: np.ndarray, opening: bool) -> list[Lines]:
    currency = next(iter(state.market.fx))
    rate = fx_rate(state, currency, day.on)
    foreign = np.round(amount / rate).astype(np.int64)
    on = _before(state, day, who, 78) if opening else day64(day.on)
    account = open_account(state, on, SAVINGS, who, currency=1, balance=foreign if opening else 0)
    hold(state, day, "fx_account", who, amount, account=account, opening=opening)
    if opening:
        return []
    group, text = np.arange(len(who)), state.text("fx", currency)
    current = state.main[CURRENT][who]
    out = lines(current, 40_000 + who % 9000, -amount, "other", "mobile", text, account, group=group)
    into = lines(account, 40_000 + who % 9000, foreign, "other", "mobile", text, current, group=group)
    return [joined([out, into], same_groups=True)]


def _card(state: State, day: Day, name: str, who: np.ndarray, opening: bool) -> list[Lines]:
    limit = state.rounded(state.net_cents()[who] * (3 if name == "credit_card" else 8))
    if name == "credit_card":
        on = _before(state, day, who, 79) if opening else day64(day.on)
        account = open_account(state, on, CREDIT_CARD, who, floor=-limit)
        hold(state, day, name, who, limit, account=account, opening=opening)
        return []
    state.accounts.floor[state.main[CREDIT_CARD][who]] = -limit
    hold(state, day, name, who, limit, account=state.main[CREDIT_CARD][who], opening=opening)
    fee = np.full(len(who), state.market.round_to * 100, dtype=np.int64)
    paid = lines(state.main[CREDIT_CARD][who], 25_000, -fee, "fee", "other", state.text("card_fee"))
    return [] if opening else [paid]


def regular(
    state: State, who: np.ndarray, target: np.ndarray | int, cents: np.ndarray, due: np.ndarray, kind: str, word: str,
    *parts: str, starts: np.datetime64, volatility_pm: int = 0, months: np.ndarray | int = ALL_MONTHS,
) -> np.ndarray:
    """Agree a payment from the current account that comes back every month (or in `months`)."""
    return grow(
        state.schedules, len(who), household=who, source=state.main[CURRENT][who], target=target, cents=cents,
        volatility_pm=volatility_pm, due=due, months=months, type=TYPE[kind], channel=CHANNEL["other"],
        text=state.text(word, *parts), starts_on=starts, ends_on=NEVER,
    )


def fx_rate(state: State, currency: str, on: date) -> float:
    """Units of the market's currency for one of `currency`: from the market's first rate to its last and back, in small waves."""
    first, last = state.market.fx[currency]
    years = (on - state.market.fx_from).days / 365 % 2
    through = min(years, 2 - years)
    wave = 0.006 * np.sin(on.toordinal() / 9.0 + len(currency)) + 0.003 * np.sin(on.toordinal() * 1.7)
    return float(round((first + (last - first) * through) * (1 + wave), 6))


def _by_habit(state: State, who: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Channel of a doing that may need no branch."""
    remote = rng.random(len(who)) < state.households.digital[who]
    phone = rng.random(len(who)) < 0.75
    staffed = np.where(rng.random(len(who)) < 0.8, CHANNEL["counter"], CHANNEL["pad"])
    return np.where(remote, np.where(phone, CHANNEL["mobile"], CHANNEL["online"]), staffed)
