"""The control file beside a data file: what the sender says is in it."""

from __future__ import annotations

import json
from collections import defaultdict
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import pyarrow as pa

from conf.feed import Feed
from landing.refusal import Refused

MAX_BYTES = 64 << 10
KEYS = {"rows", "bytes", "sha256", "totals"}


class Control:
    """Compares what was said with what was read.

    Parameters
    ----------
    said : dict
        `rows`, `bytes`, `sha256`, `totals` (column -> currency -> sum), each optional.
    feed : Feed
        Says how numbers and enumerated values are written.
    """

    def __init__(self, said: dict[str, Any], feed: Feed) -> None:
        self._said, self._feed = said, feed
        self._totals: dict[tuple[str, str], Decimal] = defaultdict(Decimal)

    @property
    def rows(self) -> int | None:
        return self._said.get("rows")

    def check_bytes(self, size: int, sha256: str) -> None:
        if self._said.get("bytes", size) != size:
            raise Refused("TRUNCATED_TAIL", f"{size} bytes, the control file says {self._said['bytes']}")
        if str(self._said.get("sha256", sha256)).lower() != sha256:
            raise Refused("HASH_MISMATCH", "the content is not what the control file names")

    def add(self, rows: pa.Table) -> None:
        """Count a batch of rows into the totals the control file names."""
        for column in self._said.get("totals", {}):
            if column not in rows.column_names:
                continue
            amounts = rows.column(column).to_pylist()
            currencies = rows.column("currency").to_pylist() if "currency" in rows.column_names else [""] * len(amounts)
            for amount, currency in zip(amounts, currencies, strict=True):
                self._totals[column, self._mapped(currency)] += self._number(amount)

    def check_content(self, rows: int) -> None:
        if self._said.get("rows", rows) != rows:
            raise Refused("ROWCOUNT_MISMATCH", f"{rows} rows, the control file says {self._said['rows']}")
        for column, sums in self._said.get("totals", {}).items():
            found = {currency: total for (name, currency), total in self._totals.items() if name == column and total}
            told = {currency: Decimal(total) for currency, total in sums.items() if Decimal(total)}
            if found != told:
                differing = sorted(set(found.items()) ^ set(told.items()))
                currencies = sorted({currency for currency, _ in differing})
                raise Refused("CONTROL_TOTAL_MISMATCH", f"the sum of {column} differs in {', '.join(currencies) or column}")

    def _mapped(self, currency: str | None) -> str:
        return self._feed.values.get("currency", {}).get(currency or "", currency or "")

    def _number(self, text: str | None) -> Decimal:
        plain = (text or "").replace(self._feed.thousands_separator or "\0", "").replace(self._feed.decimal_mark, ".")
        try:
            number = Decimal(plain)
        except InvalidOperation:
            return Decimal(0)  # such a row is quarantined; the totals then differ and say so
        return number if number.is_finite() else Decimal(0)


def control(path: Path, feed: Feed) -> Control:
    """Read a control file.

    Raises
    ------
    Refused
        CTL_INVALID when it is not what the contract says.
    """
    try:
        if path.is_symlink() or path.stat().st_size > MAX_BYTES:
            raise Refused("CTL_INVALID", f"a link or larger than {MAX_BYTES} bytes")
        said = json.loads(path.read_text(encoding="utf-8-sig"))
        if not isinstance(said, dict) or not set(said) & KEYS:
            raise ValueError
        for key in ("rows", "bytes"):
            if not isinstance(said.get(key, 0), int) or isinstance(said.get(key), bool) or said.get(key, 0) < 0:
                raise ValueError
        if not isinstance(said.get("sha256", ""), str):
            raise ValueError
        for sums in said.get("totals", {}).values():
            for total in sums.values():
                if not isinstance(total, str) or not Decimal(total).is_finite():
                    raise ValueError
    except (OSError, ValueError, AttributeError, InvalidOperation, RecursionError):
        raise Refused("CTL_INVALID", "not a control file: rows, bytes, sha256, totals (sums as text)") from None
    return Control(said, feed)
