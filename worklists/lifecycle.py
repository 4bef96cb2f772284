"""What becomes of an alert from day to day. What a relationship manager decided stands above whatever a run finds.

A run computes the rows of its day from the rows of the days before, so that running a day again changes nothing. Rows that a
later day has already changed are history: they are looked at, never changed.
"""

from __future__ import annotations

from datetime import date

import pyspark.sql.functions as F
from pyspark.sql import Column, DataFrame

from conf.codes import REACHED
from conf.settings import Settings
from worklists.matters import lifetime, strength
from worklists.policy import GUARDS, forbidden
from worklists.reasons import chosen, day, money, worded

LIVE = ("open", "snoozed")  # still to be worked
ENDED = ("accepted", "declined", "false_alarm")
STATE = ("relationship_manager_id", "status", "suppressed_by", "snoozed_until", "expires_on", "closed_on", "change")


def decided(alerts: DataFrame, outcomes: DataFrame, settings: Settings, today: date) -> DataFrame:
    """Alerts as relationship managers left them: the newest outcome of each that arrived by today.

    `not_reached` leaves an alert as it is. `snoozed` puts a live one off until its date (at most `max_snooze_days`; without
    a date `snooze_days`), then it is open again, with a whole lifetime left. Whatever was decided stands, also where a run had
    closed the alert before.

    Parameters
    ----------
    alerts : DataFrame of `alerts` rows
    outcomes : DataFrame of `outcomes` rows
    settings : Settings
    today : date
    """
    policy, words = settings.contact_policy, settings.wording[settings.bank.language].reasons
    told = F.struct("recorded_at", "outcome", "snooze_until", F.least("business_date", "recorded_on").alias("on"))
    arrived = outcomes.where((F.col("recorded_on") <= F.lit(today)) & (F.col("outcome") != "not_reached"))
    newest = arrived.groupBy("alert_id").agg(F.max(told).alias("_told"))
    says, on = F.col("_told.outcome"), F.col("_told.on")
    never_told = (F.col("status") == "suppressed") & F.col("closed_on").isNull()
    decision = F.coalesce(says.isin(*REACHED), F.lit(False)) & ~never_told
    named = F.coalesce("_told.snooze_until", F.date_add(on, policy.snooze_days))
    until = F.least(named, F.date_add(on, policy.max_snooze_days))
    put_off = (says == "snoozed") & F.col("status").isin(*LIVE)
    awake = put_off & (until <= F.lit(today))
    lasts = F.date_add(until, lifetime(F.col("type"), policy))
    due_again = worded(words["change_awake"], {"day": day(until, settings.bank.language)})
    return alerts.join(newest, "alert_id", "left").select(
        *_others(alerts, *(name for name in STATE if name != "relationship_manager_id")),
        F.when(decision, says).when(awake, "open").when(put_off, "snoozed").otherwise(F.col("status")).alias("status"),
        F.when(~decision | (says == "contacted"), F.col("suppressed_by")).alias("suppressed_by"),
        F.when(put_off, until).otherwise(F.col("snoozed_until")).alias("snoozed_until"),
        F.when(put_off, F.greatest("expires_on", lasts)).otherwise(F.col("expires_on")).alias("expires_on"),
        F.when(decision & says.isin(*ENDED), on).otherwise(F.col("closed_on")).alias("closed_on"),
        F.when(awake & (F.col("status") == "snoozed"), due_again).otherwise(F.col("change")).alias("change"),
    )


def overtaken(alerts: DataFrame, stand: DataFrame, settings: Settings, today: date) -> DataFrame:
    """Alerts after what happened around them: the book they belong to, consents, restrictions, and time.

    A restriction, a withdrawn consent or the end of the relationship closes a live alert with the reason; one already
    contacted keeps its status and only leaves the worklists. A live alert past its last day has expired.

    Parameters
    ----------
    alerts : DataFrame of `alerts` rows
    stand : DataFrame as `policy.standing` returns
    settings : Settings
    today : date
    """
    now = F.lit(today)
    known = alerts.join(stand.withColumnRenamed("relationship_manager_id", "_rm"), "customer_id", "left")
    listed = F.col("status").isin(*LIVE, "contacted")
    rule = F.when(listed & F.col("_known"), forbidden())
    barred = rule.isNotNull()
    live = F.col("status").isin(*LIVE)
    expired = live & ~barred & (F.col("expires_on") <= now)
    leaves = barred & (F.col("status") == "contacted") & (F.col("expires_on") > now)
    return known.withColumn("_known", F.col("marketing_consent").isNotNull()).select(
        *_others(alerts, *STATE),
        F.when(live & F.col("_known"), F.col("_rm")).otherwise(F.col("relationship_manager_id")).alias("relationship_manager_id"),
        F.when(live & barred, "suppressed").when(expired, "expired").otherwise(F.col("status")).alias("status"),
        F.when((live & barred) | leaves, rule).otherwise(F.col("suppressed_by")).alias("suppressed_by"),
        F.when(live & barred, F.lit(None)).otherwise(F.col("snoozed_until")).alias("snoozed_until"),
        F.when(leaves, now).otherwise(F.col("expires_on")).alias("expires_on"),
        F.when((live & barred) | leaves | expired, now).otherwise(F.col("closed_on")).alias("closed_on"),
        F.when((live & barred) | leaves, _closed_by(rule, settings, today)).otherwise(F.col("change")).alias("change"),
    )


