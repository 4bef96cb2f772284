"""Worklists from tables: who gets which call, what each file holds, and that no book leaks into another's files."""

from __future__ import annotations

import hashlib
import io
import json
import stat
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import openpyxl
import pytest

from conf import ExitCode, KehuError, Settings
from jobs import export
from jobs.context import Job, Places
from jobs.export_facts import customer_facts
from jobs.published import file_stem, publish
from tables.arrow import read_arrow
from tests.literal_worklist import literal_worklist
from tests.small_lake import laid_down
from worklists.customer import customer_pictures

DAY = date(2026, 11, 24)
# Whose book, the customer's number, priority, status and what else is different; the token names the book in every text.
ALERTS = (
    ("RM-1", 1, 90, {}),
    ("RM-1", 2, 70, {"status": "contacted"}),
    ("RM-1", 3, 60, {"type": "life_event"}),
    ("RM-1", 4, 50, {}),
    ("RM-1", 5, 40, {}),
    ("RM-2", 6, 80, {}),
    ("RM-2", 7, 30, {"control_group": True}),
    ("RM-2", 8, 30, {"snoozed_until": date(2026, 11, 25), "status": "open"}),
    ("RM-2", 9, 30, {"expires_on": DAY}),
    ("RM-2", 10, 30, {"raised_on": date(2026, 11, 25)}),
    ("RM-2", 11, 30, {"status": "suppressed"}),
    ("RM-AWAY", 12, 85, {}),
    (None, 13, 20, {}),
)


