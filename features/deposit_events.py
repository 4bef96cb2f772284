"""Events that need no statistics: a time deposit broken before its maturity, an account closed."""

from __future__ import annotations

from datetime import date, timedelta

import pyspark.sql.functions as F
from pyspark.sql import Column, DataFrame, Window

from conf.settings import Flows
from features.deposit_money import DEPOSIT_ACCOUNTS, OWN_BOOKINGS, with_destination, with_own_side

LATE_DAYS = 30  # a closing date this far back is still news when the bank has only just recorded it
DAYS_A_YEAR = 365
TERMS = ("opened_on", "maturity_on", "interest_rate", "principal_base")  # of a time deposit


def newly_closed(accounts: DataFrame, versions: DataFrame, since: date | None, first_day: date) -> DataFrame:
    """Accounts that closed, or whose closing became known, after the last look.

    Where the bank gives no closing date, an account closed on the first day it was seen closed after it was seen open; one never seen
    open is history. So amending an account closed long ago is no news.

    Parameters
    ----------
    accounts : DataFrame of accounts as of today, with `status`, `closed_on`, `valid_from`, `recorded_on`
    versions : DataFrame of every version of accounts known today, with `account_id`, `status`, `valid_from`
    since : date or None
        Day of the last look.
    first_day : date
        First day looked at on the very first look.

    Returns
    -------
    DataFrame with `account_id`, `customer_id`, `closed_day`
    """
    if since is None:
        new: Column = F.col("closed_day") >= F.lit(first_day)
    else:  # what was known at the last look was told then, or was history
        late = (F.col("recorded_on") > F.lit(since)) & (F.col("closed_day") >= F.lit(since - timedelta(days=LATE_DAYS)))
        new = (F.col("closed_day") > F.lit(since)) | late
    closed = accounts.where((F.col("status") == "closed") | F.col("closed_on").isNotNull())
    at_most = closed.withColumn("closed_day", F.coalesce("closed_on", "valid_from")).where(new)
    undated = at_most.where("closed_on IS NULL").select("account_id", F.col("valid_from").alias("_last"))
    is_closed = F.col("status") == "closed"
    began = (
        versions.join(F.broadcast(undated), "account_id")
        .where(F.col("valid_from") <= F.col("_last"))
        .groupBy("account_id")
        .agg(
            F.max(F.when(~is_closed, F.col("valid_from"))).alias("_open"),
            F.collect_list(F.when(is_closed, F.col("valid_from"))).alias("_closed"),
        )
        .select("account_id", F.array_min(F.filter("_closed", lambda day: day > F.col("_open"))).alias("_began"))
    )
    return (
        at_most.join(began, "account_id", "left")
        .withColumn("closed_day", F.coalesce("closed_on", "_began"))
        .where(new)
        .select("account_id", "customer_id", "closed_day")
    )


def early_withdrawals(
    accounts: DataFrame, versions: DataFrame, closed: DataFrame, new_transactions: DataFrame, movements: DataFrame, outflows: DataFrame,
    first_day: date, as_of: date, settings: Flows,
) -> DataFrame:
    """Time deposits paid out, in part or whole, before their maturity.

    Told by either the money (a debit on the account before its maturity) or the account (closed before it); one row a deposit of what
    is new, and of both the money. Maturity, rate and principal are those of the day before: a deposit rolled over under its own number
    had matured.

    Parameters
    ----------
    accounts : DataFrame of accounts as of today, with `principal_base`
    versions : DataFrame of every version of accounts known today, with `principal_base`
    closed : DataFrame as `newly_closed` returns
    new_transactions : DataFrame as `owned` returns, with `amount_base`, recorded since the last look and not told before
    movements : DataFrame of all such transactions of the days looked at
    outflows : DataFrame as `with_expected` returns, of the days looked at
    first_day, as_of : date
    settings : Flows

    Returns
    -------
    DataFrame with `customer_id`, `account_id`, `business_date`, `transaction_ids`, `amount`, `maturity_on`,
    `days_to_maturity`, `interest_forgone` (what the full term would have earned on the amount, simple interest),
    `share` (of the principal of all time deposits the customer had before today; null where one is not known), `went`: placed_again,
    own_account, left or unknown
    """
    of_customer = Window.partitionBy("customer_id")
    held_on = (F.col("status") == "open") & F.col("closed_on").isNull() & (F.col("opened_on") < F.lit(as_of))
    still = F.when(held_on, F.col("principal_base")).otherwise(F.lit(0))
    held = F.when(F.count_if(F.col("_still").isNull()).over(of_customer) == 0, F.sum("_still").over(of_customer))
    deposits = accounts.where(F.col("product_type") == "time_deposit").select("account_id", "customer_id", still.alias("_still"))
    payments = new_transactions.where(
        (F.col("product_type") == "time_deposit") & (F.col("direction") == "debit") & ~F.col("type").isin(*OWN_BOOKINGS)
        & (F.col("business_date") >= F.lit(first_day))
    )
    paid = with_own_side(payments, movements).select("account_id", "business_date", "transaction_id", "amount_base", "_own", "_outside")
    closings = closed.select("account_id", F.col("closed_day").alias("business_date"))
    by_money = F.col("transaction_id").isNotNull()
    broken = (
        _with_terms_before(paid.unionByName(closings, allowMissingColumns=True), versions)
        .where(F.col("business_date") < F.col("_terms.maturity_on"))
        .groupBy("account_id")
        .agg(
            F.max(F.struct(by_money, "business_date", "_terms")).alias("_last"),
            F.min(F.when(by_money, F.col("business_date"))).alias("_from"),
            F.sum("amount_base").cast("decimal(18,2)").alias("amount"),
            F.sort_array(F.collect_set("transaction_id")).alias("transaction_ids"),
            F.sum(F.when(F.col("_own"), F.col("amount_base"))).alias("_to_own"),
            F.sum(F.when(F.col("_outside"), F.col("amount_base"))).alias("_outside"),
        )
        .select("*", "_last.business_date", "_last._terms.*")
        .withColumns({"_from": F.coalesce("_from", "business_date"), "amount": F.coalesce("amount", "principal_base")})
        .join(deposits.withColumn("_held", held), "account_id")
    )
    had = F.col("_held") + F.sum(F.greatest("amount", "principal_base") - F.col("_still")).over(of_customer)
    return with_destination(broken, "account_id", accounts, outflows, as_of, settings).select(
        "customer_id",
        "account_id",
        "business_date",
        "transaction_ids",
        "amount",
        "maturity_on",
        F.date_diff("maturity_on", "business_date").alias("days_to_maturity"),
        _interest_forgone().alias("interest_forgone"),
        F.when(F.col("principal_base").isNotNull() & (had > 0), (F.col("amount") / had).cast("double")).alias("share"),
        "went",
    )