def before_today(alerts: DataFrame, today: date) -> DataFrame:
    """Alerts raised before today, with `_history`: whether a later day has already changed them.

    What an earlier run of today replaced or retracted is open again, so that the same run comes to the same end.
    """
    undone = (F.col("changed_on") == F.lit(today)) & F.col("status").isin("superseded", "retracted")
    return alerts.where(F.col("raised_on") < F.lit(today)).select(
        *_others(alerts, "status", "closed_on", "change", "changed_on"),
        F.when(undone, F.col("raised_on")).otherwise(F.col("changed_on")).alias("changed_on"),  # so that it is looked at again
        F.when(undone, "open").otherwise(F.col("status")).alias("status"),
        F.when(~undone, F.col("closed_on")).alias("closed_on"),
        F.when(~undone, F.col("change")).alias("change"),
        (F.col("changed_on") > F.lit(today)).alias("_history"),
    )


def on_somebodys_list(today: date) -> Column:
    """Whether an alert stood on a worklist at the end of today's look, or would have but for the lot.

    Columns read: `status`, `closed_on`, `expires_on`, `control_group`, `_history`.
    """
    then = F.col("closed_on").isNull() | (F.col("closed_on") > F.lit(today))
    running = F.col("expires_on") > F.lit(today)
    now = F.col("status").isin(*LIVE, "contacted") | F.col("control_group")
    return running & F.when(F.col("_history"), then & (F.col("control_group") | (F.col("status") != "suppressed"))).otherwise(now)


def raised(held: DataFrame, today: date) -> DataFrame:
    """Rows for matters told today for the first time, or held back.

    Parameters
    ----------
    held : DataFrame as `policy.held_back` returns, with `headline`, `reason`, `evidence`, `offers`, `model_version`
    today : date

    Returns
    -------
    DataFrame with the columns of `alerts`, but `run_id`
    """
    none = F.lit(None)
    return held.select(
        "alert_id", "customer_id", "relationship_manager_id", "type",
        F.lit(today).alias("raised_on"),
        "expires_on", "priority", "severity", "headline", "reason", "evidence", "offers",
        F.when(F.col("suppressed_by").isNull(), "open").otherwise("suppressed").alias("status"),
        "suppressed_by",
        none.cast("date").alias("snoozed_until"),
        none.cast("date").alias("closed_on"),
        "control_group", "matter", "flow_ids", "model_version",
        F.lit(today).alias("changed_on"),
        none.cast("string").alias("change"),
    )  # fmt: skip


def grown(told: DataFrame, live: DataFrame, settings: Settings, today: date) -> DataFrame:
    """Rows of live alerts to which something was added, or from which something was taken; without anything left, retracted.

    Parameters
    ----------
    told : DataFrame with the content of an alert, `news` (what was added today, in words; empty when nothing was), `taken_back`
        (amount that was) and `undone` (whether nothing is left)
    live : DataFrame of `alerts` rows they belong to

    Returns
    -------
    DataFrame with the columns of `live`
    """
    words, language = settings.wording[settings.bank.language].reasons, settings.bank.language
    on = day(F.lit(today), language)
    amount = {"amount": money(F.col("n.taken_back")), "currency": F.lit(settings.bank.base_currency)}
    news = {"day": on, "what": F.col("n.news")}
    more, back = F.col("n.news") != "", F.col("n.taken_back") > 0
    changes = (
        F.when(more & back, worded(words["change_replaced"], amount | news))
        .when(more, worded(words["change_grown"], news))
        .when(back, worded(words["change_taken_back"], amount))
        .otherwise(worded(words["change_consent"], {"day": on}))
    )
    content = ("type", "priority", "severity", "headline", "reason", "evidence", "offers", "flow_ids", "model_version")
    new = {name: F.col(f"n.{name}") for name in content} | {
        "expires_on": F.greatest("a.expires_on", "n.expires_on"),
        "status": F.when(F.col("n.undone"), "retracted").otherwise(F.col("a.status")),
        "closed_on": F.when(F.col("n.undone"), F.lit(today)).otherwise(F.col("a.closed_on")),
        "change": F.when(F.col("n.undone"), worded(words["change_retracted"], {"day": on})).otherwise(changes),
    }
    return live.alias("a").join(told.alias("n"), "alert_id").select(
        *[new.get(name, F.col("alert_id" if name == "alert_id" else f"a.{name}")).alias(name) for name in live.columns]
    )


