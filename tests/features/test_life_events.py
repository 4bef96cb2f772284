"""Life events: own use is told from gifts, shops and returns; without consent nothing is computed."""

from __future__ import annotations

import math
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError
from pyspark.sql import SparkSession

from conf import Settings
from conf.life_event import AgePrior, Child, Evidence, LifeEvent, Size, Stage
from features.life_events import consenting, life_events, posteriors
from features.life_evidence import purchase_days
from features.payment_evidence import payment_days, payment_evidence
from tests.features.literal_world import DAY, bought, frame, on, version

PARENT = LifeEvent(
    enabled=True,
    name={"en": "New parent", "zh": "新生儿家庭"},
    evidence={
        "diapers": Evidence(pattern="(?i)diaper|纸尿裤", log_odds=(0.5, 2.0, 3.0), max_quantity=24),
        "formula": Evidence(pattern="(?i)formula|奶粉", log_odds=(0.5, 1.0)),
    },
    stages=(
        Stage(name="newborn", from_months=0, to_months=6, proves_onset=True),
        Stage(name="infant", from_months=6, to_months=12),
        Stage(name="toddler", from_months=12, to_months=36),
    ),
    child=Child(
        sizes=(
            Size(pattern="NB|纸尿裤 S|1段", from_months=0, to_months=5, newborn=True),
            Size(pattern="size 2|2段", from_months=4, to_months=9),
            Size(pattern="size 3", from_months=8, to_months=16),
            Size(pattern="size 4|3段", from_months=14, to_months=30),
            Size(pattern="size 5", from_months=24, to_months=36),
        ),
    ),
    silence_days=50,
    silence_gaps=3,
    earlier_log_odds=(0.25, 0.75),
    excluded="(?i)adult|doll",
    prior_by_age=(AgePrior(from_age=18, to_age=49, probability=0.2),),
    prior_unknown_age=0.01,
    window_days=60,
    half_life_days=45,
    max_quantity_a_day=10,
    quiet_days=100,
)
JOB = LifeEvent(
    enabled=True,
    name={"en": "Job change", "zh": "换工作"},
    evidence={
        "pay": Evidence(
            source="payments", direction="credit", types=("salary",), pattern=".", novel=True, in_place_of_another=True,
            log_odds=(1, 4),
        )
    },
    stages=(Stage(name="settled", pattern="pay # NEW", proves_onset=True),),
    prior_unknown_age=0.2,
    window_days=90,
    quiet_days=0,
)
EVENTS = {"new_parent": PARENT, "job_change": JOB}
LONG_AGO = on(5, 1, 2025)


def days_ago(back: int) -> Any:
    return DAY - timedelta(back)


def diapers(customer: str, order: int, back: int, name: str = "Diapers size 2", quantity: str = "1.000", status: str = "paid") -> dict:
    order_id = f"{customer}-{order}"
    return bought(order_id, 1, days_ago(back), "Baby/Diapers", "9.00", quantity, name, status, customer)


