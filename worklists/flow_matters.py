"""What there is to tell of abnormal flows: which of them belong to one alert, and what it says."""

from __future__ import annotations

from datetime import date

import pyspark.sql.functions as F
from pyspark.sql import Column, DataFrame

from conf.settings import ContactPolicy, Settings
from worklists.evidence import STATISTICAL, evidence
from worklists.matters import LIFETIME, UNSAFE, WOULD_BE, lifetime, strength, texts, told_before
from worklists.reasons import day, worded

CAPPED = (*STATISTICAL, "income_ended")  # of which so many are told a day; what else happens is never one too many
SEVERITIES = ("low", "medium", "high")


def flow_matters(flows: DataFrame, legs: DataFrame, settings: Settings) -> DataFrame:
    """Abnormal flows of one customer told together.

    Parameters
    ----------
    flows : DataFrame of `abnormal_flows` rows to tell, with `_matter` (of the alert they join; null: a new one), `untold` (not
        told in it so far), `_undone` (taken back: told only where nothing else is left), `settled` as `with_settlements` adds, and
        `_settled_now` (the alert does not say so yet)
    legs : DataFrame with `transaction_id`, `business_date`, `amount_base`, `direction`, `channel`: the rows behind and netted beside them
    settings : Settings

    Returns
    -------
    DataFrame with `customer_id`, `matter`, `type`, `severity`, `certainty` (0 to 1), `at_stake` (base currency), `happened_on`,
    `expires_on`, `hard` (no cap holds), `safety`, `events` (kinds and likely causes, for offers), `would_be` (null), `flow_ids`,
    `lead_kind`, `lead_amount`, `more`, `told` (the flows' reasons), `news` (those of the new ones), `undone` (nothing is
    left), `taken_back` (amount of the flows that were), `evidence`
    """
    policy = settings.contact_policy
    with_legs = _with_legs(flows, legs).withColumn("_type", _type())
    late = F.when(F.col("late"), _late(settings)).otherwise("")
    row = F.struct(
        strength(F.col("_type")).alias("_strength"),
        (-F.col("amount")).alias("smaller"),
        "flow_id",
        F.col("_type").alias("type"),
        "kind", "cause", "amount", "business_date", "detected_on", "window_days", "usual_amount", "observations", "peer_group",
        "peer_weight", "_legs", "_netted", "untold", "_undone", "settled", "_settled_now",
        F.concat("reason", late, F.coalesce("settled.told", F.lit(""))).alias("told"),
        F.array_position(texts(SEVERITIES), F.col("severity")).cast("int").alias("severity"),
        F.coalesce("chance", F.lit(policy.priority.certainty)).alias("certainty"),
    )  # fmt: skip
    found, left = F.col("_found"), F.filter("_found", lambda flow: ~flow["_undone"])
    by_customer = (
        with_legs.groupBy("customer_id")
        .agg(F.sort_array(F.collect_list(row)).alias("_found"), F.max("_matter").alias("_matter"))
        .withColumns({"_flows": F.when(F.size(left) > 0, left).otherwise(found), "undone": F.size(left) == 0})
    )
    told, lead = F.col("_flows"), F.col("_flows")[0]
    first = F.array_min(F.transform(found, lambda flow: F.struct(flow["detected_on"], flow["flow_id"])))["flow_id"]

    def ends(flow: Column) -> Column:
        return F.date_add(flow["detected_on"], lifetime(flow["type"], policy))

    def news(flow: Column) -> Column:
        return F.when(flow["untold"], flow["told"]).otherwise(F.trim(flow["settled"]["told"]))

    kinds = F.transform(told, lambda flow: flow["kind"])
    causes = F.array_compact(F.transform(told, lambda flow: flow["cause"]))
    return by_customer.select(
        "customer_id",
        F.coalesce("_matter", F.concat(F.lit("flows|"), first)).alias("matter"),
        lead["type"].alias("type"),
        F.element_at(texts(SEVERITIES), F.array_max(told["severity"])).alias("severity"),
        F.array_max(told["certainty"]).alias("certainty"),
        F.array_max(told["amount"]).alias("at_stake"),
        F.array_max(told["business_date"]).alias("happened_on"),
        F.array_max(F.transform(told, ends)).alias("expires_on"),
        F.exists(kinds, lambda kind: ~kind.isin(*CAPPED)).alias("hard"),
        F.array_contains(causes, UNSAFE).alias("safety"),
        F.array_distinct(F.concat(kinds, causes)).alias("events"),
        F.lit(None).cast(WOULD_BE).alias("would_be"),
        F.sort_array(F.transform(found, lambda flow: flow["flow_id"])).alias("flow_ids"),
        lead["kind"].alias("lead_kind"),
        lead["amount"].alias("lead_amount"),
        (F.size(told) - 1).alias("more"),
        F.array_join(F.transform(told, lambda flow: flow["told"]), " ").alias("told"),
        F.array_join(F.transform(F.filter(told, lambda flow: flow["untold"] | flow["_settled_now"]), news), " ").alias("news"),
        "undone",
        F.aggregate(F.filter(found, lambda flow: flow["_undone"]), F.lit(0).cast("decimal(28,2)"),
                    lambda total, flow: (total + flow["amount"]).cast("decimal(28,2)")).alias("taken_back"),
        evidence(told, settings).alias("evidence"),
    )


