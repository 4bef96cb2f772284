"""What becomes of rows of transactions, as docs/ingest.md says it: plain Python, slow and obvious; shares no code with the product."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from zoneinfo import ZoneInfo

BANK = ZoneInfo("Asia/Shanghai")
DIGITS = set("0123456789")
LETTERS = set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
TYPES = {"cash", "transfer", "card", "bill", "salary", "interest", "fee", "investment", "loan", "time_deposit", "closure", "other"}
CHANNELS = {"counter", "atm", "crs", "mobile", "online", "pad", "mit", "other"}
CURRENCIES = {"CNY", "USD", "EUR", "JPY", "KRW"}  # of those that the worlds here draw from
WHOLE = {"JPY", "KRW"}
UNSEEN = {*map(chr, [*range(9), *range(11, 32), *range(127, 160), 0x200B, *range(0x202A, 0x202F), *range(0x2066, 0x206A), 0xFEFF])}

Row = tuple[object, ...]  # the typed columns, in the order of the header


@dataclass(frozen=True)
class Verdict:
    """`accepted` with the row, `quarantined` with its rules, or `duplicate`."""

    what: str
    row: Row | None = None
    rules: tuple[str, ...] = ()


class Ledger:
    """All that was accepted so far."""

    def __init__(self, accounts: set[str], horizon: int = 30) -> None:
        self.accounts, self.horizon = accounts, horizon
        self.known: dict[str, list[tuple[date, Row]]] = defaultdict(list)
        self.first: date | None = None

    def drop(self, day: date, rows: dict[tuple[str, int], dict[str, str]]) -> dict[tuple[str, int], Verdict]:
        """Verdicts on one drop's rows by file and line."""
        self.first = self.first or day
        found: dict[tuple[str, int], Verdict] = {}
        good: dict[str, list[tuple[tuple[str, int], date, Row]]] = defaultdict(list)
        for place, said in rows.items():
            row, rules = read(said, day, self.first, self.horizon)
            if rules:
                found[place] = Verdict("quarantined", rules=tuple(rules))
            elif row[1] not in self.accounts:
                found[place] = Verdict("quarantined", rules=("ORPHAN_KEY",))
            else:
                good[str(row[0])].append((place, row[2].astimezone(BANK).date(), row))  # type: ignore[attr-defined]
        days = {on for same in good.values() for _, on, _ in same}
        since = day - timedelta(days=self.horizon)
        for name, same in good.items():
            before = [row for on, row in self.known[name] if on >= since or on in days]
            contents = {row for _, _, row in same}
            for nth, (place, _, row) in enumerate(sorted(same)):
                if len(contents) > 1 or (before and row not in before):
                    found[place] = Verdict("quarantined", rules=("DUP_CONFLICT",))
                elif nth or before:
                    found[place] = Verdict("duplicate")
                else:
                    found[place] = Verdict("accepted", row)
        for place, verdict in found.items():
            if verdict.row is not None:
                on = next(on for same in good[str(verdict.row[0])] for on in [same[1]] if same[0] == place)
                self.known[str(verdict.row[0])].append((on, verdict.row))
        return found


def read(said: dict[str, str], drop: date, first: date, horizon: int) -> tuple[Row, list[str]]:
    """A row's typed columns and the rules it broke."""
    rules: list[str] = []
    values: list[object] = []

    def take(value: object, rule: str | None) -> object:
        values.append(value)
        if rule:
            rules.append(rule)
        return value

    if "\0" in "".join(said.values()):
        return (), ["CONTROL_CHAR"]
    take(*identity(said["transaction_id"], needed=True))
    take(*identity(said["account_id"], needed=True))
    at = take(*moment(said["booked_at"]))
    amount, rule = money(said["amount"], needed=True)
    if amount is not None and amount <= 0:
        rule = "AMOUNT_SIGN" if amount < 0 else "AMOUNT_ZERO"
    take(amount, rule)
    currency = take(*one_of(said["currency"], CURRENCIES, "CURRENCY", "CURRENCY"))
    take(*one_of(said["direction"], {"credit", "debit"}, "ENUM"))
    take(*one_of(said["type"], TYPES, "ENUM"))
    take(*one_of(said["channel"], CHANNELS, "ENUM"))
    take(*identity(said["branch_id"], needed=False))
    take(visible(said["counterparty"]), None)
    balance = take(*money(said["balance_after"], needed=False))
    take(without_cards(visible(said["description"])), None)
    if isinstance(at, datetime):
        on = at.astimezone(BANK).date()
        if on > drop:
            rules.append("TS_FUTURE")
        if drop > first and on < drop - timedelta(days=horizon):
            rules.append("LATE_BEYOND_HORIZON")
    if currency in WHOLE:
        rules += ["AMOUNT_SCALE" for value in (amount, balance) if isinstance(value, Decimal) and value != int(value)]
    return tuple(values), rules


