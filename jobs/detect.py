"""Detect: daily flows and their baselines, then what was abnormal, with the reason."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import pyspark.sql.functions as F
from pyspark.sql import Column, DataFrame

from features.as_of import in_base_currency, known, version_as_of
from features.bands import age_on, band
from features.baselines import rebuilt, updated
from features.deposit_events import closures, early_withdrawals
from features.flows import (
    RECURRING_LOOKBACK_DAYS,
    UNIT,
    daily_flows,
    external_flows,
    latest_known,
    owned,
    window_sums,
    with_recurring,
)
from jobs.context import Counts, Job
from models.abnormal_flow import calibrated, exposure_days, is_abnormal, severity, surprises
from worklists.flow_reasons import closure_reason, early_withdrawal_reason, flow_reason

CALIBRATION_DAYS = 60
FIRST_RUN_DAYS = 7  # a new lake tells of the last week; what is older is history


@dataclass(frozen=True)
class Look:
    """What one run looks at."""

    since: date | None  # the last day detected; None on the first run
    day: date
    data_start: date
    baseline_day: date  # the baseline is of this day: nothing judged is in it
    report_from: date  # movements before it calibrate, but are not reported


def run(job: Job) -> Counts:
    """Write the day's `daily_flows`, `flow_baselines` and `abnormal_flows`."""
    found = detected(job)
    job.lake.replace("daily_flows", found.units, {"recorded_on": job.day})
    job.lake.replace("flow_baselines", _baseline_today(job, found.look), {"as_of": job.day})
    flows = found.abnormal.persist()
    kinds = {row["kind"]: row["count"] for row in flows.groupBy("kind").count().collect()}
    job.lake.replace("abnormal_flows", flows, {"detected_on": job.day})
    rows_in = found.judged_units.count()
    for frame in (flows, *found.cached):
        frame.unpersist()
    return {"rows_in": rows_in, "rows_out": sum(kinds.values()), **kinds}


@dataclass(frozen=True)
class Detected:
    look: Look
    units: DataFrame  # rows for daily_flows
    abnormal: DataFrame  # rows for abnormal_flows
    judged_units: DataFrame
    cached: tuple[DataFrame, ...]


def detected(job: Job) -> Detected:
    """What a day's look finds, from the tables as they were known on that day; writes nothing."""
    settings, lake, day = job.settings.flows, job.lake, job.day
    stored = lake.read("daily_flows").where(F.col("recorded_on") < F.lit(day))
    since = stored.agg(F.max("recorded_on")).first()[0]
    accounts = _accounts(job).persist()
    transactions = known(lake.read("transactions"), day)
    new = transactions if since is None else transactions.where(F.col("recorded_on") > F.lit(since))
    span = new.agg(F.min("business_date"), F.max("business_date")).first()
    look = _look(since, day, *(_data_start(job) if span[0] is None else (span[0],)), job=job)

    first = (span[0] or day) - timedelta(days=RECURRING_LOOKBACK_DAYS + max(settings.windows_days))
    moved = in_base_currency(
        owned(transactions.where(F.col("business_date") >= F.lit(first)), accounts),
        lake.read("fx_rates"),
        job.settings.bank.base_currency,
    )
    flows = with_recurring(external_flows(moved), settings.recurring_min_months, settings.recurring_tolerance).persist()
    touched = _touched(flows, look.since).persist()
    new_units = daily_flows(flows.join(touched, list(UNIT), "left_semi")).withColumns(
        {"recorded_on": F.lit(day), "flagged": F.lit(False), "surprise": F.lit(None).cast("double")}
    )
    reach = F.lit((span[0] or day) - timedelta(days=max(settings.windows_days)))
    around = latest_known(stored.where(F.col("business_date") >= reach).unionByName(new_units), day).persist()

    judged = _judged(job, look, around, touched).persist()
    abnormal_sums = judged.where(F.col("_window").isNotNull())
    fresh = abnormal_sums.where(F.col("business_date") >= F.lit(look.report_from))
    abnormal = _statistical(job, look, fresh, flows).unionByName(
        _hard_events(job, look, accounts, moved.where(F.col("recorded_on") > F.lit(since or date(1, 1, 1))), flows)
    )
    return Detected(look, _recorded(around, judged, abnormal_sums, touched, day), abnormal, judged,
                    (accounts, flows, touched, around, judged))


