"""What may be offered, what it is worth, in which order, and why not."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from pyspark.sql import SparkSession

from conf.offer import Eligibility, Offer, Uptake
from models.arbitration import RULES, ranked_candidates

DAY = date(2026, 3, 10)
WORDS = {"en": "x", "zh": "x"}
CUSTOMERS = (
    "customer_id string, age int, annual_income decimal(18,2), assets decimal(18,2), risk_profile int, held array<string>, "
    "service_tier string, marketing_consent boolean, life_event_consent boolean, closed boolean, restricted boolean"
)
SCORES = "customer_id string, as_of date, offer_id string, probability double, model_version string"


def offer(family: str, margin: int, product: str, discreet: bool = False, raised_by: dict | None = None, **rules: object) -> Offer:
    return Offer(
        name=WORDS, family=family, reason=WORDS, margin=Decimal(margin), contact_cost=Decimal(10), prior=0.1,
        eligibility=Eligibility(**rules), uptake=Uptake(products=(product,)), raised_by=raised_by or {}, discreet=discreet,
    )  # fmt: skip


OFFERS = {
    "fund_a": offer("fund", 1000, "fund_a", raised_by={"deposit": 0.5, "new_parent": 0.2}),
    "fund_b": offer("fund", 900, "fund_b"),
    "card": offer("card", 200, "card"),
    "gold": offer("precious_metal", 30, "gold"),
    "advice": offer(
        "wealth_product", 5000, "advice", min_age=50, max_age=60, min_income=Decimal(1000), min_assets=Decimal(1000),
        min_risk_profile=3, requires_holding=("fund_a",), service_tiers=("private",),
    ),
    "care": offer("partner", 800, "care", discreet=True, raised_by={"new_parent": 1.0}),
}  # fmt: skip
EQUALLY_WORTH = {"fund_a": 0.0, "fund_b": 0.02, "card": 0.09}  # probabilities
NOTHING_AGAINST = ("C1", 55, Decimal(90000), Decimal(9000), 3, ["fund_a"], "private", True, True, False, False)


def customer(name: str, **changed: object) -> tuple:
    fields = [part.split()[0] for part in CUSTOMERS.split(", ")]
    return tuple((dict(zip(fields, NOTHING_AGAINST, strict=True)) | {"customer_id": name, "held": []} | changed).values())


@pytest.fixture(scope="module")
def ranked(spark: SparkSession) -> dict[tuple[str, str], object]:
    """(customer, offer) -> row."""
    people = [
        customer("plain"),
        customer("deposited"),
        customer("parent"),
        customer("secret_parent", life_event_consent=None),
        customer("holder", held=["fund_a", "advice"]),
        customer("talked_to"),
        customer("undecided"),
        customer("minor", age=17),
        customer("unknown", age=None, annual_income=None, assets=None, risk_profile=None, service_tier=None, marketing_consent=None),
        customer("blocked", age=70, closed=True, restricted=True, marketing_consent=False, service_tier="mass"),
    ]
    scores = [
        (row[0], DAY, name, EQUALLY_WORTH.get(name, 0.1) if row[0] == "undecided" else 0.1, f"{name}/1")
        for row in people
        for name in OFFERS
    ]
    events = [("deposited", "deposit"), ("deposited", "deposit"), ("parent", "new_parent"), ("secret_parent", "new_parent")]
    talked = [("talked_to", "card", date(2026, 2, 1)), ("talked_to", "card", date(2025, 1, 1)), ("talked_to", "fund_b", date(2025, 1, 1))]
    found = ranked_candidates(
        spark.createDataFrame(scores, SCORES),
        spark.createDataFrame(people, CUSTOMERS),
        spark.createDataFrame(events, "customer_id string, event string"),
        spark.createDataFrame(talked, "customer_id string, offer_id string, last_on date"),
        OFFERS,
        DAY,
    )
    return {(row["customer_id"], row["offer_id"]): row for row in found.collect()}


def blocked(ranked: dict, name: str, of: str) -> list[str]:
    return ranked[name, of]["blocked_by"]


def test_value_is_probability_times_margin_less_the_cost_of_contact(ranked: dict) -> None:
    assert ranked["plain", "fund_a"]["expected_value"] == 90.0
    assert ranked["deposited", "fund_a"]["expected_value"] == 140.0, "the event adds half, once"
    assert ranked["plain", "gold"]["expected_value"] == -7.0


def test_the_best_of_each_family_comes_first(ranked: dict) -> None:
    order = sorted((row["rank"], name) for (who, name), row in ranked.items() if who == "plain" and row["rank"])
    assert [name for _, name in order] == ["fund_a", "card", "fund_b"]


def test_ranks_count_the_eligible_only(ranked: dict) -> None:
    for row in ranked.values():
        assert row["eligible"] == (row["blocked_by"] == []) == (row["rank"] is not None)


def test_nothing_without_age_consent_or_after_the_end(ranked: dict) -> None:
    for name in OFFERS:
        assert "minor" in blocked(ranked, "minor", name)
        assert {"unknown_age", "no_marketing_consent"} <= set(blocked(ranked, "unknown", name))
        assert {"closed_customer", "restriction", "no_marketing_consent"} <= set(blocked(ranked, "blocked", name))


def test_every_rule_that_stands_against_is_told_in_order(ranked: dict) -> None:
    assert blocked(ranked, "blocked", "advice") == [
        "closed_customer", "no_marketing_consent", "restriction", "max_age", "service_tier", "requires_holding",
    ]  # fmt: skip
    assert blocked(ranked, "unknown", "advice") == [
        "unknown_age", "no_marketing_consent", "min_income", "min_assets", "risk_profile", "service_tier", "requires_holding",
    ]  # fmt: skip
    assert blocked(ranked, "minor", "advice") == ["minor", "requires_holding"]
    assert blocked(ranked, "holder", "advice") == ["already_held"]
    assert blocked(ranked, "holder", "fund_a") == ["already_held"]
    assert blocked(ranked, "plain", "gold") == ["negative_value"]
    told = [rule for row in ranked.values() for rule in row["blocked_by"]]
    assert set(told) <= set(RULES)


def test_discreet_offers_need_the_life_event_and_its_consent(ranked: dict) -> None:
    assert blocked(ranked, "plain", "care") == ["no_life_event"]
    assert blocked(ranked, "parent", "care") == []
    assert ranked["parent", "care"]["rank"] == 1
    assert blocked(ranked, "secret_parent", "care") == ["life_event_consent"]


def test_an_offer_cools_down_after_it_was_talked_about(ranked: dict) -> None:
    assert blocked(ranked, "talked_to", "card") == ["cool_down"]
    assert blocked(ranked, "talked_to", "fund_b") == []


def test_equal_values_fall_to_the_likelier_offer(ranked: dict) -> None:
    assert ranked["undecided", "fund_b"]["expected_value"] == ranked["undecided", "card"]["expected_value"] == 8.0
    assert (ranked["undecided", "card"]["rank"], ranked["undecided", "fund_b"]["rank"]) == (1, 2)
