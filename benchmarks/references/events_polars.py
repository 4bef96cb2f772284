"""Money in and out, income and purchases in Polars' lazy frames: what is counted from events."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import polars as pl

from benchmarks.references import files
from benchmarks.references.columns import (
    BOUGHT_DAYS,
    CHANNELS,
    DEPOSITS,
    FLOWS,
    GOODS,
    KINDS_IN,
    KINDS_OUT,
    OWN_MONEY,
    REGULAR,
    WAYS,
    WINDOWS,
)
from benchmarks.references.lookups import Lookup, lookups
from conf import Settings

WHO = "customer_id"
SATURDAY = 6
MONTH = pl.col("business_date").dt.truncate("1mo").alias("month")


def event_parts(moved: pl.LazyFrame, lake: Path, day: date, settings: Settings) -> list[pl.LazyFrame]:
    """Frames with one row a customer, of what was counted."""
    outside = _netted(moved)
    regularly = _netted(moved.filter(pl.col("type").is_in(REGULAR), pl.col("age") < 150))
    baskets = _baskets(lake, day, settings)
    parts = [_habits(moved, settings.bank.base_currency), _flows(outside), _salary(outside), _regular(regularly)]
    return [*parts, _bought(baskets), _orders(baskets)]


def known(lake: Path, table: str, day: date, days: int = 365) -> pl.LazyFrame:
    """Events of so many days, as they stand."""
    year = pl.col("business_date").is_between(day - timedelta(days=days - 1), day)
    age = (pl.lit(day) - pl.col("business_date")).dt.total_days()
    return pl.scan_parquet(files(lake, table)).filter(pl.col("superseded_on").is_null(), year).with_columns(age=age)


def in_base(rows: pl.LazyFrame, lake: Path, currency: str, *amounts: str) -> pl.LazyFrame:
    """Amounts at the newest rate of their day."""
    rates = pl.scan_parquet(files(lake, "fx_rates")).select("currency", "rate_date", "rate").sort("rate_date")
    rated = rows.sort("business_date").join_asof(
        rates, left_on="business_date", right_on="rate_date", by="currency", strategy="backward", check_sortedness=False
    )
    rate = pl.when(pl.col("currency") == currency).then(1.0).otherwise(pl.col("rate").cast(pl.Float64))
    return rated.with_columns((pl.col(name).cast(pl.Float64) * rate * 100).round().alias(name) for name in amounts)  # in cents


def looked_up(name: str, rows: pl.LazyFrame, settings: Settings) -> pl.LazyFrame:
    """A lookup made of the different values of a frame's columns."""
    return made(lookups(settings)[name], rows)


def made(lookup: Lookup, rows: pl.LazyFrame) -> pl.LazyFrame:
    """The same, of a given lookup."""
    kinds = {"string": pl.String, "int": pl.Int32, "double": pl.Float64, "boolean": pl.Boolean, "date": pl.Date}
    schema = {name: kinds[kind] for name, kind in (each.split() for each in lookup.schema.split(", "))}
    found = rows.select(lookup.columns).unique().collect().rows() if lookup.table else []
    return pl.LazyFrame(lookup.make(found), schema=schema, orient="row")


def moved_by(lake: Path, day: date, settings: Settings) -> pl.LazyFrame:
    """A year of movements with whose they are, `base` in cents of base currency."""
    accounts = pl.scan_parquet(files(lake, "accounts")).filter("is_current").select("account_id", WHO, "product_type")
    others = accounts.select(counterparty="account_id", other=WHO)
    wording = pl.col("description").fill_null("").str.replace_all("[0-9]+", "#")
    hour = pl.col("booked_at").dt.replace_time_zone("UTC").dt.convert_time_zone(settings.bank.time_zone).dt.hour()
    joined = known(lake, "transactions", day).join(accounts, on="account_id").join(others, on="counterparty", how="left")
    return in_base(joined.with_columns(base="amount"), lake, settings.bank.base_currency, "base").select(
        WHO, "account_id", "transaction_id", "business_date", "age", "direction", "type", "channel", "currency", "amount", "base",
        "product_type", hour=hour.cast(pl.Int64), weekend=pl.col("business_date").dt.weekday() >= SATURDAY,
        series=pl.coalesce("counterparty", wording), own=(pl.col("other") == pl.col(WHO)).fill_null(False),
    )


def _netted(moved: pl.LazyFrame) -> pl.LazyFrame:
    """Movements between deposits and others; of equal amounts of one day that go both ways none, nor of a loan spent that day."""
    same, credit = [WHO, "business_date", "currency", "amount"], pl.col("direction") == "credit"
    drawn = (pl.col("type") == "loan") & credit
    outside = pl.col("product_type").is_in(DEPOSITS) & (drawn | pl.col("type").is_in(FLOWS) & ~pl.col("own"))
    return (
        moved.filter(outside)
        .with_columns(
            nth=pl.col("transaction_id").rank("ordinal").over(*same, "direction"),
            credits=credit.sum().over(same), debits=(~credit).sum().over(same),
        )
        .filter(pl.col("nth") > pl.min_horizontal("credits", "debits"), ~drawn)
    )


