"""Training one offer: candidates compared and calibrated on a later window, the kept one fitted to both, judged on the newest."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from importlib.metadata import version
from typing import Any, Literal

import numpy as np
import pandas as pd
from sklearn.base import ClassifierMixin
from sklearn.metrics import roc_auc_score

from conf.offer import Offer, Sign
from conf.settings import Models
from models.calibration import calibrated, with_model
from models.candidates import (
    FEW_TREES,
    NO_SIGNS,
    Family,
    blended_model,
    boosted_model,
    borrowing_models,
    family_model,
    fitted_again,
    logistic_models,
    rate_model,
    varying,
)
from models.evaluation import by_group, gain, log_losses, metrics, reliability, single_feature_aucs
from models.gates import Gate, group_gate, leak_gate, quality_gates, stability_gate
from models.inputs import Inputs, typical_customer
from models.training_set import split_days

Kind = Literal["rate", "logistic", "blended"]
GROUPS = ("age_band", "gender")  # to judge fairness by, never an input
MAX_FAMILY_ROWS = 50_000  # of a family's pooled rows that were not taken; evenly thinned above
MIN_JUDGED = 5  # takers in the validation and in the test window, below which neither can choose or judge
MIN_BLENDED = 300  # takers in training, below which boosting has not been seen to help


@dataclass(frozen=True)
class LabelledRows:
    """One offer's training set in memory: row i of every part belongs together."""

    inputs: pd.DataFrame
    taken: np.ndarray  # 0 or 1
    as_of: np.ndarray  # dates
    customers: np.ndarray
    groups: pd.DataFrame  # one column each of GROUPS

    def on(self, days: list[date]) -> LabelledRows:
        """The rows of some snapshots."""
        return self.where(np.isin(self.as_of, np.array(days, object)))

    def where(self, kept: np.ndarray) -> LabelledRows:
        """The rows marked true."""
        return LabelledRows(
            self.inputs[kept].reset_index(drop=True),
            self.taken[kept],
            self.as_of[kept],
            self.customers[kept],
            self.groups[kept].reset_index(drop=True),
        )

    @property
    def takers(self) -> int:
        """Customers who took it: one uptake seen from two snapshots is still one."""
        return len(set(self.customers[self.taken == 1]))


@dataclass(frozen=True)
class Trained:
    """A model of one offer with everything its card tells."""

    offer_id: str
    kind: Kind
    model: ClassifierMixin
    why: str  # why this kind, in words
    features: tuple[str, ...] = ()
    gates: tuple[Gate, ...] = ()
    figures: dict[str, float] = field(default_factory=dict)  # of the test window
    candidates: dict[str, float] = field(default_factory=dict)  # log loss on the validation window
    windows: dict[str, Any] = field(default_factory=dict)  # days, rows and takers of each window
    test: LabelledRows | None = None
    probability: np.ndarray | None = None  # of the test rows

    @property
    def passed(self) -> bool:
        return all(gate.passed for gate in self.gates)

    @property
    def failures(self) -> list[str]:
        return [gate.says for gate in self.gates if not gate.passed]

    @property
    def judged(self) -> tuple[LabelledRows, np.ndarray]:
        """The test rows and their probabilities; only of a model, never of a rate."""
        assert self.test is not None
        assert self.probability is not None
        return self.test, self.probability

    def reliability(self) -> pd.DataFrame:
        test, probability = self.judged
        return reliability(test.taken, probability)

    def fairness(self, by: str) -> pd.DataFrame:
        test, probability = self.judged
        return by_group(test.taken, probability, test.groups[by])


def rate_offer(offer_id: str, rate: float, why: str) -> Trained:
    """The offer's smoothed rate as a model: the same honest probability for everybody."""
    return Trained(offer_id, "rate", rate_model(rate), why, figures={"rate": rate})


