"""How well abnormal flows are found: the product's own functions on worlds whose every true event is known.

    python -m benchmarks.evaluate_flows [--customers 4000] [--seeds 5]

Each world has customers with their own log-normal scale, heavy Student tails and rate of flows, a fifth of them new, over
400 days; in the last 60 days events are planted that are about twenty times (adverse world: seven times) what is usual for
the customer. Judged are single days in one direction, by the product and by the usual rules and detectors, at equal
numbers of alerts. The oracle knows each customer's true law of usual flows, but not the law of events. Parameters of the
worlds stand here only; nothing of the product can import them.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
from pyspark.sql import DataFrame, SparkSession
from scipy import stats
from sklearn.ensemble import IsolationForest
from sklearn.metrics import average_precision_score

from conf import load_settings
from conf.settings import Flows
from features.baselines import bin_counts
from jobs.session import start
from models.abnormal_flow import surprises

DAYS, JUDGED_DAYS, EVENTS_A_CUSTOMER, TAIL = 400, 60, 0.075, 4
LAST = date(2026, 11, 30)
REPORT = Path("docs/evaluation/flows.md")
SHORT = 15  # observations below which a history is short


@dataclass(frozen=True)
class World:
    """One direction's days: `flows` has customer, day, amount, event; the others one value a customer."""

    flows: pd.DataFrame
    center: np.ndarray
    spread: np.ndarray
    rate: np.ndarray
    first_day: np.ndarray
    income: np.ndarray


def world(customers: int, seed: int, multiple: float = 3.0) -> World:
    """Draw a world; `multiple` is the mean log of how much larger an event is than usual."""
    rng = np.random.default_rng(seed)
    band = rng.integers(0, 4, customers)
    center = 6.0 + 0.5 * band + rng.normal(0, 0.7, customers)
    spread = np.exp(rng.normal(np.log(0.55), 0.3, customers))
    rate = np.clip(np.exp(rng.normal(np.log(0.16), 0.7, customers)), 0.01, 0.9)
    first = np.where(rng.random(customers) < 0.2, rng.integers(DAYS - 120, DAYS - 5, customers), 0)
    active = rng.random((customers, DAYS)) < rate[:, None]
    active &= np.arange(DAYS)[None, :] >= first[:, None]
    who, day = np.nonzero(active)
    amount = np.exp(center[who] + spread[who] * rng.standard_t(TAIL, len(who)))
    count = int(customers * EVENTS_A_CUSTOMER)
    victim = rng.choice(customers, count, replace=False)
    event_amount = np.exp(center[victim] + rng.normal(multiple, 0.8, count))
    event_day = np.maximum(rng.integers(DAYS - JUDGED_DAYS, DAYS, count), first[victim])
    flows = pd.DataFrame({"customer": np.r_[who, victim], "day": np.r_[day, event_day], "amount": np.r_[amount, event_amount],
                          "event": np.r_[np.zeros(len(who), int), np.ones(count, int)]})
    flows = flows.groupby(["customer", "day"], as_index=False).agg(amount=("amount", "sum"), event=("event", "max"))
    flows["amount"] = flows["amount"].round(2).clip(lower=0.01)
    return World(flows, center, spread, rate, first, band)


def product(spark: SparkSession, of: World, settings: Flows) -> np.ndarray:
    """The product's surprise of every judged day."""
    past, judged = _split(of)
    baseline = bin_counts(_sums(spark, past), settings.bin_ratio)
    tenure = np.maximum(DAYS - JUDGED_DAYS - of.first_day, 0)
    bands = pd.DataFrame({"customer_id": _names(np.arange(len(of.center))), "age_band": "all", "income_band": of.income.astype(str),
                          "exposure_days": np.minimum(tenure, settings.baseline_days)})
    scored = surprises(_sums(spark, judged), baseline, spark.createDataFrame(bands), settings)
    found = scored.select("customer_id", "business_date", "surprise").toPandas()
    found["customer"] = found["customer_id"].str[1:].astype(int)
    found["day"] = [(on - LAST).days + DAYS - 1 for on in found["business_date"]]
    return judged.merge(found[["customer", "day", "surprise"]], on=["customer", "day"], how="left")["surprise"].fillna(-99).to_numpy()


