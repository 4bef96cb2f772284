"""Training sets, point in time: what was known on past days, and which offers were taken up in the weeks after."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta

import pyspark.sql.functions as F
from pyspark.sql import Column, DataFrame

from conf.offer import Offer
from conf.settings import Models
from models.eligibility import shelf, suitability_rules

LABEL = ("customer_id", "as_of", "offer_id")


def snapshot_dates(training_day: date, settings: Models, window_days: int, first_day: date) -> list[date]:
    """The past days to learn from, newest first.

    The newest day's outcome window has just closed: it tests. The next one validates and the others train; between
    the three lie an embargo and a whole outcome window, so that no uptake is learned from and judged by.

    Parameters
    ----------
    training_day : date
    settings : Models
    window_days : int
        The longest outcome window of the shelf.
    first_day : date
        Days before it have too little history behind them.
    """
    closed = timedelta(days=settings.embargo_days + window_days)
    newest = training_day - closed
    training = newest - 2 * closed
    gap = timedelta(days=settings.snapshot_gap_days)
    days = [newest, newest - closed, *(training - k * gap for k in range(max(settings.snapshots - 2, 1)))]
    return [day for day in days if day >= first_day]


def split_days(days: Iterable[date], purge_days: int) -> tuple[list[date], list[date], list[date]]:
    """Training, validation and test days: the newest day tests, the newest `purge_days` before it validates.

    Returns
    -------
    (training, validation, test) : lists of dates, newest first; empty where history does not reach back
    """
    newest_first = sorted(set(days), reverse=True)
    test = newest_first[:1]
    purge = timedelta(days=purge_days)
    validation = [day for day in newest_first if test and day <= test[0] - purge][:1]
    training = [day for day in newest_first if validation and day <= validation[0] - purge]
    return training, validation, test


def uptake_labels(
    snapshots: DataFrame,
    acquired: DataFrame,
    offers: Mapping[str, Offer],
    embargo_days: int,
    training_day: date,
) -> DataFrame:
    """Which offers each customer took up after each snapshot, as far as it was known on the training day.

    A bundle was taken when all of its offers were that the customer did not hold. It has a label where it suits, where two or
    more were left, and where each of those has one.

    A label is 1 when one of the offer's products was acquired, or what stands for one (`features.acquired`), in
    (as_of + embargo, as_of + embargo + window], else 0. No label is given while that window is open, to customers the offer does not
    suit, and to those who held the product when the window began (if it is taken once). Where only a yes tells an uptake, nor to
    those who were not asked in the window: they have not said no, and taken for a no it would keep anybody from being asked.

    Parameters
    ----------
    snapshots : DataFrame with `customer_id`, `as_of`, `age`, `annual_income`, `assets`, `risk_profile`
    acquired : DataFrame with `customer_id`, `product_id`, `acquired_on`, `closed_on`: those known on the training day
    offers : mapping of offer id to Offer
    embargo_days : int
    training_day : date

    Returns
    -------
    DataFrame with `customer_id`, `as_of`, `offer_id`, `label` (0 or 1)
    """
    together = acquired.groupBy("customer_id").agg(
        F.collect_list(F.struct("product_id", "acquired_on", "closed_on")).alias("_acquired")
    )
    none = F.array().cast(together.schema["_acquired"].dataType)
    customers = snapshots.select("customer_id", "as_of", "age", "annual_income", "assets", "risk_profile")
    start = F.date_add("as_of", embargo_days)
    rules = suitability_rules()
    held, suited = rules.pop("already_held"), F.lit(True)
    for broken in rules.values():
        suited = suited & ~broken
    asked = F.col("asked").isNull() | _acquired(F.array("asked"))
    each = (
        customers.join(together, "customer_id", "left")
        .withColumns({"_acquired": F.coalesce("_acquired", none), "_start": start})
        .withColumn("held", _held_on_start())
        .crossJoin(F.broadcast(shelf(snapshots.sparkSession, offers)))
        .withColumn("_end", F.date_add(F.col("_start"), F.col("window_days")))
        .withColumns({"_held": held, "_took": _acquired(F.col("products"))})
        .withColumn("_fits", (F.col("_end") <= F.lit(training_day)) & suited & asked)
        .select("customer_id", "as_of", "offer_id", "bundle", "_held", "_fits", "_took")
    )
    alone = each.where("bundle IS NULL AND _fits AND NOT _held").select(*LABEL, F.col("_took").cast("int").alias("label"))
    bundles = {offer_id: offer.bundle.offers for offer_id, offer in offers.items() if offer.bundle}
    return alone.unionByName(_of_bundles(each, bundles)) if bundles else alone


def _of_bundles(each: DataFrame, bundles: Mapping[str, Sequence[str]]) -> DataFrame:
    """Labels of bundles, from what each customer did about their offers. Columns read: `_held`, `_fits`, `_took`."""
    parts = [(part, bundle) for bundle, members in sorted(bundles.items()) for part in (bundle, *members)]
    part_of = each.sparkSession.createDataFrame(parts, "offer_id string, _bundle string")
    whole = F.col("offer_id") == F.col("_bundle")
    found = each.join(F.broadcast(part_of), "offer_id").groupBy("customer_id", "as_of", F.col("_bundle").alias("offer_id")).agg(
        F.bool_and(F.col("_fits") | F.col("_held")).alias("_fits"),
        F.count_if(~whole & ~F.col("_held")).alias("_left"),
        F.bool_and(whole | F.col("_held") | F.col("_took")).cast("int").alias("label"),
    )
    return found.where("_fits AND _left >= 2").select(*LABEL, "label")


def labels_by_offer(labels: DataFrame, offers: Iterable[str]) -> DataFrame:
    """One row a customer and day, one column an offer.

    Parameters
    ----------
    labels : DataFrame as `uptake_labels` gives them
    offers : offer ids

    Returns
    -------
    DataFrame with `customer_id`, `as_of`, `taken_<offer id>` (0, 1, or null where there is no label)
    """
    ids: list[bool | float | int | str] = [*sorted(offers)]  # as pivot wants them typed
    wide = labels.groupBy("customer_id", "as_of").pivot("offer_id", ids).agg(F.first("label"))
    return wide.select("customer_id", "as_of", *[F.col(str(offer_id)).alias(f"taken_{offer_id}") for offer_id in ids])


def sampled(snapshots: DataFrame, share: float, seed: int) -> DataFrame:
    """All snapshots of a share of the customers, chosen by hash: the same ones whatever the partitioning."""
    if share >= 1:
        return snapshots
    buckets = 1_000_000
    return snapshots.where(F.pmod(F.xxhash64("customer_id", F.lit(seed)), F.lit(buckets)) < F.lit(round(share * buckets)))


def _held_on_start() -> Column:
    start = F.col("_start")
    open_then = F.filter(
        "_acquired", lambda h: (h["acquired_on"] <= start) & (h["closed_on"].isNull() | (h["closed_on"] > start))
    )
    return F.transform(open_then, lambda h: h["product_id"])


def _acquired(products: Column) -> Column:
    """Whether one of some products was acquired in the window."""
    return F.exists(
        "_acquired",
        lambda h: (
            F.array_contains(products, h["product_id"])
            & (h["acquired_on"] > F.col("_start"))
            & (h["acquired_on"] <= F.col("_end"))
        ),
    )
