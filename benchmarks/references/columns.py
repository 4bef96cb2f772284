"""Which features the references recompute, and the words of the contract they are told in."""

from __future__ import annotations

WINDOWS = (1, 7, 30, 90, 180, 365)
WAYS = {"in": "credit", "out": "debit"}
FLOWS = ("cash", "transfer", "card", "bill", "salary", "other")
DEPOSITS = ("current", "savings", "time_deposit")
REGULAR = ("transfer", "bill", "other")
CHANNELS = ("counter", "atm", "crs", "mobile", "online", "pad", "mit")
KINDS_IN = ("cash", "transfer", "salary", "interest", "investment", "loan", "time_deposit")
KINDS_OUT = ("cash", "transfer", "card", "bill", "fee", "investment", "loan", "time_deposit")
OWN_MONEY = ("investment", "loan", "time_deposit")
GOODS = ("food", "home", "clothing", "electronics", "travel", "motor", "education", "leisure")
BOUGHT_DAYS = (30, 90, 365)
MEANS, BACK = (30, 90, 365), (30, 90)
PRODUCTS = (*DEPOSITS, "credit_card", "loan", "investment")
FAMILIES = ("deposit", "wealth_product", "fund", "insurance", "loan", "card", "precious_metal", "fx", "pension", "partner")
INVESTED = ("wealth_product", "fund", "precious_metal", "pension")
STAFFED = ("counter", "pad")
TIERS = ("mass", "affluent", "private")

FLOW_COLUMNS = (
    *(f"{way}_{what}_{days}d" for way in WAYS for what in ("amount", "count") for days in WINDOWS),
    *(f"in_{kind}_90d" for kind in KINDS_IN), *(f"out_{kind}_90d" for kind in KINDS_OUT),
    *(f"count_{channel}_90d" for channel in CHANNELS), "digital_share_90d", "staffed_share_90d", "cash_share_90d",
    "weekend_share_90d", "evening_share_90d", "night_share_90d", "usual_hour_90d", "foreign_share_90d", "largest_in_90d",
    "largest_out_90d", "net_amount_30d", "net_amount_90d", "net_amount_365d", "in_trend_30d", "in_trend_90d", "out_trend_30d",
    "out_trend_90d", "kept_share_90d", "days_since_movement",
)  # fmt: skip
INCOME_COLUMNS = (
    "has_salary", "salary_month", "salary_last", "salary_day", "days_since_salary", "salary_change", "months_since_salary_change",
    "salary_payments_365d", "regular_income_month", "monthly_income_estimate", "regular_payments", "regular_payments_month",
    "regular_payments_share",
)  # fmt: skip
PURCHASE_COLUMNS = (
    *(f"spent_{days}d" for days in BOUGHT_DAYS), *(f"orders_{days}d" for days in BOUGHT_DAYS), "days_since_purchase",
    "days_since_first_purchase", "purchase_days_90d", "basket_90d", "lines_per_order_90d", "refund_share_365d", "spent_trend_30d",
    "spent_trend_90d", "purchase_weekend_share_90d", "purchase_groups_90d", *(f"share_{kind}_90d" for kind in GOODS),
    *(f"days_since_{kind}" for kind in GOODS),
)  # fmt: skip
BALANCE_COLUMNS = (
    "deposits_balance", *(f"{product}_balance" for product in DEPOSITS), "investments", "assets", "loans_owed", "card_owed",
    "owed_over_assets", *(f"deposits_mean_{days}d" for days in MEANS), *(f"deposits_change_{days}d" for days in BACK),
    "deposits_over_usual", "liquid_share", "invested_share", "foreign_balance_share", "days_to_maturity", "maturing_30d",
    "maturing_90d", "best_rate",
)  # fmt: skip
PRODUCT_COLUMNS = (
    "holdings_open", "holdings_closed_365d", "holdings_new_90d", "holdings_new_365d", "days_since_new_holding", "holdings_value",
    *(f"has_{family}" for family in FAMILIES), "accounts_open", "accounts_closed_365d", "accounts_opened_365d", "account_products",
    *(f"has_{product}_account" for product in PRODUCTS), "foreign_accounts", "tenure_days",
)  # fmt: skip
PROFIT_COLUMNS = ("margin_year", "fees_year", "cost_to_serve_year", "staffed_cost_year", "net_value_year", "net_value_ahead")
EVENT_COLUMNS = (*FLOW_COLUMNS, *INCOME_COLUMNS, *PURCHASE_COLUMNS)
ACCOUNT_COLUMNS = (*BALANCE_COLUMNS, *PRODUCT_COLUMNS, *PROFIT_COLUMNS)
COLUMNS = (*EVENT_COLUMNS, *ACCOUNT_COLUMNS)
