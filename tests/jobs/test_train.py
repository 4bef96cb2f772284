"""Train on a small lake, score with what was trained: promotion, gates, rollback, and models that cannot be used."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyspark.sql.functions as F
import pytest
from pyspark.sql import DataFrame, SparkSession

from conf import ExitCode, KehuError, Settings
from conf.offer import Bundle, Offer
from features.catalogue import FEATURES
from jobs import monitor, run, score, train, training_rows
from jobs.context import Job, Places
from models.registry import Registry

DAY = date(2026, 11, 30)
START = date(2026, 1, 1)
CUSTOMERS = 400
OFFERS = ("gold_savings", "travel_insurance")  # one hardly taken, one that people with high incomes take


def customer(number: int, income: int) -> tuple:
    birth = date(2015 if number == 0 else 1980, 1, 1)  # the first one is a child
    closed = START if number == 1 else None
    return (f"c{number:03d}", "", birth, "FM"[number % 2], "teacher", Decimal(income), "", "north", date(2020, 1, 1), "rm1", 3,
            number != 2, True, closed, START, None, True, date(2020, 1, 1), "f", "r")  # fmt: skip


def holding(number: int, product: str, on: date) -> tuple:
    return (f"c{number:03d}", product, on, None, Decimal(100), on, on, "f", "r")


def literal_features(job: Job, days: Sequence[date]) -> DataFrame:
    """Two features that tell customers apart, instead of the whole catalogue's computation."""
    known = {"assets": F.lit(5000), "income_stated": F.col("annual_income"), "risk_profile": F.col("risk_profile"),
             "tenure_days": F.date_diff("as_of", "joined_on")}  # fmt: skip
    columns = [known.get(feature.name, F.lit(None)).cast(feature.type).alias(feature.name) for feature in FEATURES]
    dates = job.spark.createDataFrame([(day,) for day in days], "as_of date")
    return job.lake.read("customers").crossJoin(dates).select("customer_id", "as_of", *columns)


@pytest.fixture(scope="module")
def job(spark: SparkSession, settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Job:
    root = tmp_path_factory.mktemp("train")
    shelf = settings.model_copy(update={"offers": {name: settings.offers[name] for name in OFFERS}})
    job = Job(shelf, Places(root / "landing", root / "lake", root / "worklists"), spark, DAY, "train")
    draw = np.random.default_rng(1)
    income = np.exp(draw.normal(11, 0.7, CUSTOMERS)).round()
    taken = draw.random((CUSTOMERS, 330)) < 0.002 * np.exp(1.3 * (np.log(income) - 11))[:, None]
    rows = {
        "customers": [customer(number, int(income[number])) for number in range(CUSTOMERS)],
        "holdings": [holding(int(who), "travel_insurance", START + timedelta(int(day))) for who, day in np.argwhere(taken)],
    }
    for table, given in rows.items():
        job.lake.merge(table, spark.createDataFrame(given, job.lake.table(table).ddl))
    job.lake.create_all()
    known = {"business_date": F.lit(START), "source_file": F.lit("f")}
    declared = job.lake.table("transactions").columns
    first = spark.range(1).select(*[known.get(column.name, F.lit(None)).cast(column.type).alias(column.name) for column in declared])
    job.lake.replace("transactions", first, {"source_file": "f"})  # history begins here
    return job


@pytest.fixture(autouse=True)
def literal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training_rows, "features_as_of", literal_features)


def models(job: Job) -> dict[str, object]:
    return {row["model_version"]: row for row in job.lake.read("models").collect()}


def scores(job: Job) -> dict[tuple[str, str], object]:
    return {(row["customer_id"], row["offer_id"]): row for row in job.lake.read("offer_scores").collect()}


def test_without_a_model_scoring_says_what_to_do(job: Job) -> None:
    job.lake.replace("customer_features", literal_features(job, [DAY]), {"as_of": DAY})
    with pytest.raises(KehuError, match="kehu train --as-of D") as missing:
        score.run(job)
    assert missing.value.code == ExitCode.MISSING
    with pytest.raises(KehuError, match="no model of an offer") as unknown:
        train.rollback(job, "gold_savings")
    assert unknown.value.code == ExitCode.USAGE


