"""What models are fed: features as plain numbers and categories, the same in training and in scoring."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyspark.sql.functions as F
from pyspark.sql import Column, DataFrame
from pyspark.sql.types import BooleanType, DataType, DateType, NumericType, StringType

from conf import ExitCode, KehuError

NEVER_INPUTS = frozenset(  # whatever the feature catalogue says; docs/models.md tells why
    {"gender", "age", "birth_date", "age_band", "marital_status", "full_name", "relationship_manager_id", "customer_id"}
)
UNKNOWN = "unknown"


@dataclass(frozen=True)
class Inputs:
    """Names of model inputs: numbers, and categories."""

    numbers: tuple[str, ...]
    categories: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        return self.numbers + self.categories

    def only(self, names: Collection[str]) -> Inputs:
        """Those of the inputs that are named."""
        return Inputs(
            tuple(name for name in self.numbers if name in names), tuple(name for name in self.categories if name in names)
        )


def inputs_of(features: DataFrame, names: Sequence[str]) -> Inputs:
    """Sort features into numbers (numeric, boolean, date) and categories (string) by their type.

    Raises
    ------
    KehuError
        CHECK_FAILED when a named feature is not there or has a type that is neither.
    """
    types: dict[str, DataType] = {field.name: field.dataType for field in features.schema}
    allowed = [name for name in names if name not in NEVER_INPUTS]
    missing = [name for name in allowed if name not in types]
    if missing:
        raise KehuError(f"features without a column: {', '.join(missing)}; run `kehu features`", ExitCode.CHECK_FAILED)
    categories = tuple(name for name in allowed if isinstance(types[name], StringType))
    numbers = tuple(name for name in allowed if isinstance(types[name], (NumericType, BooleanType, DateType)))
    neither = set(allowed) - set(categories) - set(numbers)
    if neither:
        raise KehuError(f"feature {min(neither)} is neither number nor text: it cannot be a model input", ExitCode.CHECK_FAILED)
    return Inputs(numbers, categories)


def input_columns(features: DataFrame, inputs: Inputs) -> list[Column]:
    """Spark columns of the inputs: numbers as double (a date as days before `as_of`, no NaN, no infinity), categories as string.

    Parameters
    ----------
    features : DataFrame with `as_of` and every input
    """
    types: dict[str, DataType] = {field.name: field.dataType for field in features.schema}
    columns = []
    for name in inputs.numbers:
        days = isinstance(types[name], DateType)
        number = F.date_diff(F.col("as_of"), F.col(name)) if days else F.col(name)
        double = number.cast("double")
        finite = ~F.isnan(double) & (F.abs(double) < F.lit(float("inf")))
        columns.append(F.when(finite, double).alias(name))
    return columns + [F.coalesce(F.col(name), F.lit(UNKNOWN)).alias(name) for name in inputs.categories]


def as_inputs(frame: pd.DataFrame, inputs: Inputs) -> pd.DataFrame:
    """The inputs of pandas rows, in order: numbers as float (missing as NaN), categories as text."""
    numbers = frame.loc[:, list(inputs.numbers)].astype(np.float64)
    categories = frame.loc[:, list(inputs.categories)].astype(object).fillna(UNKNOWN)
    return pd.concat([numbers, categories], axis=1)


def typical_customer(rows: pd.DataFrame, inputs: Inputs) -> dict[str, float | str]:
    """Whom reasons compare with: the median of each number and the most frequent of each category."""
    typical: dict[str, float | str] = {}
    for name in inputs.numbers:
        known = rows[name].to_numpy(np.float64)
        known = known[np.isfinite(known)]
        typical[name] = float(np.median(known)) if known.size else float("nan")
    for name in inputs.categories:
        counts = rows[name].value_counts()
        typical[name] = str(min(counts.index[counts == counts.max()])) if len(counts) else UNKNOWN
    return typical
