"""What is measured of decisions: off-policy estimates, effect of calling, portfolios, drift. Each against a known truth."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from models.monitoring import drift, drifts, matured, page
from models.off_policy import off_policy_value
from models.portfolio import portfolio


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


def candidates(seed: int, customers: int = 120) -> pd.DataFrame:
    draw = np.random.default_rng(seed)
    rows = customers * 3
    probability = draw.beta(1, 20, rows)
    return pd.DataFrame(
        {
            "customer": np.repeat([f"C{n}" for n in range(customers)], 3),
            "manager": np.repeat(draw.choice(["R1", "R2", "R3"], customers), 3),
            "campaign": np.tile(["loan", "fund", "card"], customers),
            "probability": probability,
            "value": probability * np.tile([9000, 1500, 400], customers) - 20,
            "minutes": np.tile([45.0, 20.0, 10.0], customers),
        }
    )


def test_a_portfolio_keeps_every_limit_and_is_near_the_bound() -> None:
    rows = candidates(1)
    minutes, quotas = {"R1": 240.0, "R2": 200.0, "R3": 0.0}, {"loan": 4, "fund": 30}
    found = portfolio(rows, minutes, quotas)
    called = rows[found.chosen]
    assert all(spent <= minutes[name] for name, spent in called.groupby("manager")["minutes"].sum().items())
    assert "R3" not in set(called["manager"]), "nobody is called by an RM without minutes"
    assert (called["campaign"] == "loan").sum() <= 4
    assert called["customer"].is_unique
    assert found.value == pytest.approx(called["value"].sum())
    assert found.value <= found.bound + 1e-6
    assert found.gap < 0.06, "twelve calls: one of them is a large share"
    assert {"minutes of R1", "minutes of R2"} <= set(found.prices)
    more = portfolio(rows, minutes | {"R1": 241.0}, quotas)
    assert more.bound - found.bound == pytest.approx(found.prices["minutes of R1"], rel=0.2)


def test_the_places_of_a_day_are_kept_and_have_a_price() -> None:
    rows = candidates(1)
    few = portfolio(rows, {"R1": 90.0}, {}, places=10)
    called = rows[few.chosen]
    assert len(called) == 10
    assert called.loc[called["manager"] == "R1", "minutes"].sum() <= 90
    assert few.value == pytest.approx(few.bound, rel=0.02)
    assert few.prices["places of the day"] == pytest.approx(portfolio(rows, {"R1": 90.0}, {}, places=11).bound - few.bound, rel=0.2)
    best = rows[rows["manager"] != "R1"].groupby("customer")["value"].max().nlargest(10).sum()
    assert few.value >= best - 1e-9


def test_without_limits_that_bind_everything_worth_it_is_called() -> None:
    rows = candidates(2)
    found = portfolio(rows, dict.fromkeys(("R1", "R2", "R3"), 1e6), {}, offers_a_customer=3)
    assert found.chosen.tolist() == (rows["value"] > 0).tolist()
    assert found.gap == pytest.approx(0, abs=1e-9)
    assert portfolio(rows, {}, {}, offers_a_customer=3).value == found.value, "who is not named has no limit"
    assert portfolio(rows, dict.fromkeys(("R1", "R2", "R3"), 0.0), {}).value == 0.0


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
