"""The references in SQL, for Spark and DuckDB: step by step, each a table that the later ones ask."""

from __future__ import annotations

from benchmarks.references.accounts_sql import account_columns, account_parts
from benchmarks.references.detection_sql import detection_steps
from benchmarks.references.dialect import Asked, listed
from benchmarks.references.events_sql import event_columns, event_parts
from benchmarks.references.flows_sql import unit_steps
from benchmarks.references.life_sql import life_steps
from benchmarks.references.lookups import Lookup, lookups
from benchmarks.references.segments_sql import segment_steps

OF_CUSTOMERS = ("habits", "flows", "salary", "regular", "bought", "orders", "standing", "costs", "held")
RATES = """
    SELECT currency, rate, rate_date AS since,
           coalesce(lead(rate_date) OVER (PARTITION BY currency ORDER BY rate_date), DATE '9999-12-31') AS until
    FROM fx_rates"""


def steps(asked: Asked) -> dict[str, str | Lookup]:
    """Name of each step -> its SQL, or what it looks up. Over views of the product's tables of facts, as they stand."""
    made = {**lookups(asked.settings), "rates": RATES, "features": _features(asked), **segment_steps(asked)}
    return {**made, "forgiven": asked.look.forgiven, **unit_steps(asked), **detection_steps(asked), **life_steps(asked)}


def _features(asked: Asked) -> str:
    """`customer_id` and `COLUMNS`, money as double; null where nothing was found."""
    parts = event_parts(asked) | account_parts(asked)
    with_parts = ", ".join(f"{name} AS ({part})" for name, part in parts.items())
    all_joined = " ".join(f"LEFT JOIN {part} USING (customer_id)" for part in OF_CUSTOMERS)
    columns = event_columns() | account_columns(asked)
    return f"WITH {with_parts} SELECT customer_id, {listed(columns)} FROM (SELECT * FROM joined {all_joined}) AS whole"
