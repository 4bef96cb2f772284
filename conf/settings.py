"""Every setting there is, with its unit in its name, its default and its bounds. Documented here and nowhere else."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field, NonNegativeInt, PositiveInt, model_validator

from conf.codes import FLOW_KINDS, RESTRICTION_KINDS, TIERS, AlertType, Channel, Product, Restriction, ServiceTier
from conf.feed import Feed
from conf.life_event import LifeEvent
from conf.model import Cuts, Holiday, Model, Once, Pattern, Share, Wrong, Zone, refusal
from conf.offer import Family, Offer
from conf.words import Wording, wrong_words


class Bank(Model):
    name: str
    base_currency: str = Field("CNY", pattern=r"^[A-Z]{3}$")
    time_zone: Zone = "Asia/Shanghai"  # the calendar of business dates
    language: Literal["en", "zh"] = "en"  # of reasons and worklists


class Paths(Model):
    landing: str = "landing"
    lake: str = "lake"
    worklists: str = ""  # empty: `worklists` inside the lake's parent directory
    catalog: str = Field("", pattern="^([a-z][a-z0-9_]*)?$")  # schema of Spark's catalog that names the tables, too; empty: paths only


class SparkSettings(Model):
    """How the session is made. Under spark-submit, what was submitted wins."""

    master: str = "local[*]"
    driver_memory: str | None = None  # a quarter of the machine's, at least 3 GB, when not given
    java_options: str = "-XX:+UseParallelGC"  # of the driver; a collector that works beside the jobs takes a tenth of two cores
    shuffle_partitions: int = Field(4, gt=0)  # at least; more where many rows were ever taken
    conf: dict[str, str] = {}  # anything else for SparkConf, an accelerator for instance


class Cause(Model):
    """What the wording of a payment suggests it was for: something to ask about, never a fact."""

    direction: Literal["debit", "credit"]
    pattern: Pattern  # searched for in description and counterparty


class Event(Model):
    """What is supposed of flows that an RM wants to hear of, until outcomes say more: for ranking and the false alarms to expect."""

    a_year: float = Field(0.25, gt=0)  # a customer and direction
    log_multiple: float = Field(2.6, gt=0)  # e to this times what is usual: 13 times
    log_spread: float = Field(0.9, gt=0)


MonthEnd = Literal["month_end", "month_start", "year_end"]  # from the last business day on; up to the first; December's month_end


class Flows(Model):
    """What is an abnormal flow."""

    event: Event = Event()
    windows_days: Once[PositiveInt] = Field((1, 3, 7), min_length=1)
    baseline_days: int = Field(365, ge=30)
    min_amount: Decimal = Field(Decimal(10000), ge=0)  # base currency; below it nothing is news
    min_share_of_assets: float = Field(0.01, ge=0, le=1)  # of what the customer is known to have here, if anything is known
    min_share_of_income: float = Field(0.02, ge=0)  # of the stated annual income, if any is
    min_share_of_usual_month: float = Field(1.0, ge=0)  # of the customer's usual monthly flow in that direction
    min_return_period_years: float = Field(5, gt=0)
    high_return_period_years: float = Field(20, gt=0)  # from here on the severity is high
    max_return_period_years: float = Field(1000, gt=0)  # beyond it the tail says nothing: told as "less than once in"
    prior_observations: float = Field(10, gt=0)  # on how far a customer's flows lie apart, peers weigh as much as so many own flows
    settling_days: int = Field(60, ge=1)  # a customer's first flows (moving in) are not their usual ones: until then they count in part
    min_spread: float = Field(0.15, gt=0)  # of log amounts: constant payers are not infinitely surprising
    tail_degrees_of_freedom: Literal[2, 4, 6, 8] = 4  # of the Student tail beyond the data
    min_peers: int = Field(100, gt=0)  # smaller peer groups fall back to coarser ones
    bin_ratio: float = Field(1.25, gt=1, le=2)  # of the log-scale bins the baseline is counted in
    recurring_min_months: int = Field(3, ge=2)  # seen in this many calendar months, it is recurring
    recurring_min_amount: Decimal = Field(Decimal(1000), ge=0)  # base currency; everyday spending below it is simply usual
    recurring_tolerance: float = Field(0.15, ge=0, lt=1)  # of its usual amount
    income_grace_days: int = Field(40, ge=36, le=120)  # since its last payment; from then on a monthly income is told to have ended
    income_min_amount: Decimal = Field(Decimal(3000), ge=0)  # base currency a payment; the end of a smaller one is not told
    return_days: int = Field(10, ge=1)  # money that comes back within these is no news, and takes back what was told of it
    settlement_days: int = Field(5, ge=0)  # how long the way of a broken deposit's money is followed
    dormant_days: int = Field(180, gt=0)
    drained_share: float = Field(0.8, gt=0, le=1)
    drained_days: int = Field(5, gt=0, le=7)  # the longest window that can be told
    closure_products: tuple[Product, ...] = ("current", "savings", "time_deposit", "investment", "credit_card")
    told_again_days: int = Field(90, ge=0)  # the same account is not told drained or woken again within these
    causes: dict[str, Cause] = {}  # the first that fits, in this order; offers may name them in `raised_by`
    holidays: tuple[Holiday, ...] = ()  # MM-DD or YYYY-MM-DD with festive spending: twice the return period is asked
    month_ends: Once[MonthEnd] = ("month_end", "month_start", "year_end")  # payment days, of which as much is asked


Inside = Annotated[float, Field(gt=0, lt=1)]


class Bands(Model):
    """Cut points, ascending: n cut points make n + 1 bands."""

    age: Cuts[int] = Field((25, 35, 45, 55, 65), min_length=1)
    income: Cuts[Decimal] = Field((Decimal(60000), Decimal(120000), Decimal(240000), Decimal(600000)), min_length=1)
    value: Cuts[Decimal] = Field((Decimal(0), Decimal(500), Decimal(3000), Decimal(15000)), min_length=1)  # a year's net value
    tier: Cuts[Decimal] = Field((Decimal(500000), Decimal(6000000)), max_length=len(TIERS) - 1)  # assets: mass, affluent, private
    cost_to_serve: Cuts[Decimal] = Field((Decimal(100), Decimal(400)), min_length=1)  # a year


class Quantiles(Model):
    """Cut points that follow the bank: shares of the day's customers from below, 0.5 is the median. Where named, `bands` do not count."""

    value: Cuts[Inside] = ()
    tier: Cuts[Inside] = Field((), max_length=len(TIERS) - 1)
    cost_to_serve: Cuts[Inside] = ()


