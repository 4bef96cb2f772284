"""The two parts of docs/benchmarks.md that `benchmarks.bench` writes: a day as history grows, and as customers and events grow."""

from __future__ import annotations

import os
from dataclasses import dataclass

import pandas as pd

from benchmarks.references import OUTPUTS
from benchmarks.references.columns import COLUMNS
from benchmarks.report import table

REFERENCES = ("plain Spark", "DuckDB", "Polars")
BANK = (100e6, 1e9)  # customers, transactions a day


@dataclass(frozen=True)
class Lived:
    """A world's days as they were run."""

    world: str
    figures: dict[str, float]
    jobs: pd.DataFrame  # of `by_job`


def history_page(lives: list[Lived], options: str) -> str:
    """How a day grows with the history before it, and beside recomputation."""
    first, last = lives[0].figures, lives[-1].figures
    ratios = [f"- A day after {each.world} the history takes **{each.figures['day'] / first['day']:.2f}** of a day after {lives[0].world}."
              for each in lives[1:]]
    ratios += [f"- {each.world}: a whole day takes {_times(each.figures)}." for each in lives]
    return "\n".join([
        _command(options), "", _figures(lives), "",
        *ratios, "",
        f"Each job of a day at {lives[-1].world} ({last['transactions']:,.0f} transactions of history):", "", _jobs(lives[-1]), "",
        f"The same at {lives[0].world}:", "", _jobs(lives[0]),
    ])  # fmt: skip


def size_page(lives: list[Lived], options: str) -> str:
    """How a day grows with customers and with events, what one account with most of them costs, and a large bank on paper."""
    base, _, even, skewed = (each.figures for each in lives)
    customers, events = BANK
    per_customer, per_event = slopes(lives, [each.figures["day"] for each in lives])
    fixed = base["day"] - per_event * base["transactions a day"] - per_customer * base["customers"]
    cores = len(os.sched_getaffinity(0))
    core_hours = (per_event * events + per_customer * customers) * cores / 3600
    cores_a_night = core_hours / 4 / 0.6
    shuffled_customer, shuffled_event = slopes(lives, [each.jobs["shuffled_mb"].sum() for each in lives])
    shuffled_tb = (shuffled_event * events + shuffled_customer * customers) / 1e6
    stored_event = (even["lake MB"] - base["lake MB"]) / (even["transactions"] - base["transactions"])
    credits = even["transactions a day"] - base["transactions a day"]
    return "\n".join([
        _command(options), "", _figures(lives), "",
        f"- One account that takes {credits:,.0f} credits a day: **{skewed['day'] / even['day']:.2f}** of a day with the same credits "
        "spread over all customers.", "",
        "### A large bank on paper", "",
        f"From these days: {fixed:.0f} s whatever the size, {per_event * 1e6:.0f} s a million transactions and "
        f"{per_customer * 1e6:.0f} s a million customers, on {cores} cores.",
        f"For {customers / 1e6:.0f} million customers and {events / 1e9:.0f} billion transactions a day that is:", "",
        table(["what", "how", "a day"], [
            ["core hours", f"{cores} cores × the seconds above", f"{core_hours:,.0f}"],
            ["cores, for a night of 4 hours", "at 60 % use, the rest lost to stragglers and waiting", f"{cores_a_night:,.0f}"],
            ["memory, GB", "4 GB a core, as Spark is commonly run", f"{cores_a_night * 4:,.0f}"],
            ["shuffled, TB", "as measured, by transaction and customer", f"{shuffled_tb:,.1f}"],
            ["stored, GB of transactions", f"{stored_event * 1e6:.0f} bytes each", f"{stored_event * events / 1e3:,.0f}"],
            ["files of 256 MB", "of transactions", f"{stored_event * events / 256:,.0f}"],
        ], words=2),
    ])  # fmt: skip


def slopes(lives: list[Lived], costs: list[float]) -> tuple[float, float]:
    """What a customer and what a transaction a day cost: events alone grow in the third world, customers and their events in the second."""
    base, larger, even = (each.figures for each in lives[:3])
    per_event = max(costs[2] - costs[0], 0) / (even["transactions a day"] - base["transactions a day"])
    of_events = per_event * (larger["transactions a day"] - base["transactions a day"])
    return max(costs[1] - costs[0] - of_events, 0) / (larger["customers"] - base["customers"]), per_event


def _command(options: str) -> str:
    return (f"`python -m benchmarks.bench {options}`, on {len(os.sched_getaffinity(0))} cores. Seconds; days are the median of "
            "three after one to warm up, references the median of three and checked to find the product's values.")


def _times(figures: dict[str, float]) -> str:
    told = ", ".join(f"{_number(figures['day'] / figures[name])} × {name}'s" for name in REFERENCES)
    others = ", ".join(f"`{name}`" for name in OUTPUTS if name != "customer_features")
    return f"{told} time for recomputing {len(COLUMNS)} features, and {others}"


def _figures(lives: list[Lived]) -> str:
    heads = ["world", *lives[0].figures]
    return table(heads, [[each.world, *map(_number, each.figures.values())] for each in lives])


def _jobs(life: Lived) -> str:
    whole = life.jobs["seconds"].sum()
    rows = [[str(job), f"{row['seconds']:.1f}", f"{row['seconds'] / whole:.0%}", *(f"{row[name]:,.0f}" for name in life.jobs.columns[1:])]
            for job, row in life.jobs.iterrows()]
    return table(["job", "seconds", "share", *(name.replace("_mb", " MB") for name in life.jobs.columns[1:])], rows)


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"
