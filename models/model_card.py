"""The model card and its picture: what a risk officer reads before a model is used."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, Literal

import pandas as pd
from matplotlib.figure import Figure
from sklearn.metrics import roc_curve

from conf.offer import Offer
from models.inputs import NEVER_INPUTS
from models.next_best_offer import GROUPS, Trained

KINDS = {
    "rate": "one smoothed rate for everybody (empirical Bayes over the offer's family)",
    "logistic": "spline logistic regression, sigmoid-calibrated on the validation window",
    "blended": "weighted mean of the log-odds of a spline logistic regression and of regularised gradient-boosted trees, "
    "sigmoid-calibrated on the validation window",
}

REFITTED = (
    " Chosen and calibrated on the validation window, then fitted again to the training and the validation window together; the test "
    "window, which neither fit has seen, judges the second."
)


def model_card(
    trained: Trained, offer: Offer, as_of: date, facts: Mapping[str, Any], language: Literal["en", "zh"] = "en"
) -> str:
    """The card of one trained model, in Markdown.

    Parameters
    ----------
    trained, offer : the model and its offer
    as_of : the training day
    facts : anything else worth keeping (code version, table versions)
    language : of the offer's name
    """
    name, organic = offer.name.get(language) or offer.name["en"], "not organic" if offer.uptake.outcome else "organic"
    eligibility = ", ".join(f"{key} {value}" for key, value in offer.eligibility.model_dump(mode="json").items() if value)
    parts = [
        f"# {name} (`{trained.offer_id}`)",
        f"Trained with what was known on {as_of}. Kind: {KINDS[trained.kind]}.",
        f"Why this kind: {trained.why}.{'' if trained.kind == 'rate' else REFITTED}",
        "## What it says",
        f"The probability that an eligible customer who does not hold it {_takes(trained.offer_id, offer)}, within "
        f"{offer.uptake.window_days} days after the embargo. It is {organic} uptake, and not the effect "
        "of a call: that is measured against the control group. Used to rank offers for a relationship manager, who decides.",
        f"Eligibility, in training and use: {eligibility}.",
        "## Gates on the newest window",
        *[f"- {'passed' if gate.passed else '**failed**'}: {gate.name}. {gate.says}" for gate in trained.gates],
    ]
    if not trained.gates:
        parts.append("None: a rate is not a ranking; it is used until a model earns its place.")
    if trained.windows:
        parts += ["## Windows", _table(pd.DataFrame([{"window": key} | value for key, value in trained.windows.items()]))]
    if trained.candidates:
        ordered = sorted(trained.candidates.items(), key=lambda item: item[1])
        parts += ["## Candidates, log loss on the validation window", *[f"- {key}: {value:.5f}" for key, value in ordered]]
    if trained.figures:
        parts += ["## Figures", *[f"- {key}: {value:.4g}" for key, value in trained.figures.items()]]
    if trained.test is not None:
        parts += ["## Calibration by tenth", _table(trained.reliability())]
        for group in GROUPS:
            parts += [f"## Fairness by {group}", _table(trained.fairness(group))]
        parts.append(
            "Selected: share of the group among the best 10 % of scores. A ratio below 0.8 asks for a documented reason; groups "
            "with few takers carry no conclusion."
        )
    parts += [
        "## Inputs",
        ", ".join(f"`{feature}`" for feature in trained.features) or "none",
        *([f"Trees are held to: {', '.join(f'{way} with `{name}`' for name, way in sorted(offer.signs.items()))}."] if offer.signs else []),
        f"Never an input: {', '.join(sorted(NEVER_INPUTS))}.",
        "## Limits",
        "Learned from customers who came to it by themselves; customers who were never offered it are not refusals. "
        "Uptake that the bank did not record by the training day counts as none.",
        "## Made of",
        *[f"- {key}: {value}" for key, value in facts.items()],
    ]
    return "\n\n".join(_joined_lists(parts)) + "\n"


def curves(trained: Trained) -> Figure:
    """Calibration (predicted against observed, 95 % intervals) beside the ROC curve, both on the test window."""
    test, probability = trained.judged
    figure = Figure(figsize=(9, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    tenths = trained.reliability()
    errors = [tenths["observed"] - tenths["low"], tenths["high"] - tenths["observed"]]
    top = float(max(tenths["high"].max(), tenths["predicted"].max()))
    left.errorbar(tenths["predicted"], tenths["observed"], yerr=errors, fmt="o", color="#1f4e79", capsize=2)
    left.plot([0, top], [0, top], color="#999999", linewidth=1)
    left.set(title="Calibration", xlabel="predicted uptake", ylabel="observed uptake (95 % interval)")
    wrong, right_ones, _ = roc_curve(test.taken, probability)
    right.plot(wrong, right_ones, color="#1f4e79")
    right.plot([0, 1], [0, 1], color="#999999", linewidth=1)
    right.set(title=f"ROC, AUC {trained.figures['auc']:.3f}", xlabel="non-takers above the cut", ylabel="takers above the cut")
    return figure


def _takes(offer_id: str, offer: Offer) -> str:
    """What the customer does who takes it."""
    uptake = offer.uptake
    if offer.bundle:
        return f"takes up all that is not held of {', '.join(offer.bundle.offers)}"
    bought = [f"takes up {' or '.join(uptake.products)} on the way things go anyway"] if uptake.products else []
    paid = ["pays for it on the way things go anyway"] if uptake.transactions else []
    agreed = ["says yes to a relationship manager"] if uptake.outcome else []
    asked = "" if uptake.shown(offer_id) else ", of those who are asked"
    return f"{' or '.join([*bought, *paid, *agreed])}{asked}"


def _table(frame: pd.DataFrame) -> str:
    head = f"| {' | '.join(frame.columns)} |"
    rule = "|" + "---|" * len(frame.columns)
    body = ["| " + " | ".join(_cell(value) for value in row) + " |" for row in frame.itertuples(index=False)]
    return "\n".join([head, rule, *body])


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return "" if pd.isna(value) else f"{value:.4g}"
    return ", ".join(value) if isinstance(value, list) else str(value)


def _joined_lists(parts: list[str]) -> list[str]:
    """List items stand together, everything else is a paragraph."""
    joined: list[str] = []
    for part in parts:
        if part.startswith("- ") and joined and joined[-1].startswith("- "):
            joined[-1] += "\n" + part
        else:
            joined.append(part)
    return joined
