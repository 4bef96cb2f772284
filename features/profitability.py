"""What the customer earns and costs the bank, from configured transfer prices and unit costs; a simple forward view."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence

import pyspark.sql.functions as F
from pyspark.sql import Column, DataFrame

from conf.codes import CHANNELS, Channel
from conf.settings import Profitability
from features.feature import MONEY, Feature, money
from features.flow_features import STAFFED
from features.flow_sums import HABIT_DAYS, YEAR_DAYS

QUARTERS = 4  # of `HABIT_DAYS`

_VALUE = {"en": "what the relationship earns", "zh": "客户贡献度"}
_COST = {"en": "what serving the customer costs", "zh": "服务成本"}
_BALANCES = "transactions (balance_after), accounts, holdings, fx_rates, settings.profitability"

FEATURES = (
    Feature(
        "margin_year",
        MONEY,
        "a year's margin: mean balance of each product times its margin, and that of invested holdings no account mirrors",
        _VALUE,
        "base currency",
        _BALANCES,
        365,
    ),
    Feature("fees_year", MONEY, "fees charged within a year", _VALUE, "base currency", "transactions, accounts, fx_rates", 365),
    Feature(
        "cost_to_serve_year",
        MONEY,
        "a year's transactions at each channel's cost, and keeping the accounts",
        _COST,
        "base currency",
        "transactions, accounts, settings.profitability",
        365,
    ),
    Feature(
        "staffed_cost_year",
        MONEY,
        "the part of it served by staff (counter, pad)",
        _COST,
        "base currency",
        "transactions, accounts, settings.profitability",
        365,
    ),
    Feature("net_value_year", MONEY, "margin and fees less cost to serve, last year", _VALUE, "base currency", _BALANCES, 365),
    Feature(
        "net_value_ahead",
        MONEY,
        "the same for a year ahead: balances as on the day, fees and movements four times those of the last 90 days",
        _VALUE,
        "base currency",
        _BALANCES,
        90,
    ),
)


def profitability_features(balances: DataFrame, sums: DataFrame, invested: DataFrame, settings: Profitability) -> DataFrame:
    """Features of what the customer earns and costs.

    Margin of a year: each account's mean balance (what is owed, on loans and cards) times its product's margin, and the value
    of invested holdings times theirs, unless an investment account mirrors them. Cost: every movement at its channel's price,
    and each open account's keeping. Ahead: today's balances for a year, and four times the last 90 days' movements.

    Parameters
    ----------
    balances : DataFrame as `account_balances` returns
    sums : DataFrame as `features.flow_sums.flow_sums` returns
    invested : DataFrame as `invested_values` returns
    settings : Profitability

    Returns
    -------
    DataFrame with `customer_id`, `as_of` and the features
    """
    key = ["customer_id", "as_of"]
    margin = _looked_up("product_type", {name: str(share) for name, share in settings.margin_by_product.items()}, "decimal(9,6)")
    investment = F.col("product_type") == "investment"
    earned = balances.groupBy(*key).agg(
        F.sum(F.abs("mean_365d") * margin).alias("_year"),
        F.sum(F.abs("balance") * margin).alias("_ahead"),
        F.coalesce(F.sum(F.when(investment, F.col("balance"))), F.lit(0)).alias("_mirrored"),
        (F.count_if("is_open") * F.lit(settings.cost_of_account)).alias("_keeping"),
    )
    moved = sums.select(
        *key,
        _at_cost(CHANNELS, YEAR_DAYS, settings).alias("_moving"),
        _at_cost(STAFFED, YEAR_DAYS, settings).alias("staffed_cost_year"),
        _at_cost(CHANNELS, HABIT_DAYS, settings).alias("_moving_lately"),
        money(F.col(f"fee_cents_{YEAR_DAYS}d")).alias("fees_year"),
        money(F.col(f"fee_cents_{HABIT_DAYS}d")).alias("_fees_lately"),
    )
    all_of_it = earned.join(moved, key, "full").join(invested, key, "full")
    zero = all_of_it.fillna(0, [name for name, kind in all_of_it.dtypes if kind.startswith("decimal")])
    holdings = F.greatest(F.col("invested_value") - F.col("_mirrored"), F.lit(0)) * F.lit(settings.margin_by_holding)
    costs = F.col("_moving") + F.col("_keeping")
    lately = (F.col("_moving_lately") - F.col("_fees_lately")) * QUARTERS + F.col("_keeping")
    return zero.select(
        *key,
        (F.col("_year") + holdings).cast(MONEY).alias("margin_year"),
        "fees_year",
        costs.cast(MONEY).alias("cost_to_serve_year"),
        F.col("staffed_cost_year").cast(MONEY),
        (F.col("_year") + holdings + F.col("fees_year") - costs).cast(MONEY).alias("net_value_year"),
        (F.col("_ahead") + holdings - lately).cast(MONEY).alias("net_value_ahead"),
    )


def _at_cost(channels: Sequence[Channel], days: int, settings: Profitability) -> Column:
    """What the movements of some channels cost within a window."""
    costs = [
        F.col(f"count_{name}_{days}d") * F.lit(str(settings.cost_by_channel.get(name, 0))).cast("decimal(9,4)") for name in channels
    ]
    return functools.reduce(Column.__add__, costs)


def _looked_up(column: str, values: Mapping[str, str], kind: str) -> Column:
    expression = F.lit(0).cast(kind)
    for name, value in values.items():
        expression = F.when(F.col(column) == name, F.lit(value).cast(kind)).otherwise(expression)
    return expression
