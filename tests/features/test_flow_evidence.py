"""What stands behind an abnormal flow: its rows, and what went the other way shortly before."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pyspark.sql.functions as F
import pytest
from pyspark.sql import SparkSession

from conf import Settings
from features.flow_evidence import NETTED_ROWS, with_netted, with_rows_behind
from worklists.flow_reasons import flow_reason, with_netted_told

DAY = date(2026, 6, 15)
FLOWS = (
    "transaction_id string, customer_id string, account_id string, direction string, amount_base decimal(18,2), business_date date, "
    "recorded_on date, channel string, type string, description string, counterparty string, expected boolean, flagged boolean"
)
ABNORMAL = (
    "customer_id string, business_date date, direction string, p_value double, q_value double, _window struct<window_days:int,"
    "amount:decimal(18,2),usual_amount:decimal(18,2),return_period_years:double,observations:bigint,peer_group:string,peer_weight:double>"
)


def moved(name: str, who: str, direction: str, amount: int, days_ago: int, expected: bool = False, flagged: bool = False,
          kind: str = "other", said: str = "") -> tuple:
    on = DAY - timedelta(days=days_ago)
    return (name, who, "A1", direction, Decimal(amount), on, on, "counter", kind, said, None, expected, flagged)


def abnormal(who: str, direction: str, window: int, amount: int) -> tuple:
    return (who, DAY, direction, 0.01, 0.2, (window, Decimal(amount), Decimal(1000), 12.0, 3, "35-44", 0.6))


@pytest.mark.parametrize(("language", "passed"), [("en", "In the week before, 85,000 had come in"), ("zh", "此前一周内曾转入85,000")])
def test_most_of_a_withdrawal_had_come_in_the_week_before(spark: SparkSession, settings: Settings, language: str, passed: str) -> None:
    flows = [
        moved("out", "anna", "debit", 60000, 0), moved("out too", "anna", "debit", 40000, 2), moved("rent", "anna", "debit", 9000, 1, True),
        moved("told before", "anna", "debit", 480000, 2, flagged=True), moved("before", "anna", "debit", 70, 3),
        moved("in", "anna", "credit", 50000, 9, flagged=True), moved("pay", "anna", "credit", 35000, 4, True),
        moved("long ago", "anna", "credit", 90000, 10),
        moved("alone", "ben", "debit", 60000, 0), moved("less", "ben", "credit", 47000, 1), moved("after", "ben", "credit", 9000, -1),
        moved("back", "carl", "credit", 60000, 0), moved("gone", "carl", "debit", 48000, 7),
    ]  # fmt: skip
    found = [abnormal("anna", "debit", 3, 100000), abnormal("ben", "debit", 1, 60000), abnormal("carl", "credit", 1, 60000)]
    told = with_rows_behind(spark.createDataFrame(found, ABNORMAL), spark.createDataFrame(flows, FLOWS), settings.flows)
    spoken = settings.model_copy(update={"bank": settings.bank.model_copy(update={"language": language})})
    kind = F.when(F.col("direction") == "debit", "withdrawal").otherwise("deposit")
    rows = told.withColumns({"kind": kind, "cause": F.lit(None).cast("string")}).withColumn("reason", flow_reason(spoken)).collect()
    by = {row.customer_id: row for row in rows}
    assert {who: (row.transaction_ids, row.passed) for who, row in by.items()} == {
        "anna": (["out", "out too"], Decimal(85000)), "ben": (["alone"], None), "carl": (["back"], Decimal(48000)),
    }
    assert passed in by["anna"].reason
    assert "47,000" not in by["ben"].reason
    assert "48,000" in by["carl"].reason


@pytest.mark.parametrize(("language", "jump"), [("en", "The salary was usually about 12,300, this one was 40,000."),
                                                ("zh", "该笔工资平常约12,300，本次40,000。")])
def test_a_jump_in_a_recurring_series_is_told_with_what_it_usually_was(
    spark: SparkSession, settings: Settings, language: str, jump: str
) -> None:
    """Anna's salary came in three months; Ben's in two; Carl's payments of three months were never alike; Dora's jump is another series."""
    def pays(who: str, *amounts: int, said: str = "SALARY 7") -> list[tuple]:
        return [moved(f"{who} {n}", who, "credit", amount, 30 * n + 1, kind="salary", said=said) for n, amount in enumerate(amounts)]

    flows = [moved(f"{who} now", who, "credit", 40000, 0, kind="salary", said="SALARY 8") for who in ("anna", "ben", "carl", "dora")]
    flows += [*pays("anna", 12300, 12300, 12500), *pays("ben", 12300, 12300), *pays("carl", 9000, 12300, 17000),
              *pays("dora", 12300, 12300, 12300, said="PENSION")]  # fmt: skip
    found = [abnormal(who, "credit", 1, 40000) for who in ("anna", "ben", "carl", "dora")]
    told = with_rows_behind(spark.createDataFrame(found, ABNORMAL), spark.createDataFrame(flows, FLOWS), settings.flows)
    spoken = settings.model_copy(update={"bank": settings.bank.model_copy(update={"language": language})})
    rows = told.withColumns({"kind": F.lit("deposit"), "cause": F.lit(None).cast("string")}).withColumn("reason", flow_reason(spoken))
    by = {row.customer_id: row for row in rows.collect()}
    assert {who: row.series_usual for who, row in by.items()} == {"anna": Decimal(12300), "ben": None, "carl": None, "dora": None}
    assert jump in by["anna"].reason
    assert "12,300" not in by["ben"].reason


TOLD = ("flow_id string, customer_id string, business_date date, window_days int, transaction_ids array<string>, kind string, "
        "amount decimal(18,2), reason string")
MOVED = ("transaction_id string, customer_id string, product_type string, direction string, type string, own_transfer boolean, "
         "amount_base decimal(18,2), business_date date")


def booking(name: str, who: str, direction: str, amount: int, kind: str = "transfer", own: bool = False, days_ago: int = 0,
            product: str = "current") -> tuple:
    return (name, who, product, direction, kind, own, Decimal(amount), DAY - timedelta(days=days_ago))


@pytest.mark.parametrize(("language", "own", "both"), [
    ("en", " 30,000 CNY more moved between own accounts", " 20,000 CNY more went and came in equal amounts"),
    ("zh", "另有30,000CNY在客户本人账户之间划转", "另有20,000CNY当日等额一进一出")])
def test_what_was_netted_stays_with_the_flow_and_is_told_where_it_is_much(
    spark: SparkSession, settings: Settings, language: str, own: str, both: str
) -> None:
    """Anna's pairs of the two days; a pair counts once, the flow's own row never, and neither do other days, interest and loans."""
    rows = [
        booking("out", "anna", "debit", 100000),
        booking("to savings", "anna", "debit", 30000, own=True),
        booking("from current", "anna", "credit", 30000, own=True, product="savings"),
        booking("paid", "anna", "debit", 20000, days_ago=1), booking("paid back", "anna", "credit", 20000, days_ago=1),
        booking("too old", "anna", "debit", 70000, own=True, days_ago=2), booking("instalment", "anna", "debit", 60000, "loan", own=True),
        booking("interest", "anna", "credit", 50000, "interest", own=True),
        booking("card", "anna", "credit", 9000, own=True, product="credit_card"),
        booking("alone", "ben", "debit", 100000), booking("small", "ben", "debit", 19999, own=True),
        *(booking(f"of many {n:02d}", "carl", "debit", 1000 + n, own=True) for n in range(NETTED_ROWS + 5)),
    ]  # fmt: skip
    told = [(f"of {who}", who, DAY, 2, [name], kind, Decimal(100000), "Reason.") for who, name, kind in (
        ("anna", "out", "withdrawal"), ("ben", "alone", "withdrawal"), ("carl", "td", "early_withdrawal"))]  # fmt: skip
    spoken = settings.model_copy(update={"bank": settings.bank.model_copy(update={"language": language})})
    found = with_netted(spark.createDataFrame(told, TOLD), spark.createDataFrame(rows, MOVED))
    by = {row.customer_id: row for row in found.withColumn("reason", with_netted_told(spoken)).collect()}
    assert by["anna"].netted_ids == ["to savings", "from current", "paid back", "paid"]
    assert (by["anna"].own_moved, by["anna"].both_ways) == (Decimal(30000), Decimal(20000))
    assert own in by["anna"].reason
    assert both in by["anna"].reason
    assert (by["ben"].netted_ids, by["ben"].reason) == (["small"], "Reason.")
    assert by["carl"].netted_ids == [f"of many {n:02d}" for n in reversed(range(5, NETTED_ROWS + 5))]
    assert by["carl"].reason == "Reason."