PurchaseGroup = Literal["food", "home", "clothing", "electronics", "travel", "motor", "education", "leisure"]


class Segments(Model):
    bands: Bands = Bands()
    quantiles: Quantiles = Quantiles()
    occupation_groups: dict[str, Pattern] = {}  # group -> regular expression over the stated occupation
    purchase_groups: dict[PurchaseGroup, Pattern] = {}  # group -> regular expression over purchases.category; the first that fits
    preferences: dict[str, Pattern] = {}  # preference -> regular expression over holdings.product_id


Margin = Annotated[Decimal, Field(ge=-1, le=1)]
Cost = Annotated[Decimal, Field(ge=0, lt=100_000)]


class Profitability(Model):
    """Transfer prices and unit costs: what a product earns and a service costs."""

    margin_by_product: dict[Product, Margin] = {}  # share of the balance a year, by account product_type
    margin_by_holding: Margin = Decimal("0.006")  # share of a holding's value a year
    cost_by_channel: dict[Channel, Cost] = {}  # base currency a transaction
    cost_of_account: Cost = Decimal(12)  # a year


class Models(Model):
    tracking_uri: str = ""  # empty: SQLite beside the lake; a server's URI otherwise
    snapshots: int = Field(6, ge=2)  # past as-of dates that training looks back on
    snapshot_gap_days: int = Field(30, gt=0)
    embargo_days: int = Field(7, ge=0)
    min_positives: int = Field(30, gt=0)  # below it an offer keeps its family's and its prior rate
    max_training_rows: int = Field(200_000, gt=0)
    min_auc: float = Field(0.55, ge=0.5, le=1)  # gate: no promotion below
    max_calibration_error: float = Field(0.25, gt=0)  # gate: predicted over observed rate, newest window
    max_auc_drop: float = Field(0.05, ge=0)  # gate: between the last two windows, beyond what chance explains
    max_group_calibration_error: float = Field(0.5, gt=0)  # gate: predicted over observed rate of an age band or gender
    max_auc: float = Field(0.98, gt=0.5, le=1)  # leak screen: better than this is a leak, not a model
    seed: int = 20170101


