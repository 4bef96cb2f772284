"""Erasure is physical: no byte of ours names the customer afterwards, and everybody else's rows are what they were."""

from __future__ import annotations

import gzip
import json
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from deltalake import DeltaTable

from conf import ExitCode, KehuError
from jobs import ingest
from jobs.context import Job
from jobs.erase import erased
from jobs.ledger import last_versions
from tables.erasure import erased_hashes, is_erased, subject_hash
from tables.sound import require_sound
from tables.traces import traces

DAY = date(2024, 1, 2)
HEADER = "customer_id,joined_on,marketing_consent\n"
GONE = ("CU-1", "AC-1", "AL-1")


@pytest.fixture
def job(spark, settings, places) -> Job:
    """Two customers, CU-1 and CU-10, who paid one another; both have an alert, an outcome and a refused row."""
    job = Job(settings, places, spark, DAY, "run")
    owners = {"AC-1": "CU-1", "AC-10": "CU-10"}
    job.lake.merge("customers", job.lake.literal("customers", [
        {"customer_id": owner, "valid_from": DAY, "full_name": f"name of {owner}"} for owner in owners.values()]))
    job.lake.merge("accounts", job.lake.literal("accounts", [
        {"account_id": account, "customer_id": owner, "valid_from": DAY} for account, owner in owners.items()]))
    job.lake.merge("transactions", job.lake.literal("transactions", [
        {"transaction_id": f"T{number}", "account_id": account, "counterparty": other, "amount": Decimal(10), "business_date": DAY,
         "description": f"to {other}, {other}"}
        for number, (account, other) in enumerate([("AC-1", "AC-10"), ("AC-10", "AC-1")])]))
    job.lake.merge("alerts", job.lake.literal("alerts", [
        {"alert_id": alert, "customer_id": owner, "priority": 50, "reason": f"about {owner}"}
        for alert, owner in (("AL-1", "CU-1"), ("AL-10", "CU-10"))]))
    job.lake.merge("alerts", job.lake.literal("alerts", [{"alert_id": "AL-1", "customer_id": "CU-1", "priority": 60}]))
    job.lake.merge("outcomes", job.lake.literal("outcomes", [
        {"alert_id": alert, "recorded_at": datetime(2024, 1, 2), "outcome": "accepted"} for alert in ("AL-1", "AL-10")]))
    job.lake.merge("quarantine", job.lake.literal("quarantine", [
        {"source_file": "a.csv", "line": line, "raw": f"{owner},rubbish"} for line, owner in enumerate(owners.values())]))
    worklist = places.worklists / str(DAY)
    worklist.mkdir(parents=True)
    (worklist / "rm1.html").write_text("<td>AL-1</td>")
    (worklist / "rm2.html").write_text("<td>AL-10</td>")
    drop = places.landing / "customers" / f"dt={DAY}"
    drop.mkdir(parents=True)
    (drop / "a.csv.gz").write_bytes(gzip.compress(HEADER.encode() + b"CU-1,2020-01-01,true\n"))
    (drop / "b.csv").write_text(f"{HEADER}CU-11,2020-01-01,true\n")
    return job


def test_a_customer_is_gone_to_the_last_byte_and_nobody_else_is(job, places):
    assert traces(places.lake, GONE)
    said = erased(job, ["CU-1"])

    assert traces(places.lake, GONE) == traces(places.worklists, GONE) == []
    assert said["landing_files_to_delete"] == [f"customers/dt={DAY}/a.csv.gz"]
    assert [file.name for file in (places.worklists / str(DAY)).iterdir()] == ["rm2.html"]
    left = {name: DeltaTable(places.lake / name).to_pyarrow_table().to_pylist()
            for name in ("customers", "accounts", "transactions", "alerts", "outcomes", "quarantine")}
    assert {name: len(found) for name, found in left.items()} == dict.fromkeys(left, 1)
    assert left["transactions"][0]["counterparty"] == "erased"
    assert left["transactions"][0]["description"] == "to erased, erased"
    assert left["transactions"][0]["account_id"] == "AC-10"
    assert left["alerts"][0]["reason"] == "about CU-10"
    require_sound(places.lake, last_versions(places.lake))

    certificate = json.loads(Path(said["certificate"]).read_text())
    assert certificate["rows_deleted"] == {"accounts": 1, "alerts": 1, "customers": 1, "outcomes": 1, "quarantine": 1, "transactions": 1}
    assert certificate["files_that_still_hold_an_id"] == []
    assert set(certificate["subjects"]) == erased_hashes(places.lake) == {subject_hash(places.lake, one) for one in GONE}
    delivered = job.spark.createDataFrame([("CU-1",), ("CU-10",), (None,)], "customer_id STRING")
    again = delivered.select(is_erased(places.lake, delivered.customer_id).alias("again")).collect()
    assert [row["again"] for row in again] == [True, False, False]

    assert ingest.run(job.named("ingest"))["quarantined"] == 1, "the landing file brings nobody back"
    refused = DeltaTable(places.lake / "quarantine").to_pyarrow_table().to_pylist()
    assert [(row["rules"], row["raw"]) for row in refused if row["feed"] == "customers"] == [(["ERASED_SUBJECT"], None)]
    assert traces(places.lake, GONE) == []

    places.log.parent.mkdir(exist_ok=True)
    (places.log.parent / "kehu.log").write_text("customer=CU-1\n")
    with pytest.raises(KehuError, match=r"1 file\(s\) still hold an id; see ") as refused:
        erased(job, ["CU-1"])
    assert refused.value.code == ExitCode.CHECK_FAILED


