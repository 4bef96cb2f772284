"""What was found, as rows of `abnormal_flows`: kind, severity, cause, reason, and an id that is a hash of what happened."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from functools import reduce

import pyspark.sql.functions as F
from pyspark.sql import Column, DataFrame

from features.account_events import drained, woken
from features.deposit_events import closures, early_withdrawals
from features.ended_incomes import ended_incomes, stopped_series
from features.flow_evidence import with_netted, with_rows_behind
from jobs.context import Job
from models.flow_chance import Learned, chance
from models.materiality import hard_severity
from worklists.flow_reasons import (
    closure_reason,
    drained_reason,
    early_withdrawal_reason,
    flow_reason,
    income_ended_reason,
    likely_cause,
    with_netted_told,
    woken_reason,
)

OF_SOME: dict[str, tuple[str, int | None]] = {  # what only some kinds have, most by statistics: its type, and what the others have instead
    "window_days": ("int", 1), "usual_amount": ("decimal(18,2)", 0), "return_period_years": ("double", None),
    "p_value": ("double", None), "q_value": ("double", None), "log_odds": ("double", None), "chance": ("double", None),
    "observations": ("bigint", None), "peer_group": ("string", None), "peer_weight": ("double", None), "cause": ("string", None),
    "went": ("string", None),
}


def statistical_rows(job: Job, abnormal: DataFrame, flows: DataFrame, answers: Learned) -> DataFrame:
    """Abnormal withdrawals and deposits, with the chance that they are news, as answers so far have taught it."""
    kind = F.when(F.col("direction") == "debit", "withdrawal").otherwise("deposit")
    told = with_rows_behind(abnormal, flows, job.settings.flows).withColumns(
        {"kind": kind, "cause": likely_cause(job.settings.flows.causes), "chance": chance(answers)})
    what = F.concat_ws("|", "kind", "customer_id", "business_date", "window_days", "amount", F.array_join("transaction_ids", ","))
    return _rows(job, told, flow_reason(job.settings), what)


def ended_income_rows(job: Job, transactions: DataFrame, accounts: DataFrame, missing: Sequence[date], overdue_from: date) -> DataFrame:
    """Regular incomes that have ended, each told on the day it is overdue, or on the next that is looked at.

    Parameters
    ----------
    transactions : DataFrame known on the day, with `amount_base`
    accounts : DataFrame of all accounts as of the day
    missing : days on which the feed was silent
    overdue_from : the first day looked at now
    """
    settings = job.settings.flows
    stopped = stopped_series(transactions, overdue_from, job.day, settings).localCheckpoint()
    ended = ended_incomes(stopped, transactions, accounts, missing, settings).withColumns(
        {"usual_amount": F.col("amount"), "transaction_ids": F.col("payments.transaction_id")})
    of_series = F.concat_ws("|", "kind", "account_id", "type", "side", "last_on")
    return _rows(job, _of_kind(ended, "income_ended", job), income_ended_reason(job.settings), of_series)


def with_legs_netted(job: Job, rows: DataFrame, moved: DataFrame) -> DataFrame:
    """The day's rows with what was netted out beside each; only the days of what is told are looked at again."""
    found = with_netted(rows.localCheckpoint(), moved)
    return found.withColumn("reason", with_netted_told(job.settings)).drop("own_moved", "both_ways")


