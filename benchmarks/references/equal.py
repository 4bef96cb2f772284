"""Whether references find what the product's tables of a day hold."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pandas as pd

from benchmarks.references import OUTPUTS, Found
from benchmarks.references.columns import COLUMNS
from conf import Settings
from features.catalogue import FEATURES
from tables.arrow import read_arrow

DIGITS, CENT = 2e-6, 0.0101  # the product rounds ratios to six digits, and money that was divided to the cent
DIVIDED = {
    "salary_month", "regular_income_month", "monthly_income_estimate", "regular_payments_month", "basket_90d", "deposits_mean_30d",
    "deposits_mean_90d", "deposits_mean_365d", "margin_year", "net_value_year", "net_value_ahead",
}  # fmt: skip
OF_DIVIDED = {  # ratio -> money that was divided: as far off as a cent of it makes
    "regular_payments_share": "monthly_income_estimate", "deposits_over_usual": "deposits_mean_365d",
}  # fmt: skip
DAY_OF = {
    "customer_features": "as_of", "segments": "as_of", "daily_flows": "recorded_on", "flow_baselines": "as_of",
    "abnormal_flows": "detected_on", "life_events": "as_of",
}  # fmt: skip
KEYS = {
    "segments": ("customer_id",), "daily_flows": ("customer_id", "business_date", "direction"),
    "flow_baselines": ("customer_id", "direction", "window_days"), "abnormal_flows": ("customer_id", "business_date", "kind"),
    "life_events": ("customer_id", "event"),
}  # fmt: skip
NEAR = {  # numbers that may be so far off, as their last digit is rounded; of money, what is added up in doubles
    "surprise": DIGITS, "log_odds": DIGITS, "probability": DIGITS, "usual_amount": CENT, "return_period_years": 1.01e-4,
    "peer_weight": 1.01e-3, "child_age_months": 0.101, "amount": 1e-4, "unusual_amount": 1e-4,
}  # fmt: skip
TOLD = ("customer_id", "business_date", "kind", "window_days", "amount", "usual_amount", "return_period_years", "observations",
        "peer_group", "peer_weight", "log_odds", "severity")


def products(lake: Path, day: date, settings: Settings) -> Found:
    """The product's tables of a day, with what the references recompute of them."""
    found = {}
    for name in OUTPUTS:
        columns = ["customer_id", *COLUMNS] if name == "customer_features" else None
        rows = read_arrow(lake, name, columns, [(DAY_OF[name], "=", day)])
        found[name] = rows.to_pandas().drop(columns=DAY_OF[name], errors="ignore")
    found["segments"] = _with_loss(found["segments"], settings)
    counted = found["flow_baselines"]
    counted["bins"] = [" ".join(f"{each['bin']}:{each['count']}" for each in bins) for bins in counted["bins"]]
    found["life_events"] = without_evidence(found["life_events"])
    told = found["abnormal_flows"]
    found["abnormal_flows"] = told[told["kind"].isin(("withdrawal", "deposit"))][list(TOLD)]
    return found


def without_evidence(life_events: pd.DataFrame) -> pd.DataFrame:
    """How probable which events are, and how old a child."""
    return life_events.drop(columns=["evidence", "consented", "first_evidence_on"])


def _with_loss(segments: pd.DataFrame, settings: Settings) -> pd.DataFrame:
    """Which words the reason of a loss is told in, in the place of the words."""
    reasons = settings.wording[settings.bank.language].reasons
    said = {name: re.sub(r"\\{\w+\\}", ".*", re.escape(reasons[name])) for name in ("loss_staffed", "loss_small")}
    told = segments["loss_reason"].map(lambda text: next((name for name, words in said.items() if re.fullmatch(words, text)), text),
                                       na_action="ignore")
    return segments.assign(loss=told).drop(columns="loss_reason")


def require_equal(product: Found, reference: Found, name: str) -> None:
    """Stop when a reference finds other values than the product: in features, or in the rows of another table."""
    wrong = {output: _differences(output, product[output], reference[output]) for output in product if output != "customer_features"}
    wrong["customer_features"] = _other_features(product["customer_features"], reference["customer_features"])
    told = {output: found for output, found in wrong.items() if found}
    if told:
        raise SystemExit(f"{name}: values differ from the product's: {told}")


def _differences(output: str, product: pd.DataFrame, reference: pd.DataFrame) -> dict[str, int]:
    """Column -> rows that differ; rows that only one has are counted as `missing` and `too many`."""
    key = list(KEYS[output])
    product, reference = (rows.astype({name: "datetime64[s]" for name in key if name.endswith("_date")}) for rows in (product, reference))
    both = product.merge(reference, on=key, how="outer", suffixes=("", "_theirs"), indicator="_in")
    wrong = {"missing": int((both["_in"] == "left_only").sum()), "too many": int((both["_in"] == "right_only").sum())}
    wrong["too many"] += int(reference.duplicated(key).sum())
    shared = both[both["_in"] == "both"].drop_duplicates(key)
    for column in (column for column in product if column not in key):
        mine, other = shared[column], shared[f"{column}_theirs"]
        if column in NEAR:
            mine, other = mine.astype("float64"), other.astype("float64")
            same = (mine - other).abs() <= NEAR[column]
        else:
            same = mine == other
        wrong[column] = int((~same & ~(mine.isna() & other.isna())).sum())
    return {column: number for column, number in wrong.items() if number}


def _other_features(product: pd.DataFrame, reference: pd.DataFrame) -> dict[str, int]:
    """Feature -> customers with another value.

    Money that was divided may be a cent off and a ratio in the seventh digit, everything else is the same.
    """
    ours = product.set_index("customer_id")
    theirs = reference.set_index("customer_id").reindex(ours.index)
    wrong = {}
    for feature in FEATURES:
        if feature.name not in COLUMNS:
            continue
        mine, other = (frame[feature.name].astype("float64") for frame in (ours, theirs))
        if not feature.null_meaning:
            other = other.fillna(0)
        allowed = CENT if feature.name in DIVIDED else DIGITS
        if feature.name in OF_DIVIDED:
            allowed = (CENT * (1 + mine.abs()) / ours[OF_DIVIDED[feature.name]].astype("float64")).clip(lower=allowed)
        near = (mine - other).abs() <= allowed
        different = (~near & ~(mine.isna() & other.isna())).sum()
        if different:
            wrong[feature.name] = int(different)
    return wrong
