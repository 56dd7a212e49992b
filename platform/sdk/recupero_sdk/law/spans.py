"""Days counted from a day: calendar and business days, weeks, months and years, and Easter."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

from recupero_sdk.law.terms import Days, Span

DAY = timedelta(days=1)
#: Whether a local day is no business day.
ClosedDay = Callable[[date], bool]


def weekend(day: date) -> bool:
    """Saturday or Sunday: no business day where a law names no calendar."""
    return day.weekday() >= 5


def day_after(start: date, span: Span | Days, closed: ClosedDay = weekend) -> date:
    """The day that lies a span after `start`, which is day nought; hours are rounded up to days.

    A month or year that lacks the day of the month ends on its last day. Business days pass over the days
    that are `closed`.
    """
    if span.unit in ("days", "calendar_days"):
        return start + span.value * DAY
    if span.unit == "business_days":
        return _business_day_after(start, span.value, closed)
    if span.unit == "weeks":
        return start + span.value * 7 * DAY
    if span.unit == "hours":
        return start + -(-span.value // 24) * DAY
    return _months_after(start, span.value * (12 if span.unit == "years" else 1))


def _business_day_after(start: date, count: int, closed: ClosedDay) -> date:
    day = start
    while count:
        day += DAY
        count -= not closed(day)
    return day


def _months_after(start: date, months: int) -> date:
    index = start.year * 12 + start.month - 1 + months
    year, month = divmod(index, 12)
    following = date(year + month // 11, (month + 1) % 12 + 1, 1)
    return min(date(year, month + 1, 1) + (start.day - 1) * DAY, following - DAY)


def years_after(start: date, years: int) -> date:
    """The anniversary; of 29 February in a year without one, 1 March."""
    return date(start.year + years, start.month, 1) + (start.day - 1) * DAY


def easter(year: int) -> date:
    """Easter Sunday of the Gregorian calendar (the anonymous algorithm as printed by Meeus, 1991)."""
    a, (b, c) = year % 19, divmod(year, 100)
    (d, e), g = divmod(b, 4), (8 * b + 13) // 25
    h = (19 * a + b - d - g + 15) % 30
    i, k = divmod(c, 4)
    m = (32 + 2 * e + 2 * i - h - k) % 7
    n = (a + 11 * h + 22 * m) // 451
    month, day = divmod(h + m - 7 * n + 114, 31)
    return date(year, month, day + 1)
