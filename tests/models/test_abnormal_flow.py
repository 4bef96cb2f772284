"""The statistics of abnormal flows against independent implementations."""

from __future__ import annotations

import math
from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from scipy import stats

from conf.settings import Flows
from features.baselines import bin_counts, distributions
from features.flows import window_sums
from models.abnormal_flow import calibrating, exposures, own_baselines, student_survival, surprises, with_p_and_q
from models.flow_chance import Learned
from models.materiality import is_abnormal, judged_units, material, told_once

SUMS = "customer_id string, business_date date, direction string, window_days int, amount decimal(18,2)"
EXPOSURE = "customer_id string, age_band string, income_band string, account_types string, exposure_days int, tenure_days int"
DAY = date(2026, 6, 15)


@pytest.mark.parametrize("degrees", [2, 4, 6, 8])
def test_the_tail_is_students(spark: SparkSession, degrees: int) -> None:
    points = [0.0, 0.3, 1.0, 2.5, 7.0, 40.0]
    frame = spark.createDataFrame([(p,) for p in points], "t double")
    found = [row[0] for row in frame.select(student_survival(F.col("t"), degrees)).collect()]
    assert found == pytest.approx(stats.t.sf(points, degrees), rel=1e-6)


def surprising(sums: DataFrame, baseline: DataFrame, exposure: DataFrame, settings: Flows) -> DataFrame:
    return surprises(sums, baseline, own_baselines(baseline, settings), exposure, settings)


def test_an_odd_number_of_degrees_is_refused() -> None:
    with pytest.raises(ValueError, match="even"):
        student_survival(F.lit(1.0), 3)


def test_the_return_period_follows_the_formula(spark: SparkSession) -> None:
    """One customer with a history, one with none: the second is judged by the peers alone."""
    settings = Flows(min_peers=1)
    rng = np.random.default_rng(5)
    past = [float(x) for x in np.exp(rng.normal(6, 0.5, 60))]
    history = [("old", DAY - timedelta(days=n + 1), "debit", 1, Decimal(str(round(x, 2)))) for n, x in enumerate(past)]
    exposure = spark.createDataFrame([("old", "35-44", "b", "current", 300, 300), ("new", "35-44", "b", "current", 20, 20)], EXPOSURE)
    today = spark.createDataFrame([(who, DAY, "debit", 1, Decimal("20000.00")) for who in ("old", "new")], SUMS)
    baseline = distributions(bin_counts(spark.createDataFrame(history, SUMS), settings.bin_ratio))
    found = {row.customer_id: row for row in surprising(today, baseline, exposure, settings).collect()}

    step = math.log(settings.bin_ratio)
    bins = np.sort([math.floor(math.log(x) / step) for x in past])
    quarter = {q: _quantile_in_bins(bins, q) * step for q in (0.25, 0.5, 0.75)}
    peer_center, variance = quarter[0.5], ((quarter[0.75] - quarter[0.25]) / 1.349) ** 2
    rate_peer, between, nu, event = 60 / 320, 0.05, settings.tail_degrees_of_freedom, settings.event
    for who, n, days in (("old", 60, 300), ("new", 0, 20)):  # own and peer values agree: one customer made them all
        unknown = math.sqrt(between * (1 - n * between / (n * between + math.pi / 2 * variance)))
        rate, above = (n + 1) / (days + 1 / rate_peer), math.log(20000) - peer_center
        points = [(above - point * unknown, share) for point, share in ((0, 2 / 3), (math.sqrt(3), 1 / 6), (-math.sqrt(3), 1 / 6))]
        usual, spread = stats.t(nu, scale=math.sqrt(variance)), stats.t(nu, loc=event.log_multiple, scale=event.log_spread)
        years = 1 / (365.25 * rate * sum(share * usual.sf(off) for off, share in points))
        assert found[who].return_period_years == pytest.approx(min(years, settings.max_return_period_years), rel=1e-3)
        assert found[who].observations == n
        odds = sum(share * spread.pdf(off) for off, share in points) / sum(share * usual.pdf(off) for off, share in points)
        assert found[who].log_odds == pytest.approx(math.log(odds * event.a_year / 365.25 / rate), abs=1e-4)
    assert found["new"].peer_weight == 1.0


