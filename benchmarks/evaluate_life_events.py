"""New parents on real purchases: from 60 days of them to own use in the next 120. `python -m benchmarks.evaluate_life_events`

dunnhumby's Complete Journey, 2,469 households in 2017. A household enters on the first day it buys diapers or formula; sixty days
are looked at, and it is *own use* when it buys either on three or more days of the following 120. The rest gave, or had visitors.
Writes docs/evaluation/life_events.md and its picture.
"""

from __future__ import annotations

import tempfile
from datetime import date
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, precision_score, recall_score, roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from conf import load_settings
from conf.life_event import LifeEvent
from features.life_events import posteriors, purchase_days
from jobs.session import start
from simulation.complete_journey import journey

DOCS = Path(__file__).parents[1] / "docs"
LOOK_DAYS, NEXT_DAYS, OWN_DAYS = 60, 120, 3
CHILD = ("diapers", "formula")  # the goods that make it own use
AS_OF = date(2018, 6, 30)  # every household's sixtieth day is moved to this one, so that one call judges them all
FOLDS, SEED = 5, 20170101
COLUMNS = "customer_id string, business_date date, sku string, category string, product_name string, quantity double, status string"


def main() -> None:
    event = load_settings().life_events["new_parent"]
    lines = evidence_lines(event)
    households = labelled(lines)
    scored = households.join(posterior(lines, households, event), how="left").fillna({"posterior": 0.0})
    learned = make_pipeline(StandardScaler(), LogisticRegression(C=0.3, max_iter=2000))
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=SEED)
    inputs = [name for name in households.columns if name.startswith(("days_", "spent", "span", "trips"))]
    scored["learned"] = cross_val_predict(learned, np.log1p(scored[inputs]), scored["own"], cv=folds, method="predict_proba")[:, 1]
    write(scored)


def evidence_lines(event: LifeEvent) -> pd.DataFrame:
    """Purchase lines that are evidence of a small child, with the kind of evidence."""
    data = journey()
    products = data.products.copy()
    text = products["category"] + " " + products["product_name"].fillna("")
    kind = pd.Series("", index=products.index)
    for name, evidence in reversed(list(event.evidence.items())):
        fits = text.str.contains(evidence.pattern, regex=True) & ~text.str.contains(event.excluded, regex=True)
        kind = kind.mask(fits, name)
    products["kind"] = kind
    lines = data.lines.assign(date=data.lines["day"].to_numpy().astype("datetime64[D]"))
    telling = lines.join(products[["sku", "category", "product_name", "kind"]], on="product")
    return telling[telling["kind"] != ""].reset_index(drop=True)


def labelled(lines: pd.DataFrame) -> pd.DataFrame:
    """One row a household that bought diapers or formula early enough: what it did in 60 days, and whether it went on."""
    child = lines[lines["kind"].isin(CHILD)]
    first = child.groupby("household")["date"].min()
    first = first[first + pd.Timedelta(days=LOOK_DAYS + NEXT_DAYS) <= lines["date"].max()]
    ago = (lines["date"] - lines["household"].map(first)).dt.days
    looked, after = lines[(ago >= 0) & (ago < LOOK_DAYS)], child[(ago >= LOOK_DAYS) & (ago < LOOK_DAYS + NEXT_DAYS)]
    rows = pd.DataFrame(index=first.index)
    rows["first"] = first
    rows["own"] = after.groupby("household")["date"].nunique().reindex(rows.index).fillna(0) >= OWN_DAYS
    rows["counted"] = looked[looked["kind"].isin(CHILD)].groupby("household")["date"].nunique()
    for kind, bought in looked.groupby("kind"):
        rows[f"days_{kind}"] = bought.groupby("household")["date"].nunique()
    by_household = looked.groupby("household")
    rows["spent"] = by_household["cents"].sum() / 100
    rows["span"] = (by_household["date"].max() - by_household["date"].min()).dt.days
    rows["trips"] = by_household["basket"].nunique()
    return rows.fillna(0)


