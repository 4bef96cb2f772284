"""What calling is worth: customers who were called against those whom lot held back.

Compared is what was meant, not what was done (intention to treat): every alert that stood on a worklist, called or not, against
every alert of the same type held back by lot. Of each customer only the first alert of a type counts, so observations are
independent. Alerts for a customer's safety are never held back and are left out.

Shares: difference with Newcombe's interval (1998, method 10, from Wilson's score intervals), which holds for small groups
and shares near 0. Means: Welch's interval for unequal variances. Both 95 %. Where a group has fewer than `MIN_GROUP`, nothing is
said: an interval from a handful of customers would be read as a result.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from statistics import fmean, variance

from conf.codes import REACHED
from conf.offer import Offer

MIN_GROUP = 20
Z = 1.959964  # 97.5 % of the standard normal


@dataclass(frozen=True)
class Case:
    """One alert that was called, or would have been but for the lot."""

    alert_id: str
    customer_id: str
    type: str
    offer_id: str | None  # the first one
    raised_on: date
    priority: int
    control: bool
    status: str
    acquired: tuple[tuple[str, date], ...]  # product (`features.acquired`), day: what the customer took from then on
    balance_change: float | None  # of deposits over the month after; None where either end is not known
    held: frozenset[str] = frozenset()  # offers the customer had taken before, where the case is about a bundle


@dataclass(frozen=True)
class Difference:
    """Treated less control, with the interval that holds it 95 times in 100; None where there are too few to say."""

    treated: float | None
    control: float | None
    difference: float | None
    low: float | None
    high: float | None

    @property
    def clear(self) -> bool:
        """Whether the interval leaves out zero."""
        return self.low is not None and self.high is not None and (self.low > 0 or self.high < 0)


@dataclass(frozen=True)
class Effect:
    """One type of alert, or one offer."""

    name: str
    treated: int
    control: int
    called: int  # treated, and spoken to
    accepted: int  # treated, and said yes
    waiting: int  # the offer's window is not over yet: not counted for uptake and value, like alerts without an offer
    told_only: int  # only a yes tells that it was taken: not counted either, as nobody asks the control group
    uptake: Difference  # share that took the offer within its window
    kept: Difference  # deposits after a month, less before, base currency a customer
    value: Difference  # margin of what was taken less cost of contact, base currency an alert
    one_more: Difference  # value of the third of alerts with the lowest priority: what one more alert would bring


@dataclass(frozen=True)
class OtherWay:
    """What another way of choosing the offer a call opens with would have brought, estimated from what was drawn by lot."""

    name: str
    calls: int
    same: float  # share of the calls that it would have opened with the same offer
    value: tuple[float, float, float]  # base currency a call, with its 95 % interval
    gain: tuple[float, float, float]  # the same, less what the calls brought
    effective: float  # calls that would tell as much, had they all been made this way
    refused: str  # why nothing may be said; empty where something may


@dataclass(frozen=True)
class NewOffer:
    """A new offer: everybody it was open to on a day, told of it or not, against those from whom only its own lot kept it."""

    name: str
    on: date
    open_to: int
    kept_from: int
    uptake: Difference | None  # None while its window is not over, or where only a yes tells that it was taken


@dataclass(frozen=True)
class Report:
    """What the effect report tells of the alerts of `first` to `last`."""

    types: Sequence[Effect]
    offers: Sequence[Effect]
    ways: Sequence[OtherWay]
    first: date
    last: date
    known_until: date
    new: Sequence[NewOffer] = ()


def effects(cases: Iterable[Case], offers: Mapping[str, Offer], known_until: date) -> tuple[list[Effect], list[Effect]]:
    """Effects by type of alert and by first offer, in the order of their names.

    Parameters
    ----------
    cases : alerts of the period, treated and control
    offers : the shelf
    known_until : date
        Last day of data: an offer's window that ends later is still open.
    """
    by_type: dict[str, dict[str, Case]] = defaultdict(dict)
    by_offer: dict[str, dict[str, Case]] = defaultdict(dict)
    for case in sorted(cases, key=lambda case: (case.raised_on, case.alert_id)):
        by_type[case.type].setdefault(case.customer_id, case)
        if case.offer_id:
            by_offer[case.offer_id].setdefault(case.customer_id, case)
    types = [_effect(name, list(group.values()), offers, known_until) for name, group in sorted(by_type.items())]
    return types, [_effect(name, list(group.values()), offers, known_until) for name, group in sorted(by_offer.items())]


def new_offer(cases: Sequence[Case], offers: Mapping[str, Offer], known_until: date) -> NewOffer:
    """What having a new offer at all brought: diluted by all who were never told of it, and as far as that goes without bias.

    Parameters
    ----------
    cases : one a customer, all of one day and offer; `control`: of the offer's own control group
    offers : the shelf
    known_until : date
    """
    first = cases[0]
    shown = [case for each in cases if (case := _as_shown(each, offers))]
    took = {case.alert_id: float(all(_took(case, offers).values())) for case in shown}
    told = share_difference(*_split(shown, took)) if shown and _window_over(first, offers, known_until) else None
    kept_from = sum(case.control for case in cases)
    return NewOffer(first.offer_id or "", first.raised_on, len(cases) - kept_from, kept_from, told)


def first_offers(cases: Iterable[Case], offers: Mapping[str, Offer], known_until: date) -> list[Case]:
    """Calls about an offer whose window is over, of each customer the first, without the control group: what was decided and told."""
    first: dict[str, Case] = {}
    for case in sorted(cases, key=lambda case: (case.raised_on, case.alert_id)):
        if case.type == "next_best_offer" and not case.control:
            first.setdefault(case.customer_id, case)
    return [case for case in first.values() if _window_over(case, offers, known_until)]


def worth(case: Case, offers: Mapping[str, Offer]) -> float:
    """The first twelve months' margin of what was taken; a call costs whether it is or not. A whole bundle is sold at its discount."""
    offer, took = offers[case.offer_id or ""], _took(case, offers)
    called = not case.control and case.status in REACHED
    margin = float(sum(offers[name].margin for name, taken in took.items() if taken))
    whole = offer.bundle is not None and not case.control and all(took.values())
    discount = float(offer.bundle.discount) if offer.bundle and whole else 0.0
    return margin * (1 - discount) - float(offer.contact_cost) * called


