"""Detect: daily flows and their baselines, then what was abnormal, with the reason."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import reduce

import pyspark.sql.functions as F
from pyspark.sql import DataFrame

from conf.settings import Flows
from features.as_of import in_base_currency, known, latest_known_by, told_since, version_as_of
from features.bands import age_on, band
from features.baselines import SERIES, rebuilt, updated
from features.deposit_events import newly_closed
from features.deposit_money import settled
from features.feed_gaps import missing_days
from features.flows import (
    RECURRING_LOOKBACK_DAYS,
    UNIT,
    changed_units,
    daily_flows,
    external_flows,
    latest_known,
    may_recur,
    owned,
    recorded_units,
    untold,
    window_sums,
    with_expected,
    with_told,
)
from features.known_assets import known_assets
from jobs.abnormal_flow_rows import ended_income_rows, hard_event_rows, statistical_rows, with_legs_netted
from jobs.context import Counts, Job
from jobs.flow_answers import answers, false_alarms, forgiven_units, learned_today, returned, told_rows
from models.abnormal_flow import calibrating, exposures, own_baselines, surprises, with_p_and_q
from models.flow_chance import Learned
from models.materiality import hard_severity, judged_units, material, told_once

CALIBRATION_DAYS = 60
HARD_EVENT_LOOKBACK_DAYS = 30  # a late row of an older day is history, not news
FIRST_RUN_DAYS = 7  # a new lake tells of the last week; what is older is history


@dataclass(frozen=True)
class Look:
    """What one run looks at."""

    since: date | None  # the last day detected; None on the first run
    day: date
    data_start: date
    baseline_day: date  # the baseline is of this day: nothing judged is in it
    report_from: date  # movements before it calibrate, but are not reported
    silent: tuple[date, ...]  # days the feed had nothing of


def run(job: Job) -> Counts:
    """Write the day's `daily_flows`, `flow_baselines`, `abnormal_flows` and `deposit_settlements`; say what was found, and how much of it
    is probably no news."""
    found = detected(job)
    job.lake.replace("daily_flows", found.units, {"recorded_on": job.day})
    job.lake.replace("flow_baselines", _baseline_today(job, found.look), {"as_of": job.day})
    job.lake.replace("abnormal_flows", found.abnormal, {"detected_on": job.day})
    job.lake.replace("deposit_settlements", found.settled, {"settled_on": job.day})
    written = job.lake.read("abnormal_flows").where(F.col("detected_on") == F.lit(job.day))
    by_kind = written.groupBy("kind").agg(F.count("*").alias("n"), F.sum(1 - F.col("chance")).alias("no_news")).collect()
    kinds = {row["kind"]: row["n"] for row in by_kind}
    expected = {"expected_false_alarms": round(sum(row["no_news"] or 0 for row in by_kind))}
    without_rate = {row["currency"]: row["count"] for row in found.without_rate.groupBy("currency").count().collect()}
    for currency, count in sorted(without_rate.items()):
        job.progress(f"{job.day}  [yellow]detect: {count:,} movements in {currency} were not judged: fx_rates has no rate[/yellow]")
    unrated = {"without_rate": sum(without_rate.values())} if without_rate else {}
    return {"rows_in": found.judged_units.count(), "rows_out": sum(kinds.values()), **kinds, **expected, **unrated}


@dataclass(frozen=True)
class Detected:
    look: Look
    units: DataFrame  # rows for daily_flows
    abnormal: DataFrame  # rows for abnormal_flows
    settled: DataFrame  # rows for deposit_settlements
    judged_units: DataFrame
    without_rate: DataFrame  # new movements nothing can be said of: their currency has no rate


def detected(job: Job, first_run_days: int = FIRST_RUN_DAYS) -> Detected:
    """What a day's look finds, from the tables as they were known on that day; writes nothing.

    The first look of a lake tells of the last `first_run_days`; those before, up to `CALIBRATION_DAYS`, calibrate its p-values.
    """
    settings, lake, day = job.settings.flows, job.lake, job.day
    stored = lake.read("daily_flows").where(F.col("recorded_on") < F.lit(day))
    since = last_look(job)
    versions = _versions(job)
    # cuts the plan: later steps would be planned anew with all that is below
    everyone = version_as_of(versions, "account_id", day).localCheckpoint()
    versions = versions.where(F.col("recorded_on") <= F.lit(day))
    transactions = known(lake.read("transactions"), day)
    changed = transactions if since is None else told_since(lake.read("transactions"), since, day)
    span = changed.agg(F.min("business_date"), F.max("business_date")).collect()[0]
    look = _look(job, since, span[0] or _data_start(job), first_run_days, transactions)
    first_day = look.report_from if since is None else since - timedelta(days=HARD_EVENT_LOOKBACK_DAYS)
    touched_from = span[0] or day
    if since is None:
        touched_from = max(touched_from, _reach(day, first_run_days, settings))
        changed = changed.where(F.col("business_date") >= F.lit(touched_from))
    days = changed.join(everyone, "account_id").select("customer_id", "business_date").distinct().localCheckpoint()
    closed = newly_closed(everyone, versions, since, first_day).localCheckpoint()
    accounts = everyone if since is None else _looked_at(everyone, days, closed).localCheckpoint()
    moved = owned(_moved(job, transactions, touched_from, min(touched_from, first_day)), accounts).localCheckpoint()  # read once
    told_already = told_rows(job, days, touched_from)
    flows = with_told(with_expected(external_flows(moved), settings), told_already, days).localCheckpoint()
    stood = latest_known(stored.where(F.col("business_date") >= F.lit(touched_from)), day)
    new_units = changed_units(daily_flows(flows), stood, days).withColumns(
        {"recorded_on": F.lit(day), "flagged": F.lit(False), **{name: F.lit(None).cast("double") for name in ("surprise", "log_odds")}}
    )
    new_units = (new_units if told_already is None else _still_flagged(new_units, stood, flows)).localCheckpoint()
    touched = new_units.select(*UNIT)
    reach = F.lit(touched_from - timedelta(days=max(settings.windows_days)))
    around = latest_known(stored.where(F.col("business_date") >= reach).unionByName(new_units), day).localCheckpoint()

    answered = answers(job)
    learned = learned_today(answered)
    news = around if told_already is None else untold(around, flows)
    judged = _judged(job, look, everyone, news, touched, learned).localCheckpoint()
    rare = judged.where(F.size("_windows") > 0)
    abnormal = told_once(material(rare, _means(job, rare, accounts, moved), settings).where("_window IS NOT NULL")).localCheckpoint()
    fresh = abnormal.where(F.col("business_date") >= F.lit(look.report_from))
    told = reduce(DataFrame.unionByName, (
        statistical_rows(job, fresh, _with_flagged(flows, around, day), learned),
        hard_event_rows(job, accounts, versions, closed, moved, flows, transactions, look.data_start, since, first_day),
        _ended_incomes(job, look, transactions, everyone),
    ))  # fmt: skip
    told = with_legs_netted(job, told, moved)
    units = recorded_units(around, judged, abnormal, touched, day)
    no_news = [flows for flows in (false_alarms(answered), returned(job)) if flows is not None]
    if no_news:
        forgiven = forgiven_units(job, reduce(DataFrame.unionByName, no_news), stored)
        units = units.unionByName(forgiven.join(units, list(UNIT), "left_anti"))
    new = F.col("business_date") >= F.lit(look.report_from) if since is None else F.col("recorded_on") > F.lit(since)
    later = settled(_unsettled(job), moved, everyone, flows, first_day, day, settings).withColumns(
        {"severity": hard_severity("early_withdrawal", settings), "settled_on": F.lit(day), "run_id": F.lit(job.run_id)})
    return Detected(look, units, told, later, judged, moved.where(new & F.col("amount_base").isNull()))


def _reach(day: date, first_run_days: int, settings: Flows) -> date:
    """The first day whose flows a first look needs: what is judged, and what is usual before it. A longer history costs no more."""
    judged, usual = max(first_run_days, CALIBRATION_DAYS), max(settings.baseline_days, settings.dormant_days)
    return day - timedelta(days=judged + usual + max(settings.windows_days))


def last_look(job: Job) -> date | None:
    """The last day before the job's that was detected; None before the first."""
    before = job.lake.read("daily_flows").where(F.col("recorded_on") < F.lit(job.day))
    last: date | None = before.agg(F.max("recorded_on")).collect()[0][0]
    return last


