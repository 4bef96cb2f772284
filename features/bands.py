"""Bands: a number's place between configured cut points, as a label a person reads."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from itertools import pairwise

import pyspark.sql.functions as F
from pyspark.sql import Column

UNKNOWN = "unknown"


def band(value: Column, cuts: Sequence[int | Decimal]) -> Column:
    """The label of the band a value lies in: `below 25`, `25-34` (whole numbers) or `60,000 to 120,000`, `65 and over`.

    Parameters
    ----------
    value : Column, a number; null gives `unknown`
    cuts : ascending cut points; a value equal to a cut point lies above it
    """
    whole = all(isinstance(cut, int) for cut in cuts)
    labels = [f"below {cuts[0]:,}"]
    for low, high in pairwise(cuts):
        labels.append(f"{low:,}-{high - 1:,}" if whole else f"{low:,} to {high:,}")
    labels.append(f"{cuts[-1]:,} and over")
    return _labelled(value, [F.lit(cut) for cut in cuts], labels)


def quantile_band(value: Column, shares: Sequence[float], points: Column) -> Column:
    """The label of the part of all customers that a value lies in: `lowest 20 %`, `20 to 50 %`, `highest 50 %`.

    Parameters
    ----------
    value : Column, a number; null gives `unknown`
    shares : ascending shares of customers, from below
    points : Column, array of the values that these shares of customers lie below; a value equal to one lies above it
    """
    whole = [f"{share:.0%}".rstrip("%") for share in shares]
    labels = [f"lowest {whole[0]} %", *(f"{low} to {high} %" for low, high in pairwise(whole)), f"highest {100 - int(whole[-1])} %"]
    return _labelled(value, [points[nth] for nth in range(len(shares))], labels)


def _labelled(value: Column, cuts: Sequence[Column], labels: Sequence[str]) -> Column:
    expression = F.when(value.isNull(), UNKNOWN)
    for cut, label in zip(cuts, labels, strict=False):
        expression = expression.when(value < cut, label)
    return expression.otherwise(labels[-1])


def age_on(birth_date: Column, as_of: date | Column) -> Column:
    """Whole years of age on a day; who was born on 29 February has a birthday on 1 March in common years."""
    day = F.lit(as_of)
    years = F.year(day) - F.year(birth_date)
    had_birthday = F.date_format(day, "MMdd") >= F.date_format(birth_date, "MMdd")
    return F.when(birth_date.isNotNull(), F.when(had_birthday, years).otherwise(years - 1)).cast("int")
