"""Which calls about offers compete, which offer each customer is told, and what becomes of the rest."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyspark.sql import DataFrame, SparkSession

from conf import Settings
from models.portfolio import portfolio
from worklists.calls import calls_at_stake, within_places
from worklists.sales_matters import offer_matters, untold_offers

D = date(2026, 6, 15)
BEST = pa.struct([("offer_id", pa.string()), ("probability", pa.float64()), ("expected_value", pa.float64())])
HELD = pa.schema([
    ("alert_id", pa.string()), ("customer_id", pa.string()), ("relationship_manager_id", pa.string()), ("type", pa.string()),
    ("suppressed_by", pa.string()), ("priority", pa.int32()), ("would_be", BEST),
])  # fmt: skip
SCORES = pa.schema([
    ("customer_id", pa.string()), ("as_of", pa.date32()), ("offer_id", pa.string()), ("probability", pa.float64()),
    ("expected_value", pa.float64()), ("eligible", pa.bool_()), ("rank", pa.int32()), ("propensity", pa.float64()),
])  # fmt: skip
ALERTS = pa.schema([
    ("customer_id", pa.string()), ("type", pa.string()), ("matter", pa.string()), ("raised_on", pa.date32()), ("status", pa.string()),
    ("closed_on", pa.date32()), ("control_group", pa.bool_()),
])  # fmt: skip


def frame(spark: SparkSession, schema: pa.Schema, rows: list[dict[str, Any]]) -> DataFrame:
    return spark.createDataFrame(pa.Table.from_pylist(rows, schema))


def limited(settings: Settings, **minutes_and_quotas: tuple[int | None, int | None]) -> Settings:
    """The shelf with other minutes and quotas of some offers."""
    offers = settings.offers | {
        name: settings.offers[name].model_copy(update={"minutes": minutes, "daily_quota": quota})
        for name, (minutes, quota) in minutes_and_quotas.items()
    }
    return settings.model_copy(update={"offers": offers})


def held(draw: np.random.Generator, rows: int) -> list[dict[str, Any]]:
    offers, value = draw.choice(["mortgage", "car_loan", "gold_savings"], rows), draw.gamma(2, 60, rows) + 20
    manager = draw.choice(["RM1", "RM2", "RM3", None], rows)
    found = [
        {"alert_id": f"A{n}", "customer_id": f"C{n:04}", "relationship_manager_id": manager[n], "type": "next_best_offer",
         "priority": n % 60, "would_be": {"offer_id": offers[n], "probability": 0.1, "expected_value": value[n]}}
        for n in range(rows)
    ]  # fmt: skip
    found += [{"alert_id": f"F{n}", "customer_id": f"F{n}", "relationship_manager_id": "RM1", "type": "abnormal_deposit", "priority": 50,
               "suppressed_by": "capacity" if n > 3 else None} for n in range(9)]  # fmt: skip
    return [*found, {**found[0], "alert_id": "no", "customer_id": "no", "suppressed_by": "snoozed"}]


def test_what_competes_is_little_and_loses_nothing(spark: SparkSession, settings: Settings) -> None:
    shelf = limited(settings, mortgage=(45, 3), car_loan=(20, None))
    rows = held(np.random.default_rng(1), 600)
    asked = calls_at_stake(frame(spark, HELD, rows), shelf, 25).toArrow().to_pandas().sort_values("customer")
    assert len(asked) < 100
    left = asked.groupby("manager")["left"].first()
    assert left[["RM1", "RM2", "RM3"]].tolist() == [60.0, 120.0, 120.0], "four flows of RM1 take an hour of two"
    assert np.isnan(left["branch"])
    every = pd.DataFrame([
        {"customer": row["customer_id"], "manager": row["relationship_manager_id"] or "branch", "campaign": row["would_be"]["offer_id"],
         "value": row["would_be"]["expected_value"],
         "minutes": {"mortgage": 45.0, "car_loan": 20.0}.get(row["would_be"]["offer_id"], 15.0)}
        for row in rows if row["type"] == "next_best_offer" and not row.get("suppressed_by")
    ])  # fmt: skip
    limits = ({"RM1": 60.0, "RM2": 120.0, "RM3": 120.0}, {"mortgage": 3}, 25)
    few, all_of_them = portfolio(asked, *limits), portfolio(every, *limits)
    assert few.bound == pytest.approx(all_of_them.bound)
    assert few.value == pytest.approx(all_of_them.value, rel=0.02)
    assert 0 < few.chosen.sum() <= 25


def test_what_is_not_chosen_is_held_back_and_as_many_stay(spark: SparkSession) -> None:
    rows = held(np.random.default_rng(2), 30)
    chosen = frame(spark, pa.schema([("customer_id", pa.string())]), [{"customer_id": "C0003"}])
    found = {row["customer_id"]: row["suppressed_by"] for row in within_places(frame(spark, HELD, rows), chosen, 4).collect()}
    assert {name for name, rule in found.items() if rule is None} == {"C0003", "F0", "F1", "F2", "F3"}
    assert {name for name, rule in found.items() if rule == "capacity" and name[0] == "C"} == {"C0029", "C0028", "C0027", "C0026"}
    assert found["no"] == "snoozed"


def score(who: str, offer: str, value: float, rank: int | None, propensity: float = 0.0, **other: Any) -> dict[str, Any]:
    return {"customer_id": who, "as_of": D, "offer_id": offer, "probability": value / 1000, "expected_value": value,
            "eligible": rank is not None, "rank": rank, "propensity": propensity} | other  # fmt: skip


def test_the_offer_to_tell_and_what_it_would_be_without_the_lot(spark: SparkSession, settings: Settings) -> None:
    shelf = limited(settings, mortgage=(None, 1))
    scores = [
        score("drawn", "gold_savings", 30, 1, 0.01), score("drawn", "car_loan", 90, 2, 0.96),
        score("told", "car_loan", 90, 1), score("told", "gold_savings", 30, 2, 1.0),
        score("rested", "car_loan", 90, 1, 1.0), score("rested", "gold_savings", 30, 2),
        score("private", "postpartum_centre", 900, 1), score("private", "gold_savings", 30, 2, 1.0),
        score("poor", "gold_savings", 19, 1), score("blocked", "mortgage", 900, None),
        *[score(f"rich{n}", "mortgage", 900 - n, 1, 1.0) for n in range(5)],
        *[score(f"rich{n}", "gold_savings", 30, 2) for n in range(5)],
        *[score("plain", name, value, rank) for name, value, rank in (("car_loan", 2000, 1), ("mortgage", 1900, 2))],
    ]  # fmt: skip
    told = [
        {"customer_id": who, "type": "next_best_offer", "matter": "offer|car_loan|2026-05", "raised_on": D - timedelta(days=days),
         "status": "expired"} for who, days in (("told", 20), ("rested", 400))
    ]  # fmt: skip
    found = untold_offers(frame(spark, SCORES, scores), frame(spark, ALERTS, told), shelf, D)
    rows = {row["customer_id"]: row for row in found.collect()}
    assert {who: row["offer_id"] for who, row in rows.items()} == {
        "drawn": "gold_savings", "told": "gold_savings", "rested": "car_loan", "private": "gold_savings", "plain": "car_loan",
        "rich0": "mortgage", "rich1": "mortgage", "rich2": "mortgage", "rich3": "gold_savings", "rich4": "gold_savings",
    }  # fmt: skip
    assert {who: row["would_be"]["offer_id"] for who, row in rows.items() if row["would_be"]["offer_id"] != row["offer_id"]} == {
        "drawn": "car_loan"}
    matter = next(row for row in offer_matters(found, shelf).collect() if row["customer_id"] == "drawn")
    assert (matter["events"], matter["certainty"]) == (["gold_savings"], 0.09), "what was drawn does not decide who is called"
