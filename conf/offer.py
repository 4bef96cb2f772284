"""The product shelf: one YAML file an offer."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field, model_validator

from conf.codes import ServiceTier, TransactionType
from conf.model import Model, Once, Pattern, refusal

Family = Literal[
    "deposit", "wealth_product", "fund", "insurance", "loan", "card", "precious_metal", "fx", "pension", "partner"
]
BUNDLE = "bundle"  # the family of bundles: they compete with one another, whatever is in them
Boost = Annotated[float, Field(ge=0, le=100)]


class Eligibility(Model):
    """Who may be offered it at all. Every rule a customer breaks is named in `blocked_by`."""

    min_age: int = Field(18, ge=18)
    max_age: int = Field(120, ge=18)
    min_income: Decimal = Field(Decimal(0), ge=0)  # a year, base currency; unknown income passes when 0
    min_assets: Decimal = Field(Decimal(0), ge=0)
    min_risk_profile: int = Field(1, ge=1, le=5)  # the product's risk; an unknown profile counts as 1
    once: bool = True  # not to somebody who already holds one of `products`
    requires_holding: tuple[str, ...] = ()  # at least one of these products is held, or an account of that type is open
    service_tiers: tuple[ServiceTier, ...] = ()  # whom the bank serves with it; empty: everybody

    @model_validator(mode="after")
    def _ages_in_order(self) -> Eligibility:
        if self.max_age < self.min_age:
            raise ValueError("max_age is below min_age")
        return self


class Payment(Model):
    """A payment that shows a product the bank does not keep, a partner's for instance."""

    pattern: Pattern  # searched for in description and counterparty: the seller's name, not what anybody sells
    types: tuple[TransactionType, ...] = ()  # only these transaction types; empty: all
    direction: Literal["debit", "credit"] = "debit"
    min_amount: Decimal = Field(Decimal(0), ge=0)  # base currency


class Uptake(Model):
    """What counts as having taken the offer within the window: a product acquired, a payment made, or a yes to the relationship manager."""

    products: tuple[str, ...] = ()  # holdings.product_id, or accounts.product_type
    transactions: Payment | None = None
    outcome: bool = False  # an outcome `accepted` about the offer; never to be compared with customers whom nobody asks
    window_days: int = Field(60, gt=0)
    lasts_days: int = Field(365, gt=0)  # so long what was paid for or agreed to counts as held

    def shown(self, offer_id: str) -> tuple[str, ...]:
        """What `features.acquired` calls an uptake that shows whether or not anybody asked."""
        return (*self.products, *((paid_for(offer_id),) if self.transactions else ()))

    def told(self, offer_id: str) -> tuple[str, ...]:
        """What `features.acquired` calls any uptake."""
        return (*self.shown(offer_id), *((agreed_to(offer_id),) if self.outcome else ()))


def paid_for(offer_id: str) -> str:
    """The product that a payment for an offer shows."""
    return f"payment for {offer_id}"


def agreed_to(offer_id: str) -> str:
    """The product that a yes to an offer stands for."""
    return f"yes to {offer_id}"


def asked_about(offer_id: str) -> str:
    """What any answer about an offer shows: the customer was asked."""
    return f"answer about {offer_id}"


class Bundle(Model):
    """Offers of the shelf made together, for a moment in life: priced and scored as one."""

    offers: Once[str] = Field(min_length=2)
    discount: Decimal = Field(Decimal(0), ge=0, lt=1)  # share of the members' margins that is given away
    together: float = Field(0.3, gt=0, le=1)  # supposed: so many of those who would take the least likely of them take all


Sign = Literal["rises", "falls"]


class Offer(Model):
    """An offer, or a bundle of some: of that margin, prior and uptake follow from its offers, when all files are read."""

    name: dict[Literal["en", "zh"], str]
    family: Family | Literal["bundle"]
    reason: dict[Literal["en", "zh"], str]  # what to say for it, in one sentence
    margin: Decimal = Field(Decimal(0), gt=0)  # expected 12-month margin when taken, base currency
    contact_cost: Decimal = Field(ge=0)
    prior: float = Field(0.0, gt=0, lt=1)  # yearly uptake expected before anything is learned; of those asked, where only a yes tells it
    eligibility: Eligibility = Eligibility()
    uptake: Uptake = Uptake()
    bundle: Bundle | None = None
    raised_by: dict[str, Boost] = {}  # life event or flow kind -> how much it raises the odds of uptake (0.5 = +50 %)
    cool_down_days: int = Field(90, ge=0)  # after it was talked about
    minutes: int | None = Field(None, gt=0)  # that a call about it takes; `worklists.minutes_per_call` when not named
    daily_quota: int | None = Field(None, gt=0)  # calls a day about it, of the whole bank; no limit when not named
    signs: dict[str, Sign] = {}  # feature -> which way uptake goes with it, where that is known: boosted trees never learn the opposite
    new_until: date | None = None  # up to this day it is new, and customers of its own control group do not get it
    control_share: float = Field(0.1, gt=0, le=0.5)  # of customers, while it is new: by lot, the same all the time
    discreet: bool = False  # only through a life event it is raised by; the reason never names the inference

    @model_validator(mode="after")
    def _one_or_a_bundle(self) -> Offer:
        decided = ("margin", "prior", "uptake")
        if self.bundle is None:
            wrong = [((key,), "Field required") for key in decided if key not in self.model_fields_set]
            if not (wrong or self.uptake.shown("") or self.uptake.outcome):
                wrong = [(("uptake",), "nothing says that it was taken: name products, transactions or outcome")]
        else:
            wrong = [((key,), "follows from the offers of the bundle") for key in decided if key in self.model_fields_set]
        if (self.family == BUNDLE) != (self.bundle is not None):
            wrong.append((("family",), f"{BUNDLE!r} is the family of bundles, and of nothing else"))
        if wrong:
            raise refusal(wrong)
        return self

    def holds(self, offer_id: str) -> tuple[str, ...]:
        """The offers it is made of: a bundle's, else itself."""
        return self.bundle.offers if self.bundle else (offer_id,)

    def priced(self, members: Sequence[Offer]) -> Offer:
        """A bundle with what follows from its members: their margins less the discount, and the longest of their windows."""
        assert self.bundle is not None
        margin = sum((member.margin for member in members), Decimal(0)) * (1 - self.bundle.discount)
        prior = self.bundle.together * min(member.prior for member in members)
        window = max(member.uptake.window_days for member in members)
        return self.model_copy(update={"margin": margin, "prior": prior, "uptake": Uptake(window_days=window)})

    @property
    def window_prior(self) -> float:
        """Uptake expected within the outcome window, from the yearly `prior` at a constant rate."""
        return float(1 - (1 - self.prior) ** (self.uptake.window_days / 365))
