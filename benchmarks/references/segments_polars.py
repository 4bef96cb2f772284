"""Segments in Polars' frames."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path

import polars as pl

from benchmarks.references import files
from benchmarks.references.bands import labels
from benchmarks.references.columns import CHANNELS, TIERS
from benchmarks.references.events_polars import WHO, looked_up
from conf import Settings


def segments(features: pl.LazyFrame, lake: Path, day: date, settings: Settings) -> pl.LazyFrame:
    """A row a customer."""
    bands = settings.segments.bands
    customers = pl.scan_parquet(files(lake, "customers")).filter("is_current").select(WHO, "birth_date", "occupation", "annual_income")
    held = pl.scan_parquet(files(lake, "holdings")).sort("recorded_on").unique([WHO, "product_id", "acquired_on"], keep="last")
    is_open = (pl.col("acquired_on") <= day) & (pl.col("closed_on").is_null() | (pl.col("closed_on") > day))
    preferred = (
        held.filter(is_open).join(looked_up("preferences", held, settings), on="product_id")
        .group_by(WHO, "preference", "place").agg(products=pl.len(), value=pl.col("value").fill_null(0).sum())
        .sort("products", "value", "place", descending=[True, True, False]).group_by(WHO, maintain_order=True).first()
    )  # fmt: skip
    whole = (
        features.join(customers, on=WHO).join(preferred, on=WHO, how="left")
        .join(looked_up("occupations", customers, settings), on="occupation", how="left")
    )  # fmt: skip
    counts = {channel: pl.col(f"count_{channel}_90d").fill_null(0) for channel in CHANNELS}
    most = pl.max_horizontal(*counts.values())
    value, cost, staffed, assets = (
        pl.col(name).round(2) for name in ("net_value_year", "cost_to_serve_year", "staffed_cost_year", "assets")
    )
    income = pl.coalesce(pl.col("annual_income").cast(pl.Float64), 12 * pl.col("monthly_income_estimate").round(2))
    reason = pl.when(staffed.fill_null(0) >= 0.5 * cost).then(pl.lit("loss_staffed")).otherwise(pl.lit("loss_small"))
    return whole.select(
        WHO,
        age_band=band(years("birth_date", day), bands.age),
        income_band=band(income, bands.income),
        occupation_group=pl.when(pl.col("occupation").is_null()).then(pl.lit("unknown")).otherwise("occupation_group"),
        preference=pl.col("preference").fill_null("none"),
        value_band=band(value, bands.value),
        cost_to_serve_band=band(cost, bands.cost_to_serve),
        service_tier=_first([(assets < float(cut), tier) for tier, cut in zip(TIERS, bands.tier, strict=False)], TIERS[len(bands.tier)]),
        channel_preference=_first([(most == 0, "unknown"), *((count == most, channel) for channel, count in counts.items())], "unknown"),
        loss=pl.when(value < 0).then(reason),
    )


def years(born: str, day: date) -> pl.Expr:
    """Whole years of age."""
    had_birthday = pl.col(born).dt.strftime("%m-%d") <= f"{day:%m-%d}"
    return day.year - pl.col(born).dt.year() - (~had_birthday).cast(pl.Int32)


def band(value: pl.Expr, cuts: Sequence[int | Decimal]) -> pl.Expr:
    """Where a number lies between cut points."""
    names = labels(cuts)
    return _first([(value.is_null(), "unknown"), *((value < float(cut), name) for cut, name in zip(cuts, names, strict=False))], names[-1])


def _first(cases: Sequence[tuple[pl.Expr, str]], otherwise: str) -> pl.Expr:
    """The name of the first case that holds."""
    expression = pl.lit(otherwise)
    for when, name in reversed(cases):
        expression = pl.when(when).then(pl.lit(name)).otherwise(expression)
    return expression
