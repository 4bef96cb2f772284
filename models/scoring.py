"""Scoring: every customer against every offer's champion, in Spark; reasons for the few offers that are shown."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal

from pyspark.sql import DataFrame
from pyspark.sql.types import BooleanType

from conf import ExitCode, KehuError
from models.inputs import Inputs, as_inputs, input_columns, inputs_of

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

SCORES = "customer_id string, as_of date, offer_id string, probability double, model_version string"
REASONS = "customer_id string, offer_id string, reasons array<string>"
AGAIN = "train again with `kehu train --as-of D`"
DIGITS = 9  # of probabilities: the last bits depend on how rows were batched


@dataclass(frozen=True)
class Scorer:
    """A champion, ready to travel to workers: plain bytes and names, no session needed."""

    offer_id: str
    model_version: str
    artifact: bytes  # verified and compressed, as the registry gives it
    features: tuple[str, ...]


def ready(scorer: Scorer, columns: Collection[str]) -> Scorer:
    """The scorer, after it was seen to work on this day's features: loaded once, and asked for the typical customer's score.

    Raises
    ------
    KehuError
        REJECTED: MODEL_FEATURES when it needs a feature that is not there, MODEL_BROKEN when it does not load or gives no
        probability (another release of scikit-learn, for instance).
    """
    gone = [name for name in scorer.features if name not in columns]
    if gone:
        raise KehuError(
            f"MODEL_FEATURES: model {scorer.model_version} needs feature {gone[0]}, which is not computed any more; {AGAIN}",
            ExitCode.REJECTED,
        )
    try:
        _probabilities_and_inputs(_model(scorer.artifact), scorer, None)
    except KehuError:
        raise
    except Exception as error:
        raise KehuError(
            f"MODEL_BROKEN: model {scorer.model_version} cannot be used ({type(error).__name__}); {AGAIN}", ExitCode.REJECTED
        ) from error
    return scorer


def offer_scores(features: DataFrame, scorers: Sequence[Scorer]) -> DataFrame:
    """The probability of every customer taking every offer.

    Parameters
    ----------
    features : DataFrame with `customer_id`, `as_of` and every feature a scorer needs
    scorers : the champions, one an offer

    Returns
    -------
    DataFrame with `customer_id`, `as_of`, `offer_id`, `probability` (0 to 1), `model_version`
    """
    champions = tuple(sorted(scorers, key=lambda scorer: scorer.offer_id))

    def score(batches: Iterable[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        from threadpoolctl import threadpool_limits  # a worker a core: a thread each, or they fight for cores

        with threadpool_limits(1):
            for batch in batches:
                for scorer in champions:
                    yield _scored(batch, scorer)

    inputs = _inputs(features, scorers)
    return features.select("customer_id", "as_of", *input_columns(features, inputs)).mapInPandas(score, SCORES)


def offer_reasons(
    shown: DataFrame,
    features: DataFrame,
    scorers: Sequence[Scorer],
    phrases: Mapping[str, str],
    language: Literal["en", "zh"] = "en",
) -> DataFrame:
    """Why the probability is what it is, for the few offers that somebody may be told of: words cost far more than scores.

    Parameters
    ----------
    shown : DataFrame with `customer_id`, `offer_id`
    features : DataFrame with `customer_id`, `as_of` and every feature a scorer needs
    scorers : the champions, one an offer
    phrases : feature -> business words in `language`
    language : of the reasons

    Returns
    -------
    DataFrame with `customer_id`, `offer_id`, `reasons` (at most three, the most moving first; none where the model is a rate)
    """
    champions = {scorer.offer_id: scorer for scorer in scorers}
    words, flags = dict(phrases), tuple(field.name for field in features.schema if isinstance(field.dataType, BooleanType))

    def explain(batches: Iterable[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        from threadpoolctl import threadpool_limits

        with threadpool_limits(1):
            for batch in batches:
                for offer_id, rows in batch.groupby("offer_id"):
                    yield _explained(rows, champions[str(offer_id)], words, language, flags)

    inputs = _inputs(features, scorers)
    known = features.select("customer_id", *input_columns(features, inputs))
    return shown.select("customer_id", "offer_id").join(known, "customer_id").mapInPandas(explain, REASONS)


def probabilities(model: Any, rows: pd.DataFrame) -> np.ndarray:
    """A model's probabilities of uptake, checked to be probabilities.

    Raises
    ------
    KehuError
        REJECTED (MODEL_BROKEN) for anything that is not finite and between 0 and 1.
    """
    probability = model.predict_proba(rows)[:, 1]
    if not bool(((probability >= 0) & (probability <= 1)).all()):  # also false for NaN
        raise KehuError(f"MODEL_BROKEN: a model gave something that is no probability; {AGAIN}", ExitCode.REJECTED)
    return probability


def model_inputs(typical: Mapping[str, float | str]) -> Inputs:
    """The inputs of a fitted model, from its typical customer: text values are categories."""
    categories = tuple(name for name, value in typical.items() if isinstance(value, str))
    return Inputs(tuple(name for name in typical if name not in categories), categories)


def _inputs(features: DataFrame, scorers: Sequence[Scorer]) -> Inputs:
    return inputs_of(features, sorted({name for scorer in scorers for name in scorer.features}))


def _scored(batch: pd.DataFrame, scorer: Scorer) -> pd.DataFrame:
    probability, _ = _probabilities_and_inputs(_model(scorer.artifact), scorer, batch)
    return batch[["customer_id", "as_of"]].assign(
        offer_id=scorer.offer_id, probability=probability.round(DIGITS), model_version=scorer.model_version
    )


def _explained(
    rows: pd.DataFrame,
    scorer: Scorer,
    phrases: Mapping[str, str],
    language: Literal["en", "zh"],
    flags: Sequence[str],
) -> pd.DataFrame:
    from models.reasons import contributions, reasons_in_words

    reasons: list[list[str]] = [[] for _ in range(len(rows))]
    if scorer.features:
        model = _model(scorer.artifact)
        probability, given = _probabilities_and_inputs(model, scorer, rows)
        moved = contributions(model, given, model.typical_customer_, probability)
        reasons = reasons_in_words(moved, given, model.typical_customer_, phrases, language, flags)
    return rows[["customer_id", "offer_id"]].assign(reasons=reasons)


def _probabilities_and_inputs(model: Any, scorer: Scorer, batch: pd.DataFrame | None) -> tuple[np.ndarray, pd.DataFrame]:
    """Of the batch, or of the typical customer; a rate (no features) needs no inputs."""
    import numpy as np
    import pandas as pd

    if not scorer.features:
        rows = pd.DataFrame({"any": np.zeros(1 if batch is None else len(batch))})
    else:
        given = pd.DataFrame([model.typical_customer_]) if batch is None else batch
        rows = as_inputs(given, model_inputs(model.typical_customer_))[list(scorer.features)]
    return probabilities(model, rows), rows


@lru_cache(maxsize=64)
def _model(artifact: bytes) -> Any:
    """One copy of each model a worker process."""
    from models.registry import loaded

    return loaded(artifact)
