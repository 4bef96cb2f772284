"""What an account's own course tells without statistics: all but emptied within days, or waking after a long sleep."""

from __future__ import annotations

from datetime import date, timedelta

import pyspark.sql.functions as F
from pyspark.sql import DataFrame

from conf.settings import Flows
from features.as_of import bounded
from features.deposit_money import OWN_BOOKINGS
from features.movements import booking_number


def drained(transactions: DataFrame, flows: DataFrame, since: date | None, first_day: date, settings: Flows) -> DataFrame:
    """Accounts that lost most of their balance to others within a few days, ending with a movement not looked at before.

    The balance before the first movement of those days and after the last one are the bank's own; where they do not
    add up with what was booked between them, nothing is said. All of it is reckoned in the account's currency, and told in base
    currency at the rate of what is gone.

    Parameters
    ----------
    transactions : DataFrame as `owned` returns, with `balance_after`, `booked_at`
    flows : DataFrame as `with_expected` returns
    since : date or None
        Day of the last look.
    first_day : date
        First day looked at now.
    settings : Flows

    Returns
    -------
    DataFrame with `customer_id`, `account_id`, `product_type`, `business_date` (last day), `window_days`, `before` and
    `left` (balances, base currency), `amount` (gone to others), `transaction_ids`, `description`, `counterparty` (of the
    largest payment), `_recorded`
    """
    days = settings.drained_days
    gone = flows.where((F.col("direction") == "debit") & ~F.col("expected"))
    fresh = F.col("business_date") >= F.lit(first_day)
    if since is not None:
        fresh = fresh & (F.col("recorded_on") > F.lit(since))
    ends = gone.where(fresh).groupBy("account_id").agg(F.max("business_date").alias("_end"))
    within = (F.col("business_date") <= F.col("_end")) & (F.col("business_date") > F.date_sub(F.col("_end"), days))
    signed = F.when(F.col("direction") == "credit", F.col("amount")).otherwise(-F.col("amount"))
    in_order = F.struct("booked_at", booking_number())
    course = (
        transactions.where(F.col("product_type").isin("current", "savings"))
        .join(ends, "account_id")
        .where(within & F.col("balance_after").isNotNull())
        .groupBy("customer_id", "account_id", "product_type", "_end")
        .agg(
            F.min_by(F.col("balance_after") - signed, in_order).alias("before"),
            F.max_by("balance_after", in_order).alias("left"),
            F.sum(signed).alias("_moved"),
        )
        .where(F.col("before") + F.col("_moved") == F.col("left"))
    )
    main = F.struct("description", "counterparty")
    lost = (
        gone.join(ends, "account_id")
        .where(within)
        .groupBy("account_id")
        .agg(
            F.sum("amount_base").cast("decimal(18,2)").alias("amount"),
            F.sum("amount").alias("_lost"),
            F.sort_array(F.collect_set("transaction_id")).alias("transaction_ids"),
            F.max_by(main, F.struct("amount_base", "transaction_id")).alias("_main"),
            F.max("recorded_on").alias("_recorded"),
            F.min("business_date").alias("_first"),
        )
    )
    all_but_emptied = (F.col("left") <= (1 - settings.drained_share) * F.col("before")) & (
        F.col("_lost") >= settings.drained_share * F.col("before")
    )
    told = {name: bounded(F.round(F.col(name) * F.col("amount") / F.col("_lost"), 2)) for name in ("before", "left")}
    span = F.date_diff("_end", "_first") + 1
    return (
        course.join(lost, "account_id")
        .where(all_but_emptied)
        .withColumns(told)
        .where(F.col("before") >= F.lit(settings.min_amount))
        .select(
            "customer_id", "account_id", "product_type", F.col("_end").alias("business_date"),
            F.when(span == 1, 1).when(span <= 3, 3).otherwise(7).alias("window_days"),
            "before", "left", "amount", "transaction_ids", "_main.*", "_recorded",
        )
    )


def woken(
    flows: DataFrame, transactions: DataFrame, accounts: DataFrame, data_start: date, since: date | None, first_day: date, settings: Flows
) -> DataFrame:
    """Customers who moved nothing for a long time, on any account, and now move an amount that matters.

    Whatever was booked counts as a movement (transfers between own accounts, too, and what was placed or invested), but the bank's own
    interest and fees. Somebody who uses one account and leaves another alone does not sleep.

    Parameters
    ----------
    flows : DataFrame as `with_expected` returns
    transactions : DataFrame of all transactions known today, with `account_id`, `business_date`, `type`; read `dormant_days` back from the
        first day looked at, and no further
    accounts : DataFrame with `customer_id`, `account_id`, `opened_on`, one row an account
    data_start : date
        First day of all data: silence before it is not known.
    since, first_day : date
        As in `drained`.
    settings : Flows

    Returns
    -------
    DataFrame with `customer_id`, `account_id`, `direction`, `business_date`, `amount`, `transaction_ids`, `channel`,
    `description`, `counterparty`, `_recorded`
    """
    asleep = timedelta(days=settings.dormant_days)
    first = max(first_day, data_start + asleep)
    fresh = F.col("business_date") >= F.lit(first)
    if since is not None:
        fresh = fresh & (F.col("recorded_on") > F.lit(since))
    moved = (
        flows.where(fresh & ~F.col("expected"))
        .groupBy("customer_id", "direction", "business_date")
        .agg(
            F.sum("amount_base").cast("decimal(18,2)").alias("amount"),
            F.sort_array(F.collect_set("transaction_id")).alias("transaction_ids"),
            F.max_by(
                F.struct("account_id", "channel", "description", "counterparty"), F.struct("amount_base", "transaction_id")
            ).alias("_main"),
            F.max("recorded_on").alias("_recorded"),
        )
        .where(F.col("amount") >= F.lit(settings.min_amount))
        .join(accounts.groupBy("customer_id").agg(F.min("opened_on").alias("_opened")), "customer_id")
        .where(F.date_diff("business_date", "_opened") >= settings.dormant_days)
    )
    few = F.broadcast(moved.select("customer_id").distinct())
    theirs = F.broadcast(accounts.join(few, "customer_id", "left_semi").select("account_id", F.col("customer_id").alias("_c")))
    in_reach = (F.col("business_date") >= F.lit(first - asleep)) & ~F.col("type").isin(*OWN_BOOKINGS)
    before = transactions.where(in_reach).select("account_id", F.col("business_date").alias("_d")).join(theirs, "account_id")
    astir = (
        (F.col("customer_id") == F.col("_c"))
        & (F.col("_d") < F.col("business_date"))
        & (F.col("_d") >= F.date_sub("business_date", settings.dormant_days))
    )
    return moved.join(before, astir, "left_anti").select(
        "customer_id", "direction", "business_date", "amount", "transaction_ids", "_main.*", "_recorded"
    )
