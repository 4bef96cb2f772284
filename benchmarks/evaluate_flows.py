"""How well abnormal flows are found: the product's own functions on worlds whose every true event is known.

    python -m benchmarks.evaluate_flows [--customers 20000] [--seeds 5]

Each world has customers with their own log-normal scale, heavy Student tails and rate of flows, a fifth of them new, over
400 days; in the last 60 days events are planted that are about twenty times (adverse world: seven times) what is usual for
the customer. Judged are single days in one direction, by the product and by the usual rules and detectors, at equal
numbers of alerts. One oracle knows each customer's true law of usual flows, the other also the law of events. The optimum is the best
that can be made of the past by whoever knows how laws and events are drawn (`benchmarks.flow_world`).
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from scipy import stats
from sklearn.ensemble import IsolationForest
from sklearn.metrics import average_precision_score

from benchmarks.flow_world import DAYS, JUDGED_DAYS, LAW_OF_EVENTS, OPTIMUM, TRUE_LAW, World, oracles, split, world
from benchmarks.report import DOCS, EVALUATION, put, table
from conf import load_settings
from conf.settings import Flows
from features.baselines import bin_counts, distributions
from jobs.session import start
from models.abnormal_flow import calibrating, own_baselines, surprises, with_p_and_q
from models.flow_chance import Learned, chance, learned
from models.materiality import is_abnormal

NOMINAL = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6)
ANSWERED = (0, 30, 100)  # flows whose answers are known when false alarms are estimated
LAST = date(2026, 11, 30)
PICTURE = DOCS / "images" / "flows-p-values.png"
SHORT = 15  # observations below which a history is short


def product(spark: SparkSession, of: World, settings: Flows) -> pd.DataFrame:
    """The product's `surprise` and `log_odds` of every judged day, and whether it is `told`."""
    past, judged = split(of)
    baseline = distributions(bin_counts(_sums(spark, past), settings.bin_ratio))
    tenure = np.maximum(DAYS - JUDGED_DAYS - of.first_day, 0)
    bands = pd.DataFrame({"customer_id": _names(np.arange(len(of.center))), "age_band": "all", "income_band": of.income.astype(str),
                          "account_types": "current", "exposure_days": np.minimum(tenure, settings.baseline_days), "tenure_days": tenure})
    own = own_baselines(baseline, settings)
    sums = _sums(spark, judged).withColumn("day_amount", F.col("amount"))
    scored = surprises(sums, baseline, own, spark.createDataFrame(bands), settings).withColumn("told", is_abnormal(settings))
    found = scored.select("customer_id", "business_date", "surprise", "log_odds", "told").toPandas()
    found["customer"] = found["customer_id"].str[1:].astype(int)
    found["day"] = [(on - LAST).days + DAYS - 1 for on in found["business_date"]]
    wanted = judged.merge(found[["customer", "day", "surprise", "log_odds", "told"]], on=["customer", "day"], how="left")
    return wanted.fillna({"surprise": -99.0, "log_odds": -99.0, "told": False}).astype({"told": bool})


def false_alarms(spark: SparkSession, scored: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame, np.ndarray]:
    """Estimated and realised share of false alarms, by q-values and of all that is told, and p-values of days without an event.

    A third of the customers is judged against the others: both have had events, as a bank's past days have, and nothing says which
    they were but the answers to some of the flows told of the others.
    """
    judged, past = scored[scored["customer"] % 3 == 0], scored[scored["customer"] % 3 > 0]
    rows = pd.DataFrame({"customer_id": _names(judged["customer"].to_numpy()), "direction": "debit",
                         "business_date": [LAST - timedelta(days=DAYS - 1 - int(day)) for day in judged["day"]],
                         **{name: judged[name].to_numpy() for name in ("surprise", "log_odds", "told", "event")}})
    now, before = spark.createDataFrame(rows).localCheckpoint(), spark.createDataFrame(past[["surprise", "log_odds"]]).localCheckpoint()
    shares, days, quiet = [], [], np.array([])
    for answered in ANSWERED:
        told = past[past["told"]]
        asked = told.sample(min(answered, len(told)), random_state=answered)
        answers = learned(asked["log_odds"].to_numpy(), asked["event"].to_numpy() == 1) if answered else Learned()
        ranked = with_p_and_q(now, calibrating(before, answers)).withColumn("chance", chance(answers))
        found = ranked.select("p_value", "q_value", "chance", "told", "event").toPandas()
        told, quiet = found[found["told"]], found.loc[found["event"] == 0, "p_value"].to_numpy()
        days.append({"answers": answered, "told": len(told), "estimated": 1 - told["chance"].mean(), "realised": 1 - told["event"].mean()})
        for nominal in NOMINAL:
            sent = found[found["q_value"] <= nominal]
            shares.append({"answers": answered, "estimated": nominal, "sent": len(sent), "false": int((sent["event"] == 0).sum())})
    return pd.DataFrame(shares), pd.DataFrame(days), quiet


