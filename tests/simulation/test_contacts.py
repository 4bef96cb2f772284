"""Calls: causes come from the truth, uptake from its chance, and nobody calls more than the line allows."""

from __future__ import annotations

from datetime import date

from simulation import contacts
from simulation.contacts import Known, called

MONDAY, TUESDAY = date(2017, 12, 4), date(2017, 12, 5)
SURE = Known(
    {"C1": [{"kind": "withdrawal", "cause": "home_sale", "abnormal": True, "first_on": date(2017, 12, 1), "last_on": MONDAY}],
     "C2": [{"kind": "own_move", "cause": "none", "abnormal": False, "first_on": MONDAY, "last_on": MONDAY}]},
    {("C3", "mortgage"): 1.0, ("C4", "mortgage"): 0.0},
)


def alert(customer: str, kind: str, priority: int = 50, **more: object) -> dict:
    return {
        "alert_id": f"AL-{customer}", "customer_id": customer, "relationship_manager_id": "RM01", "type": kind, "raised_on": MONDAY,
        "expires_on": date(2017, 12, 20), "priority": priority, "status": "open", "control_group": False, "offers": [], **more,
    }


def said(alerts: list[dict], calls: int = 8) -> dict[str, tuple]:
    day = called(alerts, TUESDAY, SURE, {"mortgage": "mortgage"}, calls, seed=1)
    return {row["alert_id"]: (row["outcome"], row["cause"], row["offer_id"]) for row in day.outcomes.to_pylist()}


def test_causes_and_uptake_come_from_the_truth(monkeypatch) -> None:
    monkeypatch.setattr(contacts, "NOT_REACHED", 0.0)
    mortgage = [{"offer_id": "mortgage"}]
    alerts = [
        alert("C1", "abnormal_withdrawal"), alert("C2", "abnormal_withdrawal"), alert("C3", "next_best_offer", offers=mortgage),
        alert("C4", "next_best_offer", offers=mortgage), alert("C5", "early_withdrawal"),
        alert("C6", "next_best_offer", control_group=True), alert("C7", "next_best_offer", raised_on=TUESDAY),
        alert("C8", "next_best_offer", expires_on=TUESDAY), alert("C9", "next_best_offer", status="snoozed"),
    ]
    outcomes = said(alerts)
    assert outcomes.pop("AL-C4")[0] in ("declined", "contacted")
    assert outcomes == {
        "AL-C1": ("contacted", "home", None), "AL-C2": ("false_alarm", "own_transfer_missed", None),
        "AL-C3": ("accepted", None, "mortgage"), "AL-C5": ("false_alarm", "none_given", None),
    }
    day = called(alerts, TUESDAY, SURE, {"mortgage": "mortgage"}, 8, seed=1)
    assert day.agreed == [("C3", "mortgage")]
    assert day.outcomes == called(reversed(alerts), TUESDAY, SURE, {"mortgage": "mortgage"}, 8, seed=1).outcomes


def test_the_line_is_kept_from_the_top() -> None:
    alerts = [alert(f"C{n}", "abnormal_withdrawal", priority=n) for n in range(20, 30)]
    assert set(said(alerts, calls=3)) == {"AL-C29", "AL-C28", "AL-C27"}
