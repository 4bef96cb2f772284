"""Days of which more is asked before a flow is told: holidays, and the ends and beginnings of months."""

from __future__ import annotations

from datetime import date, timedelta

from conf.settings import Flows

SATURDAY, DECEMBER, A_MONTH = 5, 12, 31


def payment_days(first: date, last: date, flows: Flows) -> list[date]:
    """Those of a span, both days in it. A month ends with its last business day, and begins with its first."""
    around = [first + timedelta(days=nth) for nth in range(-A_MONTH, (last - first).days + A_MONTH + 1)]
    holidays = {day for day in around if day.isoformat() in flows.holidays or day.isoformat()[5:] in flows.holidays}
    business = [day for day in around if day.weekday() < SATURDAY and day not in holidays]

    def asked(day: date) -> bool:
        month = [other for other in business if (other.year, other.month) == (day.year, day.month)]
        ends, starts = all(other <= day for other in month), all(other >= day for other in month)
        is_one = {"month_end": ends, "month_start": starts, "year_end": ends and day.month == DECEMBER}
        return day in holidays or any(is_one[name] for name in flows.month_ends)

    return [day for day in around if first <= day <= last and asked(day)]
