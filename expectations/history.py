"""Versions of customers and accounts: each ends where the next begins, whenever it was delivered."""

from __future__ import annotations

from datetime import date

import pyspark.sql.functions as F
from pyspark.sql import DataFrame, Window

from expectations.contract import Contract


def chained(versions: DataFrame, contract: Contract) -> DataFrame:
    """Sets `valid_to` and `is_current` of every version.

    Parameters
    ----------
    versions : DataFrame with the feed's key and `valid_from`; all versions of each key that occurs
    contract : Contract
    """
    following = Window.partitionBy(*contract.key).orderBy("valid_from")
    return versions.withColumn("valid_to", F.lead("valid_from").over(following)).withColumn(
        "is_current", F.col("valid_to").isNull()
    )


def closings(existing: DataFrame, delivered: DataFrame, contract: Contract, day: date) -> DataFrame:
    """Versions that close what a full snapshot no longer holds.

    Parameters
    ----------
    existing : DataFrame of versions with `is_current`, `closed_on` and, for accounts, `status`
    delivered : DataFrame with the key of every row of the snapshot, good or not
    contract : Contract
    day : date
        Of the snapshot.

    Returns
    -------
    DataFrame, `existing`'s columns: the last version again with `closed_on` the day, valid from it
    """
    open_ = existing.where(F.col("is_current") & F.col("closed_on").isNull() & (F.col("valid_from") < F.lit(day)))
    if "status" in existing.columns:
        open_ = open_.where("status = 'open'").withColumn("status", F.lit("closed"))
    gone = open_.join(delivered.select(*contract.key), list(contract.key), "left_anti")
    return gone.withColumns({
        "closed_on": F.lit(day), "valid_from": F.lit(day), "recorded_on": F.lit(day),
        "source_file": F.lit(f"{contract.feed}/dt={day.isoformat()}/"),
    })
