"""Offer models on simulated worlds whose chances of uptake are known: `python -m benchmarks.evaluate_offers [--small]`.

Figures rank designs; they do not predict a bank's. Where chances are known, AUC and log loss are computed from them instead of from
drawn outcomes, so that only training is noisy. LightGBM is compared where it happens to be installed; it is never used.
"""

from __future__ import annotations

import argparse
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier
from threadpoolctl import threadpool_limits

from conf import load_settings
from models.inputs import Inputs
from models.next_best_offer import LabelledRows, family_of, trained_offer
from models.portfolio import portfolio

NEWEST = date(2026, 6, 30)
DAYS = [NEWEST, NEWEST - timedelta(67), *(NEWEST - timedelta(134 + 30 * k) for k in range(4))]
NUMBERS = tuple(f"number_{n:02d}" for n in range(24))
INPUTS = Inputs(NUMBERS, ("segment", "region", "channel"))
OFFERS = ("fx_account", "travel_insurance", "health_insurance", "gold_savings", "pension_plan", "credit_card")  # names only
TITLES = {
    "by_positives": "One offer, by takers to learn from",
    "cold": "An offer with few takers, alone and with two siblings",
    "arbitration": "Value: three offers a customer, and a day's calls within limits",
}
HEAD = (
    "`python -m benchmarks.evaluate_offers`, {seeds} seeds. gap: share of the AUC between knowing nothing and knowing the chance; "
    "skill: the same of log loss; calibration: mean probability over mean chance. Simulated worlds rank designs, they do not predict "
    "a bank's figures."
)
RULE = "recency and frequency rule"
MARGINS, COST = np.array([300.0, 150.0, 400.0, 260.0, 1200.0, 350.0]), 20.0


def customers(draw: np.random.Generator, rows: int) -> pd.DataFrame:
    """Skewed amounts, counts, flags, missing values and categories, as features of bank customers are."""
    common = draw.normal(size=rows)
    frame = {}
    for n, name in enumerate(NUMBERS):
        raw = 0.5 * common + draw.normal(size=rows)
        frame[name] = np.exp(raw) if n % 3 == 0 else draw.poisson(np.exp(raw / 2)).astype(float) if n % 3 == 1 else raw
    for name in NUMBERS[::5]:
        frame[name][draw.random(rows) < 0.1] = np.nan
    frame["segment"] = draw.choice(list("abcde"), rows, p=[0.4, 0.3, 0.15, 0.1, 0.05])
    frame["region"] = draw.choice([f"r{n}" for n in range(12)], rows)
    frame["channel"] = draw.choice(["mobile", "online", "counter"], rows)
    return pd.DataFrame(frame)


def taste(draw: np.random.Generator) -> dict[str, np.ndarray]:
    """What one offer's uptake depends on: ten numbers, some bent, some together, and two categories."""
    return {
        "weights": np.where(draw.random(len(NUMBERS)) < 0.4, draw.normal(0, 0.45, len(NUMBERS)), 0.0),
        "bends": np.where(draw.random(len(NUMBERS)) < 0.15, draw.normal(0, 0.5, len(NUMBERS)), 0.0),
        "pairs": draw.choice(len(NUMBERS), (3, 2), replace=False),
        "strengths": draw.normal(0, 0.3, 3),
        "segments": draw.normal(0, 0.4, 5),
        "channels": draw.normal(0, 0.3, 3),
    }


def blended(shared: dict[str, np.ndarray], own: dict[str, np.ndarray], share: float) -> dict[str, np.ndarray]:
    """An offer of a family: mostly the family's taste."""
    return {key: shared[key] if key == "pairs" else share * shared[key] + (1 - share) * own[key] for key in shared}


