"""What was known on a day: happened by its end, and recorded by its end."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal

import pyspark.sql.functions as F
from pyspark.sql import Column, DataFrame, Window

LARGEST = Decimal(10) ** 14  # of one amount, base currency


def known(events: DataFrame, as_of: date, since: date | None = None) -> DataFrame:
    """Events known on a day, or on any day from `since` on; of a corrected event the version that stood.

    Parameters
    ----------
    events : DataFrame with `business_date`, `recorded_on` and, where events are corrected, `superseded_on`
    as_of : date
    since : date, optional

    Returns
    -------
    DataFrame, same columns
    """
    return events.where(known_on(events, F.lit(as_of), F.lit(since or as_of)))


def known_on(events: DataFrame, day: Column, since: Column | None = None) -> Column:
    """Whether each event had happened and was recorded by a day, and no correction of it was."""
    told = (F.col("business_date") <= day) & (F.col("recorded_on") <= day)
    if "superseded_on" not in events.columns:
        return told
    return told & F.coalesce(F.col("superseded_on") > (day if since is None else since), F.lit(True))


def told_since(events: DataFrame, since: date, as_of: date) -> DataFrame:
    """Events recorded or corrected after one day and by another: each touches the day it happened on.

    Parameters
    ----------
    events : DataFrame with `business_date`, `recorded_on`, `superseded_on`
    since, as_of : date

    Returns
    -------
    DataFrame, same columns
    """
    new, corrected = (F.col(on).between(F.lit(since + timedelta(days=1)), F.lit(as_of)) for on in ("recorded_on", "superseded_on"))
    ever = F.col("superseded_on").isNotNull()  # said apart: it prunes files without a correction, a range of nulls does not
    return events.where((F.col("business_date") <= F.lit(as_of)) & (new | (ever & corrected)))


def latest_known_by(events: DataFrame, key: Sequence[str], as_of: date) -> DataFrame:
    """The newest row of each key known on a day: a later drop with the same key corrects the earlier one.

    Parameters
    ----------
    events : DataFrame with `key`, `business_date`, `recorded_on` (holdings, fx_rates, restrictions)
    key : sequence of str
        The feed's key.
    as_of : date

    Returns
    -------
    DataFrame, one row a key, same columns
    """
    return latest_known_on(events, key, [as_of]).drop("as_of")


def latest_known_on(events: DataFrame, key: Sequence[str], days: Sequence[date]) -> DataFrame:
    """`latest_known_by` of many days at once: adds `as_of`, one row a key and day it was known on."""
    newest_first = Window.partitionBy(*key, "as_of").orderBy(F.col("recorded_on").desc(), *_tie_breakers(events, key))
    return (
        events.withColumn("as_of", each(days))
        .where((F.col("business_date") <= F.col("as_of")) & (F.col("recorded_on") <= F.col("as_of")))
        .withColumn("_nth", F.row_number().over(newest_first))
        .where("_nth = 1")
        .drop("_nth")
    )


def each(days: Sequence[date]) -> Column:
    """One row a day of a short list."""
    return F.explode(F.array(*[F.lit(day) for day in days]))


def in_force(day: Column) -> Column:
    """Whether a restriction holds on a day; `valid_to` is its last."""
    return (F.col("valid_from") <= day) & (F.col("valid_to").isNull() | (F.col("valid_to") >= day))


def version_as_of(versions: DataFrame, key: str, as_of: date) -> DataFrame:
    """The version of each customer or account that was known on a day, as it then was.

    A version of the initial load was known since the customer joined or the account was opened (`recorded_on` before
    `valid_from`); what it says of later days (a closing date still ahead) is taken back.

    Parameters
    ----------
    versions : DataFrame with `key`, `valid_from`, `is_current`, `recorded_on`, `closed_on` and, for accounts, `status`
    key : str
        `customer_id` or `account_id`.
    as_of : date

    Returns
    -------
    DataFrame, one row a key, same columns
    """
    return versions_as_of(versions, key, [as_of]).drop("as_of")


def versions_as_of(versions: DataFrame, key: str, days: Sequence[date]) -> DataFrame:
    """`version_as_of` of many days at once: adds `as_of`, one row a key and day it was known on."""
    newest_first = Window.partitionBy(key, "as_of").orderBy(F.col("valid_from").desc())
    day = F.col("as_of")
    began = (F.col("valid_from") <= day) | (F.col("recorded_on") < F.col("valid_from"))
    each_day = versions.withColumn("as_of", each(days)).withColumn("_seen", (F.col("recorded_on") <= day) & began)
    # no version is newer than the current one: only where that is still ahead are the earlier ones put in order
    unseen = each_day.where("is_current AND NOT _seen").select(key, "as_of")
    earlier = each_day.where("NOT is_current AND _seen").join(unseen, [key, "as_of"], "left_semi")
    newest = earlier.withColumn("_nth", F.row_number().over(newest_first)).where("_nth = 1").drop("_nth")
    latest = each_day.where("is_current AND _seen").unionByName(newest).drop("_seen")
    ahead = F.col("closed_on") > day
    taken_back = {"closed_on": F.when(~ahead, F.col("closed_on"))}
    if "status" in versions.columns:
        taken_back["status"] = F.when(ahead, F.lit("open")).otherwise(F.col("status"))
    return latest.withColumns(taken_back)


def in_base_currency(
    amounts: DataFrame, fx_rates: DataFrame, base_currency: str, amount: str = "amount", on: Sequence[str] = ()
) -> DataFrame:
    """Adds `amount_base`, the amount in base currency at the newest rate known on the business date.

    Parameters
    ----------
    amounts : DataFrame with `amount`, `currency`, `business_date`
    fx_rates : DataFrame with `rate_date`, `currency`, `rate`, one row a date and currency (`latest_known_by`)
    base_currency : str
    amount : str
        Name of the amount.
    on : sequence of str
        What else must agree, in both frames: `as_of`, where rates were known differently on different days.

    Returns
    -------
    DataFrame with `amount_base` decimal(18,2); null where no rate was known (counted by the caller, never guessed)
    """
    rated = with_rate(amounts, fx_rates, base_currency, on)
    return rated.withColumn("amount_base", converted(F.col(amount))).drop("rate")


def with_rate(amounts: DataFrame, fx_rates: DataFrame, base_currency: str, on: Sequence[str] = ()) -> DataFrame:
    """Adds `rate`, base currency for one unit on the business date: 1 for the base currency, null where none was known."""
    later = Window.partitionBy("currency", *on).orderBy("rate_date")
    spans = fx_rates.select(
        *[F.col(name).alias(f"_{name}") for name in on],
        F.col("currency").alias("_currency"),
        F.col("rate_date").alias("_from"),
        F.coalesce(F.lead("rate_date").over(later), F.lit(date(9999, 12, 31))).alias("_until"),
        F.col("rate").alias("_rate"),
    )
    then = (
        (F.col("currency") == F.col("_currency"))
        & (F.col("business_date") >= F.col("_from"))
        & (F.col("business_date") < F.col("_until"))
    )
    for name in on:
        then = then & (F.col(name) == F.col(f"_{name}"))
    rate = F.when(F.col("currency") == base_currency, F.lit(1)).otherwise(F.col("_rate")).cast("decimal(18,8)")
    return (
        amounts.join(F.broadcast(spans), then, "left")
        .withColumn("rate", rate)
        .drop("_currency", "_from", "_until", "_rate", *[f"_{name}" for name in on])
    )


def converted(amount: Column) -> Column:
    """An amount at the row's `rate`, to the cent and bounded; null where either is."""
    return bounded(F.round(amount.cast("decimal(18,2)") * F.col("rate"), 2))


def bounded(amount: Column) -> Column:
    """An amount as money, a larger one than `LARGEST` as that: a feed may say sixteen digits, and sums of such would overflow."""
    most = F.when(amount > 0, F.lit(LARGEST)).when(amount < 0, F.lit(-LARGEST))
    return F.when(F.abs(amount) <= F.lit(LARGEST), amount).otherwise(most).cast("decimal(18,2)")


def _tie_breakers(events: DataFrame, key: Sequence[str]) -> list[Column]:
    """All other columns: two contents of one key recorded on one day are told apart the same way on every run."""
    return [F.col(name).desc() for name in events.columns if name not in {*key, "recorded_on", "run_id"}]

