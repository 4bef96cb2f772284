"""Who may be called: gates, contact limits, caps and the lot, each with its name."""

from __future__ import annotations

import random
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyspark.sql.functions as F
from pyspark.sql import DataFrame, SparkSession

from conf.settings import ContactPolicy, Settings, TierPolicy
from worklists.calls import within_places
from worklists.policy import contacts, drawn, held_back, in_control_group, sales_today, standing, with_priority
from worklists.selection import with_callers

D = date(2026, 6, 15)
CUSTOMERS = pa.schema([
    ("customer_id", pa.string()), ("relationship_manager_id", pa.string()), ("marketing_consent", pa.bool_()),
    ("life_event_consent", pa.bool_()), ("closed_on", pa.date32()), ("service_tier", pa.string()),
])  # fmt: skip
RESTRICTIONS = pa.schema([
    ("customer_id", pa.string()), ("kind", pa.string()), ("valid_from", pa.date32()), ("valid_to", pa.date32())
])
CANDIDATES = pa.schema([
    ("alert_id", pa.string()), ("customer_id", pa.string()), ("type", pa.string()), ("priority", pa.int32()),
    ("at_stake", pa.decimal128(18, 2)), ("hard", pa.bool_()), ("safety", pa.bool_()), ("undone", pa.bool_()),
    ("offers", pa.list_(pa.string())), ("family", pa.string()),
])  # fmt: skip
CONTACTS = pa.schema([
    ("customer_id", pa.string()), ("contacted_on", pa.date32()), ("declined", pa.bool_()), ("families", pa.list_(pa.string())),
])  # fmt: skip
ASLEEP = pa.schema([("customer_id", pa.string())])


def frame(spark: SparkSession, schema: pa.Schema, rows: list[dict[str, Any]]) -> DataFrame:
    return spark.createDataFrame(pa.Table.from_pylist(rows, schema))


def ago(days: int) -> date:
    return D - timedelta(days=days)


def candidate(who: str, kind: str = "abnormal_withdrawal", priority: int = 50, **other: Any) -> dict[str, Any]:
    hard = kind in ("account_closure", "early_withdrawal")
    return {"alert_id": f"AL-{who}", "customer_id": who, "type": kind, "priority": priority, "at_stake": Decimal(1000),
            "hard": hard, "safety": False, "undone": False, "offers": ["mortgage"]} | other


def customer(who: str, **other: Any) -> dict[str, Any]:
    return {"customer_id": who, "relationship_manager_id": "RM1", "marketing_consent": True, "life_event_consent": True} | other


