"""Drift and calibration: change is told from chance."""

from __future__ import annotations

import numpy as np
import pandas as pd

from models.monitoring import drift, drifts, matured, page


def test_drift_tells_change_from_chance() -> None:
    draw = np.random.default_rng(1)
    then = draw.normal(size=5000)
    assert drift("same", then, draw.normal(size=4000)).warns == ""
    assert drift("few", then, draw.normal(size=60)).warns == "", "sixty rows differ by chance"
    assert drift("moved", then, draw.normal(0.4, 1, 4000)).warns == "notable"
    assert drift("gone", then, np.full(4000, np.nan)).warns == "great"
    flags = drift("flag", (then > 0) * 1.0, (draw.normal(1, 1, 4000) > 0) * 1.0)
    assert flags.warns == "great"
    below = [drift("x", draw.normal(size=2000), draw.normal(size=2000)) for _ in range(200)]
    assert 0.88 <= np.mean([one.psi <= one.by_chance for one in below]) <= 0.99
    told = drifts(pd.DataFrame({"a": then, "b": then}), pd.DataFrame({"b": then + 1, "a": then}))
    assert told["name"].tolist() == ["b", "a"]
    assert told["psi"].tolist()[1] == 0


def test_matured_predictions_that_are_off_are_told() -> None:
    draw = np.random.default_rng(1)
    chance = draw.beta(1, 30, 6000)
    rows = pd.DataFrame({"offer_id": ["a"] * 3000 + ["b"] * 3000, "month": "2026-03", "probability": chance,
                         "taken": (draw.random(6000) < chance).astype(int)})
    rows.loc[rows["offer_id"] == "b", "probability"] *= 2
    told = matured(rows).set_index("offer_id")
    assert told.loc["a", "warns"] == ""
    assert told.loc["b", "warns"] == "off"
    figure = page({"a": (rows["taken"].to_numpy()[:3000], chance[:3000])}, drifts(rows[["probability"]], rows[["probability"]]))
    assert len(figure.axes) == 2