def hard_event_rows(
    job: Job, accounts: DataFrame, versions: DataFrame, closed: DataFrame, moved: DataFrame, flows: DataFrame,
    transactions: DataFrame, data_start: date, since: date | None, first_day: date,
) -> DataFrame:
    """Events that need no statistics, each told once: of a deposit broken piece by piece each piece, when it becomes known.

    Parameters
    ----------
    accounts : DataFrame of accounts as of the day, with `principal_base`
    versions : DataFrame of every version of accounts known on the day, with `principal_base`
    closed : DataFrame as `newly_closed` returns
    moved : DataFrame of transactions as `owned` returns, with `amount_base`
    flows : DataFrame as `with_expected` returns
    transactions : DataFrame of all transactions known on the day
    data_start, since, first_day : first day of all data, day of the last look, first day looked at now
    """
    before = job.lake.read("abnormal_flows").where(F.col("detected_on") < F.lit(job.day))
    found = reduce(DataFrame.unionByName, _hard_events(
        job, before, accounts, versions, closed, moved, flows, transactions, data_start, since, first_day))
    alike = (F.col("n.kind") == F.col("b.kind")) & (F.col("n.account_id") == F.col("b.account_id"))
    again = F.col("n.business_date") <= F.date_add(F.col("b.business_date"), job.settings.flows.told_again_days)
    same_state = F.col("n.kind").isin("drained", "woken") & again
    by_status = (F.size("n.transaction_ids") == 0) | (F.size("b.transaction_ids") == 0)
    same_break = (F.col("n.kind") == "early_withdrawal") & by_status  # the money and the closing, whichever became known first
    fresh = found.alias("n").join(before.alias("b"), alike & (same_state | same_break), "left_anti").select("n.*")
    return fresh.join(before.select("flow_id"), "flow_id", "left_anti")


def _hard_events(
    job: Job, before: DataFrame, accounts: DataFrame, versions: DataFrame, closed: DataFrame, moved: DataFrame, flows: DataFrame,
    transactions: DataFrame, data_start: date, since: date | None, first_day: date,
) -> Iterator[DataFrame]:
    settings, spoken = job.settings.flows, job.settings
    new = moved if since is None else moved.where(F.col("recorded_on") > F.lit(since))
    cause = likely_cause(settings.causes)
    of_account = F.concat_ws("|", "kind", "account_id")
    of_day = F.concat_ws("|", of_account, "business_date")
    of_break = F.when(F.size("transaction_ids") == 0, of_day).otherwise(
        F.concat_ws("|", of_account, F.array_join("transaction_ids", ",")))

    told = before.where("kind = 'early_withdrawal'").select("account_id", F.explode("transaction_ids").alias("transaction_id"))
    untold = new.join(told.distinct(), ["account_id", "transaction_id"], "left_anti")
    broken = early_withdrawals(accounts, versions, closed, untold, moved, flows, first_day, job.day, settings)
    yield _rows(job, _of_kind(broken, "early_withdrawal", job), early_withdrawal_reason(spoken), of_break)
    shut = closures(accounts, closed, new, before.where("kind = 'closure'"), first_day, settings)
    yield _rows(job, _of_kind(shut, "closure", job), closure_reason(spoken), of_account)
    emptied = drained(moved, flows, since, first_day, settings).withColumn("direction", F.lit("debit"))
    yield _rows(job, _of_kind(emptied, "drained", job).withColumn("cause", cause), drained_reason(spoken), of_day)
    awake = woken(flows, transactions, accounts, data_start, since, first_day, settings)
    yield _rows(job, _of_kind(awake, "woken", job).withColumn("cause", cause), woken_reason(spoken), of_day)


def _of_kind(events: DataFrame, kind: str, job: Job) -> DataFrame:
    return events.withColumns({"kind": F.lit(kind), "severity": hard_severity(kind, job.settings.flows)})


def _rows(job: Job, told: DataFrame, reason: Column, identity: Column) -> DataFrame:
    filled = told.withColumns({
        name: F.lit(instead).cast(kind) for name, (kind, instead) in OF_SOME.items() if name not in told.columns
    })
    late = F.col("_recorded") > F.date_add("business_date", 1) if "_recorded" in told.columns else F.lit(False)
    return filled.select(
        F.sha2(identity, 256).substr(1, 24).alias("flow_id"), "customer_id", "account_id", "business_date", "kind",
        *OF_SOME, "transaction_ids", "amount", "severity", reason.alias("reason"), late.alias("late"),
        F.lit(job.day).alias("detected_on"), F.lit(job.run_id).alias("run_id"),
    )
