"""Who the customers are: traits that everything else follows from, and the part of them the bank has on file."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np

from simulation.market import Market

BRANCHES = 12
MANAGERS = 12
OCCUPATION_GROUPS = ("public_sector", "business_owner", "professional", "service", "retired", "student")
NOT_A_DAY = np.datetime64("NaT", "D")


@dataclass(frozen=True)
class Known:
    """Traits given from outside, one element a household; NaN (NaT) where unknown, to be drawn.

    Attributes
    ----------
    customer_id : list of str
    age, income, married, children, homeowner : float arrays; income a year
    groceries : float array, a month
    baby : float array, 0 none .. 1 surely a small child
    responsive : float array, standardised answer to past campaigns
    joined_on : datetime64[D] array
    on_file : bool array; income and marital status, where given, are on the bank's file; of others only some are
    place : int array; households of one place share a branch and a region
    """

    customer_id: list[str]
    age: np.ndarray
    income: np.ndarray
    married: np.ndarray
    children: np.ndarray
    homeowner: np.ndarray
    groceries: np.ndarray
    baby: np.ndarray
    responsive: np.ndarray
    joined_on: np.ndarray
    on_file: np.ndarray
    place: np.ndarray


@dataclass
class Households:
    """Customers as the generator knows them (latent), and what of it is on the bank's file."""

    customer_id: list[str]
    name: list[str]
    female: np.ndarray
    birth_on: np.ndarray  # datetime64[D]
    income: np.ndarray  # a year, currency of the market
    married: np.ndarray
    children: np.ndarray
    homeowner: np.ndarray
    occupation_group: np.ndarray  # index into OCCUPATION_GROUPS
    occupation: list[str]
    groceries: np.ndarray  # a month
    baby: np.ndarray
    responsive: np.ndarray
    digital: np.ndarray  # share of doings that need no branch
    risk: np.ndarray  # 1..5
    joined_on: np.ndarray
    region: np.ndarray  # index into the market's regions
    branch: np.ndarray
    manager: np.ndarray  # -1 none
    marketing: np.ndarray
    life_event: np.ndarray
    age_on_file: np.ndarray
    income_on_file: np.ndarray
    marital_on_file: np.ndarray
    occupation_on_file: np.ndarray
    risk_on_file: np.ndarray
    life_event_asked: np.ndarray  # False: the question was never put, which counts as no
    dormant: np.ndarray
    closed_on: np.ndarray
    changed_on: np.ndarray  # last day the bank's file about the household changed

    def __len__(self) -> int:
        return len(self.customer_id)

    def age(self, on: date) -> np.ndarray:
        """Age in years, with fractions."""
        return (np.datetime64(on, "D") - self.birth_on).astype(float) / 365.25

    def monthly_net(self) -> np.ndarray:
        """Income a month after tax, currency of the market."""
        return self.income * 0.76 / 12


def unknown_traits(customers: int, prefix: str = "C") -> Known:
    """A world of which nothing is given."""
    nothing = np.full(customers, np.nan)
    return Known(
        customer_id=[f"{prefix}{number:08d}" for number in range(1, customers + 1)],
        age=nothing, income=nothing, married=nothing, children=nothing, homeowner=nothing, groceries=nothing, baby=nothing,
        responsive=nothing, joined_on=np.full(customers, NOT_A_DAY), on_file=np.ones(customers, dtype=bool),
        place=np.zeros(customers, dtype=np.int64) - 1,
    )


