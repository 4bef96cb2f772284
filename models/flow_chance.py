"""The chance that a relationship manager finds a flow real news: the model's odds, corrected by what came of the calls.

    ln odds of real news = a + b · ln odds of an event

Until outcomes exist a is 0 and b is 1. Both are then estimated from answered flows by penalised maximum likelihood (normal priors
around 0 and 1), so that few answers move little. Only flows that were told have answers: what is learned is the order among these.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyspark.sql.functions as F
from pyspark.sql import Column, DataFrame
from scipy.optimize import minimize

from conf.codes import NEWS, REACHED

MIN_ANSWERS = 30  # below it the figures as they are
PRIOR_SD = (1.0, 0.3)  # of a and of b
RARITY = (10, 100)  # years of return period: where one band of the report ends and the next begins
LARGEST = 20.0  # of log odds; beyond it a chance is certain enough


@dataclass(frozen=True)
class Learned:
    """What answered flows say of the odds."""

    intercept: float = 0.0
    slope: float = 1.0
    answers: int = 0


def answered_flows(outcomes: DataFrame, alerts: DataFrame, flows: DataFrame) -> DataFrame:
    """Flows whose alert was answered, by its last answer.

    Parameters
    ----------
    outcomes : DataFrame as `telling` returns
    alerts : DataFrame with `alert_id`, `flow_ids`
    flows : DataFrame with `flow_id` and whatever else is wanted

    Returns
    -------
    DataFrame: `flows` with `real` (boolean) and `told_cause` (what the customer said it was)
    """
    last = outcomes.groupBy("alert_id").agg(F.max(F.struct("recorded_at", "outcome", "cause")).alias("_last"))
    told = alerts.join(last, "alert_id").select("_last", F.explode("flow_ids").alias("flow_id"))
    one = told.groupBy("flow_id").agg(F.max("_last").alias("_last"))
    said = one.select("flow_id", F.col("_last.outcome").isin(*NEWS).alias("real"), F.col("_last.cause").alias("told_cause"))
    return flows.join(said, "flow_id")


def by_trigger(answered: DataFrame) -> DataFrame:
    """How often each kind of flow was news, by how rare it was said to be: where thresholds are too low, and what is not netted.

    Parameters
    ----------
    answered : DataFrame as `answered_flows` returns, with `kind`, `return_period_years`, `chance`

    Returns
    -------
    DataFrame with `kind`, `rarity` (empty for hard events), `answered`, `real`, `expected` (sum of chances; null for hard events),
    `false_because` (the causes told of false alarms, the most frequent first)
    """
    years = F.col("return_period_years")
    rarity = F.when(years < RARITY[0], f"below {RARITY[0]} years").when(years < RARITY[1], f"{RARITY[0]} to {RARITY[1]} years")
    rarity = F.when(years.isNull(), "").otherwise(F.coalesce(rarity, F.lit(f"{RARITY[1]} years and more")))
    why = F.when(~F.col("real"), F.coalesce("told_cause", F.lit("none_given")))
    causes = answered.groupBy("kind", rarity.alias("rarity"), why.alias("why")).agg(
        F.count("*").alias("n"), F.count_if("real").alias("real"), F.sum("chance").alias("expected")
    )
    most = F.sort_array(F.collect_list(F.when(F.col("why").isNotNull(), F.struct((-F.col("n")).alias("n"), "why"))))
    return (
        causes.groupBy("kind", "rarity")
        .agg(
            F.sum("n").alias("answered"), F.sum("real").alias("real"), F.sum("expected").alias("expected"),
            F.array_join(F.slice(F.transform(most, lambda each: each["why"]), 1, 3), ", ").alias("false_because"),
        )
        .orderBy("kind", "rarity")
    )


def telling(outcomes: DataFrame) -> DataFrame:
    """Outcomes that say whether an alert was news. Column read: `outcome`."""
    return outcomes.where(F.col("outcome").isin(*REACHED))


def learned(log_odds: np.ndarray, real: np.ndarray) -> Learned:
    """Intercept and slope from answered flows.

    Parameters
    ----------
    log_odds : of each answered flow
    real : whether it was real news
    """
    if len(real) < MIN_ANSWERS:
        return Learned(answers=len(real))
    x, y = np.clip(log_odds.astype(float), -LARGEST, LARGEST), real.astype(float)

    def loss(at: np.ndarray) -> float:
        said = at[0] + at[1] * x
        prior = (at[0] / PRIOR_SD[0]) ** 2 / 2 + ((at[1] - 1) / PRIOR_SD[1]) ** 2 / 2
        return float(np.logaddexp(0, said).sum() - (y * said).sum() + prior)

    found = minimize(loss, np.array([0.0, 1.0]), method="L-BFGS-B", bounds=[(None, None), (0.0, None)])
    return Learned(round(float(found.x[0]), 4), round(float(found.x[1]), 4), len(real))


def chance(of: Learned) -> Column:
    """The chance that a flow is real news. Column read: `log_odds`."""
    odds = F.lit(of.intercept) + F.lit(of.slope) * F.greatest(F.least(F.col("log_odds"), F.lit(LARGEST)), F.lit(-LARGEST))
    return F.round(1 / (1 + F.exp(-odds)), 4)
