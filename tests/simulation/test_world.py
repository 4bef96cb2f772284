"""A generated world keeps its books: same seed same bytes, balances add up, the truth speaks of rows that exist."""

from __future__ import annotations

import gzip
import hashlib
import json
from datetime import date
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from conf import ExitCode, KehuError
from jobs.simulate import simulated
from tests.simulation.feeds import beyond_contract, delivered


def written(root: Path, seed: int = 5) -> Path:
    simulated(str(root), customers=250, days=70, seed=seed, progress=[].append)
    return root


def bytes_of(root: Path) -> dict[str, str]:
    return {str(file.relative_to(root)): hashlib.sha256(file.read_bytes()).hexdigest()
            for file in sorted(root.rglob("*")) if file.is_file()}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="module")
def booked(world: Path) -> pd.DataFrame:
    """Every transaction once, spoilt copies left out, in the order of booking, amounts in signed cents."""
    rows = delivered(world / "landing", "transactions")
    rows = rows[~rows["transaction_id"].str.contains("X")].drop_duplicates("transaction_id").sort_values("transaction_id")
    cents = (rows["amount"].astype(float) * 100).round().astype(int)
    after = (rows["balance_after"].astype(float) * 100).round().astype(int)
    return rows.assign(cents=cents.where(rows["direction"] == "credit", -cents), after=after)


def test_same_seed_same_bytes_and_another_seed_another_world(world: Path, tmp_path: Path) -> None:
    again, other = written(tmp_path / "again"), written(tmp_path / "other", seed=6)
    assert bytes_of(again) == bytes_of(world)
    assert bytes_of(other) != bytes_of(world)
    with pytest.raises(KehuError) as refused:
        written(world)
    assert refused.value.code == ExitCode.USAGE


def test_feeds_obey_the_contract(world: Path) -> None:
    assert beyond_contract(world / "landing") == []
    feeds = {folder.name for folder in (world / "landing").iterdir()}
    assert feeds == {"customers", "accounts", "transactions", "holdings", "purchases", "fx_rates", "restrictions"}


def test_balances_follow_from_one_another(booked: pd.DataFrame) -> None:
    before = booked.groupby("account_id")["after"].shift()
    known = before.notna()
    assert known.sum() > 5000
    assert (before[known] + booked["cents"][known] == booked["after"][known]).all()


def test_transfers_within_the_bank_have_two_legs_that_net(booked: pd.DataFrame) -> None:
    inside = booked[booked["counterparty"].str.fullmatch(r"A\d{8}") & (booked["type"] != "other")]
    mirrored = inside.assign(account_id=inside["counterparty"], counterparty=inside["account_id"], cents=-inside["cents"])
    leg = ["account_id", "counterparty", "booked_at", "cents", "type"]
    assert len(inside) > 1000
    pd.testing.assert_frame_equal(
        inside[leg].sort_values(leg, ignore_index=True), mirrored[leg].sort_values(leg, ignore_index=True))


def test_lines_lie_between_opening_and_closing_of_known_accounts(world: Path, booked: pd.DataFrame) -> None:
    accounts = delivered(world / "landing", "accounts").drop_duplicates("account_id", keep="last").set_index("account_id")
    customers = set(delivered(world / "landing", "customers")["customer_id"])
    assert set(accounts["customer_id"]) <= customers
    mine = accounts.loc[booked["account_id"]]
    day = booked["booked_at"].str[:10].to_numpy()
    assert (mine["opened_on"].to_numpy() <= day).all()
    closed = mine["closed_on"].to_numpy()
    assert ((closed == "") | (closed >= day)).all()


def test_truth_speaks_of_transactions_that_exist(world: Path, booked: pd.DataFrame) -> None:
    events = pq.read_table(world / "TRUTH" / "events.parquet").to_pandas()
    amounts = booked.set_index("transaction_id")["cents"].abs()
    accounts = booked.set_index("transaction_id")["account_id"]
    planted = events[~events["organic"] & events["abnormal"]]
    assert set(planted["kind"]) >= {"withdrawal", "deposit", "early_withdrawal", "closure", "drained", "split_withdrawal"}
    for event in events.itertuples():
        own = [name for name in event.transaction_ids if accounts[name] == event.account_id]
        assert event.cents == sum(amounts[name] for name in own)
    assert (planted["first_on"] >= date(2025, 1, 1)).all()
    chances = pq.read_table(world / "TRUTH" / "uptake" / "as_of=2025-02-01.parquet").to_pandas()
    assert (chances["with_contact"] > chances["without_contact"]).all()
    assert chances["with_contact"].between(0, 1).all()


def test_every_dirty_row_is_in_the_truth_and_no_control_file_lies(world: Path) -> None:
    rows = delivered(world / "landing", "transactions")
    told = pd.DataFrame(json.loads((world / "TRUTH" / "dirt.json").read_text()))
    twice = rows[rows.duplicated("transaction_id")]
    assert sorted(twice["transaction_id"]) == sorted(told.query("fault == 'duplicate'")["transaction_id"])
    spoilt = rows[rows["transaction_id"].str.contains("X")]["transaction_id"]
    assert sorted(spoilt) == sorted(told.query("fault in ('bad_amount', 'unknown_account', 'no_amount')")["transaction_id"])
    late = rows[rows["booked_at"].str[:10] < rows["dt"]]
    late = late[late["dt"] > late["dt"].min()]
    assert set(told.query("fault == 'late'")["transaction_id"]) == set(late["transaction_id"])
    for control in (world / "landing").rglob("*.ctl.json"):
        content = control.with_name(control.name.removesuffix(".ctl.json")).read_bytes()
        said = json.loads(control.read_text())
        assert said["bytes"] == len(content)
        assert said["sha256"] == hashlib.sha256(content).hexdigest()
        assert said["rows"] == gzip.decompress(content).count(b"\n") - 1
