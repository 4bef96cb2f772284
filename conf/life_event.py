"""Life events noticed in purchases: one YAML file an event."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import Field, field_validator

from conf.model import Model


def _compiles(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"not a regular expression: {error}") from None
    return pattern


class Evidence(Model):
    """One kind of purchase that speaks for the event, counted in distinct days, never in rows or packs."""

    pattern: str  # searched for in category path and product name, case ignored; Java and Python syntax in common
    log_odds: tuple[float, ...] = Field(min_length=1)  # of 1, 2, 3 … distinct days in the window; the last one holds on

    _pattern = field_validator("pattern")(_compiles)


class Stage(Model):
    """What of the evidence tells the stage: the latest day with a match decides."""

    name: str
    pattern: str

    _pattern = field_validator("pattern")(_compiles)


class AgePrior(Model):
    """Probability of the event within a year at an age, before any evidence."""

    from_age: int = Field(ge=18)
    to_age: int
    probability: float = Field(gt=0, lt=1)


class LifeEvent(Model):
    enabled: bool
    name: dict[Literal["en", "zh"], str]
    evidence: dict[str, Evidence] = Field(min_length=1)
    stages: tuple[Stage, ...] = ()  # the most telling first
    excluded: str = "(?!)"  # purchases that never count, whatever else they match; the default matches nothing
    prior_by_age: tuple[AgePrior, ...]
    prior_unknown_age: float = Field(gt=0, lt=1)
    window_days: int = Field(60, gt=0)
    half_life_days: float = Field(45, gt=0)  # of the evidence since its last day
    second_category_weight: float = Field(0.6, ge=0, le=1)  # categories speak of the same child: not independent
    max_log_odds: float = 4.0
    min_days: int = Field(2, ge=1)  # fewer distinct days are a gift or a visit
    onset_days: int = Field(365, gt=0)  # evidence older than the window but within this many days: not new
    max_quantity_a_day: int = Field(40, gt=0)  # more is a shop or a nursery
    min_probability: float = Field(0.6, gt=0, lt=1)  # at least this to be written down at all
