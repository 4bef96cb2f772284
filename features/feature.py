"""What a feature is: one column of `customer_features`, declared once, beside the function that computes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import pyspark.sql.functions as F
from pyspark.sql import Column

MONEY = "DECIMAL(18,2)"
DIGITS = 6  # every floating feature is rounded to as many, so that the order of summing never shows


@dataclass(frozen=True)
class Feature:
    """One feature.

    A feature without `null_meaning` is never null: a customer of whom nothing is found has 0 (or false).
    """

    name: str
    type: str  # Spark DDL
    description: str
    phrase: Mapping[str, str]  # language -> what an RM calls it; features that say the same share one
    unit: str
    source: str  # tables it is computed from
    window_days: int | None = None  # days up to and including `as_of`; None: the state on that day
    null_meaning: str = ""
    personal: str = "sensitive"  # a value of tables.declaration.Personal
    model_input: bool = True

    def over(self, days: int) -> Feature:
        """The same over a window: `{days}` in name and description is filled in."""
        return replace(self, name=self.name.format(days=days), description=self.description.format(days=days), window_days=days)


def rounded(value: Column) -> Column:
    """The one rule by which floating features are rounded."""
    return F.round(value.cast("double"), DIGITS)


def cents(amount: Column) -> Column:
    """An amount of money as a whole number of cents, which adds fast and exactly."""
    return (amount * 100).cast("bigint")


def within(days: int, value: Column) -> Column:
    """The sum of a value over the rows of a window (`age_days`); 0 where there are none."""
    return F.coalesce(F.sum(F.when(F.col("age_days") < days, value)), F.lit(0))


def money(of_cents: Column) -> Column:
    """A whole number of cents as money."""
    return (of_cents.cast("decimal(20,0)") / 100).cast(MONEY)


def share(part: Column, whole: Column) -> Column:
    """A part's share of the whole; null where there is no whole."""
    return rounded(F.when(whole != 0, part.cast("double") / whole.cast("double")))
