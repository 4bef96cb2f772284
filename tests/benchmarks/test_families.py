"""The world of families is what it says it is, its observer knows best, and the product keeps what is promised on a small one."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import SparkSession
from sklearn.metrics import average_precision_score

from benchmarks.evaluate_families import CALLED, figures, judged
from benchmarks.family_oracle import Observer
from benchmarks.family_world import OWN, SHARES, WINDOW, Families, families, purchases
from conf import Settings

SEED = 950


@pytest.fixture(scope="module")
def world() -> Families:
    return families(600, SEED)


def test_a_world_has_everybody_it_names_and_is_the_same_each_time(world: Families) -> None:
    assert world.truth["role"].value_counts(normalize=True).to_dict() == pytest.approx(SHARES, abs=0.001)
    recent = world.lines[(world.lines["ago"] < WINDOW) & world.lines["good"].isin(["diapers", "formula"])]
    assert set(recent["household"]) == set(world.truth.index)
    assert (world.truth["own"] == world.truth["role"].isin(OWN)).all()
    pd.testing.assert_frame_equal(families(600, SEED).lines, world.lines)
    assert len(purchases(world, SEED)) == len(world.lines)


def test_stories_look_like_themselves(world: Families) -> None:
    diapers = world.lines[world.lines["good"] == "diapers"].join(world.truth, on="household")
    one = diapers[diapers["role"] == "first child"]
    assert np.corrcoef(one["child"] - one["ago"] / 30.44, one["kind"])[0, 1] > 0.85
    packs = diapers.groupby("role")["quantity"].mean()
    assert packs["twins"] > 1.5 * packs["first child"]
    assert packs["shop"] > 2 * packs["twins"]
    days = world.lines.groupby("household")["ago"].nunique().groupby(world.truth["role"]).median()
    assert days["gift"] == 1
    assert days["gift"] < days["helper"] < days["first child"]


def test_who_knows_the_laws_knows_best_and_is_right_as_often_as_it_says(world: Families) -> None:
    some = world.truth.sample(250, random_state=1).index
    own = world.truth.loc[some, "own"].to_numpy(bool)
    best = Observer(world.kept).own(world, some)
    days = world.lines[world.lines["ago"] < WINDOW].groupby("household")["ago"].nunique().reindex(some)
    assert average_precision_score(own, best) > average_precision_score(own, days) + 0.1
    assert best.mean() == pytest.approx(own.mean(), abs=0.04)
    assert own[best < 0.2].mean() < 0.1 < 0.9 < own[best > 0.8].mean()


def test_the_product_keeps_its_promises_on_a_small_world(spark: SparkSession, settings: Settings, world: Families) -> None:
    told = judged(spark, world, SEED, settings.life_events["new_parent"])
    found = figures(told, told["own"].astype(float))
    assert found["precision at P >= 0.6"] >= 0.75
    assert found["recall at P >= 0.6"] >= 0.6
    assert found["flagged, gift"] <= 0.05
    assert found["flagged, shop"] == 0
    assert found["child's age, mean error in months"] <= 2
    assert not (told["probability"] >= CALLED)[told["age_known"] & (told["age"] >= 55)].any()
