"""The lake: the one place that reads, creates, replaces, merges and deletes in a Delta table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import deltalake
import pyarrow as pa
import pyspark.sql.functions as F
from delta.tables import DeltaTable
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql.pandas.types import to_arrow_schema
from pyspark.sql.types import DataType, StructField, StructType

from conf import ExitCode, KehuError
from tables import TABLES, declaration
from tables.declaration import Table
from tables.durable import NOTHING, data_files, keep_only, live_files, newest_version, sync_since

SliceValue = str | date | Sequence[str] | Sequence[date]

WRITTEN_BY = "spark.databricks.delta.commitInfo.userMetadata"  # a commit without it is not ours: `doctor` asks about it
PROPERTIES = {
    "delta.enableDeletionVectors": "false",  # every table stays readable by delta-rs
    "delta.checkpointInterval": "20",
}


class Lake:
    """Delta tables under one root.

    Parameters
    ----------
    spark : SparkSession
    root : path
        Path tables lie at `root/<table>`.
    run_id : str
        Written into every commit's metadata.
    """

    def __init__(self, spark: SparkSession, root: Path, run_id: str = "") -> None:
        self.spark = spark
        self.root = root
        self.run_id = run_id
        self._extended: dict[str, Table] = {}
        self._as_declared: set[str] = set()

    def path(self, name: str) -> str:
        return f"{self.root}/{name}"

    def table(self, name: str) -> Table:
        return self._extended.get(name, TABLES[name])

    def extend(self, table: Table) -> None:
        """Use a declaration with more columns than the built-in one (`customer_features`)."""
        self._extended[table.name] = table

    def exists(self, name: str) -> bool:
        return newest_version(self.root / name) != NOTHING

    def read(self, name: str) -> DataFrame:
        """All rows of a table; no rows, but the declared columns, where it was never written."""
        if not self.exists(name):
            return self.literal(name, [])
        return self.spark.read.format("delta").load(self.path(name))

    def literal(self, name: str, rows: Sequence[Mapping[str, object]]) -> DataFrame:
        """A few rows of a table, made here; columns not named are empty. Through Arrow: no Python worker beside Spark."""
        schema = to_arrow_schema(self._schema(self.table(name)))
        return self.spark.createDataFrame(pa.Table.from_pylist([dict(row) for row in rows], schema))

    def create(self, name: str) -> None:
        """Create the table as declared, or add the columns an earlier version did not have.

        Raises
        ------
        KehuError
            CHECK_FAILED when a column's type differs from its declaration.
        """
        if name in self._as_declared:
            return
        table = self.table(name)
        with self._writing(name):
            if self.exists(name):
                self._evolve(table)
            else:
                self._create(table, self.root / name)
        self._as_declared.add(name)

    def create_all(self) -> None:
        """Create every declared table, so that readers find them from the first day, and columns an earlier version did not have."""
        for name in TABLES:
            if not self.exists(name) or self._lacks_columns(name):
                self.create(name)

    def _lacks_columns(self, name: str) -> bool:
        present = {field.name for field in deltalake.DeltaTable(self.root / name).schema().fields}
        return any(column.name not in present for column in self.table(name).columns)

    def replace(self, name: str, rows: DataFrame, where: Mapping[str, SliceValue], *, spread: bool = False) -> None:
        """Replace exactly the slice of a table named by `where` (column -> value or values) with `rows`, in one commit.

        `spread`: so many rows that those of one day are sorted and written by several tasks, not by one.
        """
        self.create(name)
        condition = " AND ".join(_equals(column, value) for column, value in where.items())
        writer = self._laid_out(name, rows, spread).write.format("delta").mode("overwrite").option("replaceWhere", condition)
        with self._writing(name):
            writer.save(self.path(name))

    def append(self, name: str, rows: DataFrame) -> None:
        """Add rows to a journal (`runs`). Everything else is replaced or merged, never blindly appended."""
        self.create(name)
        with self._writing(name):
            self._conform(self.table(name), rows).write.format("delta").mode("append").save(self.path(name))

    def merge(self, name: str, rows: DataFrame) -> None:
        """Upsert `rows` on the table's key.

        Raises
        ------
        KehuError
            CHECK_FAILED when a key is null or twice in `rows`: a MERGE would insert both and fail on the next run.
        """
        self.create(name)
        table = self.table(name)
        source = self._conform(table, rows)
        self._require_key(table, source)
        target = DeltaTable.forPath(self.spark, self.path(name)).alias("t")
        on = " AND ".join(f"t.`{key}` = s.`{key}`" for key in table.key)
        columns = [column for column in table.column_names if column not in table.key]
        changed = " OR ".join(_differs(column) for column in table.columns if column.name in columns and column.name != "run_id")
        with self._writing(name):
            (
                target.merge(source.alias("s"), on)
                .whenMatchedUpdate(condition=changed, set={f"`{column}`": f"s.`{column}`" for column in columns})
                .whenNotMatchedInsertAll()
                .execute()
            )

    def delete(self, name: str, condition: str | Column) -> None:
        """Delete the rows a condition holds for."""
        if self.exists(name):
            with self._writing(name):
                DeltaTable.forPath(self.spark, self.path(name)).delete(condition)

    def delete_of(self, name: str, customers: DataFrame) -> None:
        """Delete the rows of some customers (`customer_id`, distinct); none of their ids enters the table's log."""
        target = DeltaTable.forPath(self.spark, self.path(name)).alias("t")
        with self._writing(name):
            target.merge(customers.alias("s"), "t.customer_id = s.customer_id").whenMatchedDelete().execute()

    def update(self, name: str, condition: Column, values: Mapping[str, Column]) -> None:
        """Change columns of the rows a condition holds for."""
        with self._writing(name):
            DeltaTable.forPath(self.spark, self.path(name)).update(condition, dict(values))

    def compact(self, name: str) -> None:
        """Join small files; the rows stay as they are."""
        if len(live_files(self.root / name)) < 2:
            return  # known in milliseconds; Spark would need a second or two
        with self._writing(name):
            DeltaTable.forPath(self.spark, self.path(name)).optimize().executeCompaction()

    def vacuum(self, name: str, hours: float) -> None:
        """Delete files that no version of the last `hours` refers to. Safe below Delta's own bound because the lake is locked."""
        if len(live_files(self.root / name)) == len(data_files(self.root / name)):
            return
        with self._writing(name), self._set("spark.databricks.delta.retentionDurationCheck.enabled", "false"):
            DeltaTable.forPath(self.spark, self.path(name)).vacuum(hours)

    def forget_past(self, name: str) -> None:
        """Leave nothing of a table but its rows of now: earlier files, change data, and the log that names what they held.

        The newest version stays; every earlier one, and with it time travel, is gone. Done without Spark, in hundredths of a second.
        """
        table = self.root / name
        with self._writing(name):
            self._keep_deleted(table, "interval 0 seconds")  # a checkpoint then leaves out what was deleted
            deltalake.DeltaTable(table).create_checkpoint()
            keep_only(table, live_files(table), newest_version(table))
            self._keep_deleted(table, "interval 1 week")

    def _keep_deleted(self, table: Path, how_long: str) -> None:
        kept = {"delta.deletedFileRetentionDuration": how_long}
        deltalake.DeltaTable(table).alter.set_table_properties(kept, commit_properties=self._signed())

    def versions(self) -> dict[str, int]:
        """Newest Delta version of every table that exists."""
        newest = {name: newest_version(self.root / name) for name in TABLES}
        return {name: version for name, version in newest.items() if version != NOTHING}

    @contextmanager
    def _writing(self, name: str) -> Iterator[None]:
        """Sign the commits made meanwhile with the run, and flush them to the disk."""
        before = newest_version(self.root / name)
        with self._set(WRITTEN_BY, self.run_id):
            yield
        sync_since(self.root / name, before)

    @contextmanager
    def _set(self, key: str, value: str) -> Iterator[None]:
        self.spark.conf.set(key, value)
        try:
            yield
        finally:
            self.spark.conf.unset(key)

    def _schema(self, table: Table) -> StructType:
        """The declared schema, each column with its comment."""
        return StructType([
            StructField(column.name, DataType.fromDDL(column.type), metadata={"comment": column.comment})
            for column in table.columns
        ])

    def _create(self, table: Table, path: Path) -> None:
        """By delta-rs, which needs hundredths of a second a table where Spark needs half a second, and ten with a check."""
        created = deltalake.DeltaTable.create(
            str(path), deltalake.Schema.from_json(self._schema(table).json()), partition_by=list(table.partition_by),
            description=table.comment, configuration=_properties(table), commit_properties=self._signed(),
        )
        if table.checks:
            created.alter.add_constraint(table.checks, commit_properties=self._signed())

    def _signed(self) -> deltalake.CommitProperties:
        return deltalake.CommitProperties(custom_metadata={"userMetadata": self.run_id})

    def _evolve(self, table: Table) -> None:
        present = {field.name: field.dataType.simpleString() for field in self.read(table.name).schema}
        for column, kind in ((field.name, field.dataType.simpleString()) for field in self._schema(table)):
            if column in present and present[column] != kind:
                raise KehuError(
                    f"table {table.name}: column {column} is {present[column]}, declared {kind}; the lake is of another version",
                    ExitCode.CHECK_FAILED,
                )
        missing = [column for column in table.columns if column.name not in present]
        if missing:
            added = ", ".join(f"`{column.name}` {column.type} COMMENT {_literal(column.comment)}" for column in missing)
            self.spark.sql(f"ALTER TABLE delta.`{self.path(table.name)}` ADD COLUMNS ({added})")

    def _conform(self, table: Table, rows: DataFrame) -> DataFrame:
        """The declared columns in their order and types; anything missing or extra is an error of ours."""
        extra, missing = set(rows.columns) - set(table.column_names), set(table.column_names) - set(rows.columns)
        if extra or missing:
            raise KehuError(
                f"table {table.name}: columns missing {sorted(missing)}, not declared {sorted(extra)}", ExitCode.CHECK_FAILED
            )
        return rows.select([F.col(column.name).cast(column.type).alias(column.name) for column in table.columns])

    def _laid_out(self, name: str, rows: DataFrame, spread: bool) -> DataFrame:
        table = self.table(name)
        conformed = self._conform(table, rows)
        if not table.sort_by:
            return conformed
        evenly = [F.xxhash64(*table.key)] if spread else []
        return conformed.repartitionByRange(*table.sort_by, *evenly).sortWithinPartitions(*table.sort_by)

    @staticmethod
    def _require_key(table: Table, source: DataFrame) -> None:
        keys = source.groupBy(*table.key).count()
        null = " OR ".join(f"`{key}` IS NULL" for key in table.key)
        bad = keys.where(f"count > 1 OR {null}").limit(1).count()
        if bad:
            raise KehuError(f"table {table.name}: rows to merge hold a null or repeated key {table.key}", ExitCode.CHECK_FAILED)


def _properties(table: Table) -> dict[str, str]:
    counted = {"delta.dataSkippingStatsColumns": ",".join(table.counted)}
    return PROPERTIES | counted | ({"delta.enableChangeDataFeed": "true"} if table.change_feed else {})


def _differs(column: declaration.Column) -> str:
    """Whether target and source differ in a column; maps, which cannot be compared, by their entries."""
    here, there = f"t.`{column.name}`", f"s.`{column.name}`"
    if column.type.startswith("MAP"):
        here, there = (f"array_sort(map_entries({side}))" for side in (here, there))
    return f"NOT ({here} <=> {there})"


def _equals(column: str, value: SliceValue) -> str:
    if isinstance(value, (str, date)):
        return f"`{column}` = {_literal(value)}"
    return f"`{column}` IN ({', '.join(_literal(item) for item in value)})"


def _literal(value: str | date) -> str:
    if isinstance(value, date):
        return f"DATE'{value.isoformat()}'"
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