def usual_rules(of: World) -> dict[str, np.ndarray]:
    """Scores of the rules and detectors in common use, and of the oracle."""
    past, judged = _split(of)
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
    true_z = (x - of.center[who]) / of.spread[who]
    return {
        "fixed amount": x,
        "4 x median": x - middle,
        "99th percentile of the customer": x - np.log(own("p99", float(np.exp(everyone.quantile(0.99))))),
        "mean + k sd": (x - center) / spread,
        "log MAD": (x - middle) / np.maximum(mad.reindex(range(len(of.center))).fillna(0.5).to_numpy()[who] * 1.4826, 0.15),
        "IsolationForest": -forest.score_samples(shape),
        "ECOD": -_empirical_tails(shape).sum(axis=1),
        "oracle (true usual law)": -np.log(of.rate[who] * np.maximum(stats.t.sf(true_z, TAIL), 1e-15)),
    }


def evaluated(spark: SparkSession, customers: int, seeds: int, settings: Flows, multiple: float) -> pd.DataFrame:
    """Mean and minimum over seeds of every figure, one row a method."""
    rows = []
    for seed in range(seeds):
        of = world(customers, 100 + seed, multiple)
        past, judged = _split(of)
        event = judged["event"].to_numpy()
        short = (past.groupby("customer").size().reindex(range(customers)).fillna(0).to_numpy()[judged["customer"]] < SHORT) & (event == 1)
        for name, score in {"Kehu: return period": product(spark, of, settings), **usual_rules(of)}.items():
            alerts = np.argsort(-score, kind="stable")[: event.sum()]
            hit = np.zeros(len(event), bool)
            hit[alerts] = True
            rows.append({"method": name, "precision at N": event[alerts].mean(), "average precision": average_precision_score(event, score),
                         "recall, short history": hit[short].mean() if short.any() else np.nan})
    table = pd.DataFrame(rows).groupby("method", sort=False).agg(["mean", "min"])
    table.columns = [f"{name}{', min' if how == 'min' else ''}" for name, how in table.columns]
    return table.round(3)


def _split(of: World) -> tuple[pd.DataFrame, pd.DataFrame]:
    border = DAYS - JUDGED_DAYS
    return of.flows[of.flows["day"] < border], of.flows[of.flows["day"] >= border].reset_index(drop=True)


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
    asked.add_argument("--customers", type=int, default=4000)
    asked.add_argument("--seeds", type=int, default=5)
    given = asked.parse_args()
    settings = load_settings()
    spark = start(settings, Path("build/evaluate.log").absolute())
    flows = settings.flows.model_copy(update={"windows_days": (1,)})
    worlds: dict[str, Callable[[], pd.DataFrame]] = {
        "Events about 20 times what is usual": lambda: evaluated(spark, given.customers, given.seeds, flows, 3.0),
        "Adverse: events about 7 times what is usual": lambda: evaluated(spark, given.customers, given.seeds, flows, 1.95),
    }
    parts = ["# Abnormal flows on worlds with known events", "",
             f"`python -m benchmarks.evaluate_flows --customers {given.customers} --seeds {given.seeds}`: {given.customers:,} customers, "
             f"{DAYS} days, {given.seeds} seeds; N alerts are sent, N the number of true events. Mean over seeds, and the minimum.", ""]
    for title, run in worlds.items():
        parts += [f"## {title}", "", _markdown(run()), ""]
        print("\n".join(parts[-3:]), flush=True)
    REPORT.parent.mkdir(parents=True, exist_ok=True)
    REPORT.write_text("\n".join(parts), encoding="utf-8")


def _markdown(table: pd.DataFrame) -> str:
    head = "| method | " + " | ".join(table.columns) + " |"
    rule = "|---" * (len(table.columns) + 1) + "|"
    body = [f"| {name} | " + " | ".join(f"{value:.3f}" for value in row) + " |"
            for name, row in zip(table.index, table.to_numpy(), strict=True)]
    return "\n".join([head, rule, *body])


if __name__ == "__main__":
    main()
