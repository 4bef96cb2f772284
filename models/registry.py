"""The model registry: MLflow runs and versions, skops artifacts, and a hash that stands between a file and its use.

SQLite beside the lake unless a tracking server is configured. MLflow keeps the record; which version is in use, and the
hash its artifact must have, stand in the `models` table, because a file's own list of trusted types protects nobody from
that file.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import tempfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlparse

import skops.io

from conf import ExitCode, KehuError
from conf.offer import Offer
from conf.settings import Models
from models.model_card import curves, model_card
from models.next_best_offer import Trained

if TYPE_CHECKING:
    from mlflow import MlflowClient

EXPERIMENT = "next_best_offer"
ARTIFACT = "model.skops"
ALIASES = ("champion", "challenger", "previous")
TRUSTED_TYPES = [  # what our models are made of beyond scikit-learn's public classes; nothing else is ever loaded
    "functools.partial",
    "numpy.dtype",
    "scipy._lib.array_api_compat.numpy._aliases.asarray",
    "scipy.interpolate._bsplines.BSpline",
    "sklearn.calibration._CalibratedClassifier",
    "sklearn.calibration._SigmoidCalibration",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.model_selection._split.StratifiedKFold",
    "sklearn.utils._bunch.Bunch",
    "sklearn.utils.validation.check_array",
]


@dataclass(frozen=True)
class Registered:
    """A version of an offer's model in the registry."""

    offer_id: str
    version: int
    artifact: str  # path below the root of a local registry, so that a lake may move; a URI with a tracking server
    sha256: str

    @property
    def model_version(self) -> str:
        return f"{self.offer_id}/{self.version}"


