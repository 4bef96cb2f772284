"""What may be offered, what it is worth, in which order, and why not."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import date, timedelta
from decimal import Decimal

import pyspark.sql.functions as F
import pytest
from pyspark.sql import SparkSession

from conf.offer import Bundle, Eligibility, Offer, Uptake
from conf.settings import ContactPolicy, TierPolicy
from models.arbitration import ranked_candidates
from models.bundles import with_bundles
from models.rules import RULES

DAY = date(2026, 3, 10)
WORDS = {"en": "x", "zh": "x"}
CUSTOMERS = (
    "customer_id string, age int, annual_income decimal(18,2), assets decimal(18,2), risk_profile int, held array<string>, "
    "service_tier string, marketing_consent boolean, life_event_consent boolean, closed boolean, restricted boolean"
)
TOLD = "customer_id string, offer_id string, raised_on date"
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
        customer("told"),
        customer("affluent", service_tier="affluent"),
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
        spark.createDataFrame([("told", "fund_a", date(2026, 3, 1)), ("told", "card", date(2025, 3, 1))], TOLD),
        OFFERS,
        ContactPolicy(exploration_share=0.0, tiers={"affluent": TierPolicy(families=("fund",))}),
        DAY,
    )
    return {(row["customer_id"], row["offer_id"]): row for row in found.collect()}


def blocked(ranked: dict, name: str, of: str) -> list[str]:
    return ranked[name, of]["blocked_by"]


def test_value_is_probability_times_margin_less_the_cost_of_contact(ranked: dict) -> None:
    assert ranked["plain", "fund_a"]["expected_value"] == 90.0
    assert ranked["deposited", "fund_a"]["expected_value"] == 132.86, "the event adds half to the odds, once"
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


def test_a_service_tier_is_offered_its_families_only(ranked: dict) -> None:
    assert {name: blocked(ranked, "affluent", name) for name in ("fund_a", "fund_b", "card")} == {
        "fund_a": [], "fund_b": [], "card": ["service_tier"],
    }  # fmt: skip


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


def test_without_the_lot_the_best_that_may_open_a_call_is_certain(ranked: dict) -> None:
    certain = {(who, name) for (who, name), row in ranked.items() if row["propensity"] == 1}
    assert all(row["propensity"] in (0, 1) for row in ranked.values())
    assert {("plain", "fund_a"), ("parent", "fund_a"), ("told", "fund_b")} <= certain, "discreet ones and those told of late open none"
    assert not any(who in ("minor", "unknown", "blocked", "undecided") or name == "card" for who, name in certain), "less than 20"
    assert ranked["told", "fund_a"]["rank"] == 1


def test_a_bundle_is_one_candidate_made_of_what_is_left_of_it(spark: SparkSession) -> None:
    parts = {"a": offer("fund", 1000, "a", min_risk_profile=3), "b": offer("card", 500, "b", max_age=60), "c": offer("loan", 300, "c")}
    made_of = Bundle(offers=("a", "b", "c"), discount=Decimal("0.1"), together=0.5)
    whole = Offer(name=WORDS, family="bundle", reason=WORDS, contact_cost=Decimal(10), raised_by={"new_parent": 1.0}, bundle=made_of,
                  eligibility=Eligibility(min_age=30))  # fmt: skip
    shelf = {**parts, "all": whole.priced(list(parts.values()))}
    people = [
        customer("plain"), customer("parent"), customer("owner", held=["c"]), customer("rich", held=["b", "c"]), customer("old", age=61),
        customer("old_owner", age=61, held=["b"]), customer("cautious", risk_profile=1), customer("young", age=29),
        customer("talked"), customer("talked_about_all"), customer("unscored"), customer("modelled"),
    ]  # fmt: skip
    chances = {"a": 0.4, "b": 0.2, "c": 0.3}
    scores = [(who, DAY, name, chance, f"{name}/1") for who, *_ in people for name, chance in chances.items()]
    scores.remove(("unscored", DAY, "c", 0.3, "c/1"))
    own = spark.createDataFrame([("modelled", DAY, "all", 0.25, "all/1")], SCORES)
    others = with_bundles(spark.createDataFrame([row for row in scores if row[0] != "modelled"], SCORES), {"all": shelf["all"]})
    modelled = with_bundles(spark.createDataFrame([row for row in scores if row[0] == "modelled"], SCORES), {})
    found = ranked_candidates(
        others.unionByName(modelled).unionByName(own).repartition(3),
        spark.createDataFrame(people, CUSTOMERS),
        spark.createDataFrame([("parent", "new_parent")], "customer_id string, event string"),
        spark.createDataFrame([("talked", "c", date(2026, 2, 1)), ("talked_about_all", "all", date(2026, 2, 1))],
                              "customer_id string, offer_id string, last_on date"),
        spark.createDataFrame([], TOLD), shelf, ContactPolicy(exploration_share=0.0), DAY,
    )  # fmt: skip
    rows = {(row["customer_id"], row["offer_id"]): row for row in found.collect()}
    of = {who: rows.get((who, "all")) for who, *_ in people}
    assert (of["plain"]["probability"], of["plain"]["expected_value"]) == (0.1, 0.1 * 1620 - 10), "half of those who would take b"
    assert of["parent"]["expected_value"] == round(0.2 / 1.1 * 1620 - 10, 2), "the event doubles the odds of the bundle's own chance"
    assert (of["owner"]["probability"], of["owner"]["expected_value"]) == (0.1, 0.1 * 1350 - 10), "without what is held"
    assert (of["modelled"]["probability"], of["modelled"]["model_version"]) == (0.25, "all/1")
    assert of["plain"]["model_version"] == "a/1+b/1+c/1"
    assert of["unscored"] is None, "one of its offers has no model"
    against = {who: row["blocked_by"] for who, row in of.items() if row is not None}
    assert {who: rules for who, rules in against.items() if rules} == {
        "rich": ["fewer_than_two"], "old": ["max_age"], "cautious": ["risk_profile"], "young": ["min_age"], "talked": ["cool_down"],
        "talked_about_all": ["cool_down"],
    }  # fmt: skip
    assert rows["talked_about_all", "a"]["blocked_by"] == ["cool_down"], "talk about a bundle was talk about what is in it"
    order = sorted((row["rank"], name) for (who, name), row in rows.items() if who == "plain")
    assert [name for _, name in order] == ["a", "all", "b", "c"]
    assert sum(row["propensity"] for (who, _), row in rows.items() if who == "plain") == 1


def test_a_new_offer_is_kept_from_its_own_control_group_until_it_is_no_longer_new(spark: SparkSession) -> None:
    fresh = {name: of.model_copy(update={"new_until": DAY, "control_share": 0.2}) if name in ("offer_0", "offer_2") else of
             for name, of in LOT.items()}  # fmt: skip
    now, later = (lot(spark, 0.0, day, fresh) for day in (DAY, DAY + timedelta(days=1)))
    kept = {name: {who for who, of in now.items() if of[name][0] is None} for name in fresh}
    assert [len(kept[name]) for name in ("offer_1", "offer_3")] == [0, 0]
    for name in ("offer_0", "offer_2"):
        assert abs(len(kept[name]) - 600) < 4 * (3000 * 0.2 * 0.8) ** 0.5
    assert abs(len(kept["offer_0"] & kept["offer_2"]) - 120) < 40, "each offer's lot is its own"
    assert all(of["offer_1"][1] == (who in kept["offer_0"]) for who, of in now.items()), "the next of the family takes its place"
    assert all(rank is not None for of in later.values() for rank, _ in of.values())


LOT = {f"offer_{n}": offer("fund" if n < 2 else family, 1000 - n, f"product_{n}") for n, family in enumerate(
    ("fund", "fund", "card", "deposit", "loan", "insurance", "fx", "pension"))}  # fmt: skip


def lot(spark: SparkSession, share: float, as_of: date = DAY, shelf: dict[str, Offer] = LOT, partitions: int = 2) -> dict[str, dict]:
    """Customer -> offer -> (rank, propensity), of 3,000 customers for whom the offers are worth most in their order."""
    people = spark.range(3000).selectExpr("concat('C', id) AS customer_id")
    fields = CUSTOMERS.split(", ")[1:]
    everybody = people.select("*", *[
        F.lit(value).cast(field.split()[1]).alias(field.split()[0]) for field, value in zip(fields, NOTHING_AGAINST[1:], strict=True)
    ])  # fmt: skip
    offers = spark.createDataFrame([(name,) for name in shelf], "offer_id string")
    scores = people.crossJoin(offers).select(
        "customer_id", F.lit(as_of).alias("as_of"), "offer_id", F.lit(0.1).alias("probability"), F.lit("1").alias("model_version")
    )
    none = [spark.createDataFrame([], text) for text in ("customer_id string, event string",
            "customer_id string, offer_id string, last_on date", TOLD)]  # fmt: skip
    policy = ContactPolicy(exploration_share=share)
    found: dict[str, dict] = defaultdict(dict)
    for row in ranked_candidates(scores.repartition(partitions), everybody, *none, shelf, policy, as_of).collect():
        found[row["customer_id"]][row["offer_id"]] = (row["rank"], row["propensity"])
    return found


def test_the_lot_draws_its_share_with_the_chances_it_says(spark: SparkSession) -> None:
    greedy, drawn = lot(spark, 0.0), lot(spark, 0.4)
    order = ["offer_0", *(f"offer_{n}" for n in range(2, 8)), "offer_1"]
    assert all(sorted(of, key=lambda name: of[name][0]) == order for of in greedy.values())
    firsts = Counter(next(name for name, (rank, _) in of.items() if rank == 1) for of in drawn.values())
    for of in drawn.values():
        assert sum(propensity for _, propensity in of.values()) == pytest.approx(1, abs=1e-8)
        ranked_now = sorted(of, key=lambda name: of[name][0])
        assert [name for name in ranked_now if name != ranked_now[0]] == [name for name in order if name != ranked_now[0]]
    for name, (_, propensity) in drawn["C0"].items():
        spread = 4 * (3000 * propensity * (1 - propensity)) ** 0.5
        assert abs(firsts[name] - 3000 * propensity) <= spread, (name, firsts)
    assert drawn["C0"]["offer_0"][1] == pytest.approx(0.68)
    assert [drawn["C0"][name][1] for name in ("offer_5", "offer_6", "offer_1")] == pytest.approx([0.08, 0, 0])


def test_the_lot_is_the_same_all_month_and_drawn_anew_after_it(spark: SparkSession) -> None:
    share = 0.4
    first = lot(spark, share)
    assert lot(spark, share, date(2026, 3, 31), partitions=3) == first
    assert lot(spark, share, date(2026, 4, 1)) != first


def test_offers_with_a_quota_are_never_drawn(spark: SparkSession) -> None:
    scarce = {name: of.model_copy(update={"daily_quota": 3 if name in ("offer_3",) else None}) for name, of in LOT.items()}
    assert {of["offer_3"] for of in lot(spark, 0.4, shelf=scarce).values()} <= {(rank, 0.0) for rank in range(9)}
    best = {name: of.model_copy(update={"daily_quota": 3 if name == "offer_0" else None}) for name, of in LOT.items()}
    assert {of["offer_0"] for of in lot(spark, 0.4, shelf=best).values()} == {(1, 1.0)}
