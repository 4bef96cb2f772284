"""The effect report against published and independently computed answers."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest
from scipy import stats
from scipy.stats import binom

from conf import Settings
from conf.offer import agreed_to, paid_for
from worklists.effect import Case, OtherWay, Report, effects, first_offers, mean_difference, share_difference, worth
from worklists.effect_page import effect_page, effect_text

D = date(2026, 1, 1)
LATER = D + timedelta(days=365)


def case(n: int, *, control: bool = False, took: bool = False, status: str = "contacted", **other: object) -> Case:
    acquired = (("mortgage", D + timedelta(days=30)),) if took else ()
    given = {"alert_id": f"A{n:04}", "customer_id": f"C{n:04}", "type": "next_best_offer", "offer_id": "mortgage", "raised_on": D,
             "priority": 50, "control": control, "status": "suppressed" if control else status, "acquired": acquired,
             "balance_change": None} | other  # fmt: skip
    return Case(**given)  # type: ignore[arg-type]


def test_newcombes_published_example() -> None:
    found = share_difference([True] * 56 + [False] * 14, [True] * 48 + [False] * 32)  # Newcombe 1998, table II, example (a)
    assert (found.difference, found.low, found.high) == pytest.approx((0.2, 0.0524, 0.3339), abs=5e-5)
    none = share_difference([False] * 30, [False] * 30)  # no success at all still has an interval
    assert none.low is not None
    assert none.low < 0 < (none.high or 0)


def test_the_interval_covers_the_truth_at_small_rates() -> None:
    """Exactly, by every outcome's probability, not by drawing."""
    n, m, p, q = 300, 60, 0.04, 0.02
    covered = 0.0
    for taken in range(40):
        for held in range(12):
            found = share_difference([1.0] * taken + [0.0] * (n - taken), [1.0] * held + [0.0] * (m - held))
            if found.low <= p - q <= found.high:
                covered += binom.pmf(taken, n, p) * binom.pmf(held, m, q)
    assert 0.94 <= covered <= 0.99


def test_welch_as_scipy_has_it() -> None:
    generator = np.random.default_rng(7)
    treated, control = generator.normal(10, 3, 60).tolist(), generator.normal(8, 9, 25).tolist()
    found, expected = mean_difference(treated, control), stats.ttest_ind(treated, control, equal_var=False).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))
    assert mean_difference([1.0] * 19, [1.0] * 50).difference is None  # too few to say


def test_what_only_a_yes_tells_is_not_compared_with_customers_nobody_asked(settings: Settings) -> None:
    agreed = ((agreed_to("hospital_clinic"), D + timedelta(days=5)),)
    asked = [case(n, offer_id="hospital_clinic", acquired=agreed if n < 20 else ()) for n in range(40)]
    lot = [case(100 + n, offer_id="hospital_clinic", control=True) for n in range(40)]
    (offer,) = effects([*asked, *lot], settings.offers, LATER)[1]
    assert (offer.treated, offer.control, offer.told_only, offer.waiting) == (40, 40, 80, 0)
    assert (offer.uptake.difference, offer.value.difference) == (None, None)
    assert sum(worth(each, settings.offers) > 0 for each in asked) == 20, "between two ways of calling it does count"
    paid = ((paid_for("travel_package"), D + timedelta(days=5)),)
    travellers = [case(n, offer_id="travel_package", acquired=paid if n < 20 else (), control=n % 2 == 1) for n in range(60)]
    (shown,) = effects(travellers, settings.offers, LATER)[1]
    assert (shown.told_only, shown.uptake.treated, shown.uptake.control) == (0, 1 / 3, 1 / 3)
    report = Report([offer], [offer], [], D, LATER, LATER)
    assert "told by a yes only 80" in effect_text(report, settings)


