"""Moved holidays fall where the statutes put them: computed here from the laws' own words, year by year."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest

from recupero_sdk.law import Channel, Facts, Proposal, judge
from tests.law import packs

DAY = timedelta(days=1)
YEARS = range(2010, 2031)


def closed(country: str, day: date, region: str, channel: Channel = "call") -> bool:
    """Whether the pack's holiday rule refuses noon of a local day."""
    facts = Facts(country, region=region, consented_channels=frozenset({"call"}))
    noon = datetime(day.year, day.month, day.day, 16, tzinfo=UTC)
    verdict = judge(packs.pack(country), facts, [], Proposal(noon, channel), next_lawful=False)
    return any(one.kind == "closed_days" and one.outcome == "refused" for one in verdict.outcomes)


def to_a_monday(day: date) -> date:
    """Ley 19.668: Tuesday to Thursday go to the Monday of that week, Friday to the next Monday."""
    weekday = day.weekday()
    if weekday in (1, 2, 3):
        return day - weekday * DAY
    return day + 3 * DAY if weekday == 4 else day


def reformation_day(year: int) -> date:
    """Ley 20.299: Tuesday goes to the Friday before, Wednesday to the Friday of that week."""
    day = date(year, 10, 31)
    return day + {1: -4, 2: 2}.get(day.weekday(), 0) * DAY


@pytest.mark.parametrize("year", YEARS)
def test_chile_s_movable_days(year: int) -> None:
    for kept, named in [
        (to_a_monday(date(year, 6, 29)), date(year, 6, 29)),
        (to_a_monday(date(year, 10, 12)), date(year, 10, 12)),
        (reformation_day(year), date(year, 10, 31)),
    ]:
        assert closed("CL", kept, "CL-RM")
        if kept != named and named.weekday() != 6:
            assert not closed("CL", named, "CL-RM")


def easter(year: int) -> date:
    """Easter Sunday by the anonymous Gregorian algorithm."""
    a, b, c = year % 19, year // 100, year % 100
    d, e = divmod(b, 4)
    g = (8 * b + 13) // 25
    h = (19 * a + b - d - g + 15) % 30
    i, k = divmod(c, 4)
    m = (a + 11 * h) // 319
    r = (2 * e + 2 * i - k - h + m + 32) % 7
    month = (h - m + r + 90) // 25
    return date(year, month, (h - m + r + month + 19) % 32)


def next_monday(day: date) -> date:
    return day + (-day.weekday() % 7) * DAY


def colombian_holidays(year: int) -> Iterator[date]:
    """Ley 51 of 1983, art. 1: days that stay, days that move to the next Monday, days around Easter."""
    for month, number in [(1, 1), (5, 1), (7, 20), (8, 7), (12, 8), (12, 25)]:
        yield date(year, month, number)
    for month, number in [(1, 6), (3, 19), (6, 29), (8, 15), (10, 12), (11, 1), (11, 11)]:
        yield next_monday(date(year, month, number))
    for after in (-3, -2, 43, 64, 71):
        yield easter(year) + after * DAY


@pytest.mark.parametrize("year", range(2024, 2031))
def test_colombia_keeps_exactly_the_days_of_ley_51(year: int) -> None:
    expected = set(colombian_holidays(year))
    days = (date(year, 1, 1) + number * DAY for number in range(365))
    found = {day for day in days if day.weekday() != 6 and closed("CO", day, "CO-DC")}
    later = {next_monday(date(year, 7, 9))}  # added by a law of 2026 that the fact sheet does not hold
    assert {day for day in expected if day.weekday() != 6} <= found
    assert found - expected <= (later if year >= 2026 else set())


@pytest.mark.parametrize(
    "day, region, expected",
    [
        (date(2012, 6, 7), "CL-AP", False),
        (date(2013, 6, 7), "CL-AP", True),
        (date(2024, 6, 7), "CL-TA", False),
        (date(2024, 8, 20), "CL-NB", True),
        (date(2024, 8, 20), "CL-BI", False),
        (date(2023, 8, 10), "CL-AT", True),
        (date(2022, 8, 10), "CL-AT", False),
        (date(2024, 9, 21), "CL-LL", True),
        (date(2024, 9, 21), "CL-RM", False),
        (date(2023, 1, 2), "CL-RM", True),
        (date(2020, 6, 22), "CL-RM", False),
        (date(2021, 6, 21), "CL-RM", True),
    ],
)
def test_regional_and_one_off_days(day: date, region: str, expected: bool) -> None:
    assert closed("CL", day, region) is expected


def test_a_debtor_whose_region_is_unknown_has_every_region_s_holidays() -> None:
    day, noon = date(2024, 6, 7), datetime(2024, 6, 7, 16, tzinfo=UTC)
    south = Facts("CL", timezone="America/Punta_Arenas")
    unknown = Facts("CL", timezone="America/Santiago")
    assert judge(packs.pack("CL"), south, [], Proposal(noon, "call")).allowed
    assert not judge(packs.pack("CL"), unknown, [], Proposal(noon, "call")).allowed
    assert not closed("CL", day, "CL-RM")
