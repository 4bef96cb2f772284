"""Households that buy for small children, each with its true story, and what an observer who knew the world's laws would say.

Who buys diapers: parents (of a first child, a second one, twins), parents whose child did not live or went elsewhere, gift buyers
(30 %), grandparents, helpers (relatives and neighbours who look after a child for some weeks), shops and nurseries. How many days
they buy on within sixty resembles dunnhumby's Complete Journey; sizes follow a child's age, growth and chance. All parameters of the
world stand here; nothing of the product imports them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pandas as pd

AS_OF = date(2026, 6, 30)
DAYS, WINDOW = 365, 60  # of history; everybody bought something in the last so many
MONTH = 30.44
SHARES = {"first child": 0.29, "second child": 0.07, "twins": 0.02, "ended early": 0.04, "gift": 0.30, "grandparent": 0.18,
          "helper": 0.07, "shop": 0.03}  # fmt: skip
OWN = ("first child", "second child", "twins")
AGE_KNOWN = 0.95
BIRTHS = (31, 85, 107, 97, 47, 10, 1)  # a year and 1,000 women aged 15-19, 20-24 ... 45-49 (US 2011); a father is three years older
BORN = np.array([0, 1, 3.5, 8, 16, 27])  # months from which NB, 1, 2, 3, 4, 5 fit a child of usual growth
GROWTH, WEARING, STAGES, STAGE_SPREAD = 0.18, 0.7, np.array([0, 6, 12]), 0.8
WRONG_SIZE = 0.03
PACE = 1.2  # shape of the gamma law of how much of a child's needs is bought where the bank sees it
# Goods: rate a day at full pace, months from and to, share of families that ever buy them
GOODS = {"diapers": (1 / 18, -0.5, 32, 1.0), "formula": (1 / 20, -0.2, 26, 0.5), "food": (1 / 16, 4, 18, 0.7),
         "care": (1 / 35, -0.5, 30, 0.8)}  # fmt: skip
GRAND = {"diapers": (1 / 55, 0, 32, 1.0), "formula": (1 / 120, 0, 26, 0.15), "food": (1 / 70, 4, 18, 0.4), "care": (1 / 100, 0, 30, 0.3)}
VISIT = {"diapers": (1 / 20, 0, 32, 1.0), "formula": (1 / 30, 0, 26, 0.25), "food": (1 / 25, 4, 18, 0.4), "care": (1 / 40, 0, 30, 0.4)}
GRAND_PACE, VISIT_PACE, VISIT_DAYS = 2.0, 4.0, (14, 28, 42)
JOINED = 180  # days within which the others began
ENDED, LIVED = (10, 60), (5, 120)  # days ago, days
GIFT_DAYS, GIFT_SIZES, GIFT_APART = (0.72, 0.22, 0.05, 0.01), (0.35, 0.45, 0.2), 45
PACKS = {"twins": 1.6, "second child": 0.3, "first child": 0.3, "ended early": 0.3, "gift": 0.2, "grandparent": 0.15, "helper": 0.2}
NAMES = {
    "diapers": [("Baby/Diapers", f"Baby diapers size {size} 64 pcs", "母婴/尿裤", f"好奇纸尿裤{letter}码64片")
                for size, letter in (("NB", "NB"), ("1", "S"), ("2", "M"), ("3", "L"), ("4", "XL"), ("5", "XXL"))],
    "formula": [("Baby/Infant Formula", f"Infant formula stage {n} 800 g", "母婴/奶粉", f"婴儿配方奶粉{n}段800克") for n in (1, 2, 3)],
    "food": [("Baby/Baby Foods", "Vegetable puree", "母婴/辅食", "宝宝果泥")],
    "care": [("Baby/Care", "Baby wipes 80 pcs", "母婴/洗护", "婴儿湿巾80抽")],
}  # fmt: skip


@dataclass(frozen=True)
class Families:
    """A world.

    Attributes
    ----------
    lines : DataFrame: `household`, `ago` (days), `good`, `kind` (size or stage), `quantity`
    truth : DataFrame, one row a household: `role`, `own`, `child` (months, of the youngest; NaN without one), `age` (years),
        `age_known`
    kept : share of a role's stories that bought something in the window; the others were drawn anew
    """

    lines: pd.DataFrame
    truth: pd.DataFrame
    kept: dict[str, float]


def families(households: int, seed: int) -> Families:
    """Draw a world; every household bought something for a child in the last `WINDOW` days."""
    rng = np.random.default_rng((seed, 5))
    lines: list[tuple] = []
    truth: list[tuple] = []
    kept = {}
    for role, share in SHARES.items():
        wanted, told = round(households * share), 0
        for _ in range(wanted):
            bought: list[tuple] = []
            while not any(ago < WINDOW and good in ("diapers", "formula") for ago, good, *_ in bought):
                child, bought = _story(role, rng)
                told += 1
            lines += [(len(truth), *line) for line in bought]
            truth.append((role, role in OWN, child if role in OWN else np.nan, age_of(role, rng)))
        kept[role] = wanted / told
    people = pd.DataFrame(truth, columns=["role", "own", "child", "age"])
    people["age_known"] = rng.random(len(people)) < AGE_KNOWN
    return Families(pd.DataFrame(lines, columns=["household", "ago", "good", "kind", "quantity"]), people, kept)


def purchases(world: Families, seed: int) -> pd.DataFrame:
    """The lines as the bank gets them, a household's shop English or Chinese."""
    chinese = np.random.default_rng((seed, 6)).random(len(world.truth)) < 0.5
    rows = [(f"H{who}", AS_OF - timedelta(days=int(ago)), f"{good}{kind}", *NAMES[good][kind][2 * chinese[who]:2 * chinese[who] + 2],
             float(quantity), "paid") for who, ago, good, kind, quantity in world.lines.itertuples(index=False)]  # fmt: skip
    return pd.DataFrame(rows, columns=["customer_id", "business_date", "sku", "category", "product_name", "quantity", "status"])


