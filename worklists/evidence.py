"""The rows an alert rests on, as it shows them."""

from __future__ import annotations

import pyspark.sql.functions as F
from pyspark.sql import Column

from conf.codes import CHANNELS
from conf.settings import Settings
from worklists.reasons import chosen, worded

EVIDENCE = "array<struct<kind: string, ref: string, business_date: date, amount: decimal(18,2), note: string>>"
STATISTICAL = ("withdrawal", "deposit")
SHOWN_REFS = 3  # of where a broken deposit's money went


def evidence(flows: Column, settings: Settings) -> Column:
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
