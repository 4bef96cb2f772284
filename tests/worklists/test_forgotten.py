"""Of a withdrawn consent nothing is left in alerts: neither the event nor an offer that only it explains."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from pyspark.sql import SparkSession

from conf import Settings
from tables import TABLES
from worklists.forgotten import without_life_events
from worklists.matters import FORGOTTEN
from worklists.sales_matters import untold_life_events

D = date(2026, 3, 31)
FLOW = "480,000 CNY went out."
CENTRE = {"offer_id": "postpartum_centre", "name": "Postpartum centre", "reason": "Say this."}  # raised by a life event only
MORTGAGE = {"offer_id": "mortgage", "name": "Mortgage", "reason": "Say that."}  # by what a payment was for, too


def rows(spark: SparkSession, table: str, given: list[dict[str, Any]]) -> Any:
    columns = TABLES[table].columns
    return spark.createDataFrame([tuple(row.get(column.name) for column in columns) for row in given], TABLES[table].ddl)


def alert(name: str, kind: str, offers: list[dict[str, Any]], reason: str = FLOW, **more: Any) -> dict[str, Any]:
    filled = [{"probability": 0.1, "expected_value": 1.0} | offer for offer in offers]
    return {"alert_id": name, "customer_id": "anna", "type": kind, "offers": filled, "reason": reason, "status": "open", "raised_on": D,
            "control_group": False, "matter": f"flows|{name}", **more}  # fmt: skip


def test_events_and_the_offers_they_explain_are_taken_out_once(spark: SparkSession, settings: Settings) -> None:
    given = [
        alert("event", "life_event", [MORTGAGE], "A review.", matter="life_event|new_parent|newborn|2026"),
        alert("flow", "abnormal_withdrawal", [CENTRE, MORTGAGE], f"{FLOW} Worth offering: Postpartum centre. Say this."),
        alert("other", "abnormal_withdrawal", [MORTGAGE], f"{FLOW} Worth offering: Mortgage. Say that."),
        alert("offer", "next_best_offer", [MORTGAGE | {"offer_id": "child_growth_fund"}]),
    ]
    found = without_life_events(rows(spark, "alerts", given), settings).localCheckpoint()
    told = {row["alert_id"]: (row["matter"], row["reason"], [each["offer_id"] for each in row["offers"]]) for row in found.collect()}
    assert told == {"event": (FORGOTTEN, "A review.", []), "flow": ("flows|flow", FLOW, ["mortgage"])}
    assert without_life_events(found, settings).isEmpty()
    assert without_life_events(rows(spark, "deliveries", given), settings).count() == 2


def test_whoever_consents_anew_is_left_in_peace_for_as_long(spark: SparkSession, settings: Settings) -> None:
    events = rows(spark, "life_events", [{"customer_id": who, "as_of": D, "event": "new_parent", "stage": stage}
                                         for who, stage in (("anna", "newborn"), ("ben", "infant"), ("carl", None))])  # fmt: skip

    def untold(days_ago: int) -> set[str]:
        told = {"anna": FORGOTTEN, "ben": "life_event|new_parent|newborn|2025", "carl": "life_event|new_parent||2025"}
        before = [alert(who, "life_event", [], customer_id=who, matter=matter, raised_on=D - timedelta(days_ago))
                  for who, matter in told.items()]  # fmt: skip
        found = untold_life_events(events, rows(spark, "alerts", before), settings.contact_policy, D)
        return {row["customer_id"] for row in found.collect()}

    assert untold(10) == {"ben"}
    assert untold(settings.contact_policy.life_event_again_days) == {"anna", "ben", "carl"}
