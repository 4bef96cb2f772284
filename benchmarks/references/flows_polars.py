"""Each customer's flows a day and direction, and how often each size was seen, in Polars' frames."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import polars as pl

from benchmarks.references import files
from benchmarks.references.columns import DEPOSITS, FLOWS
from benchmarks.references.events_polars import WHO, in_base, made
from benchmarks.references.look import RECURRING_DAYS, RECURRING_ROWS, Look
from conf import Settings
from conf.settings import Flows

UNIT = [WHO, "business_date", "direction"]
SERIES = ["direction", "window_days"]
NUMBERS = ["amount", "unusual_amount", "transactions"]
ROUNDED = 1e-12  # an amount of just a whole step lies in its bin, though the last digit of a logarithm says less


@dataclass(frozen=True)
class Units:
    """Amounts in cents."""

    before: pl.LazyFrame  # what the usual is counted of, with `flagged`
    now: pl.LazyFrame  # as known now, with `flagged`
    changed: pl.LazyFrame  # made, grown or emptied since the day before
    unflagged: pl.LazyFrame  # flagged before, and no news after all; with the `surprise` of then


def units(lake: Path, day: date, look: Look, settings: Settings) -> Units:
    """Flows as known before and now, of a product that has flagged some on earlier days."""
    told = pl.scan_parquet(files(lake, "daily_flows"), hive_partitioning=True).filter(pl.col("recorded_on") < day)
    flagged = told.sort("recorded_on").unique(UNIT, keep="last").filter("flagged").collect().lazy()
    no_news = flagged.join(made(look.forgiven, flagged), on=UNIT).filter(pl.col("recorded_on") <= pl.col("found_on"))
    flags = flagged.select(*UNIT, flagged=True)
    known = {moment: _units(lake, by, look, settings).collect().lazy() for moment, by in look.moments(day).items()}
    changed = known["now"]
    if look.since:
        touched = _known(lake).filter((pl.col("recorded_on") > look.since) | (pl.col("superseded_on") > look.since))
        accounts = _accounts(lake).select("account_id", WHO)
        both = known["now"].join(known["then"], on=UNIT, how="full", coalesce=True).with_columns(
            pl.col(name).fill_null(0) for name in (*NUMBERS, *(f"{name}_right" for name in NUMBERS)))
        days = touched.join(accounts, on="account_id").select(WHO, "business_date").unique()
        changed = both.join(days, on=[WHO, "business_date"], how="semi").filter(
            pl.any_horizontal(pl.col(name) != pl.col(f"{name}_right") for name in NUMBERS))
    changed = changed.select(*UNIT, *NUMBERS).collect().lazy()
    now = _with_flags(known["now"], flags.join(changed, on=UNIT, how="anti"))
    unflagged = no_news.select(*UNIT, "surprise", forgiven=True).join(changed, on=UNIT, how="anti")
    return Units(_with_flags(known["then"], flags) if look.since else now, now, changed, unflagged)


def _with_flags(some: pl.LazyFrame, flags: pl.LazyFrame) -> pl.LazyFrame:
    return some.join(flags, on=UNIT, how="left").with_columns(pl.col("flagged").fill_null(False))


def _known(lake: Path) -> pl.LazyFrame:
    return pl.scan_parquet(files(lake, "transactions"), hive_partitioning=True)


def _accounts(lake: Path) -> pl.LazyFrame:
    return pl.scan_parquet(files(lake, "accounts")).filter("is_current")


def _units(lake: Path, by: date, look: Look, settings: Settings) -> pl.LazyFrame:
    flows, outside = settings.flows, _outside(lake, by, look, settings).collect().lazy()
    large = outside.filter(pl.col("base") >= float(flows.recurring_min_amount) * 100)
    expected = pl.concat([_recurring(large, look, flows), _back(large, flows)]).unique().with_columns(expected=True)
    unusual = pl.when(pl.col("expected").is_null()).then("base").otherwise(0.0).sum()
    return (
        outside.filter(pl.col("business_date") >= look.units_from).join(expected, on="transaction_id", how="left")
        .group_by(UNIT).agg(amount=pl.col("base").sum(), unusual_amount=unusual, transactions=pl.len().cast(pl.Int64))
    )  # fmt: skip


def _outside(lake: Path, by: date, look: Look, settings: Settings) -> pl.LazyFrame:
    """Money between deposits and the world outside as known by a day, what equal amounts of one day cancel left out."""
    accounts = _accounts(lake).select("account_id", WHO, "product_type")
    others = accounts.select(counterparty="account_id", other=WHO)
    credit, wording = pl.col("direction") == "credit", pl.col("description").fill_null("").str.replace_all("[0-9]+", "#")
    drawn, own = (pl.col("type") == "loan") & credit, (pl.col("other") == pl.col(WHO)).fill_null(False)
    same = [WHO, "business_date", "base"]
    moved = (
        _known(lake)
        .filter(
            pl.col("recorded_on") <= by, pl.col("superseded_on").is_null() | (pl.col("superseded_on") > by),
            pl.col("business_date").is_between(look.units_from - timedelta(days=RECURRING_DAYS), by),
        )
        .join(accounts.filter(pl.col("product_type").is_in(DEPOSITS)), on="account_id")
        .join(others, on="counterparty", how="left")
        .filter(drawn | pl.col("type").is_in(FLOWS) & ~own)
        .with_columns(base="amount", side=pl.col("counterparty").fill_null(""), series=pl.coalesce("counterparty", wording))
    )  # fmt: skip
    return (
        in_base(moved, lake, settings.bank.base_currency, "base")
        .filter(pl.col("base").is_not_null())
        .with_columns(
            nth=pl.col("transaction_id").rank("ordinal").over(*same, "direction"),
            credits=credit.sum().over(same), debits=(~credit).sum().over(same),
        )
        .filter(pl.col("nth") > pl.min_horizontal("credits", "debits"), ~drawn)
        .select(*UNIT, "account_id", "transaction_id", "type", "currency", "amount", "base", "side", "series")
    )  # fmt: skip


def _recurring(large: pl.LazyFrame, look: Look, flows: Flows) -> pl.LazyFrame:
    """Flows with a similar one in enough other months, or with the same a month before."""
    series = ["account_id", "direction", "type", "series"]
    numbered = large.sort("business_date", "transaction_id").select(
        *series, "transaction_id", "business_date", place=pl.int_range(pl.len()).over(series), amount=pl.col("base") / 100)
    earlier = numbered.rename({"transaction_id": "_id", "place": "_place", "amount": "_amount", "business_date": "_date"})
    days = (pl.col("business_date") - pl.col("_date")).dt.total_days()
    month, other_month = pl.col("business_date").dt.truncate("1mo"), pl.col("_date").dt.truncate("1mo")
    off, amount = (pl.col("_amount") - pl.col("amount")).abs(), pl.col("amount")
    similar = (off <= flows.recurring_tolerance * amount) & (days <= RECURRING_DAYS) & (month != other_month)
    same = (pl.col("type") != "cash") & days.is_between(26, 35) & (off <= 0.01 * amount)
    return (
        numbered.filter(pl.col("business_date") >= look.units_from).join(earlier, on=series)
        .filter((pl.col("_place") < pl.col("place")) & (pl.col("_place") >= pl.col("place") - RECURRING_ROWS))
        .group_by("transaction_id").agg(months=other_month.filter(similar).n_unique(), same=same.any())
        .filter((pl.col("months") >= flows.recurring_min_months) | pl.col("same")).select("transaction_id")
    )  # fmt: skip


def _back(large: pl.LazyFrame, flows: Flows) -> pl.LazyFrame:
    """Deposits of the amount that went out to the same side some days before, as many as went."""
    alike, debit = ["account_id", "currency", "amount", "side"], pl.col("direction") == "debit"
    before = large.sort(*alike, "business_date").rolling(
        "business_date", period=f"{flows.return_days}d", closed="left", group_by=alike
    ).agg(went=debit.sum(), came=(~debit).sum()).unique()
    returned = before.filter(pl.col("went") > pl.col("came")).select(*alike, "business_date")
    return large.filter(~debit).join(returned, on=[*alike, "business_date"], how="semi").select("transaction_id")


def sums(standing: pl.LazyFrame, last: date, flows: Flows) -> pl.LazyFrame:
    """Sums of each window up to a day, of units that are not flagged, as far as the usual of a day reaches."""
    quiet = standing.filter(~pl.col("flagged"), pl.col("unusual_amount") > 0).sort(WHO, "direction", "business_date")
    by_window = [
        quiet.rolling("business_date", period=f"{days}d", group_by=[WHO, "direction"])
        .agg(day_amount=pl.col("unusual_amount").last(), amount=pl.col("unusual_amount").sum())
        .with_columns(window_days=pl.lit(days, pl.Int32))
        for days in flows.windows_days
    ]
    return pl.concat(by_window).filter(pl.col("business_date").is_between(last - timedelta(days=flows.baseline_days - 1), last))


def counts(standing: pl.LazyFrame, last: date, flows: Flows) -> pl.LazyFrame:
    """How often each size of a customer's sums was seen."""
    steps = (pl.col("amount") / 100).clip(1).log() / math.log(flows.bin_ratio)
    size = (steps + ROUNDED).floor().cast(pl.Int32)
    return sums(standing, last, flows).group_by(WHO, *SERIES, bin=size).agg(n=pl.len())
