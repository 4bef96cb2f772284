"""Detect on a small lake: what is found, that a day run again changes nothing, and that the state equals its rebuild."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest
from pyspark.sql import DataFrame, SparkSession

from conf import Settings
from features.baselines import rebuilt
from features.flows import latest_known
from jobs import detect
from jobs.context import Job, Places

START, FIRST = date(2026, 1, 1), date(2026, 5, 20)
WHO = [f"c{n:02d}" for n in range(20)]


def customer(name: str) -> tuple:
    return (name, "", date(1980, 1, 1), "F", "teacher", Decimal(100000), "", "", date(2020, 1, 1), "rm1", 3, True, True, None,
            START, None, True, date(2020, 1, 1), "f", "r")


def account(name: str, owner: str, product: str, maturity: date | None = None, principal: str | None = None) -> tuple:
    return (name, owner, product, "CNY", date(2020, 1, 1), maturity, Decimal(principal) if principal else None, Decimal("0.02"), "open",
            None, "b1", START, None, True, date(2020, 1, 1), "f", "r")


def transaction(number: int, name: str, on: date, amount: float, direction: str = "debit", kind: str = "transfer",
                said: str = "SHOP", other: str | None = None, recorded: date | None = None) -> tuple:
    return (f"T{number:05d}", name, datetime(on.year, on.month, on.day, 3), Decimal(f"{amount:.2f}"), "CNY", direction, kind, "mobile",
            "b1", other, None, said, on, recorded or on, "all", "r", None, None)


def ordinary() -> Iterator[tuple]:
    """Every customer spends 1,000 to 3,000 every third day and is paid 30,000 on the first of the month; c11 on the 10th, to April."""
    number = 0
    for at, name in enumerate(WHO):
        for days in range((FIRST - START).days):
            on = START + timedelta(days=days)
            if (days + at) % 3 == 0:
                number += 1
                yield transaction(number, f"{name}-A", on, 1000 + (days * 37 + at * 101) % 2000)
            if on.day == (10 if name == "c11" else 1) and (name, on.month) != ("c11", 5):
                number += 1
                yield transaction(number, f"{name}-A", on, 30000, "credit", "salary", "SALARY", "PAYROLL")


NEWS = {
    FIRST: [
        transaction(90001, "c01-A", FIRST, 480000, said="TRIDENT SECURITIES BROKER"),
        transaction(90008, "c08-A", FIRST, 480000, said="TRIDENT SECURITIES BROKER"),
    ],
    FIRST + timedelta(days=1): [
        transaction(90002, "c02-TD", FIRST + timedelta(days=1), 200000, kind="time_deposit", other="c02-A"),
        transaction(90003, "c02-A", FIRST + timedelta(days=1), 200000, "credit", "time_deposit", other="c02-TD"),
        # three days at once from the same account, each of them nearly ordinary; the first became known late
        transaction(90004, "c03-A", FIRST - timedelta(days=1), 60000, recorded=FIRST + timedelta(days=1)),
        transaction(90005, "c03-A", FIRST + timedelta(days=1), 70000),
        # on both sides of the day that was told
        transaction(90009, "c08-A", FIRST - timedelta(days=1), 12000, recorded=FIRST + timedelta(days=1)),
        transaction(90011, "c08-A", FIRST + timedelta(days=1), 14000),
        transaction(90012, "c09-A", FIRST + timedelta(days=1), 11000),  # nearly ordinary
        # to a broker, after money was fetched from the own savings
        transaction(90014, "c06-A", FIRST + timedelta(days=1), 500000, said="TRIDENT SECURITIES BROKER"),
        transaction(90015, "c06-S", FIRST + timedelta(days=1), 300000, other="c06-A"),
        transaction(90016, "c06-A", FIRST + timedelta(days=1), 300000, "credit", other="c06-S"),
        transaction(90006, "c04-A", FIRST + timedelta(days=1), 400000, other="c04-S", said="TO SAVINGS"),  # own move
        transaction(90007, "c04-S", FIRST + timedelta(days=1), 400000, "credit", other="c04-A"),
    ],
}


@pytest.fixture(scope="module")
def job(spark: SparkSession, settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Job:
    """A lake with two days detected one after another."""
    root = tmp_path_factory.mktemp("detect")
    flows = settings.flows.model_copy(update={"min_peers": 5, "baseline_days": 100})
    first = Job(settings.model_copy(update={"flows": flows}), Places(root / "landing", root / "lake", root / "w"), spark, FIRST, "detect")
    lake = first.lake
    accounts = [account(f"{name}-A", name, "current") for name in WHO] + [account(f"{name}-S", name, "savings") for name in ("c04", "c06")]
    accounts.append(account("c02-TD", "c02", "time_deposit", date(2026, 12, 1), "200000"))
    for table, rows in (("customers", [customer(name) for name in WHO]), ("accounts", accounts)):
        lake.merge(table, spark.createDataFrame(rows, lake.table(table).ddl))
    rows = [*ordinary(), *(row for day in NEWS.values() for row in day)]
    lake.replace("transactions", spark.createDataFrame(rows, lake.table("transactions").ddl), {"source_file": "all"})
    for day in NEWS:
        detect.run(replace(first, day=day))
    return first


def flows_of(job: Job) -> dict[tuple[str, str], object]:
    return {(row.kind, row.customer_id): row for row in job.lake.read("abnormal_flows").orderBy("business_date").collect()}


def test_only_the_planted_news_is_found_and_told_in_words(job: Job) -> None:
    found = flows_of(job)
    withdrawn = {("withdrawal", name) for name in ("c01", "c03", "c06", "c08")}
    assert set(found) == {("early_withdrawal", "c02"), ("income_ended", "c11"), *withdrawn}
    large = found["withdrawal", "c01"]
    assert (large.amount, large.detected_on, large.transaction_ids, large.cause) == (
        Decimal("480000.00"), FIRST, ["T90001"], "investment_elsewhere")
    assert "480,000 CNY went out on 20 May 2026 (by mobile app)" in large.reason
    assert "ask, do not assume" in large.reason
    assert (large.severity, large.netted_ids) == ("high", [])
    fetched = found["withdrawal", "c06"]
    assert (fetched.amount, fetched.transaction_ids, fetched.netted_ids) == (Decimal("500000.00"), ["T90014"], ["T90016", "T90015"])
    assert fetched.reason.endswith("ask, do not assume). 300,000 CNY more moved between own accounts and is not counted.")
    split = found["withdrawal", "c03"]
    assert split.transaction_ids[0] == "T90005"
    assert split.detected_on == FIRST + timedelta(days=1)
    broken = found["early_withdrawal", "c02"]
    assert "194 days before its maturity on 1 Dec 2026" in broken.reason
    assert (broken.account_id, broken.usual_amount) == ("c02-TD", 0)
    assert (broken.transaction_ids, broken.netted_ids) == (["T90002"], ["T90003"])
    ended = found["income_ended", "c11"]
    assert (ended.business_date, ended.detected_on, ended.amount, ended.severity, ended.netted_ids) == (
        FIRST, FIRST, Decimal("30000.00"), "medium", [])
    assert ended.reason == ("The salary of about 30,000 CNY that came each month around day 10, 4 months running, has not come since "
                            "10 Apr 2026.")
    assert len(ended.transaction_ids) == 3


def test_a_feed_that_falls_silent_ends_nobodys_income(job: Job) -> None:
    """Everybody's last salary is of 1 May, and overdue on 10 June: but nothing at all came in since 22 May."""
    found = detect.detected(replace(job, day=date(2026, 6, 10))).abnormal
    assert found.where("kind = 'income_ended'").isEmpty()


