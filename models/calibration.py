"""Calibration: a model's log-odds, stretched and shifted until they are honest probabilities.

Sigmoid (Platt) scaling at natural prevalence. It is linear in the log-odds, so reasons that add up to the log-odds
before it add up after it, and it keeps every difference between customers; isotonic regression does neither.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pandas as pd
from scipy.optimize import brentq
from scipy.special import expit
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import StackingClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline

FARTHEST = 50.0  # log-odds a calibration may be moved by
PRIOR_POSITIVES = 20.0  # the model's own probabilities weigh as much as this many observed positives


def calibrated(model: Pipeline | StackingClassifier, rows: pd.DataFrame, taken: np.ndarray) -> CalibratedClassifierCV:
    """The model calibrated on rows it was not fitted to.

    With few positives a free fit of slope and intercept is mostly noise. So each row counts a little more, as taken with
    the weight of the model's own probability and as not taken with the rest, scaled to `PRIOR_POSITIVES` in all: a prior
    towards leaving the model as it is, which hundreds of real positives overrule.

    Parameters
    ----------
    model : fitted, with `decision_function` (log-odds)
    rows : DataFrame of the validation window
    taken : array of 0 and 1
    """
    scores = model.decision_function(rows)
    own = expit(scores)
    strength = PRIOR_POSITIVES / own.sum()
    labels = np.repeat([1, 0], len(rows))
    weights = np.concatenate([taken + strength * own, 1 - taken + strength * (1 - own)])
    with weights_unwarned():
        fitted = CalibratedClassifierCV(_told(scores), method="sigmoid").fit(np.r_[scores, scores][:, None], labels, sample_weight=weights)
    return _around(fitted, model)


def _told(scores: np.ndarray) -> FrozenEstimator:
    """A model whose one input is its log-odds: so a slow one is asked for them once."""
    as_told = LogisticRegression().fit(scores[:2, None], [0, 1])  # for its shape only
    as_told.coef_[:], as_told.intercept_[:] = 1.0, 0.0
    return FrozenEstimator(as_told)


def _around(calibrated: CalibratedClassifierCV, model: Pipeline | StackingClassifier) -> CalibratedClassifierCV:
    """The same calibration around another model."""
    around = copy.deepcopy(calibrated)
    around.estimator = around.calibrated_classifiers_[0].estimator = FrozenEstimator(model)
    around.n_features_in_, around.feature_names_in_ = model.n_features_in_, model.feature_names_in_
    return around


@contextmanager
def weights_unwarned() -> Iterator[None]:
    """The weights are for the calibration only, which is what scikit-learn warns of.

    Filters of warnings are the process's: whoever calibrates in threads enters this around all of them, too.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Since FrozenEstimator does not appear to accept sample_weight")
        yield


def with_model(
    calibrated: CalibratedClassifierCV, model: Pipeline | StackingClassifier, rows: pd.DataFrame, rate: float
) -> CalibratedClassifierCV:
    """The same calibration around another fit of the same candidate, to more rows (as scikit-learn's `ensemble=False` does).

    The intercept is moved so that the mean probability of `rows` (those calibrated on) stays what it was, `rate`: where takers become
    more or fewer with time, the new fit has learned that level already, and it would count twice.
    """
    around = _around(calibrated, model)
    slope, intercept = slope_and_intercept(calibrated)
    stretched = slope * model.decision_function(rows) + intercept
    around.calibrated_classifiers_[0].calibrators[0].b_ = -(intercept + shift(stretched, rate))
    return around


def shift(log_odds: np.ndarray, rate: float) -> float:
    """What to add to log-odds for their mean probability to be a rate."""
    return float(brentq(lambda by: expit(log_odds + by).mean() - rate, -FARTHEST, FARTHEST))


def slope_and_intercept(model: CalibratedClassifierCV) -> tuple[float, float]:
    """Calibrated log-odds = slope × log-odds before + intercept."""
    sigmoid = model.calibrated_classifiers_[0].calibrators[0]
    return -float(sigmoid.a_), -float(sigmoid.b_)


def uncalibrated(model: CalibratedClassifierCV) -> Pipeline | StackingClassifier:
    """The candidate inside."""
    return model.calibrated_classifiers_[0].estimator.estimator


def log_odds(probability: np.ndarray) -> np.ndarray:
    clipped = np.clip(probability, 1e-15, 1 - 1e-15)
    return np.log(clipped) - np.log1p(-clipped)
