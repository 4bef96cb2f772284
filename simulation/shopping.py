"""Online purchases of a generated world: what a household needs, and what only looks like it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa

from simulation.days import Day
from simulation.ledgers import day64
from simulation.life import EXPECTED_DAYS, OLDEST_BABY_DAYS, Life
from simulation.rows import local_times, money
from simulation.state import State

SHOPS = 5
SALES = ("06-18", "11-11", "12-12")  # days on which whoever has a baby stocks up
SPELL_DAYS = 75  # households change shops for about this long
RETURNED = 0.03
RETURN_AFTER_DAYS = 5

# Articles: category path, name in the shop, price in millionths of the market's median income a year
GOODS = (
    ("Household/Cleaning", "洗衣液", 250), ("Household/Kitchen", "炒锅", 900), ("Food/Snacks", "坚果零食", 200),
    ("Food/Fresh", "水果礼箱", 400), ("Clothing/Women", "女装外套", 1500), ("Clothing/Men", "男装衬衫", 1500),
    ("Electronics/Accessories", "充电器", 900), ("Electronics/Phones", "智能手机", 26000), ("Beauty/Skin Care", "面霜", 1400),
    ("Books/Fiction", "小说", 300), ("Sports/Running", "跑鞋", 2500), ("Garden/Plants", "绿植", 500),
    ("Toys/Board Games", "桌游", 900), ("Pets/Dog Food", "狗粮", 1200), ("Travel/Hotels", "酒店预订", 5000),
    ("Automotive/Car Care", "车载用品", 1100),
)
SIZES = (("NB", "NB"), ("1", "S"), ("2", "M"), ("3", "L"), ("4", "XL"), ("5", "XXL"))
DIAPERS = tuple((f"Baby/Diapers/Size {size}", f"纸尿裤 {name}码", 900) for size, name in SIZES)
FORMULA = tuple((f"Baby/Infant Formula Stage {stage}", f"婴儿奶粉 {stage}段", 2300) for stage in (1, 2, 3))
STROLLER, WIPES, PUREES, CLOTHING, GIFT = "Baby/Stroller", "Baby/Baby Wipes", "Baby/Baby Foods/Purees", "Baby/Clothing", "Baby/Gift Sets"
BABY = (
    (WIPES, "婴儿湿巾", 300), (PUREES, "果泥辅食", 400), (STROLLER, "婴儿车", 6000), (CLOTHING, "童装", 700),
    (GIFT, "新生儿礼盒", 1500),
)
SHELF = (*GOODS, *DIAPERS, *FORMULA, *BABY)
AT = {category: place for place, (category, _, _) in enumerate(SHELF)}
SMALLEST, FIRST_STAGE = AT["Baby/Diapers/Size NB"], AT["Baby/Infant Formula Stage 1"]
SIZE_FROM_MONTHS = np.array([0, 1, 4, 8, 14, 24])  # a diaper size is worn from here, give or take
STAGE_FROM_MONTHS = np.array([0, 6, 12])


@dataclass(frozen=True)
class Orders:
    """Order lines of one day, one element a line; `order` counts from 0 within the day."""

    household: np.ndarray
    order: np.ndarray
    article: np.ndarray
    quantity: np.ndarray
    cents: np.ndarray  # of one piece
    second: np.ndarray
    refunded: np.ndarray

    def __len__(self) -> int:
        return len(self.household)


class Shopping:
    """Households' habits, drawn once: who shops online, who feeds formula, who buys for grandchildren."""

    def __init__(self, state: State, life: Life, start: date) -> None:
        self.state, self.life = state, life
        n = len(state.households)
        rng = np.random.default_rng((state.seed, 31))
        self.rate = rng.gamma(1.5, 0.05, n) * state.households.digital
        self.baby_share = rng.beta(1.2, 1.6, n)  # of what is bought for a baby in the shops that the bank's data reach
        self.phase = rng.integers(0, 1000, n)
        self.formula = rng.random(n) < 0.6
        self.stocked_until = np.full(n, np.datetime64("1900-01-01", "D"))
        grand = (state.households.age(start) > 54) & (rng.random(n) < 0.05)
        self.grandchild = np.where(grand, day64(start) - rng.integers(0, 900, n), np.datetime64("NaT", "D"))
        self._sent: dict[date, Orders] = {}

    def of_day(self, day: Day) -> Orders:
        """What is ordered and what is sent back on a day; sums of money the same on every machine."""
        rng = day.rng(32)
        parts = [self._ordinary(day, rng), *self._for_babies(day, rng), self._gifts(day, rng), self._grandparents(day, rng)]
        orders = self._priced(np.concatenate([who for who, _, _ in parts]), np.concatenate([article for _, article, _ in parts]),
                              np.concatenate([quantity for _, _, quantity in parts]), rng)
        back = self._returned(day.on, rng)
        self._sent[day.on] = orders
        return _together(orders, back)

    def _ordinary(self, day: Day, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        who = np.repeat(np.arange(len(self.rate)), rng.poisson(self.rate * day.season * self.state.active(day.on)))
        return who, rng.integers(0, len(GOODS), len(who)), 1 + (rng.random(len(who)) < 0.15)

    def _for_babies(self, day: Day, rng: np.random.Generator) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """Diapers by size, formula by stage, wipes, purees; on sales in bulk, and then for a while nothing."""
        babies, today = self.life.babies, day64(day.on)
        days = (today - babies.born_on).astype(np.int64)
        small = (days >= -EXPECTED_DAYS) & (days < OLDEST_BABY_DAYS) & self._here(today)[babies.household]
        small &= self.state.active(day.on)[babies.household] & (self.stocked_until[babies.household] < today)
        who, months, days = babies.household[small], np.maximum(days[small], 0) / 30.4, days[small]
        sale = f"{day.on:%m-%d}" in SALES
        pace = 8.0 if sale else 1.0
        pieces = np.where(sale, rng.integers(3, 7, len(who)), 1)
        draws = rng.random((4, len(who)))
        worn = np.searchsorted(SIZE_FROM_MONTHS, months + rng.normal(0, 0.7, len(who)), side="right") - 1
        share = self.baby_share[who]
        diapers = (draws[0] < share * pace / 8) & (months < 32) & (days > -10)
        stage = np.searchsorted(STAGE_FROM_MONTHS, months, side="right") - 1
        formula = (draws[1] < share * pace / 9) & self.formula[who] & (months < 30) & (days > -5)
        wipes = (draws[2] < share / 16) & (days > -20)
        stroller = (days < 20) & (rng.random(len(who)) < share / 60)
        purees = (draws[3] < share / 7) & (months >= 5) & (months < 16)
        if sale:
            self.stocked_until[who[diapers]] = today + 35
        return [
            (who[diapers], SMALLEST + np.clip(worn[diapers], 0, 5), pieces[diapers]),
            (who[formula], FIRST_STAGE + np.clip(stage[formula], 0, 2), pieces[formula]),
            (who[wipes], np.full(int(wipes.sum()), AT[WIPES]), pieces[wipes]),
            (who[purees], np.full(int(purees.sum()), AT[PUREES]), pieces[purees]),
            (who[stroller], np.full(int(stroller.sum()), AT[STROLLER]), np.ones(int(stroller.sum()), np.int64)),
        ]

    def _here(self, today: np.datetime64) -> np.ndarray:
        """Whether a household buys for its baby in these shops at all, for some weeks at a time."""
        spell = (today.astype(np.int64) + self.phase) // SPELL_DAYS
        return (spell * 2654435761 + self.phase * 40503) % 1000 < 700

    def _gifts(self, day: Day, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """One visit to a new baby elsewhere: a gift, now and then a pack of diapers, never again soon."""
        who = np.flatnonzero(self.state.active(day.on) & (rng.random(len(self.rate)) < 0.06 / 365))
        first = np.where(rng.random(len(who)) < 0.5, AT[GIFT], AT[CLOTHING])
        also = rng.random(len(who)) < 0.4
        articles = np.concatenate([first, np.full(int(also.sum()), AT["Baby/Diapers/Size 1"])])
        return np.concatenate([who, who[also]]), articles, np.ones(len(articles), dtype=np.int64)

    def _grandparents(self, day: Day, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        days = (day64(day.on) - self.grandchild).astype(float)
        draws = rng.random(len(days))
        who = np.flatnonzero((days >= 0) & (days < OLDEST_BABY_DAYS) & (draws < 1 / 40) & self.state.active(day.on))
        worn = np.clip(np.searchsorted(SIZE_FROM_MONTHS, days[who] / 30.4, side="right") - 1, 0, 5)
        return who, SMALLEST + worn, np.ones(len(who), dtype=np.int64)

    def _priced(self, who: np.ndarray, article: np.ndarray, quantity: np.ndarray, rng: np.random.Generator) -> Orders:
        by_household = np.lexsort((article, who))
        who, article, quantity = who[by_household], article[by_household], quantity[by_household]
        usual = np.array([price for _, _, price in SHELF])[article] * self.state.market.median_income / 1e6
        cents = np.maximum(np.round(usual * rng.lognormal(0, 0.3, len(who)) * 100).astype(np.int64), 50)
        order = np.cumsum(np.r_[0, who[1:] != who[:-1]]) if len(who) else who
        moment = rng.integers(7 * 3600, 86_000, (int(order[-1]) + 1) if len(who) else 0)
        return Orders(who, order, article, quantity, cents, moment[order], np.zeros(len(who), dtype=bool))

    def _returned(self, on: date, rng: np.random.Generator) -> Orders | None:
        """Some lines of the orders of a few days ago."""
        bought = self._sent.pop(date.fromordinal(on.toordinal() - RETURN_AFTER_DAYS), None)
        if bought is None:
            return None
        back = np.flatnonzero(rng.random(len(bought)) < RETURNED)
        return Orders(bought.household[back], np.arange(len(back)), bought.article[back], bought.quantity[back], bought.cents[back],
                      rng.integers(36_000, 80_000, len(back)), np.ones(len(back), dtype=bool))


def purchase_rows(state: State, orders: Orders, on: date) -> pa.Table:
    """Order lines as rows of the `purchases` feed; what comes back is a line of its own, status refunded."""
    shop = (orders.household + orders.order) % SHOPS + 1
    numbers = zip(orders.refunded.tolist(), orders.order.tolist(), shop.tolist(), strict=True)
    ids = [f"{'R' if back else 'O'}{on:%y%m%d}{order:07d}-S{seller}" for back, order, seller in numbers]
    first = np.r_[True, (orders.order[1:] != orders.order[:-1]) | (orders.refunded[1:] != orders.refunded[:-1])]
    start = np.maximum.accumulate(np.where(first, np.arange(len(orders)), 0)) if len(orders) else orders.order
    category, name = pa.array([category for category, _, _ in SHELF]), pa.array([name for _, name, _ in SHELF])
    return pa.table({
        "order_id": pa.array(ids, pa.string()),
        "line_no": np.arange(len(orders)) - start + 1,
        "customer_id": pa.array(state.households.customer_id).take(pa.array(orders.household)),
        "ordered_at": local_times(np.datetime64(on, "s") + orders.second),
        "sku": pa.array([f"SKU{place:05d}" for place in range(len(SHELF))]).take(pa.array(orders.article)),
        "category": category.take(pa.array(orders.article)),
        "product_name": name.take(pa.array(orders.article)),
        "quantity": orders.quantity,
        "unit_price": money(orders.cents),
        "currency": pa.repeat(state.market.currency, len(orders)),
        "status": pa.array(["paid", "refunded"]).take(pa.array(orders.refunded.astype(np.int64))),
    })


def _together(orders: Orders, back: Orders | None) -> Orders:
    if back is None:
        return orders
    return Orders(*(np.concatenate([getattr(orders, name), getattr(back, name)]) for name in Orders.__dataclass_fields__))
