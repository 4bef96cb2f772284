"""Names for the lake's tables in Spark's catalog, so that BI tools find them as `<schema>.<table>` and not by their path."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote

from pyspark.sql import SparkSession

from conf import ExitCode, KehuError
from tables import TABLES

_LOCATION = re.compile(r"^Location: file:/*(/.*)$", re.MULTILINE)


def register(spark: SparkSession, root: Path, schema: str) -> None:
    """Give every table of a lake that has no name in a schema yet its name there; the tables stay where they lie.

    Parameters
    ----------
    spark : SparkSession
        Whose catalog it is: names outlive the session where that is a metastore (`spark.sql.catalogImplementation: hive`).
    root : path of the lake
    schema : str
        Created where it does not exist.

    Raises
    ------
    KehuError
        CONFIGURATION when the name of one of our tables is taken by something else, another lake's table for instance.
    """
    spark.sql(f"CREATE SCHEMA IF NOT EXISTS `{schema}`")
    named = spark.sql(f"SHOW TABLE EXTENDED IN `{schema}` LIKE '*'").where("NOT isTemporary").collect()
    taken = {row["tableName"]: _LOCATION.search(row["information"]) for row in named}
    for name in TABLES:
        path = root / name
        if name not in taken:
            spark.catalog.createTable(f"`{schema}`.`{name}`", path=str(path), source="delta")
        elif (found := taken[name]) is None or Path(unquote(found.group(1))) != path:
            raise KehuError(
                f"paths.catalog: {schema}.{name} is not the table of the lake {root}; name another schema, or drop it",
                ExitCode.CONFIGURATION,
            )
