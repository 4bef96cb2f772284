"""What one relationship manager sees: order, the line, pictures of customers, and what is never told."""

from __future__ import annotations

import re
from dataclasses import fields, replace
from datetime import date
from decimal import Decimal

import pytest

from conf import Settings
from tests.literal_worklist import CALLS_PER_DAY, DAY, RM, alert_rows, facts, literal_worklist
from worklists.charts import flow_chart
from worklists.customer import customer_pictures, first_month
from worklists.figures import money, rate, short_money
from worklists.selection import deputy_of
from worklists.worklist import worklists


def test_calls_stand_in_order_with_the_line_where_the_day_ends() -> None:
    worklist = literal_worklist()

    assert (worklist.holder, worklist.day, worklist.waiting) == (RM, DAY, 3)
    assert [call.customer.name for call in worklist.above] == ["Zhang Wei", "Chen Jianguo", "Wang Xiuying", "Liu Fang"]
    assert [call.place for call in worklist.below] == [5, 6]
    assert [call.alert_id for call in worklist.calls if call.urgent(DAY)] == ["AL-7K3FQ2M9-C", "AL-2M8ZT4RX-H"]


def test_a_deputy_sees_on_whose_behalf_they_call() -> None:
    rows = [row | {"relationship_manager_id": "RM-AWAY"} for row in alert_rows()[:1]]

    (worklist,) = worklists(rows, customer_pictures(facts(), DAY), DAY, CALLS_PER_DAY)

    assert worklist.calls[0].on_behalf_of == "RM-AWAY"
    assert deputy_of({"A": "B", "B": "C", "X": "Y", "Y": "X"}) == {"A": "C", "B": "C", "X": "X", "Y": "Y"}


def test_what_a_life_event_was_inferred_from_is_not_told() -> None:
    shown = {call.type: call.evidence for call in literal_worklist().calls}

    assert shown["life_event"] == ()
    assert len(shown["abnormal_withdrawal"]) == 1


def test_a_customer_of_whom_little_is_known_is_still_a_customer() -> None:
    bare = {"customer_id": "C1", "full_name": None, "relationship_manager_id": None, "joined_on": None, "occupation": None,
            "marketing_consent": None}

    picture = customer_pictures(type(facts())(customers=[bare], restricted=[{"customer_id": "C1"}]), DAY)["C1"]

    assert (picture.name, picture.may_be_offered, picture.do_not_contact) == ("C1", False, True)
    assert (picture.accounts, picture.months, picture.assets) == ((), (), None)
    assert "restrict" not in " ".join(field.name for field in fields(picture))


def test_twelve_months_end_with_the_days_own_and_have_no_gap() -> None:
    months = customer_pictures(facts(), DAY)["C000101"].months

    assert [month.first_day for month in months] == [date(2025, 12, 1)] + [date(2026, m, 1) for m in range(1, 12)]
    assert first_month(date(2026, 1, 31)) == date(2025, 2, 1)
    assert first_month(date(2024, 12, 31)) == date(2024, 1, 1)


def test_the_chart_marks_the_movement_the_call_is_about(settings: Settings) -> None:
    customer, words = customer_pictures(facts(), DAY)["C000101"], settings.wording["en"].worklist

    chart = str(flow_chart(customer, ("F1",), "en", words))

    assert chart.count('class="abnormal"') == 1
    assert ">480k</text>" in chart
    assert chart.count('class="earlier"') == 1  # April's deposit was told by another alert
    assert str(flow_chart(customer, (), "en", words)).count('class="abnormal"') == 0
    assert ">48万</text>" in str(flow_chart(customer, ("F1",), "zh", settings.wording["zh"].worklist))


def test_the_chart_of_a_broken_deposit_sets_it_beside_the_months_flows(settings: Settings) -> None:
    customer = customer_pictures(facts(), DAY)["C000103"]

    chart = str(flow_chart(customer, ("F2",), "en", settings.wording["en"].worklist))

    assert chart.count('class="abnormal own"') == 1
    assert chart.count('class="abnormal"') == 0


def test_a_large_sum_of_another_month_does_not_dwarf_what_the_call_is_about(settings: Settings) -> None:
    customer, words = customer_pictures(facts(), DAY)["C000102"], settings.wording["en"].worklist
    before = replace(customer.months[3], money_out=Decimal(2_000_000))
    months = (*customer.months[:3], before, *customer.months[4:])

    chart = str(flow_chart(replace(customer, months=months), ("F4",), "en", words))

    assert '<text class="axis" x="' in chart
    assert ">2m</text>" in chart  # cut, with its amount
    heights = [float(height) for height in re.findall(r'class="abnormal" .*?height="([\d.]+)"', chart)]
    assert heights[0] > 40


def test_a_movement_over_the_turn_of_a_month_is_marked_where_most_of_it_lies(settings: Settings) -> None:
    customer = customer_pictures(facts(), DAY)["C000101"]
    late = replace(customer.abnormal[-1], business_date=date(2026, 11, 1), window_days=3)
    october = replace(customer.months[-2], money_out=Decimal(700_000))
    november = replace(customer.months[-1], money_out=Decimal(100))
    months = (*customer.months[:-2], october, november)

    chart = str(flow_chart(replace(customer, months=months, abnormal=(late,)), ("F1",), "en", settings.wording["en"].worklist))

    (x,) = re.findall(r'class="abnormal" x="([\d.]+)"', chart)
    assert 500 < float(x) < 530  # October, the last but one of twelve


@pytest.mark.parametrize(
    ("amount", "english", "chinese"),
    [(950, "950", "950"), (14_000, "14k", "1.4万"), (1_250_000, "1.2m", "125万"), (2e9, "2bn", "20亿"), (0, "0", "0")],
)
def test_amounts_are_short_on_a_chart(amount: float, english: str, chinese: str) -> None:
    assert (short_money(amount, "en"), short_money(amount, "zh")) == (english, chinese)


def test_amounts_as_people_read_them() -> None:
    assert money(Decimal("480000.40")) == "480,000"
    assert money(Decimal("-1200")) == "−1,200"
    assert money(None) == "–"
    assert rate(Decimal("0.0245")) == "2.45%"
