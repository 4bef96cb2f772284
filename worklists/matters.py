"""What there is to tell a customer's relationship manager: one row a customer, whatever happened to them."""

from __future__ import annotations

from datetime import date

import pyspark.sql.functions as F
from pyspark.sql import Column, DataFrame, Window

from conf.codes import ALERT_TYPES, CHANNELS, AlertType
from conf.settings import ContactPolicy, Settings
from worklists.reasons import chosen, day, worded

SALES: tuple[AlertType, ...] = ("life_event", "next_best_offer")  # nothing but an offer to say
FORGOTTEN = "life_event||"  # the matter of an alert whose customer has withdrawn consent
LIFETIME = 14  # days, where the configuration names none
STATISTICAL = ("withdrawal", "deposit")
CAPPED = (*STATISTICAL, "income_ended")  # of which so many are told a day; what else happens is never one too many
SHOWN_REFS = 3  # of where a broken deposit's money went
AT_HAND = 3  # times an offer's quota: customers at hand for it, as other rules hold some of them back
UNSAFE = "fraud_or_scam"  # the likely cause that turns a call into a call for the customer's safety
WOULD_BE = "struct<offer_id: string, probability: double, expected_value: double>"  # the first offer, were there no lot
EVIDENCE = "array<struct<kind: string, ref: string, business_date: date, amount: decimal(18,2), note: string>>"
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
        F.array_position(_texts(SEVERITIES), F.col("severity")).cast("int").alias("severity"),
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
        F.element_at(_texts(SEVERITIES), F.array_max(told["severity"])).alias("severity"),
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
        _evidence(told, settings).alias("evidence"),
    )


def life_event_matters(life_events: DataFrame, settings: Settings) -> DataFrame:
    """Life events, told without naming them.

    Parameters
    ----------
    life_events : DataFrame of the day's `life_events` rows that are to be told
    settings : Settings

    Returns
    -------
    DataFrame with the columns of `flow_matters`, one row a customer; nothing that a relationship manager sees names the event
    or what it was noticed in
    """
    matter = F.concat_ws("|", F.lit("life_event"), "event", F.coalesce("stage", F.lit("")), F.year("as_of"))
    would_be = F.lit(None).cast(WOULD_BE).alias("would_be")
    one = F.max_by(F.struct("probability", "as_of", matter.alias("matter"), would_be), F.struct("probability", "event"))
    events = F.sort_array(F.collect_set("event"))
    found = life_events.groupBy("customer_id").agg(one.alias("_one"), events.alias("events"))
    return _without_flows(found, "life_event", settings.contact_policy)


def offer_matters(offers: DataFrame, settings: Settings) -> DataFrame:
    """Offers worth a call of their own.

    Parameters
    ----------
    offers : DataFrame as `untold_offers` returns
    settings : Settings

    Returns
    -------
    DataFrame with the columns of `flow_matters`; `events` holds the offer's id, `would_be` the offer that would be told were there no
    lot: certainty is its probability, so that what was drawn does not decide who is called
    """
    matter = F.concat_ws("|", F.lit("offer"), "offer_id", F.date_format("as_of", "yyyy-MM"))
    found = offers.select(
        "customer_id",
        F.struct("would_be.probability", "as_of", matter.alias("matter"), "would_be").alias("_one"),
        F.array("offer_id").alias("events"),
    )
    return _without_flows(found, "next_best_offer", settings.contact_policy)


def one_a_customer(flows: DataFrame, life_events: DataFrame) -> DataFrame:
    """The stronger matter of each customer; a life event's offers go with the flow that is told.

    Parameters
    ----------
    flows, life_events : DataFrames with the columns of `flow_matters`
    """
    of_customer = Window.partitionBy("customer_id")
    together = F.sort_array(F.array_distinct(F.flatten(F.collect_list("events").over(of_customer))))
    nth = F.row_number().over(of_customer.orderBy(strength(F.col("type")), "matter"))
    return flows.unionByName(life_events).withColumns({"events": together, "_nth": nth}).where("_nth = 1").drop("_nth")


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


