"""Exploration: to a few customers the first offer is drawn by lot, with known chances, so that other ways of choosing can be judged.

A log of what always ranked first says nothing of what never did. The lot is a hash of customer, month and salt: the same every
day of a month, whatever the partitioning. It decides what is offered, never who is called: calls are chosen as if there were no lot
(`worklists.sales_matters.untold_offers`), or what was drawn would decide what is seen of it.
"""

from __future__ import annotations

import pyspark.sql.functions as F
from pyspark.sql import Column, DataFrame, Window

from conf.settings import ContactPolicy

TICKETS = 5  # of a customer at most: the fewer, the more is learned of each


def explored(ranked: DataFrame, policy: ContactPolicy) -> DataFrame:
    """Candidates with `propensity`, and what the lot drew moved to the first rank.

    In the lot are each family's best of the offers that may open a call, at most `TICKETS`, with equal chances. Offers with a daily
    quota are never drawn, and a customer whose best has one draws none: a quota would decide which draws are seen.

    Parameters
    ----------
    ranked : DataFrame with `customer_id`, `as_of`, `eligible`, `rank` (1 is the best of the eligible), `opens` (boolean: may open a call
        of its own, and is the best of its family that may), `daily_quota`
    policy : ContactPolicy

    Returns
    -------
    DataFrame with `propensity`: the chance of being the first that may open a call, (1 - share) of the best and share / tickets
    of each in the lot; 0 for what is not in it. It adds up to 1 for a customer with any offer that may open a call
    """
    best_first = Window.partitionBy("customer_id", "eligible").orderBy("rank")
    of_customer = Window.partitionBy("customer_id", "eligible")
    share = policy.exploration_share
    free = F.col("opens") & F.col("daily_quota").isNull()
    drawn = F.floor(_hashed(policy, 9) * F.col("_tickets")) + 1
    chance = F.when(F.col("_is_best"), 1 - F.col("_share")).otherwise(F.lit(0.0)) + F.when(
        F.col("_ticket") <= F.col("_tickets"), F.col("_share") / F.col("_tickets")
    ).otherwise(F.lit(0.0))
    ahead = F.max(F.when(F.col("_ticket") == drawn, F.col("rank"))).over(of_customer)
    return (
        ranked.withColumns({
            "_is_best": F.col("opens") & (F.count_if("opens").over(best_first) == 1),
            "_ticket": F.when(free, F.count_if(free).over(best_first)),
        })
        .withColumns({
            "_tickets": F.least(F.max("_ticket").over(of_customer), F.lit(TICKETS)),
            "_draws": F.max(F.col("_is_best") & F.col("daily_quota").isNull()).over(of_customer),
        })
        .withColumn("_share", F.when(F.col("_draws"), F.lit(share)).otherwise(F.lit(0.0)))
        .withColumn("_ahead", F.when(F.col("_draws") & (_hashed(policy, 1) < share), ahead))
        .withColumns({
            "rank": F.when(F.col("rank") == F.col("_ahead"), F.lit(1))
            .when(F.col("rank") < F.col("_ahead"), F.col("rank") + 1)
            .otherwise(F.col("rank")),
            "propensity": F.round(chance, 9),
        })
        .drop("_is_best", "_ticket", "_tickets", "_draws", "_share", "_ahead")
    )  # fmt: skip


def _hashed(policy: ContactPolicy, start: int) -> Column:
    """From 0 to 1, of eight digits of the hash of customer and month."""
    return lot(F.concat_ws("|", F.lit(f"lot {policy.exploration_salt}"), F.date_format("as_of", "yyyy-MM"), "customer_id"), start)


def lot(made_of: Column, start: int = 1) -> Column:
    """From 0 to 1, of eight digits of a text's hash."""
    return F.conv(F.substring(F.sha2(made_of, 256), start, 8), 16, 10).cast("bigint") / F.lit(2**32)
