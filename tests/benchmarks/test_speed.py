"""What the timings stand on: references that find the product's values, Spark's own account of a day, pages put together."""

from __future__ import annotations

import json
import re
from datetime import date
from pathlib import Path

import pandas as pd
import pytest
from pyspark.sql import SparkSession

from benchmarks import training
from benchmarks.bench_pages import REFERENCES, Lived, size_page
from benchmarks.references import in_spark
from benchmarks.references.columns import ACCOUNT_COLUMNS, COLUMNS, PURCHASE_COLUMNS
from benchmarks.references.equal import products, require_equal, without_evidence
from benchmarks.report import BENCHMARKS, EVALUATION, put
from benchmarks.stages import by_job, stages
from conf import Settings
from jobs.build_features import _consenting, _life_events
from jobs.context import Places, opened
from jobs.evidence import counted
from jobs.ledger import last_day


def test_plain_spark_finds_the_products_values_and_a_wrong_one_shows(spark: SparkSession, settings: Settings, small_bank: Places) -> None:
    day, events = last_day(small_bank.lake), settings.life_events.items()
    anything = {"min_probability": 1e-6, "quiet_days": 0, "min_days": 1, "min_categories": 1}  # sixty customers have few events
    settings = settings.model_copy(update={"life_events": {name: event.model_copy(update=anything) for name, event in events}})
    product, plain = products(small_bank.lake, day, settings), in_spark(spark, small_bank.lake, day, settings)
    product["life_events"] = life_events_under(settings, small_bank, day)
    features = plain["customer_features"]
    found = features[list(COLUMNS)].astype("float64").fillna(0)
    assert features["out_count_365d"].sum() > 100
    assert len(product["life_events"]) > 10
    assert product["life_events"]["child_age_months"].notna().any()
    assert product["daily_flows"]["flagged"].any()
    for columns in (PURCHASE_COLUMNS, ACCOUNT_COLUMNS):
        assert (found[list(columns)] != 0).any().mean() > 0.7
    require_equal(product, plain, "plain Spark")
    for column, by in (("out_amount_7d", 1), ("spent_90d", 0.01), ("in_count_365d", 1), ("evening_share_90d", 0.001),
                       ("largest_out_90d", float("nan")), ("deposits_mean_90d", 0.02)):
        wrong = features.copy()
        wrong[column] = wrong[column].astype("float64")
        wrong.loc[wrong[column].first_valid_index(), column] += by
        with pytest.raises(SystemExit, match=f"'{column}': 1"):
            require_equal(product, plain | {"customer_features": wrong}, "plain Spark")


def life_events_under(settings: Settings, places: Places, day: date) -> pd.DataFrame:
    """What the product would write of a day."""
    with opened(settings, places, day, "test") as job:
        customers = _consenting(job)
        return without_evidence(_life_events(job, customers, counted(job, customers)).drop("as_of").toPandas())


WRONG = {  # table -> a column, and what it never holds
    "segments": ("service_tier", "unknown"), "daily_flows": ("unusual_amount", -1), "flow_baselines": ("bins", "0:0"),
    "abnormal_flows": ("return_period_years", 0), "life_events": ("probability", 0),
}  # fmt: skip


@pytest.mark.parametrize("table", WRONG)
def test_another_value_a_missing_row_and_one_too_many_show(table: str, settings: Settings, small_bank: Places) -> None:
    product = products(small_bank.lake, last_day(small_bank.lake), settings)
    product["life_events"] = pd.DataFrame({"customer_id": ["C1", "C1"], "event": ["travel", "marriage"], "probability": [0.7, 0.9]})
    rows, (column, never) = product[table], WRONG[table]
    assert len(rows)
    other = rows.copy()
    other[column] = [never, *other[column].iloc[1:]]
    for wrong, told in ((other, f"'{column}': 1"), (rows.iloc[1:], "'missing': 1"), (pd.concat([rows, rows.iloc[:1]]), "'too many': 1")):
        with pytest.raises(SystemExit, match=f"'{table}': {{{told}}}"):
            require_equal(product, product | {table: wrong}, "plain Spark")


