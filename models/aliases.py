"""Which version of an offer's model is in use: aliases move, versions stay."""

from __future__ import annotations

from collections.abc import Mapping

Aliases = Mapping[str, int]  # champion, challenger, previous -> version


def after_training(aliases: Aliases, version: int, promoted: bool) -> dict[str, int]:
    """Aliases once a new version is there: as champion, whose predecessor can be gone back to, or else as challenger."""
    if not promoted:
        return {**aliases, "challenger": version}
    before = {"previous": aliases["champion"]} if "champion" in aliases else {}
    return {"champion": version, **before}


def after_rollback(aliases: Aliases) -> dict[str, int]:
    """Champion and previous change places, so that a rollback can be rolled back."""
    changed = {"champion": aliases["previous"], "previous": aliases["champion"]}
    return {**aliases, **changed}
