"""The world as rows of the landing feeds: numbers become names, cents become decimals."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from conf.codes import CHANNELS, TRANSACTION_TYPES
from conf.codes import PRODUCTS as ACCOUNT_PRODUCTS
from simulation.bank import BookedDay
from simulation.days import days_between, is_business
from simulation.ledgers import day64
from simulation.lines import CHANNEL
from simulation.shelf import fx_rate
from simulation.state import State
from simulation.uptake import PRODUCTS

VALUED = ("child_growth_fund", "pension_plan", "gold_savings", "wealth_product", "equity_fund", "bond_fund", "fx_account")
AT_A_BRANCH = np.isin(np.arange(len(CHANNELS)), [CHANNEL[name] for name in ("counter", "atm", "crs", "pad")])


def money(cents: np.ndarray, known: np.ndarray | None = None) -> pa.Array:
    """Cents as decimal(18,2); empty where not `known`."""
    cents = np.ascontiguousarray(cents, dtype=np.int64)
    wide = np.empty((len(cents), 2), dtype=np.int64)
    wide[:, 0], wide[:, 1] = cents, cents >> 63
    mask = None if known is None else pa.array(known).cast(pa.bool_()).buffers()[1]
    return pa.Array.from_buffers(pa.decimal128(18, 2), len(cents), [mask, pa.py_buffer(wide)])


def customers(state: State, which: np.ndarray) -> pa.Table:
    """Households as the bank has them on file today.

    Returns
    -------
    Table with the columns of the `customers` feed
    """
    h = state.households
    return pa.table({
        "customer_id": _names(h.customer_id, which),
        "full_name": _names(h.name, which),
        "birth_date": _dates(h.birth_on[which], h.age_on_file[which]),
        "gender": _coded(("M", "F"), h.female[which].astype(np.int64)),
        "occupation": _names(h.occupation, which, h.occupation_on_file),
        "annual_income": money(np.round(h.income[which] * 100), h.income_on_file[which]),
        "marital_status": _coded(("single", "married"), h.married[which].astype(np.int64), h.marital_on_file[which]),
        "region": _coded(state.market.regions, h.region[which]),
        "joined_on": _dates(h.joined_on[which]),
        "relationship_manager_id": _numbered("RM", 2, h.manager[which] + 1, h.manager[which] >= 0),
        "risk_profile": pa.array(h.risk[which], mask=~h.risk_on_file[which]),
        "marketing_consent": pa.array(h.marketing[which]),
        "life_event_consent": pa.array(h.life_event[which], mask=~h.life_event_asked[which]),
        "closed_on": _dates(h.closed_on[which]),
    })


def accounts(state: State, which: np.ndarray) -> pa.Table:
    """Accounts as they stand today.

    Returns
    -------
    Table with the columns of the `accounts` feed
    """
    a = state.accounts
    currencies = (state.market.currency, *state.market.fx)
    return pa.table({
        "account_id": account_ids(which),
        "customer_id": _names(state.households.customer_id, a.household[which]),
        "product_type": _coded(ACCOUNT_PRODUCTS, a.product[which]),
        "currency": _coded(currencies, a.currency[which]),
        "opened_on": _dates(a.opened_on[which]),
        "maturity_on": _dates(a.maturity_on[which]),
        "principal": money(a.principal[which], a.principal[which] > 0),
        "interest_rate": pc.divide(pa.array(a.rate_bp[which].astype(float), mask=a.rate_bp[which] == 0), 10_000.0),
        "status": _coded(("closed", "open"), a.open[which].astype(np.int64)),
        "closed_on": _dates(a.closed_on[which]),
        "branch_id": _numbered("B", 3, a.branch[which] + 1),
    })


def transactions(state: State, day: BookedDay) -> pa.Table:
    """A day's booked lines.

    Returns
    -------
    Table with the columns of the `transactions` feed, in the order of booking
    """
    at, a = day.booked.lines, state.accounts
    inside, outside = at.counterparty >= 0, at.counterparty < -1
    payees = pa.array(state.payees.all).take(pa.array(np.where(outside, -2 - at.counterparty, 0), mask=~outside))
    counterparty = pc.coalesce(account_ids(np.where(inside, at.counterparty, 0), inside), payees)
    return pa.table({
        "transaction_id": _numbered(day.prefix, 7, np.arange(1, len(at) + 1)),
        "account_id": account_ids(at.account),
        "booked_at": local_times(np.datetime64(day.on, "s") + at.second),
        "amount": money(np.abs(at.cents)),
        "currency": _coded((state.market.currency, *state.market.fx), a.currency[at.account]),
        "direction": _coded(("debit", "credit"), (at.cents > 0).astype(np.int64)),
        "type": _coded(TRANSACTION_TYPES, at.type),
        "channel": _coded(CHANNELS, at.channel),
        "branch_id": _numbered("B", 3, a.branch[at.account] + 1, AT_A_BRANCH[at.channel]),
        "counterparty": counterparty,
        "balance_after": money(day.booked.balance_after),
        "description": pa.array(state.texts.all).take(pa.array(at.text)),
    })


def holdings(state: State, which: np.ndarray) -> pa.Table:
    """Products taken. Only investments have a value of their own: what is owed or insured is not the customer's wealth.

    Returns
    -------
    Table with the columns of the `holdings` feed
    """
    h = state.holdings
    valued = np.isin(np.arange(len(PRODUCTS)), [PRODUCTS.index(name) for name in VALUED])
    return pa.table({
        "customer_id": _names(state.households.customer_id, h.household[which]),
        "product_id": _coded(PRODUCTS, h.product[which]),
        "acquired_on": _dates(h.acquired_on[which]),
        "closed_on": _dates(h.closed_on[which]),
        "value": money(h.value[which], valued[h.product[which]]),
    })


def fx_rates(state: State, first: date, last: date) -> pa.Table:
    """Rates of business days.

    Returns
    -------
    Table with `rate_date`, `currency`, `rate`
    """
    holidays = state.market.holidays
    rates = [(on, currency, fx_rate(state, currency, on)) for on in days_between(first, last) if is_business(on, holidays)
             for currency in state.market.fx]
    return pa.table(list(map(list, zip(*rates, strict=True))) if rates else [[], [], []], names=["rate_date", "currency", "rate"])


def changed_accounts(state: State, on: date) -> np.ndarray:
    """Accounts opened or closed on a day."""
    a, day = state.accounts, day64(on)
    return np.flatnonzero((a.opened_on == day) | (a.closed_on == day))


def known_accounts(state: State, on: date) -> np.ndarray:
    """Accounts opened by a day."""
    return np.flatnonzero(state.accounts.opened_on <= day64(on))


def known_customers(state: State, on: date) -> np.ndarray:
    """Households that joined by a day."""
    return np.flatnonzero(state.households.joined_on <= day64(on))


def changed_customers(state: State, on: date) -> np.ndarray:
    """Households that joined, left or told the bank something new on a day."""
    h, day = state.households, day64(on)
    return np.flatnonzero((h.joined_on == day) | (h.closed_on == day) | (h.changed_on == day))


def changed_holdings(state: State, on: date) -> np.ndarray:
    """Holdings taken, ended or revalued on a day."""
    return np.flatnonzero(state.holdings.changed_on == day64(on))


def account_ids(which: np.ndarray, known: np.ndarray | None = None) -> pa.Array:
    return _numbered("A", 8, np.asarray(which) + 1, known)


def local_times(seconds: np.ndarray) -> pa.Array:
    """`datetime64[s]` in the bank's zone as ISO 8601 without a zone."""
    return pc.strftime(pa.array(seconds.astype("datetime64[s]")), format="%Y-%m-%dT%H:%M:%S")


def previous_business(on: date, holidays: frozenset[str]) -> date:
    """The last business day before `on`."""
    on -= timedelta(days=1)
    while not is_business(on, holidays):
        on -= timedelta(days=1)
    return on


def _dates(days: np.ndarray, known: np.ndarray | None = None) -> pa.Array:
    return pa.array(days.astype("datetime64[D]"), pa.date32(), mask=None if known is None else ~known)


def _coded(words: Sequence[str], codes: np.ndarray, known: np.ndarray | None = None) -> pa.Array:
    return pa.array(words).take(pa.array(codes, mask=None if known is None else ~known))


def _names(texts: list[str], which: np.ndarray, known: np.ndarray | None = None) -> pa.Array:
    return pa.array(texts).take(pa.array(which, mask=None if known is None else ~known[which]))


def _numbered(prefix: str, width: int, numbers: np.ndarray, known: np.ndarray | None = None) -> pa.Array:
    """`prefix` and the number, with leading zeros."""
    digits = pc.utf8_lpad(pa.array(numbers, mask=None if known is None else ~known).cast(pa.string()), width, "0")
    return pc.binary_join_element_wise(prefix, digits, "")
