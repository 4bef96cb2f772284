"""Looks at every feature of a lake's last day with features. `python -m benchmarks.screen_features LAKE`

Says which are constant, and which rank a product's uptake after an earlier day too well to have been known before it.
Ends with 1 when any leaks.
"""

from __future__ import annotations

import sys

import pandas as pd

from features.catalogue import FEATURES
from features.screen import screen
from tables.arrow import read_arrow


def main(lake: str) -> int:
    days = read_arrow(lake, "customer_features", ["as_of"])
    if days is None or not days.num_rows:
        print(f"no features in {lake}")
        return 1
    known = sorted(set(days["as_of"].to_pylist()))
    features = _features(lake, known[-1])
    found = screen(features)
    constant = list(found.index[found["constant"]])
    print(f"{known[-1]}: {len(features):,} customers, {len(FEATURES)} features, {len(constant)} constant: {', '.join(constant)}")
    early = _features(lake, known[0])
    holdings = read_arrow(lake, "holdings", ["customer_id", "product_id", "acquired_on"])
    taken = holdings.to_pandas() if holdings is not None else pd.DataFrame(columns=["customer_id", "product_id", "acquired_on"])
    taken = taken[taken["acquired_on"] > known[0]]
    happened = pd.DataFrame({
        product: early.index.isin(rows["customer_id"]) for product, rows in taken.groupby("product_id") if len(rows) >= 10
    })  # fmt: skip
    judged = screen(early, happened if len(happened.columns) else None)
    leaking = list(judged.index[judged["leaks"]])
    print(f"{known[0]}: {len(happened.columns)} products taken by ten or more afterwards; leaking: {', '.join(leaking) or 'none'}")
    if judged["ranks"].notna().any():
        print(judged["ranks"].sort_values(ascending=False).head(10).round(3).to_string())
    return 1 if leaking else 0


def _features(lake: str, day: object) -> pd.DataFrame:
    rows = read_arrow(lake, "customer_features", filters=[("as_of", "=", day)])
    return rows.to_pandas().set_index("customer_id")[[feature.name for feature in FEATURES]]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
