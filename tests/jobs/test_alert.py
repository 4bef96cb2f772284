"""The alert job on a tiny lake, over several days: one alert a customer, gates, growth, outcomes, and days run twice."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pyspark.sql.functions as F
import pytest
from pyspark.sql import SparkSession

from conf import Settings
from jobs.alert import run
from jobs.context import Job, Places
from worklists.policy import in_control_group

D = date(2026, 6, 15)


def customer(name: str, **other: Any) -> dict[str, Any]:
    joined = date(2020, 1, 1)
    return {"customer_id": name, "full_name": f"Name of {name}", "relationship_manager_id": "RM1", "joined_on": joined,
            "marketing_consent": True, "life_event_consent": True, "valid_from": joined, "recorded_on": joined,
            "is_current": True} | other


def flow(name: str, who: str, kind: str, amount: int, on: date, **other: Any) -> dict[str, Any]:
    return {"flow_id": name, "customer_id": who, "account_id": f"A-{who}", "business_date": on, "kind": kind, "window_days": 1,
            "transaction_ids": [f"T-{name}"], "amount": Decimal(amount), "severity": "high", "late": False,
            "reason": f"Reason of {name}.", "detected_on": on} | other


def statistical(name: str, who: str, kind: str, amount: int, on: date, years: float = 20.0, **other: Any) -> dict[str, Any]:
    return flow(name, who, kind, amount, on, usual_amount=Decimal(900), return_period_years=years, observations=50,
                peer_group="35-44", peer_weight=0.17, **other)


def booked(found: Mapping[str, Any]) -> dict[str, Any]:
    on = found["business_date"]
    direction = "credit" if found["kind"] == "deposit" else "debit"
    return {"transaction_id": found["transaction_ids"][0], "account_id": found["account_id"], "amount": found["amount"],
            "currency": "CNY", "direction": direction, "type": "transfer", "channel": "mobile", "description": "secret words",
            "booked_at": datetime(on.year, on.month, on.day, 4), "business_date": on, "recorded_on": on}


def score(who: str, offer: str, value: float, rank: int | None, on: date, **other: Any) -> dict[str, Any]:
    return {"customer_id": who, "as_of": on, "offer_id": offer, "probability": 0.125, "expected_value": value,
            "eligible": rank is not None, "blocked_by": [], "rank": rank, "propensity": 1.0,
            "reasons": ["for: monthly income above typical"], "model_version": f"{offer}/1"} | other


def outcome(alert: str, said: str, on: date, **other: Any) -> dict[str, Any]:
    return {"alert_id": alert, "recorded_at": datetime(on.year, on.month, on.day, 9), "relationship_manager_id": "RM1",
            "outcome": said, "business_date": on, "recorded_on": on} | other


class Bank:
    """A lake with literal rows, and a run of the alert job on any day."""

    def __init__(self, spark: SparkSession, settings: Settings, places: Places) -> None:
        self.spark = spark
        policy = settings.contact_policy.model_copy(
            update={"control_share": 0.0, "offer_alerts_per_1000_customers": 200.0, "least_flow_alerts": 1})
        self.settings = settings.model_copy(update={"contact_policy": policy})
        self.places = places

    def job(self, day: date) -> Job:
        return Job(self.settings, self.places, self.spark, day, "alert")

    def add(self, table: str, given: list[Mapping[str, Any]]) -> None:
        lake = self.job(D).lake
        lake.append(table, lake.literal(table, given))

    def run(self, day: date) -> dict[str, Any]:
        return run(self.job(day))

    def version(self) -> int:
        return self.job(D).lake.versions()["alerts"]

    def alerts(self) -> dict[str, dict[str, Any]]:
        """Alerts by customer and matter's first words."""
        found = self.job(D).lake.read("alerts").collect()
        return {f"{row['customer_id']} {row['type']}": row.asDict(recursive=True) for row in found}


