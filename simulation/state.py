"""The world at one moment: everything a day's flows are made from, and everything they change."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

import numpy as np

from simulation.households import Households
from simulation.ledgers import CREDIT_CARD, CURRENT, INVESTMENT, SAVINGS, Accounts, Holdings, Schedules
from simulation.lines import Lines, Texts
from simulation.market import Market
from simulation.truth import Truth

MAIN_ACCOUNTS = (CURRENT, SAVINGS, CREDIT_CARD, INVESTMENT)  # at most one open of each a household is used day by day


@dataclass
class State:
    """A bank's world between two days.

    Attributes
    ----------
    main : dict of product -> int array; a household's account of that product, -1 when none
    pay_cycle, pay_due, pay_cents, pay_text, pay_payer : how income arrives (`habits.py`)
    ticket, card_rate, atm_rate, cash_rate, person_rate : how it is spent (`habits.py`)
    inflow_30 : decayed sum of large credits, cents: what uptake reacts to
    busy_until : datetime64[D]; households with a planned event are left alone until then
    """

    market: Market
    households: Households
    seed: int
    accounts: Accounts
    schedules: Schedules
    holdings: Holdings
    texts: Texts
    payees: Texts
    truth: Truth
    main: dict[int, np.ndarray]
    pay_cycle: np.ndarray
    pay_due: np.ndarray
    pay_cents: np.ndarray
    pay_text: np.ndarray
    pay_payer: np.ndarray
    ticket: np.ndarray
    card_rate: np.ndarray
    atm_rate: np.ndarray
    cash_rate: np.ndarray
    person_rate: np.ndarray
    card_share: np.ndarray
    held: np.ndarray  # bool, households x products
    inflow_30: np.ndarray
    baby_days: np.ndarray  # days with baby purchases in the last 60
    busy_until: np.ndarray
    daily_chance: np.ndarray  # true chance of taking a product today, households x products, renewed every week
    frozen: set[int] = field(default_factory=set)  # accounts that only take their planned lines today
    bereaved: list[int] = field(default_factory=list)  # households whose bereavement the branch has yet to enter
    pending: dict[date, list[Lines]] = field(default_factory=dict)  # lines planned for later days

    def text(self, word: str, *parts: str) -> int:
        """Number of the market's wording for `word`."""
        return self.texts.code(self.market.words[word].format(*parts))

    def payee(self, cause: str, rng: np.random.Generator) -> str:
        names = self.market.payees[cause]
        return names[int(rng.integers(0, len(names)))]

    def active(self, on: date) -> np.ndarray:
        """Households that live their financial life here: joined, not left, current account open."""
        day = np.datetime64(on, "D")
        has = self.main[CURRENT] >= 0
        return has & (self.households.joined_on <= day) & np.isnat(self.households.closed_on) & ~self.households.dormant

    def balance(self, product: int) -> np.ndarray:
        """Cents on the household's main account of a product; 0 when there is none."""
        account = self.main[product]
        return np.where(account >= 0, self.accounts.balance[account], 0)

    def deposits(self) -> np.ndarray:
        """Cents a household has on open current, savings and time-deposit accounts, own currency."""
        accounts = self.accounts
        counted = (accounts.product <= 2) & accounts.open & (accounts.currency == 0)
        return np.bincount(
            accounts.household[counted], accounts.balance[counted].astype(float), minlength=len(self.households)
        )

    def net_cents(self) -> np.ndarray:
        """Income a month after tax in cents."""
        return np.round(self.households.monthly_net() * 100).astype(np.int64)

    def rounded(self, cents: np.ndarray) -> np.ndarray:
        """Amounts as people choose them: multiples of the market's round number, at least one of them."""
        step = self.market.round_to * 100
        return np.maximum(np.asarray(cents, dtype=np.int64) // step, 1) * step
