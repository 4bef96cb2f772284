"""A real bank as landing feeds: the Berka data of a Czech bank (PKDD 1999), as it lies in a directory of CSV files.

Everything is as the bank wrote it, but for this: names and stated incomes are not in the data (income is the average salary of
the client's district, A11, over a year), nor is consent (all count as willing to be called, none as consenting to life
events), nor are times of day (lines of a day follow one another as their balances do, from noon on). Loans and cards become
holdings, permanent orders name the payments that follow from them, and insurance and leasing orders become holdings on their
first payment. Lines of an account end when its loan was granted, so the data thin out during 1998: the run covers the first
business days of January 1998, the last month that is dense.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from conf import ExitCode, KehuError
from simulation.days import days_between
from simulation.drops import write_drop
from simulation.rows import money

FILES = ("account", "card", "client", "disp", "district", "loan", "order", "trans")
LOADED = date(1998, 1, 2)
LAST = date(1998, 1, 12)
DAYS = tuple(day for day in days_between(LOADED + timedelta(days=1), LAST) if day.weekday() < 5)
CURRENCY = "CZK"
WOMEN = 50  # added to the month of birth of women
CARDS = {"classic": "credit_card", "junior": "credit_card", "gold": "premium_card"}
ORDERED = {"POJISTNE": "household_insurance", "LEASING": "leasing"}  # what a permanent order is for -> holding
PURPOSE = {
    "SIPO": "household payment", "POJISTNE": "insurance premium", "UVER": "loan instalment", "LEASING": "leasing rate",
    "household": "household payment", "insurrance payment": "insurance premium", "interest credited": "interest",
    "payment for statement": "statement fee", "sanction interest if negative balance": "sanction interest",
}
TYPE_BY_PURPOSE = {
    "interest credited": "interest", "payment for statement": "fee", "sanction interest if negative balance": "fee",
    "household": "bill", "insurrance payment": "bill",
}
TYPE_BY_OPERATION = {
    "credit in cash": "cash", "withdrawal in cash": "cash", "credit card withdrawal": "cash",
    "collection from another bank": "transfer", "remittance to another bank": "transfer",
}
CHANNEL_BY_OPERATION = {"credit in cash": "counter", "withdrawal in cash": "counter", "credit card withdrawal": "atm"}


@dataclass(frozen=True)
class Bank:
    """The data as rows of feeds, each with `known_on`: the day the bank first knew it."""

    customers: pd.DataFrame
    accounts: pd.DataFrame
    transactions: pd.DataFrame
    holdings: pd.DataFrame


def landing_feeds(data: Path, landing: Path, progress: Callable[[str], None]) -> None:
    """Write the feeds: an initial load and one drop a calendar day.

    Parameters
    ----------
    data : path
        Directory with `account.csv`, `card.csv`, `client.csv`, `disp.csv`, `district.csv`, `loan.csv`, `order.csv`, `trans.csv`.
    landing : path
    progress : callable taking a message
    """
    bank = real_bank(data)
    progress(f"read {len(bank.transactions):,} real transactions of {len(bank.customers):,} clients")
    for feed in ("customers", "accounts", "transactions", "holdings"):
        rows: pd.DataFrame = getattr(bank, feed)
        known_on = rows["known_on"].to_numpy().astype("datetime64[D]")
        write_drop(landing, feed, LOADED, _table(rows[known_on <= np.datetime64(LOADED)]))
        for on in days_between(LOADED + timedelta(days=1), LAST):
            todays = rows[known_on == np.datetime64(on)]
            if len(todays):
                write_drop(landing, feed, on, _table(todays))
    progress("wrote the feeds")


def made_of(data: Path) -> str:
    """A hash of the files: other data, other feeds.

    Raises
    ------
    KehuError
        MISSING, naming the first file that is not there.
    """
    read = hashlib.sha256()
    for name in FILES:
        file = data / f"{name}.csv"
        if not file.is_file():
            raise KehuError(f"{file} is missing: --berka wants the eight CSV files of the Berka data", ExitCode.MISSING)
        read.update(file.read_bytes())
    return read.hexdigest()[:16]


def real_bank(data: Path) -> Bank:
    """Read the files and map them to the feeds' columns."""
    files = {name: pd.read_csv(data / f"{name}.csv", sep=";", dtype={"birth_number": str}) for name in FILES}
    owners = files["disp"].query("type == 'OWNER'").set_index("account_id")["client_id"]
    transactions = _transactions(files["trans"], files["order"])
    return Bank(
        _customers(files["client"], files["disp"], files["account"], files["district"]),
        _accounts(files["account"], files["loan"], owners),
        transactions,
        _holdings(files["loan"], files["card"], files["disp"], transactions, owners),
    )


