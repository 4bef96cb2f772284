"""Reasons in words: a template per kind from the configuration, filled with the row's own numbers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TypeVar

import pyspark.sql.functions as F
from pyspark.sql import Column

Code = TypeVar("Code", bound=str)
_PLACE = re.compile(r"\{(\w+)\}")


def worded(template: str, values: Mapping[str, Column]) -> Column:
    """A template with `{name}` places as one string column; a value that is null leaves its place empty.

    Raises
    ------
    KeyError
        For a place no value is given for: a template is checked when it is used first, not when a customer is called.
    """
    parts: list[Column] = []
    at = 0
    for match in _PLACE.finditer(template):
        parts.append(F.lit(template[at : match.start()]))
        parts.append(F.coalesce(values[match.group(1)].cast("string"), F.lit("")))
        at = match.end()
    parts.append(F.lit(template[at:]))
    return F.concat(*parts)


def money(amount: Column) -> Column:
    """Whole units with thousands separators: 480,000."""
    return F.format_number(amount.cast("decimal(18,2)"), 0)


def day(value: Column, language: str) -> Column:
    """12 Nov 2026, or 2026年11月12日."""
    if language == "zh":
        return F.concat(F.year(value), F.lit("年"), F.month(value), F.lit("月"), F.dayofmonth(value), F.lit("日"))
    return F.date_format(value, "d MMM yyyy")


def chosen(value: Column, words: Mapping[Code, str] | Mapping[Code, int], otherwise: str | int | None = "") -> Column:
    """The word, or number, for a code, from a mapping."""
    expression = F.lit(otherwise)
    for code, word in words.items():
        expression = F.when(value == code, F.lit(word)).otherwise(expression)
    return expression