def untold_life_events(life_events: DataFrame, alerts: DataFrame, policy: ContactPolicy, today: date) -> DataFrame:
    """Today's life events of customers who were not told of the same event and stage within `life_event_again_days`.

    Of whom it is no longer known what they were told, as they withdrew consent and gave it anew, nothing is told as long.

    Parameters
    ----------
    life_events : DataFrame of `life_events` rows
    alerts : DataFrame of `alerts` rows raised before today
    """
    part = F.split("matter", "[|]")
    since = F.date_diff(F.lit(today), "raised_on") < policy.life_event_again_days
    told = alerts.where(told_before(today) & (F.col("type") == "life_event") & since).select(
        "customer_id", part[1].alias("_event"), part[2].alias("_stage")
    )
    same = (F.col("_event") == F.col("e.event")) & (F.col("_stage") == F.coalesce("e.stage", F.lit("")))
    whose = F.col("e.customer_id") == F.col("t.customer_id")
    found = life_events.where(F.col("as_of") == F.lit(today)).alias("e")
    return found.join(told.distinct().alias("t"), whose & (same | (F.col("_event") == "")), "left_anti")


def untold_offers(scores: DataFrame, alerts: DataFrame, settings: Settings, today: date) -> DataFrame:
    """Each customer's best offer that is worth a call of its own and was not the matter of one within its `cool_down_days`.

    An offer with a daily quota is the best of so many customers at most, those whom it is worth most, and the others' next best is
    told: nobody waits behind a quota.

    Parameters
    ----------
    scores : DataFrame of today's `offer_scores` rows
    alerts : DataFrame of `alerts` rows raised before today

    Returns
    -------
    DataFrame with the columns of `scores` and `would_be` (the offer that would come first, were there no lot)
    """
    rests = chosen(F.col("offer_id"), {offer_id: offer.cool_down_days for offer_id, offer in settings.offers.items()}, 0)
    told = offers_told(alerts, today).where(F.date_diff(F.lit(today), "raised_on") < rests)
    private = [offer_id for offer_id, offer in settings.offers.items() if offer.discreet]
    worth = F.col("expected_value") >= float(settings.contact_policy.min_expected_value)
    open_to = scores.where(F.col("eligible") & worth & ~F.col("offer_id").isin(private)).join(
        told.select("customer_id", "offer_id").distinct(), ["customer_id", "offer_id"], "left_anti"
    )
    quotas = {offer_id: offer.daily_quota for offer_id, offer in settings.offers.items() if offer.daily_quota}
    if quotas:
        of_offer = Window.partitionBy("offer_id").orderBy(F.col("expected_value").desc(), "customer_id")
        scarce = _first_of_each(open_to).where(F.col("offer_id").isin(*quotas)).withColumn("_nth", F.row_number().over(of_offer))
        over = scarce.where(F.col("_nth") > chosen(F.col("offer_id"), quotas, 0) * AT_HAND).select("customer_id", "offer_id")
        open_to = open_to.join(over, ["customer_id", "offer_id"], "left_anti")
    return _first_of_each(open_to)


def offers_told(alerts: DataFrame, today: date) -> DataFrame:
    """When which offer opened a call of its own before today: `customer_id`, `offer_id`, `raised_on`.

    Parameters
    ----------
    alerts : DataFrame of `alerts` rows
    """
    return alerts.where(told_before(today) & (F.col("type") == "next_best_offer")).select(
        "customer_id", F.split("matter", "[|]")[1].alias("offer_id"), "raised_on"
    )


def lifetime(kind: Column, policy: ContactPolicy) -> Column:
    """Days an alert of a type stays open."""
    days = F.lit(LIFETIME)
    for name, configured in policy.expires_after_days.items():
        days = F.when(kind == name, F.lit(configured)).otherwise(days)
    return days


def told_before(today: date) -> Column:
    """Whether an alert was told to somebody before today; one held back by lot counts as told, so that both groups compare."""
    opened = (F.col("status") != "suppressed") | F.col("closed_on").isNotNull() | F.col("control_group")
    return (F.col("raised_on") < F.lit(today)) & opened


def strength(kind: Column) -> Column:
    """1 for the strongest type."""
    return F.array_position(_texts(ALERT_TYPES), kind).cast("int")


def _first_of_each(offers: DataFrame) -> DataFrame:
    """Each customer's first offer, with the one that would be first were there no lot: its chance is the greatest."""
    of_customer = Window.partitionBy("customer_id")
    likeliest = F.max_by(F.struct("offer_id", "probability", "expected_value"), F.struct("propensity", -F.col("rank")))
    return (
        offers.withColumns({"_nth": F.row_number().over(of_customer.orderBy("rank")), "would_be": likeliest.over(of_customer)})
        .where("_nth = 1")
        .drop("_nth")
    )