def test_stages_are_told_by_job(tmp_path: Path) -> None:
    def completed(minute: int, tasks: int, shuffled: int) -> str:
        at = pd.Timestamp(f"2026-01-01T00:{minute:02}:00Z").value // 10**6
        sums = [{"Name": "internal.metrics.shuffle.write.bytesWritten", "Value": shuffled}, {"Name": "of another", "Value": "x"}]
        return json.dumps({"Event": "SparkListenerStageCompleted",
                           "Stage Info": {"Submission Time": at, "Number of Tasks": tasks, "Accumulables": sums}}, separators=(",", ":"))

    lines = [completed(1, 2, 3_000_000), '{"Event":"SparkListenerJobEnd"}', completed(2, 4, 0), completed(9, 1, 0)]
    (tmp_path / "log").write_text("\n".join(lines))
    runs = pd.DataFrame({"job": ["ingest", "detect"], "business_date": ["2026-01-01"] * 2,
                         "started_at": pd.to_datetime(["2026-01-01T00:00:00Z", "2026-01-01T00:05:00Z"]),
                         "ended_at": pd.to_datetime(["2026-01-01T00:04:00Z", "2026-01-01T00:10:00Z"])})
    told = by_job(runs, stages(tmp_path))
    assert told.loc["ingest"].to_dict() == {"seconds": 240, "stages": 2, "tasks": 6, "read_mb": 0, "shuffled_mb": 3, "spilled_mb": 0}
    assert list(told["stages"]) == [2, 1]


def test_a_measurement_replaces_its_own_part_only(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# Page\n<!-- a -->\nold\n<!-- /a -->\nby hand\n<!-- b -->\nkept\n<!-- /b -->\n")
    put(page, "a", "new \\1\n")
    assert page.read_text() == "# Page\n<!-- a -->\nnew \\1\n<!-- /a -->\nby hand\n<!-- b -->\nkept\n<!-- /b -->\n"
    with pytest.raises(ValueError, match="no part <!-- c -->"):
        put(page, "c", "")


def test_a_shelf_is_trained_against_the_clock(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.argv", ["training", "--rows", "12000", "--offers", "2"])
    training.main()
    told = capsys.readouterr().out.splitlines()
    assert all(re.fullmatch(rf"{nth} of 2: (logistic|blended), \d+ s", told[nth - 1]) for nth in (1, 2)), told  # no plain rate
    assert re.fullmatch(r"2 offers of 12,000 rows and 60 features: \d+ s, 2 at once", told[-1])


def test_a_large_bank_is_reckoned_from_what_customers_and_transactions_cost() -> None:
    def life(world: str, customers: float, events: float, day: float) -> Lived:
        figures = {"customers": customers, "transactions": 10 * events, "transactions a day": events, "day": day, "lake MB": events / 1000}
        jobs = pd.DataFrame({"seconds": [day], "shuffled_mb": [customers * 0.01 + events * 0.001]}, index=["ingest"])
        return Lived(world, figures | dict.fromkeys(REFERENCES, 1.0), jobs)

    def seconds(customers: float, events: float) -> float:
        return 60 + customers * 2e-3 + events * 1e-3

    sizes = {"base": (1000, 700), "3x customers": (3000, 2100), "even credits": (1000, 50_700)}
    lives = [life(world, *size, seconds(*size)) for world, size in sizes.items()]
    page = size_page([*lives, life("one account", 1000, 50_700, 1.5 * seconds(1000, 50_700))], "size")
    assert "60 s whatever the size, 1000 s a million transactions and 2000 s a million customers" in page
    assert "takes 50,000 credits a day: **1.50** of a day" in page
    assert "| shuffled, TB | as measured, by transaction and customer | 2.0 |" in page
    assert "| stored, GB of transactions | 100 bytes each | 100 |" in page


PARTS = {BENCHMARKS: ("history", "size", "cluster"), EVALUATION: ("flows", "life_events", "offers", "campaigns")}


@pytest.mark.parametrize(("page", "parts"), PARTS.items(), ids=lambda given: getattr(given, "stem", None))
def test_pages_have_the_parts_that_are_written(page: Path, parts: tuple[str, ...]) -> None:
    text = page.read_text(encoding="utf-8")
    for part in parts:
        assert text.count(f"<!-- {part} -->") == text.count(f"<!-- /{part} -->") == 1
