"""Labels point in time: what is learned from a day is what could be known of it, and followed it."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from pyspark.sql import SparkSession

from conf import Settings
from conf.offer import Bundle, Eligibility, Offer, Uptake, agreed_to, asked_about
from features.acquired import acquired
from models.training_set import labels_by_offer, sampled, snapshot_dates, split_days, uptake_labels

DAY = date(2026, 3, 1)
CLOSED = date(2026, 5, 7)  # DAY + 7 days of embargo + 60 days of window
WORDS = {"en": "x", "zh": "x"}


def offer(once: bool = True, **eligibility: object) -> Offer:
    return Offer(
        name=WORDS, family="fund", reason=WORDS, margin=Decimal(100), contact_cost=Decimal(10), prior=0.1,
        eligibility=Eligibility(once=once, **eligibility), uptake=Uptake(products=("fund_a", "fund_b"), window_days=60),
    )  # fmt: skip


@pytest.fixture(scope="module")
def labels(spark: SparkSession) -> dict[str, dict[str, int]]:
    """Offer -> customer -> label."""
    taken_on = {
        "embargo": DAY + timedelta(7),  # still in the embargo: it was held when the window began
        "first_day": DAY + timedelta(8),
        "last_day": DAY + timedelta(67),
        "too_late": DAY + timedelta(68),
        "long_held": date(2020, 1, 1),
        "given_up": date(2020, 1, 1),
        "poor": DAY + timedelta(9),
        "unknown_age": DAY + timedelta(9),
    }
    closed_on = {"given_up": date(2026, 3, 5)}
    customers = [*taken_on, "never", "other_product"]
    snapshots = spark.createDataFrame(
        [
            (name, DAY, None if name == "unknown_age" else 40, Decimal(0 if name == "poor" else 90000), Decimal(5000), 3)
            for name in customers
        ],
        "customer_id string, as_of date, age int, annual_income decimal(18,2), assets decimal(18,2), risk_profile int",
    )
    holdings = spark.createDataFrame(
        [(name, "fund_b", day, closed_on.get(name)) for name, day in taken_on.items()]
        + [("other_product", "gold", DAY + timedelta(9), None)],
        "customer_id string, product_id string, acquired_on date, closed_on date",
    )
    offers = {"once": offer(min_income=Decimal(1)), "again": offer(once=False, min_income=Decimal(1))}
    long = uptake_labels(snapshots, holdings, offers, 7, CLOSED)
    assert uptake_labels(snapshots, holdings, offers, 7, CLOSED - timedelta(1)).isEmpty(), "the window is still open"
    wide = {row["customer_id"]: row for row in labels_by_offer(long, [*offers, "third"]).collect()}
    assert all(row["taken_third"] is None for row in wide.values())
    return {
        name: {customer: row[f"taken_{name}"] for customer, row in wide.items() if row[f"taken_{name}"] is not None}
        for name in offers
    }


def test_uptake_counts_after_the_embargo_and_within_the_window(labels: dict[str, dict[str, int]]) -> None:
    assert labels["once"] == {"first_day": 1, "last_day": 1, "too_late": 0, "never": 0, "other_product": 0, "given_up": 0}


def test_an_account_that_was_opened_is_a_product_that_was_taken(spark: SparkSession) -> None:
    who = ("opened", "has_one", "had_one", "never")
    snapshots = spark.createDataFrame([(name, DAY, 40, 90000, 5000, 3) for name in who],
                                      "customer_id string, as_of date, age int, annual_income int, assets int, risk_profile int")
    none = spark.createDataFrame([], "customer_id string, as_of date, product_id string, acquired_on date, closed_on date")
    accounts = spark.createDataFrame(
        [("opened", CLOSED, "credit_card", DAY + timedelta(20), None, "open", DAY + timedelta(20)),
         ("has_one", CLOSED, "credit_card", date(2020, 1, 1), None, "open", date(2020, 1, 1)),
         ("had_one", CLOSED, "credit_card", date(2020, 1, 1), None, "closed", date(2026, 1, 5)),  # the bank named no closing date
         ("never", CLOSED, "savings", DAY + timedelta(20), None, "open", DAY + timedelta(20))],
        "customer_id string, as_of date, product_type string, opened_on date, closed_on date, status string, valid_from date")
    card = offer().model_copy(update={"uptake": Uptake(products=("credit_card",), window_days=60)})
    labels = uptake_labels(snapshots, acquired(none, accounts), {"card": card}, 7, CLOSED)
    assert {row["customer_id"]: row["label"] for row in labels.collect()} == {"opened": 1, "had_one": 0, "never": 0}


def test_where_only_a_yes_tells_an_uptake_only_those_asked_have_said_no(spark: SparkSession) -> None:
    who = ("agreed", "declined", "never_asked", "asked_early", "agreed_before")
    snapshots = spark.createDataFrame([(name, DAY, 40, 90000, 5000, 3) for name in who],
                                      "customer_id string, as_of date, age int, annual_income int, assets int, risk_profile int")
    in_window, before = DAY + timedelta(20), DAY - timedelta(20)
    answers = spark.createDataFrame(
        [("agreed", asked_about("care"), in_window, in_window), ("agreed", agreed_to("care"), in_window, in_window + timedelta(365)),
         ("declined", asked_about("care"), in_window, in_window), ("never_asked", asked_about("other"), in_window, in_window),
         ("asked_early", asked_about("care"), DAY + timedelta(7), DAY + timedelta(7)),
         ("agreed_before", agreed_to("care"), before, before + timedelta(365)),
         ("agreed_before", asked_about("care"), in_window, in_window)],
        "customer_id string, product_id string, acquired_on date, closed_on date")
    care = offer().model_copy(update={"uptake": Uptake(outcome=True, window_days=60)})
    either = offer().model_copy(update={"uptake": Uptake(products=("fund_a",), outcome=True, window_days=60)})
    labels = uptake_labels(snapshots, answers, {"care": care}, 7, CLOSED)
    assert {row["customer_id"]: row["label"] for row in labels.collect()} == {"agreed": 1, "declined": 0}
    shown = uptake_labels(snapshots, answers, {"care": either}, 7, CLOSED)
    assert {row["customer_id"]: row["label"] for row in shown.collect()} == {
        "agreed": 1, "declined": 0, "never_asked": 0, "asked_early": 0}, "what shows by itself is learned from everybody"


def test_a_bundle_is_taken_when_all_is_that_was_left(spark: SparkSession) -> None:
    def single(product: str, once: bool = True) -> Offer:
        return offer(once=once).model_copy(update={"uptake": Uptake(products=(product,), window_days=60)})

    offers = {"a": single("a"), "b": single("b"), "c": single("c").model_copy(update={"eligibility": Eligibility(max_age=50)})}
    offers["all"] = Offer(name=WORDS, family="bundle", reason=WORDS, contact_cost=Decimal(1), bundle=Bundle(offers=("a", "b", "c")),
                          eligibility=Eligibility(min_age=30)).priced(list(offers.values()))  # fmt: skip
    in_window, long_ago = DAY + timedelta(20), date(2020, 1, 1)
    took = {"all_three": "abc", "two_of_three": "ab", "none": "", "held_one": "bc", "held_two": "c", "old": "abc", "old_holder": "ab",
            "young": "abc"}  # fmt: skip
    held = {"held_one": "a", "held_two": "ab", "old_holder": "c"}
    ages = {"old": 60, "old_holder": 60, "young": 29}
    snapshots = spark.createDataFrame([(name, DAY, ages.get(name, 40), 90000, 5000, 3) for name in took],
                                      "customer_id string, as_of date, age int, annual_income int, assets int, risk_profile int")
    rows = [(who, product, in_window, None) for who, of in took.items() for product in of]
    rows += [(who, product, long_ago, None) for who, of in held.items() for product in of]
    products = spark.createDataFrame(rows, "customer_id string, product_id string, acquired_on date, closed_on date")
    found = uptake_labels(snapshots, products, offers, 7, CLOSED).where("offer_id = 'all'").collect()
    assert {row["customer_id"]: row["label"] for row in found} == {
        "all_three": 1, "two_of_three": 0, "none": 0, "held_one": 1, "old_holder": 1,
    }, "of what the old may not take nothing is sold to them, unless they hold it; fewer than two left are no bundle"


def test_what_is_taken_again_is_learned_from_holders_too(labels: dict[str, dict[str, int]]) -> None:
    assert set(labels["again"]) == set(labels["once"]) | {"embargo", "long_held"}
    assert labels["again"]["long_held"] == 0


def test_unsuited_customers_are_no_evidence(labels: dict[str, dict[str, int]]) -> None:
    for of_offer in labels.values():
        assert not {"poor", "unknown_age"} & set(of_offer)


def test_a_sample_is_the_same_customers_whatever_the_partitioning(spark: SparkSession) -> None:
    snapshots = spark.createDataFrame([(f"C{n}", DAY) for n in range(400)], "customer_id string, as_of date")
    kept = {row["customer_id"] for row in sampled(snapshots, 0.25, 1).collect()}
    assert kept == {row["customer_id"] for row in sampled(snapshots.repartition(5), 0.25, 1).collect()}
    assert 60 < len(kept) < 140
    assert sampled(snapshots, 1.5, 1).count() == 400


def test_snapshots_leave_an_embargo_and_a_window_between_learning_and_judging(settings: Settings) -> None:
    days = snapshot_dates(date(2026, 12, 31), settings.models, 60, date(2026, 1, 1))
    assert days[0] == date(2026, 12, 31) - timedelta(67)
    training, validation, test = split_days(days, 67)
    assert (len(training), len(validation), len(test)) == (4, 1, 1)
    assert test[0] - validation[0] >= timedelta(67)
    assert validation[0] - max(training) >= timedelta(67)


def test_a_short_history_gives_no_training_window(settings: Settings) -> None:
    days = snapshot_dates(date(2026, 12, 31), settings.models, 60, date(2026, 9, 1))
    assert days == [date(2026, 10, 25)]
    assert split_days(days, 67) == ([], [], [date(2026, 10, 25)])
    assert split_days([], 67) == ([], [], [])
