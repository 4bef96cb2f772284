"""One query for Spark and DuckDB, put together of its parts: a row a customer with every column of the references."""

from __future__ import annotations

from benchmarks.references.accounts_sql import account_columns, account_parts
from benchmarks.references.dialect import Asked, listed
from benchmarks.references.events_sql import event_columns, event_parts

OF_CUSTOMERS = ("habits", "flows", "salary", "regular", "bought", "orders", "standing", "costs", "held")
RATES = """
    SELECT currency, rate, rate_date AS since,
           coalesce(lead(rate_date) OVER (PARTITION BY currency ORDER BY rate_date), DATE '9999-12-31') AS until
    FROM fx_rates"""


def query(asked: Asked) -> str:
    """`customer_id` and `COLUMNS`, money as double; null where nothing was found."""
    parts = {"rates": RATES} | event_parts(asked) | account_parts(asked)
    with_parts = ", ".join(f"{name} AS ({part})" for name, part in parts.items())
    all_joined = " ".join(f"LEFT JOIN {part} USING (customer_id)" for part in OF_CUSTOMERS)
    columns = event_columns() | account_columns(asked)
    return f"WITH {with_parts} SELECT customer_id, {listed(columns)} FROM (SELECT * FROM joined {all_joined}) AS whole"
