"""What export reads: small frames about the customers on the lists, the books, and the teams, as known on the day."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from typing import Any

import pyspark.sql.functions as F
from pyspark.sql import DataFrame

from features.as_of import in_force, known, latest_known_by, version_as_of
from features.flows import latest_known
from features.movements import booking_number, recent
from jobs.context import Job
from jobs.customers_as_of import called_customers
from jobs.side_by_side import side_by_side
from tables import TABLES
from worklists.ahead import book, coming_up
from worklists.customer import Facts, first_month
from worklists.customer_facts import last_contacts, monthly_flows, open_accounts
from worklists.results import branches, held_back, last_words, load, money_kept, results
from worklists.selection import holder_of


def rows(frame: DataFrame) -> list[dict[str, Any]]:
    """A bounded selection as plain rows."""
    return [row.asDict(recursive=True) for row in frame.collect()]


def gathered(frames: Mapping[str, DataFrame]) -> dict[str, list[dict[str, Any]]]:
    """Several bounded selections as plain rows, by name."""
    return dict(zip(frames, side_by_side(*(partial(rows, frame) for frame in frames.values())), strict=True))


def customer_facts(job: Job, customers: DataFrame) -> Facts:
    """Everything told about the customers of the day's lists: bounded by the lists' length."""
    lake, day = job.lake, job.day
    few = F.broadcast(customers)

    def of(table: str) -> DataFrame:
        return lake.read(table).join(few, "customer_id", "left_semi")

    accounts = version_as_of(of("accounts"), "account_id", day).persist()
    transactions = recent(lake.read("transactions"), [day]).join(F.broadcast(accounts.select("account_id")), "account_id", "left_semi")
    holdings = latest_known_by(of("holdings"), TABLES["holdings"].key, day)
    held = holdings.where(F.col("closed_on").isNull() | (F.col("closed_on") > F.lit(day)))
    features = of("customer_features").where(F.col("as_of") == F.lit(day))
    units = latest_known(of("daily_flows").where(F.col("business_date") >= F.lit(first_month(day))), day)
    flows = of("abnormal_flows").where(
        (F.col("detected_on") <= F.lit(day)) & (F.col("business_date") >= F.lit(first_month(day))))  # fmt: skip
    found = gathered({
        "customers": version_as_of(of("customers"), "customer_id", day).select(
            "customer_id", "full_name", "relationship_manager_id", "joined_on", "occupation", "marketing_consent"),
        "accounts": open_accounts(accounts, transactions.withColumn("nth", booking_number())),
        "holdings": held.select("customer_id", "product_id", "acquired_on", "value"),
        "months": monthly_flows(units, day),
        "abnormal": flows.select("customer_id", "flow_id", "kind", "business_date", "amount", "window_days"),
        "contacts": last_contacts(of("alerts"), known(lake.read("outcomes"), day)),
        "segments": of("segments").where(F.col("as_of") == F.lit(day)).select(
            "customer_id", "age_band", "service_tier", "preference", "channel_preference"),
        "assets": features.select("customer_id", "assets", F.col("deposits_balance").alias("deposits")),
        "restricted": restricted(job).join(few, "customer_id", "left_semi"),
    })  # fmt: skip
    accounts.unpersist()
    return Facts(**found)


def restricted(job: Job) -> DataFrame:
    """Customers under any restriction on the day: `customer_id`. Which one is told to nobody."""
    newest = latest_known_by(job.lake.read("restrictions"), TABLES["restrictions"].key, job.day)
    return newest.where(in_force(F.lit(job.day))).select("customer_id").distinct()


def ahead(job: Job) -> list[dict[str, Any]]:
    """Rows of `coming_up`: bounded by the number of RMs."""
    lake, settings, dormant_days = job.lake, job.settings.worklists, job.settings.flows.dormant_days
    books = book(called_customers(job), restricted(job), settings)
    since = F.lit(job.day - timedelta(days=dormant_days))
    units = lake.read("daily_flows").where((F.col("business_date") >= since) & (F.col("recorded_on") <= F.lit(job.day)))
    accounts = version_as_of(lake.read("accounts"), "account_id", job.day)
    return rows(coming_up(books, accounts, units, job.day, dormant_days, settings))


def team(job: Job) -> dict[str, list[dict[str, Any]]]:
    """Counts by RM, branch and type of alert, and what was held back: no customer is in them."""
    lake, settings, day = job.lake, job.settings.worklists, job.day
    at_home = branches(version_as_of(lake.read("accounts"), "account_id", day))
    alerts = lake.read("alerts").where(F.col("raised_on") <= F.lit(day)).join(at_home, "customer_id", "left").persist()
    words = last_words(known(lake.read("outcomes"), day), alerts, day, settings.results_days).persist()
    deposits = lake.read("customer_features").select("customer_id", "as_of", "deposits_balance")
    kept = money_kept(words, lake.read("abnormal_flows"), deposits, day).persist()
    told = gathered({
        "results_by_rm": results(words, kept, "relationship_manager_id"),
        "results_by_branch": results(words.join(alerts.select("alert_id", "branch"), "alert_id"), kept, "branch"),
        "results_by_type": results(words, kept, "type"),
        "load_by_rm": load(alerts, day, settings.results_days, settings, holder_of(settings)),
        "load_by_branch": load(alerts, day, settings.results_days, settings, F.col("branch")),
        "load_by_type": load(alerts, day, settings.results_days, settings, F.col("type")),
        "held_back": held_back(alerts, day),
    })
    for frame in (kept, words, alerts):
        frame.unpersist()
    return told
