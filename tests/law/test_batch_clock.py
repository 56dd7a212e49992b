"""Local days over columns are those of the zones' own clocks, moment by moment."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np

from recupero.law.batch_clock import Clocks, day_number, day_of, distinct, micro
from recupero_sdk.law.moments import instant
from recupero_sdk.law.zones import load_zone

# Midnights that do not exist or come twice, half hours, a day left out, changes at one minute past midnight.
_ZONES = (
    "America/Santiago", "America/New_York", "America/Havana", "Australia/Lord_Howe", "Pacific/Apia",
    "America/St_Johns", "Asia/Gaza", "Atlantic/Azores",
)  # fmt: skip
_HOUR = timedelta(hours=1)


def test_days_and_midnights_are_those_of_each_zones_clock() -> None:
    clocks = Clocks()
    moments = [datetime(2010, 11, 1, tzinfo=UTC) + hours * 11 * _HOUR for hours in range(1200)]
    moments += [datetime(2011, 11, 6, 2, tzinfo=UTC) + timedelta(minutes=minutes) for minutes in range(300)]
    numbers = [clocks.number(zone) for zone in _ZONES]
    zones = np.repeat(numbers, len(moments))
    found = clocks.days(zones, np.tile([micro(moment) for moment in moments], len(_ZONES)))
    days = [moment.astimezone(load_zone(zone)).date() for zone in _ZONES for moment in moments]
    assert list(map(day_of, found.tolist())) == days
    midnights = clocks.midnights(zones, found)
    named = [zone for zone in _ZONES for _ in moments]
    expected = [micro(instant(day, 0, load_zone(zone))) for day, zone in zip(days, named, strict=True)]
    assert midnights.tolist() == expected
    assert found.tolist() == list(map(day_number, days))


def test_zones_are_alike_only_while_their_clocks_are() -> None:
    clocks = Clocks()
    winter, spring = datetime(2026, 1, 10, tzinfo=UTC), datetime(2026, 6, 10, tzinfo=UTC)
    york, lima = clocks.number("America/New_York"), clocks.number("America/Lima")
    assert clocks.alike("America/New_York", winter, winter + 30 * 24 * _HOUR) == york
    assert clocks.alike("America/Detroit", winter, spring) == clocks.number("America/Detroit")
    assert clocks.alike("America/New_York", winter, spring) == clocks.number("America/Detroit")
    assert clocks.alike("America/Lima", winter, winter + 30 * 24 * _HOUR) == york
    assert clocks.alike("America/Lima", winter, spring) == lima


def test_distinct_values_and_their_places_near_and_far_apart() -> None:
    for values in ([5, 3, 5, 4], [5, 10**15, -(10**15), 5], []):
        found, places = distinct(np.array(values, dtype=np.int64))
        assert found.tolist() == sorted(set(values))
        assert found[places].tolist() == values