def test_what_is_told_is_the_sum_of_its_rows_and_what_was_told_before_is_not_told_again(job: Job) -> None:
    amounts = {row[0]: row[1] for row in job.lake.read("transactions").select("transaction_id", "amount").collect()}
    told = job.lake.read("abnormal_flows").where("kind = 'withdrawal'").orderBy("customer_id", "business_date").collect()
    assert {row.amount - sum(amounts[name] for name in row.transaction_ids) for row in told} == {Decimal(0)}
    first, second = (row for row in told if row.customer_id == "c08")
    assert (first.transaction_ids, first.cause) == (["T90008"], "investment_elsewhere")
    assert (second.window_days, second.transaction_ids[:2], second.cause) == (3, ["T90011", "T90009"], None)


def test_a_first_look_reads_no_more_of_a_long_history_than_it_needs(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(detect, "CALIBRATION_DAYS", 20)
    flows = job.settings.flows.model_copy(update={"baseline_days": 30, "dormant_days": 30})
    first = replace(job, settings=job.settings.model_copy(update={"flows": flows}), day=FIRST)

    def looked() -> tuple[date, list[str]]:
        found = detect.detected(first)
        return found.units.selectExpr("min(business_date)").first()[0], sorted(map(str, found.abnormal.collect()))

    since, told = looked()
    assert since == FIRST - timedelta(days=20 + 30 + 7)
    monkeypatch.setattr(detect, "_reach", lambda *_: START)
    assert looked() == (START, told)
    assert len(told) == 3


def test_a_day_run_again_changes_nothing(job: Job) -> None:
    again = replace(job, day=FIRST + timedelta(days=1))
    before = {name: sorted(map(str, again.lake.read(name).collect())) for name in ("daily_flows", "flow_baselines", "abnormal_flows")}
    detect.run(again)
    after = {name: sorted(map(str, again.lake.read(name).collect())) for name in before}
    assert after == before


def test_the_state_after_late_rows_and_expiry_equals_its_rebuild(job: Job) -> None:
    settings, last = job.settings.flows, FIRST + timedelta(days=1)
    state = job.lake.read("flow_baselines").where(f"as_of = DATE'{last}'").drop("as_of")
    anew = rebuilt(job.lake.read("daily_flows"), last, settings.windows_days, settings.baseline_days, settings.bin_ratio)
    assert _rows(state) == _rows(anew)
    assert state.count() > 50


def test_a_first_leg_that_becomes_known_after_the_last_is_told_with_it(job: Job) -> None:
    lake, day = job.lake, FIRST + timedelta(days=2)
    late = transaction(90013, "c09-A", FIRST, 12000, recorded=day)
    lake.replace("transactions", job.spark.createDataFrame([late], lake.table("transactions").ddl),
                 {"source_file": "all", "recorded_on": [day]})
    detect.run(replace(job, day=day))
    (found,) = lake.read("abnormal_flows").where(f"detected_on = DATE'{day}'").collect()
    assert (found.customer_id, found.business_date, found.transaction_ids[:2]) == ("c09", FIRST + timedelta(days=1), ["T90013", "T90012"])
    settings = job.settings.flows
    anew = rebuilt(lake.read("daily_flows"), day, settings.windows_days, settings.baseline_days, settings.bin_ratio)
    assert _rows(lake.read("flow_baselines").where(f"as_of = DATE'{day}'").drop("as_of")) == _rows(anew)


def _rows(frame: DataFrame) -> list[str]:
    columns = sorted(frame.columns)
    return sorted(str(tuple(row[column] for column in columns)) for row in frame.collect())


def test_a_false_alarm_and_money_that_came_back_become_usual_for_the_customer(job: Job) -> None:
    """What an RM says of c01's large transfer counts from the next day on, as does that c03's was taken back; the state is its rebuild."""
    lake, day = job.lake, FIRST + timedelta(days=2)
    found = lake.read("abnormal_flows").collect()
    flows = {name: [row.flow_id for row in found if row.customer_id == name] for name in ("c01", "c03")}
    lake.append("alerts", lake.literal("alerts", [
        {"alert_id": "A1", "customer_id": "c01", "priority": 50, "flow_ids": flows["c01"]},
        {"alert_id": "A2", "customer_id": "c03", "priority": 50, "flow_ids": flows["c03"], "status": "retracted",
         "closed_on": day - timedelta(days=1)}]))
    lake.append("outcomes", lake.literal("outcomes", [{
        "alert_id": "A1", "recorded_at": datetime(2026, 5, 22, 2), "outcome": "false_alarm", "business_date": day, "recorded_on": day,
        "source_file": "answers", "relationship_manager_id": "rm1", "run_id": "r"}]))
    spent = transaction(90010, "c05-A", day, 1500, recorded=day)
    of_day = job.spark.createDataFrame([spent], lake.table("transactions").ddl)
    lake.replace("transactions", of_day, {"source_file": "all", "recorded_on": [day]})
    detect.run(replace(job, day=day))

    newest = latest_known(lake.read("daily_flows"), day).where(f"customer_id = 'c01' AND business_date = DATE'{FIRST}'").collect()
    assert [(row.flagged, row.recorded_on) for row in newest] == [(False, day)]
    of_back = latest_known(lake.read("daily_flows"), day).where("customer_id = 'c03'").collect()
    assert {row.flagged for row in of_back} == {False}
    of_c01 = lake.read("flow_baselines").where(f"as_of = DATE'{day}' AND customer_id = 'c01' AND window_days = 1").collect()
    assert max(row.bins[-1].bin for row in of_c01) == math.floor(math.log(480000) / math.log(job.settings.flows.bin_ratio))
    settings = job.settings.flows
    anew = rebuilt(lake.read("daily_flows"), day, settings.windows_days, settings.baseline_days, settings.bin_ratio)
    assert _rows(lake.read("flow_baselines").where(f"as_of = DATE'{day}'").drop("as_of")) == _rows(anew)


def test_a_movement_whose_currency_has_no_rate_is_counted_and_named(job: Job) -> None:
    day, said = FIRST + timedelta(days=2), []
    foreign = transaction(90030, "c07-A", day, 90000)
    rows = job.spark.createDataFrame([(*foreign[:4], "EUR", *foreign[5:])], job.lake.table("transactions").ddl)
    job.lake.replace("transactions", rows, {"source_file": "all", "recorded_on": [day]})
    counts = detect.run(replace(job, day=day, progress=said.append))
    assert counts["without_rate"] == 1
    assert [line for line in said if "1 movements in EUR were not judged" in line]
    job.lake.delete("transactions", "currency = 'EUR'")
    assert "without_rate" not in detect.run(replace(job, day=day))


def test_a_correction_empties_the_day_it_took_the_money_from(job: Job) -> None:
    """c06's large withdrawal was a typing error: it is found, corrected two days later to an ordinary one of another day, and gone."""
    lake, told, day = job.lake, FIRST + timedelta(days=3), FIRST + timedelta(days=5)
    columns = lake.table("transactions").ddl

    def write(row: tuple, on: date) -> None:
        lake.replace("transactions", job.spark.createDataFrame([row], columns), {"source_file": "all", "recorded_on": [on]})

    wrong = transaction(90020, "c06-A", told, 500000)
    write((*wrong[:-2], 1, None), told)
    detect.run(replace(job, day=told))
    assert ("withdrawal", "c06") in flows_of(job)
    write((*wrong[:-2], 1, day), told)
    write((*transaction(90020, "c06-A", told + timedelta(days=1), 1500, recorded=day)[:-2], 2, None), day)
    detect.run(replace(job, day=day))

    since = f"customer_id = 'c06' AND business_date >= DATE'{told}'"
    newest = latest_known(lake.read("daily_flows"), day).where(since).orderBy("business_date").collect()
    assert [(row.amount, row.transactions, row.flagged) for row in newest] == [
        (Decimal(0), 0, False), (Decimal("1500.00"), 1, False)]
    settings = job.settings.flows
    anew = rebuilt(lake.read("daily_flows"), day, settings.windows_days, settings.baseline_days, settings.bin_ratio)
    assert _rows(lake.read("flow_baselines").where(f"as_of = DATE'{day}'").drop("as_of")) == _rows(anew)


def test_a_lake_that_kept_its_baseline_in_another_form_counts_it_anew(job: Job) -> None:
    lake, last, day = job.lake, FIRST + timedelta(days=5), FIRST + timedelta(days=6)
    lake.replace("flow_baselines", lake.literal("flow_baselines", [{"as_of": last, "customer_id": "c01"}]), {"as_of": last})
    detect.run(replace(job, day=day))
    settings = job.settings.flows
    anew = rebuilt(lake.read("daily_flows"), day, settings.windows_days, settings.baseline_days, settings.bin_ratio)
    assert len(_rows(anew)) > 10
    assert _rows(lake.read("flow_baselines").where(f"as_of = DATE'{day}'").drop("as_of")) == _rows(anew)


def test_every_piece_of_a_broken_deposit_is_told_and_its_closing_is_no_other_event(job: Job) -> None:
    """10,000 on one day, 990,000 of the same deposit on the next, and on the third the bank closes the account."""
    lake, days = job.lake, [FIRST + timedelta(days=7 + n) for n in range(3)]
    deposit = account("c07-TD", "c07", "time_deposit", date(2026, 12, 1), "1000000")
    lake.merge("accounts", job.spark.createDataFrame([deposit], lake.table("accounts").ddl))
    for n, amount in enumerate((10000, 990000)):
        out = transaction(90030 + 2 * n, "c07-TD", days[n], amount, kind="time_deposit", other="c07-A")
        into = transaction(90031 + 2 * n, "c07-A", days[n], amount, "credit", "time_deposit", other="c07-TD")
        pair = job.spark.createDataFrame([out, into], lake.table("transactions").ddl)
        lake.replace("transactions", pair, {"source_file": "all", "recorded_on": [days[n]]})
        detect.run(replace(job, day=days[n]))
    versions = lake.table("accounts").ddl
    names = [field.name for field in job.spark.createDataFrame([deposit], versions).schema]
    first = dict(zip(names, deposit, strict=True))
    closed = first | {"status": "closed", "closed_on": days[2], "valid_from": days[2], "recorded_on": days[2]}
    history = [first | {"valid_to": days[2] - timedelta(days=1), "is_current": False}, closed]
    lake.merge("accounts", lake.literal("accounts", history))
    detect.run(replace(job, day=days[2]))

    def told() -> list[tuple]:
        found = lake.read("abnormal_flows").where("customer_id = 'c07' AND kind = 'early_withdrawal'").orderBy("detected_on")
        return [(row.flow_id, row.detected_on, row.amount, row.transaction_ids, row.reason) for row in found.collect()]

    once = told()
    assert "990,000 CNY paid out (99 % of the customer's time deposits here), giving up" in once[1][-1]
    assert [row[1:-1] for row in once] == [
        (days[0], Decimal("10000.00"), ["T90030"]), (days[1], Decimal("990000.00"), ["T90032"])]
    detect.run(replace(job, day=days[1]))
    assert told() == once
    lies, settled = lake.read("abnormal_flows").where("account_id = 'c07-TD'"), lake.read("deposit_settlements")
    assert {row.went for row in lies.collect()} == {"own_account"}
    assert settled.count() == 0

    out = [transaction(90040, "c07-A", days[2] + timedelta(days=1), 600000, other="ELSEWHERE")]
    lake.replace("transactions", job.spark.createDataFrame(out, lake.table("transactions").ddl),
                 {"source_file": "all", "recorded_on": [days[2] + timedelta(days=1)]})
    for later in (1, 2):
        detect.run(replace(job, day=days[2] + timedelta(days=later)))
    after = [(row.flow_id, row.went, row.amount, row.refs, row.severity, row.settled_on) for row in settled.orderBy("amount").collect()]
    assert after == [(flow[0], "left", Decimal(amount), ["T90040"], "high", days[2] + timedelta(days=1))
                     for flow, amount in zip(once, ("10000.00", "600000.00"), strict=True)]


def test_what_comes_late_of_a_day_that_was_told_is_judged_by_itself(job: Job) -> None:
    """Of the day c08 moved 480,000 a card payment becomes known, then another large transfer; then the first turns out to be half of it."""
    lake, days = job.lake, [FIRST + timedelta(days=13 + n) for n in range(3)]
    columns = lake.table("transactions").ddl

    def look(on: date, *rows: tuple) -> list[tuple]:
        lake.replace("transactions", job.spark.createDataFrame(rows, columns), {"source_file": "all", "recorded_on": [on]})
        detect.run(replace(job, day=on))
        told = lake.read("abnormal_flows").where(f"detected_on = DATE'{on}' AND kind = 'withdrawal'").collect()
        settings = job.settings.flows
        anew = rebuilt(lake.read("daily_flows"), on, settings.windows_days, settings.baseline_days, settings.bin_ratio)
        assert _rows(lake.read("flow_baselines").where(f"as_of = DATE'{on}'").drop("as_of")) == _rows(anew)
        return [(row.customer_id, row.business_date, row.window_days, row.amount, row.transaction_ids) for row in told]

    def unit() -> tuple:
        (row,) = latest_known(lake.read("daily_flows"), days[-1]).where(f"customer_id = 'c08' AND business_date = DATE'{FIRST}'").collect()
        return row.amount, row.flagged

    assert look(days[0], transaction(90050, "c08-A", FIRST, 80, kind="card", recorded=days[0])) == []
    assert unit() == (Decimal("480080.00"), True)
    assert look(days[1], transaction(90051, "c08-A", FIRST, 300000, said="FUND HOUSE", recorded=days[1])) == [
        ("c08", FIRST, 1, Decimal("300080.00"), ["T90051", "T90050"])]
    assert unit() == (Decimal("780080.00"), True)

    lake.delete("transactions", "transaction_id = 'T90008'")
    wrong, right = transaction(90008, "c08-A", FIRST, 480000), transaction(90008, "c08-A", FIRST, 240000, recorded=days[2])
    lake.append("transactions", job.spark.createDataFrame([(*wrong[:-2], 1, days[2])], columns))
    assert look(days[2], (*right[:-2], 2, None)) == [("c08", FIRST, 1, Decimal("240000.00"), ["T90008"])]


def test_a_day_is_told_once_however_many_are_looked_at_together(job: Job) -> None:
    """No look was taken on the first of two days: what it held is no part of what is told of the second."""
    lake, days = job.lake, [FIRST + timedelta(days=17 + n) for n in range(2)]
    rows = [transaction(90060, "c13-A", days[0], 40000), transaction(90061, "c13-A", days[1], 9000)]
    lake.replace("transactions", job.spark.createDataFrame(rows, lake.table("transactions").ddl),
                 {"source_file": "all", "recorded_on": days})
    detect.run(replace(job, day=days[1]))
    told = lake.read("abnormal_flows").where("customer_id = 'c13'").collect()
    assert [(row.business_date, row.transaction_ids) for row in told] == [(days[0], ["T90060"])]
