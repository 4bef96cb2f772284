"""What the customer has and owes at the bank on the day, and how it has moved."""

from __future__ import annotations

import pyspark.sql.functions as F
from pyspark.sql import Column, DataFrame

from features.account_sums import MEAN_DAYS, weighted_cents
from features.as_of import converted, with_rate
from features.feature import MONEY, Feature, money, rounded, share
from features.movements import of_customer

BACK_DAYS = (30, 90)
MATURING_DAYS = (30, 90)
DEPOSITS = ("current", "savings", "time_deposit")
AT_PRINCIPAL = ("time_deposit", "loan")
_SOURCE = "transactions (balance_after), accounts, fx_rates"
_DEPOSITS = {"en": "deposits", "zh": "存款"}
_ASSETS = {"en": "assets at the bank", "zh": "在行资产"}
_OWED = {"en": "what is owed to the bank", "zh": "负债"}
_TREND = {"en": "change of deposits", "zh": "存款变化"}
_UNTIL_MATURITY = {"en": "days until a time deposit matures", "zh": "距定期存款到期的天数"}
_MATURES = {"en": "time deposits that mature soon", "zh": "即将到期的定期存款"}

FEATURES = (
    Feature("deposits_balance", MONEY, "current, savings and time deposits", _DEPOSITS, "base currency", _SOURCE),
    Feature("current_balance", MONEY, "current accounts", _DEPOSITS, "base currency", _SOURCE),
    Feature("savings_balance", MONEY, "savings accounts", _DEPOSITS, "base currency", _SOURCE),
    Feature("time_deposit_balance", MONEY, "time deposits", _DEPOSITS, "base currency", _SOURCE),
    Feature(
        "investments",
        MONEY,
        "investment accounts, or the value of invested holdings where that is more (one may mirror the other)",
        {"en": "investments", "zh": "投资资产"},
        "base currency",
        f"{_SOURCE}, holdings",
    ),
    Feature("assets", MONEY, "deposits (0 where overdrawn) and investments", _ASSETS, "base currency", f"{_SOURCE}, holdings"),
    Feature("loans_owed", MONEY, "outstanding on loans", _OWED, "base currency", _SOURCE),
    Feature("card_owed", MONEY, "outstanding on credit cards", _OWED, "base currency", _SOURCE),
    Feature(
        "owed_over_assets",
        "DOUBLE",
        "loans and cards owed over assets",
        _OWED,
        "ratio",
        f"{_SOURCE}, holdings",
        null_meaning="no assets",
    ),
    *(
        Feature("deposits_mean_{days}d", MONEY, "mean of {days} days' closing deposits", _DEPOSITS, "base currency", _SOURCE).over(days)
        for days in MEAN_DAYS
    ),
    *(
        Feature("deposits_change_{days}d", MONEY, "deposits now less deposits {days} days ago", _TREND, "base currency", _SOURCE).over(days)
        for days in BACK_DAYS
    ),
    Feature(
        "deposits_over_usual",
        "DOUBLE",
        "deposits now over their mean of the year, less 1",
        _TREND,
        "ratio",
        _SOURCE,
        365,
        null_meaning="no deposits within the year",
    ),
    Feature(
        "liquid_share",
        "DOUBLE",
        "share of deposits that can be moved at once (not in time deposits)",
        _DEPOSITS,
        "share",
        _SOURCE,
        null_meaning="no deposits",
    ),
    Feature(
        "invested_share",
        "DOUBLE",
        "share of assets that is invested",
        _ASSETS,
        "share",
        f"{_SOURCE}, holdings",
        null_meaning="no assets",
    ),
    Feature(
        "foreign_balance_share",
        "DOUBLE",
        "share of deposits in foreign currency, overdrawn accounts apart",
        _DEPOSITS,
        "share",
        _SOURCE,
        null_meaning="no deposits",
    ),
    Feature(
        "days_to_maturity",
        "INT",
        "days to the next maturity of a time deposit",
        _UNTIL_MATURITY,
        "days",
        "accounts",
        null_meaning="no open time deposit with a maturity ahead",
    ),
    *(
        Feature(f"maturing_{days}d", MONEY, f"time deposits that mature within {days} days", _MATURES, "base currency", _SOURCE)
        for days in MATURING_DAYS
    ),
    Feature(
        "best_rate",
        "DOUBLE",
        "highest yearly interest rate on an open time deposit",
        _DEPOSITS,
        "rate",
        "accounts",
        null_meaning="no open time deposit, or none with a known rate",
    ),
)


