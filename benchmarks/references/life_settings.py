"""What is configured of life events, as small tables that queries join."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from datetime import date, timedelta

from benchmarks.references.lookups import Lookup, Rows, first
from conf import Settings
from conf.life_event import LifeEvent

WATCHED_DAYS = 31
MATCH = "found int, event string, kind string, sign int"


def life_lookups(settings: Settings) -> dict[str, Lookup]:
    """Each event that is turned on, its kinds of evidence, what days of them add, and the texts that are evidence."""
    return {
        "events": _table(
            "event string, window_days int, onset_days int, half_life double, others double, most double, min_days int, min_kinds int, "
            "quiet_days int, silence_days int, silence_gaps double, most_pieces int, most_sizes int, enough double, lasts boolean",
            [(name, e.window_days, e.onset_days, e.half_life_days, e.second_category_weight, e.max_log_odds, e.min_days, e.min_categories,
              e.quiet_days, e.silence_days, e.silence_gaps, e.max_quantity_a_day, e.max_sizes_a_day, e.min_probability,
              bool(e.earlier_log_odds)) for name, e in _events(settings)]),
        "priors": _table("event string, age int, prior double",
                         [(name, age, _prior(event, age)) for name, event in _events(settings) for age in range(18, 150)]),
        "evidences": _table(
            "event string, kind string, source string, min_amount double, novel boolean, another boolean, most_in_window int",
            [(name, kind, each.source, float(each.min_amount), each.novel, each.in_place_of_another, each.max_quantity)
             for name, event in _events(settings) for kind, each in event.evidence.items()]),
        "steps": _table("event string, kind string, days int, adds double",
                        [(name, kind, *step) for name, event in _events(settings) for kind, each in event.evidence.items()
                         for step in _steps(each.log_odds)]),
        "earlier_steps": _table("event string, months int, adds double",
                                [(name, *step) for name, event in _events(settings) for step in _steps(event.earlier_log_odds)]),
        "stages": _table("event string, place int, stage string, from_months double, to_months double, proves boolean",
                         [(name, place, each.name, each.from_months, each.to_months, each.proves_onset)
                          for name, event in _events(settings) for place, each in enumerate(event.stages)]),
        "articles": Lookup("bought", ("text",), f"text string, {MATCH}", lambda found: _numbered(
            [(row, [match for name, event in _events(settings) for match in _purchase(name, event, *row)]) for row in found])),
        "wordings": Lookup("paid", ("text", "direction", "type"), f"text string, direction string, type string, {MATCH}",
                           lambda found: _numbered(
            [(row, [match for name, event in _events(settings) for match in _payment(name, event, *row)]) for row in found])),
        **_children(settings),
    }  # fmt: skip


def in_sight_from(settings: Settings, day: date) -> date:
    """The first day that any event looks at: of the month in which it begins to look."""
    onset = max((event.onset_days for _, event in _events(settings)), default=1)
    return (day - timedelta(days=onset - 1)).replace(day=1)


def _events(settings: Settings) -> list[tuple[str, LifeEvent]]:
    return [(name, event) for name, event in settings.life_events.items() if event.enabled]


def _table(schema: str, rows: Rows) -> Lookup:
    return Lookup("", (), schema, lambda _: rows)


def _prior(event: LifeEvent, age: int) -> float:
    """In log-odds."""
    bands = (each.probability for each in event.prior_by_age if each.from_age <= age <= each.to_age)
    probability = next(bands, event.prior_unknown_age)
    return math.log(probability / (1 - probability))


def _steps(values: tuple[float, ...]) -> list[tuple[int, float]]:
    """What 1, 2, 3 … days add within a year: the last value holds on."""
    return [(days, values[min(days, len(values)) - 1]) for days in range(1, 367)] if values else []


def _numbered(told: list[tuple[tuple[str, ...], list[tuple[str, str, int | None]]]]) -> Rows:
    """A row a text and match; `found` numbers the sets of matches."""
    sets: dict[tuple[tuple[str, str, int | None], ...], int] = {}
    return [(*text, sets.setdefault(tuple(matches), len(sets)), *match) for text, matches in told for match in matches]


def _purchase(name: str, event: LifeEvent, text: str) -> Iterator[tuple[str, str, int | None]]:
    for kind, each in event.evidence.items():
        if each.source == "purchases" and _fits(text, each.pattern, event):
            yield name, kind, _sign(text, event)


def _payment(name: str, event: LifeEvent, text: str, direction: str, of_type: str) -> Iterator[tuple[str, str, int | None]]:
    for kind, each in event.evidence.items():
        wanted = each.source == "payments" and each.direction == direction and (not each.types or of_type in each.types)
        if wanted and _fits(text, each.pattern, event):
            yield name, kind, _sign(text, event)


def _fits(text: str, pattern: str, event: LifeEvent) -> bool:
    return bool(re.search(pattern, text)) and not re.search(event.excluded, text)


def _sign(text: str, event: LifeEvent) -> int | None:
    """The place of the first size or stage that a text tells."""
    patterns = [size.pattern for size in event.child.sizes] if event.child else [stage.pattern or "" for stage in event.stages]
    place = first(text, {str(nth): pattern for nth, pattern in enumerate(patterns)})
    return None if place is None else int(place)


def _children(settings: Settings) -> dict[str, Lookup]:
    """Events about a child: what its sizes say of its age."""
    about = [(name, event.child) for name, event in _events(settings) if event.child]
    sizes: Rows = []
    children: Rows = []
    for name, child in about:
        outgrown = max((size.to_months for size in child.sizes if size.newborn), default=float(child.oldest_months))
        tail = (1 - child.interval) / 2
        children.append((name, child.doubt, len(child.sizes), outgrown + child.soft_months, child.newborn_days, tail,
                         child.max_interval_months))
        for sign, size in enumerate(child.sizes):
            early, late = (math.hypot(child.soft_months, child.soft_share * border) for border in (size.from_months, size.to_months))
            sizes.append((name, sign, size.from_months, size.to_months, early, late, size.newborn, size.from_months >= outgrown))
    ages = [(name, age) for name, child in about for age in range(child.oldest_months + 1)]
    return {
        "children": _table(
            "event string, doubt double, sizes int, newborn_until double, newborn_days int, tail double, widest double", children),
        "sizes": _table(
            "event string, sign int, starts double, ends double, early double, late double, newborn boolean, larger boolean", sizes),
        "ages": _table("event string, months int", ages),
    }  # fmt: skip
