"""The page of `benchmarks.evaluate_offers`: what issue 8 asks, what was measured, and everything behind it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from benchmarks.report import table

KEHU, FAMILY = "kehu", "kehu, with its family"
GAP = {500: 0.84, 2_000: 0.93, 8_000: 0.97, 30: 0.93, 100: 0.95}  # share of the gap to close, by takers
VALUE = {"oracle": 0.92, "probability alone": 1.4, "popularity": 1.0, "one model for all": 1.0}  # times each
HEAD = """## Offer models and decisions on worlds with known chances

`python -m benchmarks.evaluate_offers`, {seeds} seeds, {minutes:.0f} minutes on {cores} cores ({cpu:.0f} minutes of processor time).

gap: share of the AUC between knowing nothing and knowing the chance that is closed; skill: the same of log loss; calibration: mean
probability over mean chance. Takers are those of the training window, which has half of the rows; a quarter validates, a quarter tests.
The seeds were not looked at while the models were designed. Simulated worlds rank designs, they do not predict a bank's figures.
"""
LOT = """
### Other choices read from the lot

At the default share (5 % among five offers), logs of calls over the same worlds. Inside: share of the replays that were not refused
whose 95 % interval holds the truth; gain: the difference to what was done; width: half of the interval, as a share of the value.

| calls | way | replays | refused | effective sample | inside, doubly robust | inside, gain | inside, IPS | inside, SNIPS | width |
|---|---|---|---|---|---|---|---|---|---|"""
Asked = tuple[str, str, str, bool]  # what, the bound, what was measured, whether it is within


def page(found: pd.DataFrame, seeds: int, seconds: float, processor: float) -> str:
    """The report, in Markdown."""
    lines = [HEAD.format(seeds=seeds, minutes=seconds / 60, cpu=processor / 60, cores=len(os.sched_getaffinity(0)))]
    lines += ["### Asked and measured", "", "Means of the seeds.", "", "| what | asked | measured | |", "|---|---|---|---|"]
    for what, bound, figure, met in [*_models(found), *_decisions(found)]:
        lines.append(f"| {what} | {bound} | {figure} | {'met' if met else '**missed**'} |")
    for title, part, keys, figures in (
        ("One offer, by takers to learn from", "one", ["takers", "model"], ["gap", "skill", "calibration"]),
        ("An offer with few takers, alone and with two siblings", "cold", ["takers", "model"], ["gap", "skill", "calibration"]),
        ("Three offers a customer: true value a customer", "policy", ["name"], ["value"]),
        ("A day's calls of twenty RMs with two quotas: expected value", "calls", ["name"], ["value"]),
    ):
        lines += ["", f"### {title}", "", _table(found[found["part"] == part], keys, figures)]
    lines += [LOT, *_replays(found[found["part"] == "replay"]), "", "### Which candidate was kept", ""]
    kinds = found[found["kind"].notna()].groupby(["takers", "model"])["kind"].agg(", ".join)
    return "\n".join([*lines, *(f"* {int(takers):,} takers, {model}: {kind}" for (takers, model), kind in kinds.items())]) + "\n"


def _models(found: pd.DataFrame) -> Iterator[Asked]:
    one, family = found[(found["part"] == "one") & (found["model"] == KEHU)], found[found["model"] == FAMILY]
    for rows, what in ((one, "gap closed, {:,} takers"), (family, "gap closed, cold offer with {} takers")):
        for takers, of in rows.groupby("takers"):
            least = GAP.get(int(takers), 0.0)
            yield what.format(int(takers)), f"≥ {least}", _mean_min(of["gap"]), bool(of["gap"].mean() >= least)
    learned = pd.concat([one, family])
    worst = learned["skill"].min()
    yield "log-loss skill, the worst of all", "≥ 0", f"{worst:.3f}", bool(worst >= 0)
    for takers, of in learned.groupby("takers"):
        mean, off = of["calibration"].mean(), (of["calibration"] - 1).abs().max()
        chance = 1.96 / (1.5 * takers * len(of)) ** 0.5  # of the takers that trained and calibrated
        figure = f"{mean:.3f} (one offer up to {off:.0%} off; chance alone explains ± {chance:.0%} of the mean)"
        yield f"calibration in the large, {int(takers):,} takers", "0.95 to 1.05", figure, bool(abs(mean - 1) <= 0.05)


def _decisions(found: pd.DataFrame) -> Iterator[Asked]:
    value = found[found["part"] == "policy"].pivot(index="seed", columns="name", values="value")
    for name, least in VALUE.items():
        times = value[KEHU].mean() / value[name].mean()
        figure = f"{times:.2f} ({value[KEHU].mean():.1f} to {value[name].mean():.1f})"
        yield f"value at 3 offers a customer, times {name}", f"≥ {least:g}", figure, bool(times >= least)
    calls = found[found["part"] == "calls"].pivot(index="seed", columns="name", values="value")
    gap = 1 - calls[KEHU] / calls["bound"]
    yield "a day's calls, gap to the bound", "≤ 0.5 %", f"{gap.mean():.2%} (max {gap.max():.2%})", bool(gap.mean() <= 0.005)
    for (logged, way), of in found[found["part"] == "replay"].groupby(["calls", "name"]):
        said = of[~of["refused"].astype(bool)]
        if len(said):
            inside = said["DR"].astype(float).mean()
            what = f"truth inside, choosing {way}, {int(logged):,} calls, {len(said)} replays"
            yield what, "≥ 93 %", f"{inside:.1%}", bool(inside >= 0.93)
    for name, of in found[found["part"] == "uplift"].groupby("name"):
        inside = of["covered"].astype(float).mean()
        yield f"truth inside, effect of calls on {name}, {len(of)} worlds", "≥ 90 %", f"{inside:.0%}", bool(inside >= 0.9)


def _replays(replays: pd.DataFrame) -> Iterator[str]:
    for (calls, way), of in replays.groupby(["calls", "name"], sort=False):
        refused = of["refused"].astype(bool)
        cells = [f"{int(calls):,}", way, f"{len(of)}", f"{refused.mean():.0%}", f"{of['effective'].mean():,.0f}"]
        said = of[~refused]
        for name in ("DR", "gain", "IPS", "SNIPS"):
            cells.append(f"{said[name].astype(float).mean():.1%}" if len(said) else "")
        cells.append(f"{said['half_width'].mean():.0%}" if len(said) else "")
        yield f"| {' | '.join(cells)} |"


def _mean_min(of: pd.Series) -> str:
    return f"{of.mean():.3f} (min {of.min():.3f})"


def _table(rows: pd.DataFrame, keys: Sequence[str], figures: Sequence[str]) -> str:
    """Means and minima over the seeds, in Markdown."""
    stated = rows.groupby(list(keys), sort=False)[list(figures)].agg(["mean", "min"])
    heads = [*keys, *(f"{figure}, min" if of == "min" else figure for figure, of in stated.columns)]
    body = []
    for key, *values in stated.itertuples():
        named = [f"{one:,.0f}" if isinstance(one, float) else str(one) for one in (key if isinstance(key, tuple) else (key,))]
        body.append([*named, *("" if np.isnan(value) else f"{value:,.3f}" for value in values)])
    return table(heads, body, words=len(keys))
