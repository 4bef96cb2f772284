"""What the features of moved money add up from, one row a customer and day: sums that add and subtract exactly, and short lists.

A day's row is yesterday's, less what was then seen of the movements that are now seen otherwise, plus what is now seen of them
(`features.carrying`). Nothing here is an extreme or a median of many movements, which could not be taken off again.
"""

from __future__ import annotations

from dataclasses import dataclass

import pyspark.sql.functions as F
from pyspark.sql import Column, DataFrame

from conf.codes import CHANNELS
from features.feature import cents

WINDOWS = (1, 7, 30, 90, 180, 365)
HABIT_DAYS = 90  # of types, channels and times of day
YEAR_DAYS = WINDOWS[-1]
DIRECTIONS = {"in": "credit", "out": "debit"}
TYPES = {  # what is moved in each direction
    "in": ("cash", "transfer", "salary", "interest", "investment", "loan", "time_deposit"),
    "out": ("cash", "transfer", "card", "bill", "fee", "investment", "loan", "time_deposit"),
}
OWN_MONEY = ("investment", "loan", "time_deposit")  # moves between the customer's own accounts: told where it is at their disposal
HABITS = ("hours", "evening", "night", "weekend", "foreign")  # what is counted of a movement
EVENING, MORNING = 18, 6  # hours
CELL = ("customer_id", "as_of", "window", "direction", "type", "channel", "own", "at_hand", "external")


@dataclass(frozen=True)
class Sum:
    """A sum over the cells of a window."""

    of: str  # `cents`, `n` or one of `HABITS`
    days: int
    where: str = "true"  # SQL over a cell's columns

    @property
    def comment(self) -> str:
        what = {"cents": "cents", "n": "movements", "hours": "hours of day, added up,"}.get(self.of, f"{self.of} movements")
        return f"{what} of {self.days} days" + (f" where {self.where}" if self.where != "true" else "")


def _external(way: str) -> str:
    return f"external AND direction = '{DIRECTIONS[way]}'"


def _booked(way: str, kind: str) -> str:
    return f"type = '{kind}' AND direction = '{DIRECTIONS[way]}' AND {'at_hand' if kind in OWN_MONEY else 'NOT own'}"


SUMS: dict[str, Sum] = {
    **{f"{way}_cents_{days}d": Sum("cents", days, _external(way)) for way in DIRECTIONS for days in WINDOWS},
    **{f"{way}_count_{days}d": Sum("n", days, _external(way)) for way in DIRECTIONS for days in WINDOWS},
    **{f"{way}_{kind}_cents": Sum("cents", HABIT_DAYS, _booked(way, kind)) for way, kinds in TYPES.items() for kind in kinds},
    **{f"count_{by}_{days}d": Sum("n", days, f"channel = '{by}'") for days in (HABIT_DAYS, YEAR_DAYS) for by in CHANNELS},
    **{f"fee_cents_{days}d": Sum("cents", days, "type = 'fee' AND direction = 'debit'") for days in (HABIT_DAYS, YEAR_DAYS)},
    "withdrawn_cents": Sum("cents", HABIT_DAYS, f"{_external('out')} AND type = 'cash'"),
    "movements": Sum("n", HABIT_DAYS),
    **{habit: Sum(habit, HABIT_DAYS) for habit in HABITS},
}
DAYS_LISTED = {"largest_in": HABIT_DAYS, "largest_out": HABIT_DAYS, "salaries": YEAR_DAYS}  # one entry a day that has one
LISTED = "array<struct<on: date, cents: bigint>>"


COLUMNS = {  # name -> type, comment
    **{name: ("BIGINT", each.comment) for name, each in SUMS.items()},
    **{name: (LISTED, f"in cents by day, of {days} days") for name, days in DAYS_LISTED.items()},
    "last_moved_on": ("DATE", "day of the last movement of any kind, within a year"),
}


def movement_cells(movements: DataFrame) -> DataFrame:
    """Sums and counts of a year's movements, by the shortest window that holds them: far fewer rows, of which every sum is taken.

    Parameters
    ----------
    movements : DataFrame as `features.movements.movements` returns

    Returns
    -------
    DataFrame with `CELL` and `cents`, `n`, `latest` (age in days) and `HABITS`; sums of money in cents, as whole numbers add fast
    and exactly
    """
    window = F.lit(None).cast("int")
    for days in reversed(WINDOWS):
        window = F.when(F.col("age_days") < days, days).otherwise(window)
    return (
        movements.where(F.col("age_days") < YEAR_DAYS)
        .withColumn("at_hand", F.col("product_type").isin("current", "savings"))
        .groupBy(*CELL[:2], window.alias("window"), *CELL[3:])
        .agg(
            F.sum(cents(F.col("amount_base"))).alias("cents"),
            F.count("*").alias("n"),
            F.min("age_days").alias("latest"),
            F.sum("hour").alias("hours"),
            F.count_if(F.col("hour") >= EVENING).alias("evening"),
            F.count_if(F.col("hour") < MORNING).alias("night"),
            F.count_if("weekend").alias("weekend"),
            F.count_if("foreign").alias("foreign"),
        )
    )


def flow_sums(movements: DataFrame) -> DataFrame:
    """One row a customer and day that saw a movement within a year.

    Parameters
    ----------
    movements : DataFrame as `features.movements.movements` returns

    Returns
    -------
    DataFrame with `customer_id`, `as_of`, every one of `SUMS` (bigint, money in cents), of `DAYS_LISTED` (sorted arrays of `on`,
    `cents`: the day's largest movement from or to others, the day's salaries) and `last_moved_on`
    """
    key = ["customer_id", "as_of"]
    summed = movement_cells(movements).groupBy(*key).agg(
        *[_summed(each).alias(name) for name, each in SUMS.items()],
        F.date_sub("as_of", F.min("latest")).alias("last_moved_on"),
    )
    return summed.join(_listed(movements), key, "left").withColumns({name: or_none(F.col(name), LISTED) for name in DAYS_LISTED})


def or_none(listed: Column, kind: str) -> Column:
    """A list, or an empty one of its kind."""
    return F.coalesce(listed, F.array().cast(kind))


def _summed(each: Sum) -> Column:
    within = (F.col("window") <= each.days) & F.expr(each.where)
    return F.coalesce(F.sum(F.when(within, F.col(each.of))), F.lit(0))


def _listed(movements: DataFrame) -> DataFrame:
    """The lists of each customer and day."""
    key, age = ["customer_id", "as_of"], F.col("age_days")
    credit, amount = F.col("direction") == "credit", cents(F.col("amount_base"))
    salary = credit & (F.col("type") == "salary")
    days = (
        movements.where(F.col("external") & F.col("amount_base").isNotNull())
        .where((age < HABIT_DAYS) | (salary & (age < YEAR_DAYS)))
        .groupBy(*key, "age_days")
        .agg(
            F.max(F.when(credit, amount)).alias("largest_in"),
            F.max(F.when(~credit, amount)).alias("largest_out"),
            F.sum(F.when(salary, amount)).alias("salaries"),
        )
        .withColumn("on", F.date_sub("as_of", "age_days"))
    )
    lists = {
        name: F.sort_array(F.collect_list(F.when((age < reach) & F.col(name).isNotNull(), F.struct("on", F.col(name).alias("cents")))))
        for name, reach in DAYS_LISTED.items()
    }
    return days.groupBy(*key).agg(*[values.alias(name) for name, values in lists.items()])
