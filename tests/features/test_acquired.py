"""What counts as taken: payments by their text, way and size, and answers by the last word on an alert."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from pyspark.sql import SparkSession

from conf.offer import Bundle, Offer, Payment, Uptake
from features.acquired import answered_offers, offers_talked_about, paid_offers

DAY, KNOWN = date(2026, 3, 1), date(2026, 6, 1)
WORDS = {"en": "x", "zh": "x"}


def offer(**uptake: object) -> Offer:
    return Offer(name=WORDS, family="partner", reason=WORDS, margin=Decimal(100), contact_cost=Decimal(10), prior=0.1,
                 uptake=Uptake(lasts_days=30, **uptake))  # fmt: skip


def test_a_payment_is_an_uptake_when_all_that_the_offer_names_fits(spark: SparkSession) -> None:
    offers = {
        "box": offer(transactions=Payment(pattern="(?i)farm box|合作生鲜", types=("card",), min_amount=Decimal(50))),
        "any": offer(transactions=Payment(pattern="FARM")),
        "back": offer(transactions=Payment(pattern="FARM", direction="credit")),
    }
    rows = {
        "box": ("debit", "card", 50, "CNY", "FARM BOX 17", None),
        "by_counterparty": ("debit", "card", 50, "CNY", None, "合作生鲜"),
        "small": ("debit", "card", 49, "CNY", "FARM BOX", None),
        "abroad": ("debit", "card", 7, "USD", "FARM BOX", None),  # 8 CNY a dollar
        "no_rate": ("debit", "card", 900, "EUR", "FARM BOX", None),
        "transfer": ("debit", "transfer", 50, "CNY", "FARM BOX", None),
        "refund": ("credit", "card", 50, "CNY", "FARM BOX", None),
        "elsewhere": ("debit", "card", 50, "CNY", "GROCER", None),
    }
    payments = spark.createDataFrame(
        [(who, KNOWN, DAY, *of[:2], Decimal(of[2]), *of[3:]) for who, of in rows.items()],
        "customer_id string, as_of date, business_date date, direction string, type string, amount decimal(18,2), currency string, "
        "description string, counterparty string")
    rates = spark.createDataFrame([(KNOWN, date(2026, 1, 1), "USD", Decimal(8))],
                                  "as_of date, rate_date date, currency string, rate decimal(18,8)")
    found = paid_offers(payments, rates, "CNY", offers).collect()
    taken = {name: {row["customer_id"] for row in found if row["product_id"] == f"payment for {name}"} for name in offers}
    assert taken == {"box": {"box", "by_counterparty", "abroad"}, "any": {"box", "small", "abroad", "transfer"}, "back": {"refund"}}
    assert {(row["as_of"], row["acquired_on"], row["closed_on"]) for row in found} == {(KNOWN, DAY, date(2026, 3, 31))}


def test_the_last_answer_to_an_alert_counts_for_the_offer_it_was_about(spark: SparkSession) -> None:
    alerts = spark.createDataFrame(
        [(f"A{n}", f"C{n}", kind, [(first,)]) for n, (kind, first) in enumerate(
            [("next_best_offer", "care"), ("next_best_offer", "card"), ("life_event", "care"), ("next_best_offer", "care"),
             ("next_best_offer", "care")])],
        "alert_id string, customer_id string, type string, offers array<struct<offer_id: string>>")  # fmt: skip

    def said(alert: str, hour: int, outcome: str, offer_id: str | None = None) -> tuple:
        return (alert, datetime(2026, 3, 1, hour), outcome, offer_id, DAY, KNOWN)

    outcomes = spark.createDataFrame(
        [said("A0", 9, "accepted"),  # the call was about care
         said("A1", 9, "accepted", "care"),  # a call about a card ended with care
         said("A2", 9, "accepted"),  # a family review: nobody said what was agreed to
         said("A3", 9, "accepted", "care"), said("A3", 10, "declined"),
         said("A4", 9, "not_reached", "care")],
        "alert_id string, recorded_at timestamp, outcome string, offer_id string, business_date date, as_of date")  # fmt: skip
    found = answered_offers(offers_talked_about(outcomes, alerts), {"care": offer(outcome=True)}).collect()
    told = {(row["customer_id"], row["product_id"]): (row["acquired_on"], row["closed_on"]) for row in found}
    lasting, once = (DAY, date(2026, 3, 31)), (DAY, DAY)
    package = Offer(name=WORDS, family="bundle", reason=WORDS, contact_cost=Decimal(1), bundle=Bundle(offers=("care", "card")))
    shelf = {"care": offer(outcome=True), "card": offer(products=("card",)), "both": package}
    yes = spark.createDataFrame([said("A1", 9, "accepted", "both")], outcomes.schema)
    together = answered_offers(offers_talked_about(yes, alerts), shelf).collect()
    assert {row["product_id"] for row in together} == {"answer about care", "yes to care"}, "a card shows by itself"
    assert told == {
        ("C0", "answer about care"): once, ("C0", "yes to care"): lasting, ("C1", "answer about care"): once,
        ("C1", "yes to care"): lasting, ("C3", "answer about care"): once,
    }  # fmt: skip
