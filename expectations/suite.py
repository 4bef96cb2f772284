"""What a feed's drop should look like as a whole: measures of it, and between which bounds each is expected."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from statistics import median

from conf.feed import Feed
from expectations.contract import Contract

ROWS, OF_USUAL, REPEATED = "rows", "rows over usual", "repeated keys"
QUARANTINED, WAITING, DUPLICATES = "share quarantined", "share waiting", "share duplicate"
AGE, LARGEST = "days since newest event", "largest amount"
RECENT_DROPS = 20

Measures = dict[str, float]


class Severity(StrEnum):
    """What an unmet expectation means: the drop does not enter, or an operator is told."""

    CRITICAL = "critical"
    WARNING = "warning"


@dataclass(frozen=True)
class Expected:
    """One measure and its bounds; None is no bound."""

    measure: str
    low: float | None
    high: float | None
    severity: Severity
    why: str


def expected(contract: Contract, feed: Feed) -> tuple[Expected, ...]:
    """What is expected of every drop of a feed.

    Parameters
    ----------
    contract : Contract
    feed : Feed
        A bank's own limits.
    """
    volume, warn, refuse = feed.volume, Severity.WARNING, Severity.CRITICAL
    found = [
        Expected(REPEATED, None, 0, refuse, "a key stands once among the accepted rows"),
        Expected(OF_USUAL, volume.refuse_below, volume.refuse_above, refuse, "a drop far from the usual size is cut off or sent twice"),
        Expected(OF_USUAL, volume.warn_below, volume.warn_above, warn, "rows of the drop over the median of recent ones"),
        Expected(QUARANTINED, None, feed.quarantine.max_share, warn, "rows that broke a rule"),
    ]
    if feed.delivery == "delta":  # a snapshot tells everything again, as it should
        found.append(Expected(DUPLICATES, None, 0.5, warn, "rows that were told before"))
    if contract.refers_to is not None:
        found.append(Expected(WAITING, None, 0.01, warn, f"rows whose {contract.refers_to[0]} nobody knows yet"))
    if contract.of_events:
        found.append(Expected(AGE, None, 3, warn, "newest event of the drop before the drop's date"))
    if contract.amount:
        found.append(Expected(LARGEST, None, 1e9, warn, "an amount beyond it is rarely true"))
    found += [Expected(empty(column), None, share, warn, "empty values") for column, share in feed.max_empty_share.items()]
    return tuple(found)


def empty(column: str) -> str:
    """The measure of how many accepted rows say nothing in a column."""
    return f"share empty {column}"


def usual_rows(sizes: Mapping[date, int], day: date, feed: Feed) -> float | None:
    """The median size of recent drops: of the same weekday where there are enough, else of any; None when too few or too small.

    Parameters
    ----------
    sizes : mapping of date -> rows
        Of earlier drops; the first one is the initial load and does not count.
    day : date
    feed : Feed
    """
    past: Sequence[date] = [on for on in sorted(sizes)[1:] if on < day]
    same_weekday = [on for on in past if on.weekday() == day.weekday()]
    chosen = same_weekday if len(same_weekday) >= feed.volume.min_drops else past
    if len(chosen) < feed.volume.min_drops:
        return None
    usual = median(sizes[on] for on in chosen[-RECENT_DROPS:])
    return usual if usual >= feed.volume.min_usual_rows else None
