"""Books a day's lines: order, balances, and no account below its floor."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulation.lines import Lines


@dataclass(frozen=True)
class Booked:
    """A day's booked lines in the order of booking, with the balance after each; `refused` counts what funds did not allow."""

    lines: Lines
    balance_after: np.ndarray
    refused: int


def book(day_lines: Lines, balance: np.ndarray, floor: np.ndarray, open_: np.ndarray, frozen: np.ndarray) -> Booked:
    """Book a day.

    A debit that would take an account below its floor is refused, with every line of its group: card payments are
    declined, standing orders returned. Nothing is silently negative.

    Parameters
    ----------
    day_lines : Lines
    balance, floor : int arrays of cents, one an account; `balance` is brought forward in place
    open_ : bool array; lines on closed accounts are refused
    frozen : bool array; accounts that only take lines that must be booked today

    Returns
    -------
    Booked
    """
    order = np.lexsort((np.arange(len(day_lines)), day_lines.second, day_lines.account))
    sorted_ = day_lines.take(order)
    account, cents, group = sorted_.account, sorted_.cents, sorted_.group
    keep = open_[account] & (sorted_.must | ~frozen[account])
    starts = np.flatnonzero(np.r_[True, account[1:] != account[:-1]]) if len(account) else np.empty(0, dtype=np.int64)
    sizes = np.diff(np.r_[starts, len(account)])
    keep = _without_groups(keep, ~keep, group)
    while True:
        running = _running(np.where(keep, cents, 0), balance[account], starts, sizes)
        below = keep & (cents < 0) & (running < floor[account])
        at = np.flatnonzero(below)
        if not len(at):
            break
        first = at[np.unique(account[at], return_index=True)[1]]
        refused = np.zeros(len(keep), dtype=bool)
        refused[first] = True
        keep = _without_groups(keep, refused, group)
    booked = np.flatnonzero(keep)
    in_time = booked[np.lexsort((order[booked], sorted_.second[booked]))]
    np.add.at(balance, account[booked], cents[booked])
    return Booked(sorted_.take(in_time), running[in_time], len(keep) - len(booked))


def _without_groups(keep: np.ndarray, refused: np.ndarray, group: np.ndarray) -> np.ndarray:
    """What is kept when the refused lines, and all of their groups, are not."""
    groups = group[refused & (group >= 0)]
    if len(groups):
        gone = np.zeros(int(group.max()) + 1, dtype=bool)
        gone[groups] = True
        refused = refused | ((group >= 0) & gone[group])
    return keep & ~refused


def _running(cents: np.ndarray, opening: np.ndarray, starts: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    total = np.cumsum(cents)
    before = total[starts] - cents[starts] if len(starts) else total
    return total - np.repeat(before, sizes) + opening
