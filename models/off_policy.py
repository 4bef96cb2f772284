"""Off-policy estimates: what another way of choosing offers would have brought, from what was logged of this one.

With reward r, the logged probability e of the offer made, and the other policy's probability p of making the same: weight w = p / e.
Inverse propensity (IPS) mean(w r); self-normalised (SNIPS) sum(w r) / sum(w); direct method (DM) mean(v), a model's expected
reward under the other policy; doubly robust (DR) mean(v + w (r - q)), right where either the propensities or the model are
(Dudík, Langford and Li 2011). Intervals are normal, from the estimators' influence values; DM has none that covers the model's
error, so it decides nothing.

Weights are not cut: the lot bounds them (`models.exploration`), at 100 with a share of 5 % among five. Cut at 20, as is often done,
they left the truth outside in up to four replays of ten. The effective sample is the one to expect from the logged chances,
whatever was drawn: judged by the draws, logs in which by chance little was drawn would look the surest.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

MIN_EFFECTIVE = 1000.0  # effective sample below which no verdict is given: rewards are rare, and intervals too narrow below it
Z = 1.96


@dataclass(frozen=True)
class Estimate:
    """Mean reward a decision, or a difference of two."""

    value: float
    low: float  # 95 % interval
    high: float


@dataclass(frozen=True)
class Verdict:
    """All estimators beside each other; `refused` says why none may be relied on, and is empty otherwise."""

    estimates: dict[str, Estimate]  # of the other policy
    gain: Estimate  # DR, less what the logged decisions brought: paired, so narrower than either
    effective: float  # decisions that would tell as much, had they all been made the other way: n / mean of what w² is expected to be
    heaviest: float  # the largest weight
    refused: str


def off_policy_value(
    reward: np.ndarray, logged: np.ndarray, other: np.ndarray, reach: np.ndarray, predicted: np.ndarray, expected: np.ndarray
) -> Verdict:
    """What the other policy would have brought a decision.

    Parameters
    ----------
    reward : what each logged decision brought
    logged : probability with which the logged policy made the offer it made
    other : probability with which the other policy would have made the same
    reach : probability with which the logged policy makes what the other would; where that draws too, 1 / sum of its p² / e
    predicted : a model's reward of the offer made
    expected : the model's expected reward under the other policy

    Returns
    -------
    Verdict
    """
    if not bool(((logged > 0) & (logged <= 1)).all()):
        raise ValueError("every logged decision needs its propensity, above 0 and at most 1")
    w = other / logged
    total, never = w.sum(), float((reach <= 0).mean())
    effective = 0.0 if never else float(len(w) / (1 / reach).mean())
    snips = float((w * reward).sum() / total) if total > 0 else float("nan")
    influences = {
        "IPS": w * reward,
        "SNIPS": snips + w * (reward - snips) / w.mean() if total > 0 else np.full(len(w), np.nan),
        "DM": expected,
        "DR": expected + w * (reward - predicted),
    }
    return Verdict(
        {name: _estimate(values) for name, values in influences.items()},
        _estimate(influences["DR"] - reward),
        effective,
        float(w.max()),
        _refused(effective, never),
    )


def _refused(effective: float, never: float) -> str:
    if never:
        return f"in {never:.0%} of the decisions the log never makes what the other policy would"
    if effective < MIN_EFFECTIVE:
        return f"an effective sample of {effective:.0f} carries no verdict, {MIN_EFFECTIVE:.0f} asked"
    return ""


def _estimate(values: np.ndarray) -> Estimate:
    mean, half = float(values.mean()), float(Z * values.std(ddof=1) / np.sqrt(len(values)))
    return Estimate(mean, mean - half, mean + half)
