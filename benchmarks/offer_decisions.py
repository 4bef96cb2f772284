"""Decisions on worlds whose chances are known: three offers a customer, a day's calls, other choices read from the lot, effect of calls.

Each function returns rows of figures; `benchmarks.evaluate_offers` draws the worlds, runs them and writes the page.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.offer_worlds import INPUTS, chances, customers, labelled, newest, said_by, taste
from conf import load_settings
from conf.settings import ContactPolicy
from models.candidates import boosted_model
from models.exploration import TICKETS
from models.inputs import Inputs
from models.next_best_offer import LabelledRows, trained_offer
from models.off_policy import off_policy_value
from models.portfolio import portfolio
from worklists.effect import Case, effects

OFFERS = ("fx_account", "travel_insurance", "health_insurance", "gold_savings", "pension_plan", "credit_card")  # names only
MARGINS, COST = np.array([300.0, 150.0, 400.0, 260.0, 1200.0, 350.0]), 20.0
MINUTES = np.array([20.0, 10.0, 25.0, 15.0, 45.0, 12.0])
WAYS = ("by value", "by probability alone")
Row = dict[str, Any]


def arbitration(seed: int, rows: int, replays: int) -> list[Row]:
    """Six offers learned and chosen among: figures of `policy` (three offers), `calls` (a day's) and `replay` (the lot)."""
    settings = load_settings()
    draw = np.random.default_rng((seed, 11))
    frame, rates = customers(draw, rows), draw.uniform(0.01, 0.06, len(OFFERS))
    truth = np.column_stack([chances(frame, taste(draw), rate) for rate in rates])
    learned = [labelled(frame, truth[:, at], draw) for at in range(len(OFFERS))]
    tests = newest(learned[0])
    asked = frame.iloc[tests].reset_index(drop=True)
    offer = settings.offers["fx_account"]
    said = [
        said_by(trained_offer(name, offer, of, INPUTS, rate, settings.models), asked)
        for name, of, rate in zip(OFFERS, learned, rates, strict=True)
    ]
    p, true = np.column_stack(said), truth[tests]
    scores = {
        "oracle": true * MARGINS - COST,
        "kehu": p * MARGINS - COST,
        "one model for all": _one_for_all(learned, asked, settings.models.seed) * MARGINS - COST,
        "probability alone": p,
        "popularity": np.broadcast_to(rates * MARGINS - COST, p.shape),
    }
    found: list[Row] = [{"part": "policy", "seed": seed, "name": name, "value": _three(score, true)} for name, score in scores.items()]
    found += [{"part": "calls", "seed": seed, "name": name, "value": value} for name, value in _day_of_calls(draw, p).items()]
    policy = settings.contact_policy
    logs = [row for calls in (2_000, 20_000) for _ in range(replays) for row in replay(draw, p, true, calls, policy)]
    return found + [row | {"seed": seed} for row in logs]


def replay(draw: np.random.Generator, p: np.ndarray, true: np.ndarray, calls: int, policy: ContactPolicy) -> list[Row]:
    """One log of calls opened by the lot at its default share, and what `kehu effect` would say of each other way, against the truth."""
    value = p * MARGINS - COST
    pool = value >= float(policy.min_expected_value)
    pool &= np.argsort(np.argsort(-value, axis=1, kind="stable"), axis=1) < TICKETS
    able = np.flatnonzero(pool.any(axis=1))
    best = {"by value": np.where(pool, value, -np.inf).argmax(axis=1), "by probability alone": np.where(pool, p, -1).argmax(axis=1)}
    propensity = policy.exploration_share * pool / np.maximum(pool.sum(axis=1, keepdims=True), 1)
    propensity[able, best["by value"][able]] += 1 - policy.exploration_share
    who = draw.choice(able, calls)
    made = (draw.random(calls)[:, None] > np.cumsum(propensity[who], axis=1)).sum(axis=1).clip(0, len(OFFERS) - 1)
    reward = (draw.random(calls) < true[who, made]) * MARGINS[made] - COST
    worth = true * MARGINS - COST
    done = float((propensity[able] * worth[able]).sum(axis=1).mean())
    found: list[Row] = []
    for way in WAYS:
        other = best[way][who]
        logged, same = propensity[who, made], (made == other) * 1.0
        verdict = off_policy_value(reward, logged, same, propensity[who, other], value[who, made], value[who, other])
        is_so = float(worth[able, best[way][able]].mean())
        found.append({
            "part": "replay", "name": way, "calls": calls, "refused": bool(verdict.refused), "effective": verdict.effective,
            "half_width": (verdict.estimates["DR"].high - verdict.estimates["DR"].low) / 2 / is_so,
            "gain": verdict.gain.low <= is_so - done <= verdict.gain.high,
        } | {name: of.low <= is_so <= of.high for name, of in verdict.estimates.items()})  # fmt: skip
    return found


def uplift(world: int, treated: int = 4_000) -> list[Row]:
    """One world of calls with a control group of 5 %: whether the intervals of `kehu effect` hold the true effect of being on a list."""
    draw = np.random.default_rng((world, 29))
    offer, day = load_settings().offers["fx_account"], date(2026, 1, 1)
    rows, base, lift = round(treated / 0.95), draw.uniform(0.01, 0.08), draw.uniform(0.0, 1.5)
    without = np.clip(draw.beta(2, 2 / base - 2, rows), 0, 1)
    spoken_to = draw.random(rows) < 0.7
    with_call = np.clip(without * (1 + lift * draw.uniform(0, 2, rows)), 0, 1)
    control = draw.random(rows) < 0.05
    chance = np.where(~control & spoken_to, with_call, without)
    took = draw.random(rows) < chance
    cases = [
        Case(f"A{n}", f"C{n}", "next_best_offer", "fx_account", day, 50, bool(control[n]),
             "contacted" if spoken_to[n] else "expired", ((offer.uptake.products[0], day + timedelta(days=9)),) if took[n] else (), None)
        for n in range(rows)
    ]  # fmt: skip
    (found,), _ = effects(cases, {"fx_account": offer}, day + timedelta(days=365))
    gained = float(((with_call - without) * spoken_to).mean())
    worth = gained * float(offer.margin) - float(offer.contact_cost) * float(spoken_to.mean())
    return [
        {"part": "uplift", "seed": world, "name": name, "covered": of.low <= truth <= of.high}
        for name, of, truth in (("uptake", found.uptake, gained), ("value", found.value, worth))
        if of.low is not None and of.high is not None
    ]


def _three(score: np.ndarray, true: np.ndarray) -> float:
    """True value a customer of the three best offers by a score, those above 0 only."""
    top = np.argsort(-score, axis=1, kind="stable")[:, :3]
    made = np.take_along_axis(score, top, axis=1) > 0
    return float((np.take_along_axis(true * MARGINS - COST, top, axis=1) * made).sum(axis=1).mean())


def _one_for_all(learned: list[LabelledRows], asked: pd.DataFrame, seed: int) -> np.ndarray:
    """One boosted model over the rows of all offers, the offer as one more category: probabilities, a column an offer."""
    training = [rows.on(sorted(set(rows.as_of))[:-1]) for rows in learned]
    pooled = pd.concat([rows.inputs.assign(offer=name) for name, rows in zip(OFFERS, training, strict=True)], ignore_index=True)
    inputs = Inputs(INPUTS.numbers, (*INPUTS.categories, "offer"))
    model = boosted_model(pooled, np.concatenate([rows.taken for rows in training]), inputs, seed)
    return np.column_stack([model.predict_proba(asked.assign(offer=name))[:, 1] for name in OFFERS])


def _day_of_calls(draw: np.random.Generator, p: np.ndarray) -> dict[str, float]:
    """A day of twenty RMs with eight hours each, and quotas on two campaigns: the bound, the portfolio, and what is usually done."""
    minutes = {f"R{number:02d}": 480.0 for number in range(20)}
    quotas = {"pension_plan": 60, "health_insurance": 80}
    every = pd.DataFrame({
        "customer": np.repeat(np.arange(len(p)).astype(str), len(OFFERS)),
        "manager": np.repeat(draw.choice(list(minutes), len(p)), len(OFFERS)),
        "campaign": np.tile(OFFERS, len(p)),
        "probability": p.ravel(),
        "value": (p * MARGINS - COST).ravel(),
        "minutes": np.tile(MINUTES, len(p)),
    })  # fmt: skip
    day = every[every["value"] > 0]
    best = portfolio(day, minutes, quotas)
    return {"bound": best.bound, "kehu": best.value, "by probability": _by_probability(day, minutes, quotas)}


def _by_probability(candidates: pd.DataFrame, minutes: dict[str, float], quotas: dict[str, int]) -> float:
    """Calls in order of `probability` until the day is full, one a customer."""
    left, places, called, value = dict(minutes), dict(quotas), set(), 0.0
    for row in candidates.sort_values("probability", ascending=False, kind="stable").itertuples():
        if left[row.manager] >= row.minutes and places.get(row.campaign, 1) >= 1 and row.customer not in called:
            left[row.manager] -= row.minutes
            places[row.campaign] = places.get(row.campaign, len(candidates)) - 1
            called.add(row.customer)
            value += row.value
    return value
