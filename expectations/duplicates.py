"""What a row is whose key was seen before: the same told again, a newer version, or a contradiction."""

from __future__ import annotations

import pyspark.sql.functions as F
from pyspark.sql import Column, DataFrame, Window

from expectations.contract import VERSION, Contract, Repeats
from expectations.rules import CONTENT, SOURCE

ACCEPTED, DUPLICATE, CONFLICT = "accepted", "duplicate", "DUP_CONFLICT"
SINCE = "_since"  # the drop a row counts from
PLACE = (SOURCE, "line")


def repeated_keys(new: DataFrame, existing: DataFrame, contract: Contract) -> DataFrame:
    """Keys that stand more than once in new and existing rows.

    Parameters
    ----------
    new, existing : DataFrame with the feed's key

    Returns
    -------
    DataFrame of the key columns, one row a key
    """
    keys = new.select(*contract.key).unionAll(existing.select(*contract.key))
    return keys.groupBy(*contract.key).count().where("count > 1").drop("count")


def verdicts(new: DataFrame, existing: DataFrame, contract: Contract) -> DataFrame:
    """What becomes of rows with repeated keys; the order and the number of files they came in do not matter.

    Events: rows of one drop that say different things under one key are all in conflict; the first that stands alone is
    accepted, the same again is a duplicate, anything else contradicts what was already acted upon.
    Corrections: the same of each version of an event; one that is not the highest so far changes nothing and is a duplicate.
    Versions and histories: a row that says the same as the version before it is a duplicate, any other is a new version.

    Parameters
    ----------
    new : DataFrame with key, `source_file`, `line`, `_since`, `_content`, of corrections also `version`; no rule broken
    existing : DataFrame with key, `_since`, `_content`, of corrections also `version`
    contract : Contract

    Returns
    -------
    DataFrame with `source_file`, `line`, `verdict` (accepted, duplicate or DUP_CONFLICT)
    """
    names = telling_apart(contract)
    key = [F.col(name) for name in names]
    columns = [*names, SINCE, CONTENT]
    if contract.repeats is Repeats.CORRECTION:  # told before the feed had numbers
        new, existing = (rows.fillna(0, [VERSION.name]) for rows in (new, existing))
    known = existing.select(*columns, F.lit("").alias(SOURCE), F.lit(0).cast("bigint").alias("line"), F.lit(True).alias("_known"))
    rows = new.select(*columns, *PLACE, F.lit(False).alias("_known")).unionByName(known)
    drop = Window.partitionBy(*key, SINCE)
    of_known = F.max(F.when(F.col("_known"), F.col(CONTENT))).over(drop)
    differ = F.min(CONTENT).over(drop) != F.max(CONTENT).over(drop)
    if contract.of_events:
        of_new = F.when(~F.col("_known"), F.col(CONTENT))
        contradicts = ~F.col("_known") & (F.min(of_new).over(drop) != F.max(of_new).over(drop))
    else:
        contradicts = ~F.col("_known") & F.coalesce(F.col(CONTENT) != of_known, differ)
    rows = rows.withColumn("_contradicts", contradicts)
    judged = rows.withColumn("verdict", _of_event(key) if contract.of_events else _of_version(key))
    if contract.repeats is Repeats.CORRECTION:
        judged = judged.withColumn("verdict", _of_correction(contract))
    return judged.where("NOT _known").select(*PLACE, "verdict")


def telling_apart(contract: Contract) -> tuple[str, ...]:
    """What two rows share that should say the same: their key, and of corrections the version."""
    return (*contract.key, VERSION.name) if contract.repeats is Repeats.CORRECTION else contract.key


def _of_event(key: list[Column]) -> Column:
    order = (F.col("_known").desc(), SINCE, SOURCE, "line")
    whole = Window.partitionBy(*key).orderBy(*order).rowsBetween(Window.unboundedPreceding, Window.unboundedFollowing)
    stands = F.first(F.when(~F.col("_contradicts"), F.col(CONTENT)), ignorenulls=True).over(whole)
    nth = F.row_number().over(Window.partitionBy(*key, "_contradicts", CONTENT).orderBy(*order))
    same = F.when(nth == 1, ACCEPTED).otherwise(DUPLICATE)
    return F.when(F.col("_contradicts"), CONFLICT).when(F.col(CONTENT) == stands, same).otherwise(CONFLICT)


def _of_correction(contract: Contract) -> Column:
    """Of the versions told by one day only the highest counts, and only when it is higher than all before."""
    by_then = Window.partitionBy(*contract.key).orderBy(SINCE)
    told = F.col("_known") | (F.col("verdict") == ACCEPTED)
    stale = F.col(VERSION.name) < F.max(F.when(told, F.col(VERSION.name))).over(by_then)
    return F.when((F.col("verdict") == ACCEPTED) & stale, DUPLICATE).otherwise(F.col("verdict"))


def _of_version(key: list[Column]) -> Column:
    order = Window.partitionBy(*key, "_contradicts").orderBy(SINCE, F.col("_known").desc(), SOURCE, "line")
    before = F.lag(CONTENT).over(order)
    same = F.coalesce(F.col(CONTENT) == before, F.lit(False))
    return F.when(F.col("_contradicts"), CONFLICT).when(same, DUPLICATE).otherwise(ACCEPTED)
