"""A whole day on real tables: what other systems and notebooks rely on is there, and a second run changes nothing."""

from __future__ import annotations

import hashlib
import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from deltalake import DeltaTable

from features.as_of import LARGEST
from jobs.backfill import backfill
from jobs.context import Places, declared, opened
from jobs.doctor import examined
from jobs.ledger import last_day
from jobs.run import DAY, whole_day
from jobs.status import told
from notebooks.execute import HERE, executed

PROMISED = {  # what the contract says others rely on, beside the feeds' own columns
    "customers": "customer_id valid_from valid_to is_current", "accounts": "account_id valid_from valid_to is_current",
    "transactions": "transaction_id business_date source_file run_id", "purchases": "order_id line_no business_date source_file run_id",
    "holdings": "customer_id product_id business_date source_file run_id", "fx_rates": "rate_date currency source_file run_id",
    "outcomes": "alert_id recorded_at source_file run_id", "restrictions": "customer_id kind source_file run_id",
    "quarantine": "feed business_date source_file line raw rules run_id",
    "files": "feed business_date name sha256 bytes rows accepted quarantined duplicates status reason run_id",
    "abnormal_flows": "flow_id customer_id account_id business_date kind window_days transaction_ids amount usual_amount "
                      "return_period_years p_value q_value severity reason",
    "customer_features": "customer_id as_of", "segments": "age_band income_band occupation_group preference value_band service_tier",
    "life_events": "event probability stage evidence consented",
    "offer_scores": "offer_id probability expected_value eligible blocked_by rank model_version",
    "alerts": "alert_id customer_id relationship_manager_id type raised_on expires_on priority severity headline reason evidence "
              "offers status suppressed_by control_group model_version run_id",
    "runs": "run_id job business_date started_at ended_at status rows_in rows_out table_versions code_version conf_hash",
}
OF_THE_MOMENT = {"runs"}  # the ledger says when


def rows(lake: Path, table: str) -> list[str]:
    return sorted(map(str, DeltaTable(lake / table).to_pyarrow_table().to_pylist()))


def files(place: Path) -> dict[str, str]:
    return {str(file.relative_to(place)): hashlib.sha256(file.read_bytes()).hexdigest() for file in place.rglob("*") if file.is_file()}


def test_everything_others_rely_on_is_there(small_bank, settings):
    for name, table in declared().items():
        found = DeltaTable(small_bank.lake / name).to_pyarrow_table()
        assert found.column_names == list(table.column_names)
        assert set(PROMISED.get(name, "").split()) <= set(found.column_names)
    assert len(rows(small_bank.lake, "customers")) >= 60
    runs = DeltaTable(small_bank.lake / "runs").to_pyarrow_table().to_pylist()
    assert {(run["job"], run["status"]) for run in runs} == {
        (name, "missing" if name == "score" else "done") for name, _ in DAY}, "without models the day goes on"
    assert "has a model" in next(run["message"] for run in runs if run["job"] == "score")
    page = told(settings, small_bank)
    assert "transactions" in page
    assert examined(settings, small_bank, repair=False) == "sound"


def test_a_second_run_changes_nothing(small_bank, settings):
    before = {name: rows(small_bank.lake, name) for name in declared() if name not in OF_THE_MOMENT}
    written, alerts = files(small_bank.worklists), DeltaTable(small_bank.lake / "alerts").version()
    assert written
    with opened(settings, small_bank, last_day(small_bank.lake), "run") as job:
        whole_day(job)
    assert DeltaTable(small_bank.lake / "alerts").version() == alerts, "not even a commit"
    for name, was in before.items():
        assert rows(small_bank.lake, name) == was, name
    assert files(small_bank.worklists) == written


