"""What another choice of offers would have brought, read from a lake in which the lot drew."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
from deltalake import write_deltalake
from pyspark.sql import SparkSession

from conf import Settings
from conf.offer import agreed_to, asked_about, paid_for
from jobs.context import Job, Places
from jobs.customers_as_of import customers_as_of, ever_acquired
from jobs.effect import effect, new_offers, other_ways
from tests.small_lake import laid_down
from worklists.effect import Case, Report
from worklists.effect_page import effect_page, effect_text

D, SHARE = date(2026, 6, 15), 0.4
NAMES = ("mortgage", "car_loan", "gold_savings")


def lake_with_a_lot(places: Places, settings: Settings, customers: int) -> tuple[list[Case], dict[str, float]]:
    """Calls opened with the best or a drawn offer, and the true value a call of choosing by value and by probability."""
    draw = np.random.default_rng(3)
    margins = np.array([float(settings.offers[name].margin) for name in NAMES])
    costs = np.array([float(settings.offers[name].contact_cost) for name in NAMES])
    chance = np.clip(draw.beta(2, 10, (customers, 3)) * np.array([0.1, 0.5, 1.0]), 0, 1)
    said = chance * 1.2  # a model that promises too much
    value = said * margins - costs
    best, likeliest, at = value.argmax(axis=1), said.argmax(axis=1), np.arange(customers)
    propensity = np.full((customers, 3), SHARE / 3)
    propensity[at, best] += 1 - SHARE
    made = (draw.random(customers)[:, None] > np.cumsum(propensity, axis=1)).sum(axis=1).clip(0, 2)
    took = draw.random(customers) < chance[at, made]
    who = np.array([f"C{n:05}" for n in range(customers)])
    write_deltalake(places.lake / "offer_scores", pa.table({
        "customer_id": np.repeat(who, 3), "as_of": pa.array([D] * customers * 3, pa.date32()), "offer_id": np.tile(NAMES, customers),
        "probability": said.ravel(), "expected_value": value.ravel(), "propensity": propensity.ravel(),
    }))  # fmt: skip
    cases = [
        Case(f"A{n}", who[n], "next_best_offer", NAMES[made[n]], D, 40, False, "contacted",
             ((settings.offers[NAMES[made[n]]].uptake.products[0], D + timedelta(days=9)),) if took[n] else (), None)
        for n in range(customers)
    ]  # fmt: skip
    worth = chance * margins - costs
    return cases, {"by value": worth[at, best].mean(), "by probability alone": worth[at, likeliest].mean()}


def test_other_ways_of_choosing_are_judged_from_the_lot(places: Places, settings: Settings) -> None:
    cases, truth = lake_with_a_lot(places, settings, 6000)
    found = {way.name: way for way in other_ways(places.lake, cases, settings.offers)}
    assert truth["by value"] > truth["by probability alone"] + 20
    for name, way in found.items():
        assert not way.refused
        assert way.calls == 6000
        assert way.value[1] <= truth[name] <= way.value[2]
    assert found["by value"].same == pytest.approx(1 - SHARE * 2 / 3, abs=0.02)
    assert found["by probability alone"].gain[2] < 0 < found["by value"].gain[2]

    few = {way.name: way.refused for way in other_ways(places.lake, cases[:250], settings.offers)}
    assert all("carries no verdict" in refused for refused in few.values())
    assert other_ways(places.lake, [], settings.offers) == []
    assert other_ways(places.lake.parent / "none", cases, settings.offers) == []
    unlogged = [Case(**{**vars(case), "offer_id": "fx_account"}) for case in cases[:5]]
    assert other_ways(places.lake, unlogged, settings.offers) == [], "an offer that was in no lot says nothing"


def test_the_report_says_what_the_lot_tells(places: Places, settings: Settings) -> None:
    cases, _ = lake_with_a_lot(places, settings, 400)
    late = D + timedelta(days=120)
    alerts = [
        {"alert_id": case.alert_id, "customer_id": case.customer_id, "type": case.type, "raised_on": D, "priority": 40,
         "offers": [{"offer_id": case.offer_id}], "control_group": False, "status": "contacted", "closed_on": None, "flow_ids": []}
        for case in cases
    ]  # fmt: skip
    schema = pa.schema([
        ("alert_id", pa.string()), ("customer_id", pa.string()), ("type", pa.string()), ("raised_on", pa.date32()),
        ("priority", pa.int32()), ("offers", pa.list_(pa.struct([("offer_id", pa.string())]))), ("control_group", pa.bool_()),
        ("status", pa.string()), ("closed_on", pa.date32()), ("flow_ids", pa.list_(pa.string())),
    ])  # fmt: skip
    write_deltalake(places.lake / "alerts", pa.Table.from_pylist(alerts, schema))
    write_deltalake(places.lake / "runs", pa.table({"business_date": pa.array([late], pa.date32())}))
    said = effect(settings, places, D, D, None)
    assert "by value, 400 calls" in said
    assert "by probability alone, 400 calls" in said
    assert "nothing is said: an effective sample" in said


def test_payments_and_answers_are_read_as_they_were_known(spark: SparkSession, places: Places, settings: Settings) -> None:
    """Twenty called and twenty held back for a journey: ten of the called pay for it, as far as is known on the last day run."""
    late = D + timedelta(days=120)
    job = Job(settings, places, spark, late, "test")
    customers = [f"C{n:02}" for n in range(40)]
    laid_down(job, "accounts", [
        {"account_id": f"A{who}", "customer_id": who, "product_type": "current", "currency": "CNY", "opened_on": date(2020, 1, 1),
         "status": "open", "valid_from": date(2020, 1, 1), "is_current": True, "recorded_on": date(2020, 1, 1)} for who in customers])
    laid_down(job, "customers", [
        {"customer_id": who, "valid_from": date(2020, 1, 1), "is_current": True, "recorded_on": date(2020, 1, 1)} for who in customers])

    def paid(who: str, days: int, told: int, **other: object) -> dict[str, object]:
        on = D + timedelta(days=days)
        return {"transaction_id": f"T{who}{days}", "account_id": f"A{who}", "business_date": on, "recorded_on": on + timedelta(days=told),
                "amount": Decimal(3000), "currency": "CNY", "direction": "debit", "type": "card", "description": "PARTNER TRAVEL"} | other

    laid_down(job, "transactions", [
        *[paid(who, 9, 0) for who in customers[:10]],
        paid("C10", 9, 200),  # not known yet
        paid("C11", 9, 0, superseded_on=late),  # taken back by then
        paid("C12", 9, 0, amount=Decimal(299)),
        paid("C13", -1, 0),  # before anybody called
        paid("C30", 61, 0),  # after the window
    ])
    laid_down(job, "alerts", [
        {"alert_id": f"A{n}", "customer_id": who, "type": "next_best_offer", "raised_on": D, "priority": 40,
         "offers": [{"offer_id": "travel_package", "name": "", "probability": 0.1, "expected_value": 30.0, "reason": ""}],
         "control_group": n >= 20, "status": "suppressed" if n >= 20 else "contacted", "flow_ids": []}
        for n, who in enumerate(customers)])
    said_on = D + timedelta(days=3)
    laid_down(job, "outcomes", [
        {"alert_id": f"A{n}", "recorded_at": datetime(2026, 6, 18, n, tzinfo=UTC), "outcome": outcome, "offer_id": "car_purchase",
         "business_date": said_on, "recorded_on": said_on + timedelta(days=told)}
        for n, outcome, told in ((0, "accepted", 0), (1, "declined", 0), (2, "accepted", 200))])
    laid_down(job, "runs", [{"run_id": "r", "job": "alert", "business_date": late}])
    report = effect(settings, places, D, D, None)
    assert "50.0% against 0.0%: +50.0%" in report.split("By first offer")[1]

    known = {(row["customer_id"], row["product_id"]): row["acquired_on"] for row in ever_acquired(job, D).collect()}
    told = {key: on for key, on in known.items() if key[1] != "current"}
    assert {who for who, product in told if product == paid_for("travel_package")} == {*customers[:10], "C30"}
    assert {key for key in told if "car_purchase" in key[1]} == {
        ("C00", agreed_to("car_purchase")), ("C00", asked_about("car_purchase")), ("C01", asked_about("car_purchase"))}
    assert told["C00", agreed_to("car_purchase")] == said_on

    assets = spark.createDataFrame([("C00", day, 0) for day in (said_on, late, said_on + timedelta(days=365))],
                                   "customer_id string, as_of date, assets int")  # fmt: skip
    days = sorted(row["as_of"] for row in assets.collect())
    held = {row["as_of"]: row["held"] for row in customers_as_of(job, days, assets).where("customer_id = 'C00'").collect()}
    assert [agreed_to("car_purchase") in held[day] for day in days] == [True, True, False], "a car is bought once in a year"
    assert not any(paid_for("travel_package") in held[day] for day in days), "what is taken again is never held"


def test_a_new_offer_is_compared_with_its_own_control_group(places: Places, settings: Settings) -> None:
    """Open to 40, of whom 8 take it; kept from 30, of whom 3 do; others were not to have it anyway."""
    late = D + timedelta(days=61)
    who = [f"C{n:02}" for n in range(80)]
    verdicts = [(True, [])] * 40 + [(False, ["offer_control_group"])] * 30 + [(False, ["offer_control_group", "cool_down"])] * 10
    for day, of_day in ((D, verdicts), (late, [(True, [])] * 80)):  # the first day decides
        write_deltalake(places.lake / "offer_scores", pa.table({
            "customer_id": who, "as_of": pa.array([day] * 80, pa.date32()), "offer_id": ["gold_savings"] * 80,
            "eligible": [eligible for eligible, _ in of_day], "blocked_by": pa.array([rules for _, rules in of_day], pa.list_(pa.string())),
        }), mode="append")  # fmt: skip
    takers = [*who[:8], *who[40:43], *who[70:80]]
    write_deltalake(places.lake / "holdings", pa.table({
        "customer_id": takers, "product_id": ["gold_savings"] * len(takers),
        "acquired_on": pa.array([D + timedelta(days=5)] * len(takers), pa.date32()),
    }))  # fmt: skip
    gold = settings.offers["gold_savings"].model_copy(update={"new_until": late})
    fresh = settings.model_copy(update={"offers": {**settings.offers, "gold_savings": gold}})
    (found,) = new_offers(fresh, places, D, late, late)
    assert (found.name, found.on, found.open_to, found.kept_from) == ("gold_savings", D, 40, 30)
    assert found.uptake is not None
    assert (found.uptake.treated, found.uptake.control) == (0.2, 0.1)
    (waiting,) = new_offers(fresh, places, D, late, D + timedelta(days=59))
    assert waiting.uptake is None
    assert new_offers(settings, places, D, late, late) == []
    said = effect_text(Report([], [], [], D, late, late, [found]), fresh)
    assert "Gold savings plan, on 15 Jun 2026 open to 40, kept from 30 by lot" in said
    assert "20.0% against 10.0%" in said
    assert "kept from 30 by lot" in effect_page(Report([], [], [], D, late, late, [found]), fresh)
    assert "New offers" not in effect_text(Report([], [], [], D, late, late), fresh)
