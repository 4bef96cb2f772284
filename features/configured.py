"""What is configured of the row's event, as one expression.

Written as SQL: a `when` for each event costs dozens of calls into the JVM, and a day has hundreds of them.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from decimal import Decimal

import pyspark.sql.functions as F
from pyspark.sql import Column


def of_event(values: Mapping[str, Hashable]) -> Column:
    """The value of the row's `event`.

    Parameters
    ----------
    values : mapping of an event's name to None, a number, a truth value, a string or a tuple of them; every event that occurs
    """
    return _chosen({f"event = {literal(event)}": value for event, value in values.items()})


def of_evidence(values: Mapping[tuple[str, str], Hashable]) -> Column:
    """The value of the row's `event` and `category`. Parameters as of `of_event`."""
    return _chosen({f"event = {literal(event)} AND category = {literal(kind)}": value for (event, kind), value in values.items()})


def by_event(values: Mapping[str, Column]) -> Column:
    """The expression of the row's `event`; null for others."""
    expression = F.lit(None)
    for event, value in values.items():
        expression = F.when(F.col("event") == event, value).otherwise(expression)
    return expression


def literal(value: Hashable) -> str:
    """A value as Spark SQL."""
    if value is None or value == ():
        return "NULL"
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, float):
        return f"{value!r}D"
    if isinstance(value, Decimal):
        return f"{value:f}BD"
    if isinstance(value, tuple):
        return f"array({', '.join(map(literal, value))})"
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace("'", "\\'")
        return f"'{escaped}'"
    return str(value)


def literals(values: Sequence[float]) -> Column:
    """Numbers as an array."""
    return F.expr(literal(tuple(map(float, values))))


def _chosen(values: Mapping[str, Hashable]) -> Column:
    """The value whose condition holds: conditions of the same value together, the commonest value without any."""
    conditions: dict[Hashable, list[str]] = {}
    for condition, value in values.items():
        conditions.setdefault(value, []).append(condition)
    if not conditions:
        return F.lit(None)
    usual = max(conditions, key=lambda value: len(conditions[value]))
    cases = [f"WHEN {' OR '.join(some)} THEN {literal(value)}" for value, some in conditions.items() if value != usual]
    return F.expr(f"CASE {' '.join(cases)} ELSE {literal(usual)} END" if cases else literal(usual))
