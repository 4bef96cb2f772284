"""Life events in Polars' frames: the days that are evidence, and how probable they make an event."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl

from benchmarks.references import files
from benchmarks.references.child_polars import youngest
from benchmarks.references.events_polars import WHO, in_base, made
from benchmarks.references.life_settings import WATCHED_DAYS, in_sight_from, life_lookups
from benchmarks.references.segments_polars import years
from conf import Settings

OF_EVENT = [WHO, "event"]
OF_KIND = [*OF_EVENT, "kind"]


def life_events(lake: Path, day: date, settings: Settings) -> pl.LazyFrame:
    """A row a customer and event that is new and probable enough."""
    nothing, look = pl.LazyFrame(), life_lookups(settings)
    told = {name: made(lookup, nothing) for name, lookup in look.items() if not lookup.table}
    consenting = _consenting(lake, day).collect().lazy()
    bought, paid = (frame.collect().lazy() for frame in (_bought(lake, day, consenting, settings), _paid(lake, day, consenting, settings)))
    first = pl.concat([
        rows.group_by(WHO).agg(first_on=pl.col("business_date").min()).with_columns(source=pl.lit(source))
        for source, rows in (("purchases", bought), ("payments", paid))
    ])
    days = pl.concat([
        _bought_days(bought, made(look["articles"], bought)).with_columns(source=pl.lit("purchases")),
        _paid_days(paid, made(look["wordings"], paid), told, lake, day, settings).with_columns(source=pl.lit("payments")),
    ])
    ago = (pl.lit(day) - pl.col("business_date")).dt.total_days()
    seen = (
        days.join(told["events"], on="event").with_columns(ago=ago)
        .filter(pl.col("ago") >= 0, pl.col("ago") < pl.col("onset_days")).join(first, on=[WHO, "source"])
        .select(*OF_KIND, "sign", "quantity", "business_date", "ago", "first_on", within=pl.col("ago") < pl.col("window_days"))
    ).collect().lazy()  # fmt: skip
    return _posteriors(_kinds(seen, told), _whole(seen), youngest(seen, told), consenting, told)


def _consenting(lake: Path, day: date) -> pl.LazyFrame:
    known = pl.scan_parquet(files(lake, "restrictions")).sort("recorded_on").unique([WHO, "kind", "valid_from"], keep="last")
    bereaved = known.filter(
        pl.col("kind") == "bereavement", pl.col("valid_from") <= day, pl.col("valid_to").is_null() | (pl.col("valid_to") >= day))
    stays = pl.col("closed_on").is_null() | (pl.col("closed_on") > day)
    customers = pl.scan_parquet(files(lake, "customers")).filter("is_current", pl.col("life_event_consent").fill_null(False), stays)
    return customers.join(bereaved, on=WHO, how="anti").select(WHO, age=years("birth_date", day)).filter(pl.col("age") >= 18)


def _in_sight(lake: Path, table: str, day: date, settings: Settings) -> pl.LazyFrame:
    rows = pl.scan_parquet(files(lake, table)).filter(pl.col("superseded_on").is_null())
    return rows.filter(pl.col("business_date").is_between(in_sight_from(settings, day), day))


def _bought(lake: Path, day: date, consenting: pl.LazyFrame, settings: Settings) -> pl.LazyFrame:
    text = pl.concat_str("category", "product_name", separator=" ", ignore_nulls=True)
    return _in_sight(lake, "purchases", day, settings).join(consenting, on=WHO, how="semi").select(
        WHO, "business_date", "sku", "status", quantity=pl.col("quantity").cast(pl.Float64), text=text)


def _paid(lake: Path, day: date, consenting: pl.LazyFrame, settings: Settings) -> pl.LazyFrame:
    accounts = pl.scan_parquet(files(lake, "accounts")).filter("is_current").select("account_id", WHO)
    others = accounts.select(counterparty="account_id", other=WHO)
    wording = pl.col("description").fill_null("").str.replace_all("[0-9]+", "#")
    moved = _in_sight(lake, "transactions", day, settings).join(accounts.join(consenting, on=WHO, how="semi"), on="account_id")
    return (
        moved.join(others, on="counterparty", how="left").filter((pl.col("other") != pl.col(WHO)).fill_null(True))
        .select(WHO, "business_date", "direction", "type", "amount", "currency",
                text=pl.concat_str(wording, "counterparty", separator=" ", ignore_nulls=True))
    )  # fmt: skip


def _bought_days(bought: pl.LazyFrame, articles: pl.LazyFrame) -> pl.LazyFrame:
    """What was sent back is taken off the newest purchases of the same article."""
    article, back = [WHO, "sku", "found"], pl.col("status") == "refunded"
    by_day = (
        bought.join(articles.select("text", "found").unique(), on="text").group_by(*article, "business_date")
        .agg(paid=pl.col("quantity").filter(~back).sum(), back=pl.col("quantity").filter(back).sum())
        .sort("business_date", descending=True)
    )  # fmt: skip
    newer = (pl.col("paid").cum_sum() - pl.col("paid")).over(article)
    kept = pl.col("paid") - (pl.col("back").sum().over(article) - newer).clip(0)
    matches = articles.select("found", "event", "kind", "sign").unique()
    return by_day.with_columns(kept=kept).filter(pl.col("kept") > 0).join(matches, on="found").group_by(
        *OF_KIND, "business_date", "sign").agg(quantity=pl.col("kept").sum())


def _paid_days(
    paid: pl.LazyFrame, wordings: pl.LazyFrame, told: dict[str, pl.LazyFrame], lake: Path, day: date, settings: Settings
) -> pl.LazyFrame:
    """A new other side is one with whom there was nothing before the window, of a customer who was known by then."""
    ago = (pl.lit(day) - pl.col("business_date")).dt.total_days()
    since = paid.group_by(WHO).agg(seen_ago=ago.max())
    found = (
        paid.join(wordings, on=["text", "direction", "type"]).join(told["events"], on="event").join(told["evidences"], on=["event", "kind"])
        .join(since, on=WHO).with_columns(base="amount", elder_ago=ago.max().over(OF_KIND), other_ago=ago.max().over(*OF_KIND, "text"))
    )  # fmt: skip
    window = pl.col("window_days")
    new = (pl.col("other_ago") < window) & (pl.col("seen_ago") >= window + WATCHED_DAYS)
    counts = in_base(found, lake, settings.bank.base_currency, "base").filter(
        pl.col("base") / 100 >= pl.col("min_amount"), ~pl.col("novel") | new, ~pl.col("another") | (pl.col("elder_ago") >= window))
    return counts.select(*OF_KIND, "business_date", "sign").unique().with_columns(quantity=1.0)


def _kinds(seen: pl.LazyFrame, told: dict[str, pl.LazyFrame]) -> pl.LazyFrame:
    """What the kinds of evidence of an event add together, the strongest in full, and how many they are."""
    added = (
        seen.filter("within").group_by(OF_KIND)
        .agg(days=pl.col("business_date").n_unique().cast(pl.Int32), ago=pl.col("ago").min(), pieces=pl.col("quantity").sum())
        .join(told["events"], on="event").join(told["evidences"], on=["event", "kind"]).join(told["steps"], on=["event", "kind", "days"])
        .with_columns(adds=(pl.col("adds") * 0.5 ** (pl.col("ago") / pl.col("half_life"))).round(6))
        .sort("adds", "kind", descending=True)
    )  # fmt: skip
    others = (pl.col("adds").slice(1) * pl.col("others").slice(1)).round(6).sum()
    return added.group_by(OF_EVENT, maintain_order=True).agg(
        kinds=pl.len(), adds=pl.col("adds").first() + others, too_many=(pl.col("pieces") > pl.col("most_in_window")).any())


def _whole(seen: pl.LazyFrame) -> pl.LazyFrame:
    """What there is of an event, in days: within the window, and before it."""
    within, ago = pl.col("within"), pl.col("ago")
    quiet = (pl.col("business_date") - pl.col("first_on")).dt.total_days().min()
    by_kind = seen.group_by(*OF_KIND, "ago", "within").agg(
        quantity=pl.col("quantity").sum(), signs=pl.col("sign").drop_nulls().n_unique(), quiet=quiet)
    by_day = by_kind.group_by(*OF_EVENT, "ago", "within").agg(pl.col("quantity").sum(), pl.col("signs").max(), pl.col("quiet").min())
    return by_day.group_by(OF_EVENT).agg(
        all_days=within.sum(), most_a_day=pl.col("quantity").max(), sizes=pl.col("signs").max(), silent=ago.min(),
        quiet=pl.col("quiet").min(), earlier=(~within).sum(), began=ago.filter(within).max(),
        months=(ago.filter(~within) // 30).n_unique().cast(pl.Int32))


def _posteriors(
    kinds: pl.LazyFrame, whole: pl.LazyFrame, children: pl.LazyFrame, consenting: pl.LazyFrame, told: dict[str, pl.LazyFrame]
) -> pl.LazyFrame:
    counted = pl.col("all_days").cast(pl.Int64) + pl.when("lasts").then(pl.col("earlier").cast(pl.Int64)).otherwise(0)
    gap = pl.when(pl.col("all_days") > 2).then(((pl.col("began") - pl.col("silent")) / (pl.col("all_days").cast(pl.Int64) - 1)).clip(7))
    patience = pl.min_horizontal("silence_days", pl.col("silence_gaps") * gap)
    earlier = pl.when("lasts").then(pl.col("earlier_adds")).fill_null(0)
    odds = pl.col("prior") + pl.min_horizontal(pl.col("adds") + earlier, "most")
    judged = (
        whole.join(kinds, on=OF_EVENT).join(told["events"], on="event").join(consenting, on=WHO).join(told["priors"], on=["event", "age"])
        .join(told["earlier_steps"].select("event", "months", earlier_adds=pl.col("adds").round(6)), on=["event", "months"], how="left")
        .join(children, on=OF_EVENT, how="left")
        .filter(
            counted >= pl.col("min_days"), pl.col("kinds") >= pl.col("min_kinds"), ~pl.col("too_many").fill_null(False),
            pl.col("most_a_day") <= pl.col("most_pieces"), pl.col("sizes") <= pl.col("most_sizes"),
            patience.is_null() | (pl.col("silent") <= patience),
        )
        .with_columns(probability=(1 / (1 + (-odds).exp())).round(6))
    )  # fmt: skip
    age = pl.col("child_age_months")
    staged = judged.join(told["stages"], on="event").filter(age >= pl.col("from_months"), age < pl.col("to_months"))
    whole_told = judged.join(staged.select(*OF_EVENT, "stage", "proves"), on=OF_EVENT, how="left")
    is_new = (pl.col("quiet") >= pl.col("quiet_days")) | pl.col("proves").fill_null(False)
    return whole_told.filter(is_new, pl.col("probability") >= pl.col("enough")).select(
        *OF_EVENT, "probability", "stage", "child_age_months", "child_age_from_months", "child_age_to_months")