def test_every_gate_holds_in_its_order(spark: SparkSession, settings: Settings) -> None:
    policy = settings.contact_policy.model_copy(update={"control_share": 0.0, "offer_alerts_per_1000_customers": 500,
                                                        "flow_alerts_per_1000_customers": 500,
                                                        "life_event_alerts_per_1000_customers": 500})
    customers = [customer(f"c{n:02}") for n in range(12)] + [
        customer("closed", closed_on=D), customer("no", marketing_consent=False), customer("no2", marketing_consent=None),
        customer("life", life_event_consent=None), customer("back"), customer("bare"), customer("bare2"),
        customer("loans"), customer("loan"), customer("cards"), customer("quarter")]
    restrictions = [
        {"customer_id": "c00", "kind": "aml_case", "valid_from": D},
        {"customer_id": "c00", "kind": "complaint", "valid_from": D},  # the case hides behind no other name, and no other before it
        {"customer_id": "c01", "kind": "legal_hold", "valid_from": ago(9), "valid_to": ago(1)},  # over
        {"customer_id": "c02", "kind": "complaint", "valid_from": ago(60), "valid_to": ago(30)},  # quiet for 30 days
        {"customer_id": "c03", "kind": "complaint", "valid_from": ago(60), "valid_to": ago(31)},
        {"customer_id": "c04", "kind": "do_not_contact", "valid_from": D + timedelta(days=1)},  # from tomorrow
        {"customer_id": "c05", "kind": "vulnerable", "valid_from": ago(900)},
        {"customer_id": "c06", "kind": "do_not_contact", "valid_from": D, "valid_to": D},
    ]
    spoken = [
        {"customer_id": "c07", "contacted_on": ago(1), "declined": False},
        {"customer_id": "c07", "contacted_on": ago(29), "declined": False},
        {"customer_id": "c08", "contacted_on": ago(1), "declined": False},
        {"customer_id": "c08", "contacted_on": ago(30), "declined": False},
        {"customer_id": "c09", "contacted_on": ago(89), "declined": True},
        {"customer_id": "c10", "contacted_on": ago(90), "declined": True},
        {"customer_id": "life", "contacted_on": D, "declined": True},  # today's calls belong to tomorrow's policy
        *[{"customer_id": who, "contacted_on": ago(days), "declined": False, "families": ["loan"]}
          for who in ("loans", "cards") for days in (89, 40)],
        *[{"customer_id": "loan", "contacted_on": ago(days), "declined": False, "families": ["loan"]} for days in (90, 40)],
        *[{"customer_id": "quarter", "contacted_on": ago(days), "declined": False} for days in (89, 80, 70, 60)],
    ]
    candidates = [candidate(f"c{n:02}", "account_closure") for n in range(8)] + [
        candidate("c08", "next_best_offer"), candidate("c09", "next_best_offer"), candidate("c10", "next_best_offer"),
        candidate("c11", priority=19), candidate("closed"), candidate("no", "next_best_offer"), candidate("no2"),
        candidate("life", "life_event"), candidate("nobody"), candidate("back", undone=True),
        candidate("bare", "life_event", offers=[]), candidate("bare2", offers=[]),
        candidate("loans", "next_best_offer", family="loan"), candidate("loan", "next_best_offer", family="loan"),
        candidate("cards", "next_best_offer", family="card"), candidate("quarter", "account_closure")]
    asleep = [{"customer_id": "c10"}, {"customer_id": "c03"}]
    stand = standing(frame(spark, CUSTOMERS, customers), frame(spark, RESTRICTIONS, restrictions), policy, D)
    held = held_back(frame(spark, CANDIDATES, candidates), stand, frame(spark, CONTACTS, spoken), frame(spark, ASLEEP, asleep),
                     policy, D, 16)
    found = {row["customer_id"]: row["suppressed_by"] for row in held.collect()}
    assert found == {
        "c00": "restriction",
        "c01": None,
        "c02": "complaint",
        "c03": None,  # a hard event wakes a sleeping alert's customer
        "c04": None,
        "c05": "vulnerable",
        "c06": "do_not_contact",
        "c07": "contact_fatigue",
        "c08": None,
        "c09": "rest_after_decline",
        "c10": "snoozed",
        "c11": "min_priority",
        "closed": "closed_customer",
        "no": "no_marketing_consent",
        "no2": None,  # a flow is told without consent, only nothing is offered
        "life": "no_life_event_consent",
        "back": "reversed",
        "bare": "nothing_to_offer",
        "bare2": None,  # a flow is told whether or not there is anything to offer
        "loans": "family_fatigue",
        "loan": None,  # the first call was 90 days ago
        "cards": None,  # called often enough about loans, not about cards
        "quarter": "contact_fatigue",
    }
    assert held.where("relationship_manager_id IS NULL").count() == 0
    assert drawn(held, policy, D).where("control_group").count() == 0


def test_a_service_tier_has_limits_and_callers_of_its_own(spark: SparkSession, settings: Settings) -> None:
    tiers = {"mass": TierPolicy(max_contacts={30: 0}, caller="branch"), "private": TierPolicy(max_contacts={10: 2, 30: 4})}
    policy = settings.contact_policy.model_copy(update={"control_share": 0.0, "max_contacts": {30: 2}, "tiers": tiers})
    tier_of = {"none": None, "affluent": "affluent", "private": "private", "often": "private", "mass": "mass"}
    customers = with_callers(frame(spark, CUSTOMERS, [customer(who, service_tier=tier) for who, tier in tier_of.items()]), tiers)
    spoken = [{"customer_id": who, "contacted_on": ago(days), "declined": False} for who in tier_of if who != "mass" for days in (11, 12)]
    spoken += [{"customer_id": "often", "contacted_on": ago(days), "declined": False} for days in (1, 9)]
    stand = standing(customers, frame(spark, RESTRICTIONS, []), policy, D)
    candidates = frame(spark, CANDIDATES, [candidate(who, "account_closure") for who in tier_of])
    held = held_back(candidates, stand, frame(spark, CONTACTS, spoken), frame(spark, ASLEEP, []), policy, D, 5).collect()
    assert {row["customer_id"]: row["suppressed_by"] for row in held} == {
        "none": "contact_fatigue", "affluent": "contact_fatigue", "private": None, "often": "contact_fatigue", "mass": "contact_fatigue",
    }
    assert [row["customer_id"] for row in held if row["relationship_manager_id"] is None] == ["mass"]


