"""A feed's contract as a bank configured it."""

from __future__ import annotations

from collections.abc import Iterator

from conf.feed import Feed
from conf.model import Wrong
from conf.settings import Settings
from expectations import CONTRACTS
from expectations.contract import Contract, Kind

CORRECTABLE = ("transactions", "purchases")  # outcomes are told once; states have versions anyway


def contract_of(feed: str, conf: Feed) -> Contract:
    """The contract of a feed; with `version` where its events are corrected by number."""
    return CONTRACTS[feed].corrected if conf.corrections else CONTRACTS[feed]


def misfits(settings: Settings) -> Iterator[Wrong]:
    """What is configured of feeds that do not exist, or that a feed cannot have: a check for `load_settings`."""
    for name, conf in settings.feeds.items():
        if name not in CONTRACTS:
            yield ("feeds", name), f"no such feed; there are {', '.join(CONTRACTS)}"
            continue
        if conf.corrections and name not in CORRECTABLE:
            yield ("feeds", name, "corrections"), (f"only {' and '.join(CORRECTABLE)} are corrected by number; a later drop of this "
                                                   "feed is a newer version anyway")
        contract = contract_of(name, conf)
        for key, columns in (("names", conf.names), ("values", conf.values), ("max_empty_share", conf.max_empty_share)):
            for column in (column for column in columns if column not in contract.names):
                yield ("feeds", name, key, column), f"no such column in this feed; there are {', '.join(contract.names)}"
        for field in (field for field in contract.fields if field.kind is Kind.ENUM):
            for said, meant in conf.values.get(field.name, {}).items():
                if meant not in (*field.values, ""):
                    yield ("feeds", name, "values", field.name, said), f"{meant!r} is none of {', '.join(field.values)}"
