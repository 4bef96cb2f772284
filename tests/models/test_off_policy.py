"""What another way of choosing would have brought, from the lot's records: intervals that hold the truth, or a refusal."""

from __future__ import annotations

import numpy as np
import pytest

from models.off_policy import off_policy_value


def replay(draw: np.random.Generator, n: int, explored: float) -> tuple[dict[str, np.ndarray], float, float]:
    """A log of one policy that mostly makes the first of four offers, and the true values of always making the last, and of itself."""
    trait = draw.normal(size=n)
    chance = 1 / (1 + np.exp(3 - 0.8 * trait[:, None] * np.array([1, 0.5, 0, -1]) - np.array([0, 0.2, 0.4, 0.6])))
    worth = np.array([50.0, 60.0, 80.0, 100.0])
    logged = np.full((n, 4), explored / 4)
    logged[:, 0] += 1 - explored
    made = (draw.random(n)[:, None] > np.cumsum(logged, axis=1)).sum(axis=1)
    at = np.arange(n)
    reward = (draw.random(n) < chance[at, made]) * worth[made]
    guess = (chance * 0.8) * worth  # a model that is a fifth too low
    given = {
        "reward": reward,
        "logged": logged[at, made],
        "other": (made == 3) * 1.0,
        "reach": logged[:, 3],
        "predicted": guess[at, made],
        "expected": guess[:, 3],
    }
    return given, float((chance[:, 3] * worth[3]).mean()), float((logged * chance * worth).sum(axis=1).mean())


def test_off_policy_intervals_cover_the_truth() -> None:
    draw = np.random.default_rng(1)
    covered = {"IPS": 0, "SNIPS": 0, "DR": 0, "gain": 0}
    for _ in range(100):
        given, truth, done = replay(draw, 8000, explored=0.6)
        verdict = off_policy_value(**given)
        assert not verdict.refused
        covered["gain"] += verdict.gain.low <= truth - done <= verdict.gain.high
        for name in verdict.estimates.keys() & covered:
            covered[name] += verdict.estimates[name].low <= truth <= verdict.estimates[name].high
    assert min(covered.values()) >= 90, covered


def test_no_verdict_from_too_small_a_sample() -> None:
    given, *_ = replay(np.random.default_rng(1), 4000, explored=0.02)
    verdict = off_policy_value(**given)
    assert "carries no verdict" in verdict.refused
    assert verdict.heaviest == pytest.approx(200), "four offers share 2 %"
    half = (np.arange(4000) % 2) * 1.0
    by_rank = {"reward": np.ones(4000), "logged": np.ones(4000), "other": half, "reach": half}
    never = off_policy_value(**by_rank, predicted=np.ones(4000), expected=np.ones(4000))
    assert "in 50% of the decisions the log never" in never.refused
    with pytest.raises(ValueError, match="needs its propensity"):
        off_policy_value(**given | {"logged": given["logged"] * 0})