def chances(frame: pd.DataFrame, of: dict[str, np.ndarray], rate: float) -> np.ndarray:
    """The true chance of each row, at a mean of `rate`."""
    numbers = np.column_stack([np.log1p(frame[name]) if n % 3 != 2 else frame[name] for n, name in enumerate(NUMBERS)])
    z = np.nan_to_num((numbers - np.nanmean(numbers, axis=0)) / np.nanstd(numbers, axis=0), nan=-0.4)
    score = z @ of["weights"] + np.sin(1.5 * z) @ of["bends"]
    for (a, b), strength in zip(of["pairs"], of["strengths"], strict=True):
        score = score + strength * z[:, a] * z[:, b]
    score = score + of["segments"][frame["segment"].map(dict(zip("abcde", range(5), strict=True)))]
    score = score + of["channels"][frame["channel"].map({"mobile": 0, "online": 1, "counter": 2})]
    low, high = -20.0, 20.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if (1 / (1 + np.exp(-score - middle))).mean() < rate else (low, middle)
    return 1 / (1 + np.exp(-score - low))


def labelled(frame: pd.DataFrame, chance: np.ndarray, draw: np.random.Generator) -> LabelledRows:
    """Drawn outcomes: half the rows train, on four days; a quarter validates; a quarter tests."""
    day = np.array([DAYS[0], DAYS[0], DAYS[1], DAYS[1], *DAYS[2:]], object)[np.arange(len(frame)) % 8]
    groups = pd.DataFrame({"age_band": "unknown", "gender": "unknown"}, index=range(len(frame)))
    return LabelledRows(frame, (draw.random(len(frame)) < chance).astype(int), day, np.arange(len(frame)).astype(str), groups)


def expected_auc(chance: np.ndarray, score: np.ndarray) -> float:
    """AUC with each row as taken with its chance and as not taken with the rest."""
    order = np.argsort(score, kind="stable")
    yes, no = chance[order], 1 - chance[order]
    starts = np.flatnonzero(np.r_[True, np.diff(score[order]) > 0])  # ties count half
    yes, no = np.add.reduceat(yes, starts), np.add.reduceat(no, starts)
    return float((yes * (np.cumsum(no) - no / 2)).sum() / (yes.sum() * no.sum()))


def expected_loss(chance: np.ndarray, said: np.ndarray) -> float:
    p = np.clip(said, 1e-6, 1 - 1e-6)
    return float(-(chance * np.log(p) + (1 - chance) * np.log1p(-p)).mean())


def closed(chance: np.ndarray, said: np.ndarray, rate: float) -> dict[str, float]:
    """Share of the gap from knowing nothing to knowing the chance that is closed, in AUC and in log loss; calibration in the large."""
    nothing, truth = expected_loss(chance, np.full(len(chance), rate)), expected_loss(chance, chance)
    return {
        "gap": (expected_auc(chance, said) - 0.5) / (expected_auc(chance, chance) - 0.5),
        "skill": (nothing - expected_loss(chance, said)) / (nothing - truth),
        "calibration": float(said.mean() / chance.mean()),
    }


def rivals(rows: LabelledRows, newest: pd.DataFrame, seed: int) -> dict[str, np.ndarray]:
    """What else could be used, on the same training and validation rows."""
    learned = rows.on(DAYS[1:])
    encoded, asked = _codes(learned.inputs), _codes(newest)
    said = {
        "popularity": np.full(len(newest), learned.taken.mean()),
        RULE: newest["number_01"].to_numpy() + newest["number_04"].to_numpy(),
        "boosting, defaults": HistGradientBoostingClassifier(random_state=seed).fit(encoded, learned.taken).predict_proba(asked)[:, 1],
    }
    try:
        from lightgbm import LGBMClassifier
    except ImportError:
        return said
    tuned = LGBMClassifier(
        learning_rate=0.03, n_estimators=300, num_leaves=8, min_child_samples=200, reg_lambda=20, colsample_bytree=0.4,
        random_state=seed, n_jobs=1, verbose=-1,
    )  # fmt: skip
    return said | {"LightGBM, tuned": tuned.fit(encoded, learned.taken).predict_proba(asked)[:, 1]}


