"""An alert's words."""

from __future__ import annotations

import pyspark.sql.functions as F
from pyspark.sql import SparkSession

from conf import Settings
from worklists.flow_reasons import each_cause_once


def test_a_cause_that_two_flows_share_is_told_once(spark: SparkSession, settings: Settings) -> None:
    """The largest withdrawal often empties an account, too."""
    family = " Possibly help for the family (from the wording of the payment: ask, do not assume)."
    car = family.replace("help for the family", "a car")
    told = spark.range(1).select(each_cause_once(F.lit(f"One.{family} Two.{car} Three.{family}"), settings)).first()
    assert told is not None
    assert told[0] == f"One. Two.{car} Three.{family}"
