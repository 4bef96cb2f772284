"""Honest dirt: the few rows a day that no bank's export is free of, each noted in the truth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa

from simulation.bank import BookedDay
from simulation.drops import line_of


@dataclass(frozen=True)
class Dirt:
    """One row that is not as it should be."""

    feed: str
    dt: str
    transaction_id: str
    fault: str  # bad_amount, unknown_account, duplicate, late


@dataclass(frozen=True)
class Sent:
    """A day's transactions as they are really sent; `held_back` come with the next drop."""

    rows: pa.Table
    raw: Sequence[str]
    raw_cents: Mapping[str, int]
    held_back: pa.Table
    dirt: list[Dirt]


def dirtied(clean: pa.Table, late: pa.Table | None, day: BookedDay, seed: int, *, last: bool) -> Sent:
    """Hold one row back until tomorrow (not on the `last` day), add yesterday's, send two rows twice, and spoil copies of two more.

    A spoilt row has an id of its own, so that no true row is lost. Rows of planted events are left alone.

    Parameters
    ----------
    clean : Table with the columns of the `transactions` feed
    late : Table, same columns, held back the day before
    """
    ordinary = np.flatnonzero(day.booked.lines.truth < 0)
    rng = np.random.default_rng((seed, 6, day.on.toordinal()))
    picked = rng.permutation(ordinary)[:6]
    if len(picked) < 6:
        return Sent(clean, (), {}, clean.slice(0, 0), [])
    one_late, *rest = (int(at) for at in picked)
    amount_spoilt, account_spoilt, no_amount, *doubled = rest
    ids = clean["transaction_id"]
    spoilt = [
        _changed(clean, amount_spoilt, f"{day.prefix}X000001", amount=f'"{clean["amount"][amount_spoilt]},-"'),
        _changed(clean, account_spoilt, f"{day.prefix}X000002", account='"A99999999"'),
        _changed(clean, no_amount, f"{day.prefix}X000003", amount=""),
    ]
    dirt = [
        _dirt(day.on, f"{day.prefix}X000001", "bad_amount"), _dirt(day.on, f"{day.prefix}X000002", "unknown_account"),
        _dirt(day.on, f"{day.prefix}X000003", "no_amount"), *(_dirt(day.on, ids[at].as_py(), "duplicate") for at in doubled),
    ]
    if late is not None:
        dirt += [_dirt(day.on, name, "late") for name in late["transaction_id"].to_pylist()]
    rows = clean if last else clean.take(pa.array(np.delete(np.arange(clean.num_rows), one_late)))
    readable: dict[str, int] = {}
    for at in (account_spoilt, *doubled):
        currency = clean["currency"][at].as_py()
        readable[currency] = readable.get(currency, 0) + int(clean["amount"][at].as_py() * 100)
    return Sent(
        rows if late is None else pa.concat_tables([rows, late]), [*spoilt, *(line_of(clean, at) for at in doubled)], readable,
        clean.slice(one_late, 0 if last else 1), dirt,
    )


def _dirt(on: date, transaction_id: str, fault: str) -> Dirt:
    return Dirt("transactions", on.isoformat(), transaction_id, fault)


def _changed(clean: pa.Table, at: int, transaction_id: str, amount: str | None = None, account: str | None = None) -> str:
    """A row's line with another id and one field as given."""
    cells = {name: line_of(clean.select([name]), at) for name in clean.column_names}
    cells["transaction_id"] = f'"{transaction_id}"'
    if amount is not None:
        cells["amount"] = amount
    if account is not None:
        cells["account_id"] = account
    return ",".join(cells.values())
