"""Scoring speed: `python -m benchmarks.scoring [--customers 1000000] [--small]`, Spark with all cores against scikit-learn in memory.

Twenty boosted offers of sixty numbers; reasons are made for the offers that may be shown only, and are timed apart. Memory is what
Spark's workers hold at most, read from the kernel.
"""

from __future__ import annotations

import argparse
import os
import resource
import tempfile
import time
import zlib
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pyspark.sql.functions as F
import skops.io
from threadpoolctl import threadpool_limits

from conf import load_settings
from jobs.session import start
from models.calibration import calibrated
from models.candidates import boosted_model
from models.inputs import Inputs, as_inputs, typical_customer
from models.reasons import contributions
from models.scoring import Scorer, offer_scores, probabilities

FEATURES, OFFERS, DAY = 60, 20, date(2026, 6, 30)
NAMES = tuple(f"number_{n:02d}" for n in range(FEATURES))


def main() -> None:
    given = argparse.ArgumentParser(description=__doc__)
    given.add_argument("--customers", type=int, default=1_000_000)
    given.add_argument("--small", action="store_true", help="to see that it works; its figures say nothing")
    asked = given.parse_args()
    customers, offers = (20_000, 3) if asked.small else (asked.customers, OFFERS)
    draw, inputs = np.random.default_rng(1), Inputs(NAMES)
    learned = pd.DataFrame(draw.normal(size=(20_000, FEATURES)), columns=NAMES)
    models = []
    with threadpool_limits(1):
        for _ in range(offers):
            chance = 1 / (1 + np.exp(3.5 - learned.to_numpy() @ draw.normal(0, 0.15, FEATURES)))
            taken = (draw.random(len(learned)) < chance).astype(int)
            models.append(calibrated(boosted_model(learned, taken, inputs, 1), learned, taken))
            models[-1].typical_customer_ = typical_customer(learned, inputs)
        memory = as_inputs(pd.DataFrame(draw.normal(size=(min(customers, 100_000), FEATURES)), columns=NAMES), inputs)
        began = time.perf_counter()
        for model in models:
            probabilities(model, memory)
        a_core = offers * len(memory) / (time.perf_counter() - began)
        shown = memory.iloc[:2_000]
        began = time.perf_counter()
        contributions(models[0], shown, models[0].typical_customer_, probabilities(models[0], shown))
        reasons = len(shown) / (time.perf_counter() - began)
    scorers = [Scorer(f"offer_{n:02d}", f"offer_{n:02d}/1", zlib.compress(skops.io.dumps(m), 1), NAMES) for n, m in enumerate(models)]
    cores = len(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory() as directory:
        spark = start(load_settings(), Path(directory) / "spark.log")
        columns = [(F.randn(seed=n)).alias(name) for n, name in enumerate(NAMES)]
        made = spark.range(0, customers, 1, cores * 4).select(
            F.col("id").cast("string").alias("customer_id"), F.lit(DAY).alias("as_of"), *columns
        )
        made.write.parquet(f"{directory}/features")
        features = spark.read.parquet(f"{directory}/features")
        began = time.perf_counter()
        offer_scores(features, scorers).agg(F.sum("probability")).collect()
        seconds = time.perf_counter() - began
        spark.stop()
    workers = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    rate = customers * offers / seconds / cores
    print(f"in memory {a_core:,.0f} scores a second and core; Spark {rate:,.0f} ({rate / a_core:.0%}), {seconds:.1f} s in all")
    print(f"reasons {reasons:,.0f} rows a second and core; largest child process {workers:,.0f} MiB")


if __name__ == "__main__":
    main()
