"""The lake: the one place that reads, creates, replaces, merges and deletes in a Delta table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path

import pyspark.sql.functions as F
from delta.tables import DeltaTable
from pyspark.sql import DataFrame, SparkSession

from conf import ExitCode, KehuError
from tables import TABLES
from tables.declaration import Table
from tables.durable import LOG, newest_commit, sync_newest

SliceValue = str | date | Sequence[str] | Sequence[date]

PROPERTIES = {
    "delta.enableDeletionVectors": "false",  # every table stays readable by delta-rs
    "delta.checkpointInterval": "20",
    "delta.dataSkippingNumIndexedCols": "-1",  # business_date stands behind wide feeds and still prunes
}


class Lake:
    """Delta tables under one root.

    Parameters
    ----------
    spark : SparkSession
    root : path or URI
        Path tables lie at `root/<table>`.
    run_id : str
        Written into every commit's metadata.
    """

    def __init__(self, spark: SparkSession, root: Path | str, run_id: str = "") -> None:
        self.spark = spark
        self.root = str(root)
        self.run_id = run_id
        self._extended: dict[str, Table] = {}

    @property
    def local(self) -> Path | None:
        """The root as a local path, or None when it is a URI."""
        return None if "://" in self.root else Path(self.root)

    def path(self, name: str) -> str:
        return f"{self.root}/{name}"

    def table(self, name: str) -> Table:
        return self._extended.get(name, TABLES[name])

    def extend(self, table: Table) -> None:
        """Use a declaration with more columns than the built-in one (`customer_features`)."""
        self._extended[table.name] = table

    def exists(self, name: str) -> bool:
        if self.local is not None:
            return newest_commit(self.local / name) is not None
        return DeltaTable.isDeltaTable(self.spark, self.path(name))

    def read(self, name: str) -> DataFrame:
        """All rows of a table; no rows, but the declared columns, where it was never written."""
        if not self.exists(name):
            return self.spark.createDataFrame([], self.table(name).ddl)
        return self.spark.read.format("delta").load(self.path(name))

    def create(self, name: str) -> None:
        """Create the table as declared, or add the columns an earlier version did not have.

        Raises
        ------
        KehuError
            CHECK_FAILED when a column's type differs from its declaration.
        """
        table = self.table(name)
        if self.exists(name):
            return self._evolve(table)
        builder = DeltaTable.createIfNotExists(self.spark).location(self.path(name)).comment(table.comment)
        for column in table.columns:
            builder = builder.addColumn(column.name, column.type, comment=column.comment)
        if table.partition_by:
            builder = builder.partitionedBy(*table.partition_by)
        properties = dict(PROPERTIES)
        if table.change_feed:
            properties["delta.enableChangeDataFeed"] = "true"
        for key, value in properties.items():
            builder = builder.property(key, value)
        builder.execute()
        for check, condition in table.checks.items():
            self.spark.sql(f"ALTER TABLE delta.`{self.path(name)}` ADD CONSTRAINT {check} CHECK ({condition})")
        self._sync(name)

    def create_all(self) -> None:
        """Create every declared table, so that readers find them from the first day."""
        for name in TABLES:
            if not self.exists(name):
                self.create(name)

    def replace(self, name: str, rows: DataFrame, where: Mapping[str, SliceValue]) -> None:
        """Replace exactly the slice of a table named by `where` (column -> value or values) with `rows`, in one commit."""
        self.create(name)
        condition = " AND ".join(_equals(column, value) for column, value in where.items())
        writer = self._laid_out(name, rows).write.format("delta").mode("overwrite").option("replaceWhere", condition)
        writer.option("userMetadata", self.run_id).save(self.path(name))
        self._sync(name)

    def append(self, name: str, rows: DataFrame) -> None:
        """Add rows to a journal (`runs`). Everything else is replaced or merged, never blindly appended."""
        self.create(name)
        self._conform(self.table(name), rows).write.format("delta").mode("append").save(self.path(name))
        self._sync(name)

    def merge(self, name: str, rows: DataFrame, keep: Iterable[str] = ()) -> None:
        """Upsert `rows` on the table's key; a matched row keeps its own values of the columns in `keep`.

        Raises
        ------
        KehuError
            CHECK_FAILED when a key is null or twice in `rows`: a MERGE would insert both and fail on the next run.
        """
        self.create(name)
        table = self.table(name)
        source = self._conform(table, rows)
        self._require_key(table, source)
        kept = set(keep) | set(table.key)
        target = DeltaTable.forPath(self.spark, self.path(name)).alias("t")
        on = " AND ".join(f"t.`{key}` = s.`{key}`" for key in table.key)
        columns = [column for column in table.column_names if column not in kept]
        changed = " OR ".join(f"NOT (t.`{column}` <=> s.`{column}`)" for column in columns if column != "run_id")
        (
            target.merge(source.alias("s"), on)
            .whenMatchedUpdate(condition=changed, set={f"`{column}`": f"s.`{column}`" for column in columns})
            .whenNotMatchedInsertAll()
            .execute()
        )
        self._sync(name)

    def delete(self, name: str, condition: str) -> None:
        """Delete the rows a condition holds for."""
        if self.exists(name):
            DeltaTable.forPath(self.spark, self.path(name)).delete(condition)
            self._sync(name)

    def versions(self) -> dict[str, int]:
        """Newest Delta version of every table that exists."""
        if self.local is not None:
            newest = {name: newest_commit(self.local / name) for name in TABLES}
            return {name: int(commit.stem) for name, commit in newest.items() if commit is not None}
        existing = [name for name in TABLES if self.exists(name)]
        return {name: DeltaTable.forPath(self.spark, self.path(name)).history(1).first()["version"] for name in existing}

    def _evolve(self, table: Table) -> None:
        present = {field.name: field.dataType.simpleString() for field in self.read(table.name).schema}
        declared = {field.name: field.dataType.simpleString() for field in self.spark.createDataFrame([], table.ddl).schema}
        for column, kind in declared.items():
            if column in present and present[column] != kind:
                raise KehuError(
                    f"table {table.name}: column {column} is {present[column]}, declared {kind}; the lake is of another version",
                    ExitCode.CHECK_FAILED,
                )
        missing = [column for column in table.columns if column.name not in present]
        if missing:
            added = ", ".join(f"`{column.name}` {column.type}" for column in missing)
            self.spark.sql(f"ALTER TABLE delta.`{self.path(table.name)}` ADD COLUMNS ({added})")

    def _conform(self, table: Table, rows: DataFrame) -> DataFrame:
        """The declared columns in their order and types; anything missing or extra is an error of ours."""
        extra, missing = set(rows.columns) - set(table.column_names), set(table.column_names) - set(rows.columns)
        if extra or missing:
            raise KehuError(
                f"table {table.name}: columns missing {sorted(missing)}, not declared {sorted(extra)}", ExitCode.CHECK_FAILED
            )
        return rows.select([F.col(column.name).cast(column.type).alias(column.name) for column in table.columns])

    def _laid_out(self, name: str, rows: DataFrame) -> DataFrame:
        table = self.table(name)
        conformed = self._conform(table, rows)
        if not table.sort_by:
            return conformed
        return conformed.repartitionByRange(*table.sort_by).sortWithinPartitions(*table.sort_by)

    @staticmethod
    def _require_key(table: Table, source: DataFrame) -> None:
        keys = source.groupBy(*table.key).count()
        null = " OR ".join(f"`{key}` IS NULL" for key in table.key)
        bad = keys.where(f"count > 1 OR {null}").limit(1).count()
        if bad:
            raise KehuError(f"table {table.name}: rows to merge hold a null or repeated key {table.key}", ExitCode.CHECK_FAILED)

    def _sync(self, name: str) -> None:
        if self.local is not None:
            sync_newest(self.local / name)


def _equals(column: str, value: SliceValue) -> str:
    if isinstance(value, (str, date)):
        return f"`{column}` = {_literal(value)}"
    return f"`{column}` IN ({', '.join(_literal(item) for item in value)})"


def _literal(value: str | date) -> str:
    if isinstance(value, date):
        return f"DATE'{value.isoformat()}'"
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def require_sound(root: Path, recorded: Mapping[str, int]) -> None:
    """Check, before anything is written, that no table lost a commit the ledger knows of.

    Parameters
    ----------
    root : path
        A local lake.
    recorded : mapping
        Table -> version when the last run ended (`runs.table_versions`).

    Raises
    ------
    KehuError
        CHECK_FAILED, naming the table: an empty newest commit (Delta would read it as if it were not there and go on),
        or a version older than the ledger's.
    """
    for name in TABLES:
        commit = newest_commit(root / name)
        if commit is not None and commit.stat().st_size == 0:
            raise KehuError(f"table {name}: its newest commit {LOG}/{commit.name} is empty; run `kehu doctor`", ExitCode.CHECK_FAILED)
        version = int(commit.stem) if commit is not None else -1
        if version < recorded.get(name, -1):
            raise KehuError(
                f"table {name} is at version {version}, the ledger knows {recorded[name]}; run `kehu doctor`",
                ExitCode.CHECK_FAILED,
            )
