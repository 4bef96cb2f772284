"""A customer's picture: what stands beside a call, and on the desk when the customer walks in."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

Row = Mapping[str, Any]

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
    accounts, holdings = grouped(facts.accounts), grouped(facts.holdings)
    months, abnormal = grouped(facts.months), grouped(facts.abnormal)
    contacts, movements = grouped(facts.contacts), grouped(facts.movements)
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


def grouped(rows: Iterable[Row], key: str = "customer_id") -> defaultdict[str, list[Row]]:
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
