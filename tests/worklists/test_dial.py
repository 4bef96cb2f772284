"""The budget dial and what other channels get: literal rows, answers counted by hand."""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import Any

import pytest

from conf import Settings
from conf.settings import Worklists
from worklists.delivery import alert_lines
from worklists.dial import cuts, dial_text

D = date(2026, 6, 15)


def test_precision_moves_from_the_expectation_to_the_banks_own_record() -> None:
    alerts = [
        {"type": "early_withdrawal", "priority": 95, "flow_ids": ["h"]},
        {"type": "abnormal_withdrawal", "priority": 60, "flow_ids": ["f", "g"]},
        {"type": "abnormal_withdrawal", "priority": 25, "flow_ids": ["i"]},
    ]
    answered = [{"type": "abnormal_withdrawal", "status": "false_alarm"}] * 6 + [
        {"type": "abnormal_withdrawal", "status": "accepted"}] * 4 + [{"type": "abnormal_withdrawal", "status": "expired"}] * 50
    found = {cut.priority: cut for cut in cuts(alerts, answered, {"f": 0.4, "g": 0.2, "i": 0.5}, 6000, 2, Worklists())}
    by_hand = [0.95, (10 * 0.8 + 4) / 20, (10 * 0.5 + 4) / 20]
    assert (found[0].alerts, found[30].alerts, found[90].alerts) == (3, 2, 1)
    assert found[0].precision == pytest.approx(sum(by_hand) / 3)
    assert found[30].precision == pytest.approx(sum(by_hand[:2]) / 2)
    assert found[30].false_alarms == pytest.approx(1 - sum(by_hand[:2]) / 2)
    assert (found[0].per_1000_customers, found[0].per_rm_hour) == pytest.approx((0.5, 0.75))  # two RMs with two hours each
    text = dial_text(found.values(), 20)
    assert text.splitlines()[3].endswith("◀ min_priority")
    assert cuts([], [], {}, 0, 0, Worklists())[0].precision is None


def alert(name: str, **other: Any) -> dict[str, Any]:
    offer = {"offer_id": "mortgage", "name": "Mortgage", "probability": 0.1, "expected_value": 9.0, "reason": "Say."}
    return {"alert_id": name, "customer_id": f"of {name}", "relationship_manager_id": "RM1", "type": "life_event", "raised_on": D,
            "expires_on": D + timedelta(days=7), "priority": 50, "severity": "low", "headline": "Family banking review", "reason": "r",
            "evidence": [], "offers": [offer], "status": "open", "suppressed_by": None, "snoozed_until": None, "closed_on": None,
            "control_group": False, "changed_on": D, "change": None, "matter": "life_event|new_parent|infant|2026",
            "flow_ids": []} | other  # fmt: skip


def test_other_channels_get_what_is_listed_and_once_what_left(settings: Settings) -> None:
    gone, held = {"closed_on": D}, {"status": "suppressed"}
    rows = [
        alert("open", expires_on=D + timedelta(days=3)), alert("branch", relationship_manager_id=None, status="contacted"),
        alert("closed by a case", **held, **gone, suppressed_by="restriction", change="Closed"),
        alert("never told", **held, suppressed_by="restriction"),
        alert("by lot", **held, suppressed_by="control_group", control_group=True),
        alert("left yesterday", **held, closed_on=D - timedelta(days=1), changed_on=D - timedelta(days=1)),
        alert("asleep", status="snoozed", snoozed_until=D + timedelta(days=9), changed_on=D - timedelta(days=3)),
        alert("accepted", status="accepted", **gone),
    ]  # fmt: skip
    deputies = settings.worklists.model_copy(update={"deputies": {"RM1": "RM9"}})
    content = alert_lines(rows, settings.model_copy(update={"worklists": deputies}), D)
    lines = {line["alert_id"]: line for line in map(json.loads, content.splitlines())}
    assert {name: (line["status"], line["owner"]) for name, line in lines.items()} == {
        "accepted": ("accepted", "RM9"), "branch": ("contacted", "branch"), "closed by a case": ("withdrawn", "RM9"),
        "open": ("open", "RM9")}
    assert list(lines) == sorted(lines)
    assert lines["open"]["last_day"] == "2026-06-17"
    assert lines["open"]["offers"][0]["offer_id"] == "mortgage"
    assert set(lines["closed by a case"]) == {"schema", "alert_id", "customer_id", "owner", "status", "business_date"}
    assert b"new_parent" not in content
    assert b"restriction" not in content
