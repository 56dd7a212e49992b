"""Since when a debt is time-barred, from its due date and what happened to it since."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from recupero_sdk.law.parameters import LimitationParameters
from recupero_sdk.law.spans import DAY, day_after, years_after
from recupero_sdk.law.values import Event


def barred_from(
    parameters: LimitationParameters, debt_kind: str | None, due: date, events: Iterable[Event] = ()
) -> date:
    """First day on which the debt is time-barred.

    Kinds of debt the rule does not name run the default period; `then` years, as an ordinary claim, add up.
    Events are taken in their order: one that interrupts starts the whole period anew.
    """
    periods = parameters.periods
    named = next((period for period in periods if debt_kind in period.debt_kinds), None)
    period = named or next(period for period in periods if "default" in period.debt_kinds)
    years = period.period.value + (period.then.value if period.then else 0)
    barred = _first_end(parameters, due, years)
    suspended = {suspension.event: 0 for suspension in parameters.suspended_by}
    for event in sorted(events, key=lambda event: event.on):
        if event.on < due:
            continue
        in_time = event.on < barred
        if event.kind in parameters.revived_by or (in_time and event.kind in parameters.interrupted_by):
            barred = years_after(event.on, years)
        elif in_time and event.kind in suspended:
            rule = next(each for each in parameters.suspended_by if each.event == event.kind)
            if suspended[event.kind] < rule.times:
                suspended[event.kind] += 1
                barred = day_after(barred, rule.at_most)
    return barred


def _first_end(parameters: LimitationParameters, due: date, years: int) -> date:
    for transition in parameters.transitions:
        if (transition.due_from or date.min) <= due <= transition.due_to:
            return transition.ends + DAY
    return years_after(due, years)
