"""Gates: what a model must show on the newest window before it may replace what is in use."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd

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
            error <= settings.max_calibration_error
            or _by_chance(predicted_over_observed * figures["positives"], figures["positives"]),
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


def stability_gate(newest: dict[str, float], before: dict[str, float], settings: Models) -> Gate:
    """The order of customers holds from the validation window to the newest one, but for what two samples differ by chance."""
    drop = before["auc"] - newest["auc"]
    allowed = settings.max_auc_drop + 1.96 * math.hypot(newest["auc_standard_error"], before["auc_standard_error"])
    return Gate(
        "stability",
        drop <= allowed,
        drop,
        allowed,
        f"AUC {before['auc']:.3f} on the window before the newest, {newest['auc']:.3f} on the newest",
    )


def group_gate(by: str, groups: pd.DataFrame, settings: Models) -> Gate:
    """No group is told probabilities that are wrong for it, by more than a bound and more than chance.

    Parameters
    ----------
    by : what the groups are of
    groups : as `evaluation.by_group` gives them, of the test window
    settings : Models
    """
    harmed = [
        (abs(row.predicted / max(row.positives, 1) - 1), str(row.group), row.predicted / max(row.positives, 1))
        for row in groups.itertuples()
        if not _by_chance(row.predicted, row.positives)
    ]
    worst, group, ratio = max(harmed, default=(0.0, "none", 1.0))
    return Gate(
        f"fair by {by}",
        worst <= settings.max_group_calibration_error,
        worst,
        settings.max_group_calibration_error,
        f"predicted over observed uptake is {ratio:.2f} for {group}" if harmed else "every group's uptake is as predicted",
    )


def champion_gate(over_champion: Gain) -> Gate:
    """Better than the model in use, on the newest window, by more than noise."""
    return Gate(
        "champion",
        over_champion.more_than_noise,
        over_champion.low,
        0.0,
        f"log loss {over_champion.mean:+.2e} better than the champion, at least {over_champion.low:+.2e} (5 % bound)",
    )


def lost_champion_gate(why: str) -> Gate:
    """The champion can no longer be used: nothing to be better than."""
    return Gate("champion", True, float("nan"), 0.0, f"not compared: {why}")


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


def _by_chance(predicted: float, observed: float) -> bool:
    """Whether so many positives could have been observed by chance, had the predictions been right (Poisson, 95 %)."""
    return abs(predicted - observed) <= 1.96 * math.sqrt(max(predicted, 1.0))
