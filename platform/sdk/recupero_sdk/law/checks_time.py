"""Checks that look at the clock and the calendar only: permitted hours and closed days."""

from __future__ import annotations

from datetime import date, datetime
from typing import ClassVar

from recupero_sdk.law.calendars import ClosedDays
from recupero_sdk.law.checks import Basis, Case, Refusal
from recupero_sdk.law.moments import DAY, instant
from recupero_sdk.law.parameters import WEEKDAYS
from recupero_sdk.law.schema import ClosedDaysRule, HoursRule

#: No country closes more days than this in a row; a longer search means that a rule never opens.
_LONGEST_CLOSURE = 70


def _wall(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"


class ClosedDaysCheck:
    basis: ClassVar[Basis] = "clock"

    def __init__(self, rule: ClosedDaysRule, closed: ClosedDays) -> None:
        self._closed = closed

    def refusal(self, case: Case) -> Refusal | None:
        name = self._closed.name(case.day, case.regions, case.facts.commune)
        return Refusal("closed_day", {"day": case.day.isoformat(), "name": name}) if name else None

    def free_from(self, case: Case) -> datetime | None:
        day = case.day
        for _ in range(_LONGEST_CLOSURE):
            day += DAY
            if not self._closed.name(day, case.regions, case.facts.commune):
                return instant(day, 0, case.zone)
        return None


class HoursCheck:
    """Permitted hours by weekday; with `closed` those of its days are outside the hours altogether."""

    basis: ClassVar[Basis] = "clock"

    def __init__(self, rule: HoursRule, closed: ClosedDays | None) -> None:
        self._closed = closed
        self._open: tuple[list[tuple[int, int]], ...] = tuple([] for _ in WEEKDAYS)
        for stretch in rule.parameters.open:
            for weekday in stretch.days:
                self._open[WEEKDAYS.index(weekday)].append((stretch.opens, stretch.closes))
        for stretches in self._open:
            stretches.sort()

    def edges(self) -> set[int]:
        """Minutes after local midnight at which some stretch opens or closes."""
        return {edge for stretches in self._open for stretch in stretches for edge in stretch}

    def _closed_name(self, case: Case, day: date) -> str | None:
        return self._closed.name(day, case.regions, case.facts.commune) if self._closed else None

    def refusal(self, case: Case) -> Refusal | None:
        minute, stretches = case.local.hour * 60 + case.local.minute, self._open[case.day.weekday()]
        if not any(opens <= minute < closes for opens, closes in stretches):
            hours = ", ".join(f"{_wall(opens)}-{_wall(closes)}" for opens, closes in stretches) or "-"
            local = f"{case.local:%Y-%m-%d %H:%M}"
            return Refusal("outside_hours", {"local": local, "zone": str(case.zone.key), "hours": hours})
        name = self._closed_name(case, case.day)
        return Refusal("closed_day", {"day": case.day.isoformat(), "name": name}) if name else None

    def free_from(self, case: Case) -> datetime | None:
        day = case.day
        for _ in range(_LONGEST_CLOSURE):
            if self._closed_name(case, day) is None:
                for opens, _closes in self._open[day.weekday()]:
                    if (opening := instant(day, opens, case.zone)) > case.at:
                        return opening
            day += DAY
        return None
