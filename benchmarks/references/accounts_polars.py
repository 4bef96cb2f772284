"""Balances, accounts and products, and what a customer earns and costs, in Polars' lazy frames."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path

import polars as pl

from benchmarks.references import files
from benchmarks.references.columns import ACCOUNT_COLUMNS, BACK, DEPOSITS, FAMILIES, INVESTED, MEANS, PRODUCTS, STAFFED
from benchmarks.references.events_polars import WHO, in_base, known, looked_up, share
from conf import Settings

BALANCE, OPEN = pl.col("balance"), pl.col("is_open")


def account_parts(moved: pl.LazyFrame, lake: Path, day: date, settings: Settings) -> list[pl.LazyFrame]:
    """Frames with one row a customer, of what was counted."""
    balances = _balances(moved, lake, day, settings.bank.base_currency)
    return [_standing(balances, day, settings), _costs(moved, settings), _held(lake, day, settings)]


def customers(lake: Path, day: date) -> pl.LazyFrame:
    """Every customer, and the days since they joined."""
    return pl.scan_parquet(files(lake, "customers")).filter("is_current").select(WHO, joined_ago=_ago("joined_on", day))


def _ago(on: str, day: date) -> pl.Expr:
    return (pl.lit(day) - pl.col(on)).dt.total_days()


def _balances(moved: pl.LazyFrame, lake: Path, day: date, currency: str) -> pl.LazyFrame:
    """Accounts with what stands on them, and what moved since."""
    age, signed = pl.col("age"), pl.when(pl.col("direction") == "credit").then(pl.col("base")).otherwise(-pl.col("base")) / 100
    since = moved.group_by("account_id").agg(
        **{f"weighed_{days}": (signed * (days - 1 - age)).filter(age < days).sum() for days in MEANS},
        **{f"since_{days}": signed.filter(age < days).sum() for days in BACK},
    )
    told = known(lake, "transactions", day, 400).filter(pl.col("balance_after").is_not_null())
    stated = told.group_by("account_id").agg(stated=pl.col("balance_after").sort_by("booked_at", "transaction_id").last().cast(pl.Float64))
    principal, kind = pl.col("principal").cast(pl.Float64), pl.col("product_type")
    at_principal = pl.when(kind == "time_deposit").then(principal).when(kind == "loan").then(-principal)
    is_open = (pl.col("closed_on") > day).fill_null(pl.col("status") == "open")
    accounts = pl.scan_parquet(files(lake, "accounts")).filter("is_current").with_columns(is_open=is_open, business_date=pl.lit(day))
    both = accounts.join(stated, on="account_id", how="left").join(since, on="account_id", how="left")
    valued = in_base(both.with_columns(balance=pl.coalesce("stated", at_principal), stood=at_principal), lake, currency, "balance", "stood")
    opened, closed = _ago("opened_on", day), _ago("closed_on", day)
    return valued.with_columns(
        is_known=pl.col("stated").is_not_null() | (~OPEN & pl.col("stood").is_null()), stood=pl.col("stood").fill_null(0) / 100,
        balance=pl.when(OPEN).then(BALANCE.fill_null(0) / 100).otherwise(0.0), days=opened + 1,
        gone=pl.when(OPEN).then(0).otherwise(pl.coalesce(closed, opened) + 1),
        **{name: pl.col(name).fill_null(0) for name in since.collect_schema().names()[1:]},
    )  # fmt: skip


def _mean(days: int) -> pl.Expr:
    standing = pl.col("stood") * (pl.min_horizontal("days", pl.lit(days)) - pl.col("gone")).clip(0) / days
    return pl.when("is_known").then(BALANCE - pl.col(f"weighed_{days}") / days).otherwise(standing).round(2)


def _standing(balances: pl.LazyFrame, day: date, settings: Settings) -> pl.LazyFrame:
    kind, foreign = pl.col("product_type"), pl.col("currency") != settings.bank.base_currency
    deposit, ahead, closed = kind.is_in(DEPOSITS), -_ago("maturity_on", day), _ago("closed_on", day)
    maturing = (kind == "time_deposit") & OPEN & (ahead >= 0)
    margin = _priced(kind, settings.profitability.margin_by_product)
    sums = {f"{product}_balance": BALANCE.filter(kind == product).sum() for product in DEPOSITS}
    sums |= {f"has_{product}_account": (OPEN & (kind == product)).any() for product in PRODUCTS}
    sums |= {f"maturing_{days}d": BALANCE.filter(maturing & (ahead <= days)).sum() for days in (30, 90)}
    sums |= {f"deposits_mean_{days}d": _mean(days).filter(deposit).sum() for days in MEANS}
    for days in BACK:
        stood = (pl.col("days") > days) & (pl.col("gone") <= days)
        moved = pl.when("is_known").then(f"since_{days}").when(stood).then(BALANCE - pl.col("stood")).otherwise(BALANCE)
        sums[f"deposits_change_{days}d"] = moved.filter(deposit).sum()
    return balances.group_by(WHO).agg(
        **sums,
        deposits_balance=BALANCE.filter(deposit).sum(),
        mirrored=BALANCE.filter(kind == "investment").sum(),
        loans_owed=-BALANCE.filter(kind == "loan").sum(),
        card_owed=-BALANCE.filter((kind == "credit_card") & (BALANCE < 0)).sum(),
        foreign_deposits=BALANCE.filter(deposit & foreign & (BALANCE > 0)).sum(),
        held_deposits=BALANCE.filter(deposit & (BALANCE > 0)).sum(),
        days_to_maturity=ahead.filter(maturing).min(),
        best_rate=pl.col("interest_rate").filter((kind == "time_deposit") & OPEN).max().cast(pl.Float64),
        accounts_open=OPEN.sum(),
        accounts_closed_365d=((closed >= 0) & (closed < 365)).sum(),
        accounts_opened_365d=(_ago("opened_on", day) < 365).sum(),
        account_products=kind.filter(OPEN).n_unique(),
        foreign_accounts=(OPEN & foreign).sum(),
        oldest_account=_ago("opened_on", day).max(),
        earned=(_mean(365).abs() * margin).sum(),
        ahead=(BALANCE.abs() * margin).sum(),
        keeping=OPEN.sum() * float(settings.profitability.cost_of_account),
    )


def _costs(moved: pl.LazyFrame, settings: Settings) -> pl.LazyFrame:
    price, lately = _priced(pl.col("channel"), settings.profitability.cost_by_channel), pl.col("age") < 90
    fee = (pl.col("type") == "fee") & (pl.col("direction") == "debit")
    return moved.group_by(WHO).agg(
        moving=price.sum(), moving_lately=price.filter(lately).sum(),
        staffed_cost_year=price.filter(pl.col("channel").is_in(STAFFED)).sum(),
        fees_year=pl.col("base").filter(fee).sum() / 100, fees_lately=pl.col("base").filter(fee & lately).sum() / 100,
    )


def _held(lake: Path, day: date, settings: Settings) -> pl.LazyFrame:
    newest = pl.scan_parquet(files(lake, "holdings")).sort("recorded_on").unique([WHO, "product_id", "acquired_on"], keep="last")
    taken, gone, family = _ago("acquired_on", day), _ago("closed_on", day), pl.col("family")
    is_open = pl.col("closed_on").is_null() | (pl.col("closed_on") > day)
    value = pl.col("value").cast(pl.Float64)
    named = looked_up("families", newest, settings)
    holdings = newest.filter(pl.col("acquired_on") <= day).join(named, on="product_id", how="left").with_columns(is_open=is_open)
    return holdings.group_by(WHO).agg(
        holdings_open=OPEN.sum(), holdings_closed_365d=(~OPEN & (gone < 365)).sum(), holdings_new_90d=(taken < 90).sum(),
        holdings_new_365d=(taken < 365).sum(), days_since_new_holding=taken.min(), holdings_value=value.filter(OPEN).sum(),
        invested=value.filter(OPEN & family.is_in(INVESTED)).sum(),
        **{f"has_{name}": (OPEN & (family == name)).any() for name in FAMILIES},
    )


def account_columns(settings: Settings) -> dict[str, pl.Expr]:
    """Columns that are made of others."""

    def told(name: str) -> pl.Expr:
        return pl.col(name).fill_null(0)

    deposits, usual = pl.col("deposits_balance"), pl.col("deposits_mean_365d")
    investments = pl.max_horizontal(told("mirrored"), told("invested"))
    assets = told("deposits_balance").clip(0) + investments
    holdings = (told("invested") - told("mirrored")).clip(0) * float(settings.profitability.margin_by_holding)
    margin, costs = told("earned") + holdings, told("moving") + told("keeping")
    return {name: pl.col(name).fill_null(False) for name in ACCOUNT_COLUMNS if name.startswith("has_")} | {
        "investments": investments,
        "assets": assets,
        "owed_over_assets": share(told("loans_owed") + told("card_owed"), assets),
        "deposits_over_usual": pl.when(usual > 0).then(deposits / usual - 1),
        "liquid_share": share(deposits - pl.col("time_deposit_balance"), deposits),
        "invested_share": share(investments, assets),
        "foreign_balance_share": share(pl.col("foreign_deposits"), pl.col("held_deposits")),
        "tenure_days": pl.max_horizontal("joined_ago", "oldest_account", pl.lit(0)),
        "margin_year": margin,
        "cost_to_serve_year": costs,
        "net_value_year": margin + told("fees_year") - costs,
        "net_value_ahead": told("ahead") + holdings - 4 * (told("moving_lately") - told("fees_lately")) - told("keeping"),
    }


def _priced(column: pl.Expr, values: Mapping[str, object]) -> pl.Expr:
    return column.replace_strict({name: float(str(value)) for name, value in values.items()}, default=0.0)