def _as_shown(case: Case, offers: Mapping[str, Offer]) -> Case | None:
    """The case without what only an answer tells, as the control group is not asked; None where nothing is left of it."""
    made = [name for name in _made_of(case, offers) if offers[name].uptake.shown(name)]
    seen = {product for name in made for product in offers[name].uptake.shown(name)}
    unseen = set(_made_of(case, offers)) - set(made)
    acquired = tuple((product, on) for product, on in case.acquired if product in seen)
    return replace(case, acquired=acquired, held=case.held | unseen) if made else None


def share_difference(treated: Sequence[float], control: Sequence[float]) -> Difference:
    """Difference of two shares with Newcombe's interval."""
    if min(len(treated), len(control)) < MIN_GROUP:
        return Difference(_mean(treated), _mean(control), None, None, None)
    (p1, low1, high1), (p2, low2, high2) = _wilson(treated), _wilson(control)
    return Difference(
        p1, p2, p1 - p2, p1 - p2 - math.hypot(p1 - low1, high2 - p2), p1 - p2 + math.hypot(high1 - p1, p2 - low2)
    )


def mean_difference(treated: Sequence[float], control: Sequence[float]) -> Difference:
    """Difference of two means with Welch's interval."""
    if min(len(treated), len(control)) < MIN_GROUP:
        return Difference(_mean(treated), _mean(control), None, None, None)
    from scipy.stats import t

    m1, m2 = fmean(treated), fmean(control)
    v1, v2 = variance(treated) / len(treated), variance(control) / len(control)
    if v1 + v2 == 0:
        return Difference(m1, m2, m1 - m2, m1 - m2, m1 - m2)
    freedom = (v1 + v2) ** 2 / (v1**2 / (len(treated) - 1) + v2**2 / (len(control) - 1))
    reach = float(t.ppf(0.975, freedom)) * math.sqrt(v1 + v2)
    return Difference(m1, m2, m1 - m2, m1 - m2 - reach, m1 - m2 + reach)


def _effect(name: str, cases: Sequence[Case], offers: Mapping[str, Offer], known_until: date) -> Effect:
    treated, control = [case for case in cases if not case.control], [case for case in cases if case.control]
    comparable = [shown for case in cases if case.offer_id in offers and (shown := _as_shown(case, offers))]
    over = [case for case in comparable if _window_over(case, offers, known_until)]
    values = {case.alert_id: worth(case, offers) for case in over}
    least = sorted(over, key=lambda case: (case.priority, case.alert_id))[: max(len(over) // 3, 1)]
    return Effect(
        name,
        len(treated),
        len(control),
        called=sum(case.status in REACHED for case in treated),
        accepted=sum(case.status == "accepted" for case in treated),
        waiting=len(comparable) - len(over),
        told_only=sum(case.offer_id in offers for case in cases) - len(comparable),
        uptake=share_difference(*_split(over, {case.alert_id: all(_took(case, offers).values()) for case in over})),
        kept=mean_difference(*_split(cases, {c.alert_id: c.balance_change for c in cases if c.balance_change is not None})),
        value=mean_difference(*_split(over, values)),
        one_more=mean_difference(*_split(least, values)),
    )


def _split(cases: Sequence[Case], values: Mapping[str, float]) -> tuple[list[float], list[float]]:
    sides: tuple[list[float], list[float]] = ([], [])
    for case in cases:
        if case.alert_id in values:
            sides[case.control].append(values[case.alert_id])
    return sides


def _window_over(case: Case, offers: Mapping[str, Offer], known_until: date) -> bool:
    offer = offers.get(case.offer_id or "")
    return offer is not None and case.raised_on + timedelta(days=offer.uptake.window_days) <= known_until


def _made_of(case: Case, offers: Mapping[str, Offer]) -> list[str]:
    """The offer; of a bundle its offers that the customer had not taken before."""
    offer_id = case.offer_id or ""
    return [name for name in offers[offer_id].holds(offer_id) if name not in case.held]


def _took(case: Case, offers: Mapping[str, Offer]) -> dict[str, bool]:
    """Whether each offer that the case is made of was taken within its window."""

    def within(name: str) -> bool:
        last = case.raised_on + timedelta(days=offers[name].uptake.window_days)
        return any(product in offers[name].uptake.told(name) and case.raised_on < on <= last for product, on in case.acquired)

    return {name: within(name) for name in _made_of(case, offers)}


def _wilson(values: Sequence[float]) -> tuple[float, float, float]:
    n, p = len(values), _mean(values) or 0.0
    center = (p + Z * Z / (2 * n)) / (1 + Z * Z / n)
    reach = Z / (1 + Z * Z / n) * math.sqrt(p * (1 - p) / n + Z * Z / (4 * n * n))
    return p, center - reach, center + reach


def _mean(values: Sequence[float]) -> float | None:
    return fmean(values) if values else None
