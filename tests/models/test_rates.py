"""Rates of offers without a model: smoothed towards the family and what was configured."""

from __future__ import annotations

from decimal import Decimal

import pytest

from conf.offer import Offer, Uptake
from models.rates import Uptakes, uptake_rates

WORDS = {"en": "x", "zh": "x"}


def offer(family: str, yearly: float) -> Offer:
    return Offer(
        name=WORDS, family=family, reason=WORDS, margin=Decimal(1), contact_cost=Decimal(0), prior=yearly,
        uptake=Uptake(products=("p",), window_days=365),
    )  # fmt: skip


def test_nothing_seen_is_the_configured_rate() -> None:
    assert uptake_rates({"a": Uptakes(0, 0)}, {"a": offer("fund", 0.04)}) == {"a": pytest.approx(0.04)}


def test_the_prior_weighs_five_takers() -> None:
    # 500 rows at 4 %: 20 expected, 50 taken; m = 55 / 25 = 2.2; rate = 0.04 × (50 + 11) / 25
    rates = uptake_rates({"a": Uptakes(500, 50)}, {"a": offer("fund", 0.04)})
    assert rates["a"] == pytest.approx(0.0976)


def test_many_rows_overrule_what_was_configured() -> None:
    assert uptake_rates({"a": Uptakes(1_000_000, 20_000)}, {"a": offer("fund", 0.04)})["a"] == pytest.approx(0.02, rel=1e-3)


def test_a_new_offer_starts_from_how_its_family_does() -> None:
    seen = {"old": Uptakes(10_000, 800), "new": Uptakes(10_000, 0, evidence=False), "other": Uptakes(0, 0)}
    offers = {"old": offer("fund", 0.04), "new": offer("fund", 0.02), "other": offer("card", 0.02)}
    rates = uptake_rates(seen, offers)
    assert rates["new"] == pytest.approx(0.02 * 805 / 405), "its family takes up about twice what was configured"
    assert rates["other"] == pytest.approx(0.02)


def test_rates_are_probabilities() -> None:
    rates = uptake_rates({"a": Uptakes(10, 10)}, {"a": offer("fund", 0.9)})
    assert 0 < rates["a"] <= 0.95
