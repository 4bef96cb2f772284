"""What came of calls, on rows counted by hand; and the manager's page that names no customer."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from pyspark.sql import SparkSession

from conf import Settings
from jobs.context import Job, Places
from worklists.ahead import book, coming_up
from worklists.results import branches, last_words, money_kept, results
from worklists.team import Team, team_page

DAY = date(2026, 11, 24)
SOON = date(2026, 12, 1)


def test_results_count_the_last_word_on_each_call(spark: SparkSession, settings: Settings, places: Places) -> None:
    lake = Job(settings, places, spark, DAY).lake
    offers = [("mortgage", "Mortgage", 0.1, 900.0, ""), ("car_loan", "Car loan", 0.1, 50.0, "")]
    alerts = lake.literal("alerts", [
        {"alert_id": name, "customer_id": f"C{name}", "type": kind, "raised_on": date(2026, 11, 10), "offers": _offers(offers),
         "flow_ids": [f"F{name}"]}
        for name, kind in (("A", "early_withdrawal"), ("B", "next_best_offer"), ("C", "abnormal_withdrawal"))
    ])
    outcomes = lake.literal("outcomes", [
        {"alert_id": name, "relationship_manager_id": rm, "outcome": what, "offer_id": offer, "business_date": on,
         "recorded_at": datetime(on.year, on.month, on.day, 9)}
        for name, rm, what, offer, on in (
            ("A", "RM-1", "not_reached", None, date(2026, 11, 11)),
            ("A", "RM-1", "accepted", None, date(2026, 11, 12)),
            ("B", "RM-1", "accepted", "car_loan", date(2026, 11, 13)),
            ("C", "RM-2", "false_alarm", None, date(2026, 11, 13)),
            ("C", "RM-2", "accepted", None, date(2026, 9, 1)),  # long ago
        )
    ])
    flows = lake.literal("abnormal_flows", [{"flow_id": "FA", "amount": Decimal(1000)}])
    deposits = spark.sql(
        "SELECT 'CA' AS customer_id, DATE'2026-11-10' AS as_of, CAST(200 AS DECIMAL(18,2)) AS deposits_balance "
        "UNION ALL SELECT 'CA', DATE'2026-11-24', 900"
    )

    words = last_words(outcomes, alerts, DAY, 30)
    by_rm = results(words, money_kept(words, flows, deposits, DAY), "relationship_manager_id").orderBy("relationship_manager_id")

    assert [tuple(row) for row in by_rm.collect()] == [
        ("RM-1", 2, 2, 2, 0, 0, 950, 700),  # 900 for the first offer, 50 for the one named; 700 of the 1,000 came back
        ("RM-2", 1, 1, 0, 0, 1, 0, 0),
    ]


def test_what_comes_up_is_told_to_whose_book_it_is_in(spark: SparkSession, settings: Settings, places: Places) -> None:
    lake = Job(settings, places, spark, DAY).lake
    customers = lake.literal("customers", [
        {"customer_id": who, "full_name": who, "relationship_manager_id": rm, "closed_on": left}
        for who, rm, left in (("C1", "RM-1", None), ("C2", None, None), ("C3", "RM-1", DAY), ("C4", "RM-1", None))
    ])
    accounts = lake.literal("accounts", [
        {"account_id": f"A{who}{due}", "customer_id": who, "product_type": "time_deposit", "status": "open", "currency": "CNY",
         "principal": Decimal(100), "maturity_on": due}
        for who, due in (("C1", SOON), ("C1", DAY), ("C1", date(2027, 3, 1)), ("C3", SOON), ("C4", SOON))
    ])
    units = lake.literal("daily_flows", [
        {"customer_id": "C2", "business_date": on} for on in (date(2026, 1, 1), date(2026, 6, 10))])  # silent since June
    restricted = spark.sql("SELECT 'C4' AS customer_id")

    told = coming_up(book(customers, restricted, settings.worklists), accounts, units, DAY, 180, settings.worklists)

    assert sorted((row["holder"], row["customer_id"], row["kind"], row["due_on"]) for row in told.collect()) == [
        ("RM-1", "C1", "maturity", SOON),
        ("branch", "C2", "dormancy", date(2026, 12, 7)),
    ]


def test_a_customers_branch_is_that_of_the_oldest_open_account(
    spark: SparkSession, settings: Settings, places: Places
) -> None:
    accounts = Job(settings, places, spark, DAY).lake.literal("accounts", [
        {"account_id": name, "customer_id": who, "status": status, "branch_id": branch, "opened_on": date(year, 1, 1)}
        for name, who, status, branch, year in (
            ("A1", "C1", "open", "B-2", 2020), ("A2", "C1", "open", "B-1", 2019), ("A3", "C1", "closed", "B-3", 2010),
            ("A4", "C1", "open", None, 2001), ("A5", "C2", "open", None, 2001), ("A6", "C3", "open", "B-9", 2020))])
    assert sorted(tuple(row) for row in branches(accounts).collect()) == [("C1", "B-1"), ("C3", "B-9")]


def test_the_managers_page_adds_up_and_names_nobody(settings: Settings) -> None:
    load = [
        {"by": name, "listed": n, "new": 1, "urgent": 0, "oldest_on": date(2026, 11, 20), "expired": 0}
        for name, n in (("RM-1", 7), ("RM-2", 3))
    ]
    worked = {"calls": 4, "reached": 2, "accepted": 1, "declined": 1, "false_alarms": 0, "value": 1234, "kept": None}
    counted = {
        "load_by_rm": load, "results_by_rm": [{"relationship_manager_id": "RM-1", **worked}], "load_by_type": [], "results_by_type": [],
        "load_by_branch": [{**load[1], "by": "B-7"}, {**load[0], "by": None}],
        "results_by_branch": [{"branch": "B-7", **worked}, {"branch": None, **worked}],
        "held_back": [{"rule": "restriction", "alerts": 2}, {"rule": "contact_fatigue", "alerts": 9}],
    }
    team = Team.of(counted, DAY)

    assert (team.total.listed, team.total.oldest_days, team.total.results.accepted) == (10, 4, 1)
    assert [(line.name, line.listed, line.results.calls) for line in team.by_branch] == [("B-7", 3, 4)]
    assert team.held_back == (("contact_fatigue", 9), ("restriction", 2))
    page = team_page(team, settings).decode()
    assert "called often enough lately" in page
    assert "1,234" in page
    assert "By branch" in page
    assert "<script" not in page


def _offers(rows: list[tuple[Any, ...]]) -> list[dict[str, Any]]:
    return [dict(zip(("offer_id", "name", "probability", "expected_value", "reason"), row, strict=True)) for row in rows]
