"""How unusual a flow is for this customer: a return period, p- and q-values beside it, and the odds that it is an event.

For a customer and direction, with n own flows of log amount (median m_c, spread s_c from the interquartile range) over
T days of exposure, and a peer group (median m_p, rate r_p a day; s_w² within its members, tau² between them):

    s² = max((n s_c² + k s_w²) / (n + k), s_min²)          w = n tau² / (n tau² + 1.57 s²)
    m = w m_c + (1 - w) m_p                                 u² = (1 - w) tau²
    rate = (n + 1) / (T + 1 / r_p)
    return period in years = 1 / (365.25 · rate · E S((ln x - m - u e) / s))

1.57 s² / n is the variance of a median of n, so w is what n own flows weigh against peers who differ by tau among each other
(empirical Bayes, Efron and Morris 1975). S is the survival function of Student's t with few degrees of freedom: flows have heavy
tails. What is not known of the customer's own median, u, is normal, and averaged over (E, at the three Gauss-Hermite points):
taken into the Student scale instead, it would get a heavy tail too, and new customers' large flows would look ordinary. T is the
customer's own tenure within the baseline window, not the window: with a fixed window new accounts rank worse than a plain
z-score. p-values are conformal (Bates et al. 2021, arXiv 2104.08279): the rank of the surprise among the surprises of the days
before; a Gaussian p-value at a nominal false discovery rate of 10 % realises about 74 %. q-values: Benjamini-Hochberg. Nobody knows which
of those days were events: a day rare enough to be told counts by the chance that it was none. Left out whole, such days would take the
false alarms with them, and q-values come out far too small; kept whole, none would ever be small.

Among flows that are rare enough, the ranking is by likelihood ratio: events are some e^mu times what is usual, give or take e^sigma,
with the same Student tail, so that the largest flow is never thought the less likely event by much.

    ln odds = ln E t((ln x - m - u e - mu) / sigma) / sigma - ln(rate · E t((ln x - m - u e) / s) / s) + ln(events a day)
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from datetime import date, timedelta

import pyspark.sql.functions as F
from pyspark.sql import Column, DataFrame, Window

from conf.settings import Flows
from features.baselines import IQR_OF_NORMAL, SERIES, counts_of, distributions, quartiles
from features.flows import DEPOSIT_PRODUCTS
from models.flow_chance import Learned, chance

BANDS = ["age_band", "income_band", "account_types"]  # of a peer group, dropped from the last on where it would be too small
DAYS_A_YEAR = 365.25
VARIANCE_OF_MEDIAN = math.pi / 2  # times the variance, over n, of normal observations
STEADY_FLOWS = 10  # a customer with as many tells how far flows lie apart within one customer
MIN_BETWEEN = 0.05  # variance between customers: peers never tell a customer's usual to the last yuan
GAUSS_HERMITE = ((0.0, 2 / 3), (math.sqrt(3), 1 / 6), (-math.sqrt(3), 1 / 6))  # points and shares of a normal
SURPRISE_STEP = 0.01  # calibration counts surprises in steps: a p-value needs ranks, not digits


def student_survival(t: Column, degrees_of_freedom: int) -> Column:
    """P(T > t) for t >= 0 and an even number of degrees of freedom, in closed form.

    Abramowitz and Stegun 26.7.4: with theta = atan(t / sqrt(v)),
    A(t|v) = sin(theta) (1 + cos²/2 + 1·3 cos⁴/(2·4) + … up to cos^(v-2)), and P(T > t) = (1 - A) / 2.
    """
    if degrees_of_freedom % 2 or degrees_of_freedom < 2:
        raise ValueError("an even number of degrees of freedom, at least 2")
    cos2 = F.lit(float(degrees_of_freedom)) / (degrees_of_freedom + t * t)
    total, term, coefficient = F.lit(1.0), F.lit(1.0), 1.0
    for i in range(1, degrees_of_freedom // 2):
        coefficient *= (2 * i - 1) / (2 * i)
        term = term * cos2
        total = total + coefficient * term
    a = F.sqrt(F.lit(1.0) - cos2) * total
    return F.greatest((1.0 - a) / 2.0, F.lit(1e-14))


def own_baselines(baseline: DataFrame, settings: Flows) -> DataFrame:
    """What is usual for each customer: `quartiles` of a baseline, a row a customer, direction and window."""
    return quartiles(baseline, settings.bin_ratio)


def peer_baselines(baseline: DataFrame, own: DataFrame, exposure: DataFrame, settings: Flows) -> DataFrame:
    """What is usual in each peer group: of age × income × accounts, age × income, age, everyone the finest that is large enough.

    Parameters
    ----------
    baseline : DataFrame as `features.baselines.rebuilt` returns
    own : DataFrame of the same as `own_baselines` returns it
    exposure : DataFrame with `customer_id`, `age_band`, `income_band`, `account_types`, `exposure_days`

    Returns
    -------
    DataFrame, a row a combination of bands, direction and window, with `age_band`, `income_band`, `account_types`, `direction`,
    `window_days`, `peer_group`, `peer_median`, `peer_within` and `peer_between` (variances of log amounts within and between members),
    `peer_rate` (flows a customer and day)
    """
    # first by combination of bands: what follows is a few thousand rows, not every customer in each of four groups
    members = exposure.select("customer_id", *BANDS)
    groups = F.array(*(F.concat_ws(" · ", *BANDS[:count]) for count in range(len(BANDS), 0, -1)), F.lit("all customers"))
    cells = (
        exposure.groupBy(*BANDS)
        .agg(F.count("*").alias("_members"), F.sum("exposure_days").alias("_days"))
        .select("*", F.posexplode(groups).alias("level", "peer_group"))
    )
    sizes = cells.groupBy("peer_group").agg(F.sum("_members").alias("_size"), F.sum("_days").alias("_exposure"))
    finest = (
        cells.join(sizes, "peer_group")
        .where((F.col("_size") >= settings.min_peers) | (F.col("level") == len(BANDS)))
        .groupBy(*BANDS)
        .agg(F.min_by(F.struct("peer_group", "_exposure"), "level").alias("_g"))
        .select(*BANDS, "_g.*")
    )
    of_groups = F.broadcast(cells.select(*BANDS, "peer_group").join(finest.select("peer_group").distinct(), "peer_group"))
    series = ("peer_group", "direction", "window_days")
    of_members = counts_of(baseline.join(members, "customer_id"))
    by_cell = of_members.groupBy(*BANDS, "direction", "window_days", "bin").agg(F.sum("count").alias("count"))
    counts = by_cell.join(of_groups, BANDS).groupBy(*series, "bin").agg(F.sum("count").alias("count"))
    usual = quartiles(distributions(counts, series), settings.bin_ratio).withColumn("_all", spread() * spread())
    steady = (
        own.where(F.col("n") >= STEADY_FLOWS)
        .join(members, "customer_id")
        .join(of_groups, BANDS)
        .groupBy(*series)
        .agg((F.percentile(spread(), F.lit(0.5)) ** 2).alias("_within"))
    )
    within = F.least(F.coalesce("_within", F.col("_all")), F.col("_all"))
    return finest.join(usual.join(steady, list(series), "left"), "peer_group").select(
        *BANDS,
        "direction",
        "window_days",
        "peer_group",
        F.col("median").alias("peer_median"),
        within.alias("peer_within"),
        F.greatest(F.col("_all") - within, F.lit(MIN_BETWEEN)).alias("peer_between"),
        (F.col("n") / F.greatest(F.col("_exposure"), F.lit(1))).alias("peer_rate"),
    )


def spread() -> Column:
    """Robust standard deviation of a normal. Columns read: `q25`, `q75`."""
    return (F.col("q75") - F.col("q25")) / IQR_OF_NORMAL


def surprises(sums: DataFrame, baseline: DataFrame, own: DataFrame, exposure: DataFrame, settings: Flows) -> DataFrame:
    """How surprising each window sum is.

    Parameters
    ----------
    sums : DataFrame as `window_sums` returns: what is judged, with all windows of a unit
    baseline : DataFrame as `features.baselines.rebuilt` returns, of a day before all of `sums`
    own : DataFrame of the same as `own_baselines` returns it; read twice, so keep it when it is large
    exposure : DataFrame with `customer_id`, `age_band`, `income_band`, `account_types`, `exposure_days` (own days behind the baseline),
        `tenure_days` (as a customer, on the baseline's day)
    settings : Flows

    Returns
    -------
    DataFrame: `sums` with `observations`, `peer_group`, `peer_weight`, `usual_amount`, `usual_month` (the same in every window, as the
    shortest tells it: sums of the longer ones share days), `return_period_years` (never above the configured most), `surprise` (its
    natural log, not cut), `log_odds` (of an event against a usual flow), `settled` (a customer for long enough). Sums for which not even
    peers tell what is usual are gone.
    """
    peers = peer_baselines(baseline, own, exposure, settings)
    n, k = F.coalesce(F.col("n"), F.lit(0)), float(settings.prior_observations)
    n_settled = n * F.least(F.col("tenure_days") / F.lit(float(settings.settling_days)), F.lit(1.0))
    own_variance = F.coalesce(spread() * spread(), F.lit(0.0))
    variance = F.greatest((n_settled * own_variance + k * F.col("peer_within")) / (n_settled + k), F.lit(settings.min_spread**2))
    known = n_settled * F.col("peer_between")
    weight = known / (known + VARIANCE_OF_MEDIAN * F.col("_variance"))
    unknown = F.sqrt((1 - F.col("_weight")) * F.col("peer_between"))
    own_center = F.col("_weight") * F.coalesce("median", F.lit(0.0)) + (1 - F.col("_weight")) * F.col("peer_median")
    multiple = F.log(F.col("amount").cast("double")) - F.col("_center")
    rate = (n + 1) / (F.greatest("exposure_days", F.lit(1)) + 1 / F.col("peer_rate"))
    years = 1 / (DAYS_A_YEAR * F.col("_rate") * _tail(settings.tail_degrees_of_freedom))
    told = F.least(F.col("_years"), F.lit(settings.max_return_period_years))
    month = F.round(F.exp("_center") * F.col("_rate") * 30, 2).cast("decimal(18,2)")
    shortest = Window.partitionBy("customer_id", "business_date", "direction").orderBy("window_days")
    return (
        sums.join(own, list(SERIES), "left")
        .join(exposure.select("customer_id", *BANDS, "exposure_days", "tenure_days"), "customer_id")
        .join(F.broadcast(peers), [*BANDS, "direction", "window_days"])
        .withColumns({"_variance": variance, "_rate": rate})
        .withColumns({"_weight": weight, "_scale": F.sqrt("_variance")})
        .withColumns({"_unknown": unknown, "_center": own_center})
        .withColumn("_multiple", multiple)
        .withColumns({"_years": years, "_month": month})
        .select(
            *sums.columns,
            n.alias("observations"),
            "peer_group",
            F.round(1 - F.col("_weight"), 3).alias("peer_weight"),
            F.round(F.exp("_center"), 2).cast("decimal(18,2)").alias("usual_amount"),
            F.first("_month").over(shortest).alias("usual_month"),
            F.round(told, 4).alias("return_period_years"),
            F.round(F.log("_years"), 6).alias("surprise"),
            F.round(_log_odds(settings), 6).alias("log_odds"),
            (F.col("tenure_days") >= settings.settling_days).alias("settled"),
        )
    )


def _averaged(of: Callable[[Column], Column]) -> Column:
    """Mean over what is not known of the customer's median of a function of how far the amount lies above it."""
    parts = [F.lit(share) * of(F.col("_multiple") - point * F.col("_unknown")) for point, share in GAUSS_HERMITE]
    return functools.reduce(Column.__add__, parts)


def _tail(degrees_of_freedom: int) -> Column:
    """Chance that a usual flow is at least as large."""

    def survival(above: Column) -> Column:
        beyond = student_survival(F.abs(above / F.col("_scale")), degrees_of_freedom)
        return F.when(above > 0, beyond).otherwise(1 - beyond)

    return _averaged(survival)


def _log_odds(settings: Flows) -> Column:
    """Log odds of an event against a usual flow; the constants of the two Student densities cancel."""
    nu, event = settings.tail_degrees_of_freedom, settings.event

    def density(off: Column, scale: Column) -> Column:
        return F.pow(1 + off * off / (scale * scale) / nu, F.lit(-(nu + 1) / 2)) / scale

    usual = _averaged(lambda above: density(above, F.col("_scale")))
    news = _averaged(lambda above: density(above - event.log_multiple, F.lit(event.log_spread)))
    return F.log(news / usual) + F.log(event.a_year / DAYS_A_YEAR / F.col("_rate"))


def calibrating(past: DataFrame, answers: Learned) -> DataFrame:
    """What p-values are ranked among: past days, each as far as it was probably a false alarm.

    Parameters
    ----------
    past : DataFrame with `surprise`, `log_odds` (null, as of what was no news, counts whole)
    answers : Learned
        What is known of the odds from answered flows.

    Returns
    -------
    DataFrame with `surprise`, `weight` decimal(5,4): decimals add up to the same in any order
    """
    weight = F.when(F.col("log_odds").isNotNull(), 1 - chance(answers)).otherwise(1.0)
    return past.select("surprise", weight.cast("decimal(5,4)").alias("weight"))


def with_p_and_q(judged: DataFrame, past: DataFrame) -> DataFrame:
    """Adds conformal p-values and Benjamini-Hochberg q-values.

    Parameters
    ----------
    judged : DataFrame with `surprise`: today's units, one row each
    past : DataFrame as `calibrating` returns, of the days before

    Returns
    -------
    DataFrame with `p_value` = (1 + weight of past surprises at least as large) / (1 + weight of past surprises), and `q_value`
    """
    step = F.floor(F.col("surprise") / SURPRISE_STEP).alias("_step")
    past = past.where("surprise IS NOT NULL").groupBy(step).agg(F.sum("weight").alias("_past"), F.lit(0).cast("long").alias("_now"))
    now = judged.where("surprise IS NOT NULL").groupBy(step).agg(F.lit(0).cast("decimal(5,4)").alias("_past"), F.count("*").alias("_now"))
    # a p-value, and so a q-value, is the step's: a few hundred rows are ranked, however many are judged
    steps = past.unionByName(now).groupBy("_step").agg(F.sum("_past").cast("double").alias("_past"), F.sum("_now").alias("_now"))
    at_least, at_most, all_steps = Window.orderBy(F.col("_step").desc()), Window.orderBy("_step"), Window.partitionBy()
    p_value = (1 + F.sum("_past").over(at_least)) / (1 + F.sum("_past").over(all_steps))
    raw = F.when(F.col("_now") > 0, F.col("p_value") * F.sum("_now").over(all_steps) / F.sum("_now").over(at_least))
    ladder = (
        steps.withColumn("p_value", p_value)
        .withColumn("_raw", raw)
        .select("_step", "p_value", F.least(F.min("_raw").over(at_most), F.lit(1.0)).alias("q_value"))
    )
    return judged.withColumn("_step", step).join(F.broadcast(ladder), "_step").drop("_step")


def exposures(accounts: DataFrame, data_start: date, as_of: date, baseline_days: int, silent: Sequence[date] = ()) -> DataFrame:
    """How long each customer with deposits could have had flows. Other products have none: an old card says nothing of a new account.

    Parameters
    ----------
    accounts : DataFrame with `customer_id`, `product_type`, `opened_on`, `closed_on`, one row an account
    data_start, as_of : first day of all data, and the day of the baseline
    baseline_days : int
    silent : sequence of date
        Days of which the bank's feed had nothing at all: nobody could be seen to move anything.

    Returns
    -------
    DataFrame with `customer_id`, `exposure_days` (from the first deposit account on, until the last is closed, cut to the data and to
    the window, without silent days), `tenure_days` (from the first up to and including `as_of`); 0 before it; and `account_types` (current,
    savings, both, or a time deposit alone). Who had none within the window is not in it.
    """
    start = F.lit(max(data_start, as_of - timedelta(days=baseline_days - 1)))
    held = F.col("product_type").isin(*DEPOSIT_PRODUCTS) & F.coalesce(F.col("closed_on") >= start, F.lit(True))
    current, savings = (F.bool_or(F.col("product_type") == kind) for kind in ("current", "savings"))
    types = F.when(current & savings, "current and savings").when(current, "current").when(savings, "savings").otherwise("time deposit")
    first, last = F.min("opened_on"), F.least(F.max(F.coalesce("closed_on", F.lit(as_of))), F.lit(as_of))
    spans = accounts.where(held).groupBy("customer_id").agg(
        F.greatest(first, start).alias("_first"), last.alias("_last"), _days(first, F.lit(as_of)).alias("tenure_days"),
        types.alias("account_types"))
    days = F.array(*[F.lit(day) for day in silent]).cast("array<date>")
    unseen = F.size(F.filter(days, lambda day: day.between(F.col("_first"), F.col("_last"))))
    seen = _days(F.col("_first"), F.col("_last")) - unseen
    return spans.select("customer_id", seen.alias("exposure_days"), "tenure_days", "account_types")


def _days(first: Column, last: Column) -> Column:
    return F.greatest(F.date_diff(last, first) + 1, F.lit(0))