def trained_offer(
    offer_id: str,
    offer: Offer,
    rows: LabelledRows,
    inputs: Inputs,
    rate: float,
    settings: Models,
    family: Family | None = None,
) -> Trained:
    """The best model the data carry for one offer, with the gates it passed and failed.

    Parameters
    ----------
    offer_id, offer : the offer
    rows : LabelledRows of all snapshots
    inputs : what models may read
    rate : the offer's smoothed rate (`models.rates`)
    settings : Models
    family : Family, optional
        What the offers of its family have in common (`family_of`); an offer with few takers borrows from it.

    Returns
    -------
    Trained; of kind `rate` where there are too few takers, history is too short, a feature leaks, or nothing beats the plain rate
    """
    days = split_days(set(rows.as_of), settings.embargo_days + offer.uptake.window_days)
    training, validation, test = (rows.on(part) for part in days)
    windows = {
        name: {"days": sorted(str(day) for day in part), "rows": len(window.taken), "takers": window.takers}
        for name, part, window in zip(("training", "validation", "test"), days, (training, validation, test), strict=True)
    }
    rated = replace(rate_offer(offer_id, rate, _too_few(training, validation, test, settings)), windows=windows)
    if rated.why:
        return rated
    used = varying(training.inputs, training.as_of, inputs)
    if not used.names:
        return replace(rated, why="no feature tells customers apart")
    leak = leak_gate(single_feature_aucs(training.inputs[list(used.names)], training.taken), settings.max_auc)
    rated = replace(rated, gates=(leak,))
    if not leak.passed:
        return replace(rated, why=leak.says)
    kind, chosen, losses, why = _chosen(training, validation, used, family, settings, offer.signs)
    if chosen is None:
        return replace(rated, why=why, candidates=losses)

    names = list(chosen.feature_names_in_)
    tried = calibrated(chosen, validation.inputs[names], validation.taken)
    before = tried.predict_proba(validation.inputs[names])[:, 1]
    learned = rows.on([*days[0], *days[1]])
    again = fitted_again(chosen, learned.inputs[names], learned.taken, used, family, settings.seed, offer.signs)
    model = with_model(tried, again, validation.inputs[names], float(before.mean()))
    model.typical_customer_ = typical_customer(learned.inputs, inputs.only(names))  # kept inside the artifact, under its hash
    plain = float(learned.taken.mean())
    probability = model.predict_proba(test.inputs[names])[:, 1]
    figures = metrics(test.taken, probability, plain)
    gates = (
        leak,
        *quality_gates(figures, gain(test.taken, probability, np.full(len(test.taken), plain), test.customers, settings.seed), settings),
        stability_gate(figures, metrics(validation.taken, before, plain), settings),
        *(group_gate(by, by_group(test.taken, probability, test.groups[by]), settings) for by in GROUPS),
    )
    return Trained(offer_id, kind, model, why, tuple(names), gates, figures, losses, windows, test, probability)


def family_of(
    members: Sequence[LabelledRows], purge_days: int, inputs: Inputs, seed: int, signs: Mapping[str, Sign] = NO_SIGNS
) -> Family | None:
    """What the takers of a family's offers have in common; None where it is not more than one offer.

    Learned from training windows, to be chosen among other candidates; and anew from training and validation windows, for the last fit.

    Parameters
    ----------
    members : LabelledRows of each offer of the family that was ever taken
    purge_days : embargo and the family's longest outcome window
    inputs : what models may read
    seed : of the trees
    signs : those that all its offers share
    """
    windows = [split_days(set(rows.as_of), purge_days) for rows in members]
    trained_on = [rows.on(training) for rows, (training, _, _) in zip(members, windows, strict=True)]
    trained_on = [rows for rows in trained_on if rows.takers]
    if len(trained_on) < 2:
        return None
    pooled = _pooled(trained_on)
    used = varying(pooled.inputs, pooled.as_of, inputs)
    if not used.names or not 0 < pooled.taken.sum() < len(pooled.taken):
        return None
    family = _family(pooled, used, seed, signs, sum(rows.takers for rows in trained_on) >= MIN_BLENDED)
    if not _trees_help(family, _pooled([rows.on(validation) for rows, (_, validation, _) in zip(members, windows, strict=True)])):
        family = replace(family, boosted=None)
    newer = _pooled([rows.on([*training, *validation]) for rows, (training, validation, _) in zip(members, windows, strict=True)])
    return replace(family, newer=_family(newer, used, seed, signs, family.boosted is not None))


