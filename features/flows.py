"""Money that came in and went out of a customer's accounts, without what is not news."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import pyspark.sql.functions as F
from pyspark.sql import Column, DataFrame, Window

from conf.settings import Flows

UNIT = ("customer_id", "business_date", "direction")

DEPOSIT_PRODUCTS = ("current", "savings", "time_deposit")
# Product moves within the bank, the bank's own bookings and closures (told as events of their own) are no flows.
FLOW_TYPES = ("cash", "transfer", "card", "bill", "salary", "other")

RECURRING_LOOKBACK_DAYS = 130
RECURRING_LOOKBACK_ROWS = 200  # of one series: a payroll account cannot blow the window up
MONTH_APART_DAYS = (26, 35)  # the second salary, paid before a holiday or after a long month
ALIKE = 0.01  # of the amount: a first rise is a jump, not the second of the same


def owned(transactions: DataFrame, accounts: DataFrame) -> DataFrame:
    """Adds whose account it is and whether the other side is the same customer's.

    Parameters
    ----------
    transactions : DataFrame with `account_id`, `counterparty`
    accounts : DataFrame with `account_id`, `customer_id`, `product_type`, one row an account

    Returns
    -------
    DataFrame with `customer_id`, `product_type`, `own_transfer` boolean; rows of unknown accounts are gone
    """
    own = accounts.select("account_id", "customer_id", "product_type")
    other = accounts.select(F.col("account_id").alias("counterparty"), F.col("customer_id").alias("_other"))
    return (
        transactions.join(own, "account_id")
        .join(other, "counterparty", "left")
        .withColumn("own_transfer", F.coalesce(F.col("_other") == F.col("customer_id"), F.lit(False)))
        .drop("_other")
    )


def external_flows(transactions: DataFrame) -> DataFrame:
    """Movements between a customer's deposits and the world outside.

    Left out: transfers between the customer's own accounts, whether the counterparty says so or an equal amount went
    the other way on the same day (which also nets reversals, roll-overs, and loans paid out to be spent); product moves; the
    bank's own bookings.

    Parameters
    ----------
    transactions : DataFrame as `owned` returns, with `amount_base`, `type`, `direction`, `business_date`, `transaction_id`

    Returns
    -------
    DataFrame, same columns
    """
    flows = transactions.where(may_net(F.col("own_transfer")) & F.col("amount_base").isNotNull())
    return with_opposed(flows, "customer_id", "business_date", "amount_base").where(~F.col("opposed") & ~loan_drawn()).drop("opposed")


def loan_drawn() -> Column:
    """Whether a movement is a loan paid out."""
    return (F.col("type") == "loan") & (F.col("direction") == "credit")


def may_net(own_transfer: Column) -> Column:
    """Whether a movement is a flow or, as a loan paid out to be spent the same day, can net one."""
    return F.col("product_type").isin(*DEPOSIT_PRODUCTS) & (loan_drawn() | (F.col("type").isin(*FLOW_TYPES) & ~own_transfer))


def with_opposed(movements: DataFrame, *alike: str) -> DataFrame:
    """Adds `opposed`: whether an equal movement went the other way; of several, as many as there are of those, the first by id.

    Parameters
    ----------
    movements : DataFrame with `direction`, `transaction_id` and the columns of `alike`
    alike : str
        Columns in which two movements that net are equal.

    Returns
    -------
    DataFrame with `opposed` boolean
    """
    same, one_way = Window.partitionBy(*alike), Window.partitionBy(*alike, "direction")
    fewer = F.least(*(F.count_if(F.col("direction") == way).over(same) for way in ("credit", "debit")))
    # numbered first: rows sorted for that are sorted for the counts
    numbered = movements.withColumn("_nth", F.row_number().over(one_way.orderBy("transaction_id")))
    return numbered.withColumn("opposed", F.col("_nth") <= fewer).drop("_nth")


def may_recur(settings: Flows) -> Column:
    """Whether an amount (`amount_base`) is large enough to be looked at as expected: everyday spending is never, it is what is usual."""
    return F.col("amount_base") >= F.lit(settings.recurring_min_amount)


def with_expected(flows: DataFrame, settings: Flows) -> DataFrame:
    """Marks what is no news: what recurs, and money that comes back.

    A flow recurs (salary, rent, instalments, whatever its type says) when its series (same account, direction, type and
    other side, or same wording where the other side is unknown) held a similar amount in at least `recurring_min_months`
    other calendar months of the 130 days before it; or, unless it is cash, which is moved in round amounts, the very same
    amount a month before it: a salary that has come twice will come again. Money comes back when the same amount went out
    to the same side within `return_days` before, in its own currency. Everyday movements below `recurring_min_amount` are never
    looked at: they are what is usual.

    Parameters
    ----------
    flows : DataFrame with `account_id`, `direction`, `type`, `counterparty`, `description`, `amount`, `currency`, `amount_base`,
        `business_date`, `transaction_id`; must reach 130 days back from the first day that matters
    settings : Flows

    Returns
    -------
    DataFrame with `expected` boolean
    """
    judged = flows.where(may_recur(settings)).withColumn("expected", _recurs(settings) | _comes_back(settings))
    return judged.unionByName(flows.where(~may_recur(settings)).withColumn("expected", F.lit(False)))


def wording() -> Column:
    """What a description says, whatever numbers it holds."""
    return F.regexp_replace(F.coalesce("description", F.lit("")), r"\d+", "#")


def other_side() -> Column:
    """What tells one series of an account's movements from another: the other side, or the wording where that is not known."""
    return F.coalesce("counterparty", wording())