def posterior(lines: pd.DataFrame, households: pd.DataFrame, event: LifeEvent) -> pd.DataFrame:
    """Kehu's probability at each household's sixtieth day; one day of evidence is judged here too, instead of being dropped."""
    last = (households["first"] + pd.Timedelta(days=LOOK_DAYS - 1)).rename("last")
    known = lines.join(last, on="household", how="inner")
    known = known[(known["date"] <= known["last"]) & (known["last"] - known["date"] < pd.Timedelta(days=LOOK_DAYS))]
    rows = pd.DataFrame({
        "customer_id": known["household"].astype(str),
        "business_date": (pd.Timestamp(AS_OF) - (known["last"] - known["date"])).dt.date,
        "sku": known["sku"].astype(str), "category": known["category"], "product_name": known["product_name"],
        "quantity": known["quantity"].clip(lower=1).astype(float), "status": "paid",
    })  # fmt: skip
    judged = {"new_parent": event.model_copy(update={"min_days": 1})}
    with tempfile.TemporaryDirectory() as log:
        spark = start(load_settings(), Path(log) / "spark.log")
        ids = rows["customer_id"].drop_duplicates()
        people = spark.createDataFrame([(who, None) for who in ids], "customer_id string, age int")
        first_seen = spark.createDataFrame([(who, date(2017, 1, 1)) for who in ids], "customer_id string, first_on date")
        days = purchase_days(spark.createDataFrame(rows, COLUMNS), judged)
        found = posteriors(days, people, first_seen, judged, AS_OF).select("customer_id", "probability").toPandas()
        spark.stop()
    return found.assign(household=found["customer_id"].astype(int)).set_index("household")[["probability"]].set_axis(["posterior"], axis=1)


def write(scored: pd.DataFrame) -> None:
    own = scored["own"].astype(int)
    methods = {"counting days of diapers and formula": "counted", "Kehu's posterior, as configured": "posterior",
               f"logistic on days by kind, money, span, trips ({FOLDS}-fold)": "learned"}  # fmt: skip
    table = [f"| {name} | {roc_auc_score(own, scored[column]):.3f} | {average_precision_score(own, scored[column]):.3f} |"
             for name, column in methods.items()]  # fmt: skip
    cuts = {"4 or more days": scored["counted"] >= 4, "posterior of 0.6 or more": scored["posterior"] >= 0.6}
    rules = [
        f"| {name} | {int(sent.sum())} | {precision_score(own, sent):.2f} | {recall_score(own, sent):.2f} |"
        for name, sent in cuts.items()
    ]
    bands = pd.cut(scored["posterior"], [-0.01, 0.1, 0.3, 0.5, 0.7, 1.0])
    held = scored.groupby(bands, observed=True).agg(households=("own", "size"), predicted=("posterior", "mean"), observed=("own", "mean"))
    error = float((held["households"] * (held["predicted"] - held["observed"]).abs()).sum() / held["households"].sum())
    by_count = scored.groupby(scored["counted"].clip(upper=6).astype(int))["own"].agg(["size", "mean"])
    pages = [
        "# New parents on real purchases", "", *__doc__.splitlines()[2:6], "",
        f"{len(scored):,} households, {own.mean():.1%} of them own use.", "",
        "| ranked by | AUC | average precision |", "|---|---|---|", *table, "",
        "| called when | households | precision | recall |", "|---|---|---|---|", *rules, "",
        "What the probability is worth (calibration error " + f"{error:.3f}):", "",
        "| posterior | households | mean | went on |", "|---|---|---|---|",
        *[f"| {band} | {row.households:.0f} | {row.predicted:.2f} | {row.observed:.2f} |" for band, row in held.iterrows()], "",
        "![own use by days of evidence](../images/life-events-days.png)", "",
        "Complete Journey tells nobody's date of birth to the day and no diaper sizes: onset, stages and the child's age can't be",
        "judged on it. Its label *children in the household* covers all ages from 0 to 17 and says little here.",
    ]  # fmt: skip
    (DOCS / "evaluation" / "life_events.md").write_text("\n".join(pages) + "\n", encoding="utf-8")
    figure, axes = plt.subplots(figsize=(6, 3.2), layout="constrained")
    axes.bar(by_count.index.astype(str), by_count["mean"], color="#2b6cb0")
    for place, (size, part) in enumerate(by_count.itertuples(index=False)):
        axes.text(place, part + 0.02, f"{part:.0%}\nof {size}", ha="center", fontsize=8)
    axes.set(xlabel="days with diapers or formula within 60 (6: six or more)", ylabel="went on to own use", ylim=(0, 1.15))
    figure.savefig(DOCS / "images" / "life-events-days.png", dpi=130)


if __name__ == "__main__":
    main()
