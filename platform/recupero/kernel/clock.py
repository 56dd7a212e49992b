"""The one source of the time, so that a simulation can drive the real pipeline through months in minutes.

All code asks `now()`. Storage is UTC; wall-clock law is read in the debtor's zone by the law room.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

_simulated: datetime | None = None


def now() -> datetime:
    """The current instant, timezone-aware in UTC: the simulated one while a simulation runs."""
    return _simulated if _simulated is not None else datetime.now(UTC)


def today(zone: str) -> date:
    """The calendar date now in the IANA zone."""
    return now().astimezone(ZoneInfo(zone)).date()


def is_simulated() -> bool:
    return _simulated is not None


@contextmanager
def simulated(start: datetime) -> Iterator[None]:
    """Freeze the clock at `start` (aware) inside the block; `advance` and `set_to` move it. Not nestable."""
    global _simulated
    if _simulated is not None:
        raise RuntimeError("a simulation is already running in this process")
    _simulated = _utc(start)
    try:
        yield
    finally:
        _simulated = None


def advance(by: timedelta) -> datetime:
    """Move the simulated clock on by a positive duration and return the new time."""
    return set_to(now() + by)


def set_to(moment: datetime) -> datetime:
    """Move the simulated clock on to `moment`; it never goes back."""
    global _simulated
    if _simulated is None:
        raise RuntimeError("the clock moves by hand only inside clock.simulated()")
    if _utc(moment) < _simulated:
        raise ValueError(f"the clock cannot go back from {_simulated} to {moment}")
    _simulated = _utc(moment)
    return _simulated


def _utc(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError("an instant needs a zone")
    return moment.astimezone(UTC)
