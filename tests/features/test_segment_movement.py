"""Who moved from which segment to which."""

from __future__ import annotations

import pandas as pd
from pyspark.sql import SparkSession

from features.segment_movement import ABSENT, movement_figure, segment_movement
from tests.features.literal_world import on


def test_movement_counts_newcomers_and_leavers_too(spark: SparkSession) -> None:
    first, last = on(1, 31), on(2, 28)
    rows = [
        ("anna", first, "mass"), ("anna", last, "affluent"), ("ben", first, "mass"), ("ben", last, "mass"), ("cleo", last, "mass"),
        ("dora", first, "private"), ("dora", on(2, 1), "mass"),
    ]  # fmt: skip
    segments = spark.createDataFrame(rows, "customer_id string, as_of date, service_tier string")
    found = {tuple(row) for row in segment_movement(segments, "service_tier", first, last).collect()}
    assert found == {("mass", "affluent", 1), ("mass", "mass", 1), (ABSENT, "mass", 1), ("private", ABSENT, 1)}


def test_the_picture_shows_every_segment_in_order_and_every_count() -> None:
    movement = pd.DataFrame(
        [("mass", "affluent", 3), ("mass", "mass", 1), (ABSENT, "mass", 2)], columns=["before", "after", "customers"]
    )
    axes = movement_figure(movement, "Service tier", ("mass", "affluent", "private")).axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["mass", "affluent", ABSENT]
    assert "3\n75%" in {text.get_text() for text in axes.texts}