def test_an_account_that_was_erased_is_not_known_again_by_who_pays_it(job, places):
    erased(job, ["CU-1"])
    drop = places.landing / "transactions" / f"dt={DAY}"
    drop.mkdir(parents=True)
    (drop / "again.csv").write_text(
        "transaction_id,account_id,booked_at,amount,currency,direction,type,channel,counterparty\n"
        f"T8,AC-10,{DAY}T10:00:00,10.00,CNY,debit,transfer,mobile,AC-1\nT9,AC-10,{DAY}T11:00:00,10.00,CNY,debit,transfer,mobile,AC-11\n")
    ingest.run(job.named("ingest"))
    rows = DeltaTable(places.lake / "transactions").to_pyarrow_table().to_pylist()
    assert {row["transaction_id"]: row["counterparty"] for row in rows if row["transaction_id"] in ("T8", "T9")} == {
        "T8": "erased", "T9": "AC-11"}
    assert traces(places.lake, GONE) == []


def test_what_others_are_known_by_stays_where_ids_are_plain_numbers(spark, settings, places):
    """Customer 1001 goes; 1001 is an account of customer 1002, too, and what a row that waits for its account is about."""
    job = Job(settings, places, spark, DAY, "run")
    owners = {"5001": "1001", "1001": "1002"}
    job.lake.merge("customers", job.lake.literal("customers", [{"customer_id": owner, "valid_from": DAY} for owner in owners.values()]))
    job.lake.merge("accounts", job.lake.literal("accounts", [
        {"account_id": account, "customer_id": owner, "valid_from": DAY} for account, owner in owners.items()]))
    job.lake.merge("transactions", job.lake.literal("transactions", [
        {"transaction_id": number, "account_id": account, "counterparty": other, "amount": Decimal(10), "business_date": DAY}
        for number, account, other in (("T1", "5001", None), ("T2", "1001", "5001"), ("1001", "1001", None))]))

    def waiting(line: int, account: str, other: str | None) -> dict:
        fields = {"transaction_id": f"T{line}", "account_id": account, "amount": "1001.50", "counterparty": other}
        return {"feed": "transactions", "source_file": "a.csv", "line": line, "raw": f"T{line},{account},1001.50,{other}",
                "waits_for": account, "fields": fields}

    job.lake.merge("quarantine", job.lake.literal("quarantine", [
        waiting(1, "7777", None), waiting(2, "1001", "5001"), waiting(3, "5001", "7777")]))
    with pytest.raises(KehuError, match="still hold an id"):  # the account of the same number is no other byte
        erased(job, ["1001"])

    def rows(name: str) -> list[dict]:
        return DeltaTable(places.lake / name).to_pyarrow_table().to_pylist()

    assert [(row["account_id"], row["customer_id"]) for row in rows("accounts")] == [("1001", "1002")]
    assert sorted((row["transaction_id"], row["account_id"], row["counterparty"]) for row in rows("transactions")) == [
        ("1001", "1001", None), ("T2", "1001", "erased")]
    kept = {row["line"]: (row["waits_for"], dict(row["fields"])["account_id"], dict(row["fields"])["counterparty"])
            for row in rows("quarantine")}
    assert kept == {1: ("7777", "7777", None), 2: ("1001", "1001", "erased")}
