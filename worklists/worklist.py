"""What one relationship manager sees on one day: whom to call, in which order, and what is coming up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import date
from decimal import Decimal

from conf.codes import AlertType
from worklists.customer import Customer, Row, grouped

TYPES: tuple[AlertType, ...] = (  # in the order of pages
    "early_withdrawal", "account_closure", "abnormal_withdrawal", "abnormal_deposit", "life_event", "next_best_offer",
)
LISTED = ("open", "contacted")  # statuses that stand on a worklist


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
    calls_of, ahead_of = grouped(alerts, "holder"), grouped(ahead, "holder")
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
