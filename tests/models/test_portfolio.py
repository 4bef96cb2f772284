"""A day's calls within every limit, near the bound no choice can beat."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from models.portfolio import portfolio


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