def closures(
    accounts: DataFrame, closed: DataFrame, new_transactions: DataFrame, told: DataFrame, first_day: date, settings: Flows
) -> DataFrame:
    """Accounts closed: by their status, or emptied by a `closure` transaction.

    A matured time deposit is no closure, and one broken early is an early withdrawal. What a closed account pays into another one closes
    that one not, whatever its type says.

    Parameters
    ----------
    accounts : DataFrame of accounts as of today
    closed : DataFrame as `newly_closed` returns
    new_transactions : DataFrame as `owned` returns, with `amount_base`, recorded since the last look
    told : DataFrame with `account_id`, of closures told before: such an account is no longer kept, whatever its status says
    first_day : date
    settings : Flows

    Returns
    -------
    DataFrame with `customer_id`, `account_id`, `business_date`, `transaction_ids`, `amount` (paid out; 0 when unknown),
    `product_type`, `last_account` (a deposit account, and none of the customer is open any more), `keeps_accounts` (of any product)
    """
    of_interest = accounts.where(
        F.col("product_type").isin(*settings.closure_products) & (F.col("product_type") != "time_deposit")
    )
    paid_out = (F.col("type") == "closure") & (F.col("direction") == "debit")
    emptied = (
        new_transactions.where(paid_out & (F.col("business_date") >= F.lit(first_day)))
        .groupBy("account_id")
        .agg(
            F.max("business_date").alias("emptied_on"),
            F.sum("amount_base").cast("decimal(18,2)").alias("amount"),
            F.sort_array(F.collect_set("transaction_id")).alias("transaction_ids"),
        )
    )
    still_open = (
        accounts.where((F.col("status") == "open") & F.col("closed_on").isNull())
        .join(emptied.select("account_id").union(told.select("account_id")), "account_id", "left_anti")
        .groupBy("customer_id")
        .agg(F.bool_or(F.col("product_type").isin(*DEPOSIT_ACCOUNTS)).alias("_deposits"))
    )
    return (
        of_interest.join(emptied, "account_id", "left")
        .join(closed.select("account_id", "closed_day"), "account_id", "left")
        .where("emptied_on IS NOT NULL OR closed_day IS NOT NULL")
        .join(still_open, "customer_id", "left")
        .select(
            "customer_id",
            "account_id",
            F.coalesce("closed_day", "emptied_on").alias("business_date"),
            F.coalesce("transaction_ids", F.array().cast("array<string>")).alias("transaction_ids"),
            F.coalesce("amount", F.lit(0)).cast("decimal(18,2)").alias("amount"),
            "product_type",
            (F.col("product_type").isin(*DEPOSIT_ACCOUNTS) & ~F.coalesce("_deposits", F.lit(False))).alias("last_account"),
            F.col("_deposits").isNotNull().alias("keeps_accounts"),
        )
    )


def _interest_forgone() -> Column:
    term = F.date_diff("maturity_on", "opened_on")
    return F.round(F.col("amount") * F.coalesce("interest_rate", F.lit(0)) * term / DAYS_A_YEAR, 2).cast("decimal(18,2)")


def _with_terms_before(events: DataFrame, versions: DataFrame) -> DataFrame:
    """Adds `_terms`, those of `TERMS` as they were of the account the day before; for one not known then, as it was first known."""
    terms, from_day = F.struct(*TERMS), F.col("valid_from")
    then = F.coalesce(F.max_by(terms, F.when(from_day < F.col("business_date"), from_day)), F.min_by(terms, from_day))
    seen = versions.select("account_id", "valid_from", *TERMS).join(F.broadcast(events), "account_id")
    return seen.groupBy(*events.columns).agg(then.alias("_terms"))
