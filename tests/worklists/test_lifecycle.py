"""What becomes of an alert: decisions, consents, restrictions, time; and that a day run again finds nothing to do."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyspark.sql import DataFrame, SparkSession

from conf.settings import Settings
from tables import Lake
from worklists.lifecycle import before_today, changed, decided, of_today, on_somebodys_list, overtaken, superseded

D = date(2026, 6, 15)
Literal = Callable[..., DataFrame]
STANDING = pa.schema([
    ("customer_id", pa.string()), ("relationship_manager_id", pa.string()), ("marketing_consent", pa.bool_()),
    ("life_event_consent", pa.bool_()), ("barred", pa.string()),
])  # fmt: skip


def ago(days: int) -> date:
    return D - timedelta(days=days)


@pytest.fixture(scope="module")
def literal(spark: SparkSession) -> Literal:
    lake = Lake(spark, Path("/nowhere"))
    return lake.literal


def alert(name: str, **other: Any) -> dict[str, Any]:
    return {"alert_id": name, "customer_id": f"of {name}", "relationship_manager_id": "RM1", "type": "abnormal_withdrawal",
            "raised_on": ago(2), "expires_on": D + timedelta(days=5), "priority": 50, "severity": "high", "headline": "h",
            "reason": "r", "evidence": [], "offers": [], "status": "open", "control_group": False, "matter": f"flows|{name}",
            "flow_ids": [name], "changed_on": ago(2), "run_id": "run"} | other


def outcome(name: str, said: str, on: date, hour: int = 9, **other: Any) -> dict[str, Any]:
    return {"alert_id": name, "recorded_at": datetime(on.year, on.month, on.day, hour), "outcome": said, "business_date": on,
            "recorded_on": on} | other


def by_id(alerts: DataFrame, *columns: str) -> dict[str, Any]:
    found = {row["alert_id"]: tuple(row[name] for name in columns) for row in alerts.collect()}
    return {name: values[0] if len(columns) == 1 else values for name, values in found.items()}


def test_what_a_relationship_manager_decided_stands(literal: Literal, settings: Settings) -> None:
    gone = {"closed_on": ago(1)}
    alerts = literal("alerts", [
        alert("latest wins"), alert("not reached"), alert("late answer", status="expired", **gone),
        alert("closed by a case", status="suppressed", suppressed_by="restriction", **gone),
        alert("never told", status="suppressed", suppressed_by="capacity"),
        alert("still held", status="suppressed", suppressed_by="complaint"),
        alert("asleep"), alert("too long"), alert("no date"), alert("awake", status="snoozed", snoozed_until=D),
        alert("tomorrow's"), alert("replaced", status="superseded", **gone),
    ])  # fmt: skip
    outcomes = literal("outcomes", [
        outcome("latest wins", "declined", ago(1), 15), outcome("latest wins", "contacted", ago(1), 9),
        outcome("not reached", "contacted", ago(1), 9), outcome("not reached", "not_reached", ago(1), 15),
        outcome("late answer", "accepted", D), outcome("closed by a case", "contacted", ago(2)),
        outcome("never told", "accepted", D), outcome("asleep", "snoozed", ago(1), snooze_until=D + timedelta(days=9)),
        outcome("no date", "snoozed", ago(1)), outcome("too long", "snoozed", ago(1), snooze_until=D + timedelta(days=999)),
        outcome("awake", "snoozed", ago(1), snooze_until=D), outcome("replaced", "snoozed", ago(1), snooze_until=D),
        outcome("tomorrow's", "accepted", D + timedelta(days=1)),
    ])  # fmt: skip
    after = decided(alerts, outcomes, settings, D)
    rules = by_id(after, "suppressed_by")
    assert (rules["never told"], rules["closed by a case"], rules["still held"]) == ("capacity", "restriction", "complaint")
    assert by_id(after.where("alert_id <> 'still held'"), "status", "closed_on", "snoozed_until", "expires_on") == {
        "latest wins": ("declined", ago(1), None, D + timedelta(days=5)),
        "not reached": ("contacted", None, None, D + timedelta(days=5)),  # the newest that says anything
        "late answer": ("accepted", D, None, D + timedelta(days=5)),
        "closed by a case": ("contacted", ago(1), None, D + timedelta(days=5)),
        "never told": ("suppressed", None, None, D + timedelta(days=5)),
        "asleep": ("snoozed", None, D + timedelta(days=9), D + timedelta(days=16)),
        "no date": ("snoozed", None, D + timedelta(days=6), D + timedelta(days=13)),
        "too long": ("snoozed", None, D + timedelta(days=179), D + timedelta(days=186)),
        "awake": ("open", None, D, D + timedelta(days=7)),
        "tomorrow's": ("open", None, None, D + timedelta(days=5)),
        "replaced": ("superseded", ago(1), None, D + timedelta(days=5)),
    }
    assert by_id(after, "change")["awake"] == "Put off until 15 Jun 2026, now due again."
    assert changed(decided(after, outcomes, settings, D), after, D).count() == 0


def test_consents_restrictions_and_time_close_what_is_live(spark: SparkSession, literal: Literal, settings: Settings) -> None:
    rows = [
        alert("barred"), alert("contacted and barred", status="contacted"), alert("accepted and barred", status="accepted"),
        alert("sales without consent", type="next_best_offer"), alert("flow without consent"),
        alert("life without consent", type="life_event", status="snoozed", snoozed_until=D + timedelta(days=3)),
        alert("over", expires_on=D), alert("contacted and over", status="contacted", expires_on=D), alert("moved book"),
        alert("unknown customer", customer_id="?"), alert("fine"),
    ]  # fmt: skip
    stand = [{"customer_id": row["customer_id"], "relationship_manager_id": "RM1", "marketing_consent": True,
              "life_event_consent": True, "barred": None} for row in rows if row["customer_id"] != "?"]  # fmt: skip
    for row in stand:
        who = row["customer_id"]
        if "and barred" in who or who == "of barred":
            row["barred"] = "restriction"
        if "without consent" in who:
            row |= {"marketing_consent": "life" in who, "life_event_consent": False}
        if who == "of moved book":
            row["relationship_manager_id"] = "RM2"
    standing = spark.createDataFrame(pa.Table.from_pylist(stand, STANDING))
    alerts = literal("alerts", rows)
    after = overtaken(alerts, standing, settings, D)
    assert by_id(after, "status", "suppressed_by", "closed_on") == {
        "barred": ("suppressed", "restriction", D),
        "contacted and barred": ("contacted", "restriction", D),
        "accepted and barred": ("accepted", None, None),
        "sales without consent": ("suppressed", "no_marketing_consent", D),
        "flow without consent": ("open", None, None),
        "life without consent": ("suppressed", "no_life_event_consent", D),
        "over": ("expired", None, D),
        "contacted and over": ("contacted", None, None),
        "moved book": ("open", None, None),
        "unknown customer": ("open", None, None),
        "fine": ("open", None, None),
    }
    assert by_id(after, "relationship_manager_id")["moved book"] == "RM2"
    assert by_id(after, "expires_on")["contacted and barred"] == D  # leaves the worklists
    assert by_id(after, "change")["barred"] == "Closed on 15 Jun 2026: the customer is not to be contacted for now."
    listed = by_id(after.withColumn("_history", after.control_group).where(on_somebodys_list(D)), "status")
    assert set(listed) == {"flow without consent", "moved book", "unknown customer", "fine"}


def test_a_stronger_matter_takes_the_place_and_running_again_changes_nothing(literal: Literal, settings: Settings) -> None:
    old = alert("offer", customer_id="anna", type="next_best_offer", flow_ids=[])
    kept = alert("other flow", customer_id="ben")
    new = alert("flow", customer_id="anna", raised_on=D, changed_on=D)
    held = alert("held", customer_id="ben", raised_on=D, changed_on=D, status="suppressed", type="account_closure")
    stored = literal("alerts", [old, kept])
    today = literal("alerts", [new, held])
    after = superseded(before_today(stored, D), today, settings, D).drop("_history")
    assert by_id(after, "status", "closed_on") == {"offer": ("superseded", D), "other flow": ("open", None)}
    assert by_id(after, "change")["offer"] == "On 15 Jun 2026 a newer alert took its place: flow."
    written = changed(after.unionByName(today), stored, D)
    assert by_id(written, "changed_on") == {"offer": D, "flow": D, "held": D}

    stored_now = written.unionByName(stored.where("alert_id = 'other flow'"))
    again = superseded(before_today(stored_now, D), today, settings, D).drop("_history")
    assert changed(again.unionByName(today), stored_now, D).count() == 0
    assert changed(again.unionByName(today).replace("open", "expired", subset=["status"]), stored_now, ago(3)).count() == 0  # history


def test_of_an_earlier_run_of_the_day_answers_stay_and_what_is_gone_is_retracted(literal: Literal, settings: Settings) -> None:
    stored = literal("alerts", [
        alert("answered", raised_on=D, status="contacted"), alert("gone", raised_on=D),
        alert("held on", status="suppressed", suppressed_by="capacity"), alert("released", status="suppressed", suppressed_by="capacity"),
        alert("held otherwise", status="suppressed", suppressed_by="capacity"),
    ])  # fmt: skip
    found = literal("alerts", [
        alert("answered", raised_on=D, priority=99), alert("released", raised_on=D),
        alert("held on", raised_on=D, status="suppressed", suppressed_by="capacity"),
        alert("held otherwise", raised_on=D, status="suppressed", suppressed_by="contact_fatigue"),
    ])  # fmt: skip
    rows = of_today(found, stored, settings, D)
    assert by_id(rows, "status", "suppressed_by", "priority") == {
        "answered": ("contacted", None, 50),
        "gone": ("retracted", None, 50),
        "released": ("open", None, 50),
        "held otherwise": ("suppressed", "contact_fatigue", 50),
    }
