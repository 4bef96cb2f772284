"""What somebody would say of a household who knew the laws of `family_world`, but not the story: near the best that can be said.

Every role's likelihood of the household's lines, integrated over what is not seen (the child's age and growth, how much is bought
where the bank sees it, since when and until when), times the role's share and the law of its ages. Integrals are sums over grids, so
it is Bayes-optimal up to their steps.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from math import comb, factorial

import numpy as np
import pandas as pd
from scipy import special, stats

import benchmarks.family_world as law
from benchmarks.family_world import Families

GROWN = np.exp(law.GROWTH * stats.norm.ppf((np.arange(5) + 0.5) / 5))
SLACK = 0.6  # months, about half a step of the grids: what lies so far beyond a border may belong to the neighbour
POISSON = {role: stats.poisson.pmf(np.arange(100), mean) for role, mean in law.PACKS.items()}  # of the packs beyond the first
SCALE = 25.0  # a line's likelihood is multiplied by this for every role alike: products of hundreds stay numbers


class Observer:
    """Knows the laws; `own` tells how probable a household's own child is."""

    def __init__(self, kept: Mapping[str, float]) -> None:
        self.share = {role: share / kept[role] for role, share in law.SHARES.items()}
        rng = np.random.default_rng(1)
        self.by_age = {role: np.bincount([law.age_of(role, rng) for _ in range(20_000)], minlength=100)[:100] / 20_000 + 1e-5
                       for role in law.SHARES}  # fmt: skip
        since = np.r_[law.DAYS, np.arange(7.5, law.JOINED, 15)]
        half = np.r_[0.5, np.full(len(since) - 1, 0.5 / (len(since) - 1))]
        young = np.arange(0.5, 34)
        self.parent = _Needs(law.GOODS, law.PACE, 8, [(b, s, -1, w) for b in young for s, w in zip(since, half, strict=True)])
        self.grand = _Needs(law.GRAND, law.GRAND_PACE, 5, [(b, s, -1, w) for b in young for s, w in zip(since, half, strict=True)])
        visits = product(np.arange(1, 30, 2), np.arange(2, law.WINDOW + 42, 6), law.VISIT_DAYS)
        self.visit = _Needs(law.VISIT, law.VISIT_PACE, 3, [(b, s, s - length, 1.0) for b, s, length in visits])
        ends = product(np.arange(law.ENDED[0] + 2.5, law.ENDED[1], 5), np.arange(law.LIVED[0] + 5, law.LIVED[1], 10))
        self.ended = _Needs(law.GOODS, law.PACE, 6, [((end + lived) / law.MONTH, law.DAYS, end, 1.0) for end, lived in ends])
        self.two = _Two(np.arange(0.5, 24), (20, 26, 32), {law.DAYS: 0.5} | dict.fromkeys(range(22, law.JOINED, 45), 0.125), 4)

    def own(self, world: Families, some: pd.Index) -> np.ndarray:
        """Probability of an own child under three, one a household of `some`."""
        lines = dict(list(world.lines[world.lines["household"].isin(some)].groupby("household")))
        told = world.truth.loc[some].itertuples()
        return np.array([self._own(lines[row.Index], row.age if row.age_known else None) for row in told])

    def _own(self, lines: pd.DataFrame, age: int | None) -> float:
        seen = {good: rows[["ago", "kind"]].to_numpy() for good, rows in lines.groupby("good")}
        packs = lines.loc[lines["good"] == "diapers", "quantity"].to_numpy() - 1
        one = self.parent.likelihood(seen)
        likely = {"first child": one, "twins": one, "second child": self.two.likelihood(seen), "gift": _gift(lines),
                  "ended early": self.ended.likelihood(seen), "grandparent": self.grand.likelihood(seen),
                  "helper": self.visit.likelihood(seen)}  # fmt: skip
        weight = {role: each * float(np.prod(2 * POISSON[role][packs])) for role, each in likely.items()}
        weight["shop"] = _shop(lines) * 2 ** len(packs)
        weight = {role: each * self.share[role] * (1.0 if age is None else self.by_age[role][age]) for role, each in weight.items()}
        return sum(weight[role] for role in law.OWN) / max(sum(weight.values()), 1e-300)


class _Needs:
    """One child's needs: a grid of (child's age today, days ago it began, ended, weight) times a grid of paces."""

    def __init__(self, goods: dict, shape: float, paces: int, grid: list[tuple[float, float, float, float]]) -> None:
        self.goods = goods
        self.child, self.start, self.end, weight = np.array(grid, float).T
        self.weight = weight / weight.sum()
        pace = stats.gamma.ppf((np.arange(paces) + 0.5) / paces, shape) / shape
        day = np.arange(law.DAYS)
        months = self.child[:, None] - day / law.MONTH
        open_ = (day > self.end[:, None]) & (day <= self.start[:, None])
        self.days = {good: ((months >= g[1]) & (months < g[2]) & open_).sum(axis=1) for good, g in goods.items()}
        self.rate = {good: np.minimum(pace * g[0], 0.9) for good, g in goods.items()}

    def likelihood(self, seen: dict[str, np.ndarray]) -> float:
        total = self.weight[:, None] * np.ones(len(next(iter(self.rate.values()))))
        for good, (_, first, last, buying) in self.goods.items():
            rate, days = self.rate[good], self.days[good][:, None]
            lines = seen.get(good, np.empty((0, 2)))
            if len(lines):
                months = self.child[:, None] - lines[:, 0] / law.MONTH
                fits = (months > first - SLACK) & (months < last + SLACK)
                fits &= (lines[:, 0] > self.end[:, None] - 4) & (lines[:, 0] <= self.start[:, None] + 8)
                told = _kinds(good, months, lines[:, 1].astype(int)) * fits.all(axis=1)
                total = total * told[:, None] * buying * (SCALE * rate) ** len(lines) * (1 - rate) ** np.maximum(days - len(lines), 0)
            else:
                total = total * (buying * (1 - rate) ** days + 1 - buying)
        return float(total.mean(axis=1).sum())


