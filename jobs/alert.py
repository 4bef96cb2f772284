"""Alert: what there is to tell of the day, who may be called, and what became of the alerts of the days before.

Frames that several steps read are cut off from their plans (`localCheckpoint`): planning a day as one query takes longer than
running it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import pandas as pd
import pyarrow as pa
import pyspark.sql.functions as F
from pyspark.sql import DataFrame, Row

from features.as_of import in_base_currency, known, latest_known_by
from features.catalogue import FEATURES
from jobs.context import Counts, Job
from jobs.customers_as_of import called_customers
from jobs.side_by_side import side_by_side
from models.portfolio import Portfolio, portfolio
from worklists.alert_id import alert_id
from worklists.calls import calls_at_stake, offer_places, within_places
from worklists.flow_matters import flow_matters, flows_at_hand, flows_to_tell, legs_of_flow, untold_flows
from worklists.headlines import OFFERS, in_words, with_offers
from worklists.lifecycle import (
    before_today,
    changed,
    decided,
    grown,
    may_grow,
    of_today,
    on_somebodys_list,
    overtaken,
    raised,
    superseded,
)
from worklists.matters import SALES, one_a_customer
from worklists.policy import contacts, drawn, held_back, offer_told, sales_days, sales_today, standing, with_priority
from worklists.reasons import chosen
from worklists.reversals import corrected_flows, resumed_incomes, taken_back, undone_flows
from worklists.sales_matters import life_event_matters, offer_matters, untold_life_events, untold_offers
from worklists.settlements import with_settlements

JUDGED = ("alert_id", "customer_id", "type", "priority", "at_stake", "hard", "safety", "undone", "offers", "would_be")
LONGEST_WINDOW_DAYS = 30  # no movement behind a flow is older than the flow by more


@dataclass(frozen=True)
class Known:
    """What is known today of customers and of what was said to them before."""

    stored: DataFrame  # alerts as they are stored
    before: DataFrame  # alerts raised before today, as they stand now
    live: DataFrame  # those of them on somebody's list
    outcomes: DataFrame
    standing: DataFrame
    scores: DataFrame


def run(job: Job) -> Counts:
    """Merge into `alerts` what the day raised, grew and closed."""
    today = known_today(job)
    matters, offers = matters_of_the_day(job, today)
    verdicts, counts = verdicts_of_the_day(job, today, matters, offers)
    rows = rows_of_the_day(job, today, matters, offers, verdicts).localCheckpoint()
    others = superseded(today.before.join(rows, "alert_id", "left_anti"), rows, job.settings, job.day).drop("_history")
    news = changed(others.unionByName(rows), today.stored, job.day).withColumn("run_id", F.lit(job.run_id)).localCheckpoint()
    by_kind = news.groupBy("type", "status", "suppressed_by").count().collect()
    if by_kind:
        job.lake.merge("alerts", news)
    rows_in = matters.count() + offers.count()
    return {"rows_in": rows_in, "rows_out": sum(row["count"] for row in by_kind)} | _told(by_kind) | counts


def known_today(job: Job) -> Known:
    """Alerts of the days before as they stand now, and how every customer stands to being called."""
    lake, day, policy = job.lake, job.day, job.settings.contact_policy
    stored = lake.read("alerts").where(F.col("raised_on") <= F.lit(day)).drop("run_id")
    outcomes = lake.read("outcomes").where(F.col("recorded_on") <= F.lit(day))
    restrictions = latest_known_by(lake.read("restrictions"), ("customer_id", "kind", "valid_from"), day)
    stand = standing(called_customers(job), restrictions, policy, day).localCheckpoint()
    before = overtaken(decided(before_today(stored, day), outcomes, job.settings, day), stand, job.settings, day).localCheckpoint()
    scores = lake.read("offer_scores").where(F.col("as_of") == F.lit(day))
    return Known(stored, before, before.where(on_somebodys_list(day)), outcomes, stand, scores)


def matters_of_the_day(job: Job, today: Known) -> tuple[DataFrame, DataFrame]:
    """What there is to tell, at most one row a customer.

    Returns
    -------
    matters : DataFrame of flows and life events, with what to offer and their priority; `joins`: whether one belongs to a live alert
    offers : DataFrame as `untold_offers` returns, of the customers with nothing but an offer to tell. Many more could be called
        about one than will be, so they stay narrow
    """
    settings, day, lake = job.settings, job.day, job.lake
    told_flows, offers = side_by_side(lambda: _flow_matters(job, today), lambda: _offers(job, today))
    events = untold_life_events(lake.read("life_events"), today.before, settings.contact_policy, day)
    stronger = today.live.where((F.col("type") != "next_best_offer") | (F.col("status") != "open"))
    events = events.join(stronger, "customer_id", "left_anti")
    found = one_a_customer(told_flows, life_event_matters(events, settings)).localCheckpoint()
    offers = offers.join(F.broadcast(found.select("customer_id")), "customer_id", "left_anti")
    found = found.where(F.lit(sales_today(settings.contact_policy, day)) | ~F.col("type").isin(*SALES))
    live = today.live.where(may_grow()).select("alert_id", F.lit(True).alias("joins"))
    answered = with_offers(found, today.scores, settings, _unspoken(job))
    return _ranked(job, answered).join(live, "alert_id", "left").localCheckpoint(), offers


def _ranked(job: Job, matters: DataFrame) -> DataFrame:
    """Adds `alert_id` and `priority`."""
    identified = matters.withColumn("alert_id", alert_id(F.col("customer_id"), F.col("matter")))
    return with_priority(identified, job.settings.contact_policy, job.day)


def verdicts_of_the_day(job: Job, today: Known, matters: DataFrame, offers: DataFrame) -> tuple[DataFrame, Counts]:
    """What holds today's new matters back: rules and caps, then the choice of calls about offers, then the lot.

    Returns
    -------
    DataFrame with `customer_id`, `relationship_manager_id`, `suppressed_by`, `control_group`: of every matter that becomes a row
    """
    policy, lake = job.settings.contact_policy, job.lake
    families = {offer_id: offer.family for offer_id, offer in job.settings.offers.items()}
    spoken = contacts(today.outcomes, today.stored, families)
    asleep = today.live.where("status = 'snoozed'")
    customers = today.standing.where("barred IS NULL OR barred <> 'closed_customer'").count()
    about_offers = _ranked(job, offer_matters(offers, job.settings).withColumn("offers", F.lit(None).cast(OFFERS)))
    candidates = matters.where("joins IS NULL").select(*JUDGED).unionByName(about_offers.select(*JUDGED))
    candidates = candidates.withColumn("family", chosen(F.coalesce("would_be.offer_id", offer_told()), families, None))
    held = held_back(candidates, today.standing, spoken, asleep, policy, job.day, customers).localCheckpoint()
    places = offer_places(policy, customers)
    asked = calls_at_stake(held, job.settings, places).toArrow().to_pandas().sort_values("customer", ignore_index=True)
    best = _best_calls(job, asked, places)
    row = {
        "business_date": job.day, "candidates": len(asked), "chosen": int(best.chosen.sum()), "value": round(best.value, 2),
        "bound": round(best.bound, 2), "gap": round(best.gap, 6),
        "prices": {name: round(price, 4) for name, price in sorted(best.prices.items())}, "run_id": job.run_id,
    }  # fmt: skip
    lake.replace("portfolios", lake.literal("portfolios", [row]), {"business_date": job.day})
    picked = pa.table({"customer_id": pa.array(asked["customer"][best.chosen], pa.string())})
    called = within_places(held, job.spark.createDataFrame(picked), places)
    verdicts = drawn(called, policy, job.day).select("customer_id", "relationship_manager_id", "suppressed_by", "control_group")
    return verdicts.localCheckpoint(), {"value_of_offers": round(best.value), "at_most": round(best.bound)} if len(asked) else {}


def _best_calls(job: Job, asked: pd.DataFrame, places: int) -> Portfolio:
    """The calls about offers that are worth most. Only ids, values and minutes of the few that compete are looked at here."""
    limited = asked.dropna(subset="left")
    days = sales_days(job.settings.contact_policy)
    quotas = {name: offer.daily_quota * days for name, offer in job.settings.offers.items() if offer.daily_quota}
    return portfolio(asked, dict(zip(limited["manager"], limited["left"], strict=True)), quotas, places)


def rows_of_the_day(job: Job, today: Known, matters: DataFrame, offers: DataFrame, verdicts: DataFrame) -> DataFrame:
    """The rows of alerts that today's matters raise, or grow."""
    settings, day = job.settings, job.day
    sold = offer_matters(offers.join(F.broadcast(verdicts.select("customer_id")), "customer_id", "left_semi"), settings)
    told = matters.where("joins IS NULL").drop("joins").unionByName(
        _ranked(job, with_offers(sold, today.scores, settings, _unspoken(job))))  # fmt: skip
    new = raised(in_words(told, settings).join(verdicts, "customer_id"), day).localCheckpoint()
    added = grown(in_words(matters.where("joins"), settings), today.before.drop("_history"), settings, day)
    return decided(of_today(new, today.stored, settings, day).unionByName(added), today.outcomes, settings, day)


