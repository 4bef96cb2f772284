"""Every family of features on customers a reader can follow by head; whole rows compared."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pyspark.sql.functions as F
import pytest
from pyspark.sql import SparkSession

from conf import Settings
from features import (
    balance_features,
    demographic_features,
    flow_features,
    holding_features,
    income_features,
    profitability,
    purchase_features,
    relationship_features,
)
from features.account_sums import account_sums
from features.as_of import latest_known_on, versions_as_of
from features.catalogue import FEATURES, joined
from features.flow_sums import LISTED, flow_sums
from features.movements import movements, recent, seen_from
from features.purchase_sums import baskets, purchase_sums
from features.segments import preferences, segments
from tests.features.literal_world import (
    ACCOUNTS,
    CUSTOMERS,
    DAY,
    FX_RATES,
    HOLDINGS,
    PURCHASES,
    TRANSACTIONS,
    at,
    frame,
    moved,
    on,
    rows,
    unknown,
    version,
)

ALERTS = [
    {"alert_id": "AL-1", "customer_id": "anna", "raised_on": on(2, 1)},
    {"alert_id": "AL-3", "customer_id": "anna", "raised_on": on(3, 1)},
    {"alert_id": "AL-2", "customer_id": "anna", "raised_on": DAY},  # of the day itself: raised after the features were made
]
OUTCOMES = [
    {"alert_id": "AL-1", "recorded_at": at(on(2, 3), 10), "outcome": "not_reached", "business_date": on(2, 3)},
    {"alert_id": "AL-1", "recorded_at": at(on(2, 9), 10), "outcome": "declined", "business_date": on(2, 9)},
    {"alert_id": "AL-3", "recorded_at": at(on(3, 9), 10), "outcome": "false_alarm", "business_date": on(3, 9)},  # spoken to, too
]


@pytest.fixture(scope="module")
def parts(spark: SparkSession, settings: Settings) -> dict[str, Any]:
    """Every family's rows of the literal world, and the whole."""
    days = [DAY]
    customers = versions_as_of(frame(spark, "customers", CUSTOMERS), "customer_id", days)
    accounts = versions_as_of(frame(spark, "accounts", ACCOUNTS), "account_id", days)
    rates = latest_known_on(frame(spark, "fx_rates", FX_RATES), ("rate_date", "currency"), days)
    transactions = recent(frame(spark, "transactions", TRANSACTIONS), days)
    moves = movements(transactions, accounts, rates, "CNY", settings.bank.time_zone).persist()
    payments = moves.where(F.col("type").isin(*income_features.REGULAR_TYPES))
    sums = flow_sums(moves).persist()
    balances = balance_features.account_balances(account_sums(moves), accounts, rates, "CNY").persist()
    key = ("customer_id", "product_id", "acquired_on")
    held = holding_features.open_holdings(latest_known_on(frame(spark, "holdings", HOLDINGS), key, days), settings.offers).persist()
    invested = holding_features.invested_values(held)
    groups = settings.segments.purchase_groups
    bought = baskets(recent(frame(spark, "purchases", PURCHASES), days), rates, days, "CNY", groups)
    outcomes = seen_from(frame(spark, "outcomes", OUTCOMES), days)
    made = {
        "demographic": demographic_features.demographic_features(customers, settings.segments.occupation_groups),
        "relationship": relationship_features.relationship_features(customers, frame(spark, "alerts", ALERTS), outcomes),
        "holding": holding_features.holding_features(held, balances, customers, "CNY"),
        "balance": balance_features.balance_features(balances, invested, "CNY"),
        "flow": flow_features.flow_features(sums),
        "income": income_features.income_features(sums, payments),
        "purchase": purchase_features.purchase_features(purchase_sums(bought)),
        "profitability": profitability.profitability_features(balances, sums, invested, settings.profitability),
    }
    whole = joined(customers, list(made.values())).persist()
    reasons = settings.wording["en"].reasons
    in_segments = segments(whole, preferences(held, settings.segments.preferences), settings.segments, reasons)
    found = rows(whole)
    nothing_regular = rows(joined(customers, [*(made[name] for name in made if name != "income"),
                                              income_features.income_features(sums, payments.where("false"))]))
    return {"whole": found, "segments": rows(in_segments), "columns": whole.columns, "nothing_regular": nothing_regular}