def _habits(moved: pl.LazyFrame, currency: str) -> pl.LazyFrame:
    lately = pl.col("age") < 90
    marks = {"evenings": pl.col("hour") >= 18, "nights": pl.col("hour") < 6, "weekends": pl.col("weekend"),
             "foreigns": pl.col("currency") != currency}
    marks |= {f"count_{channel}_90d": pl.col("channel") == channel for channel in CHANNELS}
    sums = {name: (lately & when).sum() for name, when in marks.items()}
    sums |= {"movements": lately.sum(), "hours": pl.col("hour").filter(lately).sum(), "days_since_movement": pl.col("age").min()}
    for way, of_way in (("in", KINDS_IN), ("out", KINDS_OUT)):
        for kind in of_way:
            whose = pl.col("product_type").is_in(("current", "savings")) if kind in OWN_MONEY else ~pl.col("own")
            fits = lately & (pl.col("type") == kind) & (pl.col("direction") == WAYS[way]) & whose
            sums[f"{way}_{kind}_90d"] = pl.col("base").filter(fits).sum() / 100
    return moved.group_by(WHO).agg(**sums)


def _flows(outside: pl.LazyFrame) -> pl.LazyFrame:
    age, out = pl.col("age"), pl.col("direction") == "debit"
    sums = {"withdrawn": pl.col("base").filter(out & (pl.col("type") == "cash") & (age < 90)).sum() / 100}
    for way, direction in WAYS.items():
        fits = pl.col("direction") == direction
        for days in WINDOWS:
            sums[f"{way}_amount_{days}d"] = pl.col("base").filter(fits & (age < days)).sum() / 100
            sums[f"{way}_count_{days}d"] = (fits & (age < days)).sum()
        sums[f"largest_{way}_90d"] = pl.col("base").filter(fits & (age < 90)).max() / 100
    return outside.group_by(WHO).agg(**sums)


def _salary(outside: pl.LazyFrame) -> pl.LazyFrame:
    paid = pl.col("paid")  # in cents
    days = (
        outside.filter(pl.col("direction") == "credit", pl.col("type") == "salary", pl.col("base").is_not_null())
        .group_by(WHO, "business_date", "age").agg(paid=pl.col("base").sum()).sort("business_date")
    )  # fmt: skip
    by_month = days.filter(pl.col("age") < 180).group_by(WHO, MONTH).agg(paid.sum())
    lately = by_month.group_by(WHO).agg(salary_months=pl.len(), month_median=paid.median() / 100)
    changed = (10 * (paid - paid.shift()).abs() >= paid.shift()).fill_null(False)
    told = days.group_by(WHO, maintain_order=True).agg(
        salary_last=paid.last() / 100, salary_day=pl.col("business_date").last().dt.day(), days_since_salary=pl.col("age").min(),
        salary_payments_365d=pl.len(), months_since_salary_change=pl.col("age").filter(changed).min() // 30,
        before=paid.head(pl.len() - 1).median() / 100,
    )
    change = pl.when(pl.col("salary_payments_365d") > 2).then(pl.col("salary_last") / pl.col("before") - 1)
    return told.join(lately, on=WHO, how="left").with_columns(salary_change=change)


def _regular(regularly: pl.LazyFrame) -> pl.LazyFrame:
    base, debit = pl.col("base"), pl.col("direction") == "debit"
    series = [WHO, "account_id", "direction", "type", "series"]
    by_month = regularly.filter(base.is_not_null()).group_by(*series, MONTH).agg(
        paid=base.sum(), times=pl.len(), most=base.max(), least=base.min()
    )
    regular = (
        by_month.group_by(*series)
        .agg(
            pl.col("paid", "times").sum(), pl.col("most").max(), pl.col("least").min(),
            months=pl.len(), monthly=pl.col("paid").median() / 100,
        )
        .filter(pl.col("months") >= 3, pl.col("most") - pl.col("least") <= 0.5 * pl.col("paid") / pl.col("times"))
    )  # fmt: skip
    return regular.group_by(WHO).agg(
        regular_income_month=pl.col("monthly").filter(~debit).max(), regular_payments=debit.sum(),
        regular_payments_month=pl.col("monthly").filter(debit).sum(),
    )


