"""Local wall time and instants: where a local day, week or month begins, and the next whole minute."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from recupero_sdk.law.terms import Period

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)


def ceil_minute(at: datetime) -> datetime:
    """The first whole minute that is not before `at`."""
    whole = at.replace(second=0, microsecond=0)
    return whole if whole == at else whole + MINUTE


@lru_cache(maxsize=65_536)
def instant(day: date, minute: int, zone: ZoneInfo) -> datetime:
    """The UTC instant of a wall time, given in minutes after local midnight.

    Of a wall time that occurs twice the first is meant; one that a clock change skips is the change itself.
    """
    wall = datetime.combine(day, time()) + timedelta(minutes=minute)
    return wall.replace(tzinfo=zone).astimezone(UTC)


def period_start(day: date, period: Period) -> date:
    """First day of the calendar day, week (from Monday), month or year that holds `day`."""
    if period == "day":
        return day
    if period == "week":
        return day - timedelta(days=day.weekday())
    if period == "month":
        return day.replace(day=1)
    return day.replace(month=1, day=1) if period == "year" else date.min


def next_period(day: date, period: Period) -> date:
    """First day of the calendar period after the one that holds `day`; the last of all days after `ever`."""
    if period == "ever":
        return date.max
    start = period_start(day, period)
    if period == "year":
        return start.replace(year=start.year + 1)
    if period == "month":
        return (start + timedelta(days=31)).replace(day=1)
    return start + (DAY if period == "day" else timedelta(days=7))
