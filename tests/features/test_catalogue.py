"""Every feature is declared once, whole, and documented."""

from __future__ import annotations

from pathlib import Path

from features.catalogue import FEATURES, model_inputs, phrases
from features.page import page
from tables.declaration import Personal

PROTECTED = {"age", "marital_status", "region"}


def test_names_are_unique_and_declarations_whole() -> None:
    assert len({feature.name for feature in FEATURES}) == len(FEATURES) >= 150
    for feature in FEATURES:
        assert Personal(feature.personal)
        assert feature.description
        assert feature.unit
        assert feature.source
        assert "{" not in feature.name + feature.description
        assert set(feature.phrase) == {"en", "zh"}
        assert feature.null_meaning or feature.type != "DATE"


def test_what_others_rely_on_is_there() -> None:
    assert {"assets", "deposits_balance", "tenure_days", "monthly_income_estimate", "income_stated"} <= set(model_inputs())
    assert {"net_value_year", "cost_to_serve_year"} <= {feature.name for feature in FEATURES}


def test_models_never_see_what_is_protected() -> None:
    assert not PROTECTED & set(model_inputs())
    assert set(phrases("en")) == set(phrases("zh")) == {feature.name for feature in FEATURES}


def test_the_page_is_what_is_declared() -> None:
    written = Path(__file__).parents[2] / "docs" / "features.md"
    assert written.read_text(encoding="utf-8") == page(), "run `python -m features.page > docs/features.md`"
