"""What is expected of a drop as a whole, and what the judge says and writes."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

from conf.feed import Feed, Volume
from expectations import CONTRACTS
from expectations.judge import Judge, critical
from expectations.suite import DUPLICATES, OF_USUAL, REPEATED, empty, expected, usual_rows

DAY = date(2026, 2, 2)  # a Monday


def test_usual_is_the_median_of_recent_drops_of_the_weekday() -> None:
    feed = Feed(volume=Volume(min_usual_rows=10, min_drops=3))
    sizes = {date(2025, 1, 1): 90_000} | {DAY - timedelta(days=n): 100 if n % 7 else 900 for n in range(1, 29)}
    assert usual_rows(sizes, DAY, feed) == 900
    assert usual_rows(sizes, DAY + timedelta(days=1), feed) == 100
    assert usual_rows(dict(list(sizes.items())[:3]), DAY, feed) is None, "two drops and the initial load tell nothing"
    assert usual_rows(sizes, DAY, Feed(volume=Volume(min_usual_rows=50))) == 100, "too few Mondays: any day counts"
    assert usual_rows(sizes, DAY, Feed(volume=Volume(min_usual_rows=1000))) is None


def test_the_judge_tells_what_is_not_as_expected_and_writes_it_down(tmp_path: Path) -> None:
    suite = expected(CONTRACTS["transactions"], Feed(max_empty_share={"description": 0.9}))
    for day, of_usual in ((DAY, 0.9), (DAY + timedelta(days=1), 0.01)):
        judge = Judge(tmp_path, day)
        unmet = judge.unmet("transactions", suite, {OF_USUAL: of_usual, REPEATED: 0.0, empty("description"): 0.95})
        judge.publish()
    assert [str(one) for one in unmet] == [
        "rows over usual 0.01 is below 0.02", "rows over usual 0.01 is below 0.5", "share empty description 0.95 is above 0.9"]
    assert [str(one) for one in critical(unmet)] == ["rows over usual 0.01 is below 0.02"]
    index = (tmp_path / "index.html").read_text()
    assert all(f"validations/transactions/{day}" in index for day in (DAY, DAY + timedelta(days=1)))
    (page,) = tmp_path.glob(f"validations/transactions/{DAY + timedelta(days=1)}/*/*.html")
    assert "rows over usual" in page.read_text()


def test_a_snapshot_may_tell_everything_again() -> None:
    delta, snapshot = ({each.measure for each in expected(CONTRACTS["customers"], Feed(delivery=how))} for how in ("delta", "snapshot"))
    assert delta - snapshot == {DUPLICATES}
    assert snapshot < delta
