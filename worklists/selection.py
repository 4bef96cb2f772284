"""Which alerts stand on whose worklist of a day, and in which order."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import pyspark.sql.functions as F
from pyspark.sql import Column, DataFrame, Window

from conf.codes import ServiceTier
from conf.settings import TierPolicy, Worklists
from worklists.worklist import LISTED


def on_the_lists(alerts: DataFrame, day: date, settings: Worklists) -> DataFrame:
    """The day's alerts in the order of each holder's calls, cut where the visible part below the line ends.

    First comes the highest priority, with `ageing_a_day` for each day an alert has waited: nothing is carried over forever.

    Parameters
    ----------
    alerts : DataFrame of `alerts` rows
    day : date
    settings : Worklists

    Returns
    -------
    DataFrame with the columns of `alerts` and `holder` (the RM, the deputy of an RM on leave, or the branch queue),
    `due_by` (last day on a worklist), `place` (1 is first), `in_all` (the holder's alerts with those cut off)
    """
    waited = F.col("priority") + settings.ageing_a_day * F.date_diff(F.lit(day), "raised_on")
    first = [waited.desc(), F.col("expires_on"), F.col("raised_on"), F.col("alert_id")]
    of_holder = Window.partitionBy("holder")
    return (
        alerts.where(listed(day))
        .withColumns({"holder": holder_of(settings), "due_by": F.date_sub("expires_on", 1)})
        .withColumns({"place": F.row_number().over(of_holder.orderBy(*first)), "in_all": F.count("*").over(of_holder)})
        .where(F.col("place") <= settings.calls_per_day + settings.below_line)
    )


def listed(day: date) -> Column:
    """Whether an alert stands on a worklist of the day at all; those held back by lot never do."""
    awake = F.col("snoozed_until").isNull() | (F.col("snoozed_until") <= F.lit(day))
    running = (F.col("raised_on") <= F.lit(day)) & (F.col("expires_on") > F.lit(day))
    return F.col("status").isin(*LISTED) & awake & running & ~F.coalesce("control_group", F.lit(False))


def deputy_of(deputies: Mapping[str, str]) -> dict[str, str]:
    """RM on leave -> who has the book today: a deputy who is on leave too passes it on; a circle ends where it began."""
    resolved = {}
    for absent in deputies:
        seen, holder = {absent}, deputies[absent]
        while holder in deputies and holder not in seen:
            seen.add(holder)
            holder = deputies[holder]
        resolved[absent] = holder
    return resolved


def with_callers(customers: DataFrame, tiers: Mapping[ServiceTier, TierPolicy]) -> DataFrame:
    """Customers whom the branch calls lose their RM: their alerts go to the branch queue.

    Parameters
    ----------
    customers : DataFrame with `service_tier`, `relationship_manager_id`
    tiers : mapping of service tier to how it is served
    """
    of_branch = F.col("service_tier").isin([tier for tier, served in tiers.items() if served.caller == "branch"])
    own = F.when(~F.coalesce(of_branch, F.lit(False)), F.col("relationship_manager_id"))
    return customers.withColumn("relationship_manager_id", own)


def holder_of(settings: Worklists) -> Column:
    """Who calls: the RM, their deputy, or the branch queue. Column read: `relationship_manager_id`."""
    own = F.coalesce(F.nullif(F.trim("relationship_manager_id"), F.lit("")), F.lit(settings.branch_queue))
    holder = own
    for absent, deputy in deputy_of(settings.deputies).items():
        holder = F.when(own == absent, F.lit(deputy)).otherwise(holder)
    return holder
