"""How rare a day's flows are for whom they are of, and which are told as abnormal, in Polars' frames."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import polars as pl

from benchmarks.references import files
from benchmarks.references.columns import DEPOSITS
from benchmarks.references.events_polars import WHO
from benchmarks.references.flows_polars import SERIES, UNIT, Units, counts, sums, units
from benchmarks.references.look import Look
from benchmarks.references.payment_days import payment_days
from benchmarks.references.segments_polars import band, years
from conf import Settings
from conf.settings import Flows

BANDS = ["age_band", "income_band", "account_types"]
NORMAL_IQR, STEADY, LEAST_BETWEEN, DAYS_A_YEAR = 1.349, 10, 0.05, 365.25
HERMITE = ((0.0, 2 / 3), (math.sqrt(3), 1 / 6), (-math.sqrt(3), 1 / 6))
SPREAD = (pl.col("q75") - pl.col("q25")) / NORMAL_IQR


def detection(lake: Path, day: date, look: Look, settings: Settings) -> dict[str, pl.LazyFrame]:
    """`daily_flows`, `flow_baselines` and the statistical `abnormal_flows` of a day."""
    known, flows = units(lake, day, look, settings), settings.flows
    usual = counts(known.before, look.baseline_day, flows).collect().lazy()
    scored = _scored(known, usual, _members(lake, day, look, settings), day, look, flows).collect().lazy()
    rarely = _is_abnormal(flows, payment_days(look.units_from, day, flows))
    abnormal = scored.filter(rarely).sort("window_days").unique(UNIT, keep="first", maintain_order=True).collect().lazy()
    judged = scored.sort("surprise", "log_odds").unique(UNIT, keep="last", maintain_order=True).select(*UNIT, "surprise", "log_odds")
    changed = known.changed.with_columns(flagged=False, is_changed=True)
    around = pl.concat([known.now.with_columns(is_changed=False).join(known.changed, on=UNIT, how="anti"), changed], how="diagonal")
    ends = abnormal.select(WHO, "direction", "window_days", last="business_date")
    parts = around.join(ends, on=[WHO, "direction"]).filter(
        (pl.col("last") - pl.col("business_date")).dt.total_days().is_between(0, pl.col("window_days") - 1)
    ).select(*UNIT, part=True).unique()  # fmt: skip
    after = around.join(parts, on=UNIT, how="left").with_columns(pl.col("part").fill_null(False)).collect().lazy()
    forgiven = after.join(known.unflagged, on=UNIT).filter("flagged").with_columns(flagged=False, part=False, log_odds=None)
    told = after.filter(pl.col("is_changed") | (pl.col("part") & ~pl.col("flagged"))).join(judged, on=UNIT, how="left")
    still = pl.col("flagged") & pl.col("forgiven").is_null()
    flagged = after.join(known.unflagged, on=UNIT, how="left").with_columns(flagged=still | (pl.col("part") & ~pl.col("flagged")))
    series = counts(flagged, day, flows).sort("bin").group_by(WHO, *SERIES, maintain_order=True)
    rare, large = pl.col("return_period_years") >= flows.high_return_period_years, pl.col("amount") >= 5 * float(flows.min_amount)
    return {
        "daily_flows": pl.concat([told, forgiven], how="diagonal_relaxed").select(
            *UNIT, "transactions", "surprise", "log_odds", flagged=pl.col("flagged") | pl.col("part"),
            amount=pl.col("amount") / 100, unusual_amount=pl.col("unusual_amount") / 100),
        "flow_baselines": series.agg(bins=pl.format("{}:{}", "bin", "n").str.join(" ")),
        "abnormal_flows": abnormal.filter(pl.col("business_date") >= look.told_from).select(
            WHO, "business_date", "window_days", "amount", "usual_amount", "return_period_years", "observations", "peer_group",
            "peer_weight", "log_odds", kind=pl.when(pl.col("direction") == "debit").then(pl.lit("withdrawal")).otherwise(pl.lit("deposit")),
            severity=pl.when(rare & large).then(pl.lit("high")).when(rare | large).then(pl.lit("medium")).otherwise(pl.lit("low"))),
    }  # fmt: skip


def _members(lake: Path, day: date, look: Look, settings: Settings) -> pl.LazyFrame:
    """Customers with deposits: their peers, and for how long they could have had flows by the baseline's day."""
    bands, at = settings.segments.bands, pl.lit(look.baseline_day)
    start = max(look.data_start, look.baseline_day - timedelta(days=settings.flows.baseline_days - 1))
    held = pl.scan_parquet(files(lake, "accounts")).filter(
        pl.col("is_current") & pl.col("product_type").is_in(DEPOSITS) & (pl.col("closed_on").is_null() | (pl.col("closed_on") >= start)))
    current, savings = ((pl.col("product_type") == kind).any() for kind in ("current", "savings"))
    spans = held.group_by(WHO).agg(first=pl.col("opened_on").min(), last=pl.min_horizontal(pl.col("closed_on").fill_null(at).max(), at),
                                    account_types=pl.when(current & savings).then(pl.lit("current and savings")).when(current).then(
                                        pl.lit("current")).when(savings).then(pl.lit("savings")).otherwise(pl.lit("time deposit")))
    exposure = (pl.col("last") - pl.max_horizontal("first", pl.lit(start))).dt.total_days() + 1
    customers = pl.scan_parquet(files(lake, "customers")).filter("is_current")
    return customers.join(spans, on=WHO).select(
        WHO, age_band=band(years("birth_date", day), bands.age), income_band=band(pl.col("annual_income").cast(pl.Float64), bands.income),
        exposure_days=exposure.clip(0), tenure_days=((at - pl.col("first")).dt.total_days() + 1).clip(0),
        income=pl.col("annual_income").cast(pl.Float64).fill_null(0), account_types="account_types",
    )