PURCHASES = [
    *[bought(f"{who}-0", 1, LONG_AGO, "GROCERY/MILK", "2.00", customer=who) for who in
      ("own", "gift", "shop", "back", "still", "newborn", "adult", "old", "none", "chinese", "twins", "nursery", "dealer", "silent",
       "stopped", "lull")],
    diapers("own", 1, 45), diapers("own", 2, 20), diapers("own", 3, 0),
    diapers("own", 4, 0),  # twice on a day is one day
    bought("own-5", 1, days_ago(45), "Baby/Infant formula", "20.00", name="formula 1", customer="own"),
    diapers("gift", 1, 3, quantity="4.000"),  # many packs, one day
    diapers("shop", 1, 30, quantity="60.000"), diapers("shop", 2, 20, quantity="60.000"), diapers("shop", 3, 10, quantity="60.000"),
    diapers("back", 1, 30), diapers("back", 2, 20), diapers("back", 3, 10),
    diapers("back", 4, 9, quantity="3.000", status="refunded"),
    *[diapers("still", nth, back, f"Diapers size {size}") for nth, (back, size) in
      enumerate(((300, 3), (200, 3), (40, 4), (20, 4), (1, 4)), 1)],  # no onset in sight
    bought("newborn-0", 2, days_ago(300), "Baby/Diapers", "9.00", name="Diapers size 4", customer="newborn"),  # an elder child
    diapers("newborn", 1, 30, "Diapers NB"), diapers("newborn", 2, 12, "Diapers NB"), diapers("newborn", 3, 2, "Diapers NB"),
    *[diapers("twins", nth, back, "Diapers NB", "4.000") for nth, back in enumerate((30, 12, 2), 1)],
    *[diapers("nursery", nth, back, f"Diapers size {size}") for nth, (back, size) in
      enumerate(((20, 2), (20, 3), (20, 4), (20, 5), (9, 3), (1, 3)), 1)],
    *[diapers("dealer", nth, back, quantity="9.000") for nth, back in enumerate((30, 20, 10), 1)],  # never much on a day
    *[diapers("silent", nth, back) for nth, back in enumerate((58, 56, 54, 51), 1)],
    *[diapers("stopped", nth, back) for nth, back in enumerate((56, 51, 46, 41, 36), 1)],  # every five days, then nothing for 36
    diapers("lull", 1, 7), *[diapers("lull", nth, back) for nth, back in enumerate((190, 130, 70), 2)],  # one day of late, but for long
    *[diapers("shopper", nth, back, "Diapers size 3") for nth, back in enumerate((25, 14, 2), 1)],  # from the first basket seen
    *[diapers("adult", nth, back, "Adult diapers") for nth, back in enumerate((30, 20, 10), 1)],
    *[diapers("old", nth, back) for nth, back in enumerate((200, 190, 180), 1)],  # evidence that ended
    bought("chinese-1", 1, days_ago(9), "母婴/纸尿裤", "80.00", name="纸尿裤 S", customer="chinese"),
    bought("chinese-2", 1, days_ago(2), "母婴/奶粉", "300.00", name="婴儿奶粉 1段", customer="chinese"),
]  # fmt: skip
PEOPLE = ["own", "gift", "shop", "back", "still", "newborn", "adult", "old", "none", "chinese", "switcher", "stayer", "starter",
          "twins", "nursery", "dealer", "silent", "stopped", "lull", "shopper", "newcomer"]  # fmt: skip
PAYMENTS = (
    "customer_id string, business_date date, direction string, type string, amount decimal(18,2), "
    "currency string, description string, counterparty string"
)


def pay(customer: str, back: int, payer: str) -> tuple:
    return (customer, days_ago(back), "credit", "salary", Decimal("5000.00"), "CNY", f"pay {back}", payer)


@pytest.fixture(scope="module")
def judged(spark: SparkSession) -> dict[str, Any]:
    """Posteriors and the rows written, of everybody above."""
    payments = spark.createDataFrame(
        [*[pay("stayer", back, "ACME") for back in (150, 120, 90, 60, 30, 0)],
         *[pay("starter", back, "ACME") for back in (60, 30, 0)],  # nothing known of an earlier job
         *[pay("switcher", back, "ACME") for back in (150, 120, 90)], pay("switcher", 60, "NEW INC"), pay("switcher", 30, "NEW INC"),
         *[pay("newcomer", back, "OLD INC") for back in (100, 95)], *[pay("newcomer", back, "ACME") for back in (85, 55, 25)]],
        PAYMENTS,
    )  # fmt: skip
    purchases = frame(spark, "purchases", PURCHASES)
    customers = spark.createDataFrame([(who, None if who == "chinese" else 30) for who in PEOPLE], "customer_id string, age int")
    evidence = payment_evidence(payments, customers, EVENTS)
    paid = payment_days(evidence, frame(spark, "fx_rates", []), "CNY", EVENTS, DAY)
    days = purchase_days(purchases, EVENTS).unionByName(paid).persist()
    first_seen = spark.createDataFrame(
        [*[(who, "payments", LONG_AGO) for who in PEOPLE],
         *[(who, "purchases", days_ago(25) if who == "shopper" else LONG_AGO) for who in PEOPLE]],
        "customer_id string, source string, first_on date",
    )  # fmt: skip
    found = posteriors(days, customers, first_seen, EVENTS, DAY)
    written = life_events(days, customers, first_seen, EVENTS, DAY)
    return {
        "found": {(row["customer_id"], row["event"]): row.asDict(recursive=True) for row in found.collect()},
        "written": {(row["customer_id"], row["event"]): row.asDict(recursive=True) for row in written.collect()},
    }


def test_only_new_parents_and_job_changers_are_written_down(judged: dict[str, Any]) -> None:
    parents = {(who, "new_parent") for who in ("own", "newborn", "twins")}
    assert set(judged["written"]) == parents | {("switcher", "job_change")}


def test_a_gift_a_shop_a_nursery_a_return_an_adult_and_what_ended_are_not_even_judged(judged: dict[str, Any]) -> None:
    parents = {who for who, event in judged["found"] if event == "new_parent"}
    assert parents == {"own", "still", "newborn", "chinese", "twins", "lull", "shopper"}


