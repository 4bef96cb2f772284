"""Customer: one customer's whole picture, read without Spark so that a desk can wait for it."""

from __future__ import annotations

import re
import zlib
from collections import defaultdict
from collections.abc import Iterable
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from conf import ExitCode, KehuError, Settings
from jobs.context import Places
from jobs.ledger import last_day
from tables.arrow import Filter, read_arrow, stood
from worklists.customer import AT_PRINCIPAL, MOVEMENTS_SHOWN, Facts, Row, customer_pictures, first_month
from worklists.customer_picture import OpenAlert, Picture, customer_page, customer_text
from worklists.worklist import LISTED, Offered

Rows = list[dict[str, Any]]
LOOK_BACK_DAYS = 31  # older features and scores are of no use to anybody


def pictured(settings: Settings, places: Places, customer_id: str, html: str | None) -> str:
    """The customer as of the newest day that was run: as text, or written to a page.

    Raises
    ------
    KehuError
        REJECTED when no such customer is known; MISSING when nothing was run yet.
    """
    picture = customer_picture(settings, places.lake, customer_id, last_day(places.lake))
    if html is None:
        return customer_text(picture, settings)
    Path(html).write_text(customer_page(picture, settings), encoding="utf-8")
    return html


def customer_picture(settings: Settings, lake: Path, customer_id: str, day: date) -> Picture:
    """Everything the tables know of one customer on a day."""
    found = _Read(lake, customer_id, day)
    customers = found.current("customers", "customer_id")
    if not customers:
        raise KehuError(f"no customer {customer_id!r} in {lake}; check the number", ExitCode.REJECTED)
    accounts = [row for row in found.current("accounts", "account_id") if row["status"] == "open" and not row["closed_on"]]
    moved = found.movements([row["account_id"] for row in accounts])
    balances = _stated(moved)
    segments = found.latest("segments", None)
    features = found.latest("customer_features", ["customer_id", "as_of", "assets", "deposits_balance"])
    alerts = found.rows("alerts", None)
    facts = Facts(
        customers=customers,
        accounts=[row | {"balance": balances.get(row["account_id"], _principal(row))} for row in accounts],
        holdings=[row for row in found.newest("holdings", "product_id", "acquired_on") if _lasts(row["closed_on"], day)],
        months=_months(found.newest("daily_flows", "business_date", "direction"), day),
        abnormal=[row for row in found.rows("abnormal_flows", None) if row["detected_on"] <= day],
        contacts=found.contacts(alerts),
        segments=segments,
        assets=[{"customer_id": row["customer_id"], "assets": row["assets"], "deposits": row["deposits_balance"]} for row in features],
        restricted=[row for row in found.newest("restrictions", "kind", "valid_from") if _in_force(row, day)],
        movements=sorted(moved, key=_latest_first, reverse=True)[:MOVEMENTS_SHOWN],
    )
    customer = customer_pictures(facts, day)[customer_id]
    offers = _offers(found.latest("offer_scores", None), settings) if customer.may_be_offered else ()
    noticed_on = max((row["as_of"] for row in segments), default=day)  # life events are of the same run as segments
    consented = bool(customers[0]["life_event_consent"])
    life_events = found.rows("life_events", ["event"], [("as_of", "=", noticed_on)]) if consented else []
    words = settings.wording[settings.bank.language].worklist
    topics = {words.get(f"topic_{row['event']}", words["topic_other"]) for row in life_events}
    return Picture(day, customer, _open_alerts(alerts, day), offers, tuple(sorted(topics)) if customer.may_be_offered else ())


