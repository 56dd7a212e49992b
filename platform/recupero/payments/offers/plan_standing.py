"""How a plan stands: what came in goes to its oldest instalment first (domain page, 8.3). Pure.

The standing follows from the receipts and the day alone, so a receipt that becomes known late, twice or in
another order leaves the plan as if it had been told in time, and one that goes back opens it again.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from recupero.payments.offers.plan_schedule import Instalment, WorkingDay, next_working

TOLERANCE_PERCENT = 95


@dataclass(frozen=True, slots=True)
class Rest:
    """A pause: its first day, and the day on which it ends (today, where nobody knows yet). `foreseen`: it
    had begun when the dates were agreed."""

    first: date
    last: date
    foreseen: bool = False


@dataclass(frozen=True, slots=True)
class Receipt:
    """What one payment brought to the plan's accounts, net of what went back; minor units."""

    on: date
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Standing:
    """An instalment: its day after all pauses and the last one of its grace, what it has, when it had enough,
    and `state` (open, late, paid, missed)."""

    number: int
    due_date: date
    last_day: date
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
    is_working: WorkingDay = lambda _day: True,
) -> tuple[str, list[Standing]]:
    """The plan's state (running, kept, broken) and each instalment's, from the dates that were agreed.

    An instalment is paid with `TOLERANCE_PERCENT` of it on top of all before it, by its day and the days of
    grace, or where what is missing is less than `smallest_minor`, the smallest payment that can be made: then
    the rest goes with the next one. The last one is paid whole. Money after a missed instalment's grace does
    not mend the plan. A pause (`rests`) moves what is unpaid when it begins by its length (`moved`), and
    while it lasts nothing is late.
    """
    resting = any(rest.first <= today <= rest.last for rest in rests)
    received = sorted(receipts, key=lambda one: one.on)
    total = sum(one.amount_minor for one in received)
    standings, before = [], 0
    for instalment in instalments:
        final = instalment is instalments[-1]
        enough = instalment.amount_minor if final else _enough(instalment.amount_minor, smallest_minor)
        paid_on = _reached(received, before + enough)
        due, last = moved(instalment.due_date, paid_on, grace_days, rests, is_working)
        state = _state(due, paid_on, last, today)
        standings.append(
            Standing(
                instalment.number, due, last, min(instalment.amount_minor, max(0, total - before)), paid_on,
                "open" if state == "late" and resting else state,
            )
        )  # fmt: skip
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


def _state(due: date, paid_on: date | None, last: date, today: date) -> str:
    if paid_on is not None and paid_on <= last:
        return "paid"
    if today > last:
        return "missed"
    return "late" if today > due else "open"


def moved(
    due: date, paid_on: date | None, grace_days: int, rests: Sequence[Rest], is_working: WorkingDay
) -> tuple[date, date]:
    """The day on which something is due after all pauses, and the last one of its grace.

    Each pause moves it by its length, and on to the next working day, unless it was paid or missed before. Of
    the grace, the day on which a pause begins is not used up. A pause that had begun when the day was agreed
    only lets nothing fall due before it ends.
    """
    now, days, until = due, 0, date.min
    grace = timedelta(days=grace_days)
    for rest in sorted(rests, key=lambda one: one.first):
        first = max(rest.first, until)  # pauses that overlap count once
        until = max(rest.last, until)
        if (paid_on is not None and paid_on <= first) or now + grace < first:
            continue
        days += max(0, ((rest.last - now) if rest.foreseen else (rest.last - first)).days)
        grace += timedelta(days=first > now)
        now = next_working(due + timedelta(days=days), is_working) if days else due
    return now, now + grace


def _plan_state(standings: Sequence[Standing]) -> str:
    states = {one.state for one in standings}
    if "missed" in states:
        return "broken"
    return "kept" if states == {"paid"} else "running"
