"""Cut points that follow the bank: bands and tiers by shares of the day's customers."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pyspark.sql.functions as F
from pyspark.sql import SparkSession

from conf.settings import Bands, Quantiles, Segments
from features.flow_features import NAMED_CHANNELS
from features.flow_sums import HABIT_DAYS
from features.segments import segments

REASONS = {"loss_staffed": "costs {cost}", "loss_small": "earns {earned}"}
BANDS = Bands(value=(Decimal(7),), tier=(Decimal(10**9),))


def test_quantiles_cut_each_day_by_its_own_customers(spark: SparkSession) -> None:
    rows = [(f"c{n}", date(2026, 1, day), n * day) for day in (1, 2) for n in range(10)]  # on the second day all have twice as much
    worth = F.col("worth").cast("decimal(18,2)")
    features = spark.createDataFrame(rows, "customer_id string, as_of date, worth int").select(
        "customer_id", "as_of", worth.alias("assets"), worth.alias("net_value_year"), worth.alias("cost_to_serve_year"),
        F.lit(40).alias("age"), worth.alias("income_stated"), worth.alias("monthly_income_estimate"), worth.alias("staffed_cost_year"),
        worth.alias("margin_year"), worth.alias("fees_year"), F.lit("other").alias("occupation_group"),
        *[F.lit(0).alias(f"count_{channel}_{HABIT_DAYS}d") for channel in NAMED_CHANNELS],
    )  # fmt: skip
    preferred = spark.createDataFrame([], "customer_id string, as_of date, preference string")
    settings = Segments(bands=BANDS, quantiles=Quantiles(tier=(0.5, 0.9), cost_to_serve=(0.25, 0.5, 0.8)))
    found = segments(features, preferred, settings, REASONS)
    placed = {(row["customer_id"], row["as_of"].day): row for row in found.collect()}
    assert [placed[f"c{n}", 1]["service_tier"] for n in range(10)] == ["mass"] * 5 + ["affluent"] * 4 + ["private"]
    assert [placed[f"c{n}", 2]["service_tier"] for n in range(10)] == [placed[f"c{n}", 1]["service_tier"] for n in range(10)]
    assert [placed[f"c{n}", 2]["cost_to_serve_band"] for n in range(10)] == (
        ["lowest 25 %"] * 3 + ["25 to 50 %"] * 2 + ["50 to 80 %"] * 3 + ["highest 20 %"] * 2
    )
    assert [placed["c9", day]["value_band"] for day in (1, 2)] == ["7 and over"] * 2, "no quantiles: the fixed cut points"