def account_balances(sums: DataFrame, accounts: DataFrame, fx_rates: DataFrame, base_currency: str) -> DataFrame:
    """What is on each account on each day, and was on average before.

    The balance is the one the bank last stated, and 0 once the account is closed. What was there before is that less what moved
    since; the mean of the closing balances of `n` days is the balance less each movement times the share of the days before it.
    A time deposit or loan of which no balance was stated stands at its principal (a loan's counts below zero) from the day it was
    opened until the day it was closed, whether or not placing and paying out were booked on it.

    Parameters
    ----------
    sums : DataFrame as `features.account_sums.account_sums` returns, with or without accounts that never moved
    accounts : DataFrame as `versions_as_of` returns
    fx_rates : DataFrame as `latest_known_on` returns
    base_currency : str

    Returns
    -------
    DataFrame with `customer_id`, `as_of`, `account_id`, `product_type`, `currency`, `is_open`, `opened_on`, `closed_on`,
    `maturity_on`, `interest_rate`, and in base currency at the day's rate `balance`, `balance_<n>d_ago`, `mean_<n>d`
    """
    moved = sums.select(
        "customer_id",
        "as_of",
        "account_id",
        F.col("stated")["balance"].alias("_stated"),
        *[money(F.col(f"cents_{days}d")).alias(f"_since_{days}") for days in BACK_DAYS],
        *[weighted_cents(days).alias(f"_weighted_{days}") for days in MEAN_DAYS],
    )
    of_day = with_rate(accounts.withColumn("business_date", F.col("as_of")), fx_rates, base_currency, on=["as_of"])
    joined = of_day.join(moved, ["customer_id", "as_of", "account_id"], "left")
    is_open = (F.col("status") == "open") & F.col("closed_on").isNull()
    principal = F.when(F.col("product_type").isin(*AT_PRINCIPAL), F.col("principal") * F.col("_sign"))
    existed = F.date_diff("as_of", "opened_on") + 1
    gone = F.when(is_open, 0).otherwise(F.coalesce(F.date_diff("as_of", "closed_on") + 1, existed))  # days; of one with no date all
    known = F.col("_stated").isNotNull() | (~is_open & principal.isNull())
    stood = F.coalesce(converted(principal), F.lit(0))
    now = F.when(is_open, F.coalesce(converted(F.col("_stated")), stood)).otherwise(0).cast(MONEY)

    def moving_or_standing(moving: Column, share_of_days: Column) -> Column:
        return F.when(known, moving).otherwise(stood * share_of_days).cast(MONEY)

    def ago(days: int) -> Column:
        before = F.col("balance") - F.coalesce(F.col(f"_since_{days}"), F.lit(0))
        return moving_or_standing(before, ((existed > days) & (gone <= days)).cast("int"))

    def mean(days: int) -> Column:
        before = F.col("balance") - F.coalesce(F.col(f"_weighted_{days}"), F.lit(0)) / (days * 100)
        return moving_or_standing(before, F.greatest(F.least(existed, F.lit(days)) - gone, F.lit(0)) / days)

    return of_customer(
        joined.withColumn("_sign", F.when(F.col("product_type") == "loan", -1).otherwise(1))
        .withColumns({"is_open": is_open, "balance": now})
        .select(
            "customer_id",
            "as_of",
            "account_id",
            "product_type",
            "currency",
            "is_open",
            "opened_on",
            "closed_on",
            "maturity_on",
            "interest_rate",
            "balance",
            *[ago(days).alias(f"balance_{days}d_ago") for days in BACK_DAYS],
            *[mean(days).alias(f"mean_{days}d") for days in MEAN_DAYS],
        )
    )


