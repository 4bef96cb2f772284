"""Amounts, dates and shares as people read them."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
MISSING = "–"

Amount = Decimal | float | int


def money(amount: Amount | None) -> str:
    """Whole units with thousands separators: 480,000."""
    return MISSING if amount is None else f"{amount:,.0f}".replace("-", "−")


def short_money(amount: Amount, language: str) -> str:
    """For a chart's labels: 480k, 1.2m; 48万, 1.2亿."""
    steps = ((1e8, "亿"), (1e4, "万")) if language == "zh" else ((1e9, "bn"), (1e6, "m"), (1e3, "k"))
    value = float(amount)
    for size, unit in steps:
        if abs(value) >= size:
            scaled = value / size
            return f"{scaled:,.1f}".removesuffix(".0") + unit if scaled < 100 else f"{scaled:,.0f}{unit}"
    return f"{value:,.0f}"


def day(value: date | None, language: str) -> str:
    """12 Nov 2026, or 2026年11月12日."""
    if value is None:
        return MISSING
    if language == "zh":
        return f"{value.year}年{value.month}月{value.day}日"
    return f"{value.day} {MONTHS[value.month - 1]} {value.year}"


def short_day(value: date, language: str) -> str:
    """12 Nov, or 11月12日."""
    return f"{value.month}月{value.day}日" if language == "zh" else f"{value.day} {MONTHS[value.month - 1]}"


def month(value: date, language: str) -> str:
    return f"{value.month}月" if language == "zh" else MONTHS[value.month - 1]


def rate(share: Amount | None) -> str:
    """A yearly rate: 0.0245 is 2.45%."""
    return MISSING if share is None else f"{float(share) * 100:.2f}%"


def share(part: int, whole: int) -> str:
    """7 of 20 is 35%."""
    return f"{part / whole:.0%}" if whole else MISSING
