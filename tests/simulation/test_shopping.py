"""Shopping: babies wear what fits, gifts come once, what comes back was bought, and sales fill the cupboard."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest

from simulation.days import day_of
from simulation.households import households, unknown_traits
from simulation.ledgers import day64
from simulation.life import Life
from simulation.market import CHINA
from simulation.opening import opening_state
from simulation.shopping import AT, FIRST_STAGE, SHELF, SMALLEST, Orders, Shopping, purchase_rows

START = date(2025, 5, 1)


@pytest.fixture(scope="module")
def spring() -> tuple[Shopping, dict[date, Orders]]:
    """Fifty days of two thousand households, the summer sale of 18 June among them, without the bank."""
    state = opening_state(CHINA, households(unknown_traits(2000), CHINA, START, 3), START, 3)
    shopping = Shopping(state, Life(state, START), START)
    days = [START + timedelta(days=number) for number in range(60)]
    return shopping, {on: shopping.of_day(day_of(on, 3, CHINA.holidays)) for on in days}


def test_babies_wear_what_fits(spring: tuple[Shopping, dict[date, Orders]]) -> None:
    shopping, days = spring
    babies = shopping.life.babies
    only = {who: born for who, born in zip(babies.household.tolist(), babies.born_on, strict=True) if (babies.household == who).sum() == 1}
    ages, sizes = [], []
    for on, orders in days.items():
        for who, article in zip(orders.household.tolist(), orders.article.tolist(), strict=True):
            if who in only and SMALLEST <= article < FIRST_STAGE and np.isnat(shopping.grandchild[who]):
                ages.append((day64(on) - only[who]).astype(int))
                sizes.append(article - SMALLEST)
    assert len(ages) > 100
    assert np.corrcoef(ages, sizes)[0, 1] > 0.85


def test_gifts_come_once_and_sales_fill_the_cupboard(spring: tuple[Shopping, dict[date, Orders]]) -> None:
    shopping, days = spring
    parents = set(shopping.life.babies.household.tolist())
    gifts = [who for orders in days.values() for who in orders.household[orders.article == AT["Baby/Gift Sets"]].tolist()]
    assert gifts
    assert len(set(gifts)) == len(gifts)
    assert len(parents & set(gifts)) < len(gifts) / 2
    diapers = {on: orders.quantity[(orders.article >= SMALLEST) & (orders.article < FIRST_STAGE)].sum() for on, orders in days.items()}
    sale = date(2025, 6, 18)
    assert diapers[sale] > 5 * np.median(list(diapers.values()))
    assert diapers[sale + timedelta(days=2)] < np.median(list(diapers.values()))


def test_what_comes_back_was_bought_and_lines_have_keys(spring: tuple[Shopping, dict[date, Orders]]) -> None:
    shopping, days = spring
    bought = {(who, article, cents) for orders in days.values() for who, article, cents, back in zip(
        orders.household.tolist(), orders.article.tolist(), orders.cents.tolist(), orders.refunded.tolist(), strict=True) if not back}
    returned = 0
    for on, orders in days.items():
        rows = purchase_rows(shopping.state, orders, on).to_pandas()
        assert not rows.duplicated(["order_id", "line_no"]).any()
        assert rows.groupby("order_id")["customer_id"].nunique().eq(1).all()
        for at in np.flatnonzero(orders.refunded):
            returned += 1
            assert (orders.household[at], orders.article[at], orders.cents[at]) in bought
    assert returned > 10
    assert len({category for category, _, _ in SHELF}) == len(SHELF)