def _baskets(lake: Path, day: date, settings: Settings) -> pl.LazyFrame:
    """Order lines summed by order and kind of goods."""
    lines = known(lake, "purchases", day)
    back = pl.col("status") == "refunded"
    value = (pl.col("quantity").cast(pl.Float64) * pl.col("unit_price").cast(pl.Float64)).round(2)
    summed = (
        lines.join(looked_up("kinds", lines, settings), on="category")
        .group_by(WHO, "order_id", "business_date", "age", "currency", "kind")
        .agg(amount=pl.when(back).then(-value).otherwise(value).sum(), refunded=value.filter(back).sum(), lines=(~back).sum())
    )
    return in_base(summed, lake, settings.bank.base_currency, "amount", "refunded")


def _bought(baskets: pl.LazyFrame) -> pl.LazyFrame:
    age, amount, bought = pl.col("age"), pl.col("amount"), pl.col("lines") > 0
    sums = {f"spent_{days}d": amount.filter(age < days).sum() / 100 for days in BOUGHT_DAYS}
    for kind in (*GOODS, "other"):
        of_kind = pl.col("kind") == kind
        sums[f"spent_{kind}"] = (amount.filter(of_kind & (age < 90)).sum() / 100).clip(0)
        sums[f"days_since_{kind}"] = age.filter(of_kind & bought).min()
    return baskets.group_by(WHO).agg(
        **sums, refunded=pl.col("refunded").sum() / 100, purchase_days_90d=pl.col("business_date").filter(bought & (age < 90)).n_unique(),
        days_since_purchase=age.filter(bought).min(), days_since_first_purchase=age.filter(bought).max(),
    )


def _orders(baskets: pl.LazyFrame) -> pl.LazyFrame:
    age, weekend = pl.col("age"), pl.col("business_date").dt.weekday() >= SATURDAY
    orders = baskets.group_by(WHO, "order_id", "business_date", "age").agg(pl.col("lines").sum()).filter(pl.col("lines") > 0)
    return orders.group_by(WHO).agg(
        **{f"orders_{days}d": (age < days).sum() for days in BOUGHT_DAYS},
        lines_90d=pl.col("lines").filter(age < 90).sum(), weekend_orders=((age < 90) & weekend).sum(),
    )


def share(part: pl.Expr, whole: pl.Expr) -> pl.Expr:
    return pl.when(whole != 0).then(part / whole)


def event_columns() -> dict[str, pl.Expr]:
    """Columns that are made of others."""
    def trend(amount: str, short: int, long: int) -> pl.Expr:
        usual = pl.col(f"{amount}_{long}d")
        return pl.when(usual > 0).then(pl.col(f"{amount}_{short}d") / short / (usual / long) - 1)

    moved, orders = pl.col("movements"), pl.col("orders_90d")
    spent = {kind: pl.col(f"spent_{kind}") for kind in (*GOODS, "other")}
    salary = pl.when(pl.col("salary_months") >= 2).then(pl.col("month_median"))
    estimate = pl.coalesce(salary, "regular_income_month")
    made = {f"{mark}_share_90d": share(pl.col(f"{mark}s"), moved) for mark in ("weekend", "evening", "night", "foreign")}
    made |= {f"net_amount_{days}d": pl.col(f"in_amount_{days}d") - pl.col(f"out_amount_{days}d") for days in (30, 90, 365)}
    made |= {f"{way}_trend_{short}d": trend(f"{way}_amount", short, long) for way in WAYS for short, long in ((30, 90), (90, 365))}
    made |= {f"spent_trend_{short}d": trend("spent", short, long) for short, long in ((30, 90), (90, 365))}
    made |= {f"share_{kind}_90d": share(spent[kind], pl.sum_horizontal(*spent.values())) for kind in GOODS}
    return made | {
        "usual_hour_90d": share(pl.col("hours"), moved),
        "digital_share_90d": share(pl.col("count_mobile_90d") + pl.col("count_online_90d"), moved),
        "staffed_share_90d": share(pl.col("count_counter_90d") + pl.col("count_pad_90d"), moved),
        "cash_share_90d": share(pl.col("withdrawn"), pl.col("out_amount_90d")),
        "kept_share_90d": share(pl.col("in_amount_90d") - pl.col("out_amount_90d"), pl.col("in_amount_90d")),
        "has_salary": (pl.col("salary_months") >= 2).fill_null(False),
        "salary_month": salary,
        "monthly_income_estimate": estimate,
        "regular_payments_share": share(pl.col("regular_payments_month").fill_null(0), estimate),
        "basket_90d": share(pl.col("spent_90d"), orders),
        "lines_per_order_90d": share(pl.col("lines_90d"), orders),
        "refund_share_365d": share(pl.col("refunded"), pl.col("spent_365d") + pl.col("refunded")),
        "purchase_weekend_share_90d": share(pl.col("weekend_orders"), orders),
        "purchase_groups_90d": pl.sum_horizontal(*(amount > 0 for amount in spent.values())),
    }
