"""Reasons: what moved a customer's score most, against the typical customer, adding up to the score.

Contributions are Shapley values against one reference, the typical customer of the training set (Sundararajan and
Najmi 2020, "baseline Shapley"). For a logistic regression that is coefficient times difference; for trees it is computed
exactly, leaf by leaf. `shap.TreeExplainer` is not used: on trees with categorical splits it is silently wrong.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from math import factorial
from typing import Any, Literal

import numpy as np
import pandas as pd
from sklearn.calibration import CalibratedClassifierCV
from sklearn.pipeline import Pipeline

from conf import ExitCode, KehuError
from models.calibration import log_odds, slope_and_intercept, uncalibrated
from models.candidates import design_owners, parts_of

MAX_ERROR = 1e-6  # of the sum of contributions, in log-odds
MIN_SHOWN = 0.05  # log-odds: less moves a probability by less than a twentieth of itself

WORDS = {
    "en": {
        "higher": "{phrase} above typical",
        "lower": "{phrase} below typical",
        "yes": "{phrase}: yes",
        "no": "{phrase}: no",
        "is": "{phrase}: {value}",
        "missing": "{phrase}: not known",
        "for": "for: {told}",
        "against": "against: {told}",
    },
    "zh": {
        "higher": "{phrase}高于一般客户",
        "lower": "{phrase}低于一般客户",
        "yes": "{phrase}：是",
        "no": "{phrase}：否",
        "is": "{phrase}：{value}",
        "missing": "{phrase}：未知",
        "for": "有利：{told}",
        "against": "不利：{told}",
    },
}


def contributions(
    model: CalibratedClassifierCV, rows: pd.DataFrame, typical: Mapping[str, float | str], probability: np.ndarray
) -> pd.DataFrame:
    """How much each input moved the calibrated log-odds of each row away from the typical customer's.

    Parameters
    ----------
    model : calibrated model of `candidates`
    rows : DataFrame of the model's inputs
    typical : input -> value of the typical customer
    probability : the model's probability of each row

    Returns
    -------
    DataFrame, one row a row, one column an input; rows add up to the log-odds less the typical customer's

    Raises
    ------
    KehuError
        CHECK_FAILED when they do not, to 1e-6.
    """
    inside = uncalibrated(model)
    reference = pd.DataFrame([typical])[list(rows.columns)].astype(rows.dtypes.to_dict())
    slope, _ = slope_and_intercept(model)
    moved = functools.reduce(pd.DataFrame.add, (_moved(part, rows, reference) * weight for weight, part in parts_of(inside))) * slope
    start = float(log_odds(model.predict_proba(reference)[:, 1])[0])
    error = np.abs(start + moved.sum(axis=1).to_numpy() - log_odds(probability)).max(initial=0.0)
    if not error <= MAX_ERROR:
        raise KehuError(
            f"reasons do not add up to the score (off by {error:.1e}); the model is not explained", ExitCode.CHECK_FAILED
        )
    return moved


def reasons_in_words(
    moved: pd.DataFrame,
    rows: pd.DataFrame,
    typical: Mapping[str, float | str],
    phrases: Mapping[str, str],
    language: Literal["en", "zh"],
    flags: Sequence[str] = (),
    most: int = 3,
) -> list[list[str]]:
    """The phrases that moved each score most, most first; inputs that share a phrase count as one.

    Parameters
    ----------
    moved : as `contributions` gives them
    rows, typical : as given to `contributions`
    phrases : input -> its business words; an input without any is called by its name
    language : of the words around the phrase
    flags : inputs that are yes or no
    """
    words, names = WORDS[language], list(moved.columns)
    phrase_of = [phrases.get(name, name.replace("_", " ")) for name in names]
    groups = sorted(set(phrase_of))
    members = np.array([[phrase == group for phrase in phrase_of] for group in groups])
    values = moved.to_numpy(np.float64)
    totals = values @ members.T
    leading = np.argsort(-np.abs(totals), axis=1, kind="stable")[:, :most]
    speaker = np.stack([np.where(member, np.abs(values), -1.0).argmax(axis=1) for member in members], axis=1)
    columns = [rows[name].to_numpy() for name in names]

    def told(row: int, group: int) -> str:
        column = int(speaker[row, group])
        fact = _fact(words, groups[group], columns[column][row], typical[names[column]], names[column] in flags)
        return words["for" if totals[row, group] > 0 else "against"].format(told=fact)

    return [[told(row, int(group)) for group in leading[row] if abs(totals[row, group]) >= MIN_SHOWN] for row in range(len(rows))]


def _fact(words: Mapping[str, str], phrase: str, value: Any, usual: float | str, flag: bool) -> str:
    if isinstance(usual, str):
        return words["is"].format(phrase=phrase, value=value)
    if not np.isfinite(value):
        return words["missing"].format(phrase=phrase)
    if flag:
        return words["yes" if value else "no"].format(phrase=phrase)
    return words["higher" if not value < usual else "lower"].format(phrase=phrase)


def _moved(model: Pipeline, rows: pd.DataFrame, reference: pd.DataFrame) -> pd.DataFrame:
    return _linear(model, rows, reference) if "logistic" in model.named_steps else _trees(model, rows, reference)


def _linear(model: Pipeline, rows: pd.DataFrame, reference: pd.DataFrame) -> pd.DataFrame:
    design, weights = model[0], model[-1].coef_[0]
    by_column = (design.transform(rows) - design.transform(reference)) * weights
    return _by_input(by_column, design_owners(design), list(rows.columns))


def _trees(model: Pipeline, rows: pd.DataFrame, reference: pd.DataFrame) -> pd.DataFrame:
    design, trees = model[0], model[-1]
    encoded, start = design.transform(rows), design.transform(reference)[0]
    owners = [column for _, _, columns in design.transformers_ for column in columns][: encoded.shape[1]]
    moved = np.zeros(encoded.shape)
    for (tree,) in trees._predictors:
        for value, path in _leaves(tree.nodes):
            if path:  # a tree without a split is the same for everybody
                _add_leaf(moved, value, path, encoded, start)
    return _by_input(moved, owners, list(rows.columns))


def _by_input(by_column: np.ndarray, owners: Sequence[str], names: Sequence[str]) -> pd.DataFrame:
    to_input = np.zeros((len(owners), len(names)))
    to_input[np.arange(len(owners)), [names.index(owner) for owner in owners]] = 1.0
    return pd.DataFrame(by_column @ to_input, columns=list(names))


Step = tuple[float, bool, bool]  # threshold, missing goes left, the path goes left


def _leaves(
    nodes: np.ndarray, at: int = 0, path: tuple[tuple[int, Step], ...] = ()
) -> Iterator[tuple[float, dict[int, list[Step]]]]:
    """Every leaf's value with the conditions on the way to it, by feature."""
    node = nodes[at]
    if node["is_leaf"]:
        by_feature: dict[int, list[Step]] = {}
        for feature, step in path:
            by_feature.setdefault(feature, []).append(step)
        yield float(node["value"]), by_feature
        return
    for goes_left, child in ((True, node["left"]), (False, node["right"])):
        step = (float(node["num_threshold"]), bool(node["missing_go_to_left"]), goes_left)
        yield from _leaves(nodes, int(child), (*path, (int(node["feature_idx"]), step)))


