"""What settings say in patterns, tried once for each different text: Python's, as not every engine's patterns look around."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from conf import Settings

Rows = list[tuple[Any, ...]]


@dataclass(frozen=True)
class Lookup:
    """A small table made of the different values of a table's columns; without a table, of settings alone."""

    table: str
    columns: tuple[str, ...]
    schema: str  # names and types, as SQL
    make: Callable[[Rows], Rows]

    def names(self) -> list[str]:
        return [each.split()[0] for each in self.schema.split(", ")]


def lookups(settings: Settings) -> dict[str, Lookup]:
    """Of the tables as they stand."""
    segments = settings.segments

    def occupations(found: Rows) -> Rows:
        groups = segments.occupation_groups
        return [(each, first(each, groups) or "other") for (each,) in found if each is not None]

    def preferences(found: Rows) -> Rows:
        order = {name: place for place, name in enumerate(segments.preferences)}
        named = ((each, first(each, segments.preferences)) for (each,) in found)
        return [(each, name, order[name]) for each, name in named if name]

    return {
        "kinds": Lookup("purchases", ("category",), "category string, kind string",
                        lambda found: [(each, first(each, segments.purchase_groups) or "other") for (each,) in found]),
        "families": Lookup("holdings", ("product_id",), "product_id string, family string",
                           lambda found: families(settings, [each for (each,) in found])),
        "occupations": Lookup("customers", ("occupation",), "occupation string, occupation_group string", occupations),
        "preferences": Lookup("holdings", ("product_id",), "product_id string, preference string, place int", preferences),
    }  # fmt: skip


def first(text: str, patterns: Mapping[Any, str]) -> str | None:
    """The first configured pattern that fits."""
    return next((name for name, pattern in patterns.items() if re.search(pattern, text)), None)


def families(settings: Settings, held: Iterable[str]) -> Rows:
    """Products that offers sell, and their family."""
    known = {product: str(offer.family) for offer in settings.offers.values() for product in offer.uptake.products}
    return [(product, known[product]) for product in held if product in known]
