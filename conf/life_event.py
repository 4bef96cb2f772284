"""Life events noticed in purchases and payments: one YAML file an event."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise
from typing import Literal

from pydantic import Field, model_validator

from conf.codes import TransactionType
from conf.model import Model, Pattern

WATCHED_DAYS = 31  # a customer's payments must have been seen so long before the window for anybody to be new: who is paid monthly shows


class Evidence(Model):
    """One kind of purchase or payment that speaks for the event, counted in distinct days, never in rows or packs."""

    source: Literal["purchases", "payments"] = "purchases"
    pattern: Pattern  # of purchases: searched for in category path and product name; of payments: in description and counterparty
    log_odds: tuple[float, ...] = Field(min_length=1)  # of 1, 2, 3 … distinct days in the window; the last one holds on
    direction: Literal["debit", "credit"] = "debit"  # of payments
    types: tuple[TransactionType, ...] = ()  # of payments: only these transaction types; empty: all
    min_amount: Decimal = Field(Decimal(0), ge=0)  # of payments, base currency
    novel: bool = False  # of payments: only from or to somebody with whom the customer, known by then, had nothing before the window
    in_place_of_another: bool = False  # of novel payments: only where there was somebody else of the kind before
    max_quantity: int | None = Field(None, gt=0)  # of purchases: more pieces within the window are a shop or a nursery


class Stage(Model):
    """How far the event has come.

    Told by a pattern: the latest day with a match decides, and of one day's the stage named first. Of an event about a child: told
    by the child's probable age instead.
    """

    name: str
    pattern: Pattern | None = None
    from_months: float | None = None
    to_months: float | None = None
    proves_onset: bool = False  # as far as this, the event is new, however little history there is

    @model_validator(mode="after")
    def _one_way_to_tell(self) -> Stage:
        by_age = self.from_months is not None and self.to_months is not None
        if by_age == (self.pattern is not None) or (self.from_months is None) != (self.to_months is None):
            raise ValueError("a stage is told by a pattern, or by from_months and to_months")
        return self


class Size(Model):
    """What an article tells of the age of the child that needs it."""

    pattern: Pattern
    from_months: float = Field(ge=-3)
    to_months: float
    newborn: bool = False  # on some days after a size for larger children: another child

    @model_validator(mode="after")
    def _lasts(self) -> Size:
        if self.from_months >= self.to_months:
            raise ValueError("from_months must lie before to_months")
        return self


class Child(Model):
    """How the probable age of a household's youngest child is told from what is bought for it."""

    sizes: tuple[Size, ...] = Field(min_length=1)  # the first that fits an article counts
    soft_months: float = Field(0.7, gt=0)  # how far beyond its months a size is still worn, as a standard deviation …
    soft_share: float = Field(0.15, ge=0)  # … and as a share of the months: children grow at different speeds
    doubt: float = Field(0.05, gt=0, lt=1)  # share of articles that are for another child
    newborn_days: int = Field(2, ge=1)  # days with a newborn's size, after larger ones, that make a new child; fewer leave it open
    oldest_months: int = Field(36, gt=0)  # no child is looked for beyond
    interval: float = Field(0.8, gt=0, lt=1)  # probability that the age lies within the interval told
    max_interval_months: float = Field(8, gt=0)  # a wider interval says too little: no age is told, and no stage


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
    child: Child | None = None  # of events about a child
    excluded: Pattern = "(?!)"  # purchases and payments that never count, whatever they match; the default matches nothing
    prior_by_age: tuple[AgePrior, ...] = ()
    prior_unknown_age: float = Field(gt=0, lt=1)  # also at ages that `prior_by_age` does not name
    window_days: int = Field(60, gt=0)
    half_life_days: float = Field(45, gt=0)  # of the evidence since its last day
    second_category_weight: float = Field(0.6, ge=0, le=1)  # categories speak of the same thing: not independent
    earlier_log_odds: tuple[float, ...] = ()  # of 1, 2, 3 … months with evidence before the window: who goes on, means it
    max_log_odds: float = 4.0
    min_days: int = Field(2, ge=1)  # fewer distinct days are a gift or a visit; days before the window help if `earlier_log_odds` do
    min_categories: int = Field(1, ge=1)  # fewer kinds of evidence are not enough
    onset_days: int = Field(365, gt=0, le=365)  # how far back earlier evidence is looked for
    quiet_days: int = Field(120, ge=0)  # without evidence before its first day in that time, though something was bought: new
    silence_days: int | None = Field(None, gt=0)  # nothing for longer than this: it has ended, and is not spoken of
    silence_gaps: float | None = Field(None, gt=0)  # nor after so many of the customer's own usual gaps
    max_quantity_a_day: int = Field(40, gt=0)  # more is a shop or a nursery
    max_sizes_a_day: int = Field(3, ge=1)  # more sizes of one kind on one day are for more children than a family has
    min_probability: float = Field(0.6, gt=0, lt=1)  # at least this to be written down at all

    @model_validator(mode="after")
    def _days_fit(self) -> LifeEvent:
        if self.window_days > self.onset_days:
            raise ValueError("window_days is longer than onset_days")
        if any(each.novel for each in self.evidence.values()) and self.window_days + WATCHED_DAYS > self.onset_days:
            raise ValueError(f"novel evidence needs onset_days of at least {WATCHED_DAYS} more than window_days")
        if self.silence_days is not None and self.silence_days >= self.window_days:
            raise ValueError("silence_days must be shorter than window_days: after the window nothing is left anyway")
        return self

    @model_validator(mode="after")
    def _stages_fit(self) -> LifeEvent:
        spans = [(each.from_months, each.to_months) for each in self.stages if each.from_months is not None and each.to_months is not None]
        if self.child is None and spans:
            raise ValueError("stages by months need `child`, which says what tells its age")
        if self.child is not None and len(spans) < len(self.stages):
            raise ValueError("stages of an event about a child are told by from_months and to_months")
        borders = [month for span in spans for month in span]
        if any(earlier > later for earlier, later in pairwise(borders)):
            raise ValueError("stages follow one another, the youngest first, without overlap")
        return self