def test_twins_are_one_event_and_no_more_probable_than_one_child(judged: dict[str, Any]) -> None:
    twins, one = judged["written"][("twins", "new_parent")], judged["written"][("newborn", "new_parent")]
    assert twins["child_age_months"] == one["child_age_months"]
    assert [(each["category"], each["days"]) for each in twins["evidence"]] == [("diapers", 3)]


def test_the_posterior_is_prior_times_evidence_with_its_parts_listed(judged: dict[str, Any]) -> None:
    formula = round(0.6 * round(0.5 * 0.5, 6), 6)  # one day, 45 days ago: half of it is left; second kind: 0.6 of that
    total = math.log(0.2 / 0.8) + 3.0 + formula
    assert judged["written"][("own", "new_parent")] == {
        "customer_id": "own", "as_of": DAY, "event": "new_parent", "probability": round(1 / (1 + math.exp(-total)), 6),
        "stage": "infant", "consented": True, "first_evidence_on": days_ago(45),
        "child_age_months": 7.6, "child_age_from_months": 5.0, "child_age_to_months": 10.0,
        "evidence": [
            {"category": "diapers", "days": 3, "last_on": DAY, "log_odds": 3.0, "note": None},
            {"category": "formula", "days": 1, "last_on": days_ago(45), "log_odds": formula, "note": None},
        ],
    }  # fmt: skip


def test_who_has_bought_for_long_is_not_new_unless_the_size_says_newborn(judged: dict[str, Any]) -> None:
    assert not judged["found"][("still", "new_parent")]["is_new"]
    assert judged["found"][("still", "new_parent")]["probability"] > PARENT.min_probability
    assert judged["found"][("still", "new_parent")]["stage"] == "toddler"
    newborn = judged["written"][("newborn", "new_parent")]  # size 4 in the year before: a second child
    assert newborn["stage"] == "newborn"
    assert newborn["child_age_to_months"] <= 6


def test_who_was_not_seen_shopping_before_is_not_new_however_long_the_bank_knows_them(judged: dict[str, Any]) -> None:
    shopper = judged["found"][("shopper", "new_parent")]
    assert shopper["probability"] > PARENT.min_probability
    assert not shopper["is_new"]


def test_nobody_is_new_to_a_customer_of_whom_no_month_before_the_window_is_known(spark: SparkSession, settings: Settings) -> None:
    events, known_for = {"relocation": settings.life_events["relocation"]}, {"new": 36, "of_late": 106, "old": 204}
    regular = [("rent", 3000, (32, 2)), ("electric", 200, (30, 10, 0)), ("broadband", 80, (12,))]

    def paid(who: str, back: int, wording: str, amount: int) -> tuple:
        return (who, days_ago(back), "debit", "transfer", Decimal(amount), "CNY", wording, wording.upper())

    payments = spark.createDataFrame(
        [*[paid(who, back, wording, amount) for who in known_for for wording, amount, days in regular for back in days],
         *[paid(who, back, "lunch", 20) for who, days in known_for.items() for back in range(1, days + 1, 7)]],
        PAYMENTS,
    )  # fmt: skip
    customers = spark.createDataFrame([(who, 40) for who in known_for], "customer_id string, age int")
    evidence = payment_evidence(payments, customers, events)
    days = payment_days(evidence, frame(spark, "fx_rates", []), "CNY", events, DAY)
    first_seen = evidence.selectExpr("customer_id", "'payments' AS source", "array_min(seen) AS first_on")
    assert [row["customer_id"] for row in life_events(days, customers, first_seen, events, DAY).collect()] == ["old"]


def test_days_before_the_window_count_for_something_and_are_listed(judged: dict[str, Any]) -> None:
    still, newborn = judged["found"][("still", "new_parent")], judged["found"][("newborn", "new_parent")]
    earlier = {"category": "earlier", "days": 2, "last_on": days_ago(200), "log_odds": 0.75, "note": "months: 2"}
    assert still["evidence"][1] == earlier
    assert newborn["evidence"][1] == earlier | {"days": 1, "last_on": days_ago(300), "log_odds": 0.25, "note": "months: 1"}
    assert still["probability"] == round(1 / (1 + math.exp(-(math.log(0.2 / 0.8) + still["evidence"][0]["log_odds"] + 0.75))), 6)


def test_of_an_event_without_a_child_the_latest_pattern_tells_the_stage(judged: dict[str, Any]) -> None:
    switcher = judged["written"][("switcher", "job_change")]
    assert (switcher["stage"], switcher["child_age_months"]) == ("settled", None)


