"""Who may be called at all, how often, and who first: the gates and the contact policy, in the order they hold.

Whatever is held back stays a row with the rule's name. What guards people holds for every alert. The caps of a day do not hold
for hard events (a broken deposit is never one too many), and where the customer's safety comes first neither do contact
limits nor the lot.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from math import ceil

import pyspark.sql.functions as F
from pyspark.sql import Column, DataFrame, Window

from conf.codes import REACHED
from conf.settings import ContactPolicy
from worklists.matters import SALES, lifetime
from worklists.reasons import chosen

GUARDS = ("restriction", "complaint", "bereavement", "vulnerable", "do_not_contact", "closed_customer")
RULES = (
    *GUARDS,
    "reversed",
    "no_marketing_consent",
    "no_life_event_consent",
    "snoozed",
    "contact_fatigue",
    "family_fatigue",
    "rest_after_decline",
    "nothing_to_offer",
    "min_priority",
    "capacity",
    "control_group",
)


def standing(customers: DataFrame, restrictions: DataFrame, policy: ContactPolicy, today: date) -> DataFrame:
    """How each customer stands to being called.

    Parameters
    ----------
    customers : DataFrame with `customer_id`, `relationship_manager_id`, `marketing_consent`, `life_event_consent`, `closed_on`,
        `service_tier`: one row a customer, as known today
    restrictions : DataFrame with `customer_id`, `kind`, `valid_from`, `valid_to`, as known today
    policy : ContactPolicy
    today : date

    Returns
    -------
    DataFrame with `customer_id`, `relationship_manager_id`, `service_tier`, `marketing_consent`, `life_event_consent`, `barred` (the
    first of `GUARDS` that holds; null when none does). Cases nobody may be tipped off about are all told as `restriction`
    """
    guard = F.when(F.col("kind").isin(*policy.tipping_off), "restriction").otherwise(F.col("kind"))
    quiet = F.lit(0)
    for kind, days in policy.quiet_days_after.items():
        quiet = F.when(F.col("kind") == kind, F.lit(days)).otherwise(quiet)
    in_force = (F.col("valid_from") <= F.lit(today)) & (
        F.col("valid_to").isNull() | (F.date_add("valid_to", quiet) >= F.lit(today))
    )
    order = F.coalesce(F.nullif(F.array_position(F.array(*[F.lit(name) for name in GUARDS]), guard), F.lit(0)), F.lit(99))
    held = restrictions.where(in_force).groupBy("customer_id").agg(F.min_by(guard, F.struct(order, guard)).alias("_held"))
    closed = F.when(F.col("closed_on") <= F.lit(today), "closed_customer")
    return customers.join(held, "customer_id", "left").select(
        "customer_id",
        "relationship_manager_id",
        "service_tier",
        F.coalesce("marketing_consent", F.lit(False)).alias("marketing_consent"),
        F.coalesce("life_event_consent", F.lit(False)).alias("life_event_consent"),
        F.coalesce("_held", closed).alias("barred"),
    )


def forbidden() -> Column:
    """The first rule that forbids an alert whatever it is worth; null when none does.

    Columns read: `type`, and those of `standing`.
    """
    sales = F.col("type").isin(*SALES)
    return F.coalesce(
        F.col("barred"),
        F.when(sales & ~F.col("marketing_consent"), "no_marketing_consent"),
        F.when((F.col("type") == "life_event") & ~F.col("life_event_consent"), "no_life_event_consent"),
    )


def contacts(outcomes: DataFrame, alerts: DataFrame, families: Mapping[str, str]) -> DataFrame:
    """When customers were last spoken to, and about which product families.

    Parameters
    ----------
    outcomes : DataFrame with `alert_id`, `outcome`, `offer_id`, `business_date`, `recorded_on`, as known today
    alerts : DataFrame with `alert_id`, `customer_id`, `type`, `offers`
    families : mapping
        Offer -> product family.

    Returns
    -------
    DataFrame with `customer_id`, `contacted_on`, `declined`, `families`: one row a customer and day. A call whose drop came earlier
    than its own clock says counts on the day of the drop; one about an offer is about the offer that was answered, else the first
    """
    about = chosen(F.coalesce("offer_id", "_first"), families, None)
    return (
        outcomes.where(F.col("outcome").isin(*REACHED))
        .join(alerts.select("alert_id", "customer_id", offer_told().alias("_first")), "alert_id")
        .groupBy("customer_id", F.least("business_date", "recorded_on").alias("contacted_on"))
        .agg(F.bool_or(F.col("outcome") == "declined").alias("declined"), F.collect_set(about).alias("families"))
    )


def offer_told() -> Column:
    """The offer a call is about, where it has nothing else to say. Columns read: `type`, `offers`."""
    return F.when(F.col("type").isin(*SALES), F.try_element_at("offers", F.lit(1))["offer_id"])


def with_priority(matters: DataFrame, policy: ContactPolicy, today: date) -> DataFrame:
    """Adds `priority`, 0 to 100 (docs/alerts.md).

    Parameters
    ----------
    matters : DataFrame with `type`, `at_stake`, `offers`, `would_be`, `certainty`, `happened_on`
    policy : ContactPolicy
    today : date
    """
    parts = policy.priority
    best_offer = F.coalesce("would_be.expected_value", F.try_element_at("offers", F.lit(1))["expected_value"], F.lit(0.0))
    worth = F.greatest(F.col("at_stake").cast("double") * float(parts.margin_at_stake) + best_offer, F.lit(0.01))
    smallest, largest = float(parts.smallest_value), float(parts.largest_value)
    value = F.log(worth / smallest) / F.log(F.lit(largest / smallest))
    urgency = F.lit(0.5)
    for kind, configured in parts.urgency.items():
        urgency = F.when(F.col("type") == kind, F.lit(configured)).otherwise(urgency)
    lives = F.greatest(F.date_diff(F.lit(today), "happened_on"), F.lit(0)) / lifetime(F.col("type"), policy)
    weighted = (
        parts.value_weight * _between_0_and_1(value)
        + parts.urgency_weight * urgency * F.pow(F.lit(0.5), lives)
        + parts.probability_weight * _between_0_and_1(F.col("certainty"))
    )
    weights = parts.value_weight + parts.urgency_weight + parts.probability_weight
    return matters.withColumn("priority", F.round(100 * _between_0_and_1(weighted / weights)).cast("int"))


def held_back(
    candidates: DataFrame,
    stand: DataFrame,
    spoken: DataFrame,
    asleep: DataFrame,
    policy: ContactPolicy,
    today: date,
    customers: int,
) -> DataFrame:
    """Candidates with what holds them back, if anything does, but for the places of offers (`calls.within_places`) and the lot.

    Parameters
    ----------
    candidates : DataFrame with `alert_id`, `customer_id`, `type`, `priority`, `at_stake`, `hard`, `safety`, `undone`, `offers`,
        `family` (of the offer a call would be about; null: about something else)
    stand : DataFrame as `standing` returns
    spoken : DataFrame as `contacts` returns
    asleep : DataFrame with `customer_id`: customers with an alert that was put off and still sleeps
    policy : ContactPolicy
    today : date
    customers : int
        How many the bank has today: caps are per 1,000 of them.

    Returns
    -------
    DataFrame with `relationship_manager_id`, `suppressed_by` (null: nothing so far)
    """
    past = spoken.where(F.col("contacted_on") < F.lit(today))
    of_tiers = {tier: served.max_contacts for tier, served in policy.tiers.items() if served.max_contacts is not None}
    calls = past.groupBy("customer_id").agg(
        *_counted("_calls", {days for limits in (policy.max_contacts, *of_tiers.values()) for days in limits}, today),
        F.max(F.when(F.col("declined"), F.col("contacted_on"))).alias("_declined_on"),
    )
    about = past.withColumn("family", F.explode("families")).groupBy("customer_id", "family").agg(
        *_counted("_about", policy.max_contacts_of_family, today))
    often = _reached("_calls", policy.max_contacts)
    for tier, limits in of_tiers.items():
        often = F.when(F.col("service_tier") == tier, _reached("_calls", limits)).otherwise(often)
    known = (
        candidates.join(stand, "customer_id")
        .join(calls, "customer_id", "left")
        .join(about, ["customer_id", "family"], "left")
        .join(asleep.select("customer_id", F.lit(True).alias("_asleep")).distinct(), "customer_id", "left")
        .withColumn("_rule", F.coalesce(
            F.col("barred"), F.when(F.col("undone"), "reversed"), forbidden(), F.when(~F.col("safety"), _policy(policy, often, today))))
    )
    kept = (*candidates.columns, "relationship_manager_id", "suppressed_by")
    return _within_capacity(known, policy, customers).select(*(name for name in kept if name != "family"))


def drawn(held: DataFrame, policy: ContactPolicy, today: date) -> DataFrame:
    """After everything else, the lot: what is compared later is what would have been called.

    Only new alerts are drawn: what lives on when a period ends stays in the group of the day it was raised on.

    Parameters
    ----------
    held : DataFrame with `customer_id`, `safety`, `suppressed_by`
    policy : ContactPolicy
    today : date

    Returns
    -------
    DataFrame with `control_group`, and `suppressed_by` naming it
    """
    control = F.col("suppressed_by").isNull() & in_control_group(F.col("customer_id"), policy, today) & ~F.col("safety")
    return held.withColumns({
        "suppressed_by": F.when(control, "control_group").otherwise(F.col("suppressed_by")), "control_group": control,
    })  # fmt: skip


def in_control_group(customer: Column, policy: ContactPolicy, today: date) -> Column:
    """Whether lot holds a customer back: a share of a hash, the same on every day of `control_months` of the calendar."""
    period = f"{today.year} {(today.month - 1) // policy.control_months}"
    made_of = F.concat_ws("|", F.lit(policy.control_salt), F.lit(period), customer)
    lot = F.conv(F.substring(F.sha2(made_of, 256), 1, 8), 16, 10).cast("bigint")
    return lot < F.lit(int(policy.control_share * 2**32))


def _policy(policy: ContactPolicy, often: Column, today: date) -> Column:
    sales = F.col("type").isin(*SALES)
    rested = F.lit(today - timedelta(days=policy.rest_after_decline_days))
    return F.coalesce(
        F.when(F.col("_asleep") & ~F.col("hard"), "snoozed"),
        F.when(often, "contact_fatigue"),
        F.when(F.col("family").isNotNull() & _reached("_about", policy.max_contacts_of_family), "family_fatigue"),
        F.when(sales & (F.col("_declined_on") > rested), "rest_after_decline"),
        F.when((F.col("type") == "life_event") & (F.size("offers") == 0), "nothing_to_offer"),
        F.when(F.col("priority") < policy.min_priority, "min_priority"),
    )


def _counted(name: str, windows: Iterable[int], today: date) -> list[Column]:
    """Calls in each of the last so many days, and ever, as `<name>_<days>`. Aggregates over `contacted_on`."""
    recent = F.date_diff(F.lit(today), "contacted_on")
    return [F.count("*").alias(f"{name}_ever"), *(F.count_if(recent < days).alias(f"{name}_{days}") for days in sorted(windows))]


def _reached(name: str, limits: Mapping[int, int]) -> Column:
    """Whether any of the limits (last days -> calls) is reached; never null. Columns read: those of `_counted`."""
    reached = F.lit(False)
    for days, most in limits.items():
        reached = reached | (F.coalesce(f"{name}_{days}", F.lit(0)) >= most)
    return reached


def _within_capacity(known: DataFrame, policy: ContactPolicy, customers: int) -> DataFrame:
    """The caps of the day on statistical flows and life events, the best first."""
    free = F.col("hard") | F.col("safety") | (F.col("type") == "next_best_offer")
    is_life = F.col("type") == "life_event"
    cap = F.when(is_life, F.lit(places(policy.life_event_alerts_per_1000_customers * sales_days(policy), customers)))
    best = Window.partitionBy(F.col("_rule").isNull(), is_life, free).orderBy(
        F.col("priority").desc(), F.col("at_stake").desc(), "alert_id"
    )
    flows = max(places(policy.flow_alerts_per_1000_customers, customers), policy.least_flow_alerts)
    full = ~free & (F.row_number().over(best) > cap.otherwise(F.lit(flows)))
    return known.withColumn("suppressed_by", F.coalesce("_rule", F.when(full, "capacity")))


def sales_today(policy: ContactPolicy, today: date) -> bool:
    """Whether offers and life events are told today, or wait for the weekly digest."""
    return policy.weekly_digest_weekday in (0, today.isoweekday())


def sales_days(policy: ContactPolicy) -> int:
    """Days whose places offers and life events have at once."""
    return 7 if policy.weekly_digest_weekday else 1


def places(per_1000: float, customers: int) -> int:
    """Calls a day, of so many a 1,000 customers."""
    return ceil(per_1000 * customers / 1000)


def _between_0_and_1(value: Column) -> Column:
    return F.least(F.greatest(value, F.lit(0.0)), F.lit(1.0))
