"""What one relationship manager sees on one day: whom to call in which order, and each customer's picture."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date
from decimal import Decimal
from typing import Any

from conf.codes import AlertType

Row = Mapping[str, Any]

TYPES: tuple[AlertType, ...] = (  # in the order of pages
    "early_withdrawal", "account_closure", "abnormal_withdrawal", "abnormal_deposit", "life_event", "next_best_offer",
)
LISTED = ("open", "contacted")  # statuses that stand on a worklist
AT_PRINCIPAL = ("time_deposit", "loan")  # products that stand at their principal where the bank states no balance
MONTHS_SHOWN = 12
CONTACTS_SHOWN = 4
MOVEMENTS_SHOWN = 10


@dataclass(frozen=True)
class Account:
    account_id: str
    product_type: str
    currency: str
    balance: Decimal | None  # None: not known
    maturity_on: date | None
    interest_rate: Decimal | None


@dataclass(frozen=True)
class Holding:
    product_id: str
    acquired_on: date
    value: Decimal | None


@dataclass(frozen=True)
class Month:
    """Money between the customer and the world outside in one calendar month, base currency."""

    first_day: date
    money_in: Decimal
    money_out: Decimal


@dataclass(frozen=True)
class Abnormal:
    """An abnormal movement, marked on the chart."""

    flow_id: str
    kind: str
    business_date: date  # its last day
    amount: Decimal
    window_days: int = 1  # days looked at together


@dataclass(frozen=True)
class Movement:
    business_date: date
    amount: Decimal  # account currency, below zero when it went out
    currency: str
    description: str
    channel: str


@dataclass(frozen=True)
class Contact:
    """An earlier call and what came of it."""

    on: date
    outcome: str
    cause: str | None
    note: str | None


@dataclass(frozen=True)
class Customer:
    """What stands beside a call, and on the desk when the customer walks in."""

    customer_id: str
    name: str
    relationship_manager_id: str | None
    joined_on: date | None
    occupation: str | None
    may_be_offered: bool
    do_not_contact: bool
    age_band: str | None
    service_tier: str | None
    preference: str | None
    channel_preference: str | None
    assets: Decimal | None
    deposits: Decimal | None
    accounts: tuple[Account, ...]
    holdings: tuple[Holding, ...]
    months: tuple[Month, ...]
    abnormal: tuple[Abnormal, ...]
    contacts: tuple[Contact, ...]
    movements: tuple[Movement, ...] = ()

    @property
    def maturities(self) -> tuple[Account, ...]:
        """Time deposits, the next to mature first."""
        dated = [account for account in self.accounts if account.maturity_on is not None and account.product_type == "time_deposit"]
        return tuple(sorted(dated, key=lambda account: (account.maturity_on, account.account_id)))


@dataclass(frozen=True)
class Offered:
    offer_id: str
    name: str
    expected_value: float
    reason: str


@dataclass(frozen=True)
class Evidence:
    kind: str
    ref: str | None
    business_date: date | None
    amount: Decimal | None
    note: str | None


@dataclass(frozen=True)
class Call:
    """One alert on a worklist."""

    alert_id: str
    place: int  # 1 is called first
    above_line: bool
    type: str
    severity: str
    status: str
    priority: int
    raised_on: date
    due_by: date  # last day it stands on a worklist
    headline: str
    reason: str
    evidence: tuple[Evidence, ...]
    offers: tuple[Offered, ...]
    flow_ids: tuple[str, ...]
    change: str | None  # what changed since it was raised
    on_behalf_of: str | None  # the RM on leave whose book it is from
    customer: Customer

    def urgent(self, day: date) -> bool:
        """To be called today: hard or high, or the last chance."""
        return self.severity == "high" or self.due_by <= day


@dataclass(frozen=True)
class Ahead:
    """Something coming up in the book: a maturity, or a customer about to fall silent."""

    customer_id: str
    name: str
    kind: str  # maturity, dormancy
    due_on: date
    amount: Decimal | None
    currency: str | None
    interest_rate: Decimal | None


@dataclass(frozen=True)
class Results:
    """What came of an RM's calls of late."""

    calls: int
    reached: int
    accepted: int
    declined: int
    false_alarms: int
    value: int  # expected of what was accepted, base currency
    kept: int  # deposits that came back after accepted calls about money leaving