def _pooled(members: Sequence[LabelledRows]) -> LabelledRows:
    """The rows of several offers as if of one."""
    every = -(-sum(len(rows.taken) for rows in members) // MAX_FAMILY_ROWS)
    # moves the intercept only: never used
    thinned = [rows.where((rows.taken == 1) | (np.arange(len(rows.taken)) % every == 0)) for rows in members]
    taken, as_of, customers = (np.concatenate([getattr(rows, part) for rows in thinned]) for part in ("taken", "as_of", "customers"))
    inputs, groups = (pd.concat([getattr(rows, part) for rows in thinned], ignore_index=True) for part in ("inputs", "groups"))
    return LabelledRows(inputs, taken, as_of, customers, groups)


def _family(pooled: LabelledRows, used: Inputs, seed: int, signs: Mapping[str, Sign], boosted: bool) -> Family:
    rows = pooled.inputs[list(used.names)]
    # few trees: what a family's offers do not share, many would learn, too
    trees = boosted_model(rows, pooled.taken, used, seed, signs, FEW_TREES) if boosted else None
    return Family(family_model(rows, pooled.taken, used), trees)


def _trees_help(family: Family, validation: LabelledRows) -> bool:
    """Whether takers of the whole family are ordered better with its trees: levels differ from offer to offer."""
    if family.boosted is None or not 0 < validation.taken.sum() < len(validation.taken):
        return False
    rows = validation.inputs[list(family.logistic.feature_names_in_)]
    blend = blended_model(family.logistic, family.boosted, rows, validation.taken)
    plain, together = (roc_auc_score(validation.taken, model.decision_function(rows)) for model in (family.logistic, blend))
    return bool(together > plain)


def fingerprint(rows: LabelledRows, offer: Offer, rate: float, settings: Models) -> str:
    """A hash of everything a model is made of: training rows, configuration, code."""
    code = {package: version(package) for package in ("kehu", "scikit-learn", "numpy")}
    configured = [settings.model_dump(mode="json"), offer.model_dump(mode="json"), round(rate, 9), code]
    made_of = hashlib.sha256(json.dumps(configured, sort_keys=True).encode())
    labels = pd.DataFrame({"taken": rows.taken, "as_of": rows.as_of.astype(str), "customer": rows.customers})
    for part in (rows.inputs, rows.groups, labels):
        made_of.update(",".join(part.columns).encode())
        made_of.update(pd.util.hash_pandas_object(part, index=False).to_numpy().tobytes())
    return made_of.hexdigest()


def _too_few(training: LabelledRows, validation: LabelledRows, test: LabelledRows, settings: Models) -> str:
    """Why no model can be trained; empty when one can."""
    if not len(training.taken) or not len(validation.taken):
        return "history is too short for a training, a validation and a test window"
    if training.takers < settings.min_positives:
        return f"{training.takers} takers in the training windows, {settings.min_positives} asked"
    if min(validation.takers, test.takers) < MIN_JUDGED:
        return f"{validation.takers} and {test.takers} takers in the validation and test windows, {MIN_JUDGED} asked of each"
    return ""


def _chosen(
    training: LabelledRows, validation: LabelledRows, used: Inputs, family: Family | None, settings: Models,
    signs: Mapping[str, Sign],
) -> tuple[Kind, Any, dict[str, float], str]:
    """The simplest candidate that no other beats by more than one standard error on the validation window.

    What the family shares counts as simpler than a model of its own, and need only be no worse than the rate: the takers of its
    siblings speak for it already, and a dozen takers of a cold offer can hardly.
    """
    names = list(used.names)
    taken = validation.taken
    said: dict[str, np.ndarray] = {"rate": np.full(len(taken), training.taken.mean())}
    losses = {"rate": float(log_losses(taken, said["rate"]).mean())}
    fitted: dict[str, Any] = {}

    def best_of(candidates: Mapping[str, Any]) -> str:
        """Ask the candidates about the validation window; the name of the best."""
        for name, model in candidates.items():
            fitted[name], said[name] = model, model.predict_proba(validation.inputs[list(model.feature_names_in_)])[:, 1]
            losses[name] = float(log_losses(taken, said[name]).mean())
        return min(candidates, key=lambda name: losses[name])

    own_best, shared_best = best_of(logistic_models(training.inputs[names], training.taken, used)), ""
    if family is not None:
        shared = training.inputs[list(family.logistic.feature_names_in_)]
        borrowing: dict[str, Any] = dict(borrowing_models(shared, training.taken, family))
        if family.boosted is not None:  # the takers of the whole family chose them: those of a cold offer could not tell
            borrowing = {name.replace("logistic", "blended"): blended_model(model, family.boosted, shared, training.taken)
                         for name, model in borrowing.items()}
        shared_best = best_of(borrowing)
    if training.takers >= MIN_BLENDED:
        boosted = boosted_model(training.inputs[names], training.taken, used, settings.seed, signs)
        best_of({"blended": blended_model(fitted[own_best], boosted, training.inputs[names], training.taken)})
    kept, why = "rate", "nothing beats the plain rate by more than one standard error"
    for name in (shared_best, own_best, "blended"):
        if name in said:
            won = gain(taken, said[name], said[kept], validation.customers, settings.seed)
            if won.beyond_one_standard_error or (name == shared_best and won.mean > 0):
                why = f"{name} beats {kept} by {won.mean:.2e} in log loss (standard error {won.standard_error:.2e})"
                kept = name
    kind: Kind = "rate" if kept == "rate" else "blended" if "blended" in kept else "logistic"
    return kind, fitted.get(kept), losses, why
