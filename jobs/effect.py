"""Effect: what calling brought, treated against control, and what another choice of offers would have; without Spark where it can be."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import compute

from conf import ExitCode, KehuError, Settings
from conf.offer import Offer
from jobs.context import Job, Places
from jobs.ledger import last_day
from models.off_policy import off_policy_value
from tables.arrow import Filter, arrow_batches, read_arrow
from worklists.effect import Case, NewOffer, OtherWay, Report, effects, first_offers, new_offer, worth
from worklists.effect_page import effect_page, effect_text
from worklists.matters import UNSAFE

MONTH = timedelta(days=30)
WAYS = {"by value": ("expected_value", "probability"), "by probability alone": ("probability", "expected_value")}
Told = tuple[str, str]  # customer, first offer
Taken = tuple[str, str, date]  # customer, product, day
COLUMNS = ("alert_id", "customer_id", "type", "offers", "raised_on", "priority", "control_group", "status", "closed_on", "flow_ids")


def effect(settings: Settings, places: Places, first: date, last: date, html: str | None) -> str:
    """The effect report of the alerts raised from `first` to `last`: as text, or written to a page.

    Raises
    ------
    KehuError
        MISSING when no alert was raised in that time.
    """
    bundles = frozenset(name for name, offer in settings.offers.items() if offer.bundle)
    found = cases(places.lake, first, last, lambda told: _taken(settings, places, told, first), bundles)
    if not found:
        raise KehuError(f"no alert was raised from {first} to {last} in {places.lake}", ExitCode.MISSING)
    known_until = last_day(places.lake)
    types, offers = effects(found, settings.offers, known_until)
    ways = other_ways(places.lake, first_offers(found, settings.offers, known_until), settings.offers)
    new = new_offers(settings, places, first, last, known_until)
    report = Report(types, offers, ways, first, last, known_until, new)
    if html is None:
        return effect_text(report, settings)
    Path(html).write_text(effect_page(report, settings), encoding="utf-8")
    return html


def cases(
    lake: Path, first: date, last: date, taken: Callable[[Sequence[Told]], Iterable[Taken]] = lambda _: (),
    bundles: Collection[str] = (),
) -> list[Case]:
    """Alerts that stood on a worklist or were held back by lot, with what the customer did afterwards.

    Parameters
    ----------
    lake : Path
    first, last : date
    taken : callable
        Given customers with the first offer each was told of, what they took of those that no product shows.
    bundles : offers that are made of others
    """
    unsafe = {row["flow_id"] for row in _rows(lake, "abnormal_flows", ["flow_id"], [("cause", "=", UNSAFE)])}
    alerts = [
        row
        for row in _rows(lake, "alerts", COLUMNS, [("raised_on", ">=", first), ("raised_on", "<=", last)])
        if (row["control_group"] or row["status"] != "suppressed" or row["closed_on"]) and not unsafe.intersection(row["flow_ids"] or ())
    ]
    customers = sorted({row["customer_id"] for row in alerts})
    told = taken([(row["customer_id"], row["offers"][0]["offer_id"]) for row in alerts if row["offers"]])
    theirs: Filter = ("customer_id", "in", customers)
    acquired = _acquired(lake, first, theirs, theirs, told) if customers else {}
    balances = _balances(lake, customers, {day for row in alerts for day in (row["raised_on"], row["raised_on"] + MONTH)})
    held = _held(lake, [row for row in alerts if row["offers"] and row["offers"][0]["offer_id"] in bundles])
    return [_case(row, acquired.get(row["customer_id"], ()), balances, held) for row in alerts]


def _taken(settings: Settings, places: Places, told: Sequence[Told], first: date) -> list[Taken]:
    """What was paid for or agreed to from a day on, in the same words as in training; Spark reads it, where any offer asks for it."""
    shelf = settings.offers
    told_otherwise = {name for name, offer in shelf.items() if offer.uptake.transactions or offer.uptake.outcome}
    asked_for = {name for name, offer in shelf.items() if told_otherwise.intersection(offer.holds(name))}
    customers = sorted({who for who, offer_id in told if offer_id in asked_for})
    if not customers:
        return []
    import pyspark.sql.functions as F

    from jobs.customers_as_of import offers_taken
    from jobs.session import start

    day, spark = last_day(places.lake), start(settings, places.log)
    found = offers_taken(Job(settings, places, spark, day, "effect"), [day], first, shelf)
    asked = spark.createDataFrame(pa.table({"customer_id": pa.array(customers, pa.string())}))
    rows = found.join(F.broadcast(asked), "customer_id", "left_semi").toArrow().to_pylist()
    return [(row["customer_id"], row["product_id"], row["acquired_on"]) for row in rows]


def new_offers(settings: Settings, places: Places, first: date, last: date, known_until: date) -> list[NewOffer]:
    """What having each new offer brought, of the first day from `first` to `last` whose scores say for whom lot kept it back."""
    found = []
    for offer_id, offer in sorted(settings.offers.items()):
        if offer.new_until is None or offer.new_until < first:
            continue
        of_offer: Filter = ("offer_id", "=", offer_id)
        period: list[Filter] = [of_offer, ("as_of", ">=", first), ("as_of", "<=", min(last, offer.new_until))]
        batches = arrow_batches(places.lake, "offer_scores", ["as_of"], period)
        day = min((compute.min(batch["as_of"]).as_py() for batch in batches if batch.num_rows), default=None)
        if day is None:
            continue
        scores = _rows(places.lake, "offer_scores", ["customer_id", "eligible", "blocked_by"], [of_offer, ("as_of", "=", day)])
        rows = [row for row in scores if row["eligible"] or row["blocked_by"] == ["offer_control_group"]]
        if rows:
            found.append(new_offer(_open_to(settings, places, offer_id, day, rows), settings.offers, known_until))
    return found


def _open_to(settings: Settings, places: Places, offer_id: str, day: date, rows: Sequence[Mapping[str, Any]]) -> list[Case]:
    """Customers to whom an offer was open on a day, or would have been but for its lot, with what they took of it."""
    shelf = settings.offers
    products = sorted({name for part in shelf[offer_id].holds(offer_id) for name in shelf[part].uptake.products})
    taken = _taken(settings, places, [(row["customer_id"], offer_id) for row in rows], day)
    acquired = _acquired(places.lake, day, ("product_id", "in", products), ("product_type", "in", products), taken)
    held = _held(places.lake, [{"customer_id": row["customer_id"], "raised_on": day} for row in rows]) if shelf[offer_id].bundle else {}
    return [
        Case(who, who, "next_best_offer", offer_id, day, 0, not row["eligible"], "open", tuple(acquired.get(who, ())), None,
             held.get((who, day), frozenset()))
        for row in rows if (who := row["customer_id"])
    ]  # fmt: skip


def _acquired(
    lake: Path, since: date, held: Filter, opened: Filter, taken: Iterable[Taken]
) -> dict[str, list[tuple[str, date]]]:
    """Customer -> products and days, from a day on: holdings and accounts that pass a filter each, and what was taken otherwise."""
    acquired: dict[str, list[tuple[str, date]]] = defaultdict(list)
    for row in _rows(lake, "holdings", ["customer_id", "product_id", "acquired_on"], [held, ("acquired_on", ">=", since)]):
        acquired[row["customer_id"]].append((row["product_id"], row["acquired_on"]))
    for row in _rows(lake, "accounts", ["customer_id", "product_type", "opened_on"], [opened, ("opened_on", ">=", since)]):
        acquired[row["customer_id"]].append((row["product_type"], row["opened_on"]))
    for who, product, on in taken:
        acquired[who].append((product, on))
    return acquired


def other_ways(lake: Path, calls: Sequence[Case], offers: Mapping[str, Offer]) -> list[OtherWay]:
    """What choosing by value, and by probability alone, would have brought, from the chances logged with the scores of each call's day.

    Calls whose scores are no longer kept, or whose offer was in no lot, say nothing and are left out, whatever was drawn for them.
    """
    logged = _logged(lake, calls)
    kept = [(case, logged[case.customer_id]) for case in calls if case.offer_id in logged[case.customer_id]]
    if len(kept) < 2:
        return []
    reward = np.array([worth(case, offers) for case, _ in kept])
    made = [chances[str(case.offer_id)] for case, chances in kept]
    return [_other_way(name, by, kept, made, reward) for name, by in WAYS.items()]


def _other_way(
    name: str, by: Sequence[str], kept: Sequence[tuple[Case, dict[str, dict[str, Any]]]], made: Sequence[dict[str, Any]], reward: np.ndarray
) -> OtherWay:
    best = [max(chances.values(), key=lambda row: (*(row[column] for column in by), row["offer_id"])) for _, chances in kept]
    same = np.array([float(one["offer_id"] == other["offer_id"]) for one, other in zip(made, best, strict=True)])
    verdict = off_policy_value(
        reward, _column(made, "propensity"), same, _column(best, "propensity"), _column(made, "expected_value"),
        _column(best, "expected_value"),
    )  # fmt: skip
    value, gain = verdict.estimates["DR"], verdict.gain
    return OtherWay(
        name, len(kept), float(same.mean()), (value.value, value.low, value.high), (gain.value, gain.low, gain.high), verdict.effective,
        verdict.refused,
    )  # fmt: skip


def _logged(lake: Path, calls: Sequence[Case]) -> dict[str, dict[str, dict[str, Any]]]:
    """Customer -> offer -> its row, of the offers that could have opened the customer's call. One day at a time: scores are many."""
    by_day: dict[date, list[str]] = defaultdict(list)
    for case in calls:
        by_day[case.raised_on].append(case.customer_id)
    found: dict[str, dict[str, dict[str, Any]]] = defaultdict(dict)
    columns = ["customer_id", "offer_id", "probability", "expected_value", "propensity"]
    for day, customers in sorted(by_day.items()):
        wanted: list[Filter] = [("as_of", "=", day), ("customer_id", "in", sorted(customers)), ("propensity", ">", 0.0)]
        for row in _rows(lake, "offer_scores", columns, wanted):
            found[row["customer_id"]][row["offer_id"]] = row
    return found