def usual_rules(of: World) -> dict[str, np.ndarray]:
    """Scores of the rules and detectors in common use."""
    past, judged = split(of)
    logs = np.log(past["amount"]).groupby(past["customer"])
    known = pd.DataFrame({"n": logs.size(), "mean": logs.mean(), "sd": logs.std(), "median": logs.median(),
                          "p99": past.groupby("customer")["amount"].quantile(0.99)}).reindex(range(len(of.center)))
    mad = (np.log(past["amount"]) - known["median"].reindex(past["customer"]).to_numpy()).abs().groupby(past["customer"]).median()
    who, x = judged["customer"].to_numpy(), np.log(judged["amount"].to_numpy())

    def own(name: str, missing: float) -> np.ndarray:
        return known[name].fillna(missing).to_numpy()[who]

    everyone = np.log(past["amount"])
    center, middle = own("mean", everyone.mean()), own("median", everyone.median())
    spread = np.maximum(own("sd", everyone.std()), 0.15)
    shape = np.column_stack([x, x - middle, (x - center) / spread, np.log1p(own("n", 0))])
    forest = IsolationForest(random_state=0, n_estimators=100).fit(shape)
    return {
        "fixed amount": x,
        "4 x median": x - middle,
        "99th percentile of the customer": x - np.log(own("p99", float(np.exp(everyone.quantile(0.99))))),
        "mean + k sd": (x - center) / spread,
        "log MAD": (x - middle) / np.maximum(mad.reindex(range(len(of.center))).fillna(0.5).to_numpy()[who] * 1.4826, 0.15),
        "IsolationForest": -forest.score_samples(shape),
        "ECOD": -_empirical_tails(shape).sum(axis=1),
    }


@dataclass
class Evaluated:
    """Figures of one kind of world: a row a method, a nominal share of false alarms, a number of answers; p-values of quiet days."""

    methods: pd.DataFrame
    shares: pd.DataFrame
    told: pd.DataFrame
    p_values: np.ndarray


