"""Hard events: broken deposits, closures, emptied and waking accounts."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest
from pyspark.sql import DataFrame, SparkSession

from conf.settings import Flows
from features.account_events import drained, woken
from features.deposit_events import closures, early_withdrawals, newly_closed
from features.deposit_money import settled

ACCOUNTS = (
    "account_id string, customer_id string, product_type string, opened_on date, maturity_on date, principal_base decimal(18,2), "
    "interest_rate decimal(9,6), status string, closed_on date, valid_from date, recorded_on date"
)
MOVED = (
    "transaction_id string, account_id string, customer_id string, product_type string, booked_at timestamp, currency string, "
    "amount decimal(18,2), amount_base decimal(18,2), direction string, type string, own_transfer boolean, "
    "balance_after decimal(18,2), channel string, counterparty string, description string, business_date date, "
    "recorded_on date, expected boolean"
)
DAY = date(2026, 6, 15)
YESTERDAY = DAY - timedelta(days=1)
SETTINGS = Flows()


def account(name: str, customer: str, product: str, *, maturity: date | None = None, principal: str | None = None,
            closed: date | None = None, opened: date = date(2025, 6, 15)) -> tuple:
    amount = Decimal(principal) if principal else None
    return (name, customer, product, opened, maturity, amount, Decimal("0.02"), "closed" if closed else "open", closed, opened, opened)


def moved(number: int, name: str, customer: str, product: str, amount: str, direction: str, kind: str = "transfer", *,
          own: bool = False, balance: str | None = None, on: date = DAY, expected: bool = False, other: str | None = None) -> tuple:
    money, booked = Decimal(amount), datetime(on.year, on.month, on.day, 9, number)
    return (f"T{number}", name, customer, product, booked, "CNY", money, money, direction, kind, own,
            Decimal(balance) if balance else None, "counter", other, "TO SON", on, on, expected)


@pytest.fixture(scope="module")
def accounts(spark: SparkSession) -> DataFrame:
    maturity = date(2026, 11, 15)
    return spark.createDataFrame(
        [
            account("A1", "anna", "current"),
            account("A2", "anna", "time_deposit", maturity=maturity, principal="100000.00"),
            account("A3", "anna", "time_deposit", maturity=maturity, principal="300000.00"),
            account("B1", "ben", "current"),
            account("B2", "ben", "time_deposit", maturity=DAY, principal="50000.00", closed=DAY),  # matured
            account("C1", "carl", "time_deposit", maturity=maturity, principal="70000.00", closed=DAY),  # broken, no booking known
            account("D1", "dora", "current", closed=DAY),
            account("E1", "emil", "savings", closed=DAY),
            account("E2", "emil", "current"),
        ],
        ACCOUNTS,
    )


def broken(spark: SparkSession, accounts: DataFrame, rows: list[tuple], versions: list[tuple] | None = None) -> dict[str, object]:
    new = spark.createDataFrame(rows, MOVED)
    known = accounts if versions is None else spark.createDataFrame(versions, ACCOUNTS)
    closed = newly_closed(accounts, known, YESTERDAY, YESTERDAY)
    flows = new.where("NOT own_transfer AND type NOT IN ('fee', 'time_deposit')")
    found = early_withdrawals(accounts, known, closed, new, new, flows, YESTERDAY, DAY, SETTINGS)
    return {row.account_id: row for row in found.collect()}


def test_a_deposit_paid_out_before_maturity_is_told_with_what_was_given_up(spark: SparkSession, accounts: DataFrame) -> None:
    rows = [
        moved(1, "A2", "anna", "time_deposit", "100000.00", "debit", "time_deposit", own=True),
        moved(2, "A2", "anna", "time_deposit", "12.00", "debit", "fee"),
        moved(3, "A1", "anna", "current", "90000.00", "debit"),
        moved(4, "B2", "ben", "time_deposit", "50000.00", "debit", "time_deposit", own=True),
    ]
    told = broken(spark, accounts, rows)
    assert set(told) == {"A2", "C1"}, "a deposit paid at maturity is no news"
    a2 = told["A2"]
    assert (a2.amount, a2.days_to_maturity, a2.transaction_ids, a2.went) == (Decimal("100000.00"), 153, ["T1"], "left")
    assert (a2.share, told["C1"].share) == (0.25, 1.0)
    term = (date(2026, 11, 15) - date(2025, 6, 15)).days
    assert a2.interest_forgone == round(Decimal(100000) * Decimal("0.02") * term / 365, 2)
    assert (told["C1"].amount, told["C1"].went, told["C1"].transaction_ids) == (Decimal("70000.00"), "unknown", [])


def test_where_the_money_of_a_broken_deposit_went_is_told_as_far_as_it_is_known(spark: SparkSession) -> None:
    def paid(number: int, who: str, **known: object) -> tuple:
        return moved(number, f"{who}2", who, "time_deposit", "8000.00", "debit", "time_deposit", **known)

    def into(number: int, who: str, amount: str = "8000.00") -> tuple:
        return moved(number, f"{who}1", who, "current", amount, "credit", "time_deposit")

    def spent(number: int, who: str, amount: str, **known: object) -> tuple:
        return moved(number, f"{who}1", who, "current", amount, "debit", "card", **known)

    rows = [
        paid(1, "anna"), into(2, "anna"),  # nobody says so, but there it lies
        paid(3, "ben"), into(4, "ben", "500.00"),
        paid(5, "carl", other="ELSEWHERE"),
        paid(6, "dora"), into(7, "dora"), *(spent(8 + n, "dora", "900.00") for n in range(5)), spent(13, "dora", "4000.00", expected=True),
        paid(14, "emil"), into(15, "emil"), spent(16, "emil", "4000.00"),
        moved(17, "fay2", "fay", "time_deposit", "3000.00", "debit", "time_deposit", other="ELSEWHERE"),
        moved(18, "fay2", "fay", "time_deposit", "5000.00", "debit", "time_deposit"), into(19, "fay", "5000.00"),
        spent(20, "fay", "2000.00"),  # neither is half of it, but both are
    ]
    names = ("anna", "ben", "carl", "dora", "emil", "fay")
    each = [account(f"{who}{n}", who, kind, maturity=date(2026, 11, 15) if n == 2 else None)
            for who in names for n, kind in ((1, "current"), (2, "time_deposit"))]
    each.append(account("gus2", "gus", "time_deposit", maturity=date(2026, 11, 15), closed=DAY, principal="0.00"))
    told = broken(spark, spark.createDataFrame(each, ACCOUNTS), rows)
    assert {name[:-1]: row.went for name, row in told.items()} == {
        "anna": "own_account", "ben": "unknown", "carl": "left", "dora": "own_account", "emil": "left", "fay": "left", "gus": "unknown"}


def test_where_the_money_went_later_is_told_once_half_of_it_left_or_most_was_placed_again(spark: SparkSession) -> None:
    """Deposits broken four days ago, of 8,000 each; what has become of the money by today, and by yesterday."""
    on, names = DAY - timedelta(days=4), ("anna", "ben", "carl", "dora", "emil", "fay")
    told = [(f"F-{who}", who, f"{who}2", on, "early_withdrawal", [f"T{n}"], Decimal(8000), "left" if who == "fay" else "own_account")
            for n, who in enumerate(names)]
    rows = [moved(n, f"{who}2", who, "time_deposit", "8000.00", "debit", "time_deposit", on=on, own=True) for n, who in enumerate(names)]

    def spent(number: int, who: str, amount: str, days_ago: int, **known: object) -> tuple:
        return moved(number, f"{who}1", who, "current", amount, "debit", on=DAY - timedelta(days=days_ago), **known)

    rows += [
        spent(10, "anna", "2500.00", 3), spent(11, "anna", "2500.00", 0),  # half of it is gone with the second
        spent(12, "ben", "9000.00", 0, expected=True),
        spent(13, "carl", "9000.00", 0),
        spent(14, "fay", "9000.00", 0),  # told when it was broken
        spent(15, "dora", "9000.00", 5),  # before it was broken
    ]
    accounts = [account(f"{who}{n}", who, kind, principal="8000.00" if n == 2 else None) for who in names
                for n, kind in ((1, "current"), (2, "time_deposit"))]
    accounts += [account("emil3", "emil", "time_deposit", principal="7000.00", opened=DAY),
                 account("dora3", "dora", "time_deposit", principal="6000.00", opened=DAY)]
    flows = "flow_id string, customer_id string, account_id string, business_date date, kind string, transaction_ids array<string>, " \
        "amount decimal(18,2), went string"

    def found(day: date, settings: Flows = SETTINGS) -> dict[str, tuple]:
        booked = spark.createDataFrame([row for row in rows if row[-3] <= day], MOVED)
        of_day = spark.createDataFrame([row for row in accounts if row[3] <= day], ACCOUNTS)
        later = settled(spark.createDataFrame(told, flows), booked, of_day, booked.where("NOT own_transfer"), on, day, settings)
        return {row.customer_id: (row.flow_id, row.went, row.amount, row.refs) for row in later.collect()}

    assert found(YESTERDAY) == {}
    assert found(DAY) == {
        "anna": ("F-anna", "left", Decimal("5000.00"), ["T10", "T11"]),
        "carl": ("F-carl", "left", Decimal("8000.00"), ["T13"]),
        "emil": ("F-emil", "placed_again", Decimal("7000.00"), ["emil3"]),
    }
    assert found(DAY, Flows(settlement_days=3)) == {}


def test_a_deposit_rolled_over_under_its_own_number_had_matured(spark: SparkSession) -> None:
    """A2 matured today, when the bank moved its maturity a year on; A3 was rolled over a day ago and is broken today."""
    def version(name: str, maturity: date, since: date) -> tuple:
        return (*account(name, "anna", "time_deposit", maturity=maturity, principal="50000.00")[:-2], since, since)

    year, start = timedelta(days=365), date(2025, 6, 15)
    now = [version("A2", DAY + year, DAY), version("A3", YESTERDAY + year, YESTERDAY)]
    before = [version("A2", DAY, start), version("A3", YESTERDAY, start)]
    rows = [moved(n, f"A{n}", "anna", "time_deposit", "30000.00", "debit", "time_deposit") for n in (2, 3)]
    told = broken(spark, spark.createDataFrame(now, ACCOUNTS), rows, now + before)
    assert {name: row.days_to_maturity for name, row in told.items()} == {"A3": 364}


def test_an_account_is_closed_once_however_often_its_row_is_amended(spark: SparkSession) -> None:
    """The bank gives no closing dates. D1 closed in 2015 and E1 twelve days ago; both, and the F1 never seen open, are amended today."""
    def version(name: str, status: str, since: date) -> tuple:
        return (*account(name, "dora", "current")[:-4], status, None, since, since)

    long_ago, lately = date(2015, 3, 1), DAY - timedelta(days=12)
    now = [version(name, "closed", DAY) for name in ("C1", "D1", "E1", "F1")]
    before = [version(name, "open", date(2014, 1, 1)) for name in ("C1", "D1", "E1")]
    before += [version("D1", "closed", long_ago), version("E1", "closed", lately), version("F1", "closed", lately)]
    frames = (spark.createDataFrame(rows, ACCOUNTS) for rows in (now, now + before))
    closed = newly_closed(*frames, YESTERDAY, YESTERDAY).collect()
    assert {row.account_id: row.closed_day for row in closed} == {"C1": DAY, "E1": lately}  # E1 was told: once by its id


def test_closures_say_whether_anything_is_left(spark: SparkSession, accounts: DataFrame) -> None:
    cards = [account("F1", "fay", "credit_card", closed=DAY), account("G1", "gus", "credit_card", closed=DAY), account("G2", "gus", "loan")]
    everyone = accounts.unionByName(spark.createDataFrame(cards, ACCOUNTS))
    into = moved(2, "E2", "emil", "current", "8000.00", "credit", "closure")  # what E1 held: E2 is open
    new = spark.createDataFrame([moved(1, "D1", "dora", "current", "8000.00", "debit", "closure"), into], MOVED)

    def told(*before: str) -> dict[str, tuple]:
        emptied = spark.createDataFrame([(name,) for name in before], "account_id string")
        closed = newly_closed(everyone, everyone, YESTERDAY, YESTERDAY)
        found = closures(everyone, closed, new, emptied, YESTERDAY, SETTINGS).collect()
        return {row.account_id: (row.amount, row.last_account, row.keeps_accounts) for row in found}

    of_today = {
        "D1": (Decimal("8000.00"), True, False), "E1": (Decimal("0.00"), False, True),
        "F1": (Decimal("0.00"), False, False), "G1": (Decimal("0.00"), False, True)}
    assert told() == of_today, "a card is no deposit account"
    assert told("E2") == of_today | {"E1": (Decimal("0.00"), True, False)}, "emptied before, though its status says open"


def test_an_account_is_drained_when_most_of_it_goes_to_others(spark: SparkSession) -> None:
    rows = [
        moved(1, "A1", "anna", "current", "30000.00", "debit", balance="20000.00", on=YESTERDAY),
        moved(2, "A1", "anna", "current", "18000.00", "debit", balance="2000.00"),
        moved(3, "B1", "ben", "current", "48000.00", "debit", own=True, balance="2000.00"),  # to own savings
        moved(4, "C1", "carl", "current", "48000.00", "debit", balance="3000.00"),  # fine so far, but
        moved(5, "C1", "carl", "current", "10.00", "debit", balance="99.00"),  # the balances do not add up
        moved(6, "D1", "dora", "current", "10000.00", "debit", balance="40000.00"),  # plenty left
        moved(7, "E1", "emil", "current", "49000.00", "debit", balance="1000.00", expected=True),  # as every month
    ]
    all_rows = spark.createDataFrame(rows, MOVED)
    found = drained(all_rows, all_rows.where("NOT own_transfer"), YESTERDAY, YESTERDAY, SETTINGS).collect()
    assert [(row.account_id, row.window_days, row.before, row.left, row.amount, row.transaction_ids) for row in found] == [
        ("A1", 3, Decimal("50000.00"), Decimal("2000.00"), Decimal("48000.00"), ["T1", "T2"])
    ]


def test_a_drained_account_is_reckoned_in_its_own_currency(spark: SparkSession) -> None:
    """100,000 dollars in two days, half of them at 7.00 and half at 7.10: 2,000 are left."""
    def dollars(number: int, amount: str, balance: str, rate: str, on: date) -> tuple:
        row = moved(number, "U1", "uma", "current", amount, "debit", balance=balance, on=on)
        return tuple({5: "USD", 7: round(row[7] * Decimal(rate), 2)}.get(at, value) for at, value in enumerate(row))

    rows = [dollars(1, "49000.00", "51000.00", "7.00", YESTERDAY), dollars(2, "49000.00", "2000.00", "7.10", DAY)]
    flows = spark.createDataFrame(rows, MOVED)
    found = drained(flows, flows, YESTERDAY, YESTERDAY, SETTINGS).collect()
    assert [(row.before, row.left, row.amount) for row in found] == [
        (Decimal("705000.00"), Decimal("14100.00"), Decimal("690900.00"))]


def test_a_sleeper_wakes_only_after_silence_that_was_observed(spark: SparkSession) -> None:
    names = ("anna", "ben", "carl", "dora", "emil")
    flows = spark.createDataFrame(
        [moved(n, f"{who}1", who, "current", amount, "debit") for n, (who, amount) in enumerate(
            zip(names, ("20000.00", "20000.00", "200.00", "20000.00", "20000.00"), strict=True), 1)],
        MOVED,
    )

    def days_ago(number: int, who: str, days: int, kind: str, product: str = "current") -> tuple:
        return moved(number, f"{who}1", who, product, "5000.00", "debit", kind, on=DAY - timedelta(days=days))

    before = [days_ago(11, "anna", 200, "card"), days_ago(12, "anna", 9, "interest"), days_ago(13, "ben", 100, "card"),
              days_ago(14, "emil", 9, "time_deposit")]  # placed with the bank: no flow, but no silence either
    transactions = flows.unionByName(spark.createDataFrame(before, MOVED))
    opened = dict.fromkeys(names, date(2020, 1, 1)) | {"dora": DAY - timedelta(days=30)}
    accounts = spark.createDataFrame([account(f"{who}1", who, "current", opened=opened[who]) for who in names], ACCOUNTS)
    found = woken(flows, transactions, accounts, date(2025, 1, 1), YESTERDAY, YESTERDAY, SETTINGS)
    assert [(row.customer_id, row.amount, row.direction) for row in found.collect()] == [("anna", Decimal("20000.00"), "debit")]
    too_young = woken(flows, transactions, accounts, DAY - timedelta(days=90), YESTERDAY, YESTERDAY, SETTINGS)
    assert too_young.count() == 0, "silence before the data begin is not known"