def untold_flows(flows: DataFrame, alerts: DataFrame, policy: ContactPolicy, today: date) -> DataFrame:
    """Abnormal flows nobody was told of yet and that are still worth telling.

    Parameters
    ----------
    flows : DataFrame of `abnormal_flows` rows
    alerts : DataFrame of `alerts` rows raised before today
    """
    told = alerts.where(told_before(today)).select(F.explode("flow_ids").alias("flow_id")).distinct()
    longest = max((LIFETIME, *policy.expires_after_days.values()))
    age = F.date_diff(F.lit(today), "detected_on")
    recent = flows.where((age >= 0) & (age < longest)).join(told.withColumn("_told", F.lit(True)), "flow_id", "left")
    return recent.where((age == 0) | F.col("_told").isNull()).drop("_told")


def flows_at_hand(untold: DataFrame, flows: DataFrame, live: DataFrame) -> DataFrame:
    """The untold flows and those of live alerts: `untold` says which.

    Parameters
    ----------
    untold : DataFrame as `untold_flows` returns
    flows : DataFrame of `abnormal_flows` rows
    live : DataFrame of `alerts` rows that may still change
    """
    told = live.select(F.explode("flow_ids").alias("flow_id")).distinct().join(untold, "flow_id", "left_anti")
    earlier = flows.join(told, "flow_id", "left_semi").withColumn("untold", F.lit(False))
    return untold.withColumn("untold", F.lit(True)).unionByName(earlier)