def told(features: tuple, of: dict[str, Any]) -> dict[str, Any]:
    return {each.name: of[each.name] for each in features}


def test_every_declared_feature_is_there_in_order_and_ben_is_all_unknown(parts: dict[str, Any]) -> None:
    assert parts["columns"] == ["customer_id", "as_of", *[feature.name for feature in FEATURES]]
    assert parts["whole"]["ben"] == unknown(FEATURES) | {"tenure_days": 30}


def test_who_the_customer_is(parts: dict[str, Any]) -> None:
    assert told(demographic_features.FEATURES, parts["whole"]["anna"]) == {
        "age": 35, "income_stated": Decimal("70000.00"), "occupation_group": "public_sector", "marital_status": "married",
        "region": "north", "risk_profile": 3, "marketing_consent": True,
    }


def test_earlier_calls_count_once_known_and_alerts_of_the_day_do_not(parts: dict[str, Any]) -> None:
    assert told(relationship_features.FEATURES, parts["whole"]["anna"]) == {
        "has_relationship_manager": True, "alerts_365d": 2, "contacts_365d": 2, "accepted_365d": 0, "declined_365d": 1,
        "days_since_contact": 22,
    }


def test_accounts_and_products(parts: dict[str, Any]) -> None:
    assert told(holding_features.FEATURES, parts["whole"]["anna"]) == unknown(holding_features.FEATURES) | {
        "holdings_open": 1, "holdings_closed_365d": 1, "holdings_new_90d": 1, "holdings_new_365d": 2, "days_since_new_holding": 58,
        "holdings_value": Decimal("4500.00"), "has_fund": True, "accounts_open": 3, "accounts_opened_365d": 1, "account_products": 3,
        "has_current_account": True, "has_savings_account": True, "has_time_deposit_account": True, "tenure_days": 454,
    }


def closing(account: str, day: date) -> Decimal:
    """What lay on an account at the end of a day, counted by hand from its first balance."""
    start = {"A1": Decimal(1000), "A2": Decimal(2000)}[account]
    for row in TRANSACTIONS:
        if row["account_id"] == account and row["business_date"] <= day:
            worth = row["amount"] * (7 if row["currency"] == "USD" else 1)
            start += worth if row["direction"] == "credit" else -worth
    return start


def mean_deposits(days: int) -> Decimal:
    moving = sum(closing(account, DAY - timedelta(back)) for account in ("A1", "A2") for back in range(days))
    standing = Decimal(10000) * min(days, (DAY - on(4, 20, 2025)).days + 1)
    return (moving + standing) / days


def test_balances_and_their_past(parts: dict[str, Any]) -> None:
    anna = told(balance_features.FEATURES, parts["whole"]["anna"])
    means = {name: anna.pop(name) for name in ("deposits_mean_30d", "deposits_mean_90d", "deposits_mean_365d")}
    for days in (30, 90, 365):
        assert abs(means[f"deposits_mean_{days}d"] - mean_deposits(days)) <= Decimal("0.02")
    assert unknown(balance_features.FEATURES) | means | anna == unknown(balance_features.FEATURES) | means | {
        "deposits_balance": Decimal("23100.00"), "current_balance": Decimal("10100.00"), "savings_balance": Decimal("3000.00"),
        "time_deposit_balance": Decimal("10000.00"), "investments": Decimal("4500.00"), "assets": Decimal("27600.00"),
        "owed_over_assets": 0.0, "deposits_change_30d": Decimal("3100.00"), "deposits_change_90d": Decimal("10100.00"),
        "deposits_over_usual": round(23100 / float(means["deposits_mean_365d"]) - 1, 6), "liquid_share": 0.567100,
        "invested_share": 0.163043, "foreign_balance_share": 0.0, "days_to_maturity": 20, "maturing_30d": Decimal("10000.00"),
        "maturing_90d": Decimal("10000.00"), "best_rate": 0.02,
    }  # fmt: skip