def test_a_bundle_is_taken_when_all_that_was_left_of_it_is(settings: Settings) -> None:
    """Mortgage 6,000, renovation 350, insurance 180; 8 % off; a call costs 60."""
    on = D + timedelta(days=5)
    loan, work, cover = ("mortgage", on), (paid_for("home_services"), on), ("home_insurance", on)
    told = {
        "whole": case(1, offer_id="home_bundle", acquired=(loan, work, cover)),
        "part": case(2, offer_id="home_bundle", acquired=(loan, work)),
        "rest": case(3, offer_id="home_bundle", acquired=(loan, work), held=frozenset({"home_insurance"})),
        "alone": case(4, offer_id="home_bundle", acquired=(loan, work, cover), control=True),
    }
    assert {name: worth(of, settings.offers) for name, of in told.items()} == pytest.approx(
        {"whole": 6530 * 0.92 - 60, "part": 6350 - 60, "rest": 6350 * 0.92 - 60, "alone": 6530})
    many = [case(n, offer_id="home_bundle", acquired=told["whole" if n < 10 else "part"].acquired, control=n % 2 == 1) for n in range(60)]
    (of,) = effects(many, settings.offers, LATER)[1]
    assert (of.uptake.treated, of.uptake.control, of.told_only) == (1 / 6, 1 / 6, 0)
    agreed = (("education_insurance", on), ("child_growth_fund", on))  # the clinic shows in an answer only: not asked of the control group
    family = [case(n, offer_id="family_bundle", acquired=agreed, control=n % 2 == 1) for n in range(60)]
    (of,) = effects(family, settings.offers, LATER)[1]
    assert (of.uptake.treated, of.uptake.control) == (1, 1)


def test_what_counts_as_taken_and_what_it_is_worth(settings: Settings) -> None:
    cases = [case(n, took=n < 10) for n in range(30)] + [case(100 + n, control=True, took=n < 2) for n in range(20)]
    cases += [
        case(0, alert_id="Z", took=True),  # the same customer again: only the first counts
        case(500, status="expired"),  # never called, yet treated: what was meant counts, and it cost nothing
        case(501, raised_on=LATER - timedelta(days=59)),  # its window is not over
        case(502, took=True, raised_on=D + timedelta(days=30)),  # taken before or on the day it was raised
    ]
    (offer,) = effects(cases, settings.offers, LATER)[1]
    assert (offer.treated, offer.control, offer.called, offer.waiting) == (33, 20, 32, 1)
    assert (offer.uptake.treated, offer.uptake.control) == pytest.approx((10 / 32, 0.1))
    assert offer.value.treated == pytest.approx((10 * 6000 - 31 * 60) / 32)
    assert offer.value.control == pytest.approx(600)
    assert offer.kept.difference is None
    told = first_offers(cases, settings.offers, LATER)
    assert len(told) == 32, "one a customer, without the control group and open windows"
    assert not any(each.control for each in told)
    ways = [OtherWay("by value", 900, 0.96, (31.0, 22.0, 40.0), (-2.0, -3.0, -1.0), 870.0, ""),
            OtherWay("by probability alone", 900, 0.5, (9.0, 1.0, 17.0), (1.0, 0.0, 2.0), 20.0, "an effective sample of 20")]
    text = effect_text(Report([offer], [offer], ways, D, LATER, LATER), settings)
    assert "would have brought +31 CNY a call (+22 to +40)" in text
    assert "against what was done: \N{MINUS SIGN}2 CNY a call (\N{MINUS SIGN}3 to \N{MINUS SIGN}1)" in text
    assert "nothing is said: an effective sample of 20" in text
    assert "(+1 to +17)" not in text, "a refused estimate is not shown"
    assert "no call about an offer has" in effect_text(Report([offer], [offer], [], D, LATER, LATER), settings)
    assert "treated 33 (spoken to 32, accepted 0), control 20, window still open 1" in text
    assert "too few" in text
    page = effect_page(Report([offer], [offer], ways, D, LATER, LATER), settings)
    assert "<svg" in page
    assert "effective sample of 20" in page
    assert "http://" not in page.replace("http://www.w3.org", "")  # names of XML, never fetched
