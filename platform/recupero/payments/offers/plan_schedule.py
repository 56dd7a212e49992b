"""What a plan would look like before anybody agrees to it: amounts and dates. Pure.

Laws: the amounts sum to the total, none is below the creditor's lowest instalment, there are no more of them
than the creditor allows, the dates rise, each is a working day, and the first is not later than allowed.
"""

from calendar import monthrange
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache, lru_cache

import holidays

from recupero.kernel.errors import UserError

EVERY = ("weekly", "fortnightly", "monthly")
MOST_STEP = 50  # percent by which an instalment may be higher than the one before
_DAYS = {"weekly": 7, "fortnightly": 14}
_WEEKEND = frozenset({5, 6})

WorkingDay = Callable[[date], bool]


@dataclass(frozen=True, slots=True)
class Limits:
    """What a creditor allows of a plan over one total. The lowest instalment is in minor units; the first
    payment falls within `first_payment_days` of today."""

    max_instalments: int
    minimum_minor: int
    first_payment_days: int


@dataclass(frozen=True, slots=True)
class Choice:
    """What the debtor would like.

    Either how many `instalments` follow a down payment, or the most they can pay at a time (`at_most_minor`),
    which gives the fewest instalments that stay below it. `step_percent` makes each instalment higher than
    the one before by that part of the first. `pay_day` is the day of the month (1 to 31, the last day where
    the month is shorter) or, for weekly and fortnightly plans, of the week (1 Monday to 7 Sunday) on which
    money comes in; without it the plan goes on from `first_on`.
    """

    first_on: date
    every: str = "monthly"
    instalments: int | None = None
    at_most_minor: int | None = None
    down_payment_minor: int = 0
    pay_day: int | None = None
    step_percent: int = 0


@dataclass(frozen=True, slots=True)
class Instalment:
    """Minor units due on a day; numbered from 1, a down payment is number 1."""

    number: int
    due_date: date
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Schedule:
    """A plan's instalments in order, and what they come to."""

    total_minor: int
    instalments: tuple[Instalment, ...]

    @property
    def first(self) -> Instalment:
        return self.instalments[0]

    @property
    def last(self) -> Instalment:
        return self.instalments[-1]


def preview(
    total_minor: int,
    limits: Limits,
    choice: Choice,
    *,
    today: date,
    is_working: WorkingDay,
    unit_minor: int = 1,
) -> Schedule:
    """The plan that `choice` asks for over `total_minor`, in multiples of `unit_minor` but for what the total
    has beyond them. Raises UserError, at the field of the choice, where it lies outside `limits`."""
    _check(total_minor, choice, today)
    down = choice.down_payment_minor
    if down % unit_minor:
        raise UserError("this down payment cannot be paid: choose a round amount", field="down_payment")
    count = _count(total_minor - down, limits, choice, unit_minor)
    amounts = ([down] if down else []) + _amounts(total_minor - down, count, choice.step_percent, unit_minor)
    _check_amounts(amounts, limits)
    dates = _dates(len(amounts), choice, limits, today, is_working)
    return Schedule(
        total_minor,
        tuple(Instalment(number, *one) for number, one in enumerate(zip(dates, amounts, strict=True), 1)),
    )


