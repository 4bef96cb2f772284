"""An alert's words."""

from __future__ import annotations

import pyspark.sql.functions as F
import pytest
from pyspark.sql import SparkSession

from conf import Settings
from worklists.flow_reasons import each_cause_once
from worklists.headlines import with_offers

SCORES = (
    "customer_id string, offer_id string, probability double, expected_value double, eligible boolean, blocked_by array<string>, rank int, "
    "reasons array<string>, model_version string"
)


def test_a_cause_that_two_flows_share_is_told_once(spark: SparkSession, settings: Settings) -> None:
    """The largest withdrawal often empties an account, too."""
    family = " Possibly help for the family (from the wording of the payment: ask, do not assume)."
    car = family.replace("help for the family", "a car")
    told = spark.range(1).select(each_cause_once(F.lit(f"One.{family} Two.{car} Three.{family}"), settings)).first()
    assert told is not None
    assert told[0] == f"One. Two.{car} Three.{family}"


@pytest.mark.parametrize(("language", "contents"), [
    ("en", " In it: Mortgage, Partner home renovation offer."), ("zh", "包含：个人住房贷款、合作家装优惠。")])
def test_nothing_is_offered_twice_and_a_bundle_says_what_is_in_it(
    spark: SparkSession, settings: Settings, language: str, contents: str
) -> None:
    """C1 holds the insurance: the package is the loan and the renovation. C2's mortgage is worth more than the package it is in."""
    told = settings.model_copy(update={"bank": settings.bank.model_copy(update={"language": language})})
    order = {"C1": ["home_bundle", "mortgage", "consumer_loan", "home_services", "child_growth_fund", "pension_plan"],
             "C2": ["mortgage", "home_bundle", "home_services", "home_insurance"]}  # fmt: skip
    scores = [(who, name, 0.1, 100.0 - nth, True, [], nth, [], "m/1") for who, names in order.items() for nth, name in enumerate(names, 1)]
    scores.append(("C1", "home_insurance", 0.1, 50.0, False, ["already_held"], None, [], "m/1"))
    matters = spark.createDataFrame([(who, "next_best_offer", [names[0]], False) for who, names in order.items()],
                                    "customer_id string, type string, events array<string>, safety boolean")
    rows = {row["customer_id"]: row["offers"] for row in with_offers(matters, spark.createDataFrame(scores, SCORES), told).collect()}
    assert [of["offer_id"] for of in rows["C1"]] == ["home_bundle", "consumer_loan", "child_growth_fund"]
    assert [of["offer_id"] for of in rows["C2"]] == ["mortgage", "home_services", "home_insurance"], "what is left out leaves nothing out"
    assert rows["C1"][0]["reason"].endswith(contents)
    assert contents[:5] not in rows["C1"][1]["reason"]
