"""The months that a report covers, in the creditor's time zone."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from recupero.kernel import clock
from recupero.kernel.errors import UserError

_MONTH = re.compile(r"(\d{4})-(\d{2})")
MAX_MONTHS = 60


@dataclass(frozen=True, slots=True)
class Period:
    """Whole calendar months, `first` and `last` included, each given by its first day."""

    first: date
    last: date

    @property
    def end(self) -> date:
        """The day after the last one."""
        return next_month(self.last)

    def months(self) -> list[date]:
        """First day of each month."""
        return months_between(self.first, self.last)

    def bounds(self, zone: str) -> tuple[datetime, datetime]:
        """Start (included) and end (excluded) as instants in UTC, for the tenant's IANA zone."""
        return _midnight(self.first, zone), _midnight(self.end, zone)

    def __str__(self) -> str:
        first, last = f"{self.first:%Y-%m}", f"{self.last:%Y-%m}"
        return first if first == last else f"{first}..{last}"


def parse_period(text: str) -> Period:
    """`YYYY-MM` or `YYYY-MM..YYYY-MM`. Raises UserError naming the part that does not hold."""
    first_text, dots, last_text = text.strip().partition("..")
    first = _month(first_text)
    last = _month(last_text) if dots else first
    if last < first:
        raise UserError(
            "the period ends (%(last)s) before it begins (%(first)s): turn them round",
            field="period",
            first=first_text,
            last=last_text,
        )
    if len(months_between(first, last)) > MAX_MONTHS:
        raise UserError(
            "the period is longer than %(most)s months: ask for several periods",
            field="period",
            most=MAX_MONTHS,
        )
    return Period(first, last)


def _month(text: str) -> date:
    match = _MONTH.fullmatch(text.strip())
    if match is None:
        raise UserError(
            "'%(text)s' is not a month: write YYYY-MM, or YYYY-MM..YYYY-MM", field="period", text=text
        )
    year, month = int(match[1]), int(match[2])
    if not (1 <= month <= 12 and 1970 <= year <= 9998):
        raise UserError(
            "there is no month '%(text)s': write YYYY-MM, or YYYY-MM..YYYY-MM", field="period", text=text
        )
    return date(year, month, 1)


def current_month(zone: str) -> Period:
    """The month that today lies in, in the tenant's zone."""
    first = clock.today(zone).replace(day=1)
    return Period(first, first)


def begun(period: Period | None, zone: str) -> Period:
    """The period, or the current month where none is asked for. Raises UserError where it has not begun yet
    in the tenant's zone: nobody knows its figures."""
    period = period or current_month(zone)
    if period.first > clock.today(zone):
        raise UserError(
            "the period %(period)s has not begun yet: choose an earlier one", field="period", period=period
        )
    return period


def next_month(month: date) -> date:
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)


def months_between(first: date, last: date) -> list[date]:
    """First days of the months from `first` to `last`, both included; empty where `last` is before."""
    months, month = [], first
    while month <= last:
        months.append(month)
        month = next_month(month)
    return months


def month_number(cohort: date, month: date) -> int:
    """How many months `month` lies after `cohort`: 0 is the placement month (formula 8.1)."""
    return (month.year - cohort.year) * 12 + month.month - cohort.month


def _midnight(day: date, zone: str) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)).astimezone(UTC)