def _quartiles(counted: pl.LazyFrame, keys: list[str], ratio: float) -> pl.LazyFrame:
    """Of log amounts, as if they lay evenly within each bin."""
    total, below, n = pl.col("total"), pl.col("below"), pl.col("n")
    placed = counted.sort("bin").with_columns(total=n.sum().over(keys), below=(n.cum_sum() - n).over(keys))

    def at(share: float) -> pl.Expr:
        here = (below < share * total) & (share * total <= below + n)
        return ((pl.col("bin") + (share * total - below) / n) * math.log(ratio)).filter(here).first()

    return placed.group_by(keys).agg(n=n.sum(), q25=at(0.25), median=at(0.5), q75=at(0.75))


def _peers(usual: pl.LazyFrame, own: pl.LazyFrame, members: pl.LazyFrame, flows: Flows) -> pl.LazyFrame:
    """Of each combination of bands the finest group that is large enough, and what is usual in it."""
    cells = members.group_by(BANDS).agg(members=pl.len(), days=pl.col("exposure_days").sum())
    groups = (*(pl.concat_str(BANDS[:count], separator=" · ") for count in (3, 2, 1)), pl.lit("all customers"))
    levels = pl.concat([cells.with_columns(level=pl.lit(level), peer_group=group) for level, group in enumerate(groups)])
    sized = levels.with_columns(size=pl.col("members").sum().over("peer_group"), exposure=pl.col("days").sum().over("peer_group"))
    enough = sized.filter((pl.col("size") >= flows.min_peers) | (pl.col("level") == 3))
    finest = enough.sort("level").unique(BANDS, keep="first", maintain_order=True).select(*BANDS, "peer_group", "exposure")
    of_groups = members.join(levels.join(finest, on="peer_group", how="semi").select(*BANDS, "peer_group"), on=BANDS)
    series = ["peer_group", *SERIES]
    grouped = usual.join(of_groups, on=WHO).group_by(*series, "bin").agg(pl.col("n").sum())
    whole = _quartiles(grouped, series, flows.bin_ratio).with_columns(whole=SPREAD**2)
    steady = own.filter(pl.col("n") >= STEADY).join(of_groups, on=WHO).group_by(series).agg(steady=SPREAD.median() ** 2)
    within = pl.min_horizontal("steady", "whole")
    return finest.join(whole, on="peer_group").join(steady, on=series, how="left").select(
        *BANDS, *series, peer_median="median", within=within, between=(pl.col("whole") - within).clip(LEAST_BETWEEN),
        peer_rate=pl.col("n") / pl.col("exposure").clip(1),
    )