@dataclass(frozen=True)
class Worklist:
    holder: str  # the RM, a deputy, or the branch queue
    day: date
    calls: tuple[Call, ...]
    waiting: int  # open alerts that fit neither above the line nor below it today
    ahead: tuple[Ahead, ...] = ()
    results: Results | None = None

    @property
    def above(self) -> tuple[Call, ...]:
        return tuple(call for call in self.calls if call.above_line)

    @property
    def below(self) -> tuple[Call, ...]:
        return tuple(call for call in self.calls if not call.above_line)


def worklists(
    alerts: Iterable[Row],
    customers: Mapping[str, Customer],
    day: date,
    calls_per_day: int,
    ahead: Iterable[Row] = (),
    results: Iterable[Row] = (),
) -> list[Worklist]:
    """One worklist for everybody who has somebody to call or something coming up, by name; calls in their order.

    Parameters
    ----------
    alerts : rows of `worklists.selection.on_the_lists`
    customers : customer_id -> Customer
    day : date
    calls_per_day : int
    ahead : rows of `worklists.ahead.coming_up`
    results : rows of `worklists.results.results` by `relationship_manager_id`
    """
    calls_of, ahead_of = _grouped(alerts, "holder"), _grouped(ahead, "holder")
    results_of = {row["relationship_manager_id"]: _results(row) for row in results}
    return [
        Worklist(
            holder=holder,
            day=day,
            calls=tuple(
                _call(row, customers, calls_per_day) for row in sorted(calls_of[holder], key=lambda row: row["place"])
            ),
            waiting=sum(row["in_all"] for row in calls_of[holder][:1]) - len(calls_of[holder]),
            ahead=tuple(sorted((_ahead(row) for row in ahead_of[holder]), key=lambda a: (a.due_on, a.kind, a.customer_id))),
            results=results_of.get(holder),
        )
        for holder in sorted({*calls_of, *ahead_of})
    ]


def _ahead(row: Row) -> Ahead:
    return Ahead(
        row["customer_id"], row["full_name"] or row["customer_id"], row["kind"], row["due_on"], row["amount"], row["currency"],
        row["interest_rate"],
    )


def _results(row: Row) -> Results:
    return Results(*(int(row[item.name] or 0) for item in fields(Results)))


def _call(row: Row, customers: Mapping[str, Customer], calls_per_day: int) -> Call:
    own = row["relationship_manager_id"]
    return Call(
        alert_id=row["alert_id"],
        place=row["place"],
        above_line=row["place"] <= calls_per_day,
        type=row["type"],
        severity=row["severity"],
        status=row["status"],
        priority=row["priority"],
        raised_on=row["raised_on"],
        due_by=row["due_by"],
        headline=row["headline"] or "",
        reason=row["reason"] or "",
        # what a life event was inferred from is never shown: it would name the inference
        evidence=() if row["type"] == "life_event" else tuple(_evidence(item) for item in row["evidence"] or ()),
        offers=tuple(_offered(item) for item in row["offers"] or ()),
        flow_ids=tuple(row["flow_ids"] or ()),
        change=row["change"],
        on_behalf_of=own if own and own != row["holder"] else None,
        customer=customers[row["customer_id"]],
    )


def _evidence(item: Row) -> Evidence:
    return Evidence(item["kind"], item["ref"], item["business_date"], item["amount"], item["note"])


def _offered(item: Row) -> Offered:
    return Offered(item["offer_id"], item["name"] or item["offer_id"], float(item["expected_value"] or 0), item["reason"] or "")


@dataclass(frozen=True)
class Facts:
    """Rows of many customers, as they were read: plain mappings with `customer_id`."""

    customers: Sequence[Row] = ()
    accounts: Sequence[Row] = ()  # open ones, with `balance`
    holdings: Sequence[Row] = ()  # open ones
    months: Sequence[Row] = ()  # first_day, money_in, money_out
    abnormal: Sequence[Row] = ()
    contacts: Sequence[Row] = ()  # alert_id, recorded_at, business_date, outcome, cause, note
    segments: Sequence[Row] = ()
    assets: Sequence[Row] = ()  # assets, deposits
    restricted: Sequence[Row] = ()  # customer_id alone: why is nobody's business
    movements: Sequence[Row] = ()


