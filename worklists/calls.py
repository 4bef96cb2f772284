"""A day's calls with nothing but an offer to say: who competes for places, minutes and quotas, and what becomes of the rest.

Whom to call is `models.portfolio`'s choice; here are the few candidates it needs, without what cannot be chosen.
"""

from __future__ import annotations

import pyspark.sql.functions as F
from pyspark.sql import DataFrame, Window

from conf.settings import ContactPolicy, Settings
from worklists.policy import places, sales_days
from worklists.reasons import chosen
from worklists.selection import holder_of

OFFER = "next_best_offer"


def offer_places(policy: ContactPolicy, customers: int) -> int:
    """Calls about offers a day, of the whole bank."""
    return places(policy.offer_alerts_per_1000_customers * sales_days(policy), customers)


def calls_at_stake(held: DataFrame, settings: Settings, most: int) -> DataFrame:
    """The candidates for a day's calls about offers, without those that no choice of the most value can hold.

    A relationship manager has `calls_per_day` times `minutes_per_call`, less what the day's other new alerts take; the branch queue
    has many hands and no limit. Of candidates of one manager about one offer, which take equal minutes, only so many as fit
    the limits by themselves are kept: those worth most.

    Parameters
    ----------
    held : DataFrame as `policy.held_back` returns, with `would_be`
    settings : Settings
    most : int
        Places of the day.

    Returns
    -------
    DataFrame with `customer`, `manager`, `campaign` (the offer), `value` (base currency), `minutes` (of the call),
    `left` (the manager's minutes; null: no limit)
    """
    line, days = settings.worklists, sales_days(settings.contact_policy)
    asked = held.where("suppressed_by IS NULL").withColumn("manager", holder_of(line))
    others = asked.where(F.col("type") != OFFER).groupBy("manager").agg((F.count("*") * line.minutes_per_call).alias("_others"))
    limit = F.when(F.col("manager") != line.branch_queue, F.lit(float(line.calls_per_day * line.minutes_per_call * days)))
    quotas = {name: offer.daily_quota for name, offer in settings.offers.items() if offer.daily_quota}
    takes = {name: offer.minutes for name, offer in settings.offers.items() if offer.minutes}
    quota = chosen(F.col("campaign"), quotas, None).cast("int")
    fits = F.least(F.lit(most), quota * days, F.ceil(F.col("left") / F.col("minutes")))
    alike = Window.partitionBy("manager", "campaign").orderBy(F.col("value").desc(), "customer")
    return (
        asked.where(F.col("type") == OFFER)
        .join(others, "manager", "left")
        .select(
            F.col("customer_id").alias("customer"),
            "manager",
            F.col("would_be.offer_id").alias("campaign"),
            F.col("would_be.expected_value").alias("value"),
            (limit - F.coalesce("_others", F.lit(0))).alias("left"),
        )
        .withColumn("minutes", chosen(F.col("campaign"), takes, line.minutes_per_call).cast("double"))
        .withColumns({"_fits": fits, "_nth": F.row_number().over(alike)})
        .where(F.col("_nth") <= F.col("_fits"))
        .drop("_fits", "_nth")
    )


def within_places(held: DataFrame, called: DataFrame, most: int) -> DataFrame:
    """What no call was chosen for is held back; as many as there are places stay as rows, the others stand in `offer_scores`.

    Parameters
    ----------
    held : DataFrame as `policy.held_back` returns
    called : DataFrame with `customer_id`: to be called about an offer
    most : int
        Places of the day.
    """
    marked = held.join(F.broadcast(called.withColumn("_called", F.lit(True))), "customer_id", "left")
    full = F.col("suppressed_by").isNull() & (F.col("type") == OFFER) & F.col("_called").isNull()
    best = Window.partitionBy(full).orderBy(F.col("priority").desc(), "alert_id")
    return (
        marked.withColumns({"_full": full, "_place": F.row_number().over(best)})
        .where(~F.col("_full") | (F.col("_place") <= most))
        .withColumn("suppressed_by", F.when(F.col("_full"), "capacity").otherwise(F.col("suppressed_by")))
        .drop("_called", "_full", "_place")
    )