def _texts(names: tuple[str, ...]) -> Column:
    return F.array(*[F.lit(name) for name in names])


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


def _evidence(flows: Column, settings: Settings) -> Column:
    """The rows behind, largest first and each once, then what was netted out beside them, where it went since, and what was usual."""
    words = settings.wording[settings.bank.language].reasons
    directions = {code: words[f"evidence_{code}"] for code in ("credit", "debit")}
    channels = {code: words[f"channel_{code}"] for code in CHANNELS}

    def said(leg: Column) -> Column:
        return F.concat_ws(", ", chosen(leg["direction"], directions), chosen(leg["channel"], channels))

    def shown(leg: Column) -> Column:
        return _item("transaction", leg["transaction_id"], leg["business_date"], leg["amount_base"], said(leg))

    def not_counted(leg: Column) -> Column:
        note = worded(words["evidence_netted"], {"leg": said(leg)})
        return _item("netted", leg["transaction_id"], leg["business_date"], leg["amount_base"], note)

    def usual(flow: Column) -> Column:
        peers = F.round(F.coalesce(flow["peer_weight"], F.lit(0)) * 100).cast("int")
        note = worded(words["baseline"], {"observations": flow["observations"], "group": flow["peer_group"], "weight": peers})
        return _item("baseline", flow["flow_id"], flow["business_date"], flow["usual_amount"], note)

    def became(flow: Column) -> Column:
        since = flow["settled"]
        refs = F.array_join(F.slice(since["refs"], 1, SHOWN_REFS), ", ")
        return _item("settled", refs, since["on"], since["amount"], since["note"])

    def largest(legs: Column) -> Column:
        return F.slice(F.sort_array(legs, asc=False), 1, settings.contact_policy.evidence_rows)

    legs = F.array_distinct(F.flatten(F.transform(flows, lambda flow: flow["_legs"])))
    beside = F.array_except(F.flatten(F.transform(flows, lambda flow: flow["_netted"])), legs)
    found = F.transform(flows, lambda flow: _item("flow", flow["flow_id"], flow["business_date"], flow["amount"], flow["kind"]))
    baselines = F.transform(F.filter(flows, lambda flow: flow["kind"].isin(*STATISTICAL)), usual)
    netted = F.transform(largest(beside), not_counted)
    settled = F.transform(F.filter(flows, lambda flow: flow["settled"].isNotNull()), became)
    return F.concat(F.transform(largest(legs), shown), netted, settled, found, baselines).cast(EVIDENCE)


def _item(kind: str, ref: Column, on: Column, amount: Column, note: Column) -> Column:
    return F.struct(
        F.lit(kind).alias("kind"), ref.alias("ref"), on.alias("business_date"), amount.cast("decimal(18,2)").alias("amount"),
        note.alias("note"),
    )


def _without_flows(found: DataFrame, kind: str, policy: ContactPolicy) -> DataFrame:
    """The columns of `flow_matters` for what no money moved for. Columns read: `customer_id`, `_one`, `events`."""
    lasts = lifetime(F.lit(kind), policy)
    return found.select(
        "customer_id",
        F.col("_one.matter").alias("matter"),
        F.lit(kind).alias("type"),
        F.lit("low").alias("severity"),
        F.col("_one.probability").alias("certainty"),
        F.lit(0).cast("decimal(18,2)").alias("at_stake"),
        F.col("_one.as_of").alias("happened_on"),
        F.date_add(F.col("_one.as_of"), lasts).alias("expires_on"),
        F.lit(False).alias("hard"),
        F.lit(False).alias("safety"),
        "events",
        F.col("_one.would_be").alias("would_be"),
        F.array().cast("array<string>").alias("flow_ids"),
        F.lit(None).cast("string").alias("lead_kind"),
        F.lit(None).cast("decimal(18,2)").alias("lead_amount"),
        F.lit(0).alias("more"),
        F.lit("").alias("told"),
        F.lit("").alias("news"),
        F.lit(False).alias("undone"),
        F.lit(0).cast("decimal(28,2)").alias("taken_back"),
        F.array().cast(EVIDENCE).alias("evidence"),
    )
