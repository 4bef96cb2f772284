"""The lake's promises, against real tables: what is written is exactly what was asked, signed, and readable without a JVM."""

from __future__ import annotations

import json
from datetime import date, datetime
from decimal import Decimal

import pytest
from deltalake import DeltaTable
from pyspark.sql.types import DataType

from conf import ExitCode, KehuError
from jobs.session import planned
from tables import TABLES, Column, Personal
from tables.durable import actions, commits, live_files
from tables.lake import Lake

MONDAY, TUESDAY = date(2024, 1, 1), date(2024, 1, 2)


@pytest.fixture
def lake(spark, tmp_path) -> Lake:
    return Lake(spark, tmp_path / "lake", "detect-2024-01-01-test")


def units(lake: Lake, *rows: tuple[date, str, str]):
    """Rows of daily_flows: recorded_on, customer, amount."""
    return lake.literal("daily_flows", [
        {"recorded_on": day, "customer_id": customer, "business_date": day, "amount": Decimal(amount)} for day, customer, amount in rows])


def models(lake: Lake, *rows: tuple[str | None, int, str | None]):
    """Rows of models: offer, version, alias."""
    return lake.literal("models", [dict(zip(("offer_id", "version", "alias"), row, strict=True)) for row in rows])


def test_every_declared_table_is_made_as_declared_and_read_by_delta_rs(lake):
    lake.create_all()
    assert set(lake.versions()) == set(TABLES)
    for name, table in TABLES.items():
        found = DeltaTable(lake.path(name))
        assert found.to_pyarrow_table().column_names == list(table.column_names)
        assert [field.metadata["comment"] for field in found.schema().fields] == [column.comment for column in table.columns]
        assert found.metadata().partition_columns == list(table.partition_by)
        assert found.metadata().description == table.comment
        assert found.metadata().configuration["delta.enableDeletionVectors"] == "false"
        assert found.protocol().min_reader_version == 1
        types = {field["name"]: field["type"] for field in json.loads(found.schema().to_json())["fields"]}
        assert types == {column.name: DataType.fromDDL(column.type).jsonValue() for column in table.columns}
    before = lake.versions()
    Lake(lake.spark, lake.root).create_all()
    assert lake.versions() == before


def test_replace_touches_exactly_its_slice_and_signs_the_commit(lake, spark):
    lake.replace("daily_flows", units(lake, (MONDAY, "a", "10"), (MONDAY, "b", "20")), {"recorded_on": MONDAY})
    lake.replace("daily_flows", units(lake, (TUESDAY, "a", "5")), {"recorded_on": TUESDAY})
    lake.replace("daily_flows", units(lake, (MONDAY, "c", "7")), {"recorded_on": MONDAY})
    read = {(row["recorded_on"], row["customer_id"], row["amount"]) for row in lake.read("daily_flows").collect()}
    assert read == {(MONDAY, "c", Decimal("7.00")), (TUESDAY, "a", Decimal("5.00"))}

    with pytest.raises(Exception, match="DELTA_REPLACE_WHERE_MISMATCH"):
        lake.replace("daily_flows", units(lake, (TUESDAY, "z", "1")), {"recorded_on": MONDAY})
    assert lake.read("daily_flows").count() == 2

    signed_by = [next(action["commitInfo"] for action in actions(commit) if "commitInfo" in action).get("userMetadata")
                 for commit in commits(lake.root / "daily_flows")]
    assert signed_by == [lake.run_id] * len(signed_by)
    assert spark.conf.get("spark.databricks.delta.commitInfo.userMetadata", None) is None


def test_many_rows_of_one_day_are_spread_over_the_tasks(lake, spark):
    """Few are left in one file; adaptive plans, which would join what is this small again, are off."""
    day = date(2026, 1, 2)
    rows = lake.literal("transactions", [{"transaction_id": f"T{n}", "business_date": day, "source_file": "f"} for n in range(200)])
    with planned(spark, {"spark.sql.adaptive.enabled": "false"}):
        files = []
        for spread in (False, True):
            lake.replace("transactions", rows, {"source_file": "f"}, spread=spread)
            files.append(len(live_files(lake.root / "transactions")))
    assert files == [1, int(spark.conf.get("spark.sql.shuffle.partitions"))]
    assert lake.read("transactions").select("transaction_id").distinct().count() == 200


