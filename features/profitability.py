"""What the customer earns and costs the bank, from configured transfer prices and unit costs; a simple forward view."""

from __future__ import annotations

import pyspark.sql.functions as F
from pyspark.sql import DataFrame

from conf.settings import Profitability
from features.feature import MONEY, Feature

_VALUE = {"en": "what the relationship earns", "zh": "客户贡献度"}
_COST = {"en": "what serving the customer costs", "zh": "服务成本"}
_BALANCES = "transactions (balance_after), accounts, holdings, fx_rates, settings.profitability"

FEATURES = (
    Feature("margin_year", MONEY, "a year's margin: mean balance of each product times its margin, and that of holdings", _VALUE,
            "base currency", _BALANCES, 365),
    Feature("fees_year", MONEY, "fees booked within a year", _VALUE, "base currency", "transactions, accounts, fx_rates", 365),
    Feature("cost_to_serve_year", MONEY, "a year's transactions at each channel's cost, and keeping the accounts", _COST,
            "base currency", "transactions, accounts, settings.profitability", 365),
    Feature("staffed_cost_year", MONEY, "the part of it served by staff (counter, pad)", _COST, "base currency",
            "transactions, accounts, settings.profitability", 365),
    Feature("net_value_year", MONEY, "margin and fees less cost to serve, last year", _VALUE, "base currency", _BALANCES, 365),
    Feature("net_value_ahead", MONEY, "a year at the balances of the day and the costs of the last 90 days", _VALUE, "base currency",
            _BALANCES, 90),
)  # fmt: skip
