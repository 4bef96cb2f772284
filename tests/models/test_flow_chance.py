"""What relationship managers answered moves the chance of a flow, and little moves it little."""

from __future__ import annotations

import math
from datetime import datetime

import numpy as np
import pytest
from pyspark.sql import SparkSession

from models.flow_chance import MIN_ANSWERS, Learned, answered_flows, by_trigger, chance, learned, telling


def test_few_answers_move_nothing_and_many_find_the_truth() -> None:
    rng = np.random.default_rng(4)
    odds = rng.normal(1.0, 2.0, 4000)
    real = rng.random(4000) < 1 / (1 + np.exp(-(-1.5 + 0.6 * odds)))
    assert learned(odds[: MIN_ANSWERS - 1], real[: MIN_ANSWERS - 1]) == Learned(0.0, 1.0, MIN_ANSWERS - 1)
    found = learned(odds, real)
    assert found.intercept == pytest.approx(-1.5, abs=0.2)
    assert found.slope == pytest.approx(0.6, abs=0.1)
    assert abs(learned(odds[:40], real[:40]).slope - 1) < abs(found.slope - 1)


def test_the_order_never_turns_round() -> None:
    """Answers that contradict the model take its weight to nothing, not below."""
    odds = np.linspace(-3, 3, 3000)
    assert learned(odds, odds < 0).slope == 0.0


def test_the_chance_is_the_logistic_of_the_corrected_odds(spark: SparkSession) -> None:
    frame = spark.createDataFrame([(-1e9,), (0.0,), (2.0,)], "log_odds double").select(chance(Learned(-1.0, 0.5, 99)))
    assert [row[0] for row in frame.collect()] == [0.0, round(1 / (1 + math.e), 4), 0.5]


def test_the_last_answer_counts_and_every_flow_of_the_alert_has_it(spark: SparkSession) -> None:
    outcomes = spark.createDataFrame(
        [("A1", datetime(2026, 5, 2, 9), "false_alarm", "own_transfer_missed"), ("A1", datetime(2026, 5, 1, 9), "contacted", None),
         ("A2", datetime(2026, 5, 1, 9), "not_reached", None)],
        "alert_id string, recorded_at timestamp, outcome string, cause string")
    alerts = spark.createDataFrame([("A1", ["F1", "F2"]), ("A2", ["F3"])], "alert_id string, flow_ids array<string>")
    flows = spark.createDataFrame([("F1", 1.0), ("F2", 2.0), ("F3", 3.0)], "flow_id string, log_odds double")
    found = answered_flows(telling(outcomes), alerts, flows).orderBy("flow_id").collect()
    assert [tuple(row) for row in found] == [
        ("F1", 1.0, False, "own_transfer_missed"), ("F2", 2.0, False, "own_transfer_missed")]


def test_precision_is_told_by_kind_and_rarity_with_what_false_alarms_were(spark: SparkSession) -> None:
    rows = [("withdrawal", 7.0, 0.5, True, None), ("withdrawal", 8.0, 0.25, False, "tuition"), ("withdrawal", 8.0, 0.25, False, "tuition"),
            ("withdrawal", 9.0, 0.5, False, None), ("withdrawal", 500.0, 0.9, True, "home"), ("closure", None, None, True, None)]
    answered = spark.createDataFrame(rows, "kind string, return_period_years double, chance double, real boolean, told_cause string")
    assert [tuple(row) for row in by_trigger(answered).collect()] == [
        ("closure", "", 1, 1, None, ""), ("withdrawal", "100 years and more", 1, 1, 0.9, ""),
        ("withdrawal", "below 10 years", 4, 1, 1.5, "tuition, none_given")]