def _column(rows: Sequence[dict[str, Any]], name: str) -> np.ndarray:
    return np.array([row[name] for row in rows], float)


def _case(row: dict[str, Any], acquired: Sequence[tuple[str, date]], balances: dict[tuple[str, date], float],
          held: Mapping[tuple[str, date], frozenset[str]]) -> Case:  # fmt: skip
    who, day = row["customer_id"], row["raised_on"]
    before, after = balances.get((who, day)), balances.get((who, day + MONTH))
    return Case(
        alert_id=row["alert_id"],
        customer_id=who,
        type=row["type"],
        offer_id=row["offers"][0]["offer_id"] if row["offers"] else None,
        raised_on=day,
        priority=row["priority"],
        control=bool(row["control_group"]),
        status=row["status"],
        acquired=tuple(sorted(set(acquired))),
        balance_change=None if before is None or after is None else after - before,
        held=held.get((who, day), frozenset()),
    )


def _held(lake: Path, alerts: Sequence[Mapping[str, Any]]) -> dict[tuple[str, date], frozenset[str]]:
    """Offers that customers of alerts about bundles had already taken, as that day's scores say; nothing where they are no longer kept."""
    found: dict[tuple[str, date], frozenset[str]] = {}
    for day in sorted({row["raised_on"] for row in alerts}):
        customers = sorted({row["customer_id"] for row in alerts if row["raised_on"] == day})
        taken: dict[str, set[str]] = defaultdict(set)
        columns = ["customer_id", "offer_id", "blocked_by"]
        for row in _rows(lake, "offer_scores", columns, [("as_of", "=", day), ("customer_id", "in", customers)]):
            if "already_held" in (row["blocked_by"] or ()):
                taken[row["customer_id"]].add(row["offer_id"])
        found |= {(who, day): frozenset(names) for who, names in taken.items()}
    return found


def _balances(lake: Path, customers: Sequence[str], days: set[date]) -> dict[tuple[str, date], float]:
    if not customers:
        return {}
    columns = ["customer_id", "as_of", "deposits_balance"]
    rows = _rows(lake, "customer_features", columns, [("customer_id", "in", list(customers)), ("as_of", "in", sorted(days))])
    return {(row["customer_id"], row["as_of"]): float(row["deposits_balance"]) for row in rows if row["deposits_balance"] is not None}


def _rows(lake: Path, table: str, columns: Sequence[str], filters: Sequence[Filter]) -> list[dict[str, Any]]:
    found = read_arrow(lake, table, columns, filters)
    return found.to_pylist() if found is not None else []