def test_peers_have_the_same_kind_of_accounts_where_there_are_enough_of_them(spark: SparkSession) -> None:
    """Ten savers move 8,000 a time and ten others 500; two savers of another income are too few to be a group of their own."""
    settings, kinds = Flows(min_peers=10), {"saver": ("b", "savings", 8000), "other": ("b", "current", 500), "rich": ("c", "savings", 8000)}
    who = [(f"{name} {n}", *kinds[name]) for name, count in (("saver", 11), ("other", 11), ("rich", 2)) for n in range(count)]
    history = [(name, DAY - timedelta(days=n + 1), "debit", 1, Decimal(amount + 10 * n))
               for name, _, _, amount in who for n in range(12) if not name.endswith(" 0")]
    exposure = spark.createDataFrame([(name, "35-44", income, types, 300, 300) for name, income, types, _ in who], EXPOSURE)
    baseline = distributions(bin_counts(spark.createDataFrame(history, SUMS), settings.bin_ratio))
    today = spark.createDataFrame([(f"{name} 0", DAY, "debit", 1, Decimal(9000)) for name in kinds], SUMS)
    sums = today.withColumn("day_amount", F.col("amount"))
    found = {row.customer_id: row for row in surprises(sums, baseline, own_baselines(baseline, settings), exposure, settings).collect()}
    assert {name: row.peer_group for name, row in found.items()} == {
        "saver 0": "35-44 · b · savings", "other 0": "35-44 · b · current", "rich 0": "35-44"}
    assert found["saver 0"].usual_amount > 7000 > 1000 > found["other 0"].usual_amount
    assert found["other 0"].return_period_years > 10 * found["saver 0"].return_period_years


def test_first_flows_count_in_part_until_a_customer_has_settled(spark: SparkSession) -> None:
    """The money that opens an account is small or large, but not usual."""
    tenure = {"moving in": 20, "settled": 60, "old": 300}
    exposure = spark.createDataFrame([(who, "35-44", "b", "current", min(days, 40), days) for who, days in tenure.items()], EXPOSURE)
    history = [(who, DAY - timedelta(days=n), "credit", 1, Decimal(100 + n)) for who in tenure for n in (5, 10, 15)]
    today = spark.createDataFrame([(who, DAY, "credit", 1, Decimal(20000)) for who in tenure], SUMS)
    found = surprising(today, distributions(bin_counts(spark.createDataFrame(history, SUMS), 1.25)), exposure, Flows(min_peers=1))
    weight = {row.customer_id: 1 - row.peer_weight for row in found.collect()}
    assert weight["settled"] == weight["old"]
    odds = {who: known / (1 - known) for who, known in weight.items()}
    assert odds["moving in"] == pytest.approx(odds["settled"] / 3, rel=0.05)


def _quantile_in_bins(bins: np.ndarray, share: float) -> float:
    """Linear interpolation within the bin that holds the wanted rank; plain Python."""
    wanted, reached = share * len(bins), 0
    for value in sorted(set(bins.tolist())):
        count = int((bins == value).sum())
        if reached < wanted <= reached + count:
            return value + (wanted - reached) / count
        reached += count
    raise AssertionError


def test_p_values_are_ranks_and_q_values_are_benjamini_hochbergs(spark: SparkSession) -> None:
    past = [round(x, 3) for x in np.random.default_rng(2).normal(-3, 1, 200).tolist()]
    now = [-4.0, -2.0, 0.5, 3.0, *np.random.default_rng(3).normal(-1.5, 2, 30).round(1).tolist()]
    assert len(set(now)) < len(now), "some alike"
    judged = spark.createDataFrame([(f"c{i:02}", "debit", DAY, s) for i, s in enumerate(now)],
                                   "customer_id string, direction string, business_date date, surprise double")
    weighed = spark.createDataFrame([(s, Decimal(1)) for s in past], "surprise double, weight decimal(5,4)")
    found = with_p_and_q(judged, weighed).orderBy("customer_id").collect()
    floor = np.floor(np.array(past) / 0.01)
    p = [(1 + int((floor >= math.floor(s / 0.01)).sum())) / 201 for s in now]
    assert [row.p_value for row in found] == pytest.approx(p)
    assert [row.q_value for row in found] == pytest.approx(stats.false_discovery_control(p))


