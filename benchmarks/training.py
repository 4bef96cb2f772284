"""Training speed: `python -m benchmarks.training [--rows 200000] [--offers 20]`, as `kehu train` does it, without what is around the fits.

Every offer has takers enough for every candidate, which few banks' shelves have: the longest a shelf can take. The worlds are those
of `benchmarks.offer_worlds`, with more numbers.
"""

from __future__ import annotations

import argparse
import time

import numpy as np

from benchmarks.offer_worlds import INPUTS, NUMBERS, chances, customers, labelled, taste
from conf import load_settings
from jobs.train import AT_ONCE, one_thread_each
from models.inputs import Inputs
from models.next_best_offer import LabelledRows, Trained, trained_offer

FEATURES = 60
RATE = 0.02


def main() -> None:
    given = argparse.ArgumentParser(description=__doc__)
    given.add_argument("--rows", type=int, default=200_000)
    given.add_argument("--offers", type=int, default=20)
    asked = given.parse_args()
    settings, draw = load_settings(), np.random.default_rng(1)
    frame = customers(draw, asked.rows)
    learned = [labelled(frame, chances(frame, taste(draw), RATE), draw) for _ in range(asked.offers)]
    more = tuple(f"more_{n:02d}" for n in range(FEATURES - len(INPUTS.names)))
    wide = frame.assign(**{name: frame[NUMBERS[n % len(NUMBERS)]] * draw.normal(1, 0.5, asked.rows) for n, name in enumerate(more)})
    inputs = Inputs((*INPUTS.numbers, *more), INPUTS.categories)
    rows = [LabelledRows(wide, one.taken, one.as_of, one.customers, one.groups) for one in learned]

    def train(one: LabelledRows) -> Trained:
        return trained_offer("fx_account", settings.offers["fx_account"], one, inputs, RATE, settings.models)

    began = time.monotonic()
    with one_thread_each() as pool:
        for nth, trained in enumerate(pool.map(train, rows), 1):
            print(f"{nth} of {asked.offers}: {trained.kind}, {time.monotonic() - began:.0f} s", flush=True)
    print(f"{asked.offers} offers of {asked.rows:,} rows and {FEATURES} features: {time.monotonic() - began:.0f} s, {AT_ONCE} at once")


if __name__ == "__main__":
    main()
