"""Train: one model an offer from what followed on past days; what passes every gate is used from the next scoring on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from threading import Lock
from typing import Any

from threadpoolctl import threadpool_limits

from conf import ExitCode, KehuError, conf_hash
from conf.offer import Offer
from features.catalogue import FEATURES
from jobs.context import Counts, Job, code_version
from jobs.model_shelf import ModelShelf
from jobs.training_rows import TrainingRows, training_rows
from models.aliases import after_rollback
from models.calibration import weights_unwarned
from models.candidates import Family
from models.next_best_offer import Trained, family_of, fingerprint, trained_offer
from models.rates import uptake_rates

AT_ONCE = 2  # offers in training: each holds the spline design of all its rows in memory


def run(job: Job) -> Counts:
    """Train every offer, register what is new, and write `models`; a failed gate leaves the champion in use."""
    _require_inputs(job.settings.offers)
    job.progress("train: collecting past days and what was taken up after them")
    rows = training_rows(job)
    rates = uptake_rates(rows.uptakes(job.settings.offers), job.settings.offers)
    shelf = ModelShelf(job)
    counts = {"rows_in": len(rows.rows), "rows_out": 0, "promoted": 0, "challengers": 0, "unchanged": 0, "models": 0, "rates": 0}
    described = facts(job, rows)
    offers, models = sorted(job.settings.offers.items()), job.settings.models

    families: dict[str, Family | None] = {}
    one_at_a_time = Lock()

    def family(name: str) -> Family | None:
        with one_at_a_time:
            if name not in families:
                families[name] = _family(job, rows, name)
            return families[name]

    def made(item: tuple[str, Offer]) -> tuple[str, Trained | None]:
        """What a model is made of, and the model unless there is one of just that."""
        offer_id, offer = item
        learned = rows.of(offer_id)
        made_of = fingerprint(learned, offer, rates[offer_id], models)
        if shelf.newest(offer_id).get("fingerprint") == made_of:
            return made_of, None
        return made_of, trained_offer(offer_id, offer, learned, rows.inputs, rates[offer_id], models, family(offer.family))

    # imports MLflow, and Polars where that is installed: scikit-learn, asking beside for its frames, would find half of it
    shelf.registry.connect()
    with one_thread_each() as pool:
        for nth, ((offer_id, offer), (made_of, trained)) in enumerate(zip(offers, pool.map(made, offers), strict=True), 1):
            if trained is None:
                counts["unchanged"] += 1
            else:
                promoted = shelf.take(trained, offer, rates[offer_id], made_of, described)
                counts["promoted" if promoted else "challengers"] += 1
                job.progress(f"train: {nth} of {len(offers)}, {offer_id}: {told(trained, promoted)}")
            counts["rates" if shelf.champion(offer_id)["kind"] == "rate" else "models"] += 1
    counts["rows_out"] = shelf.write()
    return counts


@contextmanager
def one_thread_each() -> Iterator[ThreadPoolExecutor]:
    """Trains `AT_ONCE` models, a thread a fit: the same result everywhere, and no fight for cores that others use.

    OpenMP is limited by each thread for itself, BLAS for all.
    """
    pool = ThreadPoolExecutor(AT_ONCE, initializer=partial(threadpool_limits, 1))
    with threadpool_limits(1), weights_unwarned(), pool:
        yield pool


def _family(job: Job, rows: TrainingRows, family: str) -> Family | None:
    """What the offers of a family that somebody ever took have in common."""
    members = {name: offer for name, offer in job.settings.offers.items() if offer.family == family}
    sold = [name for name, seen in rows.uptakes(members).items() if seen.positives]
    longest = max(offer.uptake.window_days for offer in members.values())
    models = job.settings.models
    first, *others = (offer.signs.items() for offer in members.values())
    shared = dict(set(first).intersection(*others))
    return family_of([rows.of(name) for name in sorted(sold)], models.embargo_days + longest, rows.inputs, models.seed, shared)


def _require_inputs(offers: Mapping[str, Offer]) -> None:
    """Raise CONFIGURATION where an offer has a sign for what is no number a model reads."""
    readable = {feature.name for feature in FEATURES if feature.model_input and feature.type != "STRING"}
    for offer_id, offer in offers.items():
        for name in sorted(set(offer.signs) - readable):
            raise KehuError(f"offers.{offer_id}.signs.{name}: no model reads such a number; see `kehu features --list`",
                            ExitCode.CONFIGURATION)


def rollback(job: Job, offer_id: str) -> Counts:
    """Put the previous champion of an offer's model back in use; again, and the newer one is back."""
    shelf = ModelShelf(job)
    if offer_id not in shelf.offers:
        raise KehuError(f"no model of an offer {offer_id!r}; there are {', '.join(shelf.offers) or 'none'}", ExitCode.USAGE)
    aliases = shelf.aliases(offer_id)
    if "previous" not in aliases:
        raise KehuError(f"the model of {offer_id} has no previous champion to go back to", ExitCode.MISSING)
    shelf.point(offer_id, after_rollback(aliases))
    return {"rows_in": 0, "rows_out": shelf.write(), "offer": offer_id, "champion": shelf.champion(offer_id)["model_version"]}


def facts(job: Job, rows: TrainingRows) -> dict[str, Any]:
    """What a reviewer needs to build the same model again."""
    return {
        "code_version": code_version(),
        "conf_hash": conf_hash(job.settings),
        "table_versions": job.lake.versions(),
        "snapshots": ", ".join(str(day) for day in rows.days) or "none: history is too short",
        "seed": job.settings.models.seed,
    }


def told(trained: Trained, promoted: bool) -> str:
    """One line for the console."""
    area = f", AUC {trained.figures['auc']:.2f}" if "auc" in trained.figures else ""
    kept = "" if promoted else f"; not promoted: {'; '.join(trained.failures) or 'a rate replaces no model'}"
    return f"{trained.kind}{area} ({trained.why}){kept}"


if __name__ == "__main__":
    from jobs.cli import main

    main("train")
