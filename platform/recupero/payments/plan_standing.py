"""How a plan stands: what came in goes to its oldest instalment first (domain page, 8.3). Pure.

The standing follows from the receipts and the day alone, so a receipt that becomes known late, twice or in
another order leaves the plan as if it had been told in time, and one that goes back opens it again.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from recupero.payments.plan_schedule import Instalment

TOLERANCE_PERCENT = 95
Rest = tuple[date, date]  # the first and the last day of a stretch in which work rests


@dataclass(frozen=True, slots=True)
class Receipt:
    """What one payment brought to the plan's accounts, net of what went back; minor units."""

    on: date
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Standing:
    """An instalment: what it has, when it had enough, and `state` (open, late, paid, missed)."""

    number: int
    paid_minor: int
    paid_on: date | None
    state: str


def judge(
    instalments: Sequence[Instalment],
    receipts: Iterable[Receipt],
    *,
    grace_days: int,
    today: date,
    smallest_minor: int = 1,
    rests: Sequence[Rest] = (),
) -> tuple[str, list[Standing]]:
    """The plan's state (running, kept, broken) and each instalment's.

    An instalment is paid with `TOLERANCE_PERCENT` of it on top of all before it, by its day and the days of
    grace, or where what is missing is less than `smallest_minor`, the smallest payment that can be made: then
    the rest goes with the next one. The last one is paid whole. Money after a missed instalment's grace does
    not mend the plan. On the days of `rests` the plan's clock stands still: an instalment that falls into one
    is due when it ends, and its days of grace go on after it.
    """
    received = sorted(receipts, key=lambda one: one.on)
    total = sum(one.amount_minor for one in received)
    standings, before = [], 0
    for instalment in instalments:
        last = instalment is instalments[-1]
        enough = instalment.amount_minor if last else _enough(instalment.amount_minor, smallest_minor)
        paid_on = _reached(received, before + enough)
        standings.append(
            Standing(
                instalment.number,
                min(instalment.amount_minor, max(0, total - before)),
                paid_on,
                _state(instalment.due_date, paid_on, grace_days, today, rests),
            )
        )
        before += instalment.amount_minor
    return _plan_state(standings), standings


def _enough(amount_minor: int, smallest_minor: int) -> int:
    tolerated = -(-amount_minor * TOLERANCE_PERCENT // 100)
    return min(tolerated, max(amount_minor - smallest_minor + 1, 1))


def _reached(received: Sequence[Receipt], wanted_minor: int) -> date | None:
    """The day on which the receipts first summed to `wanted_minor`."""
    have = 0
    for one in received:
        have += one.amount_minor
        if have >= wanted_minor:
            return one.on
    return None


def _state(due: date, paid_on: date | None, grace_days: int, today: date, rests: Sequence[Rest]) -> str:
    last = last_day(due, grace_days, rests)
    if paid_on is not None and paid_on <= last:
        return "paid"
    if today > last:
        return "missed"
    return "late" if today > _awake(due, rests) else "open"


def last_day(due: date, grace_days: int, rests: Sequence[Rest]) -> date:
    """The last day of grace of an instalment: after it, the instalment is missed and its plan broken."""
    last = _awake(due, rests)
    for _ in range(grace_days):
        last = _awake(last + timedelta(days=1), rests)
    return last


def _awake(day: date, rests: Sequence[Rest]) -> date:
    """The day, or the first one after it on which nothing rests."""
    for first, last in sorted(rests):
        if first <= day <= last:
            day = last + timedelta(days=1)
    return day


def _plan_state(standings: Sequence[Standing]) -> str:
    states = {one.state for one in standings}
    if "missed" in states:
        return "broken"
    return "kept" if states == {"paid"} else "running"
