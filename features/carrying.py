"""Yesterday's sums carried to today: less what was then seen of the movements seen otherwise now, plus what is now seen of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from functools import reduce

import pyspark.sql.functions as F
from pyspark.sql import Column, DataFrame

from features.account_sums import CENTS, MOMENTS
from features.flow_sums import DAYS_LISTED, LISTED, SUMS, YEAR_DAYS, or_none
from features.movements import LOOKBACK_DAYS
from features.purchase_sums import BOUGHT
from features.purchase_sums import SUMS as PURCHASE_SUMS

Span = tuple[date, date]  # both included


def spans_moved(before: date, day: date, windows: Sequence[int]) -> list[Span]:
    """The business dates whose shortest window, of some days back, is another one on `day` than it was on `before`."""
    gap = (day - before).days
    ends = [before, *(before - timedelta(days=days) for days in windows)]
    spans = sorted({(end + timedelta(days=1), end + timedelta(days=gap)) for end in ends})
    merged = [spans[0]]
    for first, last in spans[1:]:
        if first <= merged[-1][1] + timedelta(days=1):
            merged[-1] = (merged[-1][0], max(merged[-1][1], last))
        else:
            merged.append((first, last))
    return merged


def on_any(spans: Sequence[Span]) -> Column:
    """Whether `business_date` lies in one of some spans; told as bounds, which prune files."""
    return reduce(Column.__or__, (F.col("business_date").between(F.lit(first), F.lit(last)) for first, last in spans))


def seen_otherwise(transactions: DataFrame, told: DataFrame, accounts_before: DataFrame, accounts: DataFrame) -> DataFrame:
    """Customers whose past is another one now: a correction, an account's other owner or product, or the account they used to pay
    to has turned out to be theirs. Their sums are counted anew.

    Parameters
    ----------
    transactions : DataFrame of the days that are looked back on, as known on the earlier day
    told : DataFrame as `features.as_of.told_since` returns
    accounts_before, accounts : DataFrame with `account_id`, `customer_id`, `product_type`, of the earlier and the later day

    Returns
    -------
    DataFrame with `customer_id`, distinct
    """
    was = accounts_before.select("account_id", F.col("customer_id").alias("_was"), F.col("product_type").alias("_product"))
    both = accounts.select("account_id", "customer_id", "product_type").join(was, "account_id", "full")
    same = F.col("_was").eqNullSafe(F.col("customer_id")) & F.col("_product").eqNullSafe(F.col("product_type"))
    changed = both.where(F.col("_was").isNotNull() & ~same)
    new = both.where(F.col("_was").isNull()).select(F.col("account_id").alias("counterparty"), "customer_id")
    owner = accounts.select("account_id", "customer_id")
    paid_to = transactions.select("account_id", "counterparty").join(F.broadcast(new), "counterparty").select("account_id", "customer_id")
    corrected = told.where(F.col("superseded_on").isNotNull()).select("account_id")
    whose = [
        changed.select("customer_id"),
        changed.select(F.col("_was").alias("customer_id")),
        paid_to.join(owner, ["account_id", "customer_id"], "left_semi").select("customer_id"),
        owner.join(corrected, "account_id", "left_semi").select("customer_id"),
    ]
    return reduce(DataFrame.unionByName, whose).where(F.col("customer_id").isNotNull()).distinct()


def first_rate_changed(before: DataFrame, now: DataFrame, day: date) -> date | None:
    """The first date up to `day` whose rate is another one now; None where none is.

    Parameters
    ----------
    before, now : DataFrame with `rate_date`, `currency`, `rate`, as known on `day` and later
    day : date
    """
    was, key = before.select("rate_date", "currency", F.col("rate").alias("_was")), ["rate_date", "currency"]
    both = now.where(F.col("rate_date") <= F.lit(day)).select(*key, "rate").join(was, key, "full")
    first: date | None = both.where(~F.col("rate").eqNullSafe(F.col("_was"))).agg(F.min("rate_date")).collect()[0][0]
    return first


def carried_flow_sums(before: DataFrame, gone: DataFrame, come: DataFrame, day: date) -> DataFrame:
    """A day's rows of `flow_sums`.

    Parameters
    ----------
    before : DataFrame as `features.flow_sums.flow_sums` returns, of the earlier day
    gone, come : DataFrame as the same returns of the movements seen otherwise, as seen from the earlier and from the later day
    day : date
        The later day.

    Returns
    -------
    DataFrame, same columns
    """
    lists = {name: _relisted(name, LISTED) for name in DAYS_LISTED}
    last = F.greatest(F.col("was_last_moved_on"), F.col("come_last_moved_on"))
    values = _added(tuple(SUMS)) | lists | {"last_moved_on": last}
    summed = _carried(before, gone, come, ["customer_id"], day, values)
    return summed.where(F.date_diff("as_of", "last_moved_on") < YEAR_DAYS)  # of whoever moved nothing within a year nothing is left


def carried_purchase_sums(before: DataFrame, gone: DataFrame, come: DataFrame, day: date) -> DataFrame:
    """A day's rows of `purchase_sums`; parameters as of `carried_flow_sums`, but as `features.purchase_sums.purchase_sums` returns.

    Returns
    -------
    DataFrame, same columns
    """
    values = _added(PURCHASE_SUMS) | {"bought": _relisted("bought", BOUGHT)}
    return _carried(before, gone, come, ["customer_id"], day, values).where("baskets > 0")


def carried_account_sums(before: DataFrame, gone: DataFrame, come: DataFrame, day: date) -> DataFrame:
    """A day's rows of `account_sums`; parameters as of `carried_flow_sums`, but as `features.account_sums.account_sums` returns.

    Returns
    -------
    DataFrame, same columns
    """
    stated = F.greatest(F.col("was_stated"), F.col("come_stated"))
    still = F.date_diff(F.lit(day), stated["on"]) < LOOKBACK_DAYS
    values = {"stated": F.when(still, stated)} | _added((*CENTS, *MOMENTS))
    return _carried(before, gone, come, ["customer_id", "account_id"], day, values)


def _carried(
    before: DataFrame, gone: DataFrame, come: DataFrame, key: Sequence[str], day: date, values: Mapping[str, Column]
) -> DataFrame:
    """The day's rows, of values over what stood (`was_`), what of it is seen otherwise (`gone_`) and how it is seen now (`come_`)."""

    def named(frame: DataFrame, prefix: str) -> DataFrame:
        return frame.select(*key, *[F.col(name).alias(f"{prefix}_{name}") for name in frame.columns if name not in key])

    both = named(before, "was").join(named(gone, "gone"), list(key), "left").join(named(come, "come"), list(key), "full")
    return both.select(*key, F.lit(day).alias("as_of"), *[value.alias(name) for name, value in values.items()])


def _added(names: Sequence[str]) -> dict[str, Column]:
    def known(when: str, name: str) -> Column:
        return F.coalesce(F.col(f"{when}_{name}"), F.lit(0))

    return {name: known("was", name) - known("gone", name) + known("come", name) for name in names}


def _relisted(name: str, kind: str) -> Column:
    was, gone, come = (or_none(F.col(f"{when}_{name}"), kind) for when in ("was", "gone", "come"))
    return F.array_sort(F.array_union(F.array_except(was, gone), come))
