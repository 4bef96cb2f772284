"""The truth as tables: what was planted, what households really are, and how likely they were to take what."""

from __future__ import annotations

from datetime import date

import numpy as np
import pyarrow as pa

from simulation.state import State
from simulation.uptake import chances


def known_events(state: State) -> pa.Table:
    """Everything planted or following from a product taken that was booked.

    Returns
    -------
    Table, one row an event: `event_id`, `kind`, `cause`, `customer_id`, `account_id`, `first_on`, `last_on`, `cents`
    (booked on the account), `abnormal`, `organic`, `went`, `transaction_ids`
    """
    happened = [(number, event) for number, event in enumerate(state.truth.events) if event.transactions]
    ids = state.households.customer_id
    return pa.table({
        "event_id": pa.array([number for number, _ in happened], pa.int64()),
        "kind": [e.kind for _, e in happened],
        "cause": [e.cause for _, e in happened],
        "customer_id": [ids[e.household] for _, e in happened],
        "account_id": [f"A{e.account + 1:08d}" for _, e in happened],
        "first_on": [e.first_on for _, e in happened],
        "last_on": [e.last_on for _, e in happened],
        "cents": pa.array([e.cents for _, e in happened], pa.int64()),
        "abnormal": [e.abnormal for _, e in happened],
        "organic": [e.organic for _, e in happened],
        "went": [e.went for _, e in happened],
        "transaction_ids": pa.array([e.transactions for _, e in happened], pa.list_(pa.string())),
    })


def known_households(state: State) -> pa.Table:
    """Traits as they really are, whatever the bank has on file. One row a customer."""
    h = state.households
    return pa.table({
        "customer_id": h.customer_id, "birth_on": h.birth_on, "income": h.income, "married": h.married, "children": h.children,
        "homeowner": h.homeowner, "groceries": h.groceries, "baby": h.baby, "responsive": h.responsive, "digital": h.digital,
        "risk": h.risk, "dormant": h.dormant,
    })


def known_chances(state: State, on: date) -> pa.Table:
    """True chances of uptake a month, without and with a contact, of those open to the product.

    Returns
    -------
    Table with `customer_id`, `product_id`, `without_contact`, `with_contact`
    """
    true = chances(state, on)
    who, product = np.nonzero(true.with_contact)
    return pa.table({
        "customer_id": pa.array(state.households.customer_id).take(pa.array(who)),
        "product_id": pa.array(true.names).take(pa.array(product)),
        "without_contact": true.without_contact[who, product].astype(np.float32),
        "with_contact": true.with_contact[who, product].astype(np.float32),
    })