def most_instalments(total_minor: int, limits: Limits) -> int:
    """How many equal instalments a total can be paid in at most; 1 where it cannot be split."""
    return max(1, min(limits.max_instalments, total_minor // max(limits.minimum_minor, 1)))


def _check(total_minor: int, choice: Choice, today: date) -> None:
    if total_minor <= 0:
        raise UserError("there is nothing left to plan", field="total")
    if choice.every not in EVERY:
        raise UserError("choose weekly, fortnightly or monthly", field="every")
    if not 0 <= choice.down_payment_minor < total_minor:
        raise UserError("the down payment must be less than the whole", field="down_payment")
    if not 0 <= choice.step_percent <= MOST_STEP:
        raise UserError(
            "each instalment may be up to %(most)s percent higher than the one before",
            field="step_percent", most=MOST_STEP,
        )  # fmt: skip
    highest = 31 if choice.every == "monthly" else 7
    if choice.pay_day is not None and not 1 <= choice.pay_day <= highest:
        raise UserError("the pay day is a number from 1 to %(highest)s", field="pay_day", highest=highest)
    if choice.first_on < today:
        raise UserError("the first payment cannot lie in the past", field="first_on")


def _count(rest_minor: int, limits: Limits, choice: Choice, unit_minor: int) -> int:
    """Instalments after the down payment."""
    room = limits.max_instalments - bool(choice.down_payment_minor)
    count = choice.instalments
    if count is None:
        at_most = (choice.at_most_minor or 0) // unit_minor
        if at_most <= 0:
            raise UserError("say how many instalments, or how much each may be at most", field="instalments")
        wanted = -(-(rest_minor // unit_minor) // at_most)
        # An amount near the lowest one need not divide the whole: then one instalment fewer, each higher.
        count = max(1, min(wanted, rest_minor // max(limits.minimum_minor, 1)))
    if not 1 <= count <= room:
        raise UserError(
            "choose from 1 to %(most)s payments in all", field="instalments", most=limits.max_instalments
        )
    return count


def _amounts(rest_minor: int, count: int, step_percent: int, unit_minor: int) -> list[int]:
    """Equal or rising shares of whole units; the last takes what does not divide."""
    weights = [100 + step_percent * position for position in range(count)]
    units = rest_minor // unit_minor
    shares = [units * weight // sum(weights) * unit_minor for weight in weights]
    shares[-1] += rest_minor - sum(shares)
    return shares


def _check_amounts(amounts: list[int], limits: Limits) -> None:
    if min(amounts) < max(limits.minimum_minor, 1):
        raise UserError(
            "each payment must be at least the creditor's lowest instalment: choose fewer",
            field="instalments",
        )


def _dates(
    count: int, choice: Choice, limits: Limits, today: date, is_working: WorkingDay
) -> tuple[date, ...]:
    latest = today + timedelta(days=limits.first_payment_days)
    when = Choice(
        choice.first_on, choice.every, pay_day=choice.pay_day,
        down_payment_minor=min(choice.down_payment_minor, 1),
    )  # fmt: skip
    return _due_days(count, when, latest, is_working)


@lru_cache(maxsize=4096)
def _due_days(count: int, choice: Choice, latest: date, is_working: WorkingDay) -> tuple[date, ...]:
    """The days of a plan, whatever its amounts: of a day's offers to many people they are the same few."""
    first = _first(choice, is_working)
    if first > latest:
        raise UserError("the first payment must be by %(day)s", field="first_on", day=latest)
    found = [first]
    anchor = choice.first_on if choice.down_payment_minor else _on_pay_day(choice, choice.first_on)
    position = 1
    while len(found) < count:
        due = next_working(_nth(choice, anchor, position), is_working)
        if due > found[-1]:
            found.append(due)
        position += 1
    return tuple(found)


def _first(choice: Choice, is_working: WorkingDay) -> date:
    """A down payment is due on the day it is offered for; else the first pay day from there on."""
    if choice.down_payment_minor:
        return next_working(choice.first_on, is_working)
    return next_working(_on_pay_day(choice, choice.first_on), is_working)


def _on_pay_day(choice: Choice, day: date) -> date:
    """The first pay day on or after `day`."""
    if choice.pay_day is None:
        return day
    if choice.every != "monthly":
        return day + timedelta(days=(choice.pay_day - day.isoweekday()) % 7)
    this = _in_month(day.year, day.month, choice.pay_day)
    return this if this >= day else _later_month(day, 1, choice.pay_day)


def _nth(choice: Choice, anchor: date, position: int) -> date:
    """The `position`-th due day after the anchor."""
    if choice.every == "monthly":
        moved = _later_month(anchor, position, choice.pay_day or anchor.day)
    else:
        moved = anchor + timedelta(days=_DAYS[choice.every] * position)
    return moved if choice.every == "monthly" else _on_pay_day(choice, moved)


def _later_month(day: date, months: int, day_of_month: int) -> date:
    index = day.year * 12 + day.month - 1 + months
    return _in_month(index // 12, index % 12 + 1, day_of_month)


def _in_month(year: int, month: int, day_of_month: int) -> date:
    return date(year, month, min(day_of_month, monthrange(year, month)[1]))


def next_working(day: date, is_working: WorkingDay) -> date:
    """The day, or the next working day after it."""
    while not is_working(day):
        day += timedelta(days=1)
    return day


@cache
def working_days(country: str) -> WorkingDay:
    """Whether a day is one on which banks of the country (ISO 3166-1) move money: neither weekend nor public
    holiday (`holidays` package)."""

    def is_working(day: date) -> bool:
        return day.weekday() not in _WEEKEND and day not in _holidays(country, day.year)

    return is_working


@cache
def _holidays(country: str, year: int) -> frozenset[date]:
    if country not in holidays.list_supported_countries():
        return frozenset()
    return frozenset(holidays.country_holidays(country, years=year))