def balance_features(balances: DataFrame, invested: DataFrame, base_currency: str) -> DataFrame:
    """Features of what the customer has and owes.

    Parameters
    ----------
    balances : DataFrame as `account_balances` returns
    invested : DataFrame with `customer_id`, `as_of`, `invested_value` (holdings that count as assets)
    base_currency : str

    Returns
    -------
    DataFrame with `customer_id`, `as_of` and the features
    """
    deposit = F.col("product_type").isin(*DEPOSITS)
    held = deposit & (F.col("balance") > 0)
    maturing = (F.col("product_type") == "time_deposit") & F.col("is_open") & (F.col("maturity_on") >= F.col("as_of"))
    to_maturity = F.date_diff("maturity_on", "as_of")

    def total(condition: Column, what: str = "balance") -> Column:
        return F.coalesce(F.sum(F.when(condition, F.col(what))), F.lit(0)).cast(MONEY)

    def of(product: str) -> Column:
        return F.col("product_type") == product

    summed = balances.groupBy("customer_id", "as_of").agg(
        total(deposit).alias("deposits_balance"),
        *[total(of(product)).alias(f"{product}_balance") for product in DEPOSITS],
        total(of("investment")).alias("_invested"),
        (-total(of("loan"))).cast(MONEY).alias("loans_owed"),
        (-total(of("credit_card") & (F.col("balance") < 0))).cast(MONEY).alias("card_owed"),
        *[total(deposit, f"mean_{days}d").alias(f"deposits_mean_{days}d") for days in MEAN_DAYS],
        *[total(deposit, f"balance_{days}d_ago").alias(f"_deposits_{days}") for days in BACK_DAYS],
        total(held & (F.col("currency") != base_currency)).alias("_foreign"),
        total(held).alias("_held"),
        F.min(F.when(maturing, to_maturity)).alias("days_to_maturity"),
        *[total(maturing & (to_maturity <= days)).alias(f"maturing_{days}d") for days in MATURING_DAYS],
        rounded(F.max(F.when(of("time_deposit") & F.col("is_open"), F.col("interest_rate")))).alias("best_rate"),
    )
    changes = {f"deposits_change_{days}d": (F.col("deposits_balance") - F.col(f"_deposits_{days}")).cast(MONEY) for days in BACK_DAYS}
    both = summed.join(invested, ["customer_id", "as_of"], "full")
    some = both.fillna(0, [name for name, kind in both.dtypes if kind.startswith("decimal")])
    with_assets = some.withColumn("investments", F.greatest("_invested", "invested_value").cast(MONEY)).withColumn(
        "assets", (F.greatest(F.col("deposits_balance"), F.lit(0)) + F.col("investments")).cast(MONEY)
    )
    usual = F.col("deposits_mean_365d")
    return with_assets.withColumns(
        changes
        | {
            "owed_over_assets": share(F.col("loans_owed") + F.col("card_owed"), F.col("assets")),
            "deposits_over_usual": rounded(F.when(usual > 0, F.col("deposits_balance").cast("double") / usual.cast("double") - 1)),
            "liquid_share": share(F.col("deposits_balance") - F.col("time_deposit_balance"), F.col("deposits_balance")),
            "invested_share": share(F.col("investments"), F.col("assets")),
            "foreign_balance_share": share(F.col("_foreign"), F.col("_held")),
        }
    ).drop("_invested", "invested_value", "_foreign", "_held", *[f"_deposits_{days}" for days in BACK_DAYS])