@pytest.fixture
def bank(spark: SparkSession, settings: Settings, places: Places) -> Bank:
    return Bank(spark, settings, places)


def test_a_week_of_alerts(bank: Bank) -> None:
    people = ["anna", "ben", "carl", "dora", "emil", "fay", "gus", "hana", "ida", "jon"]
    bank.add("customers", [customer(name) for name in people if name not in ("hana", "ida")]
             + [customer("hana", marketing_consent=False), customer("ida", relationship_manager_id=None)])
    flows = [
        flow("f1", "anna", "early_withdrawal", 60_000, D, cause=None),
        statistical("f2", "anna", "withdrawal", 60_000, D, netted_ids=["T-own", "T-f1"]),
        statistical("f3", "ben", "deposit", 200_000, D, late=True, business_date=D - timedelta(days=3)),
        statistical("f4", "carl", "withdrawal", 90_000, D),  # an open money-laundering case
        flow("f5", "dora", "closure", 0, D, transaction_ids=[]),  # a complaint
        statistical("f6", "hana", "withdrawal", 50_000, D),  # no marketing consent
        statistical("f7", "ida", "withdrawal", 45_000, D, cause="fraud_or_scam"),
        flow("f8", "jon", "income_ended", 12_300, D),
    ]
    bank.add("abnormal_flows", flows)
    bank.add("transactions", [booked(found) for found in flows[:-1] if found["transaction_ids"]]
             + [booked(flows[1]) | {"transaction_id": "T-own", "direction": "credit", "amount": Decimal(30_000)}])
    payday = D - timedelta(days=40)
    pay = booked(flows[-1]) | {"direction": "credit", "type": "salary"}
    bank.add("transactions", [pay | {"business_date": payday, "recorded_on": payday}])
    bank.add("restrictions", [
        {"customer_id": "carl", "kind": "aml_case", "valid_from": D, "business_date": D, "recorded_on": D},
        {"customer_id": "dora", "kind": "complaint", "valid_from": D - timedelta(days=90), "valid_to": D - timedelta(days=10),
         "business_date": D - timedelta(days=90), "recorded_on": D - timedelta(days=90)},
    ])
    bank.add("life_events", [{"customer_id": "emil", "as_of": D, "event": "new_parent", "probability": 0.9, "stage": "infant",
                              "consented": True, "first_evidence_on": D, "evidence": [
                                  {"category": "DIAPERS", "days": 3, "last_on": D, "log_odds": 2.9, "note": "diapers"}]}])
    scores = [
        score("anna", "deposit_renewal", 200.0, 1, D), score("anna", "mortgage", 150.0, 2, D),
        score("anna", "car_loan", 100.0, 3, D), score("anna", "credit_card", 90.0, 4, D),
        score("emil", "education_insurance", 300.0, 1, D), score("emil", "mortgage", 250.0, 2, D),
        score("fay", "mortgage", 900.0, 1, D), score("gus", "credit_card", 5.0, 1, D),
        score("hana", "mortgage", 900.0, None, D, blocked_by=["no_marketing_consent"]),
        score("ida", "deposit_renewal", 900.0, 1, D),
    ]
    bank.add("offer_scores", scores)

    said = bank.run(D)
    alerts = bank.alerts()
    assert {name: (row["status"], row["suppressed_by"]) for name, row in alerts.items()} == {
        "anna early_withdrawal": ("open", None),
        "ben abnormal_deposit": ("open", None),
        "carl abnormal_withdrawal": ("suppressed", "restriction"),
        "dora account_closure": ("suppressed", "complaint"),
        "emil life_event": ("open", None),
        "fay next_best_offer": ("open", None),
        "hana abnormal_withdrawal": ("suppressed", "capacity"),  # one statistical flow a day for ten customers
        "jon abnormal_withdrawal": ("suppressed", "capacity"),
        "ida abnormal_withdrawal": ("open", None),  # safety first: never held back by a cap
    }
    assert said["early_withdrawal"] == 1
    assert said["held back: restriction"] == 1
    assert said["rows_out"] == 9
    (calls,) = bank.job(D).lake.read("portfolios").collect()
    assert (calls["business_date"], calls["candidates"], calls["chosen"], calls["value"], calls["bound"]) == (D, 1, 1, 900.0, 900.0)
    assert (said["value_of_offers"], said["at_most"], calls["gap"], calls["prices"]) == (900, 900, 0.0, {})

    anna = alerts["anna early_withdrawal"]
    assert anna["headline"] == "60,000 CNY taken out of a time deposit before its maturity (and 1 more)"
    assert anna["reason"].startswith("Reason of f1. Reason of f2. Worth offering: Time deposit with a renewal rate.")
    assert [offer["offer_id"] for offer in anna["offers"]] == ["deposit_renewal"]
    assert anna["flow_ids"] == ["f1", "f2"]
    assert [(item["kind"], item["ref"]) for item in anna["evidence"]] == [
        ("transaction", "T-f2"), ("transaction", "T-f1"), ("netted", "T-own"), ("flow", "f1"), ("flow", "f2"), ("baseline", "f2")]
    assert (anna["evidence"][2]["amount"], anna["evidence"][2]["note"]) == (Decimal("30000.00"), "not counted: in, by mobile app")
    assert anna["evidence"][0]["amount"] == Decimal("60000.00")
    assert anna["expires_on"] == D + timedelta(days=7)
    assert anna["model_version"] == "deposit_renewal/1"
    assert "It became known only on 15 Jun 2026." in alerts["ben abnormal_deposit"]["reason"]
    assert alerts["ida abnormal_withdrawal"]["offers"] == []
    assert alerts["ida abnormal_withdrawal"]["relationship_manager_id"] is None
    jon = alerts["jon abnormal_withdrawal"]
    assert jon["headline"] == "About 12,300 CNY a month no longer comes in"
    assert [(item["kind"], item["ref"]) for item in jon["evidence"]] == [("transaction", "T-f8"), ("flow", "f8")]
    assert alerts["fay next_best_offer"]["headline"] == "Mortgage: worth a conversation now"
    emil = alerts["emil life_event"]
    assert emil["headline"] == "Family banking review"
    assert [offer["offer_id"] for offer in emil["offers"]] == ["education_insurance"]  # the mortgage is not for a family review
    shown = f"{emil['headline']} {emil['reason']} {emil['evidence']}".lower()
    assert not any(word in shown for word in ("baby", "diaper", "infant", "parent", "birth", "child"))
    everything = str(alerts).lower()
    assert "aml" not in everything
    assert "laundering" not in everything
    assert "secret words" not in everything

    # next day: more of the same, a case opened, a call made, consent taken back
    day2 = D + timedelta(days=1)
    more = [statistical("g1", "anna", "withdrawal", 80_000, day2), statistical("g2", "fay", "withdrawal", 70_000, day2)]
    bank.add("abnormal_flows", more)
    bank.add("transactions", [booked(found) for found in more])
    bank.add("restrictions", [{"customer_id": "ben", "kind": "fraud_case", "valid_from": day2, "business_date": day2,
                               "recorded_on": day2}])
    bank.add("outcomes", [outcome(alerts["ida abnormal_withdrawal"]["alert_id"], "contacted", day2)])
    bank.add("customers", [customer("emil", life_event_consent=False, valid_from=day2, recorded_on=day2)])
    bank.run(day2)
    later = bank.alerts()
    assert {name: row["status"] for name, row in later.items()} == {
        "anna early_withdrawal": "open",
        "ben abnormal_deposit": "suppressed",
        "carl abnormal_withdrawal": "suppressed",
        "dora account_closure": "suppressed",
        "emil life_event": "suppressed",
        "fay next_best_offer": "superseded",
        "fay abnormal_withdrawal": "open",
        "hana abnormal_withdrawal": "suppressed",
        "ida abnormal_withdrawal": "contacted",
        "jon abnormal_withdrawal": "suppressed",
    }
    anna2 = later["anna early_withdrawal"]
    assert anna2["alert_id"] == anna["alert_id"]
    assert anna2["flow_ids"] == ["f1", "f2", "g1"]
    assert anna2["change"] == "On 16 Jun 2026 more was added: Reason of g1."
    assert anna2["expires_on"] == day2 + timedelta(days=7)
    assert later["ben abnormal_deposit"]["suppressed_by"] == "restriction"
    assert later["emil life_event"]["suppressed_by"] == "no_life_event_consent"
    assert later["emil life_event"]["closed_on"] == day2
    again = bank.version()
    assert bank.run(day2)["rows_out"] == 0
    assert bank.run(D)["rows_out"] == 0  # a day gone by is history
    assert (bank.version(), bank.alerts()) == (again, later)  # not even a commit

    # what went out on the second day comes back on the third, and a salary is paid late; what was decided stays
    day3 = day2 + timedelta(days=1)
    bank.add("transactions", [booked(more[1]) | {"transaction_id": "T-back", "direction": "credit", "business_date": day3,
                                                 "recorded_on": day3},
                              pay | {"transaction_id": "T-paid", "business_date": day3, "recorded_on": day3}])
    bank.run(day3)
    last = bank.alerts()
    fay = last["fay abnormal_withdrawal"]
    assert (fay["status"], fay["closed_on"]) == ("retracted", day3)
    assert fay["change"] == "Taken back on 17 Jun 2026: what it was about was corrected or reversed, or came after all."
    assert last["jon abnormal_withdrawal"]["suppressed_by"] == "reversed"
    assert last["ida abnormal_withdrawal"]["status"] == "contacted"
    assert last["anna early_withdrawal"] == anna2


