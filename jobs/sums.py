"""The sums that features of money add up from: carried from the last day's, or counted anew where they cannot be.

A carried day reads the new day and the few days that leave a window or enter a longer one, not the year.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import pyspark.sql.functions as F
from pyspark.sql import DataFrame

from conf import conf_hash
from features.account_sums import account_sums, of_all_accounts
from features.as_of import known, latest_known_on, told_since
from features.carrying import (
    Span,
    carried_account_sums,
    carried_flow_sums,
    first_rate_changed,
    on_any,
    seen_otherwise,
    spans_moved,
)
from features.flow_sums import flow_sums
from features.movements import movements, recent
from jobs.context import Job, code_version
from jobs.ledger import is_small
from tables.arrow import read_arrow

MAX_DAYS = 31  # a longer gap, or rates corrected further back, touch so many days that counting anew costs no more
RATES_KNOWN = "rates_known"  # in the run's counts: what conversions rested on


@dataclass(frozen=True)
class Sums:
    """Both kinds of sums of one or more days, computed."""

    flows: DataFrame  # as `features.flow_sums.flow_sums` returns
    accounts: DataFrame  # as `features.account_sums.of_all_accounts` returns


def sums_of_day(job: Job, accounts: DataFrame, rates: DataFrame) -> Sums:
    """The sums of the job's day; written, but in a small lake, for the next day's to be carried from.

    Parameters
    ----------
    job : Job
    accounts : DataFrame as `versions_as_of` returns, of the day
    rates : DataFrame as `latest_known_on` returns, of the day
    """
    if is_small(job.places.lake):
        return counted(job, [job.day], accounts, rates)
    before = carried_from(job)
    found = carried(job, before, _stored(job, before), accounts, rates) if before else None
    sums = found or counted(job, [job.day], accounts, rates)
    job.lake.replace("flow_sums", sums.flows, {"as_of": job.day})
    job.lake.replace("account_sums", sums.accounts, {"as_of": job.day})
    return sums


def counted(job: Job, days: Sequence[date], accounts: DataFrame, rates: DataFrame) -> Sums:
    """The sums of some days, from a year of events in one pass."""
    moved = _movements(job, recent(job.lake.read("transactions"), days), accounts, rates)
    return Sums(flow_sums(moved).localCheckpoint(), of_all_accounts(account_sums(moved), accounts).localCheckpoint())


def carried_from(job: Job) -> date | None:
    """The last day before the job's whose sums may be carried on; None where they would not be those of a count.

    They are not when nothing was counted of late, when configuration or code has changed since, or when something that counts as
    known on that day was taken only later: movements by an ingest of that day or an earlier one, or rates.
    """
    columns = ["job", "business_date", "ended_at", "status", "counts", "table_versions", "code_version", "conf_hash"]
    found = read_arrow(job.places.lake, "runs", columns)
    runs = sorted(found.to_pylist(), key=lambda run: run["ended_at"]) if found is not None else []
    since = job.day - timedelta(days=MAX_DAYS)
    counted_on = [
        run for run in runs
        if (run["job"], run["status"]) == ("features", "done") and since <= run["business_date"] < job.day
    ]  # fmt: skip
    if not counted_on:
        return None
    last = max(counted_on, key=lambda run: (run["business_date"], run["ended_at"]))
    before: date = last["business_date"]
    slipped_in = any(
        run["job"] == "ingest" and run["business_date"] <= before and _movements_version(run) != _movements_version(earlier)
        for earlier, run in pairwise(runs[runs.index(last):])
    )  # fmt: skip
    as_now = (last["code_version"], last["conf_hash"]) == (code_version(), conf_hash(job.settings))
    if slipped_in or not as_now or dict(last["counts"]).get(RATES_KNOWN) != rates_known(job, before):
        return None
    return None if job.lake.read("flow_sums").where(F.col("as_of") == F.lit(before)).isEmpty() else before


def _movements_version(run: Mapping[str, Any]) -> int | None:
    return dict(run["table_versions"]).get("transactions")


def rates_known(job: Job, day: date) -> int:
    """How many rates were known on a day."""
    by_then = read_arrow(job.places.lake, "fx_rates", ["rate_date"], [("business_date", "<=", day), ("recorded_on", "<=", day)])
    return by_then.num_rows if by_then is not None else 0


def carried(job: Job, before: date, sums: Sums, accounts: DataFrame, rates: DataFrame) -> Sums | None:
    """The sums of the job's day, equal to `counted`, from those of an earlier one; None where too many days would have to be read."""
    lake, day, transactions = job.lake, job.day, job.lake.read("transactions")
    rates_before = latest_known_on(lake.read("fx_rates"), lake.table("fx_rates").key, [before]).localCheckpoint()
    spans, rate_changed = spans_moved(before, day), first_rate_changed(rates_before, rates, before)
    if rate_changed is not None:
        if (before - rate_changed).days > MAX_DAYS:
            return None
        spans = [*spans, (rate_changed, before)]
    told = told_since(transactions, before, day).select("account_id", "business_date", "superseded_on").localCheckpoint()
    anew = seen_otherwise(recent(transactions, [before]), told, sums.accounts, accounts).localCheckpoint()
    same, same_before = (frame.join(anew, "customer_id", "left_anti") for frame in (accounts, sums.accounts))
    both = same.select("account_id", "customer_id", "product_type", "as_of").unionByName(
        same_before.select("account_id", "customer_id", "product_type", "as_of"))
    rows = _seen_anew(transactions, told, same, spans, before, day)
    moved = _movements(job, rows, both, rates.unionByName(rates_before))
    flows, of_accounts = flow_sums(moved).localCheckpoint(), account_sums(moved).localCheckpoint()
    (gone, come), (gone_of, come_of) = (_of_days(sums, before, day) for sums in (flows, of_accounts))
    new = carried_flow_sums(sums.flows.drop("as_of").join(anew, "customer_id", "left_anti"), gone, come, day)
    new_of = carried_account_sums(same_before.drop("as_of", "product_type"), gone_of, come_of, day)
    if not anew.isEmpty():
        theirs = accounts.join(anew, "customer_id", "left_semi").localCheckpoint()
        few = recent(transactions, [day]).join(F.broadcast(theirs.select("account_id")), "account_id", "left_semi")
        moved = _movements(job, few, theirs, rates)
        new, new_of = new.unionByName(flow_sums(moved)), new_of.unionByName(account_sums(moved))
    return Sums(new.localCheckpoint(), of_all_accounts(new_of, accounts).localCheckpoint())


def _stored(job: Job, day: date) -> Sums:
    then = F.col("as_of") == F.lit(day)
    return Sums(job.lake.read("flow_sums").where(then), job.lake.read("account_sums").where(then).localCheckpoint())


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
