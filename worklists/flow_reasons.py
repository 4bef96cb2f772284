"""Why a flow was flagged, in the bank's language, with the numbers of its own row."""

from __future__ import annotations

from collections.abc import Mapping

import pyspark.sql.functions as F
from pyspark.sql import Column

from conf.codes import CHANNELS, PRODUCTS
from conf.settings import Cause, Settings
from worklists.reasons import chosen, day, money, worded

NETTED_SHARE = 0.2  # of a flow's amount; what was netted beside it is told from here on
DESTINATIONS = ("placed_again", "own_account", "left", "unknown")


def likely_cause(causes: Mapping[str, Cause]) -> Column:
    """The first configured cause whose pattern fits the largest payment's wording; null when none does.

    Columns read: `direction` (debit or credit), `description`, `counterparty`.
    """
    wording = F.concat_ws(" ", "description", "counterparty")
    fits = [
        F.when((F.col("direction") == cause.direction) & F.regexp_like(wording, F.lit(cause.pattern)), F.lit(name))
        for name, cause in causes.items()
    ]
    return F.coalesce(*fits, F.lit(None).cast("string"))


def _told_cause(settings: Settings) -> Column:
    """The cause as a suggestion; empty when there is none. Column read: `cause`."""
    words = settings.wording[settings.bank.language].reasons
    named = chosen(F.col("cause"), {name: words.get(f"cause_{name}", name) for name in settings.flows.causes})
    return F.when(F.col("cause").isNull(), "").otherwise(worded(words["cause"], {"cause": named}))


def each_cause_once(told: Column, settings: Settings) -> Column:
    """A text of several flows' reasons, in which a cause that they share is told with the last of them."""
    words = settings.wording[settings.bank.language].reasons
    for name in settings.flows.causes:
        sentence = rf"\Q{words['cause'].replace('{cause}', words.get(f'cause_{name}', name))}\E"
        told = F.regexp_replace(told, f"{sentence}(?=.*{sentence})", "")
    return told


def flow_reason(settings: Settings) -> Column:
    """Reason of an abnormal withdrawal or deposit.

    Columns read: `kind`, `business_date`, `window_days`, `amount`, `usual_amount`, `observations`, `peer_group`,
    `peer_weight`, `return_period_years`, `channel`, `transaction_ids`, `type`, `largest`, `series_usual`, `cause`, `passed`.
    """
    words, language = settings.wording[settings.bank.language].reasons, settings.bank.language
    on = day(F.col("business_date"), language)
    when = F.when(F.col("window_days") == 1, worded(words["when_one"], {"day": on})).otherwise(
        worded(words["when_window"], {"days": F.col("window_days"), "day": on})
    )
    count = F.size("transaction_ids")
    peers = worded(words["peers"], {"group": F.col("peer_group"), "weight": F.round(F.col("peer_weight") * 100).cast("int")})
    years = F.col("return_period_years")
    rarely = (
        F.when(years >= settings.flows.max_return_period_years, F.lit(words["years_beyond"]))
        .when(years < 1, F.lit(words["years_often"]))
        .otherwise(worded(words["years"], {"years": F.floor(years)}))
    )
    multiple = F.col("amount") / F.greatest(F.col("usual_amount"), F.lit(1))
    jump = {"usual": money(F.col("series_usual")), "amount": money(F.col("largest"))}
    series = {name: worded(words[f"series_{name}"], jump) for name in ("salary", "other")}
    passed = [
        F.when(F.col("passed").isNotNull() & (F.col("kind") == kind), worded(words[f"passed_{kind}"], {"amount": money(F.col("passed"))}))
        for kind in ("withdrawal", "deposit")
    ]
    values = {
        "amount": money(F.col("amount")),
        "currency": F.lit(settings.bank.base_currency),
        "when": when,
        "channel": chosen(F.col("channel"), {code: words[f"channel_{code}"] for code in CHANNELS}),
        "split": F.when(count > 1, worded(words["split"], {"count": count})).otherwise(""),
        "multiple": F.format_number(multiple, 0),
        "usual": money(F.col("usual_amount")),
        "observations": F.col("observations"),
        "peers": F.when(F.col("peer_weight") >= 0.25, peers).otherwise(""),
        "years": rarely,
        "series": F.when(F.col("series_usual").isNotNull(), F.when(F.col("type") == "salary", series["salary"]).otherwise(series["other"])),
        "passed": F.coalesce(*passed, F.lit("")),
        "cause": _told_cause(settings),
    }
    return F.when(F.col("kind") == "withdrawal", worded(words["withdrawal"], values)).otherwise(
        worded(words["deposit"], values)
    )