def _customers(client: pd.DataFrame, disp: pd.DataFrame, account: pd.DataFrame, district: pd.DataFrame) -> pd.DataFrame:
    number = client["birth_number"].str.zfill(6)
    month = number.str[2:4].astype(int)
    woman = month > WOMEN
    birth = pd.to_datetime("19" + number.str[:2] + (month - WOMEN * woman).astype(str).str.zfill(2) + number.str[4:])
    opened = disp.merge(account.assign(opened=_day(account["date"])), on="account_id").groupby("client_id")["opened"].min()
    lives = district.set_index("A1").loc[client["district_id"]]
    joined = client["client_id"].map(opened)
    region_number = lives["A3"].rank(method="dense").astype(int)
    return pd.DataFrame({
        "customer_id": client["client_id"].map("C{:05d}".format),
        "birth_date": birth,
        "gender": np.where(woman, "F", "M"),
        "annual_income": (lives["A11"].to_numpy() * 12).astype(float),
        "region": lives["A2"].to_numpy(),
        "joined_on": joined,
        "relationship_manager_id": [f"RM{one:02d}" for one in region_number],
        "marketing_consent": True,
        "life_event_consent": False,
        "known_on": joined,
    })


def _accounts(account: pd.DataFrame, loan: pd.DataFrame, owners: pd.Series) -> pd.DataFrame:
    """Current accounts, and an account a loan; a loan's account closes when it is due."""
    current = pd.DataFrame({
        "account_id": account["account_id"].map("A{:05d}".format),
        "customer_id": account["account_id"].map(owners).map("C{:05d}".format),
        "product_type": "current",
        "opened_on": _day(account["date"]),
        "branch_id": account["district_id"].map("B{:03d}".format),
    })
    granted = _day(loan["date"])
    due = granted.to_numpy().astype("datetime64[M]") + loan["duration"].to_numpy()
    lent = pd.DataFrame({
        "account_id": loan["loan_id"].map("L{:05d}".format),
        "customer_id": loan["account_id"].map(owners).map("C{:05d}".format),
        "product_type": "loan",
        "opened_on": granted,
        "maturity_on": pd.Series(due.astype("datetime64[ns]")),
        "principal": loan["amount"].astype(float),
    })
    rows = pd.concat([current, lent], ignore_index=True)
    rows = rows.assign(currency=CURRENCY, known_on=rows["opened_on"])
    over = rows["maturity_on"].notna() & (rows["maturity_on"] <= pd.Timestamp(LOADED))
    return rows.assign(status=np.where(over, "closed", "open"), closed_on=rows["maturity_on"].where(over))


def _transactions(trans: pd.DataFrame, order: pd.DataFrame) -> pd.DataFrame:
    """Lines in the order their balances follow one another, with what is known of their purpose."""
    trans = trans.assign(
        k_symbol=trans["k_symbol"].str.strip().replace("", None),
        cents=np.round(trans["amount"] * 100).astype(np.int64) * np.where(trans["type"] == "credit", 1, -1),
        after=np.round(trans["balance"] * 100).astype(np.int64),
    ).sort_values(["account_id", "date", "trans_id"], ignore_index=True)
    place = _places(trans)
    day = _day(trans["date"])
    orders = order.rename(columns={"account_to": "account", "k_symbol": "ordered"}).drop(columns=["order_id", "bank_to"])
    orders = orders.drop_duplicates(["account_id", "account", "amount"])
    ordered = trans.merge(orders, on=["account_id", "account", "amount"], how="left")["ordered"].str.strip()
    standing = ordered.notna() & (ordered != "")
    purpose = trans["k_symbol"].map(PURPOSE).fillna(ordered.map(PURPOSE))
    kind = trans["k_symbol"].map(TYPE_BY_PURPOSE).fillna(trans["operation"].map(TYPE_BY_OPERATION)).fillna("other")
    kind = kind.where(~(standing & (kind == "transfer")), "bill").where(ordered != "UVER", "loan")
    wording = purpose.fillna(trans["operation"])
    wording = wording.where(~standing, wording + ", permanent order")
    other = trans["account"].fillna(0).astype(np.int64)
    return pd.DataFrame({
        "transaction_id": trans["trans_id"].map("T{:07d}".format),
        "account_id": trans["account_id"].map("A{:05d}".format),
        "booked_at": (day + pd.to_timedelta(12 * 3600 + 60 * place, unit="s")).dt.strftime("%Y-%m-%dT%H:%M:%S"),
        "amount": trans["amount"],
        "currency": CURRENCY,
        "direction": np.where(trans["cents"] > 0, "credit", "debit"),
        "type": kind,
        "channel": trans["operation"].map(CHANNEL_BY_OPERATION).fillna("other"),
        "counterparty": (trans["bank"].fillna("") + "-" + other.astype(str)).where(other > 0),
        "balance_after": trans["balance"],
        "description": wording,
        "ordered": ordered,
        "known_on": day,
    })


