"""The rows offer models learn from: collected, and bounded by `models.max_training_rows`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pyspark.sql.functions as F

from conf.offer import Offer
from features.catalogue import model_inputs
from jobs.build_features import features_as_of
from jobs.context import Job
from jobs.customers_as_of import customers_as_of, ever_acquired
from models.inputs import Inputs, as_inputs, input_columns, inputs_of
from models.next_best_offer import GROUPS, LabelledRows
from models.rates import Uptakes
from models.training_set import labels_by_offer, sampled, snapshot_dates, uptake_labels

HISTORY_DAYS = 30  # of transactions behind the first snapshot


@dataclass(frozen=True)
class TrainingRows:
    """Customers on past days with what they took up afterwards."""

    days: list[date]
    rows: pd.DataFrame  # customer_id, as_of, GROUPS, inputs, `taken_<offer id>`; sorted, so that equal tables give equal rows
    inputs: Inputs
    sold: frozenset[str]  # what somebody ever acquired, in the words of `features.acquired`: of the others, no uptake is no evidence

    def of(self, offer_id: str) -> LabelledRows:
        """The labelled rows of one offer."""
        taken = self.rows[f"taken_{offer_id}"].to_numpy(np.float64)
        labelled = np.isfinite(taken)
        rows = self.rows[labelled].reset_index(drop=True)
        return LabelledRows(
            as_inputs(rows, self.inputs),
            taken[labelled].astype(int),
            rows["as_of"].to_numpy(),
            rows["customer_id"].to_numpy(),
            rows[list(GROUPS)],
        )

    def uptakes(self, offers: Mapping[str, Offer]) -> dict[str, Uptakes]:
        """Rows and takers of every offer."""
        taken = {offer_id: self.rows[f"taken_{offer_id}"] for offer_id in offers}
        return {
            offer_id: Uptakes(
                int(taken[offer_id].count()), int(taken[offer_id].sum()),
                all(self.sold & set(offers[name].uptake.told(name)) for name in offer.holds(offer_id) if name in offers),
            )
            for offer_id, offer in offers.items()
        }


def training_rows(job: Job) -> TrainingRows:
    """What was known of (a sample of) the customers on past days, with their uptake as known on the job's day."""
    settings, offers, lake = job.settings.models, job.settings.offers, job.lake
    days = _days(job)
    acquired = ever_acquired(job, min(days, default=job.day)).localCheckpoint()
    sold = frozenset(row["product_id"] for row in acquired.select("product_id").distinct().collect())
    if not days:
        none = [*GROUPS, *(f"taken_{offer_id}" for offer_id in offers)]
        return TrainingRows([], pd.DataFrame(columns=["customer_id", "as_of", *none]), Inputs(()), sold)
    customers_known = lake.read("customers").select("customer_id").distinct().count()
    share = settings.max_training_rows / max(customers_known * len(days), 1)
    features = sampled(features_as_of(job, days), share, settings.seed).localCheckpoint()
    inputs = inputs_of(features, model_inputs())
    customers = customers_as_of(job, days, features).where("NOT closed").localCheckpoint()
    labels = labels_by_offer(uptake_labels(customers, acquired, offers, settings.embargo_days, job.day), offers)
    known = features.select("customer_id", "as_of", *input_columns(features, inputs))
    collected = (
        customers.select("customer_id", "as_of", *GROUPS)
        .join(known, ["customer_id", "as_of"])
        .join(labels, ["customer_id", "as_of"])
        .toArrow()
    )
    rows = collected.to_pandas().sort_values(["as_of", "customer_id"], ignore_index=True)
    return TrainingRows(days, rows, inputs, sold)


def _days(job: Job) -> list[date]:
    first = job.lake.read("transactions").agg(F.min("business_date").alias("day")).collect()[0]["day"]
    if first is None:
        return []
    window = max((offer.uptake.window_days for offer in job.settings.offers.values()), default=0)
    return snapshot_dates(job.day, job.settings.models, window, first + timedelta(days=HISTORY_DAYS))