def _scored(known: Units, usual: pl.LazyFrame, members: pl.LazyFrame, day: date, look: Look, flows: Flows) -> pl.LazyFrame:
    """The sums of what changed, and of the days after it whose longer sums hold it, with how rare they are."""
    after = max(flows.windows_days) - 1 if look.since else 0
    own = _quartiles(usual, [WHO, *SERIES], flows.bin_ratio).collect().lazy()
    touched = known.changed.select(WHO, "direction", touched="business_date")
    days_after = (pl.col("business_date") - pl.col("touched")).dt.total_days()
    reached = sums(known.now, day, flows).join(touched, on=[WHO, "direction"]).filter(days_after.is_between(0, after))
    judged = reached.group_by(*UNIT, "window_days", "amount", "day_amount").agg(days_after=days_after.min())
    if look.since is None:
        judged = judged.filter(pl.col("business_date") > look.baseline_day)
    n, prior = pl.col("n").fill_null(0), float(flows.prior_observations)
    settled_n = n * (pl.col("tenure_days") / flows.settling_days).clip(upper_bound=1)
    variance = (settled_n * (SPREAD**2).fill_null(0) + prior * pl.col("within")) / (settled_n + prior)
    weight = settled_n * pl.col("between") / (settled_n * pl.col("between") + math.pi / 2 * pl.col("variance"))
    center = pl.col("weight") * pl.col("median").fill_null(0) + (1 - pl.col("weight")) * pl.col("peer_median")
    amount, scale, rate, nu = pl.col("amount") / 100, pl.col("variance").sqrt(), pl.col("rate"), flows.tail_degrees_of_freedom

    def averaged(of: Callable[[pl.Expr], pl.Expr]) -> pl.Expr:
        return pl.sum_horizontal(share * of(pl.col("multiple") - point * pl.col("unknown")) for point, share in HERMITE)

    def density(off: pl.Expr, wide: pl.Expr) -> pl.Expr:
        return (1 + (off / wide) ** 2 / nu) ** (-(nu + 1) / 2) / wide

    event = flows.event
    news = averaged(lambda above: density(above - event.log_multiple, pl.lit(event.log_spread)))
    odds = news / averaged(lambda above: density(above, scale))
    every = (n + 1) / (pl.col("exposure_days").clip(1) + 1 / pl.col("peer_rate"))
    years_between = 1 / (DAYS_A_YEAR * rate * averaged(lambda above: _survival(above / scale, nu)))
    return (
        judged.join(own, on=[WHO, *SERIES], how="left").join(members, on=WHO)
        .join(_peers(usual, own, members, flows), on=[*BANDS, *SERIES])
        .with_columns(variance=variance.clip(flows.min_spread**2), rate=every)
        .with_columns(weight=weight).with_columns(center=center, unknown=((1 - pl.col("weight")) * pl.col("between")).sqrt())
        .with_columns(multiple=amount.log() - pl.col("center"))
        .with_columns(years=years_between, month=(pl.col("center").exp() * rate * 30).round(2))
        .with_columns(usual_month=pl.col("month").sort_by("window_days").first().over(UNIT))
        .filter(pl.col("days_after") < pl.col("window_days"))
        .select(
            *UNIT, "window_days", "usual_month", "peer_group", amount=amount, day_amount=pl.col("day_amount") / 100, observations=n,
            peer_weight=(1 - pl.col("weight")).round(3), usual_amount=pl.col("center").exp().round(2),
            surprise=pl.col("years").log().round(6),
            log_odds=(odds.log() + (event.a_year / DAYS_A_YEAR / rate).log()).round(6),
            return_period_years=pl.col("years").clip(upper_bound=flows.max_return_period_years).round(4),
            income="income", settled=pl.col("tenure_days") >= flows.settling_days,
        )
    )  # fmt: skip


def _survival(t: pl.Expr, nu: int) -> pl.Expr:
    """Of Student's distribution with an even number of degrees of freedom, in closed form."""
    cos2 = nu / (nu + t**2)
    total, coefficient = pl.lit(1.0), 1.0
    for i in range(1, nu // 2):
        coefficient *= (2 * i - 1) / (2 * i)
        total = total + coefficient * cos2**i
    tail = ((1 - (1 - cos2).sqrt() * total) / 2).clip(1e-14)
    return pl.when(t > 0).then(tail).otherwise(1 - tail)


def _is_abnormal(flows: Flows, days: list[date]) -> pl.Expr:
    twice = pl.col("business_date").is_in(days) | (~pl.col("settled") & (pl.col("direction") == "credit"))
    amount, asked = pl.col("amount"), flows.min_return_period_years
    return (
        (pl.col("return_period_years") >= pl.when(twice).then(2 * asked).otherwise(asked))
        & (amount >= float(flows.min_amount))
        & (amount >= pl.col("usual_month") * flows.min_share_of_usual_month)
        & (amount >= pl.col("income") * flows.min_share_of_income)
        & (pl.col("day_amount") * 2 * pl.col("window_days") >= amount)
    )
