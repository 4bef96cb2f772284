"""What the customer has and owes at the bank on the day, and how it has moved."""

from __future__ import annotations

import pyspark.sql.functions as F
from pyspark.sql import DataFrame

from features.feature import MONEY, Feature, rounded, share

BACK_DAYS = (30, 90, 365)
_SOURCE = "transactions (balance_after), accounts, fx_rates"
_DEPOSITS = {"en": "deposits", "zh": "存款"}
_ASSETS = {"en": "assets at the bank", "zh": "在行资产"}
_OWED = {"en": "what is owed to the bank", "zh": "负债"}
_TREND = {"en": "change of deposits", "zh": "存款变化"}
_MATURES = {"en": "time deposits that mature soon", "zh": "即将到期的定期存款"}

FEATURES = (
    Feature("deposits_balance", MONEY, "current, savings and time deposits", _DEPOSITS, "base currency", _SOURCE),
    Feature("current_balance", MONEY, "current accounts", _DEPOSITS, "base currency", _SOURCE),
    Feature("savings_balance", MONEY, "savings accounts", _DEPOSITS, "base currency", _SOURCE),
    Feature("time_deposit_balance", MONEY, "time deposits", _DEPOSITS, "base currency", _SOURCE),
    Feature("investments", MONEY, "investment accounts, or the value of invested holdings where that is more (one may mirror the other)",
            {"en": "investments", "zh": "投资资产"}, "base currency", f"{_SOURCE}, holdings"),
    Feature("assets", MONEY, "deposits and investments", _ASSETS, "base currency", f"{_SOURCE}, holdings"),
    Feature("loans_owed", MONEY, "outstanding on loans", _OWED, "base currency", _SOURCE),
    Feature("card_owed", MONEY, "outstanding on credit cards", _OWED, "base currency", _SOURCE),
    Feature("owed_over_assets", "DOUBLE", "loans and cards owed over assets", _OWED, "ratio", f"{_SOURCE}, holdings",
            null_meaning="no assets"),
    *(
        Feature("deposits_mean_{days}d", MONEY, "mean of {days} days' closing deposits", _DEPOSITS, "base currency", _SOURCE).over(days)
        for days in BACK_DAYS
    ),
    *(
        Feature("deposits_change_{days}d", MONEY, "deposits now less deposits {days} days ago", _TREND, "base currency",
                _SOURCE).over(days)
        for days in (30, 90)
    ),
    Feature("deposits_over_usual", "DOUBLE", "deposits now over their mean of the year, less 1", _TREND, "ratio", _SOURCE, 365,
            null_meaning="no deposits within the year"),
    Feature("liquid_share", "DOUBLE", "share of deposits that can be moved at once (not in time deposits)", _DEPOSITS, "share", _SOURCE,
            null_meaning="no deposits"),
    Feature("invested_share", "DOUBLE", "share of assets that is invested", _ASSETS, "share", f"{_SOURCE}, holdings",
            null_meaning="no assets"),
    Feature("foreign_balance_share", "DOUBLE", "share of deposits in foreign currency", _DEPOSITS, "share", _SOURCE,
            null_meaning="no deposits"),
    Feature("days_to_maturity", "INT", "days to the next maturity of a time deposit", _MATURES, "days", "accounts",
            null_meaning="no open time deposit"),
    Feature("maturing_30d", MONEY, "time deposits that mature within 30 days", _MATURES, "base currency", "accounts, fx_rates"),
    Feature("maturing_90d", MONEY, "time deposits that mature within 90 days", _MATURES, "base currency", "accounts, fx_rates"),
    Feature("best_rate", "DOUBLE", "highest yearly interest rate on an open time deposit", _DEPOSITS, "rate", "accounts",
            null_meaning="no open time deposit, or none with a known rate"),
)  # fmt: skip