def test_a_past_day_calibrates_as_far_as_it_was_a_false_alarm(spark: SparkSession) -> None:
    """95 quiet days, and five as surprising as today: two of even odds, one news for certain, one called a false alarm, one less so."""
    rare, common = math.log(Flows().min_return_period_years), math.log(Flows().min_return_period_years) - 0.1
    days = [*[(-3.0, -30.0)] * 95, (rare, 0.0), (rare, 0.0), (rare, 30.0), (rare, None), (common, math.log(1 / 3))]
    past = calibrating(spark.createDataFrame(days, "surprise double, log_odds double"), Learned())
    judged = spark.createDataFrame([("c1", rare), ("c2", common)], "customer_id string, surprise double")
    p = {row.customer_id: row.p_value for row in with_p_and_q(judged, past).collect()}
    whole = 1 + 95 + 2 * 0.5 + 1 + 0.75
    assert p == pytest.approx({"c1": (1 + 2 * 0.5 + 1) / whole, "c2": (1 + 2 * 0.5 + 1 + 0.75) / whole}, abs=1e-6)


def test_false_alarms_are_not_taken_for_events_because_they_were_told(spark: SparkSession) -> None:
    """Days without any event, each as rare as it is: whatever is told today is a false alarm, and their q-value says so."""
    settings, rng = Flows(), np.random.default_rng(4)
    past, now = ([(float(s), -4.0) for s in rng.exponential(1, 4000) - 4] for _ in range(2))
    frame = spark.createDataFrame(past, "surprise double, log_odds double")
    judged = spark.createDataFrame(now, frame.schema)
    found = with_p_and_q(judged, calibrating(frame, Learned()))
    told = found.where(F.col("surprise") >= math.log(settings.min_return_period_years))
    count, q = told.agg(F.count("*"), F.max("q_value")).first()
    assert count > 10
    assert q > 0.7


def test_the_shortest_abnormal_window_tells_the_story(spark: SparkSession) -> None:
    facts = "customer_id string, business_date date, direction string, window_days int, amount decimal(18,2), " \
            "day_amount decimal(18,2), usual_amount decimal(18,2), usual_month decimal(18,2), return_period_years double, " \
            "surprise double, log_odds double, observations bigint, peer_group string, peer_weight double, settled boolean"
    def row(window: int, amount: str, years: float, who: str = "anna", of_day: str = "9000") -> tuple:
        return (who, DAY, "debit", window, Decimal(amount), Decimal(of_day), Decimal("100"), Decimal("900"), years,
                math.log(years), 1.0, 30, "all", 0.2, True)

    quiet_day_after = [row(1, "20", 0.01, "ben", "20"), row(7, "90020", 40.0, "ben", "20")]
    scored = spark.createDataFrame([row(1, "9000", 40.0), row(3, "12000", 8.0), row(7, "12500", 6.0), *quiet_day_after], facts)
    def told(means: list[tuple], settings: Flows = Flows()) -> list[tuple]:  # noqa: B008 - frozen
        known = spark.createDataFrame(means, "customer_id string, assets decimal(18,2), annual_income decimal(18,2)")
        found = material(judged_units(scored, settings), known, settings).where("_window IS NOT NULL").collect()
        return [(r._window.window_days, r._window.amount, round(r.surprise, 3)) for r in found]

    shortest = [(3, Decimal("12000.00"), 3.689)]
    assert told([]) == shortest
    # 1 % of what is had here and 2 % of the income are asked where they are known: the longer window may hold enough
    assert told([("anna", Decimal(1_200_000), None)]) == told([("anna", None, Decimal(600_000))]) == shortest
    assert told([("anna", Decimal(1_200_100), None)]) == told([("anna", None, Decimal(600_100))]) == [(7, Decimal("12500.00"), 3.689)]
    assert told([("anna", Decimal(1_250_100), None)]) == []
    assert told([("anna", Decimal(1_250_100), None)], Flows(min_share_of_assets=0)) == shortest


