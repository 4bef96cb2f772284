"""The budget dial on literal rows, counted by hand."""

from __future__ import annotations

import pytest

from conf.settings import Worklists
from worklists.dial import cuts, dial_text


def test_precision_moves_from_the_expectation_to_the_banks_own_record() -> None:
    alerts = [
        {"type": "early_withdrawal", "priority": 95, "flow_ids": ["h"]},
        {"type": "abnormal_withdrawal", "priority": 60, "flow_ids": ["f", "g"]},
        {"type": "abnormal_withdrawal", "priority": 25, "flow_ids": ["i"]},
    ]
    answered = [{"type": "early_withdrawal", "status": "false_alarm"}] * 6 + [
        {"type": "early_withdrawal", "status": "accepted"}] * 4 + [{"type": "early_withdrawal", "status": "expired"}] * 50
    found = {cut.priority: cut for cut in cuts(alerts, answered, {"f": 0.6, "g": 0.8, "i": 0.5, "h": 0.1}, 6000, 2, Worklists())}
    by_hand = [(10 * 0.95 + 4) / 20, 0.8, 0.5]  # a flow brings its own chance; a broken deposit is judged by what answers say of such
    assert (found[0].alerts, found[30].alerts, found[90].alerts) == (3, 2, 1)
    assert found[0].precision == pytest.approx(sum(by_hand) / 3)
    assert found[30].precision == pytest.approx(sum(by_hand[:2]) / 2)
    assert found[30].false_alarms == pytest.approx(1 - sum(by_hand[:2]) / 2)
    assert (found[0].per_1000_customers, found[0].per_rm_hour) == pytest.approx((0.5, 0.75))  # two RMs with two hours each
    text = dial_text(found.values(), 20)
    assert text.splitlines()[3].endswith("◀ min_priority")
    assert cuts([], [], {}, 0, 0, Worklists())[0].precision is None


def test_beside_a_flow_that_needs_no_statistics_no_chance_counts() -> None:
    alone = {"type": "abnormal_withdrawal", "priority": 60, "flow_ids": ["statistical"]}
    together = alone | {"flow_ids": ["statistical", "drained"]}
    assert [cuts([row], [], {"statistical": 0.3}, 100, 1, Worklists())[0].precision for row in (alone, together)] == [0.3, 0.95]
