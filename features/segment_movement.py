"""How customers move between segments: a table of from and to, and its picture."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pyspark.sql.functions as F
from pyspark.sql import DataFrame

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

ABSENT = "not a customer"


def segment_movement(segments: DataFrame, column: str, first: date, last: date) -> DataFrame:
    """Customers by their segment on a first and a last day.

    Parameters
    ----------
    segments : DataFrame of the table `segments`
    column : str
        The segment, `service_tier` for instance.
    first, last : date
        Days that were run.

    Returns
    -------
    DataFrame with `before`, `after` (`not a customer` where there was no row) and `customers`
    """

    def on(day: date, name: str) -> DataFrame:
        return segments.where(F.col("as_of") == F.lit(day)).select("customer_id", F.col(column).alias(name))

    absent = F.lit(ABSENT)
    return (
        on(first, "before")
        .join(on(last, "after"), "customer_id", "full")
        .groupBy(F.coalesce("before", absent).alias("before"), F.coalesce("after", absent).alias("after"))
        .agg(F.count("*").alias("customers"))
    )


def movement_figure(movement: pd.DataFrame, title: str, order: tuple[str, ...] = ()) -> Figure:
    """The movement as a matrix: rows before, columns after, each cell the customers and their share of the row.

    Parameters
    ----------
    movement : pandas rows of `segment_movement`
    title : str
    order : tuple of str
        Segments in their order; others follow by name, `not a customer` comes last.
    """
    from matplotlib.figure import Figure

    named = set(movement["before"]) | set(movement["after"])
    names = [name for name in order if name in named] + sorted(named - set(order) - {ABSENT}) + sorted(named & {ABSENT})
    counts = movement.pivot_table(index="before", columns="after", values="customers", aggfunc="sum", fill_value=0)
    counts = counts.reindex(index=names, columns=names, fill_value=0)
    shares = counts.div(counts.sum(axis=1).clip(lower=1), axis=0)
    figure = Figure(figsize=(2.2 + 1.2 * len(names), 1.6 + 0.8 * len(names)), layout="constrained")
    axes = figure.subplots()
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    axes.set_xticks(range(len(names)), names, rotation=30, ha="right")
    axes.set_yticks(range(len(names)), names)
    axes.set(xlabel="after", ylabel="before", title=title)
    for row in range(len(names)):
        for column in range(len(names)):
            part = shares.iloc[row, column]
            text = f"{counts.iloc[row, column]:,}\n{part:.0%}"
            axes.text(column, row, text, ha="center", va="center", color="white" if part > 0.5 else "black")
    return figure