def identity(text: str, needed: bool) -> tuple[str | None, str | None]:
    if not text:
        return None, "ID_FORMAT" if needed else None
    number, _, power = text.lower().partition("e")
    scientific = bool(power) and all(part and set(part) <= DIGITS for part in (*number.split(".", 1), power.removeprefix("+")))
    good = (
        len(text) <= 64 and text[0] in DIGITS | LETTERS and set(text) <= DIGITS | LETTERS | set("._:@#/|=+-")
        and set(text) != {"0"} and text.lower() not in {"null", "none", "nan", "n/a", "na"} and not scientific
    )
    return (text, None) if good else (None, "ID_FORMAT")


def money(text: str, needed: bool) -> tuple[Decimal | None, str | None]:
    if not text:
        return None, "REQUIRED" if needed else None
    whole, mark, cents = text.removeprefix("-").partition(".")
    if not whole or not set(whole) <= DIGITS or not set(cents) <= DIGITS or (mark and not cents):
        return None, "AMOUNT_FORMAT"
    if len(cents) > 2:
        return None, "AMOUNT_SCALE"
    if len(whole.lstrip("0")) > 16:
        return None, "AMOUNT_OVERFLOW"
    return Decimal(text).quantize(Decimal("0.01")) + 0, None


def moment(text: str) -> tuple[datetime | None, str | None]:
    if not text:
        return None, "REQUIRED"
    shape = time_shape(text)
    if shape is None:
        return None, "TS_FORMAT"
    day, clock, fraction, zone = shape
    try:
        at = datetime(int(day[:4]), int(day[5:7]), int(day[8:]), *map(int, clock), int((fraction + "000000")[:6]))
    except ValueError:
        return None, "TS_INVALID"
    if not zone:
        at = at.replace(tzinfo=BANK)
    elif zone == "Z":
        at = at.replace(tzinfo=UTC)
    else:
        hours, minutes = int(zone[1:3]), int(zone[-2:])
        if hours > 18 or minutes > 59 or (hours == 18 and minutes):
            return None, "TS_INVALID"
        at = at.replace(tzinfo=timezone((timedelta(hours=hours, minutes=minutes)) * (-1 if zone[0] == "-" else 1)))
    try:
        at = at.astimezone(UTC)
    except OverflowError:  # before the first year
        return datetime.min.replace(tzinfo=UTC), "TS_RANGE"
    return at, None if date(1900, 1, 2) <= at.date() <= date(2199, 12, 31) else "TS_RANGE"


def time_shape(text: str) -> tuple[str, list[str], str, str] | None:
    """Date, clock, fraction and zone of an ISO 8601 time; None when it does not look like one."""
    day, rest = text[:10], text[10:]
    if len(day) < 10 or any((letter == "-") != (at in (4, 7)) for at, letter in enumerate(day)) or not set(day) <= DIGITS | {"-"}:
        return None
    if rest[:1] not in ("T", " "):
        return None
    rest, zone = rest[1:], ""
    for sign in "+-":
        if sign in rest:
            rest, _, offset = rest.partition(sign)
            plain = offset.replace(":", "", 1) if offset[2:3] == ":" else offset
            if len(offset) == 2:
                plain = offset + "00"
            if len(plain) != 4 or not set(plain) <= DIGITS:
                return None
            zone = sign + plain
            break
    if not zone and rest.endswith("Z"):
        rest, zone = rest[:-1], "Z"
    rest, dot, fraction = rest.partition(".")
    clock = rest.split(":")
    if dot and (len(clock) != 3 or not 1 <= len(fraction) <= 9 or not set(fraction) <= DIGITS):
        return None
    if len(clock) not in (2, 3) or any(len(part) != 2 or not set(part) <= DIGITS for part in clock):
        return None
    if int(clock[0]) > 23 or any(int(part) > 59 for part in clock[1:]):
        return None
    return day, clock + ["00"] * (3 - len(clock)), fraction, zone


def one_of(text: str, allowed: set[str], rule: str, when_empty: str = "REQUIRED") -> tuple[str | None, str | None]:
    return (text, None) if text in allowed else (None, rule if text else when_empty)


def visible(text: str) -> str | None:
    return "".join(letter for letter in text if letter not in UNSEEN).strip(" ") or None


def without_cards(text: str | None) -> str | None:
    """Sixteen digits in a row that pass Luhn's check, shortened to the last four."""
    for word in (text or "").split(" "):
        if len(word) == 16 and set(word) <= DIGITS and luhn(word):
            return (text or "").replace(word, "****" + word[-4:])
    return text


def luhn(number: str) -> bool:
    doubled = [int(digit) * (2 if nth % 2 else 1) for nth, digit in enumerate(reversed(number))]
    return sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0
