"""The screen over a lake: it names what is constant, and fails on a feature that knew what was taken later."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pandas as pd
import pytest
from deltalake import write_deltalake

from benchmarks.screen_features import main
from features.catalogue import FEATURES

FIRST, LAST = date(2026, 3, 2), date(2026, 3, 9)
CUSTOMERS = [f"C{n:02}" for n in range(40)]
TAKERS = CUSTOMERS[::4]


def lake_of(root: Path, told: dict[str, list[float]]) -> str:
    """Two days of features, all 0 but those told; every fourth customer takes a fund between them."""
    plain = {feature.name: 0.0 for feature in FEATURES}
    rows = pd.concat([pd.DataFrame({"customer_id": CUSTOMERS, "as_of": day, **plain, **told}) for day in (FIRST, LAST)])
    write_deltalake(str(root / "customer_features"), rows)
    taken = {"customer_id": TAKERS, "product_id": "FUND-1", "acquired_on": FIRST + timedelta(days=2)}
    write_deltalake(str(root / "holdings"), pd.DataFrame(taken))
    return str(root)


def test_what_is_constant_is_named_and_what_varies_harmlessly_passes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(lake_of(tmp_path, {"assets": [float(n) for n in range(40)]})) == 0
    said = capsys.readouterr().out
    assert f"{len(FEATURES) - 1} constant" in said
    assert "assets" not in said.splitlines()[0].rsplit(": ", 1)[1].split(", ")
    assert "leaking: none" in said


def test_a_feature_that_knew_who_would_take_the_product_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(lake_of(tmp_path, {"fees_year": [float(name in TAKERS) for name in CUSTOMERS]})) == 1
    assert "leaking: fees_year" in capsys.readouterr().out


def test_a_lake_without_features_is_no_success(tmp_path: Path) -> None:
    assert main(str(tmp_path)) == 1
