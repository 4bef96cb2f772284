"""How like real data the generated worlds are: the same figures of both, side by side."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

LEVELS = (0.1, 0.25, 0.5, 0.75, 0.9, 0.95)


def diaper_figures(days: pd.DataFrame) -> dict[str, float]:
    """How diapers are bought.

    Parameters
    ----------
    days : DataFrame, one row a customer and day with diapers: `customer_id`, `day` (datetime64)

    Returns
    -------
    dict: share of buyers seen on one day only; gaps between days of customers with six or more; and how often three or more days
    follow in days 61 to 180, by the number of days in the first 60
    """
    days = days.drop_duplicates().sort_values(["customer_id", "day"])
    count = days.groupby("customer_id")["day"].transform("size")
    gaps = days[count >= 6].groupby("customer_id")["day"].diff().dt.days.dropna()
    first = days.groupby("customer_id")["day"].transform("min")
    since = (days["day"] - first).dt.days
    early = days[since < 60].groupby("customer_id").size()
    later = days[since.between(61, 180)].groupby("customer_id").size().reindex(early.index, fill_value=0)
    seen_long = days.groupby("customer_id")["day"].min() <= days["day"].max() - pd.Timedelta(days=180)
    early, later = early[seen_long.reindex(early.index)], later[seen_long.reindex(later.index)]
    figures = {"buyers seen on one day only": float((days.groupby("customer_id").size() == 1).mean())}
    figures |= {f"gap between days, {level:.0%} quantile": float(gaps.quantile(level)) for level in LEVELS[2:]}
    for number in (1, 2, 3, 4):
        some = later[(early == number) if number < 4 else (early >= 4)]
        figures[f"three days or more in days 61 to 180 after {number}{'+' if number == 4 else ''} in 60"] = float((some >= 3).mean())
    return figures


def account_figures(lines: pd.DataFrame) -> dict[str, float]:
    """How money moves on current accounts, in units of each account's own usual.

    Parameters
    ----------
    lines : DataFrame of transactions: `account_id`, `day` (datetime64), `amount` (float), `direction`, `balance_after` (float)
    """
    month = lines["day"].dt.to_period("M")
    by_month = lines.assign(month=month).groupby(["account_id", "month"])
    count = by_month.size()
    sums = lines.assign(month=month).pivot_table(
        index=["account_id", "month"], columns="direction", values="amount", aggfunc="sum", fill_value=0.0)
    monthly_in = sums["credit"].groupby("account_id").median().replace(0, np.nan)
    figures = {f"lines a month, {level:.0%} quantile": float(count.quantile(level)) for level in (0.1, 0.5, 0.9)}
    for direction in ("debit", "credit"):
        amount = lines[lines["direction"] == direction].groupby("account_id")["amount"]
        enough = amount.transform("size") >= 20
        logs = np.log(lines.loc[enough[enough].index, "amount"])
        own = logs - logs.groupby(lines["account_id"]).transform("median")
        spread = own.groupby(lines["account_id"]).std()
        figures[f"{direction}s: spread of log amounts within an account, median"] = float(spread.median())
        figures[f"{direction}s: 99% quantile of amount over the account's median"] = float(np.exp(own.quantile(0.99)))
        figures[f"{direction}s: 99.9% quantile of amount over the account's median"] = float(np.exp(own.quantile(0.999)))
    figures["out over in, a month, median"] = float((sums["debit"] / sums["credit"].replace(0, np.nan)).median())
    level = lines.sort_values("day").groupby("account_id")["balance_after"].median() / monthly_in
    figures |= {f"balance over monthly inflow, {q:.0%} quantile": float(level.quantile(q)) for q in (0.25, 0.5, 0.75, 0.95)}
    return figures


def compared(real: Mapping[str, float], generated: Mapping[str, float]) -> pd.DataFrame:
    """One row a figure.

    Returns
    -------
    DataFrame with `figure`, `real`, `generated`, `ratio`
    """
    rows: list[dict[str, Any]] = [
        {"figure": name, "real": value, "generated": generated[name], "ratio": generated[name] / value if value else np.nan}
        for name, value in real.items()
    ]
    return pd.DataFrame(rows)
