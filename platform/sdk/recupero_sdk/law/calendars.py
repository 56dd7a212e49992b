"""Closed days of a country: public holidays of the `holidays` package and a pack's own additions."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from functools import cache

import holidays

from recupero_sdk.law.parameters import ClosedDaysParameters, OneOffDay
from recupero_sdk.law.spans import DAY, easter
from recupero_sdk.law.values import WEEKDAYS


@cache
def _public_holidays(
    country: str, region: str | None, year: int, categories: tuple[str, ...] = ()
) -> dict[date, str]:
    """Public holidays of one year; of a region (ISO 3166-2 code) they include the national ones."""
    subdivision = region.partition("-")[2] if region else None
    return dict(
        holidays.country_holidays(
            country, subdiv=subdivision, years=year, language="es", categories=("public", *categories)
        )
    )


@cache
def _has_subdivision(country: str, region: str) -> bool:
    return region.partition("-")[2] in holidays.country_holidays(country).subdivisions


def _falls_on(addition: OneOffDay, day: date) -> bool:
    if addition.on is not None:
        return addition.on == day
    if addition.easter is not None and day != easter(day.year) + addition.easter * DAY:
        return False
    in_time = (addition.since is None or addition.since <= day) and (
        addition.until is None or day <= addition.until
    )
    return in_time and (addition.yearly is None or addition.yearly == day.strftime("%m-%d"))


class ClosedDays:
    """Answers whether a local day is closed for somebody in one of the plausible regions."""

    def __init__(self, parameters: ClosedDaysParameters) -> None:
        self._parameters = parameters
        self._weekdays = {WEEKDAYS.index(day) for day in parameters.weekdays}
        self._known: dict[tuple[date, frozenset[str], str | None], str | None] = {}
        self._between: dict[tuple[date, date, frozenset[str], str | None], frozenset[date]] = {}

    def name(self, day: date, regions: frozenset[str], commune: str | None) -> str | None:
        """Name of the closed day, or None. Several regions: closed if it is closed in any of them."""
        key = (day, regions, commune)
        if key not in self._known:
            self._known[key] = self._look_up(day, regions, commune)
        return self._known[key]

    def between(
        self, first: date, last: date, regions: frozenset[str], commune: str | None
    ) -> frozenset[date]:
        """The closed days from `first` to `last`: many regions have the same."""
        key = (first, last, regions, commune)
        if key not in self._between:
            days = (first + number * DAY for number in range((last - first).days + 1))
            self._between[key] = frozenset(day for day in days if self.name(day, regions, commune))
        return self._between[key]

    def _look_up(self, day: date, regions: frozenset[str], commune: str | None) -> str | None:
        if day.weekday() in self._weekdays:
            return WEEKDAYS[day.weekday()]
        additions = [addition for addition in self._parameters.additions if _falls_on(addition, day)]
        for addition in additions:
            if _reaches(addition, regions, commune):
                return addition.name
        for exception in self._parameters.except_days:
            if _falls_on(exception, day) and (not exception.regions or regions <= set(exception.regions)):
                return None
        return self._in_calendar(day, regions, additions)

    def _in_calendar(self, day: date, regions: Iterable[str], additions: list[OneOffDay]) -> str | None:
        country = self._parameters.calendar
        if country is None:
            return None
        categories = self._parameters.categories
        if name := _public_holidays(country, None, day.year, categories).get(day):
            return name
        if not self._parameters.regional:
            return None
        # Where the pack states a day by commune, its statement stands instead of the library's wider one.
        stated = {region for addition in additions if addition.communes for region in addition.regions}
        for region in sorted(set(regions) - stated):
            if not _has_subdivision(country, region):
                continue
            if name := _public_holidays(country, region, day.year, categories).get(day):
                return name
        return None


def _reaches(addition: OneOffDay, regions: frozenset[str], commune: str | None) -> bool:
    if addition.regions and regions.isdisjoint(addition.regions):
        return False
    return (
        not addition.communes
        or (commune is None and addition.unknown_commune == "closed")
        or (commune or "").casefold() in {name.casefold() for name in addition.communes}
    )
