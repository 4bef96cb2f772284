"""Ingest on small landings: what is taken, what is kept back and why, and that nothing is lost or counted twice."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from conf import Settings
from conf.feed import Feed, Quarantine
from jobs import ingest
from jobs.context import Job, Places, recorded
from tables.arrow import read_arrow

D1, D2, D3, D4, D5, D6 = (date(2026, 1, day) for day in (5, 6, 7, 8, 9, 10))
HEADERS = {
    "customers": "customer_id,full_name,joined_on,marketing_consent,relationship_manager_id,closed_on",
    "accounts": "account_id,customer_id,product_type,currency,opened_on,status",
    "transactions": "transaction_id,account_id,booked_at,amount,currency,direction,type,channel",
    "holdings": "customer_id,product_id,acquired_on,closed_on,value",
    "purchases": "order_id,line_no,customer_id,ordered_at,sku,category,quantity,unit_price,currency,status",
}


class Bank:
    """A landing directory, a lake, and the days run on them."""

    def __init__(self, settings: Settings, places: Places, spark: SparkSession) -> None:
        self.settings, self.places, self.spark = settings, places, spark

    def deliver(self, feed: str, day: date, rows: Iterable[str], name: str = "a.csv") -> Path:
        path = self.places.landing / feed / f"dt={day}" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        text = "\n".join([HEADERS[feed], *rows]) + "\n"
        path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
        return path

    def configured(self, feed: str, **conf: Any) -> None:
        self.settings = self.settings.model_copy(update={"feeds": self.settings.feeds | {feed: Feed(**conf)}})

    def run(self, day: date) -> dict[str, Any]:
        return recorded(Job(self.settings, self.places, self.spark, day, "ingest"), ingest.run)

    def waiting(self, day: date) -> list[str]:
        return [drop.source_file for drop in ingest.waiting(Job(self.settings, self.places, self.spark, day, "ingest"))]

    def rows(self, table: str, *columns: str) -> list[tuple]:
        """Rows of a table, read by another reader than Spark, in order."""
        found = read_arrow(self.places.lake, table, columns)
        assert found is not None
        return sorted((tuple(row[name] for name in columns) for row in found.to_pylist()), key=str)

    def files(self) -> dict[str, tuple]:
        counts = self.rows("files", "source_file", "status", "rows", "accepted", "quarantined", "duplicates", "reason")
        for name, status, rows, accepted, quarantined, duplicates, _ in counts:
            assert status == "rejected" or rows == accepted + quarantined + duplicates, name
        return {row[0]: row[1:6] for row in counts if row[1] != "rejected"} | {
            row[0]: str(row[6]).split(":")[0] for row in counts if row[1] == "rejected"}

    def quarantine(self) -> dict[tuple[str, int], tuple[str, list[str]]]:
        kept = self.rows("quarantine", "source_file", "line", "raw", "rules")
        return {(source, line): (raw, rules) for source, line, raw, rules in kept}

    def versions(self) -> dict[str, int]:
        return Job(self.settings, self.places, self.spark, D1).lake.versions()


@pytest.fixture
def bank(settings: Settings, places: Places, spark: SparkSession) -> Bank:
    made = Bank(settings, places, spark)
    Job(settings, places, spark, D1).lake.create_all()
    return made


def transaction(number: int | str, account: str = "A1", at: str = "2026-01-05T09:00:00", amount: str = "10.00") -> str:
    return f"T{number},{account},{at},{amount},CNY,debit,card,mobile"


def test_events_are_taken_once(bank: Bank) -> None:
    bank.deliver("customers", D1, ["C1,Anna,2020-02-03,true,,"])
    bank.deliver("accounts", D1, ["A1,C1,current,CNY,2020-02-03,open", "A2,C9,current,CNY,2020-02-03,open"])
    rows = [
        transaction(1), transaction(2), transaction(2),  # told twice
        transaction(3), transaction(3, amount="11.00"),  # contradicts itself
        transaction(4, amount='"10,50"'), transaction(5, "A9"), transaction(6, "A2"), transaction(7, at="2020-01-01T00:00:00"),
    ]
    bank.deliver("transactions", D1, rows)
    bank.deliver("transactions", D1, rows, "the same.csv")
    bank.deliver("transactions", D1, [rows[0], transaction(8)], "b.csv.gz")
    bank.deliver("transactions", D1, rows, "cut.csv.gz").write_bytes(gzip.compress(b"x" * 5000)[:-9])
    bank.deliver("holdings", D1, ["C1,fund,2021-01-01,,100.00"])
    assert bank.waiting(D1) == sorted(bank.waiting(D2))
    counts = bank.run(D1)

    place = "transactions/dt=2026-01-05"
    assert [told.split(":")[0] for told in counts["rejected_files"]] == [f"{place}/cut.csv.gz GZIP_CORRUPT"]
    assert bank.files() == {
        "customers/dt=2026-01-05/a.csv": ("accepted", 1, 1, 0, 0),
        "accounts/dt=2026-01-05/a.csv": ("accepted", 2, 1, 1, 0),
        f"{place}/a.csv": ("accepted", 9, 3, 5, 1),
        f"{place}/the same.csv": ("duplicate", 9, 0, 0, 9),
        f"{place}/b.csv.gz": ("accepted", 2, 1, 0, 1),
        f"{place}/cut.csv.gz": "GZIP_CORRUPT",
        "holdings/dt=2026-01-05/a.csv": ("accepted", 1, 1, 0, 0),
    }
    assert bank.quarantine() == {
        ("accounts/dt=2026-01-05/a.csv", 3): ("A2,C9,current,CNY,2020-02-03,open", ["ORPHAN_KEY"]),
        (f"{place}/a.csv", 5): (rows[3], ["DUP_CONFLICT"]),
        (f"{place}/a.csv", 6): (rows[4], ["DUP_CONFLICT"]),
        (f"{place}/a.csv", 7): (rows[5], ["AMOUNT_FORMAT"]),
        (f"{place}/a.csv", 8): (rows[6], ["ORPHAN_KEY"]),
        (f"{place}/a.csv", 9): (rows[7], ["ORPHAN_KEY"]),
    }
    # an initial load was known since it happened; its file is the drop's
    old = date(2020, 1, 1)
    assert bank.rows("transactions", "transaction_id", "business_date", "recorded_on") == [
        ("T1", D1, D1), ("T2", D1, D1), ("T7", old, old), ("T8", D1, D1)]
    assert bank.rows("accounts", "account_id", "valid_from", "recorded_on") == [("A1", D1, date(2020, 2, 3))]

    before = bank.versions()
    again = bank.run(D1)
    assert (again["rows_in"], again["rejected_files"], bank.waiting(D1)) == (0, [], [])
    assert {name for name, version in bank.versions().items() if version != before[name]} == {"runs"}

    # what rows waited for arrives; known events come again, late, too late and too early
    bank.deliver("customers", D2, ["C9,Ben,2020-02-03,true,,"])
    bank.deliver("accounts", D2, ["A9,C1,savings,CNY,2026-01-06,open"])
    bank.deliver("transactions", D2, [
        transaction(1), transaction(2, amount="99.00"), transaction(9, at="2026-01-04T09:00:00"),
        transaction(10, at="2025-11-30T09:00:00"), transaction(11, at="2026-01-06T23:00:00-05:00"), transaction(3),
        transaction(8, at="2026-01-06T09:00:00")])  # known, of another day
    bank.deliver("holdings", D2, ["C1,fund,2021-01-01,,150.00", "C1,fund2,2021-01-01,,1.00"])
    bank.run(D2)
    files = bank.files()
    assert files[f"{place}/a.csv"] == ("accepted", 9, 5, 3, 1)
    assert files["accounts/dt=2026-01-05/a.csv"] == ("accepted", 2, 2, 0, 0)
    assert files["transactions/dt=2026-01-06/a.csv"] == ("accepted", 7, 2, 4, 1)
    rules = {key: rules for key, (_, rules) in bank.quarantine().items()}
    assert rules == {
        (f"{place}/a.csv", 5): ["DUP_CONFLICT"], (f"{place}/a.csv", 6): ["DUP_CONFLICT"], (f"{place}/a.csv", 7): ["AMOUNT_FORMAT"],
        ("transactions/dt=2026-01-06/a.csv", 3): ["DUP_CONFLICT"],
        ("transactions/dt=2026-01-06/a.csv", 5): ["LATE_BEYOND_HORIZON"],
        ("transactions/dt=2026-01-06/a.csv", 6): ["TS_FUTURE"], ("transactions/dt=2026-01-06/a.csv", 8): ["DUP_CONFLICT"],
    }
    known = {row[0]: row[1:] for row in bank.rows("transactions", "transaction_id", "business_date", "recorded_on", "amount")}
    assert known["T5"] == known["T6"] == (D1, D2, Decimal("10.00")), "a row that waited is known since what it waited for"
    assert known["T9"] == (date(2026, 1, 4), D2, Decimal("10.00"))
    assert known["T2"][2] == Decimal("10.00"), "what was acted upon stays"
    assert known["T3"] == (D1, D2, Decimal("10.00")), "of an id that was only contradicted, a later clear word is taken"
    assert bank.rows("accounts", "account_id", "valid_from", "recorded_on") == [
        ("A1", D1, date(2020, 2, 3)), ("A2", D2, D2), ("A9", D2, D2)]
    assert bank.rows("holdings", "product_id", "recorded_on", "value") == [
        ("fund", date(2021, 1, 1), Decimal("100.00")), ("fund", D2, Decimal("150.00")), ("fund2", D2, Decimal("1.00"))]

    # a taken file with other bytes is refused; what was taken stays
    bank.deliver("transactions", D1, [transaction(100)])
    counts = bank.run(D2)
    assert [told.split(":")[0] for told in counts["rejected_files"]] == [f"{place}/a.csv FILE_CHANGED_AFTER_INGEST"]
    assert "T100" not in {row[0] for row in bank.rows("transactions", "transaction_id")}
    assert bank.run(D2)["rejected_files"] == []


def test_a_file_that_comes_after_its_day_was_run_is_known_from_the_day_it_is_taken(bank: Bank) -> None:
    """Jobs look for what was recorded since they last looked: recorded on its drop's day, it would never be looked at."""
    bank.deliver("customers", D1, ["C1,Anna,2020-02-03,true,,"])
    bank.deliver("accounts", D1, ["A1,C1,current,CNY,2020-02-03,open"])
    bank.deliver("transactions", D1, [transaction(1)])
    bank.deliver("holdings", D1, ["C1,fund,2021-01-01,,100.00"])
    bank.run(D1)
    bank.deliver("transactions", D1, [transaction(0, at="2025-03-01T09:00:00")], "rest of the load.csv")
    bank.run(D1)  # on the drop's own day nobody has looked yet: the rest of the initial load is that load
    bank.deliver("transactions", D3, [transaction(3, at="2026-01-07T09:00:00")])
    bank.deliver("holdings", D3, ["C1,fund,2021-01-01,,300.00"])
    bank.run(D3)
    bank.deliver("transactions", D2, [transaction(2, at="2026-01-06T09:00:00")])
    bank.deliver("transactions", D3, [transaction(4, at="2026-01-07T09:00:00")], "b.csv")
    bank.deliver("transactions", D4, [transaction(5, at="2026-01-08T09:00:00")])
    bank.deliver("holdings", D2, ["C1,fund,2021-01-01,,200.00"])
    bank.run(D4)
    assert bank.rows("transactions", "transaction_id", "business_date", "recorded_on") == [
        ("T0", date(2025, 3, 1), date(2025, 3, 1)), ("T1", D1, D1), ("T2", D2, D4), ("T3", D3, D3), ("T4", D3, D4), ("T5", D4, D4)]
    recorded(Job(bank.settings, bank.places, bank.spark, D5, "features"), lambda _: {})  # of that day nothing had come yet
    bank.deliver("transactions", D5, [transaction(6, at="2026-01-09T09:00:00")])
    bank.run(D6)
    assert ("T6", D5, D6) in bank.rows("transactions", "transaction_id", "business_date", "recorded_on")
    last_word = bank.rows("holdings", "recorded_on", "value")[-1]
    assert last_word == (D3, Decimal("300.00")), "the newest word on a state is that of the newest drop, whenever it came"


