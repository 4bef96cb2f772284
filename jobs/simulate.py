"""Simulate: a bank world as landing feeds, with its truth beside it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from conf import ExitCode, KehuError
from jobs.context import Counts


def simulated(out: str, customers: int, days: int, seed: int, progress: Callable[[str], None]) -> Counts:
    """Write a world to an empty directory: feeds to `landing`, the truth to `TRUTH`.

    Raises
    ------
    KehuError
        USAGE when something lies there already: two worlds in one landing would make no sense.
    """
    from simulation.world import landing_feeds

    root = Path(out).absolute()
    for part in ("landing", "TRUTH"):
        if (root / part).exists():
            raise KehuError(f"{root / part} exists; choose an empty --out directory", ExitCode.USAGE)
    plan = landing_feeds(root, customers, days, seed, progress)
    return {
        "customers": customers,
        "initial_load": f"{plan.first} to {plan.loaded}, drop of {plan.loaded}",
        "daily_drops": f"{len(plan.days())}, the last of {plan.last}",
        "landing": str(root / "landing"),
        "truth": str(root / "TRUTH"),
    }


if __name__ == "__main__":
    from jobs.cli import main

    main("simulate")
