"""A feed's contract as a bank configured it."""

from __future__ import annotations

from collections.abc import Mapping

from conf import ExitCode, KehuError
from conf.feed import Feed
from expectations import CONTRACTS
from expectations.contract import Contract

CORRECTABLE = ("transactions", "purchases")  # outcomes are told once; states have versions anyway


def contract_of(feed: str, conf: Feed) -> Contract:
    """The contract of a feed; with `version` where its events are corrected by number."""
    return CONTRACTS[feed].corrected if conf.corrections else CONTRACTS[feed]


def require_fitting(feeds: Mapping[str, Feed]) -> None:
    """Refuse configuration of feeds that do not exist, or that a feed cannot have.

    Raises
    ------
    KehuError
        CONFIGURATION, naming file and key.
    """
    for name, conf in feeds.items():
        if name not in CONTRACTS:
            raise KehuError(f"feeds/{name}.yaml: no such feed; there are {', '.join(CONTRACTS)}", ExitCode.CONFIGURATION)
        if conf.corrections and name not in CORRECTABLE:
            raise KehuError(f"feeds/{name}.yaml: corrections: only {' and '.join(CORRECTABLE)} are corrected by number; a later "
                            "drop of this feed is a newer version anyway", ExitCode.CONFIGURATION)
