"""The words people read, one YAML file a language."""

from __future__ import annotations

from conf.model import Model


class Wording(Model):
    worklist: dict[str, str] = {}  # labels of worklists and pages
    reasons: dict[str, str] = {}  # templates of alert reasons, by kind
