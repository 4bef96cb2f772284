"""Gates: what a model must show on the newest window before it may replace what is in use."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

import numpy as np

from conf.settings import Models
from models.evaluation import Gain


@dataclass(frozen=True)
class Gate:
    """One gate: what was measured, what was asked, and whether it held."""

    name: str
    passed: bool
    value: float
    asked: float
    says: str

    def as_dict(self) -> dict[str, object]:
        return asdict(self) | {"value": self.value if math.isfinite(self.value) else None}


def quality_gates(figures: dict[str, float], over_popularity: Gain, settings: Models) -> list[Gate]:
    """Gates of a model by itself.

    Parameters
    ----------
    figures : as `evaluation.metrics` gives them, of the test window
    over_popularity : gain over giving everybody the offer's rate
    settings : Models
    """
    predicted_over_observed = figures["calibration_ratio"]
    error = abs(predicted_over_observed - 1)
    # as many positives as these could have been observed by chance, had the predictions been right
    predicted = predicted_over_observed * figures["positives"]
    by_chance = abs(predicted - figures["positives"]) <= 1.96 * math.sqrt(max(predicted, 1.0))
    return [
        Gate(
            "auc",
            figures["auc"] >= settings.min_auc,
            figures["auc"],
            settings.min_auc,
            f"AUC {figures['auc']:.3f} on the newest window, {settings.min_auc:g} asked",
        ),
        Gate(
            "calibration",
            error <= settings.max_calibration_error or by_chance,
            error,
            settings.max_calibration_error,
            f"predicted over observed uptake {predicted_over_observed:.2f} on the newest window",
        ),
        Gate(
            "popularity",
            over_popularity.more_than_noise,
            over_popularity.low,
            0.0,
            f"log loss {over_popularity.mean:+.2e} better than the plain rate, at least {over_popularity.low:+.2e} (5 % bound)",
        ),
    ]


def champion_gate(over_champion: Gain) -> Gate:
    """Better than the model in use, on the newest window, by more than noise."""
    return Gate(
        "champion",
        over_champion.more_than_noise,
        over_champion.low,
        0.0,
        f"log loss {over_champion.mean:+.2e} better than the champion, at least {over_champion.low:+.2e} (5 % bound)",
    )


def leak_gate(areas: dict[str, float], max_auc: float) -> Gate:
    """No single feature predicts too well to be true."""
    name, area = max(areas.items(), key=lambda item: (item[1], item[0]), default=("none", float("nan")))
    return Gate(
        "leak",
        not area > max_auc,
        float(np.nan_to_num(area, nan=0.0)),
        max_auc,
        f"feature {name} alone has an AUC of {area:.3f}: above {max_auc:g} it knows the outcome",
    )
