"""The Berka adapter on the real files, where they are: every row kept, balances in order, women told from men."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from conf import ExitCode, KehuError
from simulation.berka import LAST, LOADED, landing_feeds, made_of, real_bank
from tests.simulation.feeds import beyond_contract, delivered

DATA = Path(os.environ.get("KEHU_BERKA", Path(__file__).parents[2] / ".." / "shared" / "data" / "berka"))
needs_data = pytest.mark.skipif(
    not (DATA / "trans.csv").exists(), reason=f"the Berka files are not in {DATA}; say where with KEHU_BERKA")


@needs_data
def test_every_row_becomes_a_row() -> None:
    bank = real_bank(DATA)
    assert len(bank.customers) == 5369
    assert (bank.accounts["product_type"] == "current").sum() == 4500
    assert (bank.accounts["product_type"] == "loan").sum() == 682
    assert len(bank.transactions) == len(pd.read_csv(DATA / "trans.csv", sep=";"))
    assert bank.holdings["product_id"].value_counts()[["consumer_loan", "credit_card", "premium_card"]].sum() == 682 + 892
    first = bank.customers.set_index("customer_id").loc["C00001"]  # birth number 706213: a woman, 13 December 1970
    assert (first["birth_date"].date(), first["gender"]) == (date(1970, 12, 13), "F")


@needs_data
def test_balances_follow_from_one_another_but_for_the_files_rounding() -> None:
    rows = real_bank(DATA).transactions.sort_values(["account_id", "booked_at"])
    cents = (rows["amount"] * 100).round()
    after = (rows["balance_after"] * 100).round()
    off = (after.groupby(rows["account_id"]).shift() + cents.where(rows["direction"] == "credit", -cents) - after).abs()
    assert off.max() <= 10
    assert (off > 0).mean() < 0.05


@needs_data
def test_feeds_obey_the_contract_and_nothing_is_known_before_its_day(tmp_path: Path) -> None:
    landing_feeds(DATA, tmp_path, [].append)
    assert beyond_contract(tmp_path) == []
    transactions = delivered(tmp_path, "transactions")
    assert (transactions["booked_at"].str[:10] <= transactions["dt"]).all()
    assert transactions["dt"].min() == LOADED.isoformat()
    assert transactions["dt"].max() == LAST.isoformat()
    holdings = delivered(tmp_path, "holdings")
    assert (holdings["acquired_on"] <= holdings["dt"]).all()
    assert not holdings.duplicated(["customer_id", "product_id", "acquired_on"]).any()


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(KehuError, match=r"account\.csv is missing") as refused:
        made_of(tmp_path)
    assert refused.value.code == ExitCode.MISSING
