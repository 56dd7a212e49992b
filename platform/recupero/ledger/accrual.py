"""Interest and late fees that a contract lets grow on a debt. Pure.

Simple interest on the principal that is open, day by day: from the first day on, not on the day of a payment.
The sum is kept exactly and rounded half up to the minor unit when it is told, so that in how many steps it
was counted changes nothing.

Day counts (ISDA definitions, 2006, section 4.16): act/365 fixed, act/360, and 30E/360, in which each month
has thirty days. All three are differences of a number of the day, so that stretches add up.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from fractions import Fraction
from zoneinfo import ZoneInfo

Stretch = tuple[date, date | None]  # from a day up to, without, another; None: to this day
#: The most interest (minor units) that a principal may bear over so many days up to a day; None: no cap.
Cap = Callable[[date, int, int], Fraction | None]


class DayCount(StrEnum):
    """How the days of a stretch are counted against those of a year."""

    ACT_365 = "act/365"
    ACT_360 = "act/360"
    THIRTY_360 = "30/360"

    @property
    def year(self) -> int:
        return 365 if self is DayCount.ACT_365 else 360

    def number(self, day: date) -> int:
        """A number of the day whose differences are the days between."""
        if self is DayCount.THIRTY_360:
            return day.year * 360 + day.month * 30 + min(day.day, 30)
        return day.toordinal()


@dataclass(frozen=True, slots=True)
class LateFee:
    """What is owed once, in the part `fee`, where principal is still open on a day; minor units, and basis
    points of that principal, at most `most(principal)`."""

    day: date
    amount: int
    rate: int
    most: Callable[[int], int | None]

    def on(self, principal: int) -> int:
        fee = self.amount + (principal * self.rate + 5000) // 10000
        most = self.most(principal)
        return fee if most is None else min(fee, most)


@dataclass(frozen=True, slots=True)
class Accrual:
    """What a contract says of one account. `rate` is in basis points a year, days are those of `zone`.

    Nothing accrues while no more than `floor_minor` is owed (a remainder that counts as paid), nor in the
    stretches of `stops` (holds, and what comes after the end of work). `then` are the terms that hold from a
    day on.
    """

    start: date
    rate: int
    day_count: DayCount
    zone: ZoneInfo
    stops: Sequence[Stretch] = ()
    floor_minor: int = 0
    cap: Cap | None = None
    late_fee: LateFee | None = None
    then: "tuple[date, Accrual] | None" = None

    def stopped(self, day: date) -> bool:
        return any(begin <= day and (end is None or day < end) for begin, end in self.stops)

    def days(self, begin: date, end: date) -> tuple[int, int]:
        """Days between that bear interest: by the contract's count, and on the calendar (for the law)."""
        counted = calendar = 0
        for first, last in _without(max(begin, self.start), end, self.stops):
            counted += self.day_count.number(last) - self.day_count.number(first)
            calendar += (last - first).days
        return counted, calendar


@dataclass(slots=True)
class Meter:
    """How far one account has accrued in a replay: `accrued` by part is what it came to."""

    terms: Accrual
    at: date = field(init=False)
    placed: int = 0
    elapsed: int = 0
    exact: Fraction = Fraction(0)
    accrued: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.at, later = self.terms.start, self.terms.then
        while later is not None:
            self.at, later = min(self.at, later[1].start), later[1].then

    def run(self, moment: datetime, principal: int, owed: int) -> dict[str, int]:
        """Count up to the day of `moment`, over which so much was open; what came of it, by part."""
        day, grown = moment.astimezone(self.terms.zone).date(), dict[str, int]()
        if not self.placed:
            return grown
        while self.terms.then is not None and self.terms.then[0] <= day:
            change, terms = self.terms.then
            _add(grown, self._run_to(change, principal, owed))
            self.terms = terms
        return _add(grown, self._run_to(day, principal, owed))

    def _run_to(self, day: date, principal: int, owed: int) -> dict[str, int]:
        if day <= self.at:
            return {}
        begin, self.at = self.at, day
        if principal <= 0 or owed <= self.terms.floor_minor:
            return {}
        grown = {"interest": self._interest(begin, day, principal), "fee": self._fee(begin, day, principal)}
        grown = {part: amount for part, amount in grown.items() if amount}
        _add(self.accrued, grown)
        return grown

    def _interest(self, begin: date, end: date, principal: int) -> int:
        terms = self.terms
        counted, calendar = terms.days(begin, end)
        grown = Fraction(principal * terms.rate * counted, 10_000 * terms.day_count.year)
        self.elapsed += calendar
        before = _rounded(self.exact)
        self.exact += self._capped(end, principal, calendar, grown)
        return _rounded(self.exact) - before

    def _capped(self, day: date, principal: int, days: int, grown: Fraction) -> Fraction:
        """By what the law allows for this stretch, and for all of it on what was placed."""
        if self.terms.cap is None or not days:
            return grown
        here = self.terms.cap(day, principal, days)
        whole = self.terms.cap(day, max(self.placed, principal), self.elapsed)
        if here is not None:
            grown = min(grown, here)
        if whole is not None:
            grown = min(grown, max(whole - self.exact, Fraction(0)))
        return grown

    def _fee(self, begin: date, end: date, principal: int) -> int:
        fee = self.terms.late_fee
        if fee is None or "fee" in self.accrued or not begin < fee.day <= end or self.terms.stopped(fee.day):
            return 0
        return fee.on(principal)


def _add(sums: dict[str, int], more: dict[str, int]) -> dict[str, int]:
    for part, amount in more.items():
        sums[part] = sums.get(part, 0) + amount
    return sums


def _rounded(amount: Fraction) -> int:
    """Half up, as every rounding of these books."""
    return int((amount + Fraction(1, 2)) // 1)


def _without(begin: date, end: date, stops: Sequence[Stretch]) -> list[tuple[date, date]]:
    """What is left between two days when the stops are taken out."""
    left, at = [], begin
    for first, last in sorted(stops, key=lambda stop: stop[0]):
        if first > at:
            left.append((at, min(first, end)))
        at = max(at, end if last is None else last)
        if at >= end:
            break
    if at < end:
        left.append((at, end))
    return [(first, last) for first, last in left if first < last]
