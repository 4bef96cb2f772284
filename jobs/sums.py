"""The sums that features of money and purchases add up from: carried from the last day's, or counted anew where they cannot be.

A carried day reads the new day and the few days that leave a window or enter a longer one, not the year.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import pyspark.sql.functions as F
from pyspark.sql import DataFrame

from features.account_sums import account_sums, of_all_accounts
from features.as_of import known, latest_known_on, told_since
from features.carrying import (
    Span,
    carried_account_sums,
    carried_flow_sums,
    carried_purchase_sums,
    first_rate_changed,
    on_any,
    spans_moved,
)
from features.flow_sums import WINDOWS, flow_sums
from features.movements import movements, recent
from features.purchase_sums import WINDOWS as PURCHASE_WINDOWS
from features.purchase_sums import baskets, purchase_sums
from jobs.carrying import MAX_DAYS, Since
from jobs.context import Job


@dataclass(frozen=True)
class Sums:
    """The sums of one or more days, computed."""

    flows: DataFrame  # as `features.flow_sums.flow_sums` returns
    accounts: DataFrame  # as `features.account_sums.of_all_accounts` returns
    purchases: DataFrame  # as `features.purchase_sums.purchase_sums` returns


def sums_of_day(job: Job, since: Since | None, accounts: DataFrame, rates: DataFrame) -> Sums:
    """The sums of the job's day, carried where they can be.

    Parameters
    ----------
    job : Job
    since : Since, optional
        What the day is carried on from.
    accounts : DataFrame as `versions_as_of` returns, of the day
    rates : DataFrame as `latest_known_on` returns, of the day
    """
    return (carried(job, since, accounts, rates) if since else None) or counted(job, [job.day], accounts, rates)


def counted(job: Job, days: Sequence[date], accounts: DataFrame, rates: DataFrame) -> Sums:
    """The sums of some days, from a year of events in one pass."""
    moved = _movements(job, recent(job.lake.read("transactions"), days), accounts, rates)
    bought = _purchase_sums(job, recent(job.lake.read("purchases"), days), rates, days)
    return Sums(flow_sums(moved).localCheckpoint(), of_all_accounts(account_sums(moved), accounts).localCheckpoint(), bought)


def carried(job: Job, since: Since, accounts: DataFrame, rates: DataFrame) -> Sums | None:
    """The sums of the job's day, equal to `counted`, from those of an earlier one; None where too many days would have to be read."""
    lake, day, before, transactions = job.lake, job.day, since.before, job.lake.read("transactions")
    rates_before = latest_known_on(lake.read("fx_rates"), lake.table("fx_rates").key, [before]).localCheckpoint()
    rate_changed = first_rate_changed(rates_before, rates, before)
    if rate_changed is not None and (before - rate_changed).days > MAX_DAYS:
        return None
    converted_anew = [(rate_changed, before)] if rate_changed is not None else []
    both_rates, spans = rates.unionByName(rates_before), [*spans_moved(before, day, WINDOWS), *converted_anew]
    flows_before = lake.read("flow_sums").where(F.col("as_of") == F.lit(before)).drop("as_of")
    same, same_before = (frame.join(since.anew, "customer_id", "left_anti") for frame in (accounts, since.accounts))
    both = same.select("account_id", "customer_id", "product_type", "as_of").unionByName(
        same_before.select("account_id", "customer_id", "product_type", "as_of"))
    rows = _seen_anew(transactions, _late_days(since.told, same), spans, before, day)
    moved = _movements(job, rows, both, both_rates)
    flows, of_accounts = flow_sums(moved).localCheckpoint(), account_sums(moved).localCheckpoint()
    (gone, come), (gone_of, come_of) = (_of_days(sums, before, day) for sums in (flows, of_accounts))
    new = carried_flow_sums(flows_before.join(since.anew, "customer_id", "left_anti"), gone, come, day)
    new_of = carried_account_sums(same_before.drop("as_of", "product_type"), gone_of, come_of, day)
    if not since.anew.isEmpty():
        theirs = accounts.join(since.anew, "customer_id", "left_semi").localCheckpoint()
        few = recent(transactions, [day]).join(F.broadcast(theirs.select("account_id")), "account_id", "left_semi")
        moved = _movements(job, few, theirs, rates)
        new, new_of = new.unionByName(flow_sums(moved)), new_of.unionByName(account_sums(moved))
    bought = _carried_purchases(job, before, both_rates, [*spans_moved(before, day, PURCHASE_WINDOWS), *converted_anew])
    return Sums(new.localCheckpoint(), of_all_accounts(new_of, accounts).localCheckpoint(), bought)


def _carried_purchases(job: Job, before: date, both_rates: DataFrame, spans: Sequence[Span]) -> DataFrame:
    """The day's sums of purchases from those of an earlier one."""
    lake, day, purchases = job.lake, job.day, job.lake.read("purchases")
    told = told_since(purchases, before, day).select("customer_id", "business_date")
    rows = _seen_anew(purchases, told, spans, before, day)
    gone, come = _of_days(_purchase_sums(job, rows, both_rates, [before, day]), before, day)
    then = lake.read("purchase_sums").where(F.col("as_of") == F.lit(before)).drop("as_of")
    return carried_purchase_sums(then, gone, come, day).localCheckpoint()


def _late_days(told: DataFrame, accounts: DataFrame) -> DataFrame:
    """All accounts of a customer, on each day something was told of late."""
    owned = accounts.select("account_id", "customer_id")
    days = told.join(owned, "account_id").select("customer_id", "business_date").distinct()
    return days.join(owned, "customer_id").select("account_id", "business_date")


def _seen_anew(events: DataFrame, late: DataFrame, spans: Sequence[Span], before: date, day: date) -> DataFrame:
    """All events of the days whose window has changed, and of the other days something was told of late (`late`, of whom and which)."""
    rows = known(events.where(on_any(spans)), day, since=before)
    late = late.where(~on_any(spans)).distinct().localCheckpoint()
    dates = [row["business_date"] for row in late.select("business_date").distinct().collect()]
    if not dates:
        return rows
    of_dates = known(events.where(on_any([(each, each) for each in dates])), day, since=before)
    return rows.unionByName(of_dates.join(F.broadcast(late), late.columns, "left_semi"))


def _of_days(sums: DataFrame, *days: date) -> Sequence[DataFrame]:
    return [sums.where(F.col("as_of") == F.lit(day)).drop("as_of") for day in days]


def _movements(job: Job, transactions: DataFrame, accounts: DataFrame, rates: DataFrame) -> DataFrame:
    bank = job.settings.bank
    return movements(transactions, accounts, rates, bank.base_currency, bank.time_zone).localCheckpoint()


def _purchase_sums(job: Job, purchases: DataFrame, rates: DataFrame, days: Sequence[date]) -> DataFrame:
    settings = job.settings
    each = baskets(purchases, rates, days, settings.bank.base_currency, settings.segments.purchase_groups)
    return purchase_sums(each.localCheckpoint()).localCheckpoint()
