"""Simulated customers whose chance of taking each offer is known, and how far a model's probabilities are from it.

Where chances are known, AUC and log loss are computed from them instead of from drawn outcomes, so that only training is noisy. The
parameters stand here only; nothing of the product can import them.
"""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd

from models.inputs import Inputs
from models.next_best_offer import LabelledRows, Trained

NEWEST = date(2026, 6, 30)
DAYS = [NEWEST, NEWEST - timedelta(67), *(NEWEST - timedelta(134 + 30 * k) for k in range(4))]
NUMBERS = tuple(f"number_{n:02d}" for n in range(24))
INPUTS = Inputs(NUMBERS, ("segment", "region", "channel"))


def customers(draw: np.random.Generator, rows: int) -> pd.DataFrame:
    """Skewed amounts, counts, flags, missing values and categories, as features of bank customers are."""
    common = draw.normal(size=rows)
    frame = {}
    for n, name in enumerate(NUMBERS):
        raw = 0.5 * common + draw.normal(size=rows)
        frame[name] = np.exp(raw) if n % 3 == 0 else draw.poisson(np.exp(raw / 2)).astype(float) if n % 3 == 1 else raw
    for name in NUMBERS[::5]:
        frame[name][draw.random(rows) < 0.1] = np.nan
    frame["segment"] = draw.choice(list("abcde"), rows, p=[0.4, 0.3, 0.15, 0.1, 0.05])
    frame["region"] = draw.choice([f"r{n}" for n in range(12)], rows)
    frame["channel"] = draw.choice(["mobile", "online", "counter"], rows)
    return pd.DataFrame(frame)


def taste(draw: np.random.Generator) -> dict[str, np.ndarray]:
    """What one offer's uptake depends on: ten numbers, some bent, some together, and two categories."""
    return {
        "weights": np.where(draw.random(len(NUMBERS)) < 0.4, draw.normal(0, 0.45, len(NUMBERS)), 0.0),
        "bends": np.where(draw.random(len(NUMBERS)) < 0.15, draw.normal(0, 0.5, len(NUMBERS)), 0.0),
        "pairs": draw.choice(len(NUMBERS), (3, 2), replace=False),
        "strengths": draw.normal(0, 0.3, 3),
        "segments": draw.normal(0, 0.4, 5),
        "channels": draw.normal(0, 0.3, 3),
    }


def blended(shared: dict[str, np.ndarray], own: dict[str, np.ndarray], share: float) -> dict[str, np.ndarray]:
    """An offer of a family: mostly the family's taste."""
    return {key: shared[key] if key == "pairs" else share * shared[key] + (1 - share) * own[key] for key in shared}


def chances(frame: pd.DataFrame, of: dict[str, np.ndarray], rate: float) -> np.ndarray:
    """The true chance of each row, at a mean of `rate`."""
    numbers = np.column_stack([np.log1p(frame[name]) if n % 3 != 2 else frame[name] for n, name in enumerate(NUMBERS)])
    z = np.nan_to_num((numbers - np.nanmean(numbers, axis=0)) / np.nanstd(numbers, axis=0), nan=-0.4)
    score = z @ of["weights"] + np.sin(1.5 * z) @ of["bends"]
    for (a, b), strength in zip(of["pairs"], of["strengths"], strict=True):
        score = score + strength * z[:, a] * z[:, b]
    score = score + of["segments"][frame["segment"].map(dict(zip("abcde", range(5), strict=True)))]
    score = score + of["channels"][frame["channel"].map({"mobile": 0, "online": 1, "counter": 2})]
    low, high = -20.0, 20.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if (1 / (1 + np.exp(-score - middle))).mean() < rate else (low, middle)
    return 1 / (1 + np.exp(-score - low))


def labelled(frame: pd.DataFrame, chance: np.ndarray, draw: np.random.Generator) -> LabelledRows:
    """Drawn outcomes: half the rows train, on four days; a quarter validates; a quarter tests."""
    day = np.array([DAYS[0], DAYS[0], DAYS[1], DAYS[1], *DAYS[2:]], object)[np.arange(len(frame)) % 8]
    groups = pd.DataFrame({"age_band": "unknown", "gender": "unknown"}, index=range(len(frame)))
    return LabelledRows(frame, (draw.random(len(frame)) < chance).astype(int), day, np.arange(len(frame)).astype(str), groups)


def expected_auc(chance: np.ndarray, score: np.ndarray) -> float:
    """AUC with each row as taken with its chance and as not taken with the rest."""
    order = np.argsort(score, kind="stable")
    yes, no = chance[order], 1 - chance[order]
    starts = np.flatnonzero(np.r_[True, np.diff(score[order]) > 0])  # ties count half
    yes, no = np.add.reduceat(yes, starts), np.add.reduceat(no, starts)
    return float((yes * (np.cumsum(no) - no / 2)).sum() / (yes.sum() * no.sum()))


def expected_loss(chance: np.ndarray, said: np.ndarray) -> float:
    p = np.clip(said, 1e-6, 1 - 1e-6)
    return float(-(chance * np.log(p) + (1 - chance) * np.log1p(-p)).mean())


def closed(chance: np.ndarray, said: np.ndarray, rate: float) -> dict[str, float]:
    """Share of the gap from knowing nothing to knowing the chance that is closed, in AUC and in log loss; calibration in the large."""
    nothing, truth = expected_loss(chance, np.full(len(chance), rate)), expected_loss(chance, chance)
    return {
        "gap": (expected_auc(chance, said) - 0.5) / (expected_auc(chance, chance) - 0.5),
        "skill": (nothing - expected_loss(chance, said)) / (nothing - truth),
        "calibration": float(said.mean() / chance.mean()),
    }


def newest(rows: LabelledRows) -> np.ndarray:
    """Places of the rows that test."""
    return np.flatnonzero(rows.as_of == DAYS[0])


def said_by(trained: Trained, asked: pd.DataFrame) -> np.ndarray:
    """A model's probabilities; a rate has no features."""
    return trained.model.predict_proba(asked[list(trained.features)] if trained.features else asked)[:, 1]
