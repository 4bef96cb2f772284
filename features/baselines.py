"""What is usual for a customer: counts of past flows in log-scale bins, which add and subtract exactly.

Integer counts commute: yesterday's counts plus the days that enter minus the days that leave are, byte for byte, the
counts rebuilt from all flows. A quantile sketch merges but cannot subtract. Bins of ratio 1.25 rank flows as well as
exact quantiles do; ratio 2 loses (docs/evaluation.md).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date, timedelta
from functools import reduce

import pyspark.sql.functions as F
from pyspark.sql import Column, DataFrame

from features.flows import latest_known, window_sums

SERIES = ("customer_id", "direction", "window_days")
BINS = "array<struct<bin: int, count: bigint>>"
QUARTILES = {"q25": 0.25, "median": 0.5, "q75": 0.75}
IQR_OF_NORMAL = 1.349  # interquartile range of a standard normal


def bin_counts(sums: DataFrame, bin_ratio: float) -> DataFrame:
    """Counts per log-scale bin.

    Parameters
    ----------
    sums : DataFrame as `window_sums` returns
    bin_ratio : float

    Returns
    -------
    DataFrame with `customer_id`, `direction`, `window_days`, `bin` int, `count` long
    """
    bin_of = F.floor(F.log(F.greatest(F.col("amount").cast("double"), F.lit(1.0))) / math.log(bin_ratio)).cast("int")
    return sums.groupBy(*SERIES, bin_of.alias("bin")).agg(F.count("*").alias("count"))


def distributions(counts: DataFrame, keys: Sequence[str] = SERIES) -> DataFrame:
    """Counts per bin as one row a distribution.

    Parameters
    ----------
    counts : DataFrame with `keys`, `bin`, `count`
    keys : column names of one distribution

    Returns
    -------
    DataFrame with `keys` and `bins`: array of `bin`, `count`, lowest bin first
    """
    return counts.groupBy(*keys).agg(F.sort_array(F.collect_list(F.struct("bin", "count"))).cast(BINS).alias("bins"))


def counts_of(distributions: DataFrame) -> DataFrame:
    """One row a bin of the same: the inverse of `distributions`."""
    return distributions.select(*[name for name in distributions.columns if name != "bins"], F.inline("bins"))


def rebuilt(
    units: DataFrame,
    as_of: date,
    windows_days: tuple[int, ...],
    baseline_days: int,
    bin_ratio: float,
    recorded_by: date | None = None,
) -> DataFrame:
    """The baseline of a day, counted anew from every daily flow: what `updated` must always equal.

    Parameters
    ----------
    units : DataFrame of `daily_flows`
    as_of : date
        Last business date counted.
    recorded_by : date, optional
        Last day of knowledge, `as_of` when not given: a first run counts history it only now took.
    """
    sums = window_sums(latest_known(units, recorded_by or as_of), windows_days)
    return distributions(bin_counts(sums.where(_ends_within(as_of, baseline_days)), bin_ratio))


def updated(
    baseline: DataFrame,
    units: DataFrame,
    since: date,
    as_of: date,
    windows_days: tuple[int, ...],
    baseline_days: int,
    bin_ratio: float,
) -> DataFrame:
    """The baseline of a day from an earlier day's, plus what entered, minus what left.

    Reads of `units` only days that changed (new, late, flagged since), the days around them that share a window, and
    the days that leave the baseline.

    Parameters
    ----------
    baseline : DataFrame as `rebuilt` returns, of the day `since`
    units : DataFrame of `daily_flows`
    since, as_of : date

    Returns
    -------
    DataFrame, columns of `baseline`, equal to `rebuilt(units, as_of)`
    """
    reach = max(windows_days) - 1
    changed = (
        units.where((F.col("recorded_on") > F.lit(since)) & (F.col("recorded_on") <= F.lit(as_of)))
        .select("customer_id", "direction", F.col("business_date").alias("_changed"))
        .distinct()
    )
    span = changed.agg(F.min("_changed").alias("_first"), F.max("_changed").alias("_last")).first()
    expiring = F.col("business_date").between(
        F.lit(since - timedelta(days=baseline_days - 1)), F.lit(as_of - timedelta(days=baseline_days))
    )
    around_expiring = F.col("business_date").between(
        F.lit(since - timedelta(days=baseline_days - 1 + reach)), F.lit(as_of - timedelta(days=baseline_days))
    )
    left = window_sums(latest_known(units.where(around_expiring), since), windows_days).where(expiring)
    parts = [_signed(bin_counts(left, bin_ratio), -1)]
    if span is not None and span["_first"] is not None:
        around = units.where(
            F.col("business_date").between(
                F.lit(span["_first"] - timedelta(days=reach)), F.lit(span["_last"] + timedelta(days=reach))
            )
        )
        for known_by, sign in ((since, -1), (as_of, 1)):
            # a sum that ends up to `reach` days after a changed day holds that day; each is taken out and put in once
            sums = window_sums(latest_known(around, known_by), windows_days).where(
                _ends_within(known_by, baseline_days) & _ends_within(as_of, baseline_days)
            )
            on = (
                (sums.customer_id == changed.customer_id)
                & (sums.direction == changed.direction)
                & F.date_diff(sums.business_date, changed["_changed"]).between(0, reach)
            )
            parts.append(_signed(bin_counts(sums.join(changed, on, "left_semi"), bin_ratio), sign))
    changes = distributions(reduce(DataFrame.unionByName, parts)).withColumnRenamed("bins", "_changes")
    both = baseline.join(changes, list(SERIES), "full")
    as_it_was = both.where(F.col("_changes").isNull()).select(*SERIES, "bins")
    differs = both.where(F.col("_changes").isNotNull())
    each = differs.select(*SERIES, F.inline(F.concat(F.coalesce("bins", F.array().cast(BINS)), "_changes")))
    summed = each.groupBy(*SERIES, "bin").agg(F.sum("count").alias("count")).where("count <> 0")
    return as_it_was.unionByName(distributions(summed))


def quartiles(distributions: DataFrame, bin_ratio: float) -> DataFrame:
    """Quartiles of log amounts, by linear interpolation within the bin.

    Parameters
    ----------
    distributions : DataFrame as `distributions` returns

    Returns
    -------
    DataFrame with its keys, `n` long, `q25`, `median`, `q75` double (natural log of base currency)
    """
    start = F.struct(F.lit(0).cast("bigint").alias("reached"), *[F.lit(None).cast("double").alias(name) for name in QUARTILES])

    def step(so_far: Column, each: Column) -> Column:
        below, count = so_far["reached"], each["count"]

        def at(name: str) -> Column:
            wanted = F.col("n") * QUARTILES[name]
            here = (below < wanted) & (wanted <= below + count)
            return F.when(here, (each["bin"] + (wanted - below) / count) * math.log(bin_ratio)).otherwise(so_far[name])

        return F.struct((below + count).alias("reached"), *[at(name).alias(name) for name in QUARTILES])

    n = F.aggregate("bins", F.lit(0).cast("bigint"), lambda sum, each: sum + each["count"])
    keys = [name for name in distributions.columns if name != "bins"]
    found = distributions.withColumn("n", n).withColumn("_at", F.aggregate("bins", start, step))
    return found.select(*keys, "n", *[F.col(f"_at.{name}") for name in QUARTILES])


def _ends_within(as_of: date, baseline_days: int) -> Column:
    return F.col("business_date").between(F.lit(as_of - timedelta(days=baseline_days - 1)), F.lit(as_of))


def _signed(counts: DataFrame, sign: int) -> DataFrame:
    return counts.withColumn("count", F.col("count") * sign)