def _places(trans: pd.DataFrame) -> np.ndarray:
    """Place of each line within its account's day, such that its balance follows best from the one before.

    The file's amounts are rounded to tenths, so a balance may be off by a few hellers.

    Parameters
    ----------
    trans : DataFrame sorted by `account_id`, `date`; with `cents`, `after`
    """
    place = np.zeros(len(trans), dtype=np.int64)
    account, day, cents, after = (trans[name].to_numpy() for name in ("account_id", "date", "cents", "after"))
    edges = np.flatnonzero(np.r_[True, (account[1:] != account[:-1]) | (day[1:] != day[:-1]), True])
    before = 0
    for first, end in pairwise(edges.tolist()):
        if first == 0 or account[first] != account[first - 1]:
            before = 0
        left = list(range(first, end))
        for nth in range(end - first):
            fits = min(left, key=lambda at: abs(before + cents[at] - after[at]))
            place[fits] = nth
            before = after[fits]
            left.remove(fits)
    return place


def _holdings(
    loan: pd.DataFrame, card: pd.DataFrame, disp: pd.DataFrame, transactions: pd.DataFrame, owners: pd.Series
) -> pd.DataFrame:
    """Loans, cards, and what permanent orders pay for, from their first payment on."""
    borrower = loan["account_id"].map(owners)
    lent = pd.DataFrame({"client": borrower, "product_id": "consumer_loan", "acquired_on": _day(loan["date"])})
    cards = card.merge(disp, on="disp_id", suffixes=("", "_disp"))
    carried = pd.DataFrame({
        "client": cards["client_id"], "product_id": cards["type"].map(CARDS),
        "acquired_on": _day(cards["issued"].str[:6].astype(int)),
    })
    paid = transactions[transactions["ordered"].isin(ORDERED)]
    account = paid["account_id"].str[1:].astype(int)
    ordered = pd.DataFrame({
        "client": account.map(owners), "product_id": paid["ordered"].map(ORDERED), "acquired_on": paid["known_on"],
    }).groupby(["client", "product_id"], as_index=False)["acquired_on"].min()
    rows = pd.concat([lent, carried, ordered], ignore_index=True).drop_duplicates(ignore_index=True)
    return pd.DataFrame({
        "customer_id": rows["client"].map("C{:05d}".format), "product_id": rows["product_id"], "acquired_on": rows["acquired_on"],
        "known_on": rows["acquired_on"],
    })


def _day(yymmdd: pd.Series) -> pd.Series:
    return pd.to_datetime("19" + yymmdd.astype(str).str.zfill(6), format="%Y%m%d")


def _table(rows: pd.DataFrame) -> pa.Table:
    """Rows as a feed's table: days as dates, amounts as decimals, what was only needed here left out."""
    columns = {}
    for name, values in rows.drop(columns=["known_on", "ordered"], errors="ignore").items():
        if name in ("amount", "balance_after", "principal", "annual_income"):
            known = values.notna().to_numpy()
            columns[name] = money(np.round(values.fillna(0).to_numpy() * 100).astype(np.int64), known)
        elif pd.api.types.is_datetime64_any_dtype(values):
            columns[name] = pa.array(values.to_numpy().astype("datetime64[D]"), pa.date32())
        else:
            columns[name] = pa.array(values, from_pandas=True)
    return pa.table(columns)
