"""An automatic look at every feature of a day: does it say anything, and does any say too much?"""

from __future__ import annotations

import numpy as np
import pandas as pd

LEAK = 0.98  # one feature that ranks what happens later this well was written after it


def screen(features: pd.DataFrame, happened: pd.DataFrame | None = None) -> pd.DataFrame:
    """How each feature is filled, how many values it takes, and how well it alone ranks what happened afterwards.

    Parameters
    ----------
    features : DataFrame, one row a customer, one column a feature
    happened : DataFrame of booleans, optional
        Same rows; one column a thing that happened after the day (a product taken).

    Returns
    -------
    DataFrame, one row a feature: `missing` (share), `values` (distinct), `constant`, `ranks` (the best AUC, either way round, of any
    thing that happened; NaN without any), `leaks`
    """
    rows = {}
    for name in features.columns:
        values = features[name]
        number = _as_number(values)
        ranks = [] if happened is None else [_auc(number, happened[thing].to_numpy(bool)) for thing in happened.columns]
        best = max((max(auc, 1 - auc) for auc in ranks if np.isfinite(auc)), default=np.nan)
        distinct = values.nunique(dropna=False)
        rows[name] = {"missing": values.isna().mean(), "values": distinct, "constant": distinct <= 1, "ranks": best, "leaks": best >= LEAK}
    return pd.DataFrame.from_dict(rows, orient="index")


def _as_number(values: pd.Series) -> np.ndarray:
    if values.dtype == object and isinstance(values.dropna().iloc[0] if values.notna().any() else None, str):
        return values.astype("category").cat.codes.to_numpy(float)
    return pd.to_numeric(values, errors="coerce").astype(float).fillna(-np.inf).to_numpy()


def _auc(score: np.ndarray, happened: np.ndarray) -> float:
    """Probability that one to whom it happened scores above one to whom it did not, ties counting half."""
    some = int(happened.sum())
    others = len(happened) - some
    if not some or not others:
        return float("nan")
    ranks = pd.Series(score).rank().to_numpy()
    return float((ranks[happened].sum() - some * (some + 1) / 2) / (some * others))
