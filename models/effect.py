"""What calling is worth: uptake of those who were called against those held back by lot."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

Z = 1.96


@dataclass(frozen=True)
class Effect:
    """Difference of two uptake rates with its 95 % interval."""

    treated_rate: float
    control_rate: float
    difference: float
    low: float
    high: float

    @property
    def certain(self) -> bool:
        """Whether the interval leaves out no effect."""
        return self.low > 0 or self.high < 0


def effect(treated: int, treated_taken: int, control: int, control_taken: int) -> Effect:
    """Treated against control, as assigned by lot, whether or not the call was made (intention to treat).

    The interval is Newcombe's hybrid of two Wilson intervals (Statistics in Medicine 1998, method 10): it holds at rates of a few percent
    and with no taker at all, where the textbook's does not.
    """
    if not treated or not control:
        nan = float("nan")
        return Effect(nan, nan, nan, -1.0, 1.0)
    t, t_low, t_high = _wilson(treated, treated_taken)
    c, c_low, c_high = _wilson(control, control_taken)
    low = (t - c) - np.hypot(t - t_low, c_high - c)
    high = (t - c) + np.hypot(t_high - t, c - c_low)
    return Effect(t, c, t - c, float(low), float(high))


def _wilson(n: int, taken: int) -> tuple[float, float, float]:
    share = taken / n
    center = (share + Z * Z / (2 * n)) / (1 + Z * Z / n)
    half = Z * np.sqrt(share * (1 - share) / n + Z * Z / (4 * n * n)) / (1 + Z * Z / n)
    return share, float(center - half), float(center + half)
