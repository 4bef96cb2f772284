"""Money that came back takes the news away."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession

from worklists.reversals import corrected_flows, resumed_incomes, taken_back, undone_flows

D = date(2026, 6, 15)
MOVED = pa.schema([
    ("transaction_id", pa.string()), ("account_id", pa.string()), ("business_date", pa.date32()), ("amount", pa.decimal128(18, 2)),
    ("currency", pa.string()), ("direction", pa.string()), ("counterparty", pa.string()), ("recorded_on", pa.date32()),
    ("amount_base", pa.decimal128(18, 2)),
])  # fmt: skip
FLOWS = pa.schema([("flow_id", pa.string()), ("transaction_ids", pa.list_(pa.string())), ("amount", pa.decimal128(18, 2))])


def moved(
    name: str, amount: int, direction: str, days: int = 0, account: str = "A", side: str | None = "X", **other: Any
) -> dict[str, Any]:
    on = D + timedelta(days=days)
    return {"transaction_id": name, "account_id": account, "business_date": on, "amount": Decimal(amount), "currency": "CNY",
            "direction": direction, "counterparty": side, "recorded_on": on, "amount_base": Decimal(amount)} | other


def frame(spark: SparkSession, schema: pa.Schema, rows: list[dict[str, Any]]) -> DataFrame:
    return spark.createDataFrame(pa.Table.from_pylist(rows, schema))


def test_each_reversal_takes_back_one_movement(spark: SparkSession) -> None:
    legs = [
        moved("back", 500, "debit"), moved("twice 1", 70, "debit"), moved("twice 2", 70, "debit"), moved("too late", 80, "debit"),
        moved("other side", 90, "debit"), moved("other account", 40, "debit"), moved("no side", 30, "credit", side=None),
        moved("came before", 20, "debit"), moved("half", 100, "debit"),
    ]  # fmt: skip
    later = [
        moved("r1", 500, "credit", 3), moved("r2", 70, "credit", 1), moved("r3", 80, "credit", 11), moved("r4", 90, "credit", 1, side="Y"),
        moved("r5", 40, "credit", 1, account="B"), moved("r6", 30, "debit", 10, side=None), moved("r7", 20, "credit", -1),
        moved("r8", 100, "credit", 2, recorded_on=D + timedelta(days=9)),
    ]  # fmt: skip
    transactions = frame(spark, MOVED, legs + later)
    found = taken_back(frame(spark, MOVED, legs), transactions, within_days=10)
    told = {row["transaction_id"]: (row["taken_back_on"] - D).days for row in found.collect()}
    assert told == {"back": 3, "twice 1": 1, "no side": 10, "half": 9}

    flows = [{"flow_id": "gone", "transaction_ids": ["back", "too late"], "amount": Decimal(580)},
             {"flow_id": "stays", "transaction_ids": ["twice 1", "twice 2", "other side"], "amount": Decimal(230)},
             {"flow_id": "just gone", "transaction_ids": ["half", "other side", "came before"], "amount": Decimal(200)}]  # fmt: skip
    undone = undone_flows(frame(spark, FLOWS, flows), frame(spark, MOVED, legs), found).collect()
    assert {row["flow_id"]: (row["undone_on"] - D).days for row in undone} == {"gone": 3, "just gone": 9}


def test_a_correction_undoes_what_was_told_before_it(spark: SparkSession) -> None:
    schema = MOVED.append(pa.field("superseded_on", pa.date32()))
    known, day = D + timedelta(days=2), D + timedelta(days=4)

    def versions(name: str, first: int, then: dict[str, Any] | None, corrected: date = known) -> list[dict[str, Any]]:
        told = moved(name, first, "debit", superseded_on=corrected)
        return [told] if then is None else [told, told | {"recorded_on": corrected, "superseded_on": None} | then]

    rows = [
        *versions("reworded", 500, {"counterparty": "Y"}), *versions("less", 500, {"amount": Decimal(400)}),
        *versions("other day", 500, {"business_date": D - timedelta(days=1)}), *versions("out of sight", 500, None),
        *versions("other way", 500, {"direction": "credit"}), *versions("half", 500, {"amount": Decimal(250)}),
        *versions("tomorrow", 500, {"amount": Decimal(1)}, day + timedelta(days=1)),
    ]
    flows = pa.Table.from_pylist([
        {"flow_id": f"{kind} {name}", "kind": kind, "detected_on": found, "transaction_ids": [name, "untouched"]}
        for name in ("reworded", "less", "other day", "tomorrow", "other way", "out of sight", "half")
        for kind, found in (("withdrawal", D), ("closure", D), ("deposit", known))
    ])
    found = corrected_flows(spark.createDataFrame(flows), frame(spark, schema, rows), day).collect()
    undone = {row["flow_id"]: row["undone_on"] for row in found}
    judged_again = {f"withdrawal {name}": known for name in ("less", "other day", "other way", "out of sight", "half")}
    assert undone == judged_again | {f"closure {name}": known for name in ("other way", "out of sight", "half")}


def test_an_income_that_comes_after_all_takes_its_end_back(spark: SparkSession) -> None:
    """Paid by the same side, at least half as much, after the last payment; of an unnamed side the wording tells, whatever its numbers."""
    schema = MOVED.append(pa.field("type", pa.string())).append(pa.field("description", pa.string()))
    pay = {"type": "salary", "description": "PAY 09"}
    legs = [moved(name, 1000, "credit", -40, account=name, **pay) for name in ("late", "half", "less", "other", "before")]
    legs += [moved("unnamed", 1000, "credit", -40, account="unnamed", side=None, **pay)]
    later = [
        moved("p1", 990, "credit", 2, account="late", **pay), moved("p2", 990, "credit", 5, account="late", **pay),
        moved("p3", 500, "credit", 1, account="half", **pay), moved("p4", 499, "credit", 1, account="less", **pay),
        moved("p5", 1000, "credit", 1, account="other", side="Y", **pay), moved("p6", 1000, "credit", -41, account="before", **pay),
        moved("p7", 1000, "credit", 3, account="unnamed", side=None, **pay | {"description": "PAY 10"}),
        moved("p8", 1000, "debit", 3, account="less", **pay),
    ]  # fmt: skip
    flows = spark.createDataFrame(
        [(f"end of {leg['account_id']}", "income_ended", [leg["transaction_id"]]) for leg in legs] + [("another", "deposit", ["late"])],
        "flow_id string, kind string, transaction_ids array<string>")
    found = resumed_incomes(flows, frame(spark, schema, legs), frame(spark, schema, legs + later)).collect()
    told = {row["flow_id"]: (row["undone_on"] - D).days for row in found}
    assert told == {"end of late": 2, "end of half": 1, "end of unnamed": 3}