def test_a_deposit_that_was_closed_stood_at_its_principal_till_then(spark: SparkSession, settings: Settings) -> None:
    """Placed 345 days ago, broken eleven days ago and kept on the current account: nothing has changed."""
    opened, closed = DAY - timedelta(344), DAY - timedelta(11)
    deposit = version(closed, account_id="A3", customer_id="anna", product_type="time_deposit", currency="CNY", status="closed",
                      opened_on=opened, closed_on=closed, principal=Decimal("1000000.00"))  # fmt: skip
    spent = version(closed, account_id="A4", customer_id="anna", product_type="savings", currency="CNY", status="closed",
                    opened_on=on(1, 1, 2025), closed_on=closed)  # fmt: skip
    paid = [moved(1, on(1, 1), 9, "10.00", "credit", "other", "other", "5000.00"),
            moved(2, closed, 9, "1000000.00", "credit", "time_deposit", "counter", "1005000.00", other="A3"),
            moved(3, closed, 9, "70.00", "debit", "cash", "counter", "0.00", account="A4") | {"balance_after": None}]  # fmt: skip
    accounts = versions_as_of(frame(spark, "accounts", [ACCOUNTS[0], deposit, spent]), "account_id", [DAY])
    rates = latest_known_on(frame(spark, "fx_rates", FX_RATES), ("rate_date", "currency"), [DAY])
    moves = movements(recent(frame(spark, "transactions", paid), [DAY]), accounts, rates, "CNY", settings.bank.time_zone)
    found = balance_features.account_balances(account_sums(moves), accounts, rates, "CNY").localCheckpoint()
    stood = {row["account_id"]: row for row in found.collect()}
    assert (stood["A3"]["balance"], stood["A3"]["balance_30d_ago"], stood["A3"]["balance_90d_ago"]) == (0, 1_000_000, 1_000_000)
    thirty, year = Decimal(1_000_000 * 18) / 30, Decimal(1_000_000 * (345 - 12)) / 365
    assert (stood["A3"]["mean_30d"], stood["A3"]["mean_365d"]) == (thirty, year.quantize(Decimal("0.01")))
    assert (stood["A4"]["balance_30d_ago"], stood["A4"]["mean_30d"]) == (70, Decimal("42.00"))  # 18 days of 30, by what moved
    nothing_held = spark.createDataFrame([], "customer_id string, as_of date, invested_value decimal(18,2)")
    anna = rows(balance_features.balance_features(found, nothing_held, "CNY"))["anna"]
    assert (anna["deposits_balance"], anna["deposits_change_30d"]) == (Decimal("1005000.00"), Decimal("-70.00"))


def test_of_two_movements_in_one_second_the_later_number_states_the_balance(spark: SparkSession) -> None:
    def stated(*ids: str) -> Decimal:
        booked = [moved(nth, on(3, 20), 9, "10.00", "debit", "card", "online", after) | {"transaction_id": name}
                  for nth, (name, after) in enumerate(zip(ids, ("90.00", "80.00"), strict=True))]
        accounts = versions_as_of(frame(spark, "accounts", ACCOUNTS), "account_id", [DAY])
        rates = latest_known_on(frame(spark, "fx_rates", FX_RATES), ("rate_date", "currency"), [DAY])
        moves = movements(recent(frame(spark, "transactions", booked), [DAY]), accounts, rates, "CNY", "Asia/Shanghai")
        return account_sums(moves).collect()[0]["stated"]["balance"]

    assert stated("T9", "T10") == stated("2026/0099-B", "2026/0100-A") == Decimal("80.00")
    assert stated("T10", "T9") == Decimal("90.00")
    assert stated("alpha", "beta") == stated("alpha", "beta")  # no number: the same on every run


