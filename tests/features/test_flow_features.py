"""Money by type: of own transfers nothing is told, but for what a customer puts into and takes out of products of their own."""

from __future__ import annotations

from pyspark.sql import SparkSession

from features.flow_features import flow_features
from features.flow_sums import flow_sums

ROWS = """
    ('current', 'debit',  'investment',   true,  5000),
    ('investment', 'credit', 'investment', true, 5000),
    ('savings', 'credit', 'investment',   true,  1200),
    ('current', 'debit',  'time_deposit', true,  800),
    ('time_deposit', 'credit', 'time_deposit', true, 800),
    ('current', 'credit', 'loan',         false, 9000),
    ('loan',    'debit',  'loan',         true,  300),
    ('current', 'debit',  'loan',         true,  300),
    ('current', 'debit',  'transfer',     true,  70),
    ('current', 'debit',  'transfer',     false, 40)
"""


def test_what_moves_between_own_accounts_is_told_once_and_where_it_is_at_hand(spark: SparkSession) -> None:
    moved = spark.sql(
        "SELECT 'anna' AS customer_id, DATE'2026-03-31' AS as_of, 3 AS age_days, product_type, direction, type, own, 12 AS hour, "
        "CAST(amount AS decimal(18,2)) AS amount_base, 'mobile' AS channel, false AS external, false AS weekend, false AS foreign "
        f"FROM VALUES {ROWS} AS t(product_type, direction, type, own, amount)"
    )
    row = flow_features(flow_sums(moved)).collect()[0]
    found = {name: int(row[f"{name}_90d"]) for name in
             ("out_investment", "in_investment", "out_time_deposit", "in_time_deposit", "in_loan", "out_loan", "out_transfer")}
    assert found == {"out_investment": 5000, "in_investment": 1200, "out_time_deposit": 800, "in_time_deposit": 0, "in_loan": 9000,
                     "out_loan": 300, "out_transfer": 40}