def _recurs(settings: Flows) -> Column:
    series = Window.partitionBy("account_id", "direction", "type", other_side())
    before = series.orderBy("business_date", "transaction_id").rowsBetween(-RECURRING_LOOKBACK_ROWS, -1)
    seen = F.collect_list(F.struct("business_date", F.col("amount_base").cast("double").alias("amount"))).over(before)
    amount, day = F.col("amount_base").cast("double"), F.col("business_date")

    def similar(past: Column) -> Column:
        near = F.abs(past["amount"] - amount) <= settings.recurring_tolerance * amount
        return near & (F.date_diff(day, past["business_date"]) <= RECURRING_LOOKBACK_DAYS)

    def other_month(past: Column) -> Column:
        return F.trunc(past["business_date"], "month")

    def a_month_before(past: Column) -> Column:
        return (F.abs(past["amount"] - amount) <= ALIKE * amount) & F.date_diff(day, past["business_date"]).between(*MONTH_APART_DAYS)

    months = F.array_distinct(F.transform(F.filter(seen, similar), other_month))
    often = F.size(F.array_remove(months, F.trunc(day, "month"))) >= settings.recurring_min_months
    return often | ((F.col("type") != "cash") & F.exists(seen, a_month_before))


def _comes_back(settings: Flows) -> Column:
    """Each withdrawal lets one deposit come back: that of the same amount, from where it went."""
    alike = Window.partitionBy("account_id", "currency", "amount", F.coalesce("counterparty", F.lit("")))
    before = alike.orderBy(F.unix_date("business_date")).rangeBetween(-settings.return_days, -1)
    went, came = (F.count_if(F.col("direction") == way).over(before) for way in ("debit", "credit"))
    return (F.col("direction") == "credit") & (went > came)


def daily_flows(flows: DataFrame) -> DataFrame:
    """One row a customer, day and direction.

    Parameters
    ----------
    flows : DataFrame as `with_expected` returns

    Returns
    -------
    DataFrame with `customer_id`, `business_date`, `direction`, `amount` (all flows), `unusual_amount` (without
    expected ones), both decimal(18,2), and `transactions`
    """
    unusual = F.when(~F.col("expected"), F.col("amount_base")).otherwise(F.lit(0))
    return flows.groupBy(*UNIT).agg(
        F.sum("amount_base").cast("decimal(18,2)").alias("amount"),
        F.sum(unusual).cast("decimal(18,2)").alias("unusual_amount"),
        F.count("*").alias("transactions"),
    )


def with_told(flows: DataFrame, told: DataFrame | None, days: DataFrame) -> DataFrame:
    """Adds `told`: whether an earlier look told of the movement, on a day that is looked at again, and it is not expected by now. It is
    not told again.

    Parameters
    ----------
    flows : DataFrame as `with_expected` returns
    told : DataFrame with `transaction_id`, distinct and few; None when there are none
    days : DataFrame with `customer_id`, `business_date`: those that are looked at
    """
    if told is None:
        return flows.withColumn("told", F.lit(False))
    again = flows.where(~F.col("expected")).join(F.broadcast(told), "transaction_id", "left_semi")
    marked = again.join(days, ["customer_id", "business_date"], "left_semi").select("transaction_id", F.lit(True).alias("told"))
    return flows.join(F.broadcast(marked), "transaction_id", "left").withColumn("told", F.coalesce("told", F.lit(False)))


def untold(units: DataFrame, flows: DataFrame) -> DataFrame:
    """Daily flows without what was told of them: what came since is judged by itself.

    Parameters
    ----------
    units : DataFrame of `daily_flows` rows
    flows : DataFrame as `with_told` returns

    Returns
    -------
    DataFrame, `units` with less `unusual_amount`, and not `flagged` where something was told
    """
    told = flows.where("told").groupBy(*UNIT).agg(F.sum("amount_base").alias("_told"))
    rest = (F.col("unusual_amount") - F.coalesce("_told", F.lit(0))).cast("decimal(18,2)")
    return (
        units.join(F.broadcast(told), list(UNIT), "left")
        .withColumns({"unusual_amount": rest, "flagged": F.col("flagged") & F.col("_told").isNull()})
        .drop("_told")
    )


