"""Features: what is known of every customer on the day, their segments and life events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import pyspark.sql.functions as F
from pyspark.sql import DataFrame

from conf import ExitCode, KehuError, Settings
from features.as_of import known, latest_known_by, latest_known_on, version_as_of, versions_as_of
from features.balance_features import account_balances, balance_features
from features.catalogue import FAMILIES, FEATURES, joined
from features.demographic_features import demographic_features
from features.flow_features import flow_features
from features.holding_features import holding_features, invested_values, open_holdings
from features.income_features import REGULAR_DAYS, REGULAR_TYPES, income_features
from features.life_events import consenting, life_events
from features.life_evidence import lookback_from, purchase_days
from features.movements import movements, of_customer, recent, seen_from
from features.payment_evidence import payment_days
from features.profitability import profitability_features
from features.purchase_features import purchase_features
from features.relationship_features import relationship_features
from features.segments import preferences, segments
from jobs.carrying import RATES_KNOWN, rates_known, since_last
from jobs.context import Counts, Job, Places
from jobs.evidence import evidence_of_day
from jobs.explain import child_age
from jobs.ledger import is_small
from jobs.sums import Sums, counted, sums_of_day
from tables.arrow import Filter, read_arrow
from worklists.forgotten import without_life_events

INFERRED = ("life_events", "payment_evidence")  # kept with consent only
TOLD = ("alerts", "deliveries")  # kept without what was inferred


def run(job: Job) -> Counts:
    """Write the day's `customer_features`, `segments` and `life_events`, and in a large lake what the next day is carried on from."""
    lake, day, settings = job.lake, job.day, job.settings
    versions, large = _versions(job, [day]), not is_small(job.places.lake)
    since = since_last(job, versions.accounts) if large else None
    sums = sums_of_day(job, since, versions.accounts, versions.rates)
    held = _held(job, [day])
    features = _features(job, versions, sums, held)
    reasons = settings.wording[settings.bank.language].reasons
    segmented = segments(features, preferences(held, settings.segments.preferences), settings.segments, reasons)
    customers = _consenting(job)
    payments = evidence_of_day(job, since, customers)
    events = _life_events(job, customers, payments)
    if large:
        carried_on = {
            "flow_sums": sums.flows, "account_sums": sums.accounts, "purchase_sums": sums.purchases,
            "payment_evidence": payments.withColumn("as_of", F.lit(day)),
        }  # fmt: skip
        for name, rows in carried_on.items():
            lake.replace(name, rows, {"as_of": day})
    lake.replace("customer_features", features, {"as_of": day})
    lake.replace("segments", segmented, {"as_of": day})
    lake.replace("life_events", events, {"as_of": day})
    _forget_withdrawn(job)
    found = features.count()
    return {"rows_in": found, "rows_out": found, "life_events": events.count(), RATES_KNOWN: rates_known(job, day)}


def _consenting(job: Job) -> DataFrame:
    """Customers whose life events may be looked for; of nobody else is anything computed."""
    lake, day = job.lake, job.day
    restrictions = latest_known_by(lake.read("restrictions"), lake.table("restrictions").key, day)
    return _kept(consenting(version_as_of(lake.read("customers"), "customer_id", day), restrictions, day))


def _forget_withdrawn(job: Job) -> None:
    """Of whoever has taken consent back by now nothing that was inferred stays: of no earlier day, nor of one that is run again.

    Alerts stay, as what was said and answered does, but name no event and no offer that was made for one.
    """
    consented, versions = F.coalesce("life_event_consent", F.lit(False)), job.lake.read("customers")
    withdrawn = versions.where(F.col("is_current") & ~consented).join(versions.where(consented), "customer_id", "left_semi")
    whose = withdrawn.select("customer_id").distinct().localCheckpoint()
    if whose.isEmpty():
        return
    for name in INFERRED:
        if not job.lake.read(name).join(whose, "customer_id", "left_semi").isEmpty():
            job.lake.delete_of(name, whose)
    for name in TOLD:
        rows = without_life_events(job.lake.read(name).join(whose, "customer_id", "left_semi"), job.settings).localCheckpoint()
        if not rows.isEmpty():
            job.lake.merge(name, rows)


def _life_events(job: Job, customers: DataFrame, payments: DataFrame) -> DataFrame:
    """Rows for `life_events`, only of events that are turned on; computed."""
    lake, day, events = job.lake, job.day, job.settings.enabled_life_events
    in_sight = F.col("business_date") >= F.lit(lookback_from(events, day))
    bought = known(lake.read("purchases").where(in_sight), day).join(customers, "customer_id", "left_semi")
    purchases = _kept(bought.select("customer_id", "business_date", "sku", "category", "product_name", "quantity", "status"))
    rates = latest_known_by(lake.read("fx_rates"), lake.table("fx_rates").key, day)
    paid = payment_days(payments, rates, job.settings.bank.base_currency, events, day)
    days = _kept(purchase_days(purchases, events).unionByName(paid))
    first_paid = payments.select("customer_id", F.lit("payments").alias("source"), F.array_min("seen").alias("first_on"))
    first_bought = purchases.groupBy("customer_id", F.lit("purchases").alias("source")).agg(F.min("business_date").alias("first_on"))
    first_seen = first_paid.unionByName(first_bought)
    return _kept(life_events(days, customers, first_seen, events, day))


