"""Writes docs/calibration.md: generated worlds beside real data. `python -m benchmarks.calibrate [BERKA_DIR]`"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from simulation.berka import real_bank
from simulation.calibration import account_figures, compared, diaper_figures
from simulation.complete_journey import journey
from simulation.world import landing_feeds

DOCS = Path(__file__).parents[1] / "docs"
CUSTOMERS, DAYS, SEED = 3000, 400, 1
BERKA = Path(os.environ.get("KEHU_BERKA", DOCS / ".." / ".." / "shared" / "data" / "berka"))


def main(berka: Path) -> None:
    with tempfile.TemporaryDirectory() as out:
        landing_feeds(Path(out), CUSTOMERS, DAYS, SEED, print)
        bought = _read(Path(out), "purchases", ["customer_id", "ordered_at", "category", "status"])
        accounts = _read(Path(out), "accounts", ["account_id", "product_type"]).drop_duplicates("account_id")
        lines = _read(Path(out), "transactions", ["account_id", "booked_at", "amount", "direction", "balance_after"])
    pages = ["# Generated worlds beside real data", "",
             f"Written by `python -m benchmarks.calibrate`: {CUSTOMERS:,} generated customers over {DAYS} days, seed {SEED}.", ""]
    real, made = _real_diapers(), _generated_diapers(bought)
    pages += ["## Diapers: Complete Journey (2,469 households, 2017) and the generated world", "",
              *_page(compared(diaper_figures(real), diaper_figures(made))), "",
              "![gaps between diaper days](images/calibration-diapers.png)", ""]
    _gaps({"real": real, "generated": made}, DOCS / "images" / "calibration-diapers.png")
    if (berka / "trans.csv").exists():
        there, here = _real_lines(berka), _generated_lines(lines, accounts)
        pages += ["## Current accounts: Berka (354 accounts of a Czech bank, 1995 to 1998) and the generated world", "",
                  *_page(compared(account_figures(there), account_figures(here))), "",
                  "![amounts over the account's median](images/calibration-amounts.png)", ""]
        _amounts({"real": there, "generated": here}, DOCS / "images" / "calibration-amounts.png")
    pages += _UNLIKE
    (DOCS / "calibration.md").write_text("\n".join(pages).rstrip() + "\n")


_UNLIKE = [
    "## Where they differ, and why it is left so", "",
    "- Berka knows no cards to speak of: its accounts of the 1990s live on a few large cash withdrawals a month and a monthly fee, the",
    "  generated ones on many small card payments. So the generated accounts have more lines, and a longer tail above a smaller median.",
    "- Berka's accounts are those of borrowers in the year or two before a loan; they hold more of a month's inflow than accounts that",
    "  are swept to savings, and small interest among their credits makes the credits' median small.",
    "- In Complete Journey a household is seen in one chain and comes by weekly; the generated one orders online when it runs out.",
]


def _read(out: Path, feed: str, columns: list[str]) -> pd.DataFrame:
    parts = [pd.read_csv(file, usecols=columns) for file in sorted((out / "landing" / feed).glob("dt=*/*.csv.gz"))]
    return pd.concat(parts, ignore_index=True)


def _real_diapers() -> pd.DataFrame:
    data = journey()
    rows = data.lines[data.products["category"].str.contains("BABY DIAPERS").to_numpy()[data.lines["product"]]]
    return pd.DataFrame({"customer_id": rows["household"], "day": rows["day"].astype("datetime64[ns]")}).drop_duplicates()


def _generated_diapers(bought: pd.DataFrame) -> pd.DataFrame:
    rows = bought[bought["category"].str.startswith("Baby/Diapers") & (bought["status"] == "paid")]
    return pd.DataFrame({"customer_id": rows["customer_id"], "day": pd.to_datetime(rows["ordered_at"]).dt.normalize()}).drop_duplicates()


def _real_lines(berka: Path) -> pd.DataFrame:
    rows = real_bank(berka).transactions
    return rows.assign(day=rows["known_on"])


def _generated_lines(lines: pd.DataFrame, accounts: pd.DataFrame) -> pd.DataFrame:
    current = accounts.loc[accounts["product_type"] == "current", "account_id"]
    rows = lines[lines["account_id"].isin(current)]
    amount = pd.to_numeric(rows["amount"], errors="coerce")
    return rows.assign(day=pd.to_datetime(rows["booked_at"]).dt.normalize(), amount=amount).dropna(subset="amount")


def _page(rows: pd.DataFrame) -> list[str]:
    return ["| figure | real | generated | ratio |", "|---|---:|---:|---:|",
            *(f"| {row.figure} | {row.real:,.3g} | {row.generated:,.3g} | {row.ratio:.2f} |" for row in rows.itertuples())]


def _gaps(worlds: dict[str, pd.DataFrame], file: Path) -> None:
    figure, axes = plt.subplots(figsize=(6, 3))
    for name, days in worlds.items():
        days = days.sort_values(["customer_id", "day"])
        gaps = days.groupby("customer_id")["day"].diff().dt.days.dropna()
        axes.plot(np.sort(gaps), np.linspace(0, 1, len(gaps)), label=name)
    axes.set(xlim=(0, 120), xlabel="days between two days with diapers", ylabel="share of gaps")
    _saved(figure, axes, file)


def _amounts(worlds: dict[str, pd.DataFrame], file: Path) -> None:
    figure, axes = plt.subplots(figsize=(6, 3))
    for name, lines in worlds.items():
        debits = lines[lines["direction"] == "debit"]
        ratio = np.sort(debits["amount"] / debits.groupby("account_id")["amount"].transform("median"))
        axes.plot(ratio, 1 - np.linspace(0, 1, len(ratio), endpoint=False), label=name)
    axes.set(xscale="log", yscale="log", xlabel="debit over the account's median debit", ylabel="share above")
    _saved(figure, axes, file)


def _saved(figure: plt.Figure, axes: plt.Axes, file: Path) -> None:
    axes.legend()
    figure.tight_layout()
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file, dpi=90, metadata={"Software": None})
    plt.close(figure)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else BERKA)