def test_nothing_is_imported_beside_the_fits(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    """MLflow looks whether Polars is there; scikit-learn, asked by another thread meanwhile, fails on half a module."""
    steps: list[str] = []

    def fitted(*_: object) -> None:
        steps.append("fit")
        raise KehuError("far enough", ExitCode.CHECK_FAILED)

    monkeypatch.setattr(Registry, "connect", lambda _: steps.append("connect"))
    monkeypatch.setattr(train, "trained_offer", fitted)
    with pytest.raises(KehuError, match="far enough"):
        train.run(job)
    assert (steps[0], {*steps[1:]}) == ("connect", {"fit"})


def test_every_offer_gets_a_probability(job: Job) -> None:
    said = train.run(job)
    assert (said["models"], said["rates"], said["promoted"], said["rows_out"]) == (1, 1, 2, 2)
    rows = models(job)
    model, rate = rows["travel_insurance/1"], rows["gold_savings/1"]
    assert model["kind"] in ("logistic", "blended")
    assert model["feature_list"] == ["income_stated"], "what is the same for everybody on a day (here, tenure) is left out"
    assert all(gate["passed"] for gate in json.loads(model["gates"]))
    assert json.loads(model["metrics"])["auc"] > 0.6
    assert (rate["kind"], rate["alias"], rate["feature_list"]) == ("rate", "champion", [])
    assert "0 takers" in rate["why"]


def test_training_twice_changes_nothing(job: Job) -> None:
    before = job.lake.versions()["models"]
    said = train.run(job)
    assert (said["unchanged"], said["rows_out"]) == (2, 0)
    assert job.lake.versions()["models"] == before


def test_scores_of_every_customer_and_offer(job: Job) -> None:
    said = score.run(job)
    assert (said["rows_in"], said["rows_out"], said["models"], said["offers_without_model"]) == (CUSTOMERS, 2 * CUSTOMERS, 2, 0)
    found = scores(job)
    assert len({row["probability"] for (_, name), row in found.items() if name == "gold_savings"}) == 1
    richest = job.lake.read("customers").where("marketing_consent AND closed_on IS NULL").orderBy(F.desc("annual_income")).first()
    poorest = job.lake.read("customers").where("marketing_consent AND closed_on IS NULL").orderBy("annual_income").first()
    high, low = (found[row["customer_id"], "travel_insurance"] for row in (richest, poorest))
    assert high["probability"] > 2 * low["probability"]
    assert high["reasons"] != []
    assert high["reasons"][0].startswith("for: ")
    assert high["rank"] == 1
    assert "minor" in found["c000", "travel_insurance"]["blocked_by"]
    assert "closed_customer" in found["c001", "travel_insurance"]["blocked_by"]
    assert "no_marketing_consent" in found["c002", "travel_insurance"]["blocked_by"]
    score.run(job)
    assert scores(job) == found, "the same rows, whoever asks again"


def test_a_bundle_without_a_model_is_scored_from_its_offers(job: Job) -> None:
    parts = [job.settings.offers[name] for name in OFFERS]
    whole = Offer(name={"en": "x", "zh": "x"}, family="bundle", reason={"en": "x", "zh": "x"}, contact_cost=Decimal(1),
                  bundle=Bundle(offers=OFFERS, together=0.5)).priced(parts)  # fmt: skip
    said = score.run(replace(job, settings=job.settings.model_copy(update={"offers": {**job.settings.offers, "both": whole}})))
    assert (said["rows_out"], said["models"], said["offers_without_model"]) == (3 * CUSTOMERS, 2, 0)
    found = scores(job)
    for who in ("c003", "c004"):
        least = min(found[who, name]["probability"] for name in OFFERS)
        assert found[who, "both"]["probability"] == pytest.approx(least / 2, abs=1e-9)
        assert found[who, "both"]["model_version"] == "gold_savings/1+travel_insurance/1"
    assert "minor" in found["c000", "both"]["blocked_by"]
    score.run(job)


def test_what_moved_since_training_and_what_never_came_true_is_told(job: Job) -> None:
    still = monitor.run(job)
    assert (still["rows_in"], still["drifted"], still["off"]) == (0, 0, 0), "the same day, and no window has closed"
    later = DAY + timedelta(days=150)
    richer = literal_features(job, [later]).withColumn("income_stated", F.col("income_stated") * 3)
    job.lake.replace("customer_features", richer, {"as_of": later})
    told: list[str] = []
    for day, tier in ((DAY, "mass"), (later, "affluent")):
        segment = {"customer_id": "c001", "as_of": day, "service_tier": tier, "value_band": "high"}
        job.lake.replace("segments", job.lake.literal("segments", [segment]), {"as_of": day})
    said = monitor.run(replace(job, day=later, progress=told.append))
    assert said["drifted"] >= 1
    assert said["off"] == 1, "nobody took it after the day it was predicted"
    assert any("income_stated moved since training" in line for line in told)
    assert any("travel_insurance in 2026-11" in line and "0 did" in line for line in told)
    page = Path(said["to_open"]).read_text()
    assert "income_stated" in page
    assert "c003" not in page, "no customer is on it"
    assert page.count("<svg") == 3, "drift, and movement between two kinds of segments"


def test_a_failed_gate_leaves_the_champion_and_says_why(job: Job) -> None:
    strict = job.settings.model_copy(update={"models": job.settings.models.model_copy(update={"min_auc": 0.95})})
    said = train.run(replace(job, settings=strict))
    assert (said["promoted"], said["challengers"]) == (1, 1)
    rows = models(job)
    assert (rows["travel_insurance/1"]["alias"], rows["travel_insurance/2"]["alias"]) == ("champion", "challenger")
    failed = {gate["name"]: gate["says"] for gate in json.loads(rows["travel_insurance/2"]["gates"]) if not gate["passed"]}
    assert set(failed) == {"auc", "champion"}, "its equal is in use"
    assert "0.95 asked" in failed["auc"]
    with pytest.raises(KehuError, match="no previous champion"):
        train.rollback(job, "travel_insurance")


def test_a_rollback_can_be_rolled_back(job: Job) -> None:
    assert models(job)["gold_savings/2"]["alias"] == "champion"
    assert train.rollback(job, "gold_savings")["champion"] == "gold_savings/1"
    rows = models(job)
    assert (rows["gold_savings/1"]["alias"], rows["gold_savings/2"]["alias"]) == ("champion", "previous")
    assert train.rollback(job, "gold_savings")["champion"] == "gold_savings/2"


def test_without_a_model_that_can_be_used_the_day_goes_on(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    artifact = job.places.lake / "_models" / models(job)["travel_insurance/1"]["artifact"]
    whole = artifact.read_bytes()
    artifact.write_bytes(whole[:-1])
    alerted = []

    def others(job: Job) -> dict[str, int]:
        alerted.append(job.day)
        return {"rows_in": 0, "rows_out": 0}

    monkeypatch.setattr(run, "DAY", (("ingest", others), ("score", score.run), ("alert", others)))
    with pytest.raises(KehuError, match=r"MODEL_TAMPERED.*travel_insurance/1") as refused:
        run.whole_day(job)
    artifact.write_bytes(whole)
    assert refused.value.code == ExitCode.REJECTED
    assert len(alerted) == 2
    assert {name for _, name in scores(job)} == {"gold_savings"}, "the sound models have scored"

    monkeypatch.setattr(run, "DAY", (("ingest", others), ("score", _nothing_trained), ("alert", others)))
    assert run.whole_day(job)["score"] == "no offer has a model yet"


def _nothing_trained(_: Job) -> dict[str, int]:
    raise KehuError("no offer has a model yet", ExitCode.MISSING)
