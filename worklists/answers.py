"""Whether what came back may be taken: each line against the alert it answers and what is already on record."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from conf.codes import CAUSES, OUTCOMES
from conf.settings import Settings
from worklists.alert_id import is_alert_id, normalised
from worklists.columns import ANSWERS
from worklists.returned import FORMULA, Line

CORRECTION = timedelta(hours=1)  # answers without a time, handed in again on the same day, stand this close together
LONGEST_NOTE = 2000


@dataclass(frozen=True)
class Answered:
    """An alert as it stands, and who may answer it."""

    alert_id: str
    raised_on: date
    told: bool  # whether it ever stood on a worklist
    holder: str  # whose book it is in; the branch queue where it is nobody's
    holders: frozenset[str]  # who may answer it besides: earlier holders, deputies


@dataclass(frozen=True)
class Outcome:
    """One outcome, as the table holds it."""

    alert_id: str
    recorded_at: datetime  # UTC
    relationship_manager_id: str
    outcome: str
    cause: str | None
    offer_id: str | None
    snooze_until: date | None
    note: str | None

    @property
    def content(self) -> tuple[object, ...]:
        return (self.outcome, self.cause, self.offer_id, self.snooze_until, self.note)


@dataclass(frozen=True)
class Finding:
    """What is wrong with one line."""

    line: int
    rule: str  # OUTCOME_ID, OUTCOME_UNKNOWN, OUTCOME_NOT_OWNER, OUTCOME_CONFLICT, OUTCOME_OLDER
    what: str  # never what the line holds of a customer

    def __str__(self) -> str:
        return f"line {self.line}: {self.rule}: {self.what}"


@dataclass(frozen=True)
class Checked:
    accepted: tuple[Outcome, ...]
    repeated: int  # already on record
    empty: int  # nothing filled in
    findings: tuple[Finding, ...]


def checked(
    lines: Sequence[Line],
    alerts: Mapping[str, Answered],
    history: Mapping[str, Sequence[Outcome]],
    settings: Settings,
    day_of_file: date,
    now: datetime,
) -> Checked:
    """The lines of one file that are new and sound, and what is wrong with the others.

    Parameters
    ----------
    lines : as `returned.read_returned` gives them
    alerts : alert id -> the alert
    history : alert id -> outcomes on record
    settings : Settings
    day_of_file : date
        Answers without a time of their own are dated at its end.
    now : datetime
        Nothing is recorded more than a day after it.
    """
    end_of_file = _end_of(day_of_file, settings.bank.time_zone)
    accepted: dict[str, list[tuple[Line, Outcome]]] = defaultdict(list)
    findings, repeated, empty = [], 0, 0
    for line in lines:
        if not line.answered:
            empty += 1
            continue
        outcome = _outcome(line, alerts, settings, end_of_file, now)
        if isinstance(outcome, Outcome) and not line["recorded_at"]:
            outcome = _after_corrections(outcome, history.get(outcome.alert_id, ()), end_of_file)
        if isinstance(outcome, Finding):
            findings.append(outcome)
            continue
        known = [*history.get(outcome.alert_id, ()), *(other for _, other in accepted[outcome.alert_id])]
        if _on_record(outcome, known, undated=not line["recorded_at"]):
            repeated += 1
        else:
            accepted[outcome.alert_id].append((line, outcome))
            findings += _against(line, outcome, accepted[outcome.alert_id], history.get(outcome.alert_id, ()))
    taken = sorted((outcome for pairs in accepted.values() for _, outcome in pairs), key=lambda o: (o.alert_id, o.recorded_at))
    return Checked(tuple(taken), repeated, empty, tuple(sorted(findings, key=lambda finding: finding.line)))


def day_of(name: str, newest: date) -> date:
    """The day a returned file is of: the last date in its path, where it is none that is still to come; else the newest run day."""
    for written in reversed(re.findall(r"(?<!\d)\d{4}-\d{2}-\d{2}(?!\d)", name)):
        try:
            found = date.fromisoformat(written)
        except ValueError:
            continue
        if found <= newest:
            return found
    return newest


def _outcome(
    line: Line, alerts: Mapping[str, Answered], settings: Settings, end_of_file: datetime, now: datetime
) -> Outcome | Finding:
    """The outcome a line tells, or the first thing that is wrong with it."""
    if any(line[column] == FORMULA for column in ("alert_id", *ANSWERS, "recorded_at", "relationship_manager_id")):
        return Finding(line.number, "OUTCOME_UNKNOWN", "a formula where an answer should be")
    name = normalised(line["alert_id"])
    alert = alerts.get(name)
    if not is_alert_id(name) or alert is None or not alert.told:
        return Finding(line.number, "OUTCOME_ID", "no alert that was given out has this id")
    holder = line["relationship_manager_id"]
    if holder and holder not in (alert.holder, *alert.holders):
        return Finding(line.number, "OUTCOME_NOT_OWNER", "the alert is from another book")
    outcome, cause = _code(line["outcome"], "outcome", OUTCOMES, settings), _code(line["cause"], "cause", CAUSES, settings)
    if outcome is None:
        return Finding(line.number, "OUTCOME_UNKNOWN", f"the outcome is none of {', '.join(OUTCOMES)}")
    if cause is None and line["cause"]:
        return Finding(line.number, "OUTCOME_UNKNOWN", f"the cause is none of {', '.join(CAUSES)}")
    offer = _offer(line["offer_id"], settings)
    if offer is None and line["offer_id"]:
        return Finding(line.number, "OUTCOME_UNKNOWN", "the offer is not on the shelf")
    recorded_at = _moment(line["recorded_at"], settings.bank.time_zone) if line["recorded_at"] else end_of_file
    if recorded_at is None or recorded_at > now + timedelta(days=1):
        return Finding(line.number, "OUTCOME_UNKNOWN", "recorded_at is no time that has been")
    until = _date(line["snooze_until"]) if outcome == "snoozed" else None
    if outcome == "snoozed" and (until is None or until <= alert.raised_on):
        return Finding(line.number, "OUTCOME_UNKNOWN", "snoozed needs snooze_until, a date to come (YYYY-MM-DD)")
    note = line["note"][:LONGEST_NOTE] or None
    return Outcome(name, recorded_at, holder or alert.holder, outcome, cause, offer, until, note)


def _after_corrections(outcome: Outcome, history: Sequence[Outcome], end_of_file: datetime) -> Outcome:
    """An answer without a time, dated after those of the same day's file that are on record."""
    same_day = [other.recorded_at for other in history if end_of_file <= other.recorded_at < end_of_file + CORRECTION]
    return replace(outcome, recorded_at=max(same_day) + timedelta(seconds=1)) if same_day else outcome