def _codes(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(**{name: frame[name].astype("category").cat.codes for name in INPUTS.categories})


def by_positives(seeds: int, small: bool) -> pd.DataFrame:
    """One offer, with more and more takers to learn from."""
    settings, found = load_settings(), []
    sizes = [(100, 10_000)] if small else [(500, 100_000), (2_000, 100_000), (8_000, 400_000)]
    for positives, rows in sizes:
        for seed in range(seeds):
            draw = np.random.default_rng((seed, positives))
            frame, rate = customers(draw, rows), positives / rows
            chance = chances(frame, taste(draw), rate)
            learned = labelled(frame, chance, draw)
            trained = trained_offer("fx_account", settings.offers["fx_account"], learned, INPUTS, rate, settings.models)
            newest = np.flatnonzero(learned.as_of == DAYS[0])
            asked = frame.iloc[newest].reset_index(drop=True)
            said = {
                f"kehu ({trained.kind})": trained.model.predict_proba(asked[list(trained.features)] if trained.features else asked)[:, 1]
            }
            for name, score in (said | rivals(learned, asked, seed)).items():
                measured = closed(chance[newest], score, rate)
                if name == RULE:  # orders customers, but says no probability
                    measured |= {"skill": np.nan, "calibration": np.nan}
                found.append({"positives": positives, "seed": seed, "model": name, **measured})
    return pd.DataFrame(found)


def cold(seeds: int, small: bool) -> pd.DataFrame:
    """An offer with few takers, alone and with two siblings that have many."""
    settings, found = load_settings(), []
    rows = 12_000 if small else 40_000
    offer = settings.offers["fx_account"]
    for takers in (30, 100):
        for seed in range(seeds):
            draw = np.random.default_rng((seed, takers, 7))
            frame, shared = customers(draw, rows), taste(draw)
            members = [
                (blended(shared, taste(draw), 0.8), rate) for rate in (2 * takers / rows, 0.04, 0.06)
            ]  # half of all takers are in the training window
            known = [(chances(frame, of, rate), rate) for of, rate in members]
            learned = [labelled(frame, chance, draw) for chance, _ in known]
            family = family_of(learned, 67, INPUTS)
            chance, rate = known[0]
            newest = np.flatnonzero(learned[0].as_of == DAYS[0])
            asked = frame.iloc[newest].reset_index(drop=True)
            patient = settings.models.model_copy(update={"min_positives": 10})
            for name, borrowed in (("alone", None), ("with its family", family)):
                trained = trained_offer("fx_account", offer, learned[0], INPUTS, rate, patient, borrowed)
                score = trained.model.predict_proba(asked[list(trained.features)] if trained.features else asked)[:, 1]
                found.append({"takers": takers, "seed": seed, "model": name, "kind": trained.kind, **closed(chance[newest], score, rate)})
    return pd.DataFrame(found)


def arbitration(seeds: int, small: bool) -> pd.DataFrame:
    """Value of three offers a customer, by true chances; and of a day's calls within limits, against its bound."""
    settings, found = load_settings(), []
    rows = 12_000 if small else 60_000
    for seed in range(seeds):
        draw = np.random.default_rng((seed, 11))
        frame = customers(draw, rows)
        rates = draw.uniform(0.01, 0.06, len(OFFERS))
        truth = np.column_stack([chances(frame, taste(draw), rate) for rate in rates])
        newest, said = None, []
        for at, name in enumerate(OFFERS):
            learned = labelled(frame, truth[:, at], draw)
            trained = trained_offer(name, settings.offers["fx_account"], learned, INPUTS, rates[at], settings.models)
            newest = np.flatnonzero(learned.as_of == DAYS[0])
            asked = frame.iloc[newest].reset_index(drop=True)
            said.append(trained.model.predict_proba(asked[list(trained.features)] if trained.features else asked)[:, 1])
        p, true = np.column_stack(said), truth[newest]
        worth = true * MARGINS - COST
        scores = {
            "oracle": worth,
            "kehu": p * MARGINS - COST,
            "probability alone": p,
            "popularity": np.broadcast_to(rates * MARGINS - COST, p.shape),
        }
        for name, score in scores.items():
            top = np.argsort(-score, axis=1, kind="stable")[:, :3]
            made = np.take_along_axis(score, top, axis=1) > 0
            found.append({"seed": seed, "policy": name, "value": float((np.take_along_axis(worth, top, axis=1) * made).sum(axis=1).mean())})
        day, minutes, quotas = candidates(draw, p)
        best = portfolio(day, minutes, quotas)
        found += [{"seed": seed, "policy": name, "value": value} for name, value in (
            ("a day's calls: bound", best.bound), ("a day's calls: kehu", best.value),
            ("a day's calls: by probability", by_probability(day, minutes, quotas)))]  # fmt: skip
    return pd.DataFrame(found)


def candidates(draw: np.random.Generator, p: np.ndarray) -> tuple[pd.DataFrame, dict[str, float], dict[str, int]]:
    """A day's candidates of twenty RMs with eight hours each, and quotas on two campaigns."""
    n, offers = p.shape
    manager = draw.choice([f"R{number:02d}" for number in range(20)], n)
    takes = np.array([20.0, 10.0, 25.0, 15.0, 45.0, 12.0])
    rows = pd.DataFrame(
        {
            "customer": np.repeat(np.arange(n).astype(str), offers),
            "manager": np.repeat(manager, offers),
            "campaign": np.tile(OFFERS, n),
            "probability": p.ravel(),
            "value": (p * MARGINS - COST).ravel(),
            "minutes": np.tile(takes, n),
        }
    )
    return rows[rows["value"] > 0], {f"R{number:02d}": 480.0 for number in range(20)}, {"pension_plan": 60, "health_insurance": 80}


def by_probability(candidates: pd.DataFrame, minutes: dict[str, float], quotas: dict[str, int], offers_a_customer: int = 1) -> float:
    """Value of what is usually done instead: calls in order of `probability` until the day is full."""
    left_minutes, left_places = dict(minutes), dict(quotas)
    called: dict[str, int] = {}
    value = 0.0
    for row in candidates.sort_values("probability", ascending=False, kind="stable").itertuples():
        if (
            left_minutes.get(row.manager, 0) >= row.minutes
            and left_places.get(row.campaign, 1) >= 1
            and called.get(row.customer, 0) < offers_a_customer
        ):
            left_minutes[row.manager] -= row.minutes
            if row.campaign in left_places:
                left_places[row.campaign] -= 1
            called[row.customer] = called.get(row.customer, 0) + 1
            value += row.value
    return value


def told(name: str, table: pd.DataFrame) -> str:
    """One part's table, means and minima over the seeds, in Markdown."""
    keys = [column for column in ("positives", "takers", "model", "policy") if column in table]
    measured = [column for column in ("gap", "skill", "calibration", "value") if column in table]
    rows = table.groupby(keys, sort=False)[measured].agg(["mean", "min"])
    heads = keys + [f"{column}, min" if of == "min" else column for column, of in rows.columns]
    lines = [f"| {' | '.join(heads)} |", "|" + "---|" * len(heads)]
    for key, *values in rows.itertuples():
        named = key if isinstance(key, tuple) else (key,)
        lines.append("| " + " | ".join([*map(str, named), *(f"{value:.3f}" for value in values)]) + " |")
    return f"## {TITLES[name]}\n\n" + "\n".join(lines) + "\n"


def main() -> None:
    given = argparse.ArgumentParser(description=__doc__)
    given.add_argument("--seeds", type=int, default=5)
    given.add_argument("--small", action="store_true", help="a minute's run, to see that it works; its figures say nothing")
    given.add_argument("--out", type=Path, help="write the page there instead of printing it")
    asked = given.parse_args()
    parts = []
    with threadpool_limits(1):
        for part in (by_positives, cold, arbitration):
            parts.append(told(part.__name__, part(asked.seeds, asked.small)))
            print(parts[-1], flush=True)
    if asked.out:
        asked.out.write_text("\n".join([f"# Offer models on worlds with known chances\n\n{HEAD.format(seeds=asked.seeds)}\n", *parts]))


if __name__ == "__main__":
    main()