def test_a_day_within_the_window_of_an_earlier_one_that_is_told_is_not_told_again(spark: SparkSession) -> None:
    """The window of day 2 holds day 1; that of day 4 holds day 2, which is not told. Customers and directions are by themselves."""
    units = [("anna", "debit", 1, 1), ("anna", "debit", 2, 3), ("anna", "debit", 4, 3), ("anna", "debit", 5, 1), ("anna", "credit", 2, 3),
             ("ben", "debit", 2, 7)]
    rows = [(who, way, DAY + timedelta(days=day), (window,)) for who, way, day, window in units]
    frame = spark.createDataFrame(rows, "customer_id string, direction string, business_date date, _window struct<window_days: int>")
    told = [(row.customer_id, row.direction, (row.business_date - DAY).days) for row in told_once(frame).collect()]
    assert sorted(told) == [("anna", "credit", 2), ("anna", "debit", 1), ("anna", "debit", 4), ("anna", "debit", 5), ("ben", "debit", 2)]


def test_a_split_withdrawal_of_a_steady_spender_is_found_whole(spark: SparkSession) -> None:
    """1,000 a day are 30,000 a month, whichever window adds them up: 15,000 or 6,000 a day are news as soon as they exceed that."""
    settings = Flows(min_peers=1)
    who = {"in 3 days": (3, 15000), "in 7 days": (7, 6000)}
    paid = [(name, DAY - timedelta(days=ago), "debit", Decimal(amount if ago < days else 1000), False)
            for name, (days, amount) in who.items() for ago in range(300)]
    units = spark.createDataFrame(paid, "customer_id string, business_date date, direction string, unusual_amount decimal(18,2), "
                                        "flagged boolean")
    sums, before = window_sums(units, settings.windows_days), F.col("business_date") <= F.lit(DAY - timedelta(days=7))
    exposure = spark.createDataFrame([(name, "35-44", "b", "current", 293, 293) for name in who], EXPOSURE)
    baseline = distributions(bin_counts(sums.where(before), settings.bin_ratio))
    scored = surprising(sums.where(F.col("business_date") == F.lit(DAY)), baseline, exposure, settings)
    months = [float(row.usual_month) for row in scored.collect()]
    assert months == pytest.approx([30000] * 6, rel=0.15)
    first = [F.col("_windows")[0][name].alias(name) for name in ("window_days", "amount")]
    found = judged_units(scored, settings).select("customer_id", *first).collect()
    assert {row.customer_id: (row.window_days, int(row.amount)) for row in found} == {"in 3 days": (3, 45000), "in 7 days": (7, 42000)}


def test_exposure_is_the_customers_own_tenure_of_deposits(spark: SparkSession) -> None:
    """A fixed window would make a new account's flows look far too rare, and so would an old card; who has left is exposed no more."""
    held: dict[str, list[tuple]] = {
        "long ago": [("current", date(2020, 1, 1), None)],
        "within the window": [("savings", date(2026, 6, 1), None)],
        "tomorrow": [("current", date(2026, 6, 16), None)],
        "old card": [("credit_card", date(2010, 1, 1), None), ("current", date(2026, 6, 6), None)],
        "came back": [("current", date(2010, 1, 1), date(2012, 1, 1)), ("current", date(2026, 6, 11), None)],
        "left": [("current", date(2020, 1, 1), date(2026, 5, 16)), ("time_deposit", date(2020, 1, 1), date(2026, 5, 1))],
        "will leave": [("current", date(2026, 6, 1), date(2026, 6, 20))],
        "left long ago": [("current", date(2010, 1, 1), date(2012, 1, 1))],
        "card only": [("credit_card", date(2010, 1, 1), None)],
    }
    rows = [(who, *account) for who, accounts in held.items() for account in accounts]
    frame = spark.createDataFrame(rows, "customer_id string, product_type string, opened_on date, closed_on date")
    found = {row.customer_id: (row.exposure_days, row.tenure_days) for row in exposures(frame, date(2025, 12, 1), DAY, 365).collect()}
    assert found == {"long ago": (197, 2358), "within the window": (15, 15), "tomorrow": (0, 0), "old card": (10, 10), "came back": (5, 5),
                     "left": (167, 2358), "will leave": (15, 15)}
    types = {row.customer_id: row.account_types for row in exposures(frame, date(2025, 12, 1), DAY, 365).collect()}
    assert (types["within the window"], types["old card"], types["left"]) == ("savings", "current", "current")
    assert exposures(frame, date(2025, 12, 1), DAY, 30).agg(F.max("exposure_days")).first()[0] == 30
    # days on which nothing of anybody came in are nobody's exposure, as far as the customer was there
    silent = [date(2019, 1, 1), date(2026, 5, 16), date(2026, 5, 20), date(2026, 6, 3), date(2026, 6, 10)]
    seen = exposures(frame, date(2025, 12, 1), DAY, 365, silent).collect()
    fewer = {"long ago": 4, "within the window": 2, "tomorrow": 0, "old card": 1, "came back": 0, "left": 1, "will leave": 2}
    assert {row.customer_id: (row.exposure_days + fewer[row.customer_id], row.tenure_days) for row in seen} == found