def test_what_was_taken_back_stays_so_when_the_day_is_run_again(bank: Bank) -> None:
    """The reversal became known on a day without a run."""
    bank.add("customers", [customer("anna")])
    large = statistical("f1", "anna", "withdrawal", 60_000, D)
    bank.add("abnormal_flows", [large])
    back = {"transaction_id": "T-back", "direction": "credit", "business_date": D + timedelta(days=1), "recorded_on": D + timedelta(days=1)}
    bank.add("transactions", [booked(large), booked(large) | back])
    later = D + timedelta(days=2)
    bank.run(D)
    bank.run(later)
    (once,) = bank.alerts().values()
    assert (once["status"], once["closed_on"]) == ("retracted", later)
    assert bank.run(later)["rows_out"] == 0
    assert list(bank.alerts().values()) == [once]


def test_what_takes_the_place_of_something_taken_back_is_not_more_of_it(bank: Bank) -> None:
    bank.add("customers", [customer("anna")])
    large, next_day = statistical("f1", "anna", "withdrawal", 60_000, D), D + timedelta(days=1)
    bank.add("abnormal_flows", [large])
    bank.add("transactions", [booked(large)])
    bank.run(D)
    other = statistical("f2", "anna", "withdrawal", 30_000, next_day)
    back = {"transaction_id": "T-back", "direction": "credit", "business_date": next_day, "recorded_on": next_day}
    bank.add("abnormal_flows", [other])
    bank.add("transactions", [booked(large) | back, booked(other)])
    bank.run(next_day)
    (alert,) = bank.alerts().values()
    assert (alert["status"], alert["flow_ids"]) == ("open", ["f1", "f2"])
    assert alert["change"] == "Of what was told 60,000 CNY came back or was corrected. New on 16 Jun 2026: Reason of f2."