def _story(role: str, rng: np.random.Generator) -> tuple[float, list[tuple]]:
    """One household's youngest child's age in months, and its lines (ago, good, kind, quantity)."""
    if role == "gift":
        return np.nan, _gifts(rng)
    if role == "shop":
        return np.nan, _shop(rng)
    if role == "helper":
        child, start, length = rng.uniform(0, 30), rng.integers(0, WINDOW + 42), rng.choice(VISIT_DAYS)
        return child, _needs(rng, role, VISIT, VISIT_PACE, child, start, start - length)
    if role == "grandparent":
        child = rng.uniform(0, 34)
        return child, _needs(rng, role, GRAND, GRAND_PACE, child, _joined(rng), -1)
    if role == "ended early":
        end, lived = rng.uniform(*ENDED), rng.uniform(*LIVED)
        return 0, _needs(rng, role, GOODS, PACE, (end + lived) / MONTH, DAYS, end)
    child = rng.uniform(0, 24 if role == "second child" else 34)
    start = _joined(rng)
    lines = _needs(rng, role, GOODS, PACE, child, start, -1)
    if role == "second child":
        lines += _needs(rng, role, GOODS, PACE, child + rng.choice([20, 26, 32]), start, -1)
    return child, lines


def _joined(rng: np.random.Generator) -> int:
    """Days ago that a household began to buy there: half of them always did."""
    return DAYS if rng.random() < 0.5 else int(rng.integers(0, JOINED))


def _needs(rng: np.random.Generator, role: str, goods: dict, shape: float, child: float, start: float, end: float) -> list[tuple]:
    """What one child needs, bought between `start` and `end` days ago."""
    pace, growth = rng.gamma(shape) / shape, rng.lognormal(0, GROWTH)
    lines = []
    for good, (rate, first, last, families_buying) in goods.items():
        if rng.random() >= families_buying:
            continue
        ago = np.flatnonzero(rng.random(DAYS) < min(pace * rate, 0.9))
        months = child - ago / MONTH
        for day, old in zip(ago, months, strict=True):
            if first <= old < last and end < day <= start:
                lines.append((day, good, _kind(rng, good, old, growth), 1 + (rng.poisson(PACKS[role]) if good == "diapers" else 0)))
    return lines


def _kind(rng: np.random.Generator, good: str, months: float, growth: float) -> int:
    if good == "diapers":
        fits = int(np.clip(np.searchsorted(BORN * growth, months + rng.normal(0, WEARING), side="right") - 1, 0, 5))
        return int(rng.integers(0, 6)) if rng.random() < WRONG_SIZE else fits
    if good == "formula":
        return int(np.clip(np.searchsorted(STAGES, months + rng.normal(0, STAGE_SPREAD), side="right") - 1, 0, 2))
    return 0


def _gifts(rng: np.random.Generator) -> list[tuple]:
    """One visit to somebody's newborn, now and then another; diapers as a rule."""
    first = rng.integers(0, WINDOW)
    days = {first} | {first + rng.integers(-GIFT_APART, GIFT_APART) for _ in range(rng.choice(len(GIFT_DAYS), p=GIFT_DAYS))}
    lines = []
    for ago in days:
        if 0 <= ago < DAYS:
            lines.append((ago, "diapers", int(rng.choice(3, p=GIFT_SIZES)), 1 + rng.poisson(PACKS["gift"])))
            if rng.random() < 0.25:
                lines.append((ago, "care", 0, 1))
    return lines


def _shop(rng: np.random.Generator) -> list[tuple]:
    """A shop takes dozens of packs, a nursery some of every size, both again and again."""
    nursery = rng.random() < 0.5
    days = np.flatnonzero(rng.random(DAYS) < 1 / rng.uniform(15, 40))
    most = 5 if nursery else 15
    return [(ago, "diapers", int(size), int(rng.integers(1 if nursery else 3, most + 1)))
            for ago in days for size in rng.choice(6, rng.integers(2, 6), replace=False)]  # fmt: skip


def age_of(role: str, rng: np.random.Generator) -> int:
    """The customer's own age in years."""
    if role in (*OWN, "ended early"):
        mother = 15 + 5 * rng.choice(7, p=np.array(BIRTHS) / sum(BIRTHS)) + rng.integers(0, 5)
        return int(max(mother + (3 if rng.random() < 0.5 else 0) + (2 if role == "second child" else 0), 18))
    if role == "grandparent":
        return int(np.clip(rng.normal(60, 7), 42, 85))
    return int(rng.integers(20, 72))
