"""Whatever a row of transactions says, ingest does with it what an oracle in plain Python does. At size: `make faults`."""

from pathlib import Path

from pyspark.sql import SparkSession

from conf import Settings
from tests.campaigns.rows import differences


def test_ingest_agrees_with_the_oracle(spark: SparkSession, settings: Settings, tmp_path: Path) -> None:
    assert list(differences(spark, settings, tmp_path, rows=3000, files=2, seed=7, drops=1)) == []
