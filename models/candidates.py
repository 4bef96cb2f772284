"""The candidate models of an offer, simplest first: a rate, a spline logistic regression, that and boosted trees together.

No class weights and no resampling: both were measured to spoil the probabilities that arbitration multiplies with money.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import HistGradientBoostingClassifier, StackingClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, SplineTransformer, StandardScaler, TargetEncoder

from conf.offer import Sign
from models.calibration import shift
from models.inputs import Inputs

KNOTS = (0.01, 0.25, 0.5, 0.75, 0.99)  # quantiles; beyond the outer ones the curve is flat
MIN_CATEGORY_ROWS = 20  # rarer categories are pooled
PENALTIES = (0.01, 0.1, 1.0)  # C of the logistic regression; validation chooses
FAMILY_PENALTY = 0.3  # many takers together: less is shrunk than of one offer
BORROWING_PENALTIES = (0.003, 0.02)
BORROWED = 3.0  # scale of the family's log-odds as an input: the larger, the less its weight is penalised
SOLVER = "newton-cholesky"  # exact; the default stops early where takers are rare, which cost more than a point of log-loss skill
TAKERS_A_TREE, FEW_TREES, MANY_TREES = 5, 150, 500  # as many trees as takers carry: 2,000 takers lost two points of AUC with few
TREES_WEIGHT = 0.6  # of the log-odds of a blend
SIGNS = {"rises": 1, "falls": -1}
NO_SIGNS: Mapping[str, Sign] = MappingProxyType({})
LEVEL_ROWS = 50_000  # that a level is found from: the calibration moves it again


def rate_model(rate: float) -> DummyClassifier:
    """The same probability for everybody: what an offer has until it has earned a model."""
    return DummyClassifier(strategy="prior").fit([[0.0], [0.0]], [0, 1], sample_weight=[1 - rate, rate])


def varying(rows: pd.DataFrame, as_of: np.ndarray, inputs: Inputs) -> Inputs:
    """The inputs that tell customers apart on some day; one that is the same for all of a day tells only days apart, and a trend
    learned from it goes on for ever."""
    of_days = [rows[as_of == day] for day in np.unique(as_of)]
    numbers = tuple(name for name in inputs.numbers if any(each[name].nunique(dropna=False) > 1 for each in of_days))
    categories = tuple(name for name in inputs.categories if any(each[name].nunique() > 1 for each in of_days))
    return Inputs(numbers, categories)


def logistic_models(rows: pd.DataFrame, taken: np.ndarray, inputs: Inputs) -> dict[str, Pipeline]:
    """Spline logistic regressions, one a penalty; the design is fitted once and shared.

    Parameters
    ----------
    rows : DataFrame with the inputs
    taken : array of 0 and 1
    inputs : Inputs that vary
    """
    design = _spline_design(rows, inputs)
    prepared = design.fit_transform(rows)
    fitted, regression = {}, None
    for penalty in PENALTIES:
        regression = _regression(prepared, taken, penalty, regression)
        fitted[f"logistic C={penalty:g}"] = Pipeline([("design", design), ("logistic", regression)])
    return fitted


@dataclass(frozen=True)
class Family:
    """What customers who take an offer of one family have in common."""

    logistic: Pipeline
    boosted: Pipeline | None  # where there are takers enough
    newer: Family | None = None  # the same inputs, learned from the validation window, too: for the fit that is kept


def family_model(rows: pd.DataFrame, taken: np.ndarray, inputs: Inputs) -> Pipeline:
    """A regression learned from the rows of all offers of a family together."""
    design = _spline_design(rows, inputs)
    regression = _regression(design.fit_transform(rows), taken, FAMILY_PENALTY)
    return Pipeline([("design", design), ("logistic", regression)])


def borrowing_models(
    rows: pd.DataFrame, taken: np.ndarray, family: Family, penalties: Sequence[float] = BORROWING_PENALTIES
) -> dict[str, Pipeline]:
    """Logistic regressions that shrink towards their family's coefficients instead of towards zero, one a penalty.

    Log-odds = a + w × (the family's log-odds) + x · d, where d is penalised in full and w, in steps three times as large, hardly.
    As both are linear in the same design, w × family + d are the coefficients of one plain logistic regression.
    """
    design, shared = family.logistic[0], family.logistic[-1].coef_[0]
    prepared = design.transform(rows)
    told = np.column_stack([BORROWED * (prepared @ shared), prepared])
    fitted = {}
    for penalty in penalties:
        regression = _regression(told, taken, penalty)
        weight, own = BORROWED * regression.coef_[0][0], regression.coef_[0][1:]
        regression.coef_ = (weight * shared + own)[None, :]
        regression.n_features_in_ = prepared.shape[1]
        fitted[f"family logistic C={penalty:g}"] = Pipeline([("design", design), ("logistic", regression)])
    return fitted


def boosted_model(
    rows: pd.DataFrame, taken: np.ndarray, inputs: Inputs, seed: int, signs: Mapping[str, Sign] = NO_SIGNS, most: int = MANY_TREES
) -> Pipeline:
    """Boosted trees, regularised for rare positives: defaults were worse than the base rate in log loss.

    Categories go through a cross-fitted target encoder, not the trees' own categorical splits, so that every split is a
    threshold on a number and reasons can be computed exactly. No early stopping: its random split leaks across snapshots.
    In a number with a sign the log-odds only rise, or only fall.
    """
    parts = [("number", "passthrough", list(inputs.numbers))]
    if inputs.categories:
        folds = StratifiedKFold(n_splits=5, shuffle=True, random_state=seed)
        parts.append(("category", TargetEncoder(target_type="binary", cv=folds), list(inputs.categories)))
    trees = HistGradientBoostingClassifier(
        learning_rate=0.1,
        max_iter=min(most, max(FEW_TREES, int(taken.sum()) // TAKERS_A_TREE)),
        max_leaf_nodes=8,
        min_samples_leaf=min(200, max(20, len(rows) // 50)),
        l2_regularization=20,
        max_features=0.4,
        early_stopping=False,
        random_state=seed,
        monotonic_cst=[SIGNS.get(signs.get(name, ""), 0) for name in inputs.numbers] + [0] * len(inputs.categories),
    )
    return Pipeline([("design", ColumnTransformer(parts, sparse_threshold=0)), ("trees", trees)]).fit(rows, taken)


def blended_model(logistic: Pipeline, boosted: Pipeline, rows: pd.DataFrame, taken: np.ndarray) -> StackingClassifier:
    """A mean of both log-odds: curves that trees can only step along, and pairs of inputs that curves can't see.

    Fixed weights, not fitted ones: over a wide middle none does better than another, and a fit of two alike scores is mostly noise.
    The intercept gives the rows the rate at which they took: the trees of a family know the rate of its other offers.
    """
    parts = [("logistic", FrozenEstimator(logistic)), ("boosted", FrozenEstimator(boosted))]
    blended = StackingClassifier(parts, LogisticRegression(), cv="prefit", stack_method="decision_function")
    blended.fit(rows.head(2), [0, 1])  # for its shape only
    blended.final_estimator_.coef_[:], blended.final_estimator_.intercept_[:] = [1 - TREES_WEIGHT, TREES_WEIGHT], 0.0
    some = rows.iloc[:: -(-len(rows) // LEVEL_ROWS)]  # rounded up
    blended.final_estimator_.intercept_[:] = shift(blended.decision_function(some), float(taken.mean()))
    return blended


def parts_of(model: Pipeline | StackingClassifier) -> list[tuple[float, Pipeline]]:
    """The pipelines whose log-odds a candidate adds up, each with its weight."""
    if isinstance(model, StackingClassifier):
        return [(float(weight), part.estimator) for weight, part in zip(model.final_estimator_.coef_[0], model.estimators_, strict=True)]
    return [(1.0, model)]


def fitted_again(
    model: Pipeline | StackingClassifier, rows: pd.DataFrame, taken: np.ndarray, inputs: Inputs, family: Family | None, seed: int,
    signs: Mapping[str, Sign] = NO_SIGNS,
) -> Pipeline | StackingClassifier:
    """The same candidate, with the same penalty, fitted to more rows: its own design stays, and its family has learned from them, too."""
    first, *more = (part for _, part in parts_of(model))
    design, before = first[0], first[-1]
    if family is not None and design is family.logistic[0]:
        newer = family.newer or family
        (logistic,) = borrowing_models(rows, taken, newer, [before.C]).values()
        return blended_model(logistic, newer.boosted, rows, taken) if more and newer.boosted else logistic
    logistic = Pipeline([("design", design), ("logistic", _regression(design.transform(rows), taken, before.C, before))])
    return blended_model(logistic, boosted_model(rows, taken, inputs, seed, signs), rows, taken) if more else logistic


def _regression(prepared: np.ndarray, taken: np.ndarray, penalty: float, near: LogisticRegression | None = None) -> LogisticRegression:
    """Fitted to the end; from a fit that is near, in half of the steps."""
    regression = LogisticRegression(C=penalty, solver=SOLVER, warm_start=near is not None)
    if near is not None:
        regression.coef_, regression.intercept_ = near.coef_.copy(), near.intercept_.copy()
    return regression.fit(prepared, taken)


def design_owners(design: ColumnTransformer) -> list[str]:
    """The input each column of a spline design belongs to, in column order."""
    owners: list[str] = []
    for name, step, columns in design.transformers_:
        if name == "spline":
            per_input = step[-1].n_features_out_ // len(columns)
            owners += [column for column in columns for _ in range(per_input)]
        elif name == "category":
            for column, kept in zip(columns, _kept_categories(step), strict=True):
                owners += [column] * kept
        elif name in ("linear", "missing"):
            owners += list(columns)
    return owners


def _kept_categories(encoder: OneHotEncoder) -> list[int]:
    return [
        len(categories) if rare is None else len(categories) - len(rare) + 1
        for categories, rare in zip(encoder.categories_, encoder.infrequent_categories_, strict=True)
    ]


def _spline_design(rows: pd.DataFrame, inputs: Inputs) -> ColumnTransformer:
    knots = {name: _knots(rows[name].to_numpy(np.float64)) for name in inputs.numbers}
    curved = [name for name in inputs.numbers if len(knots[name]) == len(KNOTS)]
    straight = [name for name in inputs.numbers if name not in curved and np.unique(_known(rows[name])).size > 1]
    missing = [name for name in inputs.numbers if 0 < rows[name].isna().mean() < 1]
    parts: list[tuple[str, object, Sequence[str]]] = []
    if curved:
        splines = SplineTransformer(
            degree=2,
            knots=np.column_stack([knots[name] for name in curved]),
            extrapolation="constant",
            include_bias=False,
        )
        parts.append(("spline", Pipeline([("impute", SimpleImputer(strategy="median")), ("spline", splines)]), curved))
    if straight:
        scaled = Pipeline([("impute", SimpleImputer(strategy="median")), ("scale", StandardScaler())])
        parts.append(("linear", scaled, straight))
    if missing:
        parts.append(("missing", MissingIndicator(features="all"), missing))
    if inputs.categories:
        one_hot = OneHotEncoder(min_frequency=MIN_CATEGORY_ROWS, handle_unknown="infrequent_if_exist")
        parts.append(("category", one_hot, list(inputs.categories)))
    return ColumnTransformer(parts, sparse_threshold=0)


def _known(values: pd.Series) -> np.ndarray:
    numbers = values.to_numpy(np.float64)
    return numbers[np.isfinite(numbers)]


def _knots(values: np.ndarray) -> np.ndarray:
    """Five ascending knots, or fewer where the values do not carry a curve (flags, small counts).

    Many customers share one value (mostly zero): then the quantiles of the distinct values place the knots.
    """
    known = values[np.isfinite(values)]
    if known.size == 0:
        return known
    knots = np.unique(np.quantile(known, KNOTS))
    if knots.size < len(KNOTS):
        knots = np.unique(np.quantile(np.unique(known), KNOTS))
    wide_enough = np.diff(knots) > 1e-9 * max(float(np.abs(knots).max()), 1.0)
    return knots if bool(wide_enough.all()) else knots[:1]