def test_a_live_alert_says_where_a_broken_deposits_money_went_once_it_is_known(bank: Bank) -> None:
    """Anna's is placed again on the second day, ben's leaves on the second; with cora it was talked about; dan's was never settled."""
    days = [D + timedelta(days=n) for n in range(3)]
    names = ("anna", "ben", "cora", "dan")
    bank.add("customers", [customer(name) for name in names])
    flows = [flow(f"f-{who}", who, "early_withdrawal", 60_000, D, cause=None, went="own_account", severity="medium") for who in names]
    bank.add("abnormal_flows", flows)
    bank.add("transactions", [booked(each) for each in flows])
    bank.run(D)
    first = bank.alerts()
    bank.add("outcomes", [outcome(first["cora early_withdrawal"]["alert_id"], "contacted", days[1])])
    bank.add("deposit_settlements", [
        {"flow_id": f"f-{who}", "customer_id": who, "account_id": f"A-{who}", "went": went, "amount": Decimal(50_000), "refs": refs,
         "severity": "high" if went == "left" else "low", "settled_on": days[1]}
        for who, went, refs in (("anna", "placed_again", ["A9"]), ("ben", "left", ["T7", "T8"]), ("cora", "left", ["T9"]))])
    bank.run(days[1])
    second = bank.alerts()
    told = {who: second[f"{who} early_withdrawal"] for who in names}
    again, left = "By 16 Jun 2026, 50,000 CNY of it had been placed again with us.", "By 16 Jun 2026, 50,000 CNY of it had left the bank."
    assert [told[who]["change"] for who in names] == [
        f"On 16 Jun 2026 more was added: {again}", f"On 16 Jun 2026 more was added: {left}", None, None]
    assert f"Reason of f-anna. {again}" in told["anna"]["reason"]
    assert [(told[who]["status"], told[who]["severity"]) for who in names] == [
        ("open", "low"), ("open", "high"), ("contacted", "medium"), ("open", "medium")]
    settled = [(item["ref"], item["business_date"], item["amount"], item["note"]) for item in told["ben"]["evidence"]
               if item["kind"] == "settled"]
    assert settled == [("T7, T8", days[1], Decimal(50_000), "of the deposit, left the bank")]
    assert told["dan"] == first["dan early_withdrawal"]
    bank.run(days[1])
    assert bank.alerts() == second
    bank.run(days[2])
    assert bank.alerts() == second, "told once"
    bank.run(D)
    assert bank.alerts() == second


