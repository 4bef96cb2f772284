"""A small world with known chances of uptake, as training rows: what models are judged by."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd

from models.inputs import Inputs
from models.next_best_offer import LabelledRows

NEWEST = date(2026, 6, 30)
DAYS = [NEWEST, NEWEST - timedelta(67), *(NEWEST - timedelta(134 + 30 * k) for k in range(4))]  # tests, validates, train
INPUTS = Inputs(("balance", "moved", "visits", "is_new", "noise"), ("channel",))


def world(customers: int, seed: int = 1, base: float = -3.2) -> tuple[LabelledRows, np.ndarray]:
    """Rows of six past days, and the true chance of each."""
    draw = np.random.default_rng(seed)
    rows = []
    for day in DAYS:
        of_day = pd.DataFrame(
            {
                "balance": np.exp(draw.normal(9, 1.5, customers)),
                "moved": draw.normal(size=customers),
                "visits": draw.poisson(1.0, customers).astype(float),
                "is_new": (draw.random(customers) < 0.2).astype(float),
                "noise": draw.normal(size=customers),
                "channel": draw.choice(["mobile", "counter", "online"], customers),
                "as_of": day,
                "customer": [f"C{number}" for number in range(customers)],
                "age_band": draw.choice(["25-34", "35-44", "45-54"], customers),
                "gender": draw.choice(["F", "M"], customers),
            }
        )
        of_day.loc[draw.random(customers) < 0.1, "moved"] = np.nan
        rows.append(of_day)
    frame = pd.concat(rows, ignore_index=True)
    log_odds = (
        base
        + 0.9 * (np.log(frame["balance"]) - 9)
        + 0.8 * frame["moved"].fillna(-0.5)
        + 0.4 * frame["visits"]
        + 0.7 * frame["is_new"]
        - 0.8 * (frame["channel"] == "counter")
    )
    chance = (1 / (1 + np.exp(-log_odds))).to_numpy()
    taken = (draw.random(len(frame)) < chance).astype(int)
    labelled = LabelledRows(
        frame[list(INPUTS.names)],
        taken,
        frame["as_of"].to_numpy(),
        frame["customer"].to_numpy(),
        frame[["age_band", "gender"]],
    )
    return labelled, chance