@pytest.fixture(scope="module")
def job(spark: Any, settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Job:
    """A lake with the alerts above; two calls a day, one visible below the line, one RM on leave."""
    root = tmp_path_factory.mktemp("export")
    lists = settings.worklists.model_copy(update={"calls_per_day": 2, "below_line": 2, "deputies": {"RM-AWAY": "RM-2"}})
    of_two = settings.model_copy(update={"worklists": lists})
    job = Job(of_two, Places(root / "landing", root / "lake", root / "worklists"), spark, DAY, "export")
    laid_down(job, "alerts", [_alert(*alert) for alert in ALERTS])
    laid_down(job, "customers", [_customer(book, number) for book, number, *_ in ALERTS])
    laid_down(job, "accounts", [_account(book, number) for book, number, *_ in ALERTS])
    laid_down(job, "daily_flows", [
        {"recorded_on": DAY, "customer_id": "C1", "business_date": date(2026, month, 3), "direction": direction,
         "amount": Decimal(amount)}
        for month, direction, amount in ((10, "credit", 9000), (10, "debit", 8000), (11, "debit", 480000))
    ])
    laid_down(job, "abnormal_flows", [
        {"flow_id": "F1", "customer_id": "C1", "kind": "withdrawal", "business_date": date(2026, 11, 3),
         "amount": Decimal(480000), "detected_on": DAY}])
    laid_down(job, "restrictions", [
        {"customer_id": "C2", "kind": "aml_case", "valid_from": date(2026, 11, 1), "business_date": date(2026, 11, 1),
         "recorded_on": date(2026, 11, 1)}])
    laid_down(job, "outcomes", [
        {"alert_id": "AL-0001", "recorded_at": datetime(2026, 11, 20, 18), "relationship_manager_id": "RM-1", "outcome": "not_reached",
         "note": "only after six", "business_date": date(2026, 11, 21), "recorded_on": date(2026, 11, 21)}])
    laid_down(job, "transactions", [
        {"transaction_id": f"T{number}", "account_id": "TOKEN-RM-1-A1", "booked_at": datetime(2026, 11, 20, 9),
         "business_date": date(2026, 11, 20), "recorded_on": date(2026, 11, 20), "amount": Decimal(100), "currency": "CNY",
         "direction": "credit", "type": "transfer", "balance_after": Decimal(number * 100)} for number in (9, 10)])
    return job


def test_everybody_gets_their_own_calls_in_order_and_nobody_elses(job: Job) -> None:
    counts = export.run(job)

    at = job.worklists / "2026-11-24"
    told = json.loads((at / "manifest.json").read_text())
    assert counts["rows_in"] == 8
    assert (counts["rows_out"], counts["below_line"], counts["waiting"]) == (7, 2, 1)
    assert told["counts"] == {"alerts": 8, "calls": 7, "above_line": 5, "below_line": 2, "waiting": 1}
    assert [entry["holder"] for entry in told["worklists"]] == ["RM-1", "RM-2", "branch"]
    assert _ids(at / "RM-1.csv") == ["AL-0001", "AL-0002", "AL-0003", "AL-0004"]
    assert _ids(at / "RM-2.csv") == ["AL-0012", "AL-0006"]  # the deputy also has the book of the RM on leave
    assert _ids(at / "branch.csv") == ["AL-0013"]

    for entry in told["files"]:
        assert hashlib.sha256((at / entry["name"]).read_bytes()).hexdigest() == entry["sha256"]
    assert {stat.S_IMODE(file.stat().st_mode) for file in at.rglob("*.*")} == {0o640}
    assert {stat.S_IMODE(folder.stat().st_mode) for folder in (at, at / "team", at / "channels")} == {0o750}

    page = (at / "RM-1.html").read_text()
    assert "480k" in page
    assert "only after six" in page
    assert "aml" not in page.lower()
    assert "diapers" not in page
    for file in at.glob("RM-*"):
        other = b"TOKEN-RM-2" if file.stem == "RM-1" else b"TOKEN-RM-1"
        for content in _contents(file):
            assert other not in content, file.name

    lines = [json.loads(line) for line in (at / "channels" / "alerts.jsonl").read_text().splitlines()]
    stored = read_arrow(job.places.lake, "deliveries").to_pylist()
    assert [(line["holder"], line["alert_id"]) for line in lines][:2] == [("RM-1", "AL-0001"), ("RM-1", "AL-0002")]
    assert {(row["holder"], row["alert_id"]) for row in stored} == {(line["holder"], line["alert_id"]) for line in lines}
    assert b"TOKEN" not in (at / "team" / "managers.html").read_bytes()
    assert "Coming up" in page  # a deposit that matures next week
    assert page.count("C2<") == 1  # on the list, but under a restriction: not among what is coming up

    before = {file.name: file.read_bytes() for file in at.rglob("*.*")}
    export.run(job)
    assert {file.name: file.read_bytes() for file in at.rglob("*.*")} == before


def test_dates_beside_a_call_are_the_banks_and_balances_those_after_the_last_booking(job: Job) -> None:
    facts = customer_facts(job, job.spark.createDataFrame([("C1",)], "customer_id string"))
    shown = customer_pictures(facts, DAY)["C1"]

    assert [contact.on for contact in shown.contacts] == [date(2026, 11, 21)]  # at two in the morning there, still the 20th in UTC
    assert [account.balance for account in shown.accounts if account.account_id == "TOKEN-RM-1-A1"] == [Decimal(1000)]  # of T10, not of T9


def test_a_day_without_alerts_is_a_success(job: Job) -> None:
    counts = export.run(Job(job.settings, job.places, job.spark, date(2026, 1, 5), "export"))

    assert (counts["rows_in"], counts["worklists"]) == (0, 0)
    assert sorted(file.name for file in (job.worklists / "2026-01-05").iterdir()) == ["channels", "manifest.json", "team"]


def test_nothing_is_published_when_counts_disagree(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "on_the_lists", lambda alerts, *_: alerts.limit(0))
    other_day = Job(job.settings, job.places, job.spark, date(2026, 11, 23), "export")

    with pytest.raises(KehuError, match="nothing was published") as refused:
        export.run(other_day)

    assert refused.value.code == ExitCode.CHECK_FAILED
    assert not (job.worklists / "2026-11-23").exists()


@pytest.mark.parametrize(
    ("changed", "before", "told"),
    [
        ({"breaker_days_of_work": 1}, (), "10 alerts were raised on 2026-11-23 for 3 who call 2 a day"),
        ({"breaker_ratio": 2}, (3, 4, 4, 5, 6), "10 alerts were raised on 2026-11-23, 4 are usual"),
        ({"breaker_ratio": 2}, (5, 5, 5, 5, 5), None),
        ({"breaker_ratio": 2}, (1, 1, 1, 1), None),  # too few days to know what is usual
        ({"breaker_min_alerts": 10, "breaker_ratio": 2}, (1, 1, 1, 1, 1), None),
    ],
)
def test_a_day_far_from_usual_is_not_published(
    job: Job, monkeypatch: pytest.MonkeyPatch, changed: dict[str, Any], before: tuple[int, ...], told: str | None
) -> None:
    lists = job.settings.worklists.model_copy(update={"breaker_min_alerts": 0} | changed)
    other = Job(job.settings.model_copy(update={"worklists": lists}), job.places, job.spark, date(2026, 11, 23), "export")
    days = [{"raised_on": date(2026, 11, 1 + n), "alerts": count} for n, count in enumerate(before)]
    counted = [{"raised_on": other.day, "alerts": 10}, *days]
    monkeypatch.setattr(export, "new_alerts", lambda *_: None)
    monkeypatch.setattr(export, "rows", lambda _: counted)

    if told is None:
        return export._require_usual_volume(other, job.lake.read("alerts"))
    with pytest.raises(KehuError, match=told) as refused:
        export._require_usual_volume(other, job.lake.read("alerts"))
    assert refused.value.code == ExitCode.CHECK_FAILED
    return None


def test_many_lists_are_rendered_beside_each_other_to_the_same_bytes(settings: Settings) -> None:
    lists = [replace(literal_worklist(), holder=f"RM-{number}") for number in range(export.MANY)]
    alone = {name: content for each in lists for name, content in export._files(each, settings)}
    assert len(alone) == 3 * export.MANY
    assert export._rendered(lists, settings) == alone


def test_a_weekly_digest_is_usual_on_its_day() -> None:
    raised = {date(2026, 11, n): 100 if date(2026, 11, n).weekday() == 0 else 10 for n in range(2, 22)}  # Mondays bring a hundred

    assert export._usual(raised, date(2026, 11, 23)) == 100
    assert export._usual(raised, date(2026, 11, 24)) == 10
    assert export._usual({date(2026, 11, 20): 9}, date(2026, 11, 23)) is None


def test_a_killed_run_leaves_the_former_files_and_the_next_one_replaces_them(places: Places) -> None:
    target = places.worklists / "2026-11-24"
    publish(target, {"a.csv": b"1"}, {})
    (places.worklists / ".2026-11-24.new").mkdir()
    (places.worklists / ".2026-11-24.new" / "half.csv").write_bytes(b"ha")

    publish(target, {"b.csv": b"2"}, {})

    assert sorted(file.name for file in target.iterdir()) == ["b.csv", "manifest.json"]
    assert [entry.name for entry in places.worklists.iterdir()] == ["2026-11-24"]


@pytest.mark.parametrize("holder", ["../RM-1", "..", ".hidden", "a/b", "张伟", "", "x" * 300, "-rf", "a\x00b"])
def test_no_name_of_a_relationship_manager_leads_out_of_the_directory(holder: str) -> None:
    assert file_stem(holder).startswith("_")
    assert "/" not in file_stem(holder)
    assert file_stem("RM-017") == "RM-017"


def _ids(file: Any) -> list[str]:
    return [line.split(",")[0] for line in file.read_text(encoding="utf-8-sig").splitlines()[1:]]


def _contents(file: Any) -> list[bytes]:
    """A file's bytes; of a workbook also what its sheets say, which the zip hides."""
    if file.suffix != ".xlsx":
        return [file.read_bytes()]
    book = openpyxl.load_workbook(io.BytesIO(file.read_bytes()))
    return [file.read_bytes(), *(str(cell.value).encode() for sheet in book for row in sheet for cell in row)]


def _alert(book: str | None, number: int, priority: int, changed: dict[str, Any]) -> dict[str, Any]:
    token = f"TOKEN-{'RM-2' if book == 'RM-AWAY' else book}"
    return {
        "alert_id": f"AL-{number:04d}", "customer_id": f"C{number}", "relationship_manager_id": book, "type": "abnormal_withdrawal",
        "raised_on": date(2026, 11, 23), "expires_on": date(2026, 11, 30), "priority": priority, "severity": "medium",
        "headline": f"{token} moved", "reason": f"{token} reason", "status": "open", "control_group": False, "flow_ids": [f"F{number}"],
        "evidence": [("purchase", f"{token}-T", date(2026, 11, 3), Decimal(5), "diapers" if "type" in changed else token)],
        "offers": [("mortgage", f"{token} mortgage", 0.1, 100.0, "fits")], **changed,
    }


def _customer(book: str | None, number: int) -> dict[str, Any]:
    token = f"TOKEN-{'RM-2' if book == 'RM-AWAY' else book}"
    return {"customer_id": f"C{number}", "full_name": f"{token} name", "relationship_manager_id": book, "joined_on": date(2020, 1, 1),
            "marketing_consent": True, "valid_from": date(2020, 1, 1), "recorded_on": date(2020, 1, 1), "is_current": True}


def _account(book: str | None, number: int) -> dict[str, Any]:
    return {"account_id": f"TOKEN-{book}-A{number}", "customer_id": f"C{number}", "product_type": "time_deposit", "currency": "CNY",
            "principal": Decimal(5000), "opened_on": date(2020, 1, 1), "maturity_on": date(2026, 12, 1), "status": "open",
            "valid_from": date(2020, 1, 1), "recorded_on": date(2020, 1, 1), "is_current": True}
