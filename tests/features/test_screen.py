"""A feature that never changes, and one that knew the outcome, are both named."""

from __future__ import annotations

import pandas as pd

from features.screen import screen


def test_the_constant_and_the_leaking_are_named() -> None:
    taken = [False, True] * 50
    features = pd.DataFrame(
        {
            "always": [7] * 100,
            "never_known": [None] * 100,
            "told_by_the_outcome": [float(each) for each in taken],
            "half_and_half": ([0, 0, 1, 1] * 25),
            "in_words": ["north", "south", "south", None] * 25,
        }
    )
    found = screen(features, pd.DataFrame({"fund": taken, "nobody": [False] * 100}))
    assert list(found.index[found["constant"]]) == ["always", "never_known"]
    assert list(found.index[found["leaks"]]) == ["told_by_the_outcome"]
    assert found.loc["half_and_half", "ranks"] == 0.5
    assert found.loc["in_words", "missing"] == 0.25
