"""What a day can be carried on from: the last day that was counted, and what has become known since.

A carried day reads the new day and the few days it touches, not the year. It is only done where the result is that of a count.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import pyspark.sql.functions as F
from pyspark.sql import DataFrame

from conf import conf_hash
from features.as_of import told_since
from features.carrying import seen_otherwise
from features.movements import recent
from jobs.context import Job, code_version
from tables.arrow import read_arrow

MAX_DAYS = 31  # a longer gap, or rates corrected further back, touch so many days that counting anew costs no more
CARRIED = ("flow_sums", "account_sums", "purchase_sums", "payment_evidence")
RATES_KNOWN = "rates_known"  # in the run's counts: what conversions rested on


@dataclass(frozen=True)
class Since:
    """What has become known since the day that is carried on from; computed."""

    before: date
    told: DataFrame  # `account_id`, `business_date`, `superseded_on` of movements told or corrected since
    accounts: DataFrame  # rows of `account_sums` of the earlier day: every account as it was known
    anew: DataFrame  # `customer_id` of whoever's past is another one now: they are counted anew


def since_last(job: Job, accounts: DataFrame) -> Since | None:
    """What the job's day is carried on from; None where it is to be counted anew.

    Parameters
    ----------
    job : Job
    accounts : DataFrame as `versions_as_of` returns, of the day
    """
    before = carried_from(job)
    if before is None:
        return None
    stored = job.lake.read("account_sums").where(F.col("as_of") == F.lit(before)).localCheckpoint()
    return known_since(job, before, stored, accounts)


def known_since(job: Job, before: date, accounts_before: DataFrame, accounts: DataFrame) -> Since:
    """What has become known by the job's day; both frames of accounts with `account_id`, `customer_id`, `product_type`."""
    transactions = job.lake.read("transactions")
    told = told_since(transactions, before, job.day).select("account_id", "business_date", "superseded_on").localCheckpoint()
    anew = seen_otherwise(recent(transactions, [before]), told, accounts_before, accounts).localCheckpoint()
    return Since(before, told, accounts_before, anew)


def carried_from(job: Job) -> date | None:
    """The last day before the job's whose sums may be carried on; None where they would not be those of a count.

    They are not when nothing was counted of late, when configuration or code has changed since, or when something that counts as
    known on that day was taken only later: movements or purchases by an ingest of that day or an earlier one, or rates.
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
        run["job"] == "ingest" and run["business_date"] <= before and _events_versions(run) != _events_versions(earlier)
        for earlier, run in pairwise(runs[runs.index(last):])
    )  # fmt: skip
    as_now = (last["code_version"], last["conf_hash"]) == (code_version(), conf_hash(job.settings))
    all_kept = set(CARRIED) <= dict(last["table_versions"]).keys()  # an older code carried less
    if slipped_in or not (as_now and all_kept) or dict(last["counts"]).get(RATES_KNOWN) != rates_known(job, before):
        return None
    return None if job.lake.read("flow_sums").where(F.col("as_of") == F.lit(before)).isEmpty() else before


def _events_versions(run: Mapping[str, Any]) -> list[int | None]:
    return [dict(run["table_versions"]).get(name) for name in ("transactions", "purchases")]


def rates_known(job: Job, day: date) -> int:
    """How many rates were known on a day."""
    by_then = read_arrow(job.places.lake, "fx_rates", ["rate_date"], [("business_date", "<=", day), ("recorded_on", "<=", day)])
    return by_then.num_rows if by_then is not None else 0
