"""Monitor: whether customers and scores are still what the models were trained for, and what came of past predictions and flows."""

from __future__ import annotations

import io
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from pathlib import Path
from typing import Any

import pandas as pd
import pyspark.sql.functions as F
from jinja2 import Environment
from matplotlib.figure import Figure
from pyspark.sql import DataFrame

from conf import ExitCode, KehuError
from features.segment_movement import movement_figure, segment_movement
from jobs.context import Counts, Job
from jobs.customers_as_of import customers_as_of, ever_acquired
from jobs.flow_answers import answers
from jobs.model_shelf import ModelShelf
from models.flow_chance import by_trigger
from models.inputs import inputs_of
from models.monitoring import drifts, matured, page
from models.training_set import sampled, uptake_labels

MONTHS = 12  # of predictions looked back on, one day of each
SHOWN = 30  # rows of the page's table of drift
MOVING = {"service_tier": "Service tier", "value_band": "Value"}  # segments whose movement is shown


def run(job: Job) -> Counts:
    """Write `monitoring/<day>.html` beside the lake: drift since training, matured predictions against what was taken up, answered flows.

    Raises
    ------
    KehuError
        MISSING when nothing was trained and nothing answered yet, or the day has no features.
    """
    answered = answers(job)
    flows = [row.asDict() for row in by_trigger(answered).collect()] if answered is not None else []
    shelf = ModelShelf(job)
    champions = [shelf.champion(offer_id) for offer_id in shelf.offers if shelf.champion(offer_id)]
    if not champions and not flows:
        raise KehuError("no offer has a model yet; train with `kehu train --as-of D`", ExitCode.MISSING)
    models = _models(job, champions) if champions else None
    file = job.places.lake.parent / "monitoring" / f"{job.day}.html"
    _write(file, _page(job, models, flows))
    told = {"rows_in": sum(row["answered"] for row in flows), "rows_out": 0, "answered_flows": sum(row["answered"] for row in flows)}
    if models is not None:
        for warning in _warnings(models.drifted, models.by_month):
            job.progress(f"{job.day}  [yellow]monitor: {warning}[/yellow]")
        told |= {"rows_in": told["rows_in"] + len(models.came_true), "rows_out": len(models.drifted),
                 "drifted": int((models.drifted["warns"] != "").sum()), "off": int((models.by_month["warns"] != "").sum())}
    return told | {"to_open": str(file)}


@dataclass(frozen=True)
class Models:
    """What moved since the day the models were trained for, and what came of their predictions."""

    then: date
    drifted: pd.DataFrame
    came_true: pd.DataFrame
    by_month: pd.DataFrame
    movement: dict[str, pd.DataFrame]  # segment -> customers by what they were then and are now


def _models(job: Job, champions: list[dict[str, Any]]) -> Models:
    days = _days(job.lake.read("customer_features"))
    if job.day not in days:
        raise KehuError(f"no features of {job.day}; run `kehu features --date {job.day}` first", ExitCode.MISSING)
    trained_on = max(row["as_of"] for row in champions)
    then = max((day for day in days if day <= trained_on), default=min(days))
    inputs = sorted({name for row in champions for name in row["feature_list"]})
    came_true = _matured(job)
    segments = job.lake.read("segments")
    movement = {name: segment_movement(segments, name, then, job.day).toArrow().to_pandas() for name in MOVING}
    return Models(then, drifts(_numbers(job, inputs, then), _numbers(job, inputs, job.day)), came_true, matured(came_true), movement)


def _days(stored: DataFrame) -> list[date]:
    """Days a table has rows of; a few, as old ones are thinned out."""
    return sorted(row["as_of"] for row in stored.select("as_of").distinct().collect())


def _numbers(job: Job, inputs: list[str], day: date) -> pd.DataFrame:
    """Numeric model inputs and every offer's probability on a day, of a sample of the customers."""
    features = job.lake.read("customer_features").where(F.col("as_of") == F.lit(day))
    scores = job.lake.read("offer_scores").where(F.col("as_of") == F.lit(day))
    customers = features.count()
    numbers = [F.col(name).cast("double").alias(name) for name in inputs_of(features, inputs).numbers]
    offers = sorted(job.settings.offers)
    by_offer = scores.groupBy("customer_id").pivot("offer_id", list[bool | float | int | str](offers)).agg(F.first("probability"))
    worded = by_offer.select("customer_id", *[F.col(offer).alias(f"score of {offer}") for offer in offers])
    few = sampled(features, job.settings.models.max_training_rows / max(customers, 1), job.settings.models.seed)
    return few.select("customer_id", *numbers).join(worded, "customer_id", "left").drop("customer_id").toArrow().to_pandas()


