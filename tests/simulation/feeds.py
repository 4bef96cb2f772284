"""What the tests of generated feeds share: reading drops back, and the contract's columns and values."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

COLUMNS = {
    "customers": "customer_id full_name birth_date gender occupation annual_income marital_status region joined_on"
                 " relationship_manager_id risk_profile marketing_consent life_event_consent closed_on",
    "accounts": "account_id customer_id product_type currency opened_on maturity_on principal interest_rate status closed_on"
                " branch_id",
    "transactions": "transaction_id account_id booked_at amount currency direction type channel branch_id counterparty"
                    " balance_after description",
    "holdings": "customer_id product_id acquired_on closed_on value",
    "purchases": "order_id line_no customer_id ordered_at sku category product_name quantity unit_price currency status",
    "fx_rates": "rate_date currency rate",
    "restrictions": "customer_id kind valid_from valid_to",
}
VALUES = {
    ("customers", "gender"): "F M other",
    ("accounts", "product_type"): "current savings time_deposit credit_card loan investment",
    ("accounts", "status"): "open closed",
    ("transactions", "direction"): "credit debit",
    ("transactions", "type"): "cash transfer card bill salary interest fee investment loan time_deposit closure other",
    ("transactions", "channel"): "counter atm crs mobile online pad mit other",
    ("purchases", "status"): "paid refunded",
    ("restrictions", "kind"): "aml_case fraud_case legal_hold complaint bereavement vulnerable do_not_contact",
}


def delivered(landing: Path, feed: str) -> pd.DataFrame:
    """All rows of a feed as text, in the order of delivery, with their drop's `dt`."""
    files = sorted((landing / feed).glob("dt=*/*.csv.gz"))
    parts = [pd.read_csv(file, dtype=str, keep_default_na=False).assign(dt=file.parent.name[3:]) for file in files]
    return pd.concat(parts, ignore_index=True)


def beyond_contract(landing: Path) -> list[str]:
    """What of the feeds the contract does not know: columns, and values of enumerations."""
    found = []
    for folder in sorted(landing.iterdir()):
        rows = delivered(landing, folder.name)
        found += [f"{folder.name}.{column}" for column in rows.columns if column not in (*COLUMNS[folder.name].split(), "dt")]
        for (feed, column), known in VALUES.items():
            if feed == folder.name:
                found += [f"{feed}.{column}: {value}" for value in set(rows[column]) - {"", *known.split()}]
    return found