def test_money_in_and_out_and_habits(parts: dict[str, Any]) -> None:
    # out: rents of 11, 39, 70 days ago, cash of yesterday, a card payment of 700; what was taken back and own transfers are not
    assert told(flow_features.FEATURES, parts["whole"]["anna"]) == unknown(flow_features.FEATURES) | {
        "in_amount_30d": Decimal("5600.00"), "in_amount_90d": Decimal("15600.00"), "in_amount_180d": Decimal("15600.00"),
        "in_amount_365d": Decimal("15600.00"), "in_count_30d": 1, "in_count_90d": 3, "in_count_180d": 3, "in_count_365d": 3,
        "out_amount_7d": Decimal("300.00"), "out_amount_30d": Decimal("2500.00"), "out_amount_90d": Decimal("5500.00"),
        "out_amount_180d": Decimal("5500.00"), "out_amount_365d": Decimal("5500.00"), "out_count_7d": 1, "out_count_30d": 3,
        "out_count_90d": 5, "out_count_180d": 5, "out_count_365d": 5, "in_salary_90d": Decimal("15600.00"),
        "in_transfer_90d": Decimal("200.00"), "out_transfer_90d": Decimal("4700.00"), "out_cash_90d": Decimal("300.00"),
        "out_card_90d": Decimal("700.00"), "count_mobile_90d": 5, "count_online_90d": 3, "count_atm_90d": 1,
        "digital_share_90d": 0.666667, "staffed_share_90d": 0.0, "cash_share_90d": 0.054545, "weekend_share_90d": 0.166667,
        "evening_share_90d": 0.083333, "night_share_90d": 0.083333, "usual_hour_90d": 10.25, "foreign_share_90d": 0.083333,
        "largest_in_90d": Decimal("5600.00"), "largest_out_90d": Decimal("1500.00"), "net_amount_30d": Decimal("3100.00"),
        "net_amount_90d": Decimal("10100.00"), "net_amount_365d": Decimal("10100.00"), "in_trend_30d": 0.076923,
        "in_trend_90d": 3.055556, "out_trend_30d": 0.363636, "out_trend_90d": 3.055556, "kept_share_90d": 0.647436,
        "days_since_movement": 0,
    }  # fmt: skip


def test_salary_and_regular_payments(parts: dict[str, Any]) -> None:
    assert told(income_features.FEATURES, parts["whole"]["anna"]) == unknown(income_features.FEATURES) | {
        "has_salary": True, "salary_month": Decimal("5000.00"), "salary_last": Decimal("5600.00"), "salary_day": 15,
        "days_since_salary": 16, "salary_change": 0.12, "months_since_salary_change": 0, "salary_payments_365d": 3,
        "monthly_income_estimate": Decimal("5000.00"), "regular_payments": 1, "regular_payments_month": Decimal("1500.00"),
        "regular_payments_share": 0.3,
    }  # fmt: skip


def test_who_earns_and_pays_nothing_regularly_pays_a_share_of_none(parts: dict[str, Any]) -> None:
    anna = parts["nothing_regular"]["anna"]
    assert (anna["regular_payments"], anna["regular_payments_month"], anna["regular_payments_share"]) == (0, 0, 0.0)
    assert parts["nothing_regular"]["ben"]["regular_payments_share"] is None  # no income is known of


def test_a_month_with_two_payments_within_thirty_days_is_two_months(spark: SparkSession, settings: Settings) -> None:
    paid = [moved(nth, on(month, 1, year), 9, amount, way, kind, "mobile", "1.00", said=kind)
            for month, year in ((12, 2025), (1, 2026), (2, 2026), (3, 2026)) for nth, (amount, way, kind) in enumerate(
                (("3000.00", "debit", "transfer"), ("4000.00", "credit", "other"), ("9000.00", "credit", "salary")), 10 * month)
            if kind != "salary" or month in (2, 3)]  # fmt: skip
    accounts = versions_as_of(frame(spark, "accounts", ACCOUNTS), "account_id", [DAY])
    rates = latest_known_on(frame(spark, "fx_rates", FX_RATES), ("rate_date", "currency"), [DAY])
    moves = movements(recent(frame(spark, "transactions", paid), [DAY]), accounts, rates, "CNY", settings.bank.time_zone)
    regular = moves.where(F.col("type").isin(*income_features.REGULAR_TYPES) & (F.col("age_days") < income_features.REGULAR_DAYS))
    anna = rows(income_features.income_features(flow_sums(moves), regular))["anna"]
    assert (anna["regular_payments_month"], anna["regular_income_month"]) == (Decimal("3000.00"), Decimal("4000.00"))
    assert (anna["has_salary"], anna["salary_month"]) == (True, Decimal("9000.00"))  # of 1 February and 1 March, 58 and 30 days ago


