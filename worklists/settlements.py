"""What became of a broken deposit's money after it was told: the live alert says so, too."""

from __future__ import annotations

import pyspark.sql.functions as F
from pyspark.sql import DataFrame

from conf.settings import Settings
from worklists.reasons import chosen, day, money, worded

WAYS = ("placed_again", "left")


def with_settlements(flows: DataFrame, settlements: DataFrame, settings: Settings) -> DataFrame:
    """Flows with where the money went since, and as severe as that makes them.

    Parameters
    ----------
    flows : DataFrame of `abnormal_flows` rows
    settlements : DataFrame of `deposit_settlements` rows known today
    settings : Settings

    Returns
    -------
    DataFrame with the columns of `flows`, `severity` as it is now, and `settled` (a struct of `on`, `amount`, `refs`, `told` and
    `note`, both in words; null where nothing is known beyond what the flow says)
    """
    words, language = settings.wording[settings.bank.language].reasons, settings.bank.language
    values = {"day": day(F.col("settled_on"), language), "amount": money(F.col("amount")), "currency": F.lit(settings.bank.base_currency)}
    told = F.coalesce(*(F.when(F.col("went") == way, worded(words[f"settled_{way}"], values)) for way in WAYS))
    note = chosen(F.col("went"), {way: words[f"evidence_{way}"] for way in WAYS})
    known = settlements.select(
        "flow_id",
        F.struct(F.col("settled_on").alias("on"), "amount", "refs", told.alias("told"), note.alias("note")).alias("settled"),
        F.col("severity").alias("_severity"),
    )
    found = flows.join(F.broadcast(known), "flow_id", "left")
    return found.withColumn("severity", F.coalesce("_severity", "severity")).drop("_severity")
