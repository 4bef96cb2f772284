"""Days on which the bank's feed was silent: nobody could be seen then, so that nobody's silence says anything."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, timedelta


def missing_days(seen: Collection[date], first: date, last: date) -> list[date]:
    """Days of a span with no row of anybody, though the bank mostly books on that day of the week.

    A bank that books nothing at weekends does not lose two days a week: its customers' flows are as rare as they are.

    Parameters
    ----------
    seen : collection of date
        Business dates of which there is any row.
    first, last : date
        The span; both are in it.

    Returns
    -------
    list of date, ascending
    """
    days = [first + timedelta(days=after) for after in range((last - first).days + 1)]
    present = set(seen)
    booked = [sum(1 if day in present else -1 for day in days if day.weekday() == weekday) >= 0 for weekday in range(7)]
    return [day for day in days if day not in present and booked[day.weekday()]]
