"""The payments that are evidence of life events: carried from the last day's, or counted anew where they cannot be."""

from __future__ import annotations

import pyspark.sql.functions as F
from pyspark.sql import DataFrame

from features.as_of import known, told_since, version_as_of
from features.flows import owned
from features.life_evidence import lookback_from
from features.payment_evidence import COLUMNS, carried_payment_evidence, payment_evidence
from jobs.carrying import Since
from jobs.context import Job

PAYMENT = ("customer_id", "business_date", "direction", "type", "amount", "currency", "description", "counterparty")


def evidence_of_day(job: Job, since: Since | None, customers: DataFrame) -> DataFrame:
    """One row a consenting customer as `payment_evidence` returns, computed, carried where it can be.

    Parameters
    ----------
    job : Job
    since : Since, optional
        What the day is carried on from.
    customers : DataFrame as `features.life_events.consenting` returns
    """
    return carried(job, since, customers) if since else counted(job, customers)


def counted(job: Job, customers: DataFrame) -> DataFrame:
    """The evidence of some customers, from a year of payments."""
    payments = _payments(job, job.lake.read("transactions"), customers)
    return payment_evidence(payments, customers, job.settings.enabled_life_events).localCheckpoint()


def carried(job: Job, since: Since, customers: DataFrame) -> DataFrame:
    """The evidence of the job's day, equal to `counted`, from that of an earlier one.

    Whoever consents anew, or whose past is another one now, is counted anew.
    """
    events = job.settings.enabled_life_events
    before = job.lake.read("payment_evidence").where(F.col("as_of") == F.lit(since.before)).select("customer_id", *COLUMNS)
    same = before.join(customers, "customer_id", "left_semi").join(since.anew, "customer_id", "left_anti").localCheckpoint()
    told = _payments(job, told_since(job.lake.read("transactions"), since.before, job.day), same)
    found = carried_payment_evidence(same, payment_evidence(told, same, events), lookback_from(events, job.day))
    others = customers.join(same, "customer_id", "left_anti").select("customer_id").localCheckpoint()
    if not others.isEmpty():
        found = found.unionByName(counted(job, others))
    return found.localCheckpoint()


def _payments(job: Job, transactions: DataFrame, customers: DataFrame) -> DataFrame:
    """The customers' known payments within the lookback, own transfers left out; computed, as they are read thrice."""
    day, accounts = job.day, version_as_of(job.lake.read("accounts"), "account_id", job.day)
    theirs = accounts.join(customers, "customer_id", "left_semi").localCheckpoint()
    in_sight = transactions.where(F.col("business_date") >= F.lit(lookback_from(job.settings.enabled_life_events, day)))
    return owned(known(in_sight, day), theirs).where(~F.col("own_transfer")).select(*PAYMENT).localCheckpoint()
