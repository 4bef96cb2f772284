"""Figures against what can be counted by hand or by scikit-learn."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import log_loss, roc_auc_score

from conf import Settings
from models.evaluation import auc, auc_standard_error, by_group, gain, log_losses, metrics, reliability, single_feature_aucs
from models.gates import champion_gate, group_gate, leak_gate, quality_gates, stability_gate


@pytest.fixture(scope="module")
def judged() -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(3)
    chance = draw.beta(1, 12, 4000)
    return (draw.random(4000) < chance).astype(int), chance


def test_auc_and_log_loss_are_scikit_learns(judged: tuple[np.ndarray, np.ndarray]) -> None:
    taken, chance = judged
    coarse = chance.round(2)  # with ties
    assert auc(taken, coarse) == pytest.approx(roc_auc_score(taken, coarse))
    assert log_losses(taken, chance).mean() == pytest.approx(log_loss(taken, chance))
    assert np.isnan(auc(np.zeros(3, int), chance[:3]))


def test_the_standard_error_of_an_auc_is_the_spread_over_samples() -> None:
    draw = np.random.default_rng(5)
    areas, errors = [], []
    for _ in range(200):
        taken = (draw.random(400) < 0.2).astype(int)
        score = draw.normal(size=400) + taken
        areas.append(auc(taken, score))
        errors.append(auc_standard_error(taken, score))
    assert np.mean(errors) == pytest.approx(np.std(areas), rel=0.15)


def test_figures_of_honest_probabilities(judged: tuple[np.ndarray, np.ndarray]) -> None:
    taken, chance = judged
    told = metrics(taken, chance, float(taken.mean()))
    assert told["positives"] == taken.sum()
    assert told["calibration_ratio"] == pytest.approx(1, abs=0.15)
    assert 0 < told["skill"] < 1
    best = np.argsort(-chance)[:200]
    assert told["lift_5_percent"] == pytest.approx(taken[best].mean() / taken.mean())
    tenths = reliability(taken, chance)
    assert tenths["rows"].sum() == 4000
    assert ((tenths["low"] <= tenths["predicted"]) & (tenths["predicted"] <= tenths["high"])).mean() >= 0.8


def test_a_gain_over_noise_is_told_from_noise(judged: tuple[np.ndarray, np.ndarray]) -> None:
    taken, chance = judged
    customers = np.array([f"C{n // 2}" for n in range(4000)])
    plain = np.full(4000, taken.mean())
    assert gain(taken, chance, plain, customers, 1).more_than_noise
    assert not gain(taken, plain, chance, customers, 1).more_than_noise
    assert gain(taken, plain, plain, customers, 1).mean == 0
    assert gain(taken, chance, plain, customers, 1) == gain(taken, chance, plain, customers, 1)


def test_a_feature_that_knows_the_outcome_is_named() -> None:
    taken = np.array([0, 1] * 200)
    draw = np.random.default_rng(1)
    rows = pd.DataFrame({"honest": draw.normal(size=400), "told_later": 1 - taken + draw.normal(size=400) / 100,
                         "channel": draw.choice(["a", "b"], 400).astype(object), "empty": np.nan})
    areas = single_feature_aucs(rows, taken)
    assert areas["told_later"] == 1.0, "whichever way round"
    assert areas["empty"] == 0.5
    gate = leak_gate(areas, 0.98)
    assert not gate.passed
    assert "told_later" in gate.says
    assert leak_gate({"honest": areas["honest"]}, 0.98).passed


def test_each_quality_gate_holds_and_fails(settings: Settings, judged: tuple[np.ndarray, np.ndarray]) -> None:
    taken, chance = judged
    plain = np.full(4000, taken.mean())
    customers = np.arange(4000)
    honest = metrics(taken, chance, float(taken.mean()))
    assert all(gate.passed for gate in quality_gates(honest, gain(taken, chance, plain, customers, 1), settings.models))
    doubled = metrics(taken, np.minimum(chance * 2, 1), float(taken.mean()))
    failed = quality_gates(doubled, gain(taken, plain, plain, customers, 1), settings.models)
    assert [gate.name for gate in failed if not gate.passed] == ["calibration", "popularity"]
    shuffled = metrics(taken, np.random.default_rng(2).permutation(chance), float(taken.mean()))
    assert not quality_gates(shuffled, gain(taken, plain, plain, customers, 1), settings.models)[0].passed
    assert stability_gate(honest, honest, settings.models).passed
    assert not stability_gate(shuffled, honest, settings.models).passed
    assert champion_gate(gain(taken, chance, plain, customers, 1)).passed
    assert not champion_gate(gain(taken, chance, chance, customers, 1)).passed, "equal is not better"


def test_a_group_that_is_told_wrong_probabilities_stops_a_model(settings: Settings, judged: tuple[np.ndarray, np.ndarray]) -> None:
    taken, chance = judged
    groups = pd.Series(["F", "M"] * 2000)
    fair = by_group(taken, chance, groups)
    assert group_gate("gender", fair, settings.models).passed
    assert fair["selection_ratio"].max() == 1
    skewed = np.where(groups == "F", np.minimum(chance * 2.5, 1), chance)
    gate = group_gate("gender", by_group(taken, skewed, groups), settings.models)
    assert not gate.passed
    assert "for F" in gate.says
    tiny = by_group(np.array([0, 0, 0]), np.array([0.2, 0.2, 0.2]), pd.Series(["F", "M", None]))
    assert group_gate("gender", tiny, settings.models).passed, "three rows carry no conclusion"
    assert set(tiny["group"]) == {"F", "M", "unknown"}