@dataclass(frozen=True)
class Versions:
    """Customers, accounts and rates as known on some days, computed."""

    days: Sequence[date]
    accounts: DataFrame
    customers: DataFrame
    rates: DataFrame


def features_as_of(job: Job, days: Sequence[date]) -> DataFrame:
    """The features of every customer on each of some past days, in one pass over the events, only facts known on each.

    Returns
    -------
    DataFrame with `customer_id`, `as_of` and every feature of the catalogue, computed
    """
    versions = _versions(job, days)
    return _features(job, versions, counted(job, days, versions.accounts, versions.rates), _held(job, days))


def _versions(job: Job, days: Sequence[date]) -> Versions:
    return Versions(
        days,
        _kept(versions_as_of(job.lake.read("accounts"), "account_id", days)),
        _kept(of_customer(versions_as_of(job.lake.read("customers"), "customer_id", days))),
        _kept(_latest(job, "fx_rates", days)),
    )


def _held(job: Job, days: Sequence[date]) -> DataFrame:
    """Holdings as known on each day, computed."""
    return _kept(open_holdings(_latest(job, "holdings", days), job.settings.offers))


def _features(job: Job, versions: Versions, sums: Sums, held: DataFrame) -> DataFrame:
    """The features, computed from the sums, the holdings and whatever else was known."""
    lake, settings, days = job.lake, job.settings, versions.days
    bank, currency = settings.bank, settings.bank.base_currency
    balances = _kept(account_balances(sums.accounts, versions.accounts, versions.rates, currency))
    regular = recent(lake.read("transactions").where(F.col("type").isin(*REGULAR_TYPES)), days, REGULAR_DAYS)
    payments = movements(regular, versions.accounts, versions.rates, currency, bank.time_zone)
    outcomes = seen_from(recent(lake.read("outcomes"), days), days)
    invested = invested_values(held)
    parts = [
        demographic_features(versions.customers, settings.segments.occupation_groups),
        relationship_features(versions.customers, lake.read("alerts"), outcomes),
        holding_features(held, balances, versions.customers, currency),
        balance_features(balances, invested, currency),
        flow_features(sums.flows),
        income_features(sums.flows, payments),
        purchase_features(sums.purchases),
        profitability_features(balances, sums.flows, invested, settings.profitability),
    ]
    return _kept(joined(versions.customers, parts))


def _kept(frame: DataFrame) -> DataFrame:
    """Computed now, its plan cut: many small plans are made faster than one of everything, planned anew at every stage.

    Freed when nothing refers to it any more. A merely cached frame would drag its whole plan through every later one.
    """
    return frame.localCheckpoint()


def listed(settings: Settings) -> str:
    """Every feature with its meaning, as a table of text."""
    lines = [f"{len(FEATURES)} features of a customer on a day; money in {settings.bank.base_currency}"]
    for family, features in FAMILIES.items():
        width = max(len(feature.name) for feature in features)
        lines += ["", family]
        for feature in features:
            window = f", {feature.window_days} days" if feature.window_days else ""
            missing = f"; empty: {feature.null_meaning}" if feature.null_meaning else ""
            lines.append(f"  {feature.name:<{width}}  {feature.description} ({feature.unit}{window}; from {feature.source}{missing})")
    return "\n".join(lines)


def printed(settings: Settings, places: Places, day: date, customer_id: str) -> str:
    """One customer's features of a day with where each value comes from, read without Spark.

    Raises
    ------
    KehuError
        USAGE when there is no row of that customer and day.
    """
    only = [("customer_id", "=", customer_id), ("as_of", "=", day)]
    found = read_arrow(places.lake, "customer_features", filters=only)
    if found is None or not found.num_rows:
        raise KehuError(f"no features of that customer on {day}; check the id, or run `kehu features --date {day}`", ExitCode.USAGE)
    row = found.to_pylist()[0]
    lines = [f"customer {customer_id} as known on {day}"]
    for family, features in FAMILIES.items():
        lines += ["", family]
        for feature in features:
            value = row.get(feature.name)
            told = f"not known: {feature.null_meaning}" if value is None else _told(value, feature.type)
            window = f"{feature.window_days} days of " if feature.window_days else ""
            lines.append(f"  {feature.name:<28} {told:>20}  {feature.description} [{window}{feature.source}]")
    lines += _told_events(settings, places, only)
    return "\n".join(lines)


def _told(value: Any, kind: str) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,}" if kind != "STRING" else str(value)


def _told_events(settings: Settings, places: Places, only: list[Filter]) -> list[str]:
    """Life events with their evidence; without consent there are none to tell."""
    found = read_arrow(places.lake, "life_events", filters=only)
    lines = []
    for row in found.to_pylist() if found is not None else []:
        name = settings.life_events[row["event"]].name[settings.bank.language] if row["event"] in settings.life_events else row["event"]
        lines += ["", f"{name}: probability {row['probability']:.2f}, stage {row['stage'] or 'not known'}"]
        if row.get("child_age_months") is not None:
            lines.append(f"  {child_age(settings, row)}")
        lines += [
            f"  {each['category']:<28} on {each['days']} days, last on {each['last_on']}, adds {each['log_odds']:+.2f} to the log-odds"
            for each in row["evidence"]
        ]
    return lines


def _latest(job: Job, table: str, days: Sequence[date]) -> DataFrame:
    return latest_known_on(job.lake.read(table), job.lake.table(table).key, days)


if __name__ == "__main__":
    from jobs.cli import main

    main("features")