def with_netted_told(settings: Settings) -> Column:
    """The reason with what moved in the same days and was not counted, where that is much beside the amount.

    Columns read: `reason`, `kind`, `amount`, and those of `features.flow_evidence.with_netted`.
    """
    words, currency = settings.wording[settings.bank.language].reasons, F.lit(settings.bank.base_currency)
    judged = F.col("kind").isin("withdrawal", "deposit")
    told = [
        F.when(
            judged & (F.col(name) >= F.col("amount") * NETTED_SHARE),
            worded(words[f"netted_{name}"], {"amount": money(F.col(name)), "currency": currency}),
        )
        for name in ("own_moved", "both_ways")
    ]
    return F.concat_ws("", "reason", *told)


def early_withdrawal_reason(settings: Settings) -> Column:
    """Reason of an early withdrawal. Columns read: those of `features.deposit_events.early_withdrawals`."""
    words, language = settings.wording[settings.bank.language].reasons, settings.bank.language
    share = worded(words["share"], {"share": F.round(F.col("share") * 100).cast("int")})
    return worded(
        words["early_withdrawal"],
        {
            "account": F.col("account_id"),
            "day": day(F.col("business_date"), language),
            "days_to_maturity": F.col("days_to_maturity"),
            "maturity": day(F.col("maturity_on"), language),
            "amount": money(F.col("amount")),
            "currency": F.lit(settings.bank.base_currency),
            "share": F.when(F.col("share").isNotNull(), share).otherwise(""),
            "interest": money(F.col("interest_forgone")),
            "went": chosen(F.col("went"), {code: words[f"went_{code}"] for code in DESTINATIONS}),
        },
    )


def closure_reason(settings: Settings) -> Column:
    """Reason of a closure. Columns read: those of `features.deposit_events.closures`."""
    words, language = settings.wording[settings.bank.language].reasons, settings.bank.language
    paid = worded(words["paid"], {"amount": money(F.col("amount")), "currency": F.lit(settings.bank.base_currency)})
    return worded(
        words["closure"],
        {
            "product": chosen(F.col("product_type"), {code: words[f"product_{code}"] for code in PRODUCTS}),
            "account": F.col("account_id"),
            "day": day(F.col("business_date"), language),
            "paid": F.when(F.col("amount") > 0, paid).otherwise(""),
            "last": F.when(F.col("last_account"), words["last_account"])
            .when(F.col("keeps_accounts"), words["not_last_account"])
            .otherwise(words["no_account_left"]),
        },
    )


def drained_reason(settings: Settings) -> Column:
    """Reason of a drained account. Columns read: those of `features.account_events.drained`, and `cause`."""
    words, language = settings.wording[settings.bank.language].reasons, settings.bank.language
    return worded(
        words["drained"],
        {
            "product": chosen(F.col("product_type"), {code: words[f"product_{code}"] for code in PRODUCTS}),
            "account": F.col("account_id"),
            "days": F.lit(settings.flows.drained_days),
            "day": day(F.col("business_date"), language),
            "before": money(F.col("before")),
            "left": money(F.col("left")),
            "amount": money(F.col("amount")),
            "currency": F.lit(settings.bank.base_currency),
            "cause": _told_cause(settings),
        },
    )


def income_ended_reason(settings: Settings) -> Column:
    """Reason of a regular income that has ended. Columns read: those of `features.ended_incomes.ended_incomes`."""
    words, language = settings.wording[settings.bank.language].reasons, settings.bank.language
    once = worded(words["income_monthly"], {"day_of_month": F.dayofmonth("last_on")})
    return worded(
        words["income_ended"],
        {
            "what": F.when(F.col("type") == "salary", words["income_salary"]).otherwise(words["income_other"]),
            "amount": money(F.col("amount")),
            "currency": F.lit(settings.bank.base_currency),
            "often": F.when(F.col("monthly"), once).otherwise(words["income_often"]),
            "months": F.col("months"),
            "day": day(F.col("last_on"), language),
        },
    )


def woken_reason(settings: Settings) -> Column:
    """Reason of a customer who wakes. Columns read: those of `features.account_events.woken`, and `cause`."""
    words, language = settings.wording[settings.bank.language].reasons, settings.bank.language
    return worded(
        words["woken"],
        {
            "quiet": F.lit(settings.flows.dormant_days),
            "amount": money(F.col("amount")),
            "currency": F.lit(settings.bank.base_currency),
            "way": F.when(F.col("direction") == "debit", words["way_debit"]).otherwise(words["way_credit"]),
            "day": day(F.col("business_date"), language),
            "channel": chosen(F.col("channel"), {code: words[f"channel_{code}"] for code in CHANNELS}),
            "cause": _told_cause(settings),
        },
    )
