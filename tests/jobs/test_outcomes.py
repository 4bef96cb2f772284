"""Worklists taken back by the job, and an alert explained: a tiny lake, one file after another."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from conf import ExitCode, KehuError, Settings
from jobs.context import Job, Places
from jobs.explain import explained
from jobs.outcomes import take
from tests.literal_worklist import an_id

D = date(2026, 6, 15)


A, B = an_id("23456789ABCD"), an_id("ZZZZZZZZZZZZ")


def alert(name: str, **other: Any) -> dict[str, Any]:
    return {"alert_id": name, "customer_id": f"of {name}", "relationship_manager_id": "RM1", "type": "abnormal_withdrawal",
            "raised_on": D, "expires_on": date(2026, 6, 22), "priority": 50, "severity": "high", "headline": "60,000 CNY went out",
            "reason": "Because.", "evidence": [], "offers": [], "status": "open", "control_group": False, "matter": f"flows|{name}",
            "flow_ids": ["f1"], "changed_on": D, "run_id": "alert-1"} | other


@pytest.fixture
def job(spark: SparkSession, settings: Settings, places: Places) -> Job:
    """A day on which two alerts were raised, one of them with a flow of two transactions, one of which was corrected since."""
    job = Job(settings, places, spark, D, "outcomes")
    offers = [{"offer_id": "mortgage", "name": "Mortgage", "probability": 0.1, "expected_value": 100.0, "reason": "Say this."}]
    job.lake.append("alerts", job.lake.literal("alerts", [alert(A), alert(B, offers=offers, model_version="mortgage/1", flow_ids=[])]))
    job.lake.append("abnormal_flows", job.lake.literal("abnormal_flows", [
        {"flow_id": "f1", "customer_id": f"of {A}", "business_date": D, "kind": "withdrawal", "window_days": 1,
         "transaction_ids": ["T1", "T2"], "netted_ids": ["T3"], "amount": Decimal(60_000), "usual_amount": Decimal(900),
         "return_period_years": 20.0,
         "p_value": 0.001, "q_value": 0.05, "observations": 50, "peer_group": "all customers", "peer_weight": 0.167,
         "detected_on": D}]))  # fmt: skip
    common = {"account_id": "A1", "currency": "CNY", "direction": "debit", "type": "transfer", "channel": "mobile",
              "business_date": D, "recorded_on": D, "source_file": "transactions/dt=2026-06-15/a.csv"}  # fmt: skip
    job.lake.append("transactions", job.lake.literal("transactions", [
        common | {"transaction_id": "T1", "amount": Decimal(50_000)}, common | {"transaction_id": "T2", "amount": Decimal(9_000)},
        common | {"transaction_id": "T3", "amount": Decimal(70_000)}]))
    return job


def test_answers_come_back_whole_or_not_at_all(job: Job, tmp_path: Path) -> None:
    header = "alert_id,outcome,cause,offer_id,snooze_until,note,recorded_at,relationship_manager_id\n"
    good, bad = tmp_path / "RM1.csv", tmp_path / "RM2.csv"
    good.write_text(header + f"{A},accepted,home,,,said \"yes\",2026-06-16T10:00:00+08:00,RM1\n{B},,,,,,,RM1\n", encoding="utf-8-sig")
    bad.write_text(header + f"{B},declined,,,,,,RM1\n{A},declined,,,,,,RM7\nAL-NONSENSE,declined,,,,,,RM1\n")
    with pytest.raises(KehuError) as refused:
        take(job, [str(bad), str(good)])
    assert refused.value.code == ExitCode.REJECTED
    assert str(refused.value) == (
        "RM2.csv line 3: OUTCOME_NOT_OWNER: the alert is from another book; "
        "line 4: OUTCOME_ID: no alert that was given out has this id; nothing of it was taken"
    )
    alerts = {row["alert_id"]: row for row in job.lake.read("alerts").collect()}
    assert (alerts[A]["status"], alerts[A]["closed_on"], alerts[B]["status"]) == ("accepted", D, "open")
    outcomes = job.lake.read("outcomes").collect()
    assert [(row["outcome"], row["cause"], row["recorded_at"], row["recorded_on"]) for row in outcomes] == [
        ("accepted", "home", datetime(2026, 6, 16, 2), D)]
    assert len(list((job.landing / "outcomes" / f"dt={D}").glob("*.csv"))) == 1

    before = job.lake.versions()
    again = take(job, [str(good)])
    assert (again["rows_out"], again["already_known"], again["empty"]) == (0, 1, 1)
    assert job.lake.versions() == before

    told = explained(job.settings, job.places, A.lower())
    assert f"{A}  abnormal_withdrawal  accepted" in told
    assert "60,000 CNY went out" in told
    roles = {line.split()[-2]: line.split()[0] for line in told.splitlines() if line.startswith(("  counted", "  netted"))}
    assert roles == {"T1": "counted", "T2": "counted", "T3": "netted"}
    assert "open, priority 50, run alert-1" in told
    assert "version" in told.split("History")[1]
    assert "accepted, priority 50" in told.split("History")[1]
    assert "Recomputed: different\n  flow f1: its rows add up to 59,000.00, told was 60,000.00" in told
    assert "its score is no longer kept" in explained(job.settings, job.places, B)
    with pytest.raises(KehuError, match="typing error") as mistyped:
        explained(job.settings, job.places, "AL-XXX-1")
    assert mistyped.value.code == ExitCode.USAGE
    with pytest.raises(KehuError, match="no alert") as unknown:
        explained(job.settings, job.places, an_id("QQQQQQQQQQQQ"))
    assert unknown.value.code == ExitCode.REJECTED
