"""What a campaign's rows know ends the day before it begins, and no window sees an answer of a later one."""

from __future__ import annotations

from collections import namedtuple

import pandas as pd

from benchmarks.evaluate_campaigns import TESTED, VALIDATED, known_before, split_by_lot, split_by_time

START = pd.Timestamp(2017, 6, 1)
Campaign = namedtuple("Campaign", "campaign_id campaign_type start_date end_date")
THIS = Campaign(2, "Type A", START, pd.Timestamp(2017, 7, 1))
SENT = pd.DataFrame({"campaign_id": [1, 2, 2], "household_id": [7, 7, 8], "start_date": [pd.Timestamp(2017, 4, 1), START, START]})
COUPONS = pd.DataFrame({"campaign_id": [2, 2], "coupon_upc": [50, 51], "product_id": [900, 901]})


def line(household: int, day: str, product: int = 900, spent: float = 4.0, coupon: float = 0.0) -> dict[str, object]:
    return {"household_id": household, "day": pd.Timestamp(day), "product_id": product, "department": "PRODUCE", "brand": "Private",
            "sales_value": spent, "coupon_disc": coupon, "retail_disc": 0.0}  # fmt: skip


LINES = pd.DataFrame([line(7, "2017-05-31"), line(7, "2017-05-02", 5, 12.0, 1.0), line(7, "2017-01-05", spent=100.0)])
REDEEMED = pd.DataFrame({"household_id": [7, 7], "campaign_id": [1, 2], "redemption_date": [pd.Timestamp(2017, 4, 9), START]})


def test_the_day_before_it_begins_is_the_last_that_is_known() -> None:
    rows = known_before(THIS, SENT, LINES, COUPONS, REDEEMED).set_index("household_id")
    seven = rows.loc[7]
    assert (seven["spent"], seven["shopping_days"], seven["covered_spent"], seven["private_share"]) == (16.0, 2, 4.0, 1.0)
    assert (seven["days_since_shopped"], seven["coupon_lines"], seven["campaigns_before"]) == (1, 1, 1)
    assert (seven["redeemed_before"], seven["days_since_redeemed"], seven["redeemed"]) == (1, 53, 1)
    assert rows.loc[8, ["spent", "campaigns_before", "redeemed"]].tolist() == [0, 0, 0]
    assert pd.isna(rows.loc[8, "days_since_shopped"])

    later = pd.concat([LINES, pd.DataFrame([line(7, "2017-06-01"), line(8, "2017-06-20", coupon=2.0)])])
    pd.testing.assert_frame_equal(known_before(THIS, SENT, later, COUPONS, REDEEMED).set_index("household_id"), rows)


def test_every_answer_that_trains_was_there_when_the_next_window_began() -> None:
    starts = pd.date_range("2017-02-08", "2017-11-15", freq="7D")
    rows = pd.DataFrame({"household_id": range(len(starts)), "start_date": starts, "end_date": starts + pd.Timedelta(days=40)})
    by_time = split_by_time(rows)
    ended = by_time.groupby("as_of")["end_date"].max()
    assert set(ended.index[-2:]) == {VALIDATED, TESTED}
    assert ended[ended.index < VALIDATED].max() < VALIDATED <= ended[VALIDATED] < TESTED
    assert len(by_time) < len(rows)

    by_lot = split_by_lot(pd.concat([rows, rows]))
    assert by_lot.groupby("household_id")["as_of"].nunique().max() == 1