def test_a_raise_of_just_a_tenth_is_a_change(spark: SparkSession) -> None:
    def found(last: str) -> int | None:
        paid = [(on(2, 15), 100100), (on(3, 15), int(Decimal(last) * 100))]
        sums = spark.createDataFrame([("anna", DAY, paid)], f"customer_id string, as_of date, salaries {LISTED}")
        return rows(income_features._salaries(sums))["anna"]["months_since_salary_change"]

    assert (found("1101.10"), found("1101.09"), found("900.90"), found("900.91")) == (0, None, 0, None)


def test_what_is_bought(parts: dict[str, Any]) -> None:
    assert told(purchase_features.FEATURES, parts["whole"]["anna"]) == unknown(purchase_features.FEATURES) | {
        "spent_30d": Decimal("60.00"), "spent_90d": Decimal("140.00"), "spent_365d": Decimal("220.00"), "orders_30d": 2,
        "orders_90d": 3, "orders_365d": 4, "days_since_purchase": 0, "days_since_first_purchase": 334, "purchase_days_90d": 3,
        "basket_90d": Decimal("46.67"), "lines_per_order_90d": 1.333333, "refund_share_365d": 0.083333, "spent_trend_30d": 0.285714,
        "spent_trend_90d": 1.580808, "purchase_weekend_share_90d": 0.666667, "purchase_groups_90d": 2, "share_food_90d": 0.214286,
        **{f"share_{group}_90d": 0.0 for group in purchase_features.GROUPS if group != "food"},
        "days_since_food": 10, "days_since_leisure": 334,
    }  # fmt: skip


def test_what_the_customer_earns_and_costs(parts: dict[str, Any]) -> None:
    anna = parts["whole"]["anna"]
    days = [DAY - timedelta(back) for back in range(365)]
    current, savings = (sum(closing(account, day) for day in days) / 365 for account in ("A1", "A2"))
    deposit = Decimal(10000) * ((DAY - on(4, 20, 2025)).days + 1) / 365
    margin = current * Decimal("0.018") + savings * Decimal("0.015") + deposit * Decimal("0.006") + 4500 * Decimal("0.006")
    assert abs(anna["margin_year"] - margin) <= Decimal("0.02")
    # 5 by mobile and 3 online at 0.10, one cash machine at 1.20, 3 by other ways at 1.00, three accounts at 12
    assert anna["cost_to_serve_year"] == Decimal("41.00")
    assert anna["staffed_cost_year"] == anna["fees_year"] == Decimal("0.00")
    assert anna["net_value_year"] == anna["margin_year"] - Decimal("41.00")
    ahead = 10100 * Decimal("0.018") + 3000 * Decimal("0.015") + 10000 * Decimal("0.006") + 4500 * Decimal("0.006") - 20 - 36
    assert anna["net_value_ahead"] == ahead.quantize(Decimal("0.01"))


def test_segments_say_it_in_words(parts: dict[str, Any]) -> None:
    assert parts["segments"] == {
        "anna": {
            "age_band": "35-44", "income_band": "60,000 to 120,000", "occupation_group": "public_sector", "preference": "funds",
            "value_band": "0 to 500", "cost_to_serve_band": "below 100", "service_tier": "mass", "channel_preference": "mobile",
            "loss_reason": None,
        },
        "ben": {
            "age_band": "unknown", "income_band": "unknown", "occupation_group": "unknown", "preference": "none",
            "value_band": "0 to 500", "cost_to_serve_band": "below 100", "service_tier": "mass", "channel_preference": "unknown",
            "loss_reason": None,
        },
    }  # fmt: skip