def test_merge_updates_adds_and_refuses_keys_that_would_double(lake):
    lake.merge("models", models(lake, ("gold", 1, "champion"), ("fund", 1, None)))
    lake.merge("models", models(lake, ("gold", 1, "previous"), ("gold", 2, "champion")))
    found = {(row["offer_id"], row["version"]): row["alias"] for row in lake.read("models").collect()}
    assert found == {("gold", 1): "previous", ("gold", 2): "champion", ("fund", 1): None}

    version = lake.versions()["models"]
    for bad in ([("card", 1, None), ("card", 1, "champion")], [(None, 1, None)]):
        with pytest.raises(KehuError, match="null or repeated key") as refused:
            lake.merge("models", models(lake, *bad))
        assert refused.value.code == ExitCode.CHECK_FAILED
    assert lake.versions()["models"] == version

    for counted in ({"a": 1}, {"a": 1}, {"a": 2}):
        lake.merge("runs", lake.literal("runs", [{"run_id": "r", "started_at": datetime(2024, 1, 1), "counts": counted}]))
    assert [row["counts"] for row in lake.read("runs").collect()] == [{"a": 2}]

    lake.delete("models", "offer_id = 'gold'")
    assert [row["offer_id"] for row in lake.read("models").collect()] == ["fund"]


def test_columns_that_are_missing_or_extra_are_named_and_new_ones_are_added(lake, spark):
    with pytest.raises(KehuError, match=r"daily_flows: columns missing \['surprise'\], not declared \['mood'\]"):
        lake.replace("daily_flows", units(lake).withColumnRenamed("surprise", "mood"), {"recorded_on": MONDAY})

    lake.create("customer_features")
    wider = Lake(spark, lake.root)
    wider.extend(TABLES["customer_features"].with_columns((Column("assets", "DECIMAL(18,2)", "all of it", Personal.SENSITIVE),)))
    wider.create("customer_features")
    assert lake.read("customer_features").columns == ["customer_id", "as_of", "assets"]

    changed = Lake(spark, lake.root)
    changed.extend(TABLES["customer_features"].with_columns((Column("assets", "STRING", "all of it"),)))
    with pytest.raises(KehuError, match=r"column assets is decimal\(18,2\), declared string"):
        changed.create("customer_features")


def test_a_lake_of_an_earlier_version_gets_its_columns_before_anybody_reads(lake, spark, tmp_path):
    short = spark.createDataFrame([("f1", TUESDAY)], "flow_id string, detected_on date")
    short.write.format("delta").partitionBy("detected_on").save(str(tmp_path / "lake" / "abnormal_flows"))
    lake.create_all()
    assert lake.read("abnormal_flows").select("flow_id", "chance").collect() == [("f1", None)]


def test_the_log_tells_nothing_about_a_person(lake):
    """Delta writes each column's least and greatest value into its log, in clear; names and money stay out of it."""
    lake.replace("daily_flows", units(lake, (MONDAY, "customer-1", "31337")), {"recorded_on": MONDAY})
    added = [action["add"] for commit in commits(lake.root / "daily_flows") for action in actions(commit) if "add" in action]
    counted = json.loads(added[0]["stats"])["minValues"]
    assert counted == {"business_date": MONDAY.isoformat()}
    assert b"31337" not in b"".join(commit.read_bytes() for commit in commits(lake.root / "daily_flows"))
    for table in TABLES.values():
        telling = {column.name for column in table.columns if column.personal not in (Personal.NONE, Personal.PSEUDONYM)}
        assert not telling & set(table.counted)


def test_an_alert_of_impossible_priority_is_refused_by_the_table_itself(lake):
    absurd = lake.literal("alerts", [{"alert_id": "x", "priority": 101}])
    with pytest.raises(Exception, match="priority_range"):
        lake.merge("alerts", absurd)
    assert lake.read("alerts").count() == 0
