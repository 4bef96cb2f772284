"""What grows while a world runs: accounts, regular payments and holdings, kept as columns."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from datetime import date
from typing import Any

import numpy as np

from conf.codes import PRODUCTS

CURRENT, SAVINGS, TIME_DEPOSIT, CREDIT_CARD, LOAN, INVESTMENT = range(len(PRODUCTS))
NEVER = np.datetime64("NaT", "D")
NO_FLOOR = -(1 << 60)
ALL_MONTHS = (1 << 12) - 1


def _ints() -> np.ndarray:
    return np.empty(0, dtype=np.int64)


def _days() -> np.ndarray:
    return np.empty(0, dtype="datetime64[D]")


@dataclass
class Accounts:
    """One element an account; money in cents of its currency. What is owed (cards, loans) is a balance below zero."""

    household: np.ndarray = field(default_factory=_ints)
    product: np.ndarray = field(default_factory=_ints)  # index into `conf.codes.PRODUCTS`
    currency: np.ndarray = field(default_factory=_ints)  # 0 the market's own, else 1 + index into its foreign currencies
    opened_on: np.ndarray = field(default_factory=_days)
    maturity_on: np.ndarray = field(default_factory=_days)
    principal: np.ndarray = field(default_factory=_ints)  # 0 where it has no meaning
    rate_bp: np.ndarray = field(default_factory=_ints)  # hundredths of a percent a year
    closed_on: np.ndarray = field(default_factory=_days)
    branch: np.ndarray = field(default_factory=_ints)
    balance: np.ndarray = field(default_factory=_ints)
    floor: np.ndarray = field(default_factory=_ints)

    def __len__(self) -> int:
        return len(self.household)

    @property
    def open(self) -> np.ndarray:
        return np.isnat(self.closed_on)


@dataclass
class Schedules:
    """Payments that come back: rent, bills, premiums, instalments, savings plans, standing orders to savings."""

    household: np.ndarray = field(default_factory=_ints)
    source: np.ndarray = field(default_factory=_ints)  # account that pays
    target: np.ndarray = field(default_factory=_ints)  # account, outside(payee) or UNKNOWN
    cents: np.ndarray = field(default_factory=_ints)
    volatility_pm: np.ndarray = field(default_factory=_ints)  # thousandths: spread of a bill that differs from month to month
    due: np.ndarray = field(default_factory=_ints)  # day of the month 1..28
    months: np.ndarray = field(default_factory=_ints)  # bit 0 is January
    type: np.ndarray = field(default_factory=_ints)
    channel: np.ndarray = field(default_factory=_ints)
    text: np.ndarray = field(default_factory=_ints)
    starts_on: np.ndarray = field(default_factory=_days)
    ends_on: np.ndarray = field(default_factory=_days)  # exclusive; NEVER when open

    def __len__(self) -> int:
        return len(self.household)


@dataclass
class Holdings:
    """One element a product taken; `product` indexes the shelf of `uptake.PRODUCTS`."""

    household: np.ndarray = field(default_factory=_ints)
    product: np.ndarray = field(default_factory=_ints)
    acquired_on: np.ndarray = field(default_factory=_days)
    closed_on: np.ndarray = field(default_factory=_days)
    value: np.ndarray = field(default_factory=_ints)  # cents
    account: np.ndarray = field(default_factory=_ints)  # the account it lives in, or -1
    schedule: np.ndarray = field(default_factory=_ints)  # the regular payment for it, or -1
    changed_on: np.ndarray = field(default_factory=_days)  # last day the bank's file about it changed

    def __len__(self) -> int:
        return len(self.household)


def grow(rows: Any, count: int, **columns: Any) -> np.ndarray:
    """Append `count` rows to a ledger; single values are repeated, and every column must be given.

    Returns
    -------
    ndarray of int: where the new rows stand
    """
    before = len(rows)
    named = [column.name for column in fields(rows)]
    if set(named) != set(columns):
        raise TypeError(f"columns {sorted(set(named) ^ set(columns))}")
    for name in named:
        setattr(rows, name, _extended(getattr(rows, name), columns[name], count))
    return np.arange(before, before + count)


def _extended(have: np.ndarray, new: Any, count: int) -> np.ndarray:
    """`have` with `count` more elements, in place where the array behind it has room: a day adds little to millions."""
    length = len(have) + count
    room = have.base
    if room is None or len(room) < length:
        room = np.empty(length + length // 4 + 64, dtype=have.dtype)
        room[: len(have)] = have
    room[len(have) : length] = new
    return room[:length]


def day64(on: date) -> np.datetime64:
    return np.datetime64(on, "D")