def test_an_alert_stays_in_the_group_of_the_day_it_was_raised_on(bank: Bank) -> None:
    """On 1 July the control group is drawn anew: what lives, lives on as it was raised, also where something is added to it."""
    policy = bank.settings.contact_policy.model_copy(update={"control_share": 0.5})
    bank.settings = bank.settings.model_copy(update={"contact_policy": policy})
    june, july = date(2026, 6, 30), date(2026, 7, 1)
    names = bank.spark.createDataFrame([(f"c{n}",) for n in range(40)], "customer_id string")
    groups = names.select("customer_id", *[in_control_group(F.col("customer_id"), policy, day).alias(str(day)) for day in (june, july)])
    found = {(row[str(june)], row[str(july)]): row["customer_id"] for row in groups.collect()}
    leaves, enters = found[True, False], found[False, True]
    bank.add("customers", [customer(leaves), customer(enters)])
    both = [(who, day) for who in (leaves, enters) for day in (june, july)]
    flows = [flow(f"{who}{day.month}", who, "early_withdrawal", 60_000, day, cause=None) for who, day in both]
    bank.add("abnormal_flows", flows)
    bank.add("transactions", [booked(each) for each in flows])
    bank.run(june)
    raised = {row["customer_id"]: (row["alert_id"], row["control_group"], row["status"]) for row in bank.alerts().values()}
    assert {who: of[1:] for who, of in raised.items()} == {leaves: (True, "suppressed"), enters: (False, "open")}
    bank.run(july)
    after = bank.alerts().values()
    assert {row["customer_id"]: (row["alert_id"], row["control_group"], row["status"]) for row in after} == raised
    assert {row["customer_id"]: row["flow_ids"] for row in after} == {who: [f"{who}6", f"{who}7"] for who in (leaves, enters)}