class Priority(Model):
    """What an alert's place in the queue is made of (docs/alerts.md): value at stake, urgency and probability, each 0 to 1."""

    value_weight: float = Field(0.4, ge=0)
    urgency_weight: float = Field(0.35, ge=0)
    probability_weight: float = Field(0.25, ge=0)
    smallest_value: Decimal = Field(Decimal(20), gt=0)  # base currency a year: counts as 0
    largest_value: Decimal = Field(Decimal(20000), gt=0)  # counts as 1; between them by the logarithm
    margin_at_stake: Decimal = Field(Decimal("0.015"), ge=0)  # what a year's margin on moved money is, as a share of it
    certainty: float = Field(0.9, ge=0, le=1)  # of events that need no statistics
    urgency: dict[AlertType, Share] = {}  # on the day it is raised; 0.5 when not named

    @model_validator(mode="after")
    def _in_order(self) -> Priority:
        if self.largest_value <= self.smallest_value:
            raise ValueError("largest_value is not above smallest_value")
        if self.value_weight + self.urgency_weight + self.probability_weight <= 0:
            raise ValueError("all weights are 0")
        return self


class TierPolicy(Model):
    """How customers of a service tier are served. What is not said holds as for everybody."""

    caller: Literal["relationship_manager", "branch"] = "relationship_manager"  # the branch's queue, even where there is an RM
    max_contacts: dict[PositiveInt, NonNegativeInt] | None = None  # in the place of the general one
    families: Once[Family] | None = None  # of products they may be offered; all when not named


class ContactPolicy(Model):
    """Who may be called how often. Whatever it holds back is stored with the reason."""

    max_contacts: dict[PositiveInt, NonNegativeInt] = {30: 2, 90: 4}  # last days -> calls that came about, at most
    max_contacts_of_family: dict[PositiveInt, NonNegativeInt] = {90: 2}  # the same, of calls about offers of one product family
    tiers: dict[ServiceTier, TierPolicy] = {}
    rest_after_decline_days: int = Field(90, ge=0)
    min_priority: int = Field(20, ge=0, le=100)
    min_expected_value: Decimal = Decimal(20)  # of an offer, base currency, to be worth a call of its own
    control_share: float = Field(0.05, ge=0, le=0.5)
    control_salt: str = "kehu"
    control_months: Literal[1, 2, 3, 4, 6, 12] = 6  # of the calendar; then the group is drawn anew, so that nobody is left alone for ever
    exploration_share: float = Field(0.05, ge=0, le=0.5)  # of customers whose first offer is drawn by lot, anew each month (docs/models.md)
    exploration_salt: str = "kehu"
    max_offers: int = Field(3, ge=1)
    offer_alerts_per_1000_customers: float = Field(5, ge=0)  # calls a day with nothing but an offer to say
    life_event_alerts_per_1000_customers: float = Field(2, ge=0)  # calls a day for a life event: places of their own
    weekly_digest_weekday: int = Field(0, ge=0, le=7)  # 1 is Monday: offers and life events wait for it, and have a week's places; 0: daily
    flow_alerts_per_1000_customers: float = Field(4, ge=0)  # statistical flows; hard events are never capped
    least_flow_alerts: int = Field(5, ge=0)  # a day that many may be told however few customers there are
    expires_after_days: dict[AlertType, PositiveInt] = {}  # 14 when not named
    tipping_off: tuple[Restriction, ...] = ("aml_case", "fraud_case", "legal_hold")  # restrictions never shown to anyone
    quiet_days_after: dict[Restriction, NonNegativeInt] = {}  # days it goes on holding back after it ended
    life_event_again_days: int = Field(365, ge=0)  # the same life event is not told again within these
    max_snooze_days: int = Field(180, gt=0)  # nothing is put off for longer
    snooze_days: int = Field(7, gt=0)  # where no date was named
    evidence_rows: int = Field(20, ge=1)  # transactions shown of one alert, largest first
    priority: Priority = Priority()


class Worklists(Model):
    calls_per_day: int = Field(8, gt=0)  # the RM's line: what is above it
    ageing_a_day: float = Field(1, ge=0)  # points of priority an alert gains in the order of calls for each day it waited
    minutes_per_call: int = Field(15, gt=0)
    below_line: int = Field(5, ge=0)  # how many below it stay visible
    branch_queue: str = "branch"  # where customers without an RM go
    deputies: dict[str, str] = {}  # RM on leave -> deputy
    forward_days: int = Field(30, gt=0)  # how far ahead maturities and coming dormancy are told
    forward_rows: int = Field(12, ge=0)  # of each, told to one RM
    results_days: int = Field(30, gt=0)  # how far the results of calls look back
    breaker_ratio: float = Field(4, gt=1)  # a day with more new alerts than this many usual days is not published
    breaker_days_of_work: float = Field(10, gt=0)  # nor one with more than the RMs can call in this many days
    breaker_min_alerts: int = Field(200, ge=0)  # so few are published whatever is usual