class _Two:
    """Two children of one household, each with a pace of its own; lines may be for either."""

    def __init__(self, young: np.ndarray, apart: tuple[int, ...], since: Mapping[int, float], paces: int) -> None:
        pace = stats.gamma.ppf((np.arange(paces) + 0.5) / paces, law.PACE) / law.PACE
        grid = list(product(young, apart, since, range(paces), range(paces)))
        child, gap, self.start, one, other = np.array(grid, float).T
        weight = np.array([since[start] for start in self.start])
        self.weight = weight / weight.sum()
        self.ages, self.place = zip(*(np.unique(each, return_inverse=True) for each in (child, child + gap)), strict=True)
        self.pace = (pace[one.astype(int)], pace[other.astype(int)])
        day = np.arange(law.DAYS)
        self.days = {}
        for good, (_, first, last, _) in law.GOODS.items():
            for each in (0, 1):
                ages = self.ages[each]
                counts = {(age, start): int(((age - day / law.MONTH >= first) & (age - day / law.MONTH < last) & (day <= start)).sum())
                          for age in ages for start in since}  # fmt: skip
                self.days[good, each] = np.array([counts[pair] for pair in zip(ages[self.place[each]], self.start, strict=True)])

    def likelihood(self, seen: dict[str, np.ndarray]) -> float:
        total = self.weight.copy()
        for good, (rate, first, last, buying) in law.GOODS.items():
            lines = seen.get(good, np.empty((0, 2)))
            rates = [np.minimum(pace * rate, 0.9) for pace in self.pace]
            none = (1 - rates[0]) ** self.days[good, 0] * (1 - rates[1]) ** self.days[good, 1]
            if not len(lines):
                total *= buying * none + 1 - buying
                continue
            total *= buying * none
            for ago, kind in lines:
                part = np.zeros(len(total))
                for each in (0, 1):
                    months = self.ages[each] - ago / law.MONTH
                    fits = (months > first - SLACK) & (months < last + SLACK)
                    part += rates[each] * (_kinds(good, months[:, None], np.array([int(kind)])) * fits)[self.place[each]]
                total *= SCALE * part * (ago <= self.start + 22)
        return float(total.sum())


def _kinds(good: str, months: np.ndarray, kinds: np.ndarray) -> np.ndarray:
    """Probability of sizes or stages (one a column of `months`), growth the same for all of a row's."""
    if good == "food" or good == "care":
        return np.ones(len(months))
    if good == "formula":
        return np.prod(_between(law.STAGES, months, kinds, law.STAGE_SPREAD), axis=1)
    right = [_between(law.BORN * grown, months, kinds, law.WEARING) for grown in GROWN]
    return np.mean([np.prod((1 - law.WRONG_SIZE) * each + law.WRONG_SIZE / 6, axis=1) for each in right], axis=0)


def _between(borders: np.ndarray, months: np.ndarray, kinds: np.ndarray, spread: float) -> np.ndarray:
    """Probability that months, give or take, fall between a kind's border and the next; the first and the last kind are open."""
    low, high = np.r_[-np.inf, borders[1:]][kinds], np.r_[borders[1:], np.inf][kinds]
    return special.ndtr((high - months) / spread) - special.ndtr((low - months) / spread)


def _gift(lines: pd.DataFrame) -> float:
    if not lines["good"].isin(["diapers", "care"]).all():
        return 0.0
    diapers = lines[lines["good"] == "diapers"]
    days = np.sort(diapers["ago"].unique())
    if len(days) > len(law.GIFT_DAYS) or len(days) < len(diapers) or (diapers["kind"] > 2).any():
        return 0.0
    if not set(lines["ago"]) <= set(days):
        return 0.0
    more = len(days) - 1
    firsts = [day for day in days if day < law.WINDOW and (abs(days - day) <= law.GIFT_APART).all()]
    first = len(firsts) / law.WINDOW / (2 * law.GIFT_APART) ** more
    care = len(lines) - len(diapers)
    content = np.prod(np.array(law.GIFT_SIZES)[diapers["kind"]]) * 0.25**care * 0.75 ** (len(days) - care)
    return float(law.GIFT_DAYS[more] * factorial(more) * first * content * SCALE ** len(lines))


def _shop(lines: pd.DataFrame) -> float:
    if (lines["good"] != "diapers").any() or lines.duplicated(["ago", "kind"]).any():
        return 0.0
    sizes = lines.groupby("ago").size().to_numpy()
    if sizes.min() < 2 or sizes.max() > 5:
        return 0.0
    choice = np.prod([1 / comb(6, int(n)) / 4 for n in sizes])
    pace = 1 / np.linspace(15, 40, 9)
    days = np.mean(pace ** len(sizes) * (1 - pace) ** (law.DAYS - len(sizes)))
    packs = lines["quantity"]
    nursery, shop = ((packs <= 5).all() / 5 ** len(packs)), ((packs >= 3).all() / 13 ** len(packs))
    return float(choice * days * (nursery + shop) / 2) * SCALE ** len(lines)
