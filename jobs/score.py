"""Score: every customer against every offer's champion, then what may be offered, what it is worth, and in which order."""

from __future__ import annotations

from datetime import timedelta

import pyspark.sql.functions as F
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame
from threadpoolctl import threadpool_limits

from conf import ExitCode, KehuError
from conf.codes import NEWS
from conf.offer import Offer
from features.acquired import offers_talked_about
from features.as_of import known
from features.catalogue import phrases
from jobs.context import Counts, Job
from jobs.customers_as_of import customers_as_of, service_tiers
from jobs.model_shelf import ModelShelf
from models.arbitration import ranked_candidates
from models.bundles import with_bundles
from models.scoring import Scorer, offer_reasons, offer_scores, ready
from worklists.sales_matters import offers_told

EXPLAINED = 5  # offers a customer that have reasons, or as many as are shown if those are more
FLOW_MEMORY_DAYS = 14  # an abnormal flow speaks for an offer this long


def run(job: Job) -> Counts:
    """Write the day's `offer_scores`.

    Raises
    ------
    KehuError
        MISSING when nothing was trained yet, or the day has no features. REJECTED when a model cannot be used: the others
        have scored by then, and what they said is written.
    """
    features = job.lake.read("customer_features").where(F.col("as_of") == F.lit(job.day))
    champions, refused = _champions(job, features)
    rows_in = features.count()
    if not rows_in:
        raise KehuError(f"no features of {job.day}; run `kehu features --date {job.day}` first", ExitCode.MISSING)
    supposed = _bundles_without_model(job, champions)
    scores = with_bundles(offer_scores(features, champions), supposed)
    customers = customers_as_of(job, [job.day], features).drop("as_of").join(service_tiers(job), "customer_id", "left")
    told = offers_told(job.lake.read("alerts"), job.day)
    settings = job.settings
    ranked = ranked_candidates(
        scores, customers, _events(job), _talked_about(job), told, settings.offers, settings.contact_policy, job.day
    )
    try:
        job.lake.replace("offer_scores", _with_reasons(job, ranked.localCheckpoint(), features, champions), {"as_of": job.day})
    except PySparkException as error:
        raise _from_worker(error) from error
    if refused:
        raise KehuError(
            f"{len(refused)} model(s) could not be used, {len(champions)} others have scored: {'; '.join(refused)}",
            ExitCode.REJECTED,
        )
    rows_out = job.lake.read("offer_scores").where(F.col("as_of") == F.lit(job.day)).count()
    return {
        "rows_in": rows_in,
        "rows_out": rows_out,
        "models": len(champions),
        "offers_without_model": len(job.settings.offers) - len(champions) - len(supposed),
    }


def _champions(job: Job, features: DataFrame) -> tuple[list[Scorer], list[str]]:
    """The champions that can be used, and why the others cannot. A bundle's rate is not: its offers tell customers apart."""
    shelf = ModelShelf(job)
    offers, of_bundles = job.settings.offers, ("logistic", "blended")
    kinds = {offer_id: shelf.champion(offer_id).get("kind") for offer_id in sorted(offers)}
    trained = [offer_id for offer_id, kind in kinds.items() if kind and (kind in of_bundles or not offers[offer_id].bundle)]
    if not trained:
        raise KehuError("no offer has a model yet; train with `kehu train --as-of D`", ExitCode.MISSING)
    usable, refused = [], []
    for offer_id in trained:
        row = shelf.champion(offer_id)
        try:
            scorer = Scorer(offer_id, row["model_version"], shelf.verified(row), tuple(row["feature_list"]))
            with threadpool_limits(1):
                usable.append(ready(scorer, features.columns))
        except KehuError as error:
            refused.append(str(error))
    return usable, refused


def _bundles_without_model(job: Job, champions: list[Scorer]) -> dict[str, Offer]:
    own = {scorer.offer_id for scorer in champions}
    return {offer_id: offer for offer_id, offer in job.settings.offers.items() if offer.bundle and offer_id not in own}


def _with_reasons(job: Job, ranked: DataFrame, features: DataFrame, champions: list[Scorer]) -> DataFrame:
    """Adds `reasons` to the best offers of each customer; further down nobody is told of them."""
    language, key = job.settings.bank.language, ["customer_id", "offer_id"]
    modelled = F.col("offer_id").isin([scorer.offer_id for scorer in champions])
    shown = ranked.where(modelled & (F.col("rank") <= max(job.settings.contact_policy.max_offers, EXPLAINED)))
    reasons = offer_reasons(shown, features, champions, phrases(language), language)
    none = F.array().cast("array<string>")
    return ranked.join(reasons, key, "left").withColumn("reasons", F.coalesce("reasons", none))


def _events(job: Job) -> DataFrame:
    """What happened to a customer of late: life events of the day, and kinds and likely causes of recent abnormal flows."""
    life = job.lake.read("life_events").where((F.col("as_of") == F.lit(job.day)) & F.col("consented")).select("customer_id", "event")
    since = job.day - timedelta(days=FLOW_MEMORY_DAYS)
    flows = job.lake.read("abnormal_flows").where(F.col("detected_on").between(F.lit(since), F.lit(job.day)))
    told = flows.select("customer_id", F.explode(F.array("kind", "cause")).alias("event")).where("event IS NOT NULL")
    return life.unionByName(told)


def _talked_about(job: Job) -> DataFrame:
    """When each offer was last talked about with a customer."""
    outcomes = known(job.lake.read("outcomes"), job.day).where(F.col("outcome").isin(*NEWS))
    about = offers_talked_about(outcomes, job.lake.read("alerts"))
    return about.select("customer_id", "offer_id", F.col("business_date").alias("last_on"))


def _from_worker(error: PySparkException) -> KehuError | PySparkException:
    """A model that fails on a worker is told in one line; the line of ours stands in the worker's traceback."""
    ours = [line for line in str(error).splitlines() if "MODEL_BROKEN" in line or "reasons do not add up" in line]
    return KehuError(ours[-1].split("KehuError: ", 1)[-1].strip(), ExitCode.REJECTED) if ours else error


if __name__ == "__main__":
    from jobs.cli import main

    main("score")
