"""The shelf of models: every version's row in `models`, and the registry that keeps the artifacts behind it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from conf import KehuError
from conf.offer import Offer
from jobs.context import Job
from models.aliases import after_training
from models.evaluation import gain
from models.gates import Gate, champion_gate, lost_champion_gate
from models.next_best_offer import Trained, rate_offer
from models.registry import Registered, Registry, gates_json, loaded, metrics_json
from models.scoring import probabilities
from tables import TABLES

Version = dict[str, Any]  # a row of `models`


class ModelShelf:
    """The versions of every offer's model: the `models` table in memory, and the registry behind it."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.registry = Registry(job.settings.models, job.places.lake / "_models")
        self._versions: dict[str, dict[int, Version]] = {}
        for row in job.lake.read("models").collect():  # a few rows an offer
            self._versions.setdefault(row["offer_id"], {})[row["version"]] = row.asDict()
        self._changed: set[tuple[str, int]] = set()

    @property
    def offers(self) -> list[str]:
        return sorted(self._versions)

    def newest(self, offer_id: str) -> Version:
        versions = self._versions.get(offer_id, {})
        return versions[max(versions)] if versions else {}

    def aliases(self, offer_id: str) -> dict[str, int]:
        return {row["alias"]: version for version, row in self._versions.get(offer_id, {}).items() if row["alias"]}

    def champion(self, offer_id: str) -> Version:
        version = self.aliases(offer_id).get("champion")
        return {} if version is None else self._versions[offer_id][version]

    def verified(self, version: Version) -> bytes:
        """The artifact of a version, compressed, after its hash was checked."""
        return self.registry.verified(Registered(version["offer_id"], version["version"], version["artifact"], version["sha256"]))

    def take(self, trained: Trained, offer: Offer, rate: float, made_of: str, facts: dict[str, Any]) -> bool:
        """Register a model and say whether it is the champion now. Every offer has one: at least its rate."""
        champion = self.champion(trained.offer_id)
        judged = replace(trained, gates=(*trained.gates, *self._against(champion, trained)))
        promoted = judged.passed if trained.kind != "rate" else champion.get("kind", "rate") == "rate"
        if not promoted and not champion:
            self._add(rate_offer(trained.offer_id, rate, "the model did not pass its gates"), offer, made_of, facts, True)
        self._add(judged, offer, made_of, facts, promoted)
        return promoted

    def point(self, offer_id: str, aliases: dict[str, int]) -> None:
        """Move the aliases of an offer, in the table's rows and in MLflow."""
        alias_of = {version: alias for alias, version in aliases.items()}
        for version, row in self._versions[offer_id].items():
            alias = alias_of.get(version)
            if row["alias"] != alias:
                row["alias"] = alias
                self._changed.add((offer_id, version))

    def write(self) -> int:
        """Commit what changed to `models`, then let MLflow's aliases say the same."""
        if self._changed:
            names = TABLES["models"].column_names
            changed = [tuple(self._versions[offer][version][name] for name in names) for offer, version in sorted(self._changed)]
            self.job.lake.merge("models", self.job.spark.createDataFrame(changed, TABLES["models"].ddl))
            for offer_id in sorted({offer for offer, _ in self._changed}):
                self.registry.point(offer_id, self.aliases(offer_id))
        return len(self._changed)

    def _add(self, trained: Trained, offer: Offer, made_of: str, facts: dict[str, Any], promoted: bool) -> None:
        settings, day = self.job.settings.models, self.job.day
        registered = self.registry.register(trained, offer, day, facts | {"fingerprint": made_of}, settings)
        offer_id, version = registered.offer_id, registered.version
        self._versions.setdefault(offer_id, {})[version] = {
            "model_version": registered.model_version,
            "offer_id": offer_id,
            "version": version,
            "as_of": day,
            "kind": trained.kind,
            "why": trained.why,
            "artifact": registered.artifact,
            "sha256": registered.sha256,
            "fingerprint": made_of,
            "alias": None,
            "metrics": metrics_json(trained),
            "gates": gates_json(trained),
            "feature_list": list(trained.features),
            "run_id": self.job.run_id,
        }
        self._changed.add((offer_id, version))
        self.point(offer_id, after_training(self.aliases(offer_id), version, promoted))

    def _against(self, champion: Version, trained: Trained) -> list[Gate]:
        """The gate of beating the champion on the newest window; a champion that cannot be used any more is no rival."""
        if not champion or trained.kind == "rate":
            return []
        (test, ours), needed = trained.judged, champion["feature_list"]
        gone = sorted(set(needed) - set(test.inputs.columns))
        if gone:
            return [lost_champion_gate(f"the champion needs feature {gone[0]}, which is not computed any more")]
        try:
            artifact = self.verified(champion)
        except KehuError as error:
            return [lost_champion_gate(str(error))]
        theirs = probabilities(loaded(artifact), test.inputs[needed] if needed else test.inputs)
        return [champion_gate(gain(test.taken, ours, theirs, test.customers, self.job.settings.models.seed))]