def flows_to_tell(at_hand: DataFrame, undone: DataFrame, live: DataFrame, stand: DataFrame, today: date) -> DataFrame:
    """The flows of each alert to be written: the untold ones, joined by those of the live alert they are added to.

    A live alert is written anew, too, when it makes offers to a customer who no longer wants any, or when what it is about
    turns out, today, to have been taken back, or where a broken deposit's money went becomes known.

    Parameters
    ----------
    at_hand : DataFrame as `flows_at_hand` returns, with `settled` as `with_settlements` adds
    undone : DataFrame as `reversals.undone_flows` returns
    live : DataFrame of `alerts` rows that may still change
    stand : DataFrame as `policy.standing` returns
    today : date

    Returns
    -------
    DataFrame with the columns of `at_hand`, `_matter` (of the live alert), `_undone` and `_settled_now`
    """
    newest = F.max_by(F.struct("matter", "flow_ids", "offers", "changed_on"), F.struct("raised_on", "alert_id")).alias("_live")
    of_flows = live.where(F.size("flow_ids") > 0).groupBy("customer_id").agg(newest).select("customer_id", "_live.*")
    known = at_hand.join(undone, "flow_id", "left")
    news = known.groupBy("customer_id").agg(
        F.bool_or("untold").alias("_news"), F.max("undone_on").alias("_undone_on"), F.max("settled.on").alias("_settled_on"))
    unwanted = (F.size("offers") > 0) & ~F.col("marketing_consent")

    def since_changed(day: Column) -> Column:
        return F.coalesce((day == F.lit(today)) | (day > F.col("changed_on")), F.lit(False))

    changes = since_changed(F.col("_undone_on")) | since_changed(F.col("_settled_on"))
    growing = (
        of_flows.join(news, "customer_id")
        .join(stand.select("customer_id", "marketing_consent"), "customer_id")
        .where(F.col("_news") | unwanted | changes)
        .select("customer_id", F.col("matter").alias("_matter"), "changed_on")
    )
    return (
        known.join(growing, "customer_id", "left")
        .where(F.col("untold") | F.col("_matter").isNotNull())
        .withColumns({
            "_undone": F.col("undone_on").isNotNull(),
            "_settled_now": ~F.col("untold") & since_changed(F.col("settled.on")),
        })
        .drop("undone_on", "changed_on")
    )


def legs_of_flow() -> Column:
    """A flow's movements, exploded as `leg` of `transaction_id` and `counted` (netted out beside it: false).

    Columns read: `transaction_ids`, `netted_ids` (null of flows found by an earlier version).
    """

    def legs(ids: Column, counted: bool) -> Column:
        return F.transform(ids, lambda each: F.struct(each.alias("transaction_id"), F.lit(counted).alias("counted")))

    netted = F.coalesce("netted_ids", F.array().cast("array<string>"))
    return F.explode(F.concat(legs(F.col("transaction_ids"), counted=True), legs(netted, counted=False))).alias("leg")


def _with_legs(flows: DataFrame, legs: DataFrame) -> DataFrame:
    """Adds `_legs`, the rows behind a flow, and `_netted`, those netted out beside it; largest first."""
    leg = F.struct("amount_base", "transaction_id", F.col("l.business_date").alias("business_date"), "direction", "channel")
    behind = (
        flows.select("flow_id", legs_of_flow())
        .select("flow_id", "leg.transaction_id", F.col("leg.counted").alias("_counted"))
        .join(legs.alias("l"), "transaction_id")
        .groupBy("flow_id")
        .agg(*(
            F.sort_array(F.collect_list(F.when(F.col("_counted") == counted, leg)), asc=False).alias(name)
            for name, counted in (("_legs", True), ("_netted", False))
        ))
    )
    none = F.array().cast("array<struct<amount_base: decimal(18,2), transaction_id: string, business_date: date, "
                           "direction: string, channel: string>>")  # fmt: skip
    return flows.join(behind, "flow_id", "left").withColumns({name: F.coalesce(name, none) for name in ("_legs", "_netted")})


def _type() -> Column:
    """The alert's type from a flow's kind; kinds not known here go by the way the money went."""
    came_in = F.try_element_at(F.col("_legs"), F.lit(1))["direction"] == "credit"
    return (
        F.when(F.col("kind") == "closure", "account_closure")
        .when(F.col("kind") == "early_withdrawal", "early_withdrawal")
        .when(F.col("kind").isin("withdrawal", "drained", "income_ended"), "abnormal_withdrawal")
        .when((F.col("kind") == "deposit") | came_in, "abnormal_deposit")
        .otherwise("abnormal_withdrawal")
    )


def _late(settings: Settings) -> Column:
    words, language = settings.wording[settings.bank.language].reasons, settings.bank.language
    return F.concat(F.lit(" "), worded(words["late"], {"day": day(F.col("detected_on"), language)}))