def bought(number: int, version: str, at: str = "2026-01-05T09:00:00", quantity: int = 1, customer: str = "C1") -> str:
    return f"O{number},1,{customer},{at},S1,food,{quantity},2.00,CNY,paid,{version}"


def test_a_drop_by_itself_or_among_many_is_the_same(
    bank: Bank, settings: Settings, spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three days one by one, one of them killed before it was recorded, and the same three in one go. Purchases are corrected by number."""
    other = Bank(settings, Places(bank.places.landing, tmp_path / "lake 2", tmp_path / "w"), spark)
    Job(settings, other.places, spark, D1).lake.create_all()
    for each in (bank, other):
        each.configured("purchases", corrections=True, names={"version": "rev"})

    def shopped(day: date, *rows: str) -> None:
        path = bank.deliver("purchases", day, rows)
        path.write_text(path.read_text().replace(HEADERS["purchases"], HEADERS["purchases"] + ",rev"))

    days: list[Callable[[], object]] = [
        lambda: (bank.deliver("customers", D1, ["C1,Anna,2020-02-03,true,,", "C2,Ben,2020-02-03,true,R1,"]),
                 bank.deliver("accounts", D1, ["A1,C1,current,CNY,2020-02-03,open", "A3,C3,current,CNY,2020-02-03,open"]),
                 bank.deliver("transactions", D1, [transaction(1), transaction(2, "A3"), transaction(3, "A3", amount="5.00")]),
                 shopped(D1, bought(1, "1"), bought(2, "1"), bought(3, "1"), bought(3, "2", quantity=2), bought(4, "1"),
                         bought(4, "1", quantity=3), bought(5, ""), bought(6, "1", customer="C3"),
                         bought(6, "1", quantity=2, customer="C3"), bought(7, "1"))),
        lambda: (bank.deliver("customers", D2, ["C1,Anna,2020-02-03,false,,", "C2,Ben,2020-02-03,true,R1,"]),
                 bank.deliver("transactions", D2, [transaction(1), transaction(3, "A1", amount="6.00")]),
                 shopped(D2, bought(1, "2", "2026-01-04T09:00:00", 7), bought(2, "1"), bought(3, "3"))),
        lambda: (bank.deliver("customers", D3, ["C1,Anna,2020-02-03,true,,", "C3,Cleo,2020-02-03,true,,"]),
                 bank.deliver("transactions", D3, [transaction(4, at="2026-01-07T10:00:00")]),
                 shopped(D3, bought(1, "3", quantity=8), bought(2, "0", quantity=9), bought(2, "1", quantity=6), bought(3, "3"),
                         bought(7, "2"))),
    ]
    for day, deliver in zip((D1, D2, D3), days, strict=True):
        deliver()
        if day == D2:
            with monkeypatch.context() as killed:
                killed.setattr(ingest, "_record", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
                with pytest.raises(KeyboardInterrupt):
                    bank.run(day)
        bank.run(day)
    other.run(D3)
    for table, columns in (
        ("customers", ("customer_id", "marketing_consent", "valid_from", "valid_to", "is_current", "recorded_on", "source_file")),
        ("accounts", ("account_id", "valid_from", "valid_to", "recorded_on", "source_file")),
        ("transactions", ("transaction_id", "amount", "business_date", "recorded_on", "source_file")),
        ("purchases", ("order_id", "version", "quantity", "recorded_on", "superseded_on", "source_file")),
        ("quarantine", ("source_file", "line", "raw", "rules")),
        ("files", ("source_file", "sha256", "status", "rows", "accepted", "quarantined", "duplicates")),
    ):
        assert bank.rows(table, *columns) == other.rows(table, *columns), table
    assert bank.rows("customers", "customer_id", "marketing_consent", "valid_from", "valid_to")[:3] == [
        ("C1", False, D2, D3), ("C1", True, D1, D2), ("C1", True, D3, None)]
    assert [row[0] for row in bank.rows("transactions", "transaction_id")] == ["T1", "T2", "T3", "T4"]

    # of a corrected purchase the highest number stands, the others tell until when they did
    assert bank.rows("purchases", "order_id", "version", "quantity", "business_date", "recorded_on", "superseded_on") == [
        ("O1", 1, Decimal(1), D1, D1, D2), ("O1", 2, Decimal(7), date(2026, 1, 4), D2, D3), ("O1", 3, Decimal(8), D1, D3, None),
        ("O2", 1, Decimal(1), D1, D1, None), ("O3", 2, Decimal(2), D1, D1, D2), ("O3", 3, Decimal(1), D1, D2, None),
        ("O7", 1, Decimal(1), D1, D1, D3), ("O7", 2, Decimal(1), D1, D3, None)]
    place = "purchases/dt=2026-01-0{}/a.csv"
    assert {name: counts for name, counts in bank.files().items() if name.startswith("purchases")} == {
        place.format(5): ("accepted", 10, 4, 5, 1), place.format(6): ("accepted", 3, 2, 0, 1), place.format(7): ("accepted", 5, 2, 1, 2)}
    assert {key: rules for key, (_, rules) in bank.quarantine().items() if key[0].startswith("purchases")} == {
        (place.format(5), 6): ["DUP_CONFLICT"], (place.format(5), 7): ["DUP_CONFLICT"], (place.format(5), 8): ["REQUIRED"],
        (place.format(5), 9): ["DUP_CONFLICT"], (place.format(5), 10): ["DUP_CONFLICT"],  # waited for C3, then contradict each other
        (place.format(7), 4): ["DUP_CONFLICT"]}


def test_snapshots_close_who_is_gone_and_may_not_shrink(bank: Bank) -> None:
    bank.configured("customers", delivery="snapshot", max_snapshot_shrink=0.5)
    everybody = ["C1,Anna,2020-02-03,true,,", "C2,Ben,2020-02-03,true,,", "C3,Cleo,2020-02-03,true,,"]
    bank.deliver("customers", D1, everybody)
    bank.deliver("customers", D2, [everybody[0], "C2,Ben,2020-02-03,false,,"])
    bank.run(D2)
    history = ("customer_id", "marketing_consent", "valid_from", "valid_to", "is_current", "closed_on")
    assert bank.rows("customers", *history) == [
        ("C1", True, D1, None, True, None),
        ("C2", False, D2, None, True, None), ("C2", True, D1, D2, False, None),
        ("C3", True, D1, D2, False, None), ("C3", True, D2, None, True, D2),
    ]
    assert bank.files()["customers/dt=2026-01-06/a.csv"] == ("accepted", 2, 1, 0, 1)
    bank.deliver("customers", D3, ["C9,Eve,2020-02-03,true,,"])
    bank.configured("customers", delivery="snapshot", max_snapshot_shrink=0.1)
    counts = bank.run(D3)
    assert [told.split(":")[0] for told in counts["rejected_files"]] == ["customers/dt=2026-01-07/a.csv SNAPSHOT_SHRINK"]
    assert len(bank.rows("customers", *history)) == 5
    bank.configured("customers", delivery="snapshot", max_snapshot_shrink=0.9)  # another configuration: tried again
    assert bank.run(D3)["rejected_files"] == []
    assert ("C1", True, D3, None, True, D3) in bank.rows("customers", *history)


def test_a_file_with_too_many_bad_rows_is_refused_whole(bank: Bank) -> None:
    bank.configured("purchases", quarantine=Quarantine(max_share=0.2, max_rows=1))
    bank.deliver("customers", D1, ["C1,Anna,2020-02-03,true,,"])
    good = [f"O{n},1,C1,2026-01-05T10:00:00,S1,food,1,2.00,CNY,paid" for n in range(4)]
    bank.deliver("purchases", D1, [*good, *(row.replace("food,1", "food,0") for row in good[:2])])
    bank.deliver("purchases", D1, [*good, good[0].replace("O0", "O9").replace("food,1", "food,0")], "b.csv")
    counts = bank.run(D1)
    assert [told.split(":")[0] for told in counts["rejected_files"]] == ["purchases/dt=2026-01-05/a.csv QUARANTINE_RATIO"]
    assert bank.files()["purchases/dt=2026-01-05/b.csv"] == ("accepted", 5, 4, 1, 0)
    assert {rules[0] for _, rules in bank.quarantine().values()} == {"QTY_RANGE"}


def test_a_lost_row_is_noticed(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    """The balance is drawn on what was read back: a writer that loses a row does not get past it."""
    from conf import KehuError
    from tables.lake import Lake

    bank.deliver("customers", D1, ["C1,Anna,2020-02-03,true,,", "C2,Ben,2020-02-03,true,,"])
    write = Lake.replace
    monkeypatch.setattr(Lake, "replace", lambda self, name, rows, where: write(self, name, rows.limit(1), where))
    with pytest.raises(KehuError, match="2 rows were accepted, the table holds 1"):
        bank.run(D1)
    assert bank.rows("files", "name") == []
    monkeypatch.undo()
    assert bank.run(D1)["rows_out"] == 2
