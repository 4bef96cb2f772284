"""The sums that features of money add up from: carried from the last day's, or counted anew where they cannot be.

A carried day reads the new day and the few days that leave a window or enter a longer one, not the year.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import pyspark.sql.functions as F
from pyspark.sql import DataFrame

from features.account_sums import account_sums, of_all_accounts
from features.as_of import known, latest_known_on
from features.carrying import Span, carried_account_sums, carried_flow_sums, first_rate_changed, on_any, spans_moved
from features.flow_sums import flow_sums
from features.movements import movements, recent
from jobs.carrying import MAX_DAYS, Since
from jobs.context import Job


@dataclass(frozen=True)
class Sums:
    """Both kinds of sums of one or more days, computed."""

    flows: DataFrame  # as `features.flow_sums.flow_sums` returns
    accounts: DataFrame  # as `features.account_sums.of_all_accounts` returns


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
    return Sums(flow_sums(moved).localCheckpoint(), of_all_accounts(account_sums(moved), accounts).localCheckpoint())


def carried(job: Job, since: Since, accounts: DataFrame, rates: DataFrame) -> Sums | None:
    """The sums of the job's day, equal to `counted`, from those of an earlier one; None where too many days would have to be read."""
    lake, day, before, transactions = job.lake, job.day, since.before, job.lake.read("transactions")
    rates_before = latest_known_on(lake.read("fx_rates"), lake.table("fx_rates").key, [before]).localCheckpoint()
    spans, rate_changed = spans_moved(before, day), first_rate_changed(rates_before, rates, before)
    if rate_changed is not None:
        if (before - rate_changed).days > MAX_DAYS:
            return None
        spans = [*spans, (rate_changed, before)]
    flows_before = lake.read("flow_sums").where(F.col("as_of") == F.lit(before)).drop("as_of")
    same, same_before = (frame.join(since.anew, "customer_id", "left_anti") for frame in (accounts, since.accounts))
    both = same.select("account_id", "customer_id", "product_type", "as_of").unionByName(
        same_before.select("account_id", "customer_id", "product_type", "as_of"))
    rows = _seen_anew(transactions, since.told, same, spans, before, day)
    moved = _movements(job, rows, both, rates.unionByName(rates_before))
    flows, of_accounts = flow_sums(moved).localCheckpoint(), account_sums(moved).localCheckpoint()
    (gone, come), (gone_of, come_of) = (_of_days(sums, before, day) for sums in (flows, of_accounts))
    new = carried_flow_sums(flows_before.join(since.anew, "customer_id", "left_anti"), gone, come, day)
    new_of = carried_account_sums(same_before.drop("as_of", "product_type"), gone_of, come_of, day)
    if not since.anew.isEmpty():
        theirs = accounts.join(since.anew, "customer_id", "left_semi").localCheckpoint()
        few = recent(transactions, [day]).join(F.broadcast(theirs.select("account_id")), "account_id", "left_semi")
        moved = _movements(job, few, theirs, rates)
        new, new_of = new.unionByName(flow_sums(moved)), new_of.unionByName(account_sums(moved))
    return Sums(new.localCheckpoint(), of_all_accounts(new_of, accounts).localCheckpoint())


def _seen_anew(
    transactions: DataFrame, told: DataFrame, accounts: DataFrame, spans: Sequence[Span], before: date, day: date
) -> DataFrame:
    """All movements of the days whose window has changed, and of each customer's other days that something late was told of."""
    rows = known(transactions.where(on_any(spans)), day, since=before)
    owned = accounts.select("account_id", "customer_id")
    late = told.where(~on_any(spans)).join(owned, "account_id").select("customer_id", "business_date").distinct()
    days = late.join(owned, "customer_id").select("account_id", "business_date").localCheckpoint()
    dates = [row["business_date"] for row in days.select("business_date").distinct().collect()]
    if not dates:
        return rows
    of_dates = known(transactions.where(on_any([(each, each) for each in dates])), day, since=before)
    return rows.unionByName(of_dates.join(F.broadcast(days), ["account_id", "business_date"], "left_semi"))


def _of_days(sums: DataFrame, *days: date) -> Sequence[DataFrame]:
    return [sums.where(F.col("as_of") == F.lit(day)).drop("as_of") for day in days]


def _movements(job: Job, transactions: DataFrame, accounts: DataFrame, rates: DataFrame) -> DataFrame:
    bank = job.settings.bank
    return movements(transactions, accounts, rates, bank.base_currency, bank.time_zone).localCheckpoint()