def of_today(rows: DataFrame, stored: DataFrame, settings: Settings, today: date) -> DataFrame:
    """Today's rows beside what is stored of the same alerts.

    What an earlier run of today raised and a relationship manager has answered stays. A row that is still held back by the
    same rule stays as it was first written. What an earlier run of today raised, and this one does not, is retracted.

    Parameters
    ----------
    rows : DataFrame as `raised` returns
    stored : DataFrame of `alerts` rows
    """
    own = stored.where(F.col("raised_on") == F.lit(today))
    answered = own.where(F.col("status").isin(*REACHED, "snoozed"))
    still_held = (
        (F.col("r.alert_id") == F.col("s.alert_id"))
        & (F.col("s.raised_on") < F.lit(today))
        & F.col("s.closed_on").isNull()
        & F.col("s.suppressed_by").eqNullSafe(F.col("r.suppressed_by"))
        & (F.col("r.status") == "suppressed")
        & (F.col("s.flow_ids") == F.col("r.flow_ids"))
    )
    fresh = rows.join(answered, "alert_id", "left_anti").alias("r").join(stored.alias("s"), still_held, "left_anti").select("r.*")
    words, language = settings.wording[settings.bank.language].reasons, settings.bank.language
    gone = own.join(answered, "alert_id", "left_anti").join(rows, "alert_id", "left_anti").withColumns({
        "status": F.lit("retracted"),
        "suppressed_by": F.lit(None).cast("string"),
        "closed_on": F.lit(today),
        "change": worded(words["change_retracted"], {"day": day(F.lit(today), language)}),
    })
    return fresh.unionByName(answered.select(*rows.columns)).unionByName(gone.select(*rows.columns))


def may_grow() -> Column:
    """Whether an alert on somebody's list still takes in more of the same matter; once it was talked about, more is news."""
    return F.col("status").isin(*LIVE) | F.col("control_group")


def superseded(alerts: DataFrame, raised: DataFrame, settings: Settings, today: date) -> DataFrame:
    """Open alerts for which a stronger matter of the same customer is raised today, closed.

    Parameters
    ----------
    alerts : DataFrame of `alerts` rows
    raised : DataFrame of today's rows, `alert_id`, `customer_id`, `type`, `status`
    settings : Settings
    today : date
    """
    strongest = F.min(F.struct(strength(F.col("type")).alias("_stronger"), F.col("alert_id").alias("_newer"))).alias("_by")
    newer = raised.where(F.col("status") == "open").groupBy("customer_id").agg(strongest).select("customer_id", "_by.*")
    words, language = settings.wording[settings.bank.language].reasons, settings.bank.language
    replaced = (
        (F.col("status") == "open")
        & F.col("_newer").isNotNull()
        & (F.col("_newer") != F.col("alert_id"))
        & (F.col("_stronger") < strength(F.col("type")))
    )
    told = worded(words["change_superseded"], {"day": day(F.lit(today), language), "alert": F.col("_newer")})
    return alerts.join(newer, "customer_id", "left").select(
        *_others(alerts, "status", "closed_on", "change"),
        F.when(replaced, "superseded").otherwise(F.col("status")).alias("status"),
        F.when(replaced, F.lit(today)).otherwise(F.col("closed_on")).alias("closed_on"),
        F.when(replaced, told).otherwise(F.col("change")).alias("change"),
    )


def changed(after: DataFrame, before: DataFrame, today: date) -> DataFrame:
    """The rows that differ from what is stored, stamped with today; nothing else is written.

    Parameters
    ----------
    after : DataFrame of `alerts` rows
    before : DataFrame of `alerts` rows as stored
    today : date
    """
    compared = [name for name in before.columns if name not in ("changed_on", "run_id")]
    same = F.col("a.alert_id") == F.col("b.alert_id")
    for name in compared:
        same = same & F.col(f"a.{name}").eqNullSafe(F.col(f"b.{name}"))
    kept = F.col("a.alert_id") == F.col("b.alert_id")
    history = before.where(F.col("changed_on") > F.lit(today))
    return (
        after.alias("a")
        .join(before.alias("b"), same, "left_anti")
        .alias("a")
        .join(history.alias("b"), kept, "left_anti")
        .withColumn("changed_on", F.lit(today))
        .select(*before.columns)
    )


def _others(alerts: DataFrame, *replaced: str) -> list[Column]:
    return [F.col(name) for name in alerts.columns if name not in replaced]


def _closed_by(rule: Column, settings: Settings, today: date) -> Column:
    words, language = settings.wording[settings.bank.language].reasons, settings.bank.language
    told = {name: words[f"rule_{name}"] for name in (*GUARDS, "no_marketing_consent", "no_life_event_consent")}
    named = chosen(rule, told, words["rule_restriction"])
    return worded(words["change_closed"], {"day": day(F.lit(today), language), "rule": named})