class Retention(Model):
    """How long what is kept. Events, alerts and outcomes are kept: they are the bank's record."""

    daily_snapshots_days: int = Field(92, ge=31)  # features, segments, scores, baselines; of older days each month's last stays
    monthly_snapshots_months: int = Field(36, ge=1)  # then nothing of them
    quarantine_days: int = Field(180, ge=1)  # refused rows hold personal data as it came
    replaced_files_hours: int = Field(168, ge=24)  # for readers that are still at them


class Settings(Model):
    bank: Bank
    paths: Paths = Paths()
    spark: SparkSettings = SparkSettings()
    flows: Flows = Flows()
    segments: Segments = Segments()
    profitability: Profitability = Profitability()
    models: Models = Models()
    contact_policy: ContactPolicy = ContactPolicy()
    worklists: Worklists = Worklists()
    retention: Retention = Retention()
    feeds: dict[str, Feed] = {}
    offers: dict[str, Offer] = {}
    life_events: dict[str, LifeEvent] = {}
    wording: dict[Literal["en", "zh"], Wording]

    @model_validator(mode="after")
    def _names_lead_somewhere(self) -> Settings:
        wrong = [*self._wrong_bundles(), *self._unknown_reasons(), *self._unsaid(), *self._wrong_words()]
        if wrong:
            raise refusal(wrong)
        for offer_id, offer in self.offers.items():
            if offer.bundle:
                self.offers[offer_id] = offer.priced([self.offers[member] for member in offer.bundle.offers])
        return self

    def feed(self, name: str) -> Feed:
        """How a feed's files look; the canonical way where nothing is configured."""
        return self.feeds.get(name, Feed())

    @property
    def enabled_life_events(self) -> dict[str, LifeEvent]:
        """Name -> life event, of those the bank has turned on."""
        return {name: event for name, event in self.life_events.items() if event.enabled}

    def _wrong_bundles(self) -> Iterator[Wrong]:
        """What bundles hold that is no offer, is a bundle, or would give away what only a life event may tell."""
        for offer_id, offer in self.offers.items():
            for nth, member in enumerate(offer.bundle.offers if offer.bundle else ()):
                key = ("offers", offer_id, "bundle", "offers", str(nth))
                if member not in self.offers:
                    yield key, f"no offer is called {member!r}"
                elif self.offers[member].bundle:
                    yield key, f"{member!r} is a bundle itself"
                elif self.offers[member].discreet and not offer.discreet:
                    yield key, f"{member!r} is discreet, so the bundle has to be"

    def _unknown_reasons(self) -> Iterator[Wrong]:
        """What offers are raised by, but nothing that is noticed is called."""
        known = {*FLOW_KINDS, *self.flows.causes, *self.life_events}
        for offer_id, offer in self.offers.items():
            for name in (name for name in offer.raised_by if name not in known):
                yield ("offers", offer_id, "raised_by", name), "no life event, kind of flow or cause is called so"

    def _unsaid(self) -> Iterator[Wrong]:
        """What has no name, or nothing to say for it, in the bank's language."""
        language = self.bank.language
        for offer_id, offer in self.offers.items():
            for key, said in (("name", offer.name), ("reason", offer.reason)):
                if language not in said:
                    yield ("offers", offer_id, key), f"not said in the bank's language: {language} is missing"
        for event, life_event in self.enabled_life_events.items():
            if language not in life_event.name:
                yield ("life_events", event, "name"), f"not said in the bank's language: {language} is missing"

    def _wrong_words(self) -> Iterator[Wrong]:
        """What is wrong with the wording. A bank's own life events, preferences, causes and rules may have words of their own."""
        own = {("worklist", f"topic_{event}") for event in self.life_events}
        own |= {("worklist", f"preference_{preference}") for preference in self.segments.preferences}
        own |= {("reasons", f"cause_{cause}") for cause in self.flows.causes}
        own |= {("reasons", f"rule_{kind}") for kind in RESTRICTION_KINDS}  # told apart where `tipping_off` does not name them
        for language, words in self.wording.items():
            for key, why in wrong_words(words, own):
                yield ("wording", language, *key), why
