"""A child's probable age from the sizes that were bought for it, in Polars' frames: a likelihood for each month of age."""

from __future__ import annotations

import polars as pl

OF = ["customer_id", "event"]
MONTH = 30.44


def youngest(seen: pl.LazyFrame, told: dict[str, pl.LazyFrame]) -> pl.LazyFrame:
    """A row a customer and event whose child's age can be told closely enough."""
    sighted = seen.filter(pl.col("sign").is_not_null()).select(*OF, "ago", "sign").unique().join(told["sizes"], on=["event", "sign"])
    elder = sighted.filter("larger").group_by(OF).agg(elder=pl.col("ago").max())
    newborns = sighted.filter("newborn").join(elder, on=OF).filter(pl.col("ago") < pl.col("elder"))
    later = newborns.group_by(OF).agg(days=pl.col("ago").n_unique(), born=pl.col("ago").max())
    months = (pl.col("born") - pl.col("ago")) / MONTH
    grown_into = (pl.col("ago") <= pl.col("born")) & (pl.col("starts") <= pl.col("newborn_until") + months)
    of_youngest = sighted.join(told["children"], on="event").join(later, on=OF, how="left").filter(
        pl.col("days").is_null() | ((pl.col("days") >= pl.col("newborn_days")) & grown_into))
    of_size = ["sign", "starts", "ends", "early", "late", "doubt", "sizes", "tail", "widest"]
    worn = of_youngest.group_by(*OF, *of_size).agg(first=pl.col("ago").max(), last=pl.col("ago").min())
    score = _fit("last") + pl.when(pl.col("first") > pl.col("last")).then(_fit("first")).otherwise(0.0)
    likely = worn.join(told["ages"], on="event").group_by(*OF, "months", "tail", "widest").agg(score=score.sum())
    weighed = likely.with_columns(weight=(pl.col("score") - pl.col("score").max().over(OF)).exp()).sort("months")
    weight, below = pl.col("weight"), pl.col("weight").cum_sum()
    tail = pl.col("tail").first()
    return weighed.group_by(*OF, "widest", maintain_order=True).agg(
        child_age_months=((pl.col("months") * weight).sum() / weight.sum()).round(1),
        child_age_from_months=(below < tail * weight.sum()).sum().cast(pl.Float64),
        child_age_to_months=(below < (1 - tail) * weight.sum()).sum().cast(pl.Float64),
    ).filter(pl.col("child_age_to_months") - pl.col("child_age_from_months") <= pl.col("widest"))  # fmt: skip


def _fit(ago: str) -> pl.Expr:
    """Log-likelihood of a size on a day, at an age today: it fits, nearly fits, or was for somebody else."""
    then = pl.col("months") - pl.col(ago) / MONTH
    beyond = pl.max_horizontal((pl.col("starts") - then) / pl.col("early"), (then - pl.col("ends")) / pl.col("late")).clip(0)
    return (pl.col("doubt") / pl.col("sizes") + (1 - pl.col("doubt")) * (-0.5 * beyond**2).exp()).log()