def changed_units(now: DataFrame, told: DataFrame, days: DataFrame) -> DataFrame:
    """Units of some days that are not as they were told: new ones, grown ones, and ones a late row netted or a correction emptied.

    Parameters
    ----------
    now, told : DataFrame of `daily_flows` rows, newest knowledge and what was recorded of it
    days : DataFrame with `customer_id`, `business_date`

    Returns
    -------
    DataFrame of `daily_flows` rows; a unit that is no more has amounts and transactions of 0
    """
    numbers = ("amount", "unusual_amount", "transactions")
    before = told.select(*UNIT, *(F.col(name).alias(f"_{name}") for name in numbers))
    here, there = (frame.join(days, ["customer_id", "business_date"], "left_semi") for frame in (now, before))
    return (
        here.join(there, list(UNIT), "full_outer")
        .withColumns({name: F.coalesce(name, F.lit(0)).cast(now.schema[name].dataType) for name in numbers})
        .where(" OR ".join(f"NOT ({name} <=> _{name})" for name in numbers))
        .select(*UNIT, *numbers)
    )


def latest_known(units: DataFrame, recorded_by: date) -> DataFrame:
    """Daily flows as they were known: a later row for the same unit replaces an earlier one.

    Parameters
    ----------
    units : DataFrame of `daily_flows` rows with `recorded_on`
    recorded_by : date
    """
    newest = Window.partitionBy(*UNIT).orderBy(F.col("recorded_on").desc())
    return (
        units.where(F.col("recorded_on") <= F.lit(recorded_by))
        .withColumn("_nth", F.row_number().over(newest))
        .where("_nth = 1")
        .drop("_nth")
    )


def window_sums(units: DataFrame, windows_days: Sequence[int]) -> DataFrame:
    """Sums over the days up to and including each active day, so that an amount split over days is seen whole.

    Flagged units count as if they had never happened: they are neither usual nor part of a later sum.

    Parameters
    ----------
    units : DataFrame with `customer_id`, `business_date`, `direction`, `unusual_amount`, `flagged`; must reach
        max(windows_days) - 1 days back from the first day that matters
    windows_days : sequence of int

    Returns
    -------
    DataFrame with `customer_id`, `business_date`, `direction`, `window_days`, `amount` and `day_amount` (of the
    last day alone), decimal(18,2) > 0
    """
    quiet = units.where(~F.col("flagged") & (F.col("unusual_amount") > 0)).withColumn("_day", F.unix_date("business_date"))
    by_day = Window.partitionBy("customer_id", "direction").orderBy("_day")
    sums = {
        f"_{days}": F.sum("unusual_amount").over(by_day.rangeBetween(-(days - 1), 0)).cast("decimal(18,2)")
        for days in windows_days
    }
    each = [
        F.struct(F.lit(days).alias("window_days"), F.col(f"_{days}").alias("amount"), F.col("unusual_amount").alias("day_amount"))
        for days in windows_days
    ]
    return quiet.withColumns(sums).select(*UNIT, F.inline(F.array(*each)))


def recorded_units(around: DataFrame, judged: DataFrame, abnormal: DataFrame, touched: DataFrame, day: date) -> DataFrame:
    """A day's rows of `daily_flows`: what was touched, and older days that turned out to be part of something abnormal.

    Parameters
    ----------
    around : DataFrame of `daily_flows` rows, newest knowledge of each unit, reaching as far back as windows do
    judged : DataFrame with a unit's columns, `surprise` and `log_odds`
    abnormal : the abnormal ones of `judged`, with `_window.window_days`
    touched : DataFrame of units with new rows
    day : date
        Becomes `recorded_on`.
    """
    days_of = F.sequence(F.date_sub("business_date", F.col("_window.window_days") - 1), F.col("business_date"))
    part = abnormal.select("customer_id", "direction", F.explode(days_of).alias("business_date")).distinct()
    return (
        around.drop("surprise", "log_odds")
        .join(judged.select(*UNIT, "surprise", "log_odds"), list(UNIT), "left")
        .join(part.withColumn("_part", F.lit(True)), list(UNIT), "left")
        .join(touched.withColumn("_touched", F.lit(True)), list(UNIT), "left")
        .where("_touched OR (_part AND NOT flagged)")
        .withColumns({"flagged": F.col("flagged") | F.coalesce("_part", F.lit(False)), "recorded_on": F.lit(day)})
        .drop("_part", "_touched")
    )