def _look(job: Job, since: date | None, first_new: date, first_run_days: int, transactions: DataFrame) -> Look:
    day, data_start = job.day, _data_start(job) if since is not None else first_new
    if since is not None:
        silent = _silent(job, transactions, data_start, since)
        return Look(since, day, data_start, since, since - timedelta(days=job.settings.flows.baseline_days), silent)
    learned = max((day - data_start).days // 4, first_run_days)
    baseline_day = day - timedelta(days=min(learned, CALIBRATION_DAYS))
    silent = _silent(job, transactions, data_start, baseline_day)
    return Look(None, day, data_start, baseline_day, day - timedelta(days=first_run_days - 1), silent)


def _silent(job: Job, transactions: DataFrame, data_start: date, baseline_day: date) -> tuple[date, ...]:
    """Days of which the feed had nothing, back to where exposure and the incomes that are overdue now begin."""
    settings = job.settings.flows
    first = max(data_start, baseline_day - timedelta(days=max(settings.baseline_days, settings.income_grace_days)))
    seen = transactions.where(F.col("business_date") >= F.lit(first)).select("business_date").distinct().collect()
    return tuple(missing_days([row[0] for row in seen], first, job.day))


def _data_start(job: Job) -> date:
    """First business date of all data; answered from file statistics, not from the rows."""
    return job.lake.read("transactions").agg(F.min("business_date")).collect()[0][0] or job.day


def _looked_at(accounts: DataFrame, days: DataFrame, closed: DataFrame) -> DataFrame:
    """All accounts of whoever moved money or closed an account: only they can have news, and what they did before is all that is read."""
    return accounts.join(days.select("customer_id").union(closed.select("customer_id")), "customer_id", "left_semi")


def _moved(job: Job, transactions: DataFrame, touched_from: date, told_from: date) -> DataFrame:
    """Transactions a look needs, in base currency: all of the days it may tell of and the windows before them, and of the months
    before those only what is large enough to recur. So a look costs what the last weeks hold, not what the history does."""
    settings = job.settings.flows
    first = touched_from - timedelta(days=RECURRING_LOOKBACK_DAYS + max(settings.windows_days))
    whole_from = told_from - timedelta(days=max(*settings.windows_days, settings.drained_days))
    recent = transactions.where(F.col("business_date") >= F.lit(first))
    in_base = in_base_currency(recent, _rates(job), job.settings.bank.base_currency)
    return in_base.where((F.col("business_date") >= F.lit(whole_from)) | may_recur(settings))


def _means(job: Job, rare: DataFrame, accounts: DataFrame, moved: DataFrame) -> DataFrame:
    """What the few customers with something rare have and earn, as known on the day."""
    few = F.broadcast(rare.select("customer_id").distinct())
    theirs = accounts.join(few, "customer_id", "left_semi")
    assets = known_assets(theirs, moved.join(few, "customer_id", "left_semi"))
    customers = version_as_of(job.lake.read("customers").join(few, "customer_id", "left_semi"), "customer_id", job.day)
    return customers.select("customer_id", "annual_income").join(assets, "customer_id", "left")


def _ended_incomes(job: Job, look: Look, transactions: DataFrame, accounts: DataFrame) -> DataFrame:
    """Regular incomes overdue since the last look: of all customers, as whoever is no longer paid may move nothing else."""
    overdue_from = look.report_from if look.since is None else look.since + timedelta(days=1)
    oldest = overdue_from - timedelta(days=job.settings.flows.income_grace_days)
    recent = transactions.where(F.col("business_date") >= F.lit(oldest - timedelta(days=RECURRING_LOOKBACK_DAYS)))
    in_base = in_base_currency(recent, _rates(job), job.settings.bank.base_currency)
    return ended_income_rows(job, in_base, accounts, look.silent, overdue_from)


def _unsettled(job: Job) -> DataFrame:
    """Flows told before the day, without the broken deposits whose money is known to have been placed again, or to have left."""
    before = job.lake.read("abnormal_flows").where(F.col("detected_on") < F.lit(job.day))
    known_before = job.lake.read("deposit_settlements").where(F.col("settled_on") < F.lit(job.day))
    return before.join(F.broadcast(known_before.select("flow_id")), "flow_id", "left_anti")


def _still_flagged(units: DataFrame, stood: DataFrame, flows: DataFrame) -> DataFrame:
    """Units that are looked at anew, `flagged` as they stood where something that was told is still in them."""
    told = flows.where("told").select(*UNIT).distinct()
    before = stood.where("flagged").join(F.broadcast(told), list(UNIT), "left_semi").select(*UNIT, F.lit(True).alias("_flagged"))
    kept = F.coalesce("_flagged", F.lit(False))
    return units.join(F.broadcast(before), list(UNIT), "left").withColumn("flagged", kept).drop("_flagged")


def _with_flagged(flows: DataFrame, around: DataFrame, day: date) -> DataFrame:
    """Adds `flagged`: whether an earlier look told of the flow's day and direction, or of the flow on a day that is looked at anew: sums
    leave it out."""
    before = around.where(F.col("flagged") & (F.col("recorded_on") < F.lit(day))).select(*UNIT, "flagged")
    return flows.join(F.broadcast(before), list(UNIT), "left").withColumn("flagged", F.coalesce("flagged", F.lit(False)) | F.col("told"))


def _versions(job: Job) -> DataFrame:
    """Every version of accounts, with the principal in base currency at the day's rate."""
    versions = job.lake.read("accounts").withColumn("business_date", F.lit(job.day))
    converted = in_base_currency(versions, _rates(job), job.settings.bank.base_currency, "principal")
    return converted.withColumnRenamed("amount_base", "principal_base").drop("business_date")


def _rates(job: Job) -> DataFrame:
    """Rates as known on the day; a corrected one replaces the first."""
    return latest_known_by(job.lake.read("fx_rates"), job.lake.table("fx_rates").key, job.day)


def _exposure(job: Job, look: Look, accounts: DataFrame) -> DataFrame:
    """Peer bands, exposure and tenure of every customer with deposits, as of the baseline's day."""
    bands = job.settings.segments.bands
    days = exposures(accounts, look.data_start, look.baseline_day, job.settings.flows.baseline_days, look.silent)
    return version_as_of(job.lake.read("customers"), "customer_id", job.day).join(days, "customer_id").select(
        "customer_id",
        band(age_on(F.col("birth_date"), job.day), bands.age).alias("age_band"),
        band(F.col("annual_income"), bands.income).alias("income_band"),
        "account_types",
        "exposure_days",
        "tenure_days",
    )


def _baseline_before(job: Job, look: Look, around: DataFrame) -> DataFrame:
    settings = job.settings.flows
    if look.since is None:
        return rebuilt(around, look.baseline_day, settings.windows_days, settings.baseline_days, settings.bin_ratio,
                       recorded_by=job.day)
    return _baseline_of(job, look.since)


def _baseline_today(job: Job, look: Look) -> DataFrame:
    settings, units = job.settings.flows, job.lake.read("daily_flows")
    shape = (settings.windows_days, settings.baseline_days, settings.bin_ratio)
    if look.since is None:
        today = rebuilt(units, job.day, *shape)
    else:
        today = updated(_baseline_of(job, look.since), units, look.since, job.day, *shape)
    return today.withColumn("as_of", F.lit(job.day))


def _baseline_of(job: Job, day: date) -> DataFrame:
    """The baseline as stored on a day, or counted anew where it is not: an older version stored a row a bin."""
    stored = job.lake.read("flow_baselines").where((F.col("as_of") == F.lit(day)) & F.col("bins").isNotNull()).select(*SERIES, "bins")
    if not stored.isEmpty():
        return stored
    settings = job.settings.flows
    return rebuilt(job.lake.read("daily_flows"), day, settings.windows_days, settings.baseline_days, settings.bin_ratio)


def _reached(touched: DataFrame, day: date, reach: int) -> DataFrame:
    """Touched units and those of up to `reach` days after them, with `_days_after` the last touched one."""
    until = F.least(F.greatest(F.date_diff(F.lit(day), "business_date"), F.lit(0)), F.lit(reach))
    later = touched.withColumn("_days_after", F.explode(F.sequence(F.lit(0), until)))
    on = F.date_add("business_date", F.col("_days_after")).alias("business_date")
    return later.select("customer_id", on, "direction", "_days_after").groupBy(*UNIT).agg(F.min("_days_after").alias("_days_after"))


def _judged(job: Job, look: Look, accounts: DataFrame, around: DataFrame, touched: DataFrame, learned: Learned) -> DataFrame:
    """One row a unit, with how surprising it is among the days before.

    Judged are touched days, and again the days after them known already whose longer sums hold one: its row came late.
    """
    settings = job.settings.flows
    reach = 0 if look.since is None else max(settings.windows_days) - 1
    sums = window_sums(around, settings.windows_days).join(_reached(touched, job.day, reach), list(UNIT))
    if look.since is None:
        sums = sums.where(F.col("business_date") > F.lit(look.baseline_day))
    baseline, exposure = _baseline_before(job, look, around).localCheckpoint(), _exposure(job, look, accounts).localCheckpoint()
    own = own_baselines(baseline, settings).localCheckpoint()
    scored = surprises(sums, baseline, own, exposure, settings).where("_days_after < window_days")
    units = judged_units(scored, settings).localCheckpoint()
    if look.since is None:
        past = units.where(F.col("business_date") < F.lit(look.report_from))
    else:
        lately = F.col("business_date").between(F.lit(look.since - timedelta(days=CALIBRATION_DAYS)), F.lit(look.since))
        past = latest_known(job.lake.read("daily_flows").where(lately), look.since)
    return with_p_and_q(units, calibrating(past, learned))


if __name__ == "__main__":
    from jobs.cli import main

    main("detect")
