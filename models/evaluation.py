"""How good a model is, with the uncertainty beside every figure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import rankdata

DRAWS = 200  # bootstrap draws of customers
TINY = 1e-6  # probabilities are cut to [TINY, 1 - TINY] in log losses


@dataclass(frozen=True)
class Gain:
    """How much smaller one model's log loss is than another's, a row, with its uncertainty over customers."""

    mean: float
    standard_error: float
    low: float  # 5 % quantile of the bootstrap: the gain is more than noise where it is above 0

    @property
    def beyond_one_standard_error(self) -> bool:
        return self.mean > self.standard_error

    @property
    def more_than_noise(self) -> bool:
        return self.low > 0


def log_losses(taken: np.ndarray, probability: np.ndarray) -> np.ndarray:
    """-ln of the probability given to what happened, one a row."""
    p = np.clip(probability, TINY, 1 - TINY)
    return -np.where(taken == 1, np.log(p), np.log1p(-p))


def gain(taken: np.ndarray, ours: np.ndarray, theirs: np.ndarray, customers: np.ndarray, seed: int) -> Gain:
    """Log loss of `theirs` minus that of `ours`, paired, with a bootstrap over customers (a customer's rows stay together)."""
    difference = log_losses(taken, theirs) - log_losses(taken, ours)
    codes, _ = pd.factorize(customers)
    sums, rows = np.bincount(codes, difference), np.bincount(codes).astype(float)
    draw = np.random.default_rng(seed)
    means = np.empty(DRAWS)
    for i in range(DRAWS):
        weight = np.bincount(draw.integers(0, len(sums), len(sums)), minlength=len(sums))
        means[i] = weight @ sums / (weight @ rows)
    return Gain(float(difference.mean()), float(means.std(ddof=1)), float(np.quantile(means, 0.05)))


def auc(taken: np.ndarray, score: np.ndarray) -> float:
    """Area under the ROC curve: the chance that a taker is scored above a non-taker (ties count half); NaN for one class."""
    positives = int(taken.sum())
    negatives = len(taken) - positives
    if not positives or not negatives:
        return float("nan")
    ranks = rankdata(score)
    return float((ranks[taken == 1].sum() - positives * (positives + 1) / 2) / (positives * negatives))


def auc_standard_error(taken: np.ndarray, score: np.ndarray) -> float:
    """DeLong's standard error of the AUC, in Sun and Xu's form by mid-ranks (IEEE Signal Processing Letters, 2014)."""
    yes, no = score[taken == 1], score[taken == 0]
    if len(yes) < 2 or len(no) < 2:
        return float("nan")
    together = rankdata(np.concatenate([yes, no]))
    of_yes = (together[: len(yes)] - rankdata(yes)) / len(no)
    of_no = 1 - (together[len(yes) :] - rankdata(no)) / len(yes)
    return float(np.sqrt(of_yes.var(ddof=1) / len(yes) + of_no.var(ddof=1) / len(no)))


def single_feature_aucs(rows: pd.DataFrame, taken: np.ndarray) -> dict[str, float]:
    """Each input's own AUC, whichever way round; categories by each value's uptake rate, half the rows judging the other half."""
    found = {}
    half = np.arange(len(rows)) % 2 == 0
    for name in rows.columns:
        column = rows[name]
        if column.dtype == object:
            rates = pd.Series(taken[half]).groupby(column.to_numpy()[half]).mean()
            score = column.map(rates).fillna(taken.mean()).to_numpy(np.float64)
            found[name] = auc(taken[~half], score[~half])
        else:
            numbers = column.to_numpy(np.float64)
            low = np.nanmin(numbers) - 1 if np.isfinite(numbers).any() else 0.0
            area = auc(taken, np.where(np.isfinite(numbers), numbers, low))
            found[name] = max(area, 1 - area)
    return {name: area for name, area in found.items() if np.isfinite(area)}


def metrics(taken: np.ndarray, probability: np.ndarray, base_rate: float) -> dict[str, float]:
    """Figures of one window.

    Returns
    -------
    dict with `rows`, `positives`, `rate`, `auc`, `auc_standard_error`, `log_loss`, `skill` (share of the base rate's log
    loss taken off), `calibration_ratio` (predicted over observed), `lift_5_percent` (rate among the best 5 % over the rate)
    """
    positives = int(taken.sum())
    own, base = log_losses(taken, probability).mean(), log_losses(taken, np.full(len(taken), base_rate)).mean()
    best = np.argsort(-probability, kind="stable")[: max(1, len(taken) // 20)]
    return {
        "rows": float(len(taken)),
        "positives": float(positives),
        "rate": float(taken.mean()),
        "auc": auc(taken, probability),
        "auc_standard_error": auc_standard_error(taken, probability),
        "log_loss": float(own),
        "skill": float(1 - own / base),
        "calibration_ratio": float(probability.sum() / positives) if positives else float("nan"),
        "lift_5_percent": float(taken[best].mean() / taken.mean()) if positives else float("nan"),
    }


def reliability(taken: np.ndarray, probability: np.ndarray, bins: int = 10) -> pd.DataFrame:
    """Predicted against observed uptake in bins of equal size, from the lowest to the highest score.

    Returns
    -------
    DataFrame with `rows`, `predicted`, `observed`, `low`, `high` (Wilson's 95 % interval of `observed`)
    """
    order = np.argsort(probability, kind="stable")
    rows = []
    for part in np.array_split(order, min(bins, len(order))):
        n, share, z = len(part), float(taken[part].mean()), 1.96
        center = (share + z * z / (2 * n)) / (1 + z * z / n)
        half = z * np.sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / (1 + z * z / n)
        rows.append((n, float(probability[part].mean()), share, min(max(center - half, 0.0), share), max(center + half, share)))
    return pd.DataFrame(rows, columns=["rows", "predicted", "observed", "low", "high"])


def by_group(taken: np.ndarray, probability: np.ndarray, groups: pd.Series, share: float = 0.1) -> pd.DataFrame:
    """Whether groups of customers are treated alike: selected among the best `share` of scores, and calibrated.

    Returns
    -------
    DataFrame with `group`, `rows`, `positives`, `selected` (share of the group), `predicted` (positives), `selection_ratio` (to
    the group selected most), `calibration_ratio` (predicted over observed; NaN without positives)
    """
    best = np.zeros(len(taken), bool)
    best[np.argsort(-probability, kind="stable")[: max(1, round(share * len(taken)))]] = True
    frame = pd.DataFrame({"group": groups.fillna("unknown").to_numpy(), "taken": taken, "p": probability, "best": best})
    told = (
        frame.groupby("group")
        .agg(rows=("taken", "size"), positives=("taken", "sum"), selected=("best", "mean"), predicted=("p", "sum"))
        .reset_index()
    )
    top = told["selected"].max()
    told["selection_ratio"] = told["selected"] / top if top > 0 else np.nan
    told["calibration_ratio"] = (told["predicted"] / told["positives"]).where(told["positives"] > 0)
    return told
