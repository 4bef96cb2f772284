"""The budget dial: what a day's alerts would cost and be worth at each cut, before anything is published.

Expected precision of an alert: of a statistical flow its own chance of being news, which outcomes have taught; of any other the share
of answered alerts of its type that were no false alarm, shrunk to what is expected without any answers (docs/alerts.md).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from conf.codes import NEWS, REACHED
from conf.settings import Worklists

CUTS = tuple(range(0, 100, 10))
PRIOR_WEIGHT = 10  # answers that the expectation weighs as much as
HARD = ("account_closure", "early_withdrawal")
EXPECTED = {"hard": 0.95, "life_event": 0.7, "next_best_offer": 0.9}  # without any answers
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Cut:
    """What would be published if only alerts of at least this priority were."""

    priority: int
    alerts: int
    per_1000_customers: float
    per_rm_hour: float  # of the time relationship managers have for calls
    precision: float | None
    false_alarms: float | None


def cuts(alerts: Iterable[Row], answered: Iterable[Row], chances: Mapping[str, float], customers: int, managers: int,
         settings: Worklists) -> list[Cut]:  # fmt: skip
    """The dial's positions, from everything to almost nothing.

    Parameters
    ----------
    alerts : the day's alerts that no gate holds back, with `type`, `priority`, `flow_ids`
    answered : alerts with a relationship manager's decision, with `type`, `status`
    chances : flow id -> that it is news; of statistical flows
    customers, managers : how many there are
    settings : Worklists
    """
    right: Counter[str] = Counter()
    answers: Counter[str] = Counter()
    for row in answered:
        right[row["type"]] += row["status"] in NEWS
        answers[row["type"]] += row["status"] in REACHED
    judged = []
    for row in alerts:
        kind, flows = row["type"], row["flow_ids"] or ()
        shrunk = (PRIOR_WEIGHT * EXPECTED.get(kind, EXPECTED["hard"]) + right[kind]) / (PRIOR_WEIGHT + answers[kind])
        statistical = kind not in HARD and flows and all(flow in chances for flow in flows)  # a drained account needs no statistics
        judged.append((row["priority"], max(chances[flow] for flow in flows) if statistical else shrunk))
    hours = managers * settings.calls_per_day * settings.minutes_per_call / 60
    found = []
    for cut in CUTS:
        kept = [precision for priority, precision in judged if priority >= cut]
        precision = sum(kept) / len(kept) if kept else None
        found.append(Cut(cut, len(kept), _per(1000 * len(kept), customers), _per(len(kept), hours), precision,
                         None if precision is None else 1 - precision))  # fmt: skip
    return found


def dial_text(found: Iterable[Cut], min_priority: int) -> str:
    """The dial for a terminal; the cut that holds today is marked."""
    lines = ["priority   alerts   per 1,000 customers   per RM-hour   expected precision   false alarms"]
    for cut in found:
        precision = "" if cut.precision is None else f"{cut.precision:.0%}"
        false_alarms = "" if cut.false_alarms is None else f"{cut.false_alarms:.0%}"
        mark = "  ◀ min_priority" if cut.priority <= min_priority < cut.priority + 10 else ""
        lines.append(f"{cut.priority:>8} {cut.alerts:>8,} {cut.per_1000_customers:>21.2f} {cut.per_rm_hour:>13.2f} "
                     f"{precision:>20} {false_alarms:>14}{mark}".rstrip())  # fmt: skip
    return "\n".join(lines)


def _per(count: float, of: float) -> float:
    return count / of if of else 0.0