def _on_record(outcome: Outcome, history: Iterable[Outcome], undated: bool) -> bool:
    """Whether a line says what is on record already; one without a time may have been recorded at any time since."""
    return any(o.content == outcome.content and (undated or o.recorded_at == outcome.recorded_at) for o in history)


def _against(
    line: Line, outcome: Outcome, same_file: Sequence[tuple[Line, Outcome]], history: Sequence[Outcome]
) -> list[Finding]:
    """What a line contradicts: another of its file, or what is on record."""
    found = []
    for other, told in same_file[:-1]:
        if told.recorded_at == outcome.recorded_at:
            found += [Finding(n, "OUTCOME_CONFLICT", f"lines {other.number} and {line.number} answer the same alert differently")
                      for n in (other.number, line.number)]
    if any(other.recorded_at == outcome.recorded_at for other in history):
        found.append(Finding(line.number, "OUTCOME_CONFLICT", "another outcome of the same moment is on record"))
    elif any(other.recorded_at > outcome.recorded_at for other in history):
        found.append(Finding(line.number, "OUTCOME_OLDER", "a later outcome is on record"))
    return found


def _code(text: str, kind: str, codes: Sequence[str], settings: Settings) -> str | None:
    """The code a text stands for: itself, or its label in any language."""
    wanted = text.strip().casefold()
    for code in codes:
        labels = {words.worklist.get(f"{kind}_{code}", code).casefold() for words in settings.wording.values()}
        if wanted == code or wanted in labels:
            return code
    return None


def _offer(text: str, settings: Settings) -> str | None:
    wanted = text.casefold()
    for offer_id, offer in settings.offers.items():
        if wanted == offer_id.casefold() or wanted in {name.casefold() for name in offer.name.values()}:
            return offer_id
    return None


_YEAR_FIRST = re.compile(r"(\d{4})([-/.年])(\d{1,2})([-/.月])(\d{1,2})日?")


def _date(text: str) -> date | None:
    """A date whose order cannot be mistaken: the year first."""
    bare = re.sub(r"[T ]0{1,2}:00(:00)?$", "", text)
    match = _YEAR_FIRST.fullmatch(bare)
    try:
        return date(int(match[1]), int(match[3]), int(match[5])) if match else None
    except ValueError:
        return None


def _moment(text: str, zone: str) -> datetime | None:
    """A time as UTC; without a zone it is the bank's."""
    spread = re.fullmatch(r"(\S+) (\d{1,2}):(\d{2})(?::(\d{2}))?", text)
    try:
        if spread and (on := _date(spread[1])):
            moment = datetime(on.year, on.month, on.day, int(spread[2]), int(spread[3]), int(spread[4] or 0))
        else:
            moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    local = moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(zone))
    return local.astimezone(UTC)


def _end_of(day: date, zone: str) -> datetime:
    return datetime(day.year, day.month, day.day, 23, 0, 0, tzinfo=ZoneInfo(zone)).astimezone(UTC)