def test_caps_take_the_best_and_keep_as_many_again(spark: SparkSession, settings: Settings) -> None:
    policy = settings.contact_policy.model_copy(update={"control_share": 0.0, "offer_alerts_per_1000_customers": 1.5,
                                                        "flow_alerts_per_1000_customers": 1.0, "least_flow_alerts": 1,
                                                        "life_event_alerts_per_1000_customers": 1.0})
    names = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k"]
    candidates = [candidate(name, "next_best_offer", 90 - n) for n, name in enumerate(names[:5])] + [
        candidate("f", priority=60), candidate("g", priority=60, at_stake=Decimal(2000)),
        candidate("h", "early_withdrawal", 30), candidate("i", priority=30, safety=True),
        candidate("j", "life_event", 40), candidate("k", "life_event", 30)]
    stand = standing(frame(spark, CUSTOMERS, [customer(name) for name in names]), frame(spark, RESTRICTIONS, []), policy, D)
    nothing = frame(spark, CONTACTS, []), frame(spark, ASLEEP, [])
    held = held_back(frame(spark, CANDIDATES, candidates), stand, *nothing, policy, D, 1000)
    chosen = frame(spark, ASLEEP, [{"customer_id": "a"}, {"customer_id": "b"}])
    called = within_places(held, chosen, 2)
    found = {row["customer_id"]: row["suppressed_by"] for row in called.collect()}
    assert found == {"a": None, "b": None, "c": "capacity", "d": "capacity", "f": "capacity", "g": None, "h": None, "i": None, "j": None,
                     "k": "capacity"}

    few = held_back(frame(spark, CANDIDATES, candidates), stand, *nothing, policy.model_copy(update={"least_flow_alerts": 2}), D, 10)
    assert few.where("customer_id = 'f'").first()["suppressed_by"] is None  # a small bank has places, too

    all_in_control = policy.model_copy(update={"control_share": 0.5, "control_salt": "x"})
    with_lot = {row["customer_id"]: (row["suppressed_by"], row["control_group"]) for row in drawn(called, all_in_control, D).collect()}
    lot = {row["customer_id"] for row in stand.where(in_control_group(F.col("customer_id"), all_in_control, D)).collect()}
    assert 0 < len(lot) < 11
    for name, rule in found.items():  # the lot is drawn among what would have been called, and never over somebody's safety
        in_lot = name in lot and rule is None and name != "i"
        assert with_lot[name] == (("control_group", True) if in_lot else (rule, False))


def test_contact_limits_hold_in_every_sliding_window(spark: SparkSession, settings: Settings) -> None:
    """An oracle calls whoever may be called, day by day for 120 days; no window of 30 or 90 days ever holds more than its limit, and
    on the last day the policy decides as the oracle does."""
    policy, chance = settings.contact_policy.model_copy(update={"control_share": 0.0}), random.Random(7)
    called, allowed = {}, {}

    def free(days: list[int], today: int) -> bool:
        return all(sum(today - past < window for past in days) < most for window, most in policy.max_contacts.items())

    for n in range(300):
        who, eager, days = f"c{n:03}", chance.random(), []
        for day in range(-120, 0):
            if chance.random() < eager and free(days, day):
                days.append(day)
        for window, most in policy.max_contacts.items():
            assert all(sum(first <= day < first + window for day in days) <= most for first in range(-120, 0))
        called[who], allowed[who] = days, free(days, 0)
    assert 30 < sum(allowed.values()) < 270
    spoken = [{"customer_id": who, "contacted_on": ago(-day), "declined": False} for who, days in called.items() for day in days]
    stand = standing(frame(spark, CUSTOMERS, [customer(who) for who in called]), frame(spark, RESTRICTIONS, []), policy, D)
    candidates = [candidate(who, "early_withdrawal") for who in called]
    held = held_back(frame(spark, CANDIDATES, candidates), stand, frame(spark, CONTACTS, spoken), frame(spark, ASLEEP, []), policy, D, 1000)
    assert {row["customer_id"]: row["suppressed_by"] is None for row in held.collect()} == allowed


def test_what_can_wait_comes_on_the_day_of_the_weekly_digest() -> None:
    days = [D + timedelta(days=n) for n in range(7)]  # from a Monday on
    assert [sales_today(ContactPolicy(weekly_digest_weekday=4), day) for day in days] == [False] * 3 + [True] + [False] * 3
    assert all(sales_today(ContactPolicy(), day) for day in days)