def _look(since: date | None, day: date, first_new: date, job: Job) -> Look:
    data_start = _data_start(job)[0] if since is not None else first_new
    if since is not None:
        return Look(since, day, data_start, since, since - timedelta(days=job.settings.flows.baseline_days))
    learned = max((day - data_start).days // 4, FIRST_RUN_DAYS)
    baseline_day = day - timedelta(days=min(learned, CALIBRATION_DAYS))
    return Look(None, day, data_start, baseline_day, day - timedelta(days=FIRST_RUN_DAYS - 1))


def _data_start(job: Job) -> tuple[date]:
    """First business date of all data; answered from file statistics, not from the rows."""
    first = job.lake.read("transactions").agg(F.min("business_date")).first()
    return (first[0] or job.day,)


def _accounts(job: Job) -> DataFrame:
    """Accounts as of the day, with their principal in base currency."""
    accounts = version_as_of(job.lake.read("accounts"), "account_id", job.day).withColumn("business_date", F.lit(job.day))
    converted = in_base_currency(accounts, job.lake.read("fx_rates"), job.settings.bank.base_currency, "principal")
    return converted.withColumnRenamed("amount_base", "principal_base").drop("business_date")


def _touched(flows: DataFrame, since: date | None) -> DataFrame:
    """Units with a row recorded since the last look; a late row touches the day it happened on."""
    new = flows if since is None else flows.where(F.col("recorded_on") > F.lit(since))
    return new.select(*UNIT).distinct()


def _exposure(job: Job, look: Look) -> DataFrame:
    """Peer bands and own exposure of every customer, as of the baseline's day."""
    bands = job.settings.segments.bands
    opened = version_as_of(job.lake.read("accounts"), "account_id", job.day).groupBy("customer_id").agg(
        F.min("opened_on").alias("_opened")
    )
    days = exposure_days(
        F.coalesce("_opened", "joined_on"), look.data_start, look.baseline_day, job.settings.flows.baseline_days
    )
    return version_as_of(job.lake.read("customers"), "customer_id", job.day).join(opened, "customer_id", "left").select(
        "customer_id",
        band(age_on(F.col("birth_date"), job.day), bands.age).alias("age_band"),
        band(F.col("annual_income"), bands.income).alias("income_band"),
        days.alias("exposure_days"),
    )


def _baseline_before(job: Job, look: Look, around: DataFrame) -> DataFrame:
    settings = job.settings.flows
    if look.since is None:
        return rebuilt(around, look.baseline_day, settings.windows_days, settings.baseline_days, settings.bin_ratio,
                       recorded_by=job.day)
    return job.lake.read("flow_baselines").where(F.col("as_of") == F.lit(look.since)).drop("as_of")


def _baseline_today(job: Job, look: Look) -> DataFrame:
    settings, units = job.settings.flows, job.lake.read("daily_flows")
    shape = (settings.windows_days, settings.baseline_days, settings.bin_ratio)
    if look.since is None:
        today = rebuilt(units, job.day, *shape)
    else:
        before = job.lake.read("flow_baselines").where(F.col("as_of") == F.lit(look.since)).drop("as_of")
        today = updated(before, units, look.since, job.day, *shape)
    return today.withColumn("as_of", F.lit(job.day))


def _judged(job: Job, look: Look, around: DataFrame, touched: DataFrame) -> DataFrame:
    """One row a unit: how surprising it is, and the shortest window in which it is abnormal (`_window`, else null)."""
    settings = job.settings.flows
    sums = window_sums(around, settings.windows_days).join(touched, list(UNIT), "left_semi").where(
        F.col("business_date") > F.lit(look.baseline_day if look.since is None else date(1, 1, 1))
    )
    scored = surprises(sums, _baseline_before(job, look, around), _exposure(job, look), settings)
    abnormal = is_abnormal(settings)
    facts = F.struct("window_days", "amount", "usual_amount", "return_period_years", "observations", "peer_group",
                     "peer_weight", severity(settings).alias("severity"))
    units = scored.groupBy(*UNIT).agg(
        F.max("surprise").alias("surprise"),
        F.min_by(F.when(abnormal, facts), F.when(abnormal, F.col("window_days"))).alias("_window"),
    )
    if look.since is None:
        calibration = units.where((F.col("business_date") < F.lit(look.report_from)) & F.col("_window").isNull())
    else:
        calibration = latest_known(
            job.lake.read("daily_flows").where(
                F.col("business_date").between(F.lit(look.since - timedelta(days=CALIBRATION_DAYS)), F.lit(look.since))
            ),
            look.since,
        ).where("NOT flagged")
    return calibrated(units, calibration.select("surprise"))


def _recorded(around: DataFrame, judged: DataFrame, abnormal: DataFrame, touched: DataFrame, day: date) -> DataFrame:
    """The day's rows of `daily_flows`: what was touched, and older days that turned out to be part of something abnormal."""
    part = abnormal.select(
        "customer_id", "direction",
        F.explode(F.sequence(F.date_sub("business_date", F.col("_window.window_days") - 1), F.col("business_date"))).alias(
            "business_date"),
    ).distinct().withColumn("_part", F.lit(True))
    return (
        around.drop("surprise")
        .join(judged.select(*UNIT, "surprise"), list(UNIT), "left")
        .join(part, list(UNIT), "left")
        .join(touched.withColumn("_touched", F.lit(True)), list(UNIT), "left")
        .where("_touched OR (_part AND NOT flagged)")
        .withColumns({"flagged": F.col("flagged") | F.coalesce("_part", F.lit(False)), "recorded_on": F.lit(day)})
        .drop("_part", "_touched")
    )


def _statistical(job: Job, look: Look, abnormal: DataFrame, flows: DataFrame) -> DataFrame:
    """Abnormal withdrawals and deposits with the rows behind them."""
    f, a = flows.where("NOT recurring").alias("f"), abnormal.alias("a")
    rows = a.join(
        f,
        (F.col("f.customer_id") == F.col("a.customer_id"))
        & (F.col("f.direction") == F.col("a.direction"))
        & (F.col("f.business_date") <= F.col("a.business_date"))
        & (F.col("f.business_date") > F.date_sub(F.col("a.business_date"), F.col("a._window.window_days"))),
    )
    behind = rows.groupBy("a.customer_id", "a.direction", "a.business_date").agg(
        F.sort_array(F.collect_list(F.struct("f.amount_base", "f.transaction_id")), asc=False).alias("_legs"),
        F.max_by(F.struct("f.account_id", "f.channel", "f.description"), F.struct("f.amount_base", "f.transaction_id")).alias("_main"),
        F.max("f.recorded_on").alias("_recorded"),
    )
    told = abnormal.join(behind, list(UNIT)).select(
        "customer_id", "business_date", "direction", "p_value", "q_value", "_window.*", "_main.*", "_recorded",
        F.col("_legs.transaction_id").alias("transaction_ids"),
        F.lit(look.since).cast("date").alias("_since"),
    )
    kind = F.when(F.col("direction") == "debit", "withdrawal").otherwise("deposit")
    return _as_rows(job, told.withColumn("kind", kind), flow_reason(job.settings), F.concat_ws(
        "|", "kind", "customer_id", "business_date", "window_days", F.array_join("transaction_ids", ",")))


def _hard_events(job: Job, look: Look, accounts: DataFrame, new: DataFrame, flows: DataFrame) -> DataFrame:
    settings = job.settings.flows
    first_day = look.report_from if look.since is None else look.since - timedelta(days=30)
    outflows = flows.where(F.col("business_date") >= F.lit(first_day))
    broken = early_withdrawals(accounts, new, outflows, look.since, first_day, job.day)
    closed = closures(accounts, new, look.since, first_day, settings)
    high = F.col("amount") >= F.lit(settings.min_amount * 5)
    early = _as_rows(
        job,
        broken.withColumns({"kind": F.lit("early_withdrawal"), "severity": F.when(
            F.col("went") == "placed_again", "low").when(high | (F.col("went") == "left"), "high").otherwise("medium")}),
        early_withdrawal_reason(job.settings),
        F.concat_ws("|", F.lit("early_withdrawal"), "account_id", "maturity_on"),
    )
    ended = _as_rows(
        job,
        closed.withColumns({"kind": F.lit("closure"), "severity": F.when(
            F.col("last_account") | high, "high").otherwise("medium")}),
        closure_reason(job.settings),
        F.concat_ws("|", F.lit("closure"), "account_id"),
    )
    told_before = job.lake.read("abnormal_flows").where(F.col("detected_on") < F.lit(job.day)).select("flow_id")
    return early.unionByName(ended).join(told_before, "flow_id", "left_anti")


def _as_rows(job: Job, told: DataFrame, reason: Column, identity: Column) -> DataFrame:
    """Rows of `abnormal_flows`; what a kind does not have is empty."""
    absent = {
        "window_days": "int", "usual_amount": "decimal(18,2)", "return_period_years": "double", "p_value": "double",
        "q_value": "double", "observations": "bigint", "peer_group": "string", "peer_weight": "double",
    }
    filled = told.withColumns({
        name: F.lit(1 if name == "window_days" else None).cast(kind) for name, kind in absent.items() if name not in told.columns
    })
    late = F.col("_recorded") > F.date_add("business_date", 1) if "_recorded" in told.columns else F.lit(False)
    return filled.select(
        F.sha2(identity, 256).substr(1, 24).alias("flow_id"), "customer_id", "account_id", "business_date", "kind", *absent,
        "transaction_ids", "amount", "severity", reason.alias("reason"),
        F.lit(None).cast("string").alias("cause"),
        late.alias("late"), F.lit(job.day).alias("detected_on"), F.lit(job.run_id).alias("run_id"),
    )


if __name__ == "__main__":
    from jobs.cli import main

    main("detect")