def customer_pictures(facts: Facts, day: date) -> dict[str, Customer]:
    """Each customer's picture, put together from what was read; what is not known stays empty."""
    accounts, holdings = _grouped(facts.accounts), _grouped(facts.holdings)
    months, abnormal = _grouped(facts.months), _grouped(facts.abnormal)
    contacts, movements = _grouped(facts.contacts), _grouped(facts.movements)
    segments = {row["customer_id"]: row for row in facts.segments}
    assets = {row["customer_id"]: row for row in facts.assets}
    restricted = {row["customer_id"] for row in facts.restricted}
    pictures = {}
    for row in facts.customers:
        who = row["customer_id"]
        segment, worth = segments.get(who, {}), assets.get(who, {})
        pictures[who] = Customer(
            customer_id=who,
            name=row["full_name"] or who,
            relationship_manager_id=row["relationship_manager_id"],
            joined_on=row["joined_on"],
            occupation=row["occupation"],
            may_be_offered=bool(row["marketing_consent"]) and who not in restricted,
            do_not_contact=who in restricted,
            age_band=segment.get("age_band"),
            service_tier=segment.get("service_tier"),
            preference=segment.get("preference"),
            channel_preference=segment.get("channel_preference"),
            assets=_decimal(worth.get("assets")),
            deposits=_decimal(worth.get("deposits")),
            accounts=tuple(sorted((_account(item) for item in accounts[who]), key=_biggest_first)),
            holdings=tuple(sorted((_holding(item) for item in holdings[who]), key=lambda h: (h.product_id, h.acquired_on))),
            months=_twelve_months(months[who], day),
            abnormal=tuple(sorted((_abnormal(item) for item in abnormal[who]), key=lambda a: (a.business_date, a.flow_id))),
            contacts=_latest_contacts(contacts[who]),
            movements=tuple(_movement(item) for item in movements[who])[:MOVEMENTS_SHOWN],
        )
    return pictures


def first_month(day: date, back: int = MONTHS_SHOWN - 1) -> date:
    """First day of the month `back` months before the day's."""
    months = day.year * 12 + day.month - 1 - back
    return date(months // 12, months % 12 + 1, 1)


def _twelve_months(rows: Sequence[Row], day: date) -> tuple[Month, ...]:
    known = {row["first_day"]: row for row in rows}
    nothing = {"money_in": Decimal(0), "money_out": Decimal(0)}
    shown = [first_month(day, back) for back in range(MONTHS_SHOWN - 1, -1, -1)]
    if not known:
        return ()
    return tuple(Month(first, *(Decimal(known.get(first, nothing)[side]) for side in ("money_in", "money_out"))) for first in shown)


def _grouped(rows: Iterable[Row], key: str = "customer_id") -> defaultdict[str, list[Row]]:
    groups: defaultdict[str, list[Row]] = defaultdict(list)
    for row in rows:
        groups[row[key]].append(row)
    return groups


def _account(row: Row) -> Account:
    return Account(
        row["account_id"], row["product_type"], row["currency"], _decimal(row["balance"]), row["maturity_on"], row["interest_rate"]
    )


def _holding(row: Row) -> Holding:
    return Holding(row["product_id"], row["acquired_on"], _decimal(row["value"]))


def _abnormal(row: Row) -> Abnormal:
    return Abnormal(row["flow_id"], row["kind"], row["business_date"], Decimal(row["amount"] or 0), row["window_days"] or 1)


def _movement(row: Row) -> Movement:
    sign = 1 if row["direction"] == "credit" else -1
    return Movement(
        row["business_date"], sign * Decimal(row["amount"]), row["currency"], row["description"] or row["type"], row["channel"]
    )


def _latest_contacts(rows: Sequence[Row]) -> tuple[Contact, ...]:
    newest = sorted(rows, key=lambda row: (row["recorded_at"], row["alert_id"]), reverse=True)[:CONTACTS_SHOWN]
    return tuple(Contact(row["business_date"], row["outcome"], row["cause"], row["note"]) for row in newest)


def _decimal(value: Any) -> Decimal | None:
    return None if value is None else Decimal(str(round(value, 2)))


def _biggest_first(account: Account) -> tuple[Decimal, str]:
    return (-(account.balance or Decimal(0)), account.account_id)