class Registry:
    """The registry of one lake.

    Parameters
    ----------
    settings : Models
    root : path, optional
        `LAKE/_models`: the database and the artifacts, unless `settings.tracking_uri` names a server.

    Raises
    ------
    KehuError
        CONFIGURATION for a lake that is no local directory while no server is configured.
    """

    def __init__(self, settings: Models, root: Path) -> None:
        if settings.tracking_uri:
            self.uri, self._artifacts = settings.tracking_uri, None
        else:
            self.uri, self._artifacts = f"sqlite:///{root.absolute()}/mlflow.db", (root.absolute() / "artifacts").as_uri()
        self._root = root.absolute()

    @cached_property
    def client(self) -> MlflowClient:
        return self.connect()

    def connect(self) -> MlflowClient:
        """Point MLflow's fluent functions, which know one server a process, at this registry."""
        mlflow = _quiet_mlflow()
        if self._artifacts is not None:
            self._root.mkdir(parents=True, exist_ok=True)
        mlflow.set_tracking_uri(self.uri)
        mlflow.set_registry_uri(self.uri)
        return mlflow.MlflowClient(self.uri, self.uri)

    def register(self, trained: Trained, offer: Offer, as_of: date, facts: Mapping[str, Any], settings: Models) -> Registered:
        """Log one run with everything a reviewer asks for, and register its model as `kehu_<offer_id>`.

        Raises
        ------
        KehuError
            CHECK_FAILED when the artifact holds a type that is not on the allow-list, or comes back other than it went.
        """
        self.connect()
        import mlflow
        import mlflow.sklearn

        with mlflow.start_run(experiment_id=self._experiment(), run_name=f"{trained.offer_id} {as_of}") as run:
            mlflow.log_params(
                {"offer_id": trained.offer_id, "kind": trained.kind, "as_of": str(as_of), **settings.model_dump(mode="json")}
            )
            mlflow.log_metrics({key: value for key, value in trained.figures.items() if value == value})
            mlflow.log_metrics({f"validation_log_loss/{_metric(key)}": value for key, value in trained.candidates.items()})
            mlflow.set_tags({key: str(value) for key, value in facts.items()} | {"why": trained.why})
            if trained.failures:
                mlflow.set_tag("failed_gates", "; ".join(trained.failures))
            mlflow.log_dict({"features": list(trained.features)}, "features.json")
            mlflow.log_dict({"gates": [gate.as_dict() for gate in trained.gates], "windows": trained.windows}, "gates.json")
            mlflow.log_text(model_card(trained, offer, as_of, facts), "model_card.md")
            if trained.test is not None:
                mlflow.log_figure(curves(trained), "curves.png")
            logged = mlflow.sklearn.log_model(
                trained.model,
                name="model",
                signature=_signature(trained),
                serialization_format="skops",
                skops_trusted_types=TRUSTED_TYPES,
                pyfunc_predict_fn="predict_proba",
                pip_requirements=_requirements(),  # inferring them costs seconds a model
            )
        version = self._new_version(registered_name(trained.offer_id), logged, run.info.run_id)
        place = self._place(trained.offer_id, version)
        artifact = self._bytes(place)
        unknown = set(skops.io.get_untrusted_types(data=artifact)) - set(TRUSTED_TYPES)
        if unknown:
            raise KehuError(
                f"model {trained.offer_id}/{version} holds {sorted(unknown)}, which no model of ours may", ExitCode.CHECK_FAILED
            )
        return Registered(trained.offer_id, version, place, hashlib.sha256(artifact).hexdigest())

    def verified(self, registered: Registered) -> bytes:
        """The artifact of a version, compressed, after its hash was found to be the recorded one; a local one needs no MLflow.

        Raises
        ------
        KehuError
            REJECTED: MODEL_TAMPERED for other bytes than were registered, MODEL_MISSING for an artifact that is not there.
        """
        try:
            artifact = self._bytes(registered.artifact)
        except OSError as error:
            raise KehuError(
                f"MODEL_MISSING: the artifact of model {registered.model_version} is not at {registered.artifact}; "
                "bring it back, or train again with `kehu train --as-of D`",
                ExitCode.REJECTED,
            ) from error
        if hashlib.sha256(artifact).hexdigest() != registered.sha256:
            raise KehuError(
                f"MODEL_TAMPERED: the artifact of model {registered.model_version} is not the one that was registered; "
                "do not use it, find out who changed it, and train again with `kehu train --as-of D`",
                ExitCode.REJECTED,
            )
        return zlib.compress(artifact, 1)

    def point(self, offer_id: str, aliases: Mapping[str, int]) -> None:
        """Let MLflow's aliases of an offer say what the `models` table says (alias -> version); others are removed."""
        name = registered_name(offer_id)
        present = {alias: int(version) for alias, version in self.client.get_registered_model(name).aliases.items()}
        for alias in ALIASES:
            if alias in aliases and present.get(alias) != aliases[alias]:
                self.client.set_registered_model_alias(name, alias, str(aliases[alias]))
            elif alias not in aliases and alias in present:
                self.client.delete_registered_model_alias(name, alias)

    def _new_version(self, name: str, logged: Any, run_id: str) -> int:
        from mlflow.exceptions import MlflowException

        try:
            self.client.get_registered_model(name)
        except MlflowException:
            self.client.create_registered_model(name)
        made = self.client.create_model_version(name, logged.model_uri, run_id, model_id=logged.model_id)
        return int(made.version)

    def _experiment(self) -> str:
        found = self.client.get_experiment_by_name(EXPERIMENT)
        return found.experiment_id if found else self.client.create_experiment(EXPERIMENT, artifact_location=self._artifacts)

    def _place(self, offer_id: str, version: int) -> str:
        """Where the artifact of a version lies, as the `models` table keeps it."""
        uri = self.client.get_model_version_download_uri(registered_name(offer_id), str(version)).rstrip("/")
        if self._artifacts is None:
            return f"{uri}/{ARTIFACT}"
        return str(Path(unquote(urlparse(uri).path), ARTIFACT).relative_to(self._root))

    def _bytes(self, place: str) -> bytes:
        if self._artifacts is not None:
            return (self._root / place).read_bytes()
        self.connect()
        from mlflow.artifacts import download_artifacts
        from mlflow.exceptions import MlflowException

        with tempfile.TemporaryDirectory() as scratch:
            try:
                return Path(download_artifacts(artifact_uri=place, tracking_uri=self.uri, dst_path=scratch)).read_bytes()
            except MlflowException as error:
                raise FileNotFoundError(str(error)) from error


def registered_name(offer_id: str) -> str:
    return f"kehu_{offer_id}"


def loaded(compressed: bytes) -> Any:
    """The model in a verified artifact. Only types on our own allow-list are ever made, whatever the file asks for."""
    return skops.io.loads(zlib.decompress(compressed), trusted=TRUSTED_TYPES)


def gates_json(trained: Trained) -> str:
    return json.dumps([gate.as_dict() for gate in trained.gates], sort_keys=True)


def metrics_json(trained: Trained) -> str:
    figures = {key: round(value, 6) for key, value in trained.figures.items() if value == value}
    return json.dumps(figures, sort_keys=True)


def _metric(name: str) -> str:
    return name.replace("=", " ")


def _signature(trained: Trained) -> Any:
    import pandas as pd
    from mlflow.models import infer_signature

    typical = getattr(trained.model, "typical_customer_", None) or {"any": 0.0}
    rows = pd.DataFrame([typical])
    return infer_signature(rows, trained.model.predict_proba(rows))


def _requirements() -> list[str]:
    from importlib.metadata import version

    return [f"{package}=={version(package)}" for package in ("scikit-learn", "skops", "numpy", "scipy", "pandas")]


def _quiet_mlflow() -> Any:
    """MLflow without its usage reports, its progress lines and its database chatter."""
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    import mlflow

    for noisy in ("mlflow", "alembic"):
        logging.getLogger(noisy).setLevel(logging.ERROR)
    return mlflow