@pytest.mark.parametrize(("changes", "said"), [
    ({"silence_days": 60}, "silence_days must be shorter"),
    ({"child": None}, "need `child`"),
    ({"evidence": JOB.evidence, "window_days": 100, "onset_days": 130}, "novel evidence needs onset_days of at least 31 more"),
    ({"stages": ({"name": "late", "pattern": "x"},)}, "told by from_months"),
    ({"stages": ({"name": "a", "from_months": 0, "to_months": 6}, {"name": "b", "from_months": 5, "to_months": 9})}, "without overlap"),
    ({"stages": ({"name": "a", "from_months": 0},)}, "by a pattern, or by"),
    ({"child": {"sizes": ({"pattern": "x", "from_months": 3, "to_months": 3},)}}, "before to_months"),
    ({"child": {"sizes": ({"pattern": "(", "from_months": 0, "to_months": 3},)}}, "not a regular expression"),
])  # fmt: skip
def test_a_configuration_that_cannot_be_meant_is_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        LifeEvent.model_validate(PARENT.model_dump() | changes)


def test_an_unknown_age_starts_lower_and_chinese_names_are_understood(judged: dict[str, Any]) -> None:
    chinese = judged["found"][("chinese", "new_parent")]
    assert (chinese["stage"], {each["category"] for each in chinese["evidence"]}) == ("newborn", {"diapers", "formula"})
    assert chinese["probability"] < PARENT.min_probability


ARTICLES = {  # category, name: the place of its size in the packaged event, youngest first; None: says nothing of an age
    ("Baby/Diapers", "Diapers Newborn 84 ct"): 0, ("母婴/尿裤", "好奇纸尿裤NB码70片"): 0, ("Baby/Diapers/Size 1", "纸尿裤 S码"): 1,
    ("Baby", "Nappies size 2"): 2, ("母婴", "纸尿裤M58片"): 2, ("Baby/Diapers/Size 3", "纸尿裤 L码"): 3, ("母婴", "尿不湿 XL 40片"): 4,
    ("母婴", "成长裤 拉拉裤XL"): 4, ("Baby", "Diapers S5"): 5, ("母婴", "纸尿裤XXL码"): 5, ("DRUG GM/DIAPERS", "BABY DIAPERS 40 CT"): None,
    ("Baby", "Infant formula stage 1 800 g"): 6, ("母婴/奶粉", "婴儿配方奶粉2段"): 7, ("母婴/奶粉", "幼儿奶粉"): 8,
    ("Baby/Formula", "1"): None,
    ("Baby/Baby Foods/Purees", "果泥辅食"): 9, ("DRUG GM/BABY FOODS", "BABY FOOD JUNIOR 6 OZ"): 10, ("Baby/Care", "Baby wipes"): None,
}  # fmt: skip


def test_sizes_are_read_in_the_words_of_different_shops(spark: SparkSession, settings: Settings) -> None:
    rows = [bought(str(nth), 1, DAY, category, "9.00", name=name, customer=str(nth)) for nth, (category, name) in enumerate(ARTICLES)]
    days = purchase_days(frame(spark, "purchases", rows), {"new_parent": settings.life_events["new_parent"]}).collect()
    signs = {int(row["customer_id"]): row["signs"] for row in days}
    read = {article: signs[nth][0] if signs.get(nth) else None for nth, article in enumerate(ARTICLES)}
    assert read == ARTICLES


def test_only_consenting_adults_who_are_still_here_and_not_bereaved_are_looked_at(spark: SparkSession) -> None:
    since = on(1, 1, 2025)
    people = {
        "yes": {"life_event_consent": True, "birth_date": on(3, 31, 2008)},  # eighteen on the day
        "no": {"life_event_consent": False},
        "never_asked": {},
        "minor": {"life_event_consent": True, "birth_date": on(4, 1, 2008)},
        "of_unknown_age": {"life_event_consent": True, "birth_date": None},
        "left": {"life_event_consent": True, "closed_on": on(3, 1)},
        "bereaved": {"life_event_consent": True},
        "no_longer": {"life_event_consent": True},
        "last_day": {"life_event_consent": True},
    }
    of_age = {"birth_date": on(1, 1, 1980)}
    customers = frame(spark, "customers", [version(since, customer_id=who, **of_age | values) for who, values in people.items()])
    restrictions = frame(spark, "restrictions", [
        {"customer_id": "bereaved", "kind": "bereavement", "valid_from": on(3, 1)},
        {"customer_id": "no_longer", "kind": "bereavement", "valid_from": on(1, 1), "valid_to": DAY - timedelta(1)},
        {"customer_id": "last_day", "kind": "bereavement", "valid_from": on(1, 1), "valid_to": DAY},
    ])  # fmt: skip
    found = {row["customer_id"]: row["age"] for row in consenting(customers, restrictions, DAY).collect()}
    assert found == {"yes": 18, "no_longer": 46}
