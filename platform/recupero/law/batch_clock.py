"""Local days over columns: the day on which moments fall in their zones, and when days begin there.

Moments are microseconds of the epoch, days are counted from it, zones are numbered.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from recupero_sdk.law.moments import instant
from recupero_sdk.law.zones import load_zone

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
#: A moment that stands for none: earlier than any, and what numpy and Polars read as null.
NONE = -(2**63)
#: Later than any moment asked about: a rule that never lets go.
NEVER = 2**62
DAY_MICROS = 86_400_000_000
_EPOCH, _MICRO = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)
_EPOCH_DAY = date(1970, 1, 1).toordinal()


def micro(moment: datetime) -> int:
    """Microseconds of the epoch."""
    return (moment - _EPOCH) // _MICRO


def day_number(day: date) -> int:
    """Days since the epoch."""
    return day.toordinal() - _EPOCH_DAY


def day_of(number: int) -> date:
    """The day that many days after the epoch."""
    return date.fromordinal(number + _EPOCH_DAY)


def distinct(values: Ints) -> tuple[Ints, Ints]:
    """The distinct values in order, and the place of each value among them: `np.unique` without its sort
    where the values lie close together."""
    low, high = (int(values.min()), int(values.max())) if len(values) else (0, 0)
    if high - low > 4 * len(values) + 65_536:
        found, places = np.unique(values, return_inverse=True)
        return found, places
    there = np.zeros(high - low + 1, dtype=bool)
    there[values - low] = True
    return np.flatnonzero(there) + low, (np.cumsum(there) - 1)[values - low]


class Clocks:
    """The zones met so far, and what is known of their days."""

    def __init__(self) -> None:
        self.zones: list[ZoneInfo] = []
        self._numbers: dict[str, int] = {}
        self._midnights: dict[int, int] = {}
        self._offsets: dict[int, tuple[int, int, Ints, Ints]] = {}
        self._alike: dict[Any, int] = {}
        self._like: dict[tuple[str, datetime, datetime], int] = {}

    def number(self, name: str) -> int:
        """The number of a zone that exists."""
        if name not in self._numbers:
            self._numbers[name] = len(self.zones)
            self.zones.append(load_zone(name))
        return self._numbers[name]

    def by_zone(self, value: Callable[[ZoneInfo], int]) -> Ints:
        """A value of each zone, by its number."""
        return np.array([value(zone) for zone in self.zones], dtype=np.int64)

    def days(self, zones: Ints, moments: Ints) -> Ints:
        """The local day of each moment in its zone."""
        found = np.empty(len(moments), dtype=np.int64)
        for zone in distinct(zones)[0].tolist():
            mine = np.flatnonzero(zones == zone)
            some = moments[mine]
            changes, offsets = self._turns(zone, int(some.min()), int(some.max()))
            found[mine] = (some + offsets[np.searchsorted(changes, some, side="right") - 1]) // DAY_MICROS
        return found

    def midnights(self, zones: Ints, days: Ints) -> Ints:
        """The moment at which each local day begins in its zone."""
        many = len(self.zones)
        codes, places = distinct(days * many + zones)
        return np.array([self._midnight(code, many) for code in codes.tolist()], dtype=np.int64)[places]

    def _midnight(self, code: int, many: int) -> int:
        day, zone = divmod(code, many)
        key = day * 4096 + zone
        if key not in self._midnights:
            self._midnights[key] = micro(instant(day_of(day), 0, self.zones[zone]))
        return self._midnights[key]

    def alike(self, name: str, first: datetime, last: datetime) -> int:
        """The number of the first zone met whose clock shows the same as this one between two moments."""
        key = (name, first, last)
        if key not in self._like:
            self._like[key] = self._first_alike(name, first, last)
        return self._like[key]

    def _first_alike(self, name: str, first: datetime, last: datetime) -> int:
        number, begins = self.number(name), micro(first)
        changes, offsets = self._turns(number, begins, micro(last))
        low = np.searchsorted(changes, begins, side="right") - 1
        high = np.searchsorted(changes, micro(last), side="right")
        shown = (changes[low + 1 : high].tobytes(), offsets[low:high].tobytes())
        return self._alike.setdefault((first, last, *shown), number)

    def _turns(self, zone: int, first: int, last: int) -> tuple[Ints, Ints]:
        """Moments from which the offset of a zone is another, and the offset from each on; they reach from
        the first moment asked about to the last. Asked day by day: no clock changes twice on one."""
        low, high, changes, offsets = self._offsets.get(zone, (NEVER, NONE, _NOTHING, _NOTHING))
        if first < low or last > high:
            low, high = min(first, low) - DAY_MICROS, max(last, high) + DAY_MICROS
            moments, found = [low], [self._offset(zone, low)]
            for begins in range(low, high, DAY_MICROS):
                ends = begins + DAY_MICROS
                if (offset := self._offset(zone, ends)) != found[-1]:
                    moments.append(self._change(zone, begins, ends))
                    found.append(offset)
            changes, offsets = np.array(moments, dtype=np.int64), np.array(found, dtype=np.int64)
            self._offsets[zone] = low, high, changes, offsets
        return changes, offsets

    def _change(self, zone: int, before: int, after: int) -> int:
        """The first moment after `before` with the offset that holds at `after`."""
        new = self._offset(zone, after)
        while after - before > 1:
            middle = (before + after) // 2
            if self._offset(zone, middle) == new:
                after = middle
            else:
                before = middle
        return after

    def _offset(self, zone: int, moment: int) -> int:
        shown = (_EPOCH + moment * _MICRO).astimezone(self.zones[zone]).utcoffset()
        assert shown is not None
        return shown // _MICRO


_NOTHING: Ints = np.empty(0, dtype=np.int64)
