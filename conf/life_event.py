"""Life events noticed in purchases and payments: one YAML file an event."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Literal

from pydantic import Field, field_validator, model_validator

from conf.model import Model


def _compiles(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"not a regular expression: {error}") from None
    return pattern


class Evidence(Model):
    """One kind of purchase or payment that speaks for the event, counted in distinct days, never in rows or packs."""

    source: Literal["purchases", "payments"] = "purchases"
    pattern: str  # of purchases: searched for in category path and product name; of payments: in description and counterparty
    log_odds: tuple[float, ...] = Field(min_length=1)  # of 1, 2, 3 … distinct days in the window; the last one holds on
    direction: Literal["debit", "credit"] = "debit"  # of payments
    types: tuple[str, ...] = ()  # of payments: only these transaction types; empty: all
    min_amount: Decimal = Field(Decimal(0), ge=0)  # of payments, base currency
    novel: bool = False  # of payments: only from or to somebody the customer had nothing with before the window
    in_place_of_another: bool = False  # of novel payments: only where there was somebody else of the kind before

    _pattern = field_validator("pattern")(_compiles)


class Stage(Model):
    """How far the event has come: the latest day with a match decides, and of one day's the stage named first."""

    name: str
    pattern: str
    from_months: int | None = Field(None, ge=-9)  # the child's probable age, for events about a child
    to_months: int | None = Field(None, ge=-9)
    proves_onset: bool = False  # seen at all, the event is new, however little history there is

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
    stages: tuple[Stage, ...] = ()  # the youngest first
    excluded: str = "(?!)"  # purchases and payments that never count, whatever they match; the default matches nothing
    prior_by_age: tuple[AgePrior, ...] = ()
    prior_unknown_age: float = Field(gt=0, lt=1)  # also at ages that `prior_by_age` does not name
    window_days: int = Field(60, gt=0)
    half_life_days: float = Field(45, gt=0)  # of the evidence since its last day
    second_category_weight: float = Field(0.6, ge=0, le=1)  # categories speak of the same thing: not independent
    max_log_odds: float = 4.0
    min_days: int = Field(2, ge=1)  # fewer distinct days are a gift or a visit
    min_categories: int = Field(1, ge=1)  # fewer kinds of evidence are not enough
    onset_days: int = Field(365, gt=0)  # how far back earlier evidence is looked for
    quiet_days: int = Field(120, ge=0)  # without evidence before its first day in that time, though something was bought: new
    max_quantity_a_day: int = Field(40, gt=0)  # more is a shop or a nursery
    min_probability: float = Field(0.6, gt=0, lt=1)  # at least this to be written down at all

    @model_validator(mode="after")
    def _window_within_onset(self) -> LifeEvent:
        if self.window_days > self.onset_days:
            raise ValueError("window_days is longer than onset_days")
        return self