def _unspoken(job: Job) -> list[str]:
    """What a model's reason must not name."""
    return sorted({feature.phrase[job.settings.bank.language] for feature in FEATURES if "purchases" in feature.source})


def _offers(job: Job, today: Known) -> DataFrame:
    scores = today.scores.where(F.lit(sales_today(job.settings.contact_policy, job.day)))
    untold = untold_offers(scores, today.before, job.settings, job.day)
    return untold.join(today.live, "customer_id", "left_anti").select("customer_id", "offer_id", "as_of", "would_be").localCheckpoint()


def _flow_matters(job: Job, today: Known) -> DataFrame:
    """The flows of the alerts to be written, with the transactions behind them."""
    flows = job.lake.read("abnormal_flows").where(F.col("detected_on") <= F.lit(job.day)).drop("run_id")
    live = today.live.where(may_grow())
    untold = untold_flows(flows, today.before, job.settings.contact_policy, job.day)
    settlements = job.lake.read("deposit_settlements").where(F.col("settled_on") <= F.lit(job.day))
    at_hand = with_settlements(flows_at_hand(untold, flows, live), settlements, job.settings).localCheckpoint()
    flow_settings = job.settings.flows
    window = max(*flow_settings.windows_days, LONGEST_WINDOW_DAYS)
    payments = flow_settings.income_grace_days + flow_settings.recurring_min_months * 31  # back to those an ended income is known by
    reach = F.when(F.col("kind") == "income_ended", payments).otherwise(window)
    since = at_hand.agg(F.min(F.date_sub("business_date", reach))).collect()[0][0] or job.day
    transactions = known(job.lake.read("transactions").where(F.col("business_date") >= F.lit(since)), job.day)
    behind = _legs(job, at_hand, transactions).localCheckpoint()
    legs = behind.where("counted")
    of_accounts = transactions.join(F.broadcast(legs.select("account_id").distinct()), "account_id", "left_semi")
    undone = undone_flows(at_hand, legs, taken_back(legs, of_accounts, flow_settings.return_days)).unionByName(
        resumed_incomes(at_hand, legs, of_accounts))
    if job.settings.feed("transactions").corrections:
        versions = job.lake.read("transactions").where(F.col("business_date").between(F.lit(since), F.lit(job.day)))
        corrected = corrected_flows(at_hand, versions.where(F.col("recorded_on") <= F.lit(job.day)), job.day)
        undone = undone.unionByName(corrected)
    undone = undone.groupBy("flow_id").agg(F.max("undone_on").alias("undone_on"))
    told = flows_to_tell(at_hand, undone, live, today.standing, job.day).localCheckpoint()
    return flow_matters(told, behind, job.settings).localCheckpoint()


def _legs(job: Job, flows: DataFrame, transactions: DataFrame) -> DataFrame:
    """The transactions behind flows, with their amount in base currency; `counted`: part of one, not only netted beside one."""
    behind = flows.select(legs_of_flow()).select("leg.*").groupBy("transaction_id").agg(F.bool_or("counted").alias("counted"))
    found = transactions.join(F.broadcast(behind), "transaction_id")
    rates = latest_known_by(job.lake.read("fx_rates"), ("rate_date", "currency"), job.day)
    legs = in_base_currency(found, rates, job.settings.bank.base_currency)
    return legs.select(
        "transaction_id", "account_id", "business_date", "amount", "currency", "amount_base", "direction", "channel", "counterparty",
        "type", "description", "counted",
    )


def _told(by_kind: list[Row]) -> Counts:
    """How many rows were written: open ones by type, held-back ones by rule, others by status."""
    told: Counter[str] = Counter()
    for row in by_kind:
        name = {"open": row["type"], "suppressed": f"held back: {row['suppressed_by']}"}.get(row["status"], row["status"])
        told[name] += row["count"]
    return dict(sorted(told.items()))


if __name__ == "__main__":
    from jobs.cli import main

    main("alert")