@pytest.mark.parametrize(("chosen", "quiet"), [
    ((), set()),
    (("month_end",), {"2026-10-30", "2026-10-31", "2026-12-31"}),  # the 30th is a Friday
    (("month_start",), {"2026-11-01", "2026-11-02"}),  # the 2nd is a Monday
    (("month_start", "year_end"), {"2026-11-01", "2026-11-02", "2026-12-31"}),
])
def test_twice_the_return_period_is_asked_at_configured_month_ends(spark: SparkSession, chosen: tuple, quiet: set[str]) -> None:
    """Of 8 years where 5 are asked; a holiday is no business day, so the next one is the month's first."""
    days = ["2026-10-29", "2026-10-30", "2026-10-31", "2026-11-01", "2026-11-02", "2026-11-03", "2026-12-30", "2026-12-31"]
    columns = ("business_date string, direction string, settled boolean, return_period_years double, amount double, usual_month double, "
               "day_amount double, window_days int")

    def told(days: list[str], years: float, settings: Flows) -> set[str]:
        rows = [(day, "debit", True, years, 20000.0, 100.0, 20000.0, 1) for day in days]
        frame = spark.createDataFrame(rows, columns).withColumn("business_date", F.to_date("business_date"))
        return {str(row.business_date) for row in frame.where(is_abnormal(settings)).collect()}

    assert set(days) - told(days, 8.0, Flows(month_ends=chosen)) == quiet
    assert told(days, 10.0, Flows(month_ends=chosen)) == set(days)
    after = Flows(month_ends=chosen, holidays=("11-02", "2026-11-03"))
    assert ("2026-11-04" in told(["2026-11-04"], 8.0, after)) == ("month_start" not in chosen)


def test_customers_who_left_do_not_make_what_others_do_rarer(spark: SparkSession) -> None:
    """A newcomer's large withdrawal is as rare beside 40 peers, whether as many had an account long ago or not."""
    settings = Flows(min_peers=1)
    peers, gone = [f"p{n:02}" for n in range(40)], [f"g{n:02}" for n in range(80)]
    history = [(who, DAY - timedelta(days=n), "debit", 1, Decimal(500 + 40 * n)) for who in peers for n in range(1, 60, 6)]
    baseline = distributions(bin_counts(spark.createDataFrame(history, SUMS), settings.bin_ratio))
    accounts = [(who, "current", date(2020, 1, 1), None) for who in peers] + [("new", "current", DAY - timedelta(days=5), None)]
    left = [(who, "current", date(2010, 1, 1), date(2020, 1, 1)) for who in gone]
    today = spark.createDataFrame([("new", DAY, "debit", 1, Decimal(20000))], SUMS)

    def years(held: list[tuple]) -> float:
        frame = spark.createDataFrame(held, "customer_id string, product_type string, opened_on date, closed_on date")
        days = exposures(frame, date(2025, 1, 1), DAY - timedelta(days=1), 365)
        exposure = days.selectExpr("customer_id", "'35-44' age_band", "'b' income_band", "account_types", "exposure_days", "tenure_days")
        return surprising(today, baseline, exposure, settings).first().return_period_years

    assert years(accounts + left) == years(accounts)