def test_the_lot_holds_its_share_and_changes_with_the_half_year_only(spark: SparkSession) -> None:
    customers = spark.range(4000).select(F.concat(F.lit("C"), "id").alias("customer_id"))

    def lot(today: date, of: ContactPolicy = ContactPolicy(), partitions: int = 2) -> set[str]:  # noqa: B008 - frozen
        return {row[0] for row in customers.repartition(partitions).where(in_control_group(F.col("customer_id"), of, today)).collect()}

    first = lot(date(2026, 1, 1))
    assert 150 < len(first) < 250
    assert lot(date(2026, 6, 30), partitions=3) == first
    for later in (date(2026, 7, 1), date(2027, 1, 1)):
        assert 150 < len(lot(later)) < 250
        assert len(lot(later) & first) < 30, "5 % of 5 % by chance: nobody is left alone for ever"
    assert lot(date(2026, 12, 31), ContactPolicy(control_months=12)) == lot(date(2026, 1, 1), ContactPolicy(control_months=12))


def test_priority_is_value_urgency_and_probability(spark: SparkSession, settings: Settings) -> None:
    offers = pa.list_(pa.struct([("expected_value", pa.float64())]))
    schema = pa.schema([("type", pa.string()), ("at_stake", pa.decimal128(18, 2)), ("offers", offers), ("certainty", pa.float64()),
                        ("happened_on", pa.date32()), ("would_be", pa.struct([("expected_value", pa.float64())]))])  # fmt: skip
    rows = [
        {"type": "early_withdrawal", "at_stake": Decimal(2_000_000), "offers": [], "certainty": 0.9, "happened_on": D},
        {"type": "early_withdrawal", "at_stake": Decimal(2_000_000), "offers": [], "certainty": 0.9, "happened_on": ago(7)},
        {"type": "next_best_offer", "at_stake": Decimal(0), "offers": [{"expected_value": 20.0}], "certainty": 0.1, "happened_on": D},
        {"type": "next_best_offer", "at_stake": Decimal(0), "offers": [{"expected_value": 20.0}], "certainty": 0.1, "happened_on": D,
         "would_be": {"expected_value": 632.4555}},
    ]
    found = with_priority(frame(spark, schema, rows), settings.contact_policy, D)
    # 30,000 a year is above the largest value: 40 + 35 + 22.5; after a lifetime urgency is halved;
    # 20 is the smallest value: 0 + 17.5 + 2.5; 632 lies halfway by the logarithm: 20 + 17.5 + 2.5, whatever the lot put first
    assert [row["priority"] for row in found.collect()] == [98, 80, 20, 40]


def test_contacts_are_calls_that_came_about(spark: SparkSession) -> None:
    outcomes = pa.schema([("alert_id", pa.string()), ("outcome", pa.string()), ("business_date", pa.date32()),
                          ("recorded_on", pa.date32()), ("offer_id", pa.string())])  # fmt: skip
    rows = [
        {"alert_id": "1", "outcome": "contacted", "business_date": ago(3), "recorded_on": ago(2)},
        {"alert_id": "1", "outcome": "declined", "business_date": ago(3), "recorded_on": ago(2), "offer_id": "gold"},
        {"alert_id": "2", "outcome": "not_reached", "business_date": ago(1), "recorded_on": ago(1)},
        {"alert_id": "2", "outcome": "accepted", "business_date": date(2036, 1, 1), "recorded_on": D},  # a clock that runs ahead
    ]
    offers = pa.list_(pa.struct([("offer_id", pa.string())]))
    known = pa.schema([("alert_id", pa.string()), ("customer_id", pa.string()), ("type", pa.string()), ("offers", offers)])
    mortgage = [{"offer_id": "mortgage"}]
    alerts = frame(spark, known, [
        {"alert_id": "1", "customer_id": "anna", "type": "next_best_offer", "offers": mortgage},
        {"alert_id": "2", "customer_id": "ben", "type": "abnormal_deposit", "offers": mortgage}])
    found = contacts(frame(spark, outcomes, rows), alerts, {"mortgage": "loan", "gold": "precious_metal"}).orderBy("customer_id")
    # the offer that was answered, else the first one; a call about a flow is about none unless it was answered
    assert [(*row[:3], sorted(row[3])) for row in found.collect()] == [
        ("anna", ago(3), True, ["loan", "precious_metal"]), ("ben", D, False, [])]