def households(known: Known, market: Market, start: date, seed: int) -> Households:
    """Complete what is known of each household by what is plausible given it.

    Ages of the unknown are drawn from the known ones or an adult population (young parents where babies are likely);
    income is log-normal around the market's median, higher in mid-life and with spending; occupation follows both.
    """
    n = len(known.customer_id)
    rng = np.random.default_rng((seed, 1))
    baby = _or(known.baby, rng.beta(0.15, 3.0, n))
    some_ages = known.age[~np.isnan(known.age)]
    adult = np.clip(rng.normal(46, 15, n), 19, 88)
    drawn_age = rng.choice(some_ages, n) if len(some_ages) else adult
    drawn_age = np.where(baby > 0.5, np.clip(rng.normal(31, 4.5, n), 20, 45), drawn_age)
    age = _or(known.age, drawn_age)
    midlife = 0.25 - ((age - 48) / 35) ** 2
    with np.errstate(invalid="ignore"):
        level = np.log(known.groceries / np.nanmedian(known.groceries)) if (~np.isnan(known.groceries)).any() else np.zeros(n)
    level = np.clip(np.where(np.isnan(level), 0, level), -2, 2)
    income = _or(known.income, market.median_income * np.exp(midlife + 0.25 * level + rng.normal(0, 0.5, n)))
    relative = np.log(income / market.median_income)
    married = _or(known.married, (rng.random(n) < np.clip(0.15 + (age - 22) * 0.02, 0.1, 0.65)).astype(float))
    has_children = rng.random(n) < np.clip(0.5 - np.abs(age - 39) * 0.022 + 0.4 * (baby > 0.5), 0.02, 0.95)
    children = _or(known.children, np.where(has_children, rng.choice([1, 2, 3], n, p=[0.55, 0.33, 0.12]), 0))
    owner = 1 / (1 + np.exp(-(-0.6 + 0.045 * (age - 38) + 0.9 * relative + 0.5 * married)))
    homeowner = _or(known.homeowner, (rng.random(n) < owner).astype(float))
    digital = np.clip(rng.beta(4, 2, n) - (age - 45) * 0.007, 0.03, 0.99)
    groceries = _or(known.groceries, income / 12 * 0.08 * rng.lognormal(0, 0.4, n))
    group = _occupation_groups(age, relative, rng)
    female = rng.random(n) < 0.52
    joined = np.datetime64(start, "D") - rng.integers(60, 20 * 365, n)
    new = rng.random(n) < 0.04
    joined = np.where(new, np.datetime64(start, "D") + rng.integers(-200, 0, n), joined)
    branch = np.where(known.place >= 0, known.place % BRANCHES, rng.integers(0, BRANCHES, n))
    value = np.argsort(np.argsort(-income)) / n
    manager = np.where(rng.random(n) < np.where(value < 0.5, 0.98, 0.88), branch % MANAGERS, -1)
    risk = np.clip(np.round(3 + 0.5 * relative - (age - 45) / 30 + rng.normal(0, 0.9, n)), 1, 5).astype(np.int64)
    return Households(
        customer_id=known.customer_id,
        name=_names(market, female, rng),
        female=female,
        birth_on=np.datetime64(start, "D") - np.round(age * 365.25).astype(np.int64),
        income=np.round(income, -2),
        married=married.astype(bool),
        children=children.astype(np.int64),
        homeowner=homeowner.astype(bool),
        occupation_group=group,
        occupation=_occupations(market, group, rng),
        groceries=groceries,
        baby=baby,
        responsive=_or(known.responsive, rng.normal(0, 1, n)),
        digital=digital,
        risk=risk,
        joined_on=np.where(np.isnat(known.joined_on), joined, known.joined_on),
        region=branch % len(market.regions),
        branch=branch,
        manager=manager,
        marketing=rng.random(n) < 0.85,
        life_event=rng.random(n) < 0.55,
        age_on_file=rng.random(n) < 0.995,
        income_on_file=np.where(~np.isnan(known.income) & known.on_file, True, rng.random(n) < 0.6),
        marital_on_file=np.where(~np.isnan(known.married) & known.on_file, True, rng.random(n) < 0.7),
        occupation_on_file=rng.random(n) < 0.75,
        risk_on_file=rng.random(n) < 0.9,
        life_event_asked=rng.random(n) < 0.9,
        dormant=(rng.random(n) < 0.02) & (baby < 0.5),
        closed_on=np.full(n, NOT_A_DAY),
        changed_on=np.full(n, NOT_A_DAY),
    )


def _or(known: np.ndarray, drawn: np.ndarray) -> np.ndarray:
    return np.where(np.isnan(known), drawn, known)


def _occupation_groups(age: np.ndarray, relative: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Index into OCCUPATION_GROUPS."""
    n = len(age)
    score = relative + rng.normal(0, 0.4, n)
    working = np.select([score > 0.55, score > 0.1], [2, rng.choice([0, 2], n)], 3)
    working = np.where(rng.random(n) < 0.1, 1, working)
    group = np.where((age >= 65) & (rng.random(n) < 0.85), 4, working)
    return np.where((age < 24) & (rng.random(n) < 0.35), 5, group)


def _occupations(market: Market, group: np.ndarray, rng: np.random.Generator) -> list[str]:
    pick = rng.integers(0, 1 << 30, len(group))
    titles = [market.occupations[name] for name in OCCUPATION_GROUPS]
    return [titles[g][p % len(titles[g])] for g, p in zip(group.tolist(), pick.tolist(), strict=True)]


def _names(market: Market, female: np.ndarray, rng: np.random.Generator) -> list[str]:
    """Generated: no name belongs to anybody in the data."""
    surname = rng.integers(0, len(market.surnames), len(female)).tolist()
    given = rng.integers(0, 1 << 30, len(female)).tolist()
    return [
        market.name_pattern.format(
            given=(pool := market.given_f if is_f else market.given_m)[g % len(pool)], surname=market.surnames[s]
        )
        for is_f, g, s in zip(female.tolist(), given, surname, strict=True)
    ]
