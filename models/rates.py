"""Uptake rates of offers with few takers: a shelf's experience, lent through the family."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from conf.offer import Offer

PRIOR_POSITIVES = 5.0  # what is configured weighs as much as this many observed takers


@dataclass(frozen=True)
class Uptakes:
    """What was seen of one offer: labelled rows and takers. `evidence` is false where the product was never sold at all."""

    rows: int
    positives: int
    evidence: bool = True


def uptake_rates(seen: Mapping[str, Uptakes], offers: Mapping[str, Offer]) -> dict[str, float]:
    """Probability of taking each offer within its window, smoothed in two steps (Gamma-Poisson, posterior means).

    With k = `PRIOR_POSITIVES`, expected takers E = rows × configured rate and observed takers T:
    family multiple m = (ΣT + k) / (ΣE + k), and offer rate = configured rate × (T + k m) / (E + k).
    A new offer so starts from its configured rate, corrected by how its family does against theirs.
    """
    expected = {name: seen[name].rows * offers[name].window_prior if seen[name].evidence else 0.0 for name in seen}
    taken = {name: seen[name].positives if seen[name].evidence else 0 for name in seen}
    rates = {}
    for name in seen:
        family = [other for other in seen if offers[other].family == offers[name].family]
        multiple = (sum(taken[other] for other in family) + PRIOR_POSITIVES) / (
            sum(expected[other] for other in family) + PRIOR_POSITIVES
        )
        rate = offers[name].window_prior * (taken[name] + PRIOR_POSITIVES * multiple) / (expected[name] + PRIOR_POSITIVES)
        rates[name] = min(max(rate, 1e-6), 0.95)
    return rates
