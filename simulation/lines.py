"""Account lines before they are booked: columns of numbers, so that a day of a million customers stays cheap."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from typing import overload

import numpy as np

from conf.codes import CHANNELS, TRANSACTION_TYPES

TYPE: dict[str, int] = {name: code for code, name in enumerate(TRANSACTION_TYPES)}
CHANNEL: dict[str, int] = {name: code for code, name in enumerate(CHANNELS)}
UNKNOWN = -1  # no counterparty, no group, no truth


class Texts:
    """Strings kept once; lines carry their number."""

    def __init__(self) -> None:
        self.all: list[str] = []
        self._code: dict[str, int] = {}

    def code(self, text: str) -> int:
        if text not in self._code:
            self._code[text] = len(self.all)
            self.all.append(text)
        return self._code[text]

    def codes(self, texts: Iterable[str]) -> np.ndarray:
        return np.array([self.code(text) for text in texts], dtype=np.int64)


@overload
def outside(payee: int) -> int: ...
@overload
def outside(payee: np.ndarray) -> np.ndarray: ...
def outside(payee: int | np.ndarray) -> int | np.ndarray:
    """A counterparty at another bank, as lines carry it: below -1, where accounts of this bank are 0 and above."""
    return -2 - payee


@dataclass(frozen=True)
class Lines:
    """Account lines, one an element.

    Attributes
    ----------
    account : int array, index into the accounts
    second : int array, local second of the day
    cents : int array, credit above and debit below zero
    type, channel, text : int arrays, codes
    counterparty : int array, an account, `outside(payee)`, or UNKNOWN
    group : int array; lines of one group are booked all or none
    must : bool array; booked even on an account that is frozen today (an event planned for it)
    truth : int array, the planned event this line belongs to, or UNKNOWN
    """

    account: np.ndarray
    second: np.ndarray
    cents: np.ndarray
    type: np.ndarray
    channel: np.ndarray
    text: np.ndarray
    counterparty: np.ndarray
    group: np.ndarray
    must: np.ndarray
    truth: np.ndarray

    def __len__(self) -> int:
        return len(self.account)

    def take(self, at: np.ndarray) -> Lines:
        return Lines(*(getattr(self, field.name)[at] for field in fields(self)))


Numbers = int | Sequence[int] | np.ndarray


def lines(
    account: Numbers, second: Numbers, cents: Numbers, kind: str, channel: str | np.ndarray, text: Numbers,
    counterparty: Numbers = UNKNOWN, *, group: Numbers = UNKNOWN, must: bool = False, truth: Numbers = UNKNOWN,
) -> Lines:
    """Lines from columns; single values are repeated. Zero amounts are left out."""
    code = CHANNEL[channel] if isinstance(channel, str) else channel
    columns = np.broadcast_arrays(
        *(np.asarray(c, dtype=np.int64) for c in (account, second, cents, TYPE[kind], code, text, counterparty, group)),
        np.asarray(must), np.asarray(truth, dtype=np.int64),
    )
    wide = [np.atleast_1d(column) for column in columns]
    moved = np.flatnonzero(wide[2])
    return Lines(*(column[moved] for column in wide))


def pair(
    source: Numbers, target: Numbers, second: Numbers, cents: Numbers, kind: str, channel: str | np.ndarray,
    text: Numbers, *, must: bool = False, truth: Numbers = UNKNOWN,
) -> Lines:
    """Money from one account of this bank to another: both legs name each other, and are booked together or not at all."""
    source, target = np.atleast_1d(np.asarray(source)), np.atleast_1d(np.asarray(target))
    cents = np.broadcast_to(np.asarray(cents, dtype=np.int64), source.shape)
    group = np.arange(len(source))
    out = lines(source, second, -cents, kind, channel, text, target, group=group, must=must, truth=truth)
    into = lines(target, second, cents, kind, channel, text, source, group=group, must=must, truth=truth)
    return joined([out, into], same_groups=True)


def joined(parts: Sequence[Lines], *, same_groups: bool = False) -> Lines:
    """Parts one after another; groups of different parts stay different unless said otherwise."""
    if not parts:
        return lines([], 0, [], "other", "other", 0)
    columns = {field.name: [getattr(part, field.name) for part in parts] for field in fields(Lines)}
    if not same_groups:
        base = 0
        for at, group in enumerate(columns["group"]):
            columns["group"][at] = np.where(group >= 0, group + base, UNKNOWN)
            base += int(group.max(initial=-1)) + 1
    return Lines(**{name: np.concatenate(column) for name, column in columns.items()})