def _meets(values: np.ndarray, steps: Sequence[Step]) -> np.ndarray:
    met = np.ones(values.shape, bool)
    for threshold, missing_left, goes_left in steps:
        met &= np.where(np.isnan(values), missing_left, values <= threshold) == goes_left
    return met


def _add_leaf(moved: np.ndarray, value: float, path: dict[int, list[Step]], rows: np.ndarray, start: np.ndarray) -> None:
    """Shapley values of the game "the leaf is reached": a features only the row satisfies, b only the typical customer.

    A coalition reaches the leaf when it holds all a and none of the b. So each of the a gets value (a-1)! b! / (a+b)!, each
    of the b loses value a! (b-1)! / (a+b)!; features both satisfy play no part, and one that neither does closes the leaf.
    """
    features = list(path)
    by_row = np.stack([_meets(rows[:, feature], path[feature]) for feature in features])
    by_typical = np.array([bool(_meets(start[feature : feature + 1], path[feature])[0]) for feature in features])
    reachable = (by_row | by_typical[:, None]).all(axis=0)
    only_row, only_typical = by_row & ~by_typical[:, None], ~by_row & by_typical[:, None]
    a, b = only_row.sum(axis=0), only_typical.sum(axis=0)
    gained = value * _GAINED[a, b] * reachable
    lost = value * _GAINED[b, a] * reachable
    for i, feature in enumerate(features):
        moved[:, feature] += np.where(only_row[i], gained, 0.0) - np.where(only_typical[i], lost, 0.0)


_MOST = 16
_GAINED = np.array(
    [[factorial(a - 1) * factorial(b) / factorial(a + b) if a else 0.0 for b in range(_MOST)] for a in range(_MOST)]
)