class _Read:
    """One customer's rows of the lake, as known on a day."""

    def __init__(self, lake: Path, customer_id: str, day: date) -> None:
        self.lake, self.customer_id, self.day = lake, customer_id, day

    def rows(self, table: str, columns: list[str] | None, more: Iterable[Filter] = ()) -> Rows:
        found = read_arrow(self.lake, table, columns, [("customer_id", "=", self.customer_id), *more])
        return [] if found is None else found.to_pylist()

    def latest(self, table: str, columns: list[str] | None) -> Rows:
        """The rows of the newest day that is there: in the middle of a night's run that is the day before."""
        since = self.day - timedelta(days=LOOK_BACK_DAYS)
        rows = self.rows(table, columns, [("as_of", ">=", since), ("as_of", "<=", self.day)])
        newest = max((row["as_of"] for row in rows), default=self.day)
        return [row for row in rows if row["as_of"] == newest]

    def current(self, table: str, key: str) -> Rows:
        """The newest version of each key known on the day."""
        known = [row for row in self.rows(table, None) if row["recorded_on"] <= self.day]
        return _last_by(sorted(known, key=lambda row: row["valid_from"]), key)

    def newest(self, table: str, *key: str) -> Rows:
        """The row recorded last of each event."""
        known = [row for row in self.rows(table, None) if row["recorded_on"] <= self.day and row["business_date"] <= self.day]
        return _last_by(sorted(known, key=lambda row: row["recorded_on"]), *key)

    def movements(self, account_ids: list[str]) -> Rows:
        if not account_ids:
            return []
        columns = ["account_id", "transaction_id", "booked_at", "business_date", "recorded_on", "superseded_on", "amount", "currency",
                   "direction", "type", "channel", "description", "balance_after"]
        found = read_arrow(self.lake, "transactions", columns, [("account_id", "in", account_ids), ("business_date", "<=", self.day)])
        rows = [] if found is None else found.to_pylist()
        return [row | {"customer_id": self.customer_id} for row in rows if stood(row, self.day)]

    def contacts(self, alerts: Rows) -> Rows:
        ids = [row["alert_id"] for row in alerts]
        found = read_arrow(self.lake, "outcomes", None, [("alert_id", "in", ids)]) if ids else None
        rows = [] if found is None else found.to_pylist()
        return [row | {"customer_id": self.customer_id} for row in rows if row["recorded_on"] <= self.day]


def _last_by(rows: Rows, *key: str) -> Rows:
    return list({tuple(row[name] for name in key): row for row in rows}.values())


def _latest_first(row: Row) -> tuple[Any, ...]:
    return (row["business_date"], row["booked_at"], booking_number(row["transaction_id"]))


def booking_number(transaction_id: str) -> int:
    """`features.movements.booking_number` of one id."""
    number = re.search(r"([0-9]{1,18})[^0-9]*$", transaction_id)
    return int(number.group(1)) if number else zlib.crc32(transaction_id.encode())


def _stated(moved: Rows) -> dict[str, Decimal]:
    """account_id -> balance last stated."""
    stated = [row for row in moved if row["balance_after"] is not None]
    return {row["account_id"]: row["balance_after"] for row in sorted(stated, key=_latest_first)}


def _principal(account: Row) -> Decimal | None:
    return account["principal"] if account["product_type"] in AT_PRINCIPAL else None


def _lasts(closed_on: date | None, day: date) -> bool:
    return closed_on is None or closed_on > day


def _in_force(restriction: Row, day: date) -> bool:
    return restriction["valid_from"] <= day and (restriction["valid_to"] is None or restriction["valid_to"] >= day)


def _months(units: Rows, day: date) -> Rows:
    sums: dict[date, dict[str, Decimal]] = defaultdict(lambda: {"money_in": Decimal(0), "money_out": Decimal(0)})
    for unit in units:
        if unit["business_date"] >= first_month(day):
            side = "money_in" if unit["direction"] == "credit" else "money_out"
            sums[unit["business_date"].replace(day=1)][side] += unit["amount"]
    return [{"customer_id": unit["customer_id"], "first_day": first} | sums[first] for unit in units[:1] for first in sums]


def _open_alerts(alerts: Rows, day: date) -> tuple[OpenAlert, ...]:
    shown = [
        row for row in alerts
        if row["status"] in (*LISTED, "snoozed") and not row["control_group"] and row["raised_on"] <= day < row["expires_on"]
    ]
    ordered = sorted(shown, key=lambda row: (-row["priority"], row["alert_id"]))
    return tuple(
        OpenAlert(row["alert_id"], row["type"], row["expires_on"] - timedelta(days=1), row["headline"] or "", row["reason"] or "",
                  tuple(row["flow_ids"] or ()))
        for row in ordered
    )


def _offers(scores: Rows, settings: Settings) -> tuple[Offered, ...]:
    best = sorted((row for row in scores if row["eligible"] and row["rank"]), key=lambda row: row["rank"])
    language, shelf = settings.bank.language, settings.offers
    return tuple(
        Offered(row["offer_id"], shelf[row["offer_id"]].name[language], row["expected_value"], shelf[row["offer_id"]].reason[language])
        for row in best[: settings.contact_policy.max_offers]
        if row["offer_id"] in shelf
    )


if __name__ == "__main__":
    from jobs.cli import main

    main("customer")
