"""The manager's page: how much there is to call, how old it is, and what came of it, by RM, branch and kind. No customer is on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date

from conf.settings import Settings
from conf.words import Wording
from worklists.customer import Row
from worklists.page import content_policy, spoken, templates
from worklists.worklist import TYPES, Results

NOTHING = Results(*[0] * len(fields(Results)))


@dataclass(frozen=True)
class Line:
    """Counts of one RM, branch or kind."""

    name: str
    listed: int
    new: int
    urgent: int
    oldest_days: int | None
    expired: int
    results: Results


@dataclass(frozen=True)
class Team:
    day: date
    by_rm: tuple[Line, ...]
    by_branch: tuple[Line, ...]  # of customers with a home branch
    by_type: tuple[Line, ...]
    held_back: tuple[tuple[str, int], ...]  # rule, how many

    @classmethod
    def of(cls, counted: Mapping[str, Sequence[Row]], day: date) -> Team:
        """From rows of `worklists.results`: `load_by_` and `results_by_` `rm`, `branch` and `type`, and `held_back`."""
        by_type = {line.name: line for line in _lines(counted["load_by_type"], counted["results_by_type"], "type", day)}
        by_rm = _lines(counted["load_by_rm"], counted["results_by_rm"], "relationship_manager_id", day)
        by_branch = _lines(counted["load_by_branch"], counted["results_by_branch"], "branch", day)
        held = sorted(((row["rule"], row["alerts"]) for row in counted["held_back"]), key=lambda pair: (-pair[1], pair[0]))
        return cls(day, tuple(by_rm), tuple(by_branch), tuple(by_type[kind] for kind in TYPES if kind in by_type), tuple(held))

    @property
    def total(self) -> Line:
        """Everything together."""
        ages = [line.oldest_days for line in self.by_rm if line.oldest_days is not None]
        counts = {name: sum(getattr(line, name) for line in self.by_rm) for name in ("listed", "new", "urgent", "expired")}
        results = Results(*(sum(getattr(line.results, item.name) for line in self.by_rm) for item in fields(Results)))
        return Line("", oldest_days=max(ages, default=None), results=results, **counts)


def team_page(team: Team, settings: Settings) -> bytes:
    """The team's day as one self-contained page without a script."""
    words = settings.wording[settings.bank.language]
    rules = {rule: rule_in_words(rule, words) for rule, _ in team.held_back}
    labels = {line.name: words.worklist.get(f"type_{line.name}", line.name) for line in team.by_type}
    return templates().get_template("team.html.j2").render(
        spoken(settings, team.day),
        team=team,
        rules=rules,
        type_labels=labels,
        days=settings.worklists.results_days,
        policy=content_policy(),
    ).encode()


def rule_in_words(rule: str, words: Wording) -> str:
    """What a rule of the contact policy means, for people."""
    return words.reasons.get(f"rule_{rule}") or words.worklist.get(f"held_{rule}") or rule.replace("_", " ")


def _lines(load: Sequence[Row], results: Sequence[Row], by: str, day: date) -> list[Line]:
    loads, worked = {row["by"]: row for row in load if row["by"]}, {row[by]: row for row in results if row[by]}
    lines = []
    for name in sorted({*loads, *worked}):
        row = loads.get(name, {})
        oldest = row.get("oldest_on")
        lines.append(Line(
            name,
            listed=row.get("listed", 0),
            new=row.get("new", 0),
            urgent=row.get("urgent", 0),
            oldest_days=None if oldest is None else (day - oldest).days,
            expired=row.get("expired", 0),
            results=Results(*(int(worked[name][item.name] or 0) for item in fields(Results))) if name in worked else NOTHING,
        ))
    return lines
