"""Tables by name: what BI tools ask Spark's catalog for are the lake's own tables."""

from __future__ import annotations

from datetime import date

import pytest

from conf import ExitCode, KehuError
from tables import TABLES
from tables.catalog import register
from tables.lake import Lake


def test_every_table_has_its_name_and_shows_what_is_written_later(spark, tmp_path):
    lake = Lake(spark, tmp_path / "客户 lake", "detect-2024-01-01-test")
    lake.create_all()
    register(spark, lake.root, "bank_by_name")
    try:
        assert {row["tableName"] for row in spark.sql("SHOW TABLES IN bank_by_name").collect()} >= set(TABLES)
        lake.append("runs", lake.literal("runs", [{"run_id": "detect", "business_date": date(2024, 1, 1)}]))
        register(spark, lake.root, "bank_by_name")  # a second run finds its names
        assert [row["run_id"] for row in spark.sql("SELECT run_id FROM bank_by_name.runs").collect()] == ["detect"]
        with pytest.raises(KehuError, match="is not the table of the lake") as refused:
            register(spark, tmp_path / "another", "bank_by_name")
        assert refused.value.code is ExitCode.CONFIGURATION
        spark.sql("DROP TABLE bank_by_name.runs")
        register(spark, lake.root, "bank_by_name")
        assert spark.table("bank_by_name.runs").count() == 1, "dropping a name drops no rows"
    finally:
        spark.sql("DROP SCHEMA bank_by_name CASCADE")
