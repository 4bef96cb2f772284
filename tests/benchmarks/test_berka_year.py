"""What is said of a flow's surroundings, on movements a reader can follow by head."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pandas as pd

from benchmarks.berka_year import around


def test_what_a_customers_movements_show_around_a_flow() -> None:
    moved = pd.DataFrame(
        [
            ("C1", "1997-01-11", "credit", "transfer", 5000.0),
            ("C1", "1997-02-11", "credit", "transfer", 5100.0),
            ("C1", "1997-02-14", "debit", "cash", 4200.0),
            ("C2", "1996-01-01", "credit", "cash", 10.0),
            ("C2", "1997-02-10", "debit", "cash", 300.0),
            ("C2", "1997-02-12", "debit", "fee", 5.0),
            ("C2", "1997-02-12", "debit", "cash", 500.0),
        ],
        columns=["customer_id", "day", "direction", "type", "amount"],
    ).assign(day=lambda rows: pd.to_datetime(rows["day"]))
    flows = pd.DataFrame({
        "customer_id": ["C1", "C2", "C2"],
        "business_date": [date(1997, 2, 11), date(1997, 2, 12), date(1997, 2, 12)],
        "kind": ["deposit", "withdrawal", "drained"],
        "window_days": [1, 3, 5],
        "amount": [Decimal("5100.00"), Decimal("800.00"), Decimal("800.00")],
    })
    salary, cash, drained = around(flows, moved).to_dict("records")
    assert salary == {"young": True, "monthly": True, "passed": True, "adds_up": True}
    assert cash == {"young": False, "monthly": False, "passed": False, "adds_up": True}
    assert all(pd.isna(value) for value in drained.values())