def evaluated(spark: SparkSession, customers: int, seeds: int, settings: Flows, multiple: float) -> Evaluated:
    """Mean and minimum of every figure over seeds."""
    rows, shares, days, quiet = [], [], [], []
    for seed in range(seeds):
        of = world(customers, 100 + seed, multiple)
        past, judged = split(of)
        scored = product(spark, of, settings)
        event, count = judged["event"].to_numpy(), int(judged["event"].sum())
        known = past.groupby("customer").size().reindex(range(customers)).fillna(0).to_numpy()[judged["customer"]]
        short = (known < SHORT) & (event == 1)
        ours = {"Kehu: chance (ranks)": scored["log_odds"].to_numpy(), "Kehu: return period (gates)": scored["surprise"].to_numpy()}
        for name, score in {**ours, **usual_rules(of), **oracles(of)}.items():
            order = np.argsort(-score, kind="stable")
            within = np.isin(np.arange(len(event)), order[: count * 3 // 2])
            rows.append({"method": name, "precision at N": event[order[:count]].mean(),
                         "average precision": average_precision_score(event, score), "recall at 1.5 N": within[event == 1].mean(),
                         "the same, short history": within[short].mean() if short.any() else np.nan})
        share, told, p_values = false_alarms(spark, scored)
        shares.append(share)
        days.append(told)
        quiet.append(p_values)
        print(f"  seed {seed}: {len(judged):,} days judged, {count} events", flush=True)
    table = pd.DataFrame(rows).groupby("method", sort=False).agg(["mean", "min"])
    table.columns = [f"{name}{', min' if how == 'min' else ''}" for name, how in table.columns]
    every = pd.concat(shares).groupby(["estimated", "answers"])[["sent", "false"]].sum()
    every["realised"] = every["false"] / every["sent"]
    share = every[["sent", "realised"]].unstack("answers").swaplevel(axis=1).sort_index(axis=1, level=0, sort_remaining=False)
    share.columns = [f"{name}, {answered} answers" for answered, name in share.columns]
    return Evaluated(table.round(3), share.round(3), pd.concat(days).groupby("answers").mean().round(3), np.concatenate(quiet))


def _sums(spark: SparkSession, flows: pd.DataFrame) -> DataFrame:
    on = pd.to_datetime([LAST - timedelta(days=DAYS - 1 - int(day)) for day in flows["day"]]).date
    return spark.createDataFrame(pd.DataFrame({
        "customer_id": _names(flows["customer"].to_numpy()), "business_date": on, "direction": "debit",
                                               "window_days": np.int32(1), "amount": flows["amount"].to_numpy()})).selectExpr(
        "customer_id", "business_date", "direction", "window_days", "cast(amount as decimal(18,2)) amount")


def _names(numbers: np.ndarray) -> list[str]:
    return [f"c{number}" for number in numbers]


def _empirical_tails(shape: np.ndarray) -> np.ndarray:
    """Log of each column's upper empirical tail (Li et al. 2022, ECOD, right tails)."""
    ranks = stats.rankdata(-shape, axis=0, method="max")
    return np.log(ranks / len(shape))


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--customers", type=int, default=20_000)
    asked.add_argument("--seeds", type=int, default=5)
    given = asked.parse_args()
    settings = load_settings()
    spark = start(settings, Path("build/evaluate.log").absolute())
    flows = settings.flows.model_copy(update={"windows_days": (1,), "month_ends": ()})  # these worlds know no calendar
    worlds = {"Events about 20 times what is usual": 3.0, "Adverse: events about 7 times what is usual": 1.95}
    parts = ["## Abnormal flows on worlds with known events", "",
             f"`python -m benchmarks.evaluate_flows --customers {given.customers} --seeds {given.seeds}`: {given.customers:,} customers, "
             f"{DAYS} days, {given.seeds} seeds; N alerts are sent, N the number of true events. Mean over seeds, and the minimum.", ""]
    quiet = {}
    for title, multiple in worlds.items():
        found = evaluated(spark, given.customers, given.seeds, flows, multiple)
        quiet[title] = found.p_values
        parts += [f"### {title}", "", _markdown(found.methods, "method"), "", _ratios(found.methods), "",
                  "Share of false alarms, as estimated by q-values and as realised, all seeds, without any answers and with so many:", "",
                  _markdown(found.shares, "estimated"), "",
                  "Of all that is told, as estimated by the chances and as realised, mean over seeds:", "",
                  _markdown(found.told, "answers"), ""]
        print("\n".join(parts[-12:]), flush=True)
    parts += ["p-values of days on which nothing was planted, which should be flat at 1:", "", f"![p-values](images/{PICTURE.name})", ""]
    put(EVALUATION, "flows", "\n".join(parts))
    _draw(quiet)


def _ratios(table: pd.DataFrame) -> str:
    """What the figures come to against the oracles and the detectors in common use."""
    at_n, ours = table["precision at N"], table["precision at N"].iloc[0]
    beside = {name: ours / at_n[name] for name in (TRUE_LAW, LAW_OF_EVENTS, OPTIMUM, "IsolationForest", "ECOD", "mean + k sd")}
    short = table["the same, short history"]
    return ("At N alerts the chance finds " + ", ".join(f"{ratio:.0%} of what {name} finds" for name, ratio in beside.items())
            + f"; with short histories, at 1.5 N, {short.iloc[0] / short[TRUE_LAW]:.0%} of what the first oracle does, and "
            f"{short.iloc[0] / short[OPTIMUM]:.0%} of what the optimum does.")


def _draw(quiet: dict[str, np.ndarray]) -> None:
    figure, axes = plt.subplots(figsize=(6, 3), layout="constrained")
    for title, p_values in quiet.items():
        axes.hist(p_values, bins=50, range=(0, 1), density=True, histtype="step", label=title)
    axes.axhline(1, color="grey", linewidth=0.8)
    axes.set(xlabel="p-value", ylabel="density", ylim=(0, 1.6))
    axes.legend(fontsize=8)
    figure.savefig(PICTURE, dpi=130)


def _markdown(figures: pd.DataFrame, first: str) -> str:
    rows = [[str(name), *(f"{each:,}" if isinstance(each, int) else f"{each:.3f}" for each in row)] for name, *row in figures.itertuples()]
    return table([first, *figures.columns], rows)


if __name__ == "__main__":
    main()
