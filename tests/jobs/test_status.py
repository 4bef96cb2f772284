"""Status says what ran, which feeds are fresh, late, missing or waiting, and which models are in use."""

from __future__ import annotations

from datetime import date

from conf import load_settings
from jobs.status import due, told
from tests.small_lake import record, write


def day(number: int) -> date:
    return date(2024, 1, number)


def file(feed: str, number: int, status: str = "accepted") -> dict:
    return {"feed": feed, "business_date": day(number), "name": "a.csv", "accepted": 10, "quarantined": 1, "status": status}


def lines(page: str) -> dict[str, list[str]]:
    """First word of a line -> its other words."""
    return {words[0]: words[1:] for words in (line.replace("│", " ").replace("┃", " ").split() for line in page.splitlines()) if words}


def test_an_empty_lake_says_how_to_start(places):
    assert told(load_settings(), places) == f"nothing was run in the lake {places.lake} yet; start with `kehu run --date D`"


def test_a_page_for_the_morning(places):
    settings = load_settings()
    record(places.lake, day(9), job="ingest", rows_in=1234, rows_out=1200, counts={"quarantined": 34})
    record(places.lake, day(9), job="score", status="failed", message="no model is in use yet")
    write(places.lake / "files", [
        *(file("transactions", number) for number in (1, 2, 3, 4)),  # daily, then silence
        *(file("purchases", number) for number in (1, 8)),  # weekly
        file("accounts", 9), file("accounts", 8, "rejected"),
    ])
    waiting = places.landing / "customers" / "dt=2024-01-08"
    waiting.mkdir(parents=True)
    (waiting / "new.csv").write_text("customer_id\n")
    write(places.lake / "models", [
        {"model_version": "gold/1", "offer_id": "gold_savings", "version": 1, "as_of": day(1), "kind": "logistic", "alias": "previous"},
        {"model_version": "gold/2", "offer_id": "gold_savings", "version": 2, "as_of": day(5), "kind": "blended", "alias": "champion"},
    ])
    write(places.lake / "portfolios", [
        {"business_date": day(number), "candidates": 40 * number, "chosen": number, "value": 995.0, "bound": 1000.0, "gap": 0.005,
         "prices": {"places of the day": 20.5, "places in mortgage": 31.0}}
        for number in (8, 9)
    ])  # fmt: skip
    page = told(settings, places)
    said = lines(page)
    assert " ".join(said["2024-01-09"][:7]) == "9 360 995 1,000 0.50% places in"
    assert "mortgage 31.00, places of the day 20.50" in " ".join(page.replace("│", " ").split())
    assert said["ingest"][:1] == ["2024-01-09"]
    assert said["ingest"][-4:] == ["1,234", "1,200", "quarantined", "34"]
    assert said["score"][0] == "FAILED"
    assert "no model is in use yet" in " ".join(said["score"])
    assert said["transactions"] == ["late", "2024-01-04", "4", "40", "4", "0"]
    assert said["purchases"] == ["fresh", "2024-01-08", "2", "20", "2", "0"]
    assert said["accounts"] == ["fresh", "2024-01-09", "2", "20", "2", "1"]
    assert said["restrictions"][:2] == ["never", "delivered"]
    assert said["gold_savings"] == ["2", "blended", "2024-01-05"]
    assert "fx_rates" in said

    write(places.lake / "files", [file("customers", 7)])
    assert lines(told(settings, places))["customers"] == ["1", "waiting", "2024-01-07", "1", "10", "1", "0"]


def test_a_feed_is_due_after_its_own_longest_pause():
    assert due([day(1)]) is None
    assert due([day(1), day(2), day(3)]) == day(4)
    assert due([day(5), day(8), day(9)]) == day(12)  # a weekend in between
