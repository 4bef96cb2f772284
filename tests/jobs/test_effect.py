"""What another choice of offers would have brought, read from a lake in which the lot drew."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pytest
from deltalake import write_deltalake

from conf import Settings
from jobs.context import Places
from jobs.effect import effect, other_ways
from worklists.effect import Case

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
