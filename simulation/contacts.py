"""What relationship managers do with a worklist, and what comes of it: causes from the truth, uptake by its true chance."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

import numpy as np
import pyarrow as pa

FLOW_TYPES = ("abnormal_withdrawal", "abnormal_deposit", "early_withdrawal", "account_closure")
TOLD_CAUSE = {"home_sale": "home", "insurance_payout": "other", "bonus": "other", "none": "none_given"}
NOT_REACHED = 0.15
OFFICE_OPENS = time(9, 30)
LOOK_BACK_DAYS = 14  # an alert is about something that happened this shortly before it was raised
OUTCOMES = pa.schema([
    ("alert_id", pa.string()), ("recorded_at", pa.string()), ("relationship_manager_id", pa.string()), ("outcome", pa.string()),
    ("cause", pa.string()), ("offer_id", pa.string()), ("snooze_until", pa.date32()), ("note", pa.string()),
])


@dataclass(frozen=True)
class Known:
    """What the truth says of a customer's doings and leanings.

    Attributes
    ----------
    events : mapping of customer -> events (`kind`, `cause`, `abnormal`, `first_on`, `last_on`)
    with_contact : mapping of (customer, product) -> chance of taking it when called
    """

    events: Mapping[str, Sequence[Mapping[str, Any]]]
    with_contact: Mapping[tuple[str, str], float]


@dataclass(frozen=True)
class Calls:
    """A day's calls: `outcomes` as that feed, and who `agreed` to which product: (customer, product)."""

    outcomes: pa.Table
    agreed: list[tuple[str, str]]


def known(events: pa.Table, chances: pa.Table) -> Known:
    """The truth's tables by customer."""
    by_customer: dict[str, list[Mapping[str, Any]]] = {}
    for event in events.to_pylist():
        by_customer.setdefault(event["customer_id"], []).append(event)
    keys = zip(chances["customer_id"].to_pylist(), chances["product_id"].to_pylist(), strict=True)
    return Known(by_customer, dict(zip(keys, chances["with_contact"].to_pylist(), strict=True)))


def called(
    alerts: Iterable[Mapping[str, Any]], on: date, truth: Known, product_of: Mapping[str, str], calls_per_day: int, seed: int
) -> Calls:
    """A day of calls: every RM works the open alerts from the top, as many as the line allows.

    Parameters
    ----------
    alerts : rows of `alerts`, as they stood at the end of the day before
    on : date
    truth : Known
    product_of : mapping of offer -> product whose holding counts as uptake
    calls_per_day : int
    seed : int

    Returns
    -------
    Calls
    """
    outcomes: list[dict[str, Any]] = []
    agreed: set[tuple[str, str]] = set()
    done: dict[str, int] = {}
    for alert in sorted(alerts, key=lambda row: (-row["priority"], row["alert_id"])):
        manager = alert["relationship_manager_id"] or "branch"
        if not _due(alert, on) or done.get(manager, 0) >= calls_per_day:
            continue
        rng = np.random.default_rng((seed, on.toordinal(), zlib.crc32(alert["alert_id"].encode())))
        outcome = {"alert_id": alert["alert_id"], "relationship_manager_id": manager, **_said(alert, truth, product_of, rng)}
        waited = timedelta(minutes=45 * done.get(manager, 0), seconds=int(rng.integers(1800)))
        outcomes.append({**outcome, "recorded_at": (datetime.combine(on, OFFICE_OPENS) + waited).isoformat()})
        done[manager] = done.get(manager, 0) + 1
        if outcome["outcome"] == "accepted":
            agreed.add((alert["customer_id"], product_of[outcome["offer_id"]]))
    return Calls(pa.Table.from_pylist(outcomes, OUTCOMES), sorted(agreed))


def _due(alert: Mapping[str, Any], on: date) -> bool:
    running = alert["raised_on"] < on and (alert["expires_on"] is None or on < alert["expires_on"])
    return alert["status"] == "open" and running and not alert["control_group"]


def _said(alert: Mapping[str, Any], truth: Known, product_of: Mapping[str, str], rng: np.random.Generator) -> dict[str, Any]:
    """Outcome, cause and offer of one call."""
    if rng.random() < NOT_REACHED:
        return {"outcome": "not_reached"}
    cause: dict[str, Any] = {}
    if alert["type"] in FLOW_TYPES:
        event = _behind(alert, truth)
        if event is None or not event["abnormal"]:
            own = event is not None and event["kind"] == "own_move"
            return {"outcome": "false_alarm", "cause": "own_transfer_missed" if own else "none_given"}
        cause = {"cause": TOLD_CAUSE.get(event["cause"], event["cause"])}
    offers = [offer["offer_id"] for offer in alert["offers"] or () if offer["offer_id"] in product_of]
    if not offers:
        return {"outcome": "contacted", **cause}
    for offer in offers:
        if rng.random() < truth.with_contact.get((alert["customer_id"], product_of[offer]), 0.0):
            return {"outcome": "accepted", "offer_id": offer, **cause}
    if rng.random() < 0.5:
        return {"outcome": "contacted", "offer_id": offers[0], **cause}
    return {"outcome": "declined", "offer_id": offers[0], **cause}


def _behind(alert: Mapping[str, Any], truth: Known) -> Mapping[str, Any] | None:
    """The newest event of the customer that the alert can be about; a true one before one that only looks like it."""
    since = alert["raised_on"] - timedelta(days=LOOK_BACK_DAYS)
    events = truth.events.get(alert["customer_id"], ())
    recent = [event for event in events if since <= event["last_on"] and event["first_on"] <= alert["raised_on"]]
    return max(recent, key=lambda event: (event["abnormal"], event["last_on"]), default=None)