def _matured(job: Job) -> pd.DataFrame:
    """Predictions whose outcome window has closed, the last day of each month: `offer_id`, `month`, `probability`, `taken`."""
    stored = job.lake.read("offer_scores").where(F.col("as_of") < F.lit(job.day))
    newest_first = groupby(reversed(_days(stored)), key=lambda day: (day.year, day.month))
    days = [next(of_month) for _, of_month in newest_first][:MONTHS]
    columns = ["offer_id", "month", "probability", "taken"]
    if not days:
        return pd.DataFrame(columns=columns)
    features = job.lake.read("customer_features").where(F.col("as_of").isin(*days))
    customers = customers_as_of(job, days, features).where("NOT closed")
    labels = uptake_labels(customers, ever_acquired(job, min(days)), job.settings.offers, job.settings.models.embargo_days, job.day)
    settings = job.settings.models
    few = sampled(stored.where(F.col("as_of").isin(*days)), settings.max_training_rows / max(features.count(), 1), settings.seed)
    month = F.date_format("as_of", "yyyy-MM").alias("month")
    told = few.join(labels, ["customer_id", "as_of", "offer_id"]).select("offer_id", month, "probability", F.col("label").alias("taken"))
    return told.toArrow().to_pandas()[columns]


def _warnings(drifted: pd.DataFrame, by_month: pd.DataFrame) -> list[str]:
    moved = [f"{row.name} moved since training (PSI {row.psi:.2f})" for row in drifted[drifted["warns"] == "great"].itertuples(index=False)]
    off = [
        f"{row.offer_id} in {row.month}: {row.predicted:.0f} were predicted to take it, {row.observed} did"
        for row in by_month[by_month["warns"] != ""].itertuples(index=False)
    ]
    return moved + off


def _page(job: Job, models: Models | None, flows: list[dict[str, Any]]) -> str:
    drift, movements = "", []
    if models is not None:
        by_offer = models.came_true.groupby("offer_id")
        offers = {str(offer): (rows["taken"].to_numpy(int), rows["probability"].to_numpy(float)) for offer, rows in by_offer}
        drift = _svg(page(offers, models.drifted))
        movements = [_svg(movement_figure(found, MOVING[name])) for name, found in models.movement.items() if len(found)]
    return Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string(_PAGE).render(
        bank=job.settings.bank.name, day=job.day, drift=drift, movements=movements, flows=flows, models=models,
        drifted=models.drifted.head(SHOWN).to_dict("records") if models else [],
        months=models.by_month.to_dict("records") if models else [],
    )  # fmt: skip


def _svg(figure: Figure) -> str:
    """A figure as the element of a page."""
    drawn = io.StringIO()
    figure.savefig(drawn, format="svg", metadata={"Date": None})
    return "<svg" + drawn.getvalue().partition("<svg")[2]


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    writing = file.with_suffix(".writing")
    writing.write_text(text, encoding="utf-8")
    writing.rename(file)


_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Predictions on {{ day }}</title>
<style>body{font:15px/1.5 system-ui,sans-serif;max-width:75rem;margin:2rem auto;padding:0 1rem}table{border-collapse:collapse;margin:1rem 0}
td,th{padding:.2rem .8rem;text-align:right;border-bottom:1px solid #ddd}td:first-child,th:first-child{text-align:left}
svg{max-width:100%;height:auto}
.great,.off{color:#b03030;font-weight:600}.notable{color:#8a5a00}</style>
<h1>What was predicted, on {{ day }}</h1>
<p>{{ bank }}. No customer is on this page.</p>
{% if models %}
<h2>Drift</h2>
<p>Customers of {{ day }} against those of {{ models.then }}, when the newest champion had been trained.</p>
{{ drift|safe }}
<table><tr><th>input or score<th>PSI<th>by chance<th>{% for row in drifted %}
<tr><td>{{ row.name }}<td>{{ "%.3f"|format(row.psi) }}<td>{{ "%.3f"|format(row.by_chance) }}
<td class="{{ row.warns }}">{{ row.warns }}{% endfor %}
</table>
{% if movements %}
<h2>Movement between segments</h2>
<p>Rows: {{ models.then }}; columns: {{ day }}; customers and their share of the row.</p>
{% for movement in movements %}{{ movement|safe }}{% endfor %}
{% endif %}
<h2>Predictions that matured</h2>
{% if months %}<table><tr><th>offer<th>month<th>customers<th>predicted to take it<th>took it<th>{% for row in months %}
<tr><td>{{ row.offer_id }}<td>{{ row.month }}<td>{{ row.rows }}<td>{{ "%.1f"|format(row.predicted) }}<td>{{ row.observed }}
<td class="{{ row.warns }}">{{ row.warns }}{% endfor %}</table>
{% else %}<p>No prediction's outcome window has closed yet.</p>{% endif %}
{% else %}<p>No offer has a model yet.</p>{% endif %}
<h2>Flows that were told, and answered</h2>
{% if flows %}<p>Of the last year. Many false alarms where flows are called rare: raise <code>min_return_period_years</code>.
A cause that returns among false alarms names what is not netted yet.</p>
<table><tr><th>kind<th>expected once in<th>answered<th>real news<th>predicted<th>false alarms because
{% for row in flows %}
<tr><td>{{ row.kind }}<td>{{ row.rarity }}<td>{{ row.answered }}<td>{{ row.real }}
<td>{{ "%.1f"|format(row.expected) if row.expected is not none else "" }}<td>{{ row.false_because }}{% endfor %}</table>
{% else %}<p>No alert about a flow was answered yet.</p>{% endif %}
</html>
"""


if __name__ == "__main__":
    from jobs.cli import main

    main("monitor")
