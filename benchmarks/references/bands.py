"""What the bands between configured cut points are called."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from itertools import pairwise


def labels(cuts: Sequence[int | Decimal]) -> list[str]:
    """From below; one more than there are cut points."""
    whole = all(isinstance(cut, int) for cut in cuts)
    between = [f"{low:,}-{high - 1:,}" if whole else f"{low:,} to {high:,}" for low, high in pairwise(cuts)]
    return [f"below {cuts[0]:,}", *between, f"{cuts[-1]:,} and over"]
