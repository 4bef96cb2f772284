"""Monitoring: whether customers, scores and uptake are still what the model was trained for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from scipy.stats import chi2

from models.evaluation import reliability

BINS = 10
NOTABLE, GREAT = 0.1, 0.25  # the usual rules of thumb for PSI
TINY = 1e-4  # share of an empty bin


@dataclass(frozen=True)
class Drift:
    """How much one number's distribution moved, and whether that is more than two samples differ by chance."""

    name: str
    psi: float
    by_chance: float  # 95 % bound of PSI between two samples of these sizes from one distribution
    rows_then: int
    rows_now: int

    @property
    def warns(self) -> str:
        """`great`, `notable` or empty. Both must fire: the rule of thumb, as large samples always differ, and chance, as small ones do."""
        if self.psi <= self.by_chance or self.psi <= NOTABLE:
            return ""
        return "great" if self.psi > GREAT else "notable"


def drift(name: str, then: np.ndarray, now: np.ndarray) -> Drift:
    """Population stability index over the quantile bins of `then`; missing values are a bin of their own.

    PSI = sum((a - e) ln(a / e)). Under no change it is about (1/n + 1/m) chi² with as many degrees of freedom as bins less one.
    """
    edges = np.unique(np.nanquantile(then, np.linspace(0, 1, BINS + 1)[1:-1])) if np.isfinite(then).any() else np.array([])
    expected, actual = (_shares(values, edges) for values in (then, now))
    used = (expected > 0) | (actual > 0)
    e, a = np.maximum(expected[used], TINY), np.maximum(actual[used], TINY)
    psi = float(((a - e) * np.log(a / e)).sum())
    chance = (1 / max(len(then), 1) + 1 / max(len(now), 1)) * float(chi2.ppf(0.95, max(int(used.sum()) - 1, 1)))
    return Drift(name, psi, chance, len(then), len(now))


def drifts(then: pd.DataFrame, now: pd.DataFrame) -> pd.DataFrame:
    """Every shared number's drift, the greatest first.

    Returns
    -------
    DataFrame with `name`, `psi`, `by_chance`, `rows_then`, `rows_now`, `warns`
    """
    shared = [name for name in then.columns if name in now.columns]
    found = [drift(name, then[name].to_numpy(float), now[name].to_numpy(float)) for name in shared]
    rows = [(one.name, one.psi, one.by_chance, one.rows_then, one.rows_now, one.warns) for one in found]
    columns = ["name", "psi", "by_chance", "rows_then", "rows_now", "warns"]
    return pd.DataFrame(rows, columns=columns).sort_values(["psi", "name"], ascending=[False, True], ignore_index=True)


def matured(scores: pd.DataFrame) -> pd.DataFrame:
    """Predicted against observed uptake of predictions whose outcome window has closed.

    Parameters
    ----------
    scores : DataFrame with `offer_id`, `month`, `probability`, `taken` (0 or 1)

    Returns
    -------
    DataFrame with `offer_id`, `month`, `rows`, `predicted`, `observed` (takers), `ratio`, `warns`: `off` where observed takers are
    outside what chance explains (Poisson, 95 %) and more than 10 % off
    """
    told = (
        scores.groupby(["offer_id", "month"])
        .agg(rows=("taken", "size"), predicted=("probability", "sum"), observed=("taken", "sum"))
        .reset_index()
    )
    told["ratio"] = (told["predicted"] / told["observed"]).where(told["observed"] > 0)
    beyond = (told["predicted"] - told["observed"]).abs() > 1.96 * np.sqrt(told["predicted"].clip(lower=1))
    off = (told["observed"] == 0) | ((told["ratio"] - 1).abs() > 0.1)
    told["warns"] = np.where(beyond & off, "off", "")
    return told


def page(scores: Mapping[str, tuple[np.ndarray, np.ndarray]], drifted: pd.DataFrame, most: int = 12) -> Figure:
    """A page of plots: calibration of matured predictions by offer, and the features and scores that moved most.

    Parameters
    ----------
    scores : offer -> (taken, probability) of matured predictions
    drifted : as `drifts` gives them
    most : bars of drift
    """
    rows = -(-len(scores) // 3)
    figure = Figure(figsize=(12, 3.2 * (rows + 1)), layout="constrained")
    grid = figure.add_gridspec(rows + 1, 3)
    bars = figure.add_subplot(grid[0, :])
    shown = drifted.head(most).iloc[::-1]
    colors = shown["warns"].map({"great": "#b03030", "notable": "#d08a2c"}).fillna("#8aa4bf")
    bars.barh(shown["name"], shown["psi"], color=colors)
    bars.plot(shown["by_chance"], shown["name"], "k|", markersize=10)
    bars.axvline(NOTABLE, color="#999999", linewidth=1)
    bars.set(title="Drift since training (PSI; tick: what chance explains; line: notable)", xlabel="PSI")
    for at, (offer, (taken, probability)) in enumerate(sorted(scores.items())):
        axes = figure.add_subplot(grid[1 + at // 3, at % 3])
        tenths = reliability(taken, probability)
        errors = [(tenths["observed"] - tenths["low"]).clip(lower=0), (tenths["high"] - tenths["observed"]).clip(lower=0)]
        axes.errorbar(tenths["predicted"], tenths["observed"], yerr=errors, fmt="o", color="#1f4e79", capsize=2)
        top = float(max(tenths["high"].max(), tenths["predicted"].max()))
        axes.plot([0, top], [0, top], color="#999999", linewidth=1)
        axes.set(title=offer, xlabel="predicted", ylabel="observed")
    return figure


def _shares(values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Share of the values in each bin, the missing ones last."""
    finite = np.isfinite(values)
    counts = np.bincount(np.searchsorted(edges, values[finite], side="left"), minlength=len(edges) + 1)
    return np.append(counts, (~finite).sum()) / max(len(values), 1)