@pytest.mark.parametrize("file", sorted(HERE.glob("[0-9]*.py")), ids=lambda file: file.stem)
def test_a_notebook_runs_and_shows_what_it_promises(small_bank, monkeypatch, tmp_path, file):
    conf = tmp_path / "conf"
    conf.mkdir()
    (conf / "kehu.yaml").write_text("spark: {master: 'local[2]', driver_memory: 1g, shuffle_partitions: 2}\n")
    monkeypatch.setenv("KEHU_LAKE", str(small_bank.lake))
    monkeypatch.setenv("KEHU_CONF", str(conf))
    cells = [cell for cell in executed(file).cells if cell.cell_type == "code"]
    shown = [output for cell in cells for output in cell.outputs]
    assert sum("image/png" in output.get("data", {}) for output in shown) == 2
    said = "".join(output["text"] for output in shown if output.output_type == "stream" and output.name == "stdout")
    assert "once in" in said
    assert "Traceback" not in said


def test_the_largest_amounts_a_feed_may_say_stop_no_day(small_bank, settings, tmp_path):
    for place in ("landing", "lake"):
        shutil.copytree(getattr(small_bank, place), tmp_path / place)
    places = Places(tmp_path / "landing", tmp_path / "lake", tmp_path / "worklists")
    day, most = last_day(places.lake) + timedelta(days=1), "9999999999999999.99"
    accounts = DeltaTable(places.lake / "accounts").to_pyarrow_table().to_pylist()
    rich = next(each for each in accounts if each["product_type"] == "current" and each["is_current"] and each["status"] == "open")
    drops = {
        "transactions": ["transaction_id,account_id,booked_at,amount,currency,direction,type,channel,balance_after", *(
            f"MOST{n},{rich['account_id']},{day}T23:5{n}:00,{most},{rich['currency']},credit,transfer,mobile,{most}" for n in range(3))],
        "purchases": ["order_id,line_no,customer_id,ordered_at,sku,category,product_name,quantity,unit_price,currency,status",
                      f"MOST,1,{rich['customer_id']},{day}T10:00:00,S1,home,Palace,3,{most},{rich['currency']},paid"],
    }
    for feed, lines in drops.items():
        drop = places.landing / feed / f"dt={day}"
        drop.mkdir(parents=True, exist_ok=True)
        (drop / "most.csv").write_text("\n".join(lines) + "\n")
    with opened(settings, places, day, "run") as job:
        whole_day(job)
    taken = DeltaTable(places.lake / "files").to_pyarrow_table(filters=[("name", "=", "most.csv")]).to_pylist()
    assert {row["feed"]: row["accepted"] for row in taken} == {"transactions": 3, "purchases": 1}
    told = DeltaTable(places.lake / "customer_features").to_pyarrow_table(filters=[("as_of", "=", day)]).to_pylist()
    (whole,) = (row for row in told if row["customer_id"] == rich["customer_id"])
    assert whole["in_amount_1d"] == 3 * LARGEST
    assert whole["largest_in_90d"] == whole["current_balance"] == LARGEST
    assert {row["customer_id"] for row in DeltaTable(places.lake / "abnormal_flows").to_pyarrow_table().to_pylist()
            if row["detected_on"] == day and row["amount"] >= LARGEST} == {rich["customer_id"]}


def test_a_backfill_skips_what_is_done_and_notifies_nobody(small_bank, settings):
    done = last_day(small_bank.lake)
    next_day = done + timedelta(days=1)
    published, told_before = files(small_bank.worklists), rows(small_bank.lake, "deliveries")
    with opened(settings, small_bank, next_day, "backfill") as job:
        assert backfill(job, done) == {"days_run": 1, "days_skipped": 1}
        assert backfill(job, done) == {"days_run": 0, "days_skipped": 2}
    ledger = DeltaTable(small_bank.lake / "runs").to_pyarrow_table().to_pylist()
    assert {run["job"] for run in ledger if run["business_date"] == next_day} == {name for name, _ in DAY} - {"export"}
    assert files(small_bank.worklists) == published
    assert rows(small_bank.lake, "deliveries") == told_before
