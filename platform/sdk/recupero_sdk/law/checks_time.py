"""Checks that look at the clock and the calendar only: permitted hours and closed days."""

from __future__ import annotations

from datetime import date, datetime
from itertools import chain
from typing import ClassVar

from recupero_sdk.law.calendars import ClosedDays
from recupero_sdk.law.checks import Basis, Case, Refusal
from recupero_sdk.law.moments import DAY, instant
from recupero_sdk.law.schema import ClosedDaysRule, HoursRule
from recupero_sdk.law.values import WEEKDAYS, Facts
from recupero_sdk.law.zones import load_zone

#: No country closes more days than this in a row; a longer search means that a rule never opens.
_LONGEST_CLOSURE = 70


def _wall(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"


class ClosedDaysCheck:
    basis: ClassVar[Basis] = "clock"

    def __init__(self, rule: ClosedDaysRule, closed: ClosedDays) -> None:
        self.closed = closed

    def refusal(self, case: Case) -> Refusal | None:
        name = self.closed.name(case.day, case.regions, case.facts.commune)
        return Refusal("closed_day", {"day": case.day.isoformat(), "name": name}) if name else None

    def free_from(self, case: Case) -> datetime | None:
        day = case.day
        for _ in range(_LONGEST_CLOSURE):
            day += DAY
            if not self.closed.name(day, case.regions, case.facts.commune):
                return instant(day, 0, case.zone)
        return None


class HoursCheck:
    """Permitted hours by weekday, on the debtor's clock or a fixed one.

    The days of `closed` have their own hours, the rule's for holidays, or none.
    """

    basis: ClassVar[Basis] = "clock"

    def __init__(self, rule: HoursRule, closed: ClosedDays | None) -> None:
        self.closed = closed
        parameters = rule.parameters
        self.zone = None if parameters.zone == "debtor" else load_zone(parameters.zone)
        self._widened = parameters.widened_by_request
        self._open: tuple[list[tuple[int, int]], ...] = tuple([] for _ in WEEKDAYS)
        self._on_closed: list[tuple[int, int]] = []
        for stretch in parameters.open:
            for day in stretch.days:
                stretches = self._on_closed if day == "holiday" else self._open[WEEKDAYS.index(day)]
                stretches.append((stretch.opens, stretch.closes))
        for stretches in (*self._open, self._on_closed):
            stretches.sort()
        self._edges = {edge for stretch in chain(self._on_closed, *self._open) for edge in stretch}

    @property
    def has_calendar(self) -> bool:
        """Whether closed days have hours of their own, or none."""
        return self.closed is not None

    def edges(self, facts: Facts) -> set[int]:
        """Minutes after local midnight at which some stretch opens or closes."""
        if not self._widened:
            return self._edges
        return self._edges | {
            edge for window in facts.asked_windows for edge in (window.opens, window.closes)
        }

    def fixed_moments(self, day: date, facts: Facts) -> list[datetime]:
        """The UTC moments around a day at which a stretch on the fixed clock may open or close."""
        if self.zone is None:
            return []
        edges = self.edges(facts) | {0}
        return [instant(one, minute, self.zone) for one in (day - DAY, day, day + DAY) for minute in edges]

    def _local(self, case: Case) -> tuple[datetime, date]:
        """The moment on the clock that counts."""
        if self.zone is None:
            return case.local, case.day
        local = case.at.astimezone(self.zone)
        return local, local.date()

    def _hours(self, case: Case, day: date) -> tuple[list[tuple[int, int]], str | None]:
        """The stretches of a day, and the name of the closed day it is."""
        name = self.closed.name(day, case.regions, case.facts.commune) if self.closed else None
        return (self._on_closed if name else self._open[day.weekday()]), name

    def _asked(self, case: Case, day: date) -> list[tuple[int, int]]:
        if not self._widened:
            return []
        channel = case.proposal.channel
        return [(w.opens, w.closes) for w in case.facts.asked_windows if w.stands(channel, day)]

    def refusal(self, case: Case) -> Refusal | None:
        local, day = self._local(case)
        minute = local.hour * 60 + local.minute
        stretches, name = self._hours(case, day)
        if any(opens <= minute < closes for opens, closes in (*stretches, *self._asked(case, day))):
            return None
        if name and not stretches:
            return Refusal("closed_day", {"day": day.isoformat(), "name": name})
        hours = ", ".join(f"{_wall(opens)}-{_wall(closes)}" for opens, closes in stretches) or "-"
        zone = self.zone or case.zone
        shown = {"local": f"{local:%Y-%m-%d %H:%M}", "zone": str(zone.key), "hours": hours}
        return Refusal("outside_hours", shown)

    def free_from(self, case: Case) -> datetime | None:
        _local, day = self._local(case)
        zone = self.zone or case.zone
        for _ in range(_LONGEST_CLOSURE):
            stretches = sorted((*self._hours(case, day)[0], *self._asked(case, day)))
            for opens, _closes in stretches:
                if (opening := instant(day, opens, zone)) > case.at:
                    return opening
            day += DAY
        return None
