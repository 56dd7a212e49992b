"""One clock: real, or simulated and only going on."""

from datetime import UTC, datetime, timedelta

import pytest

from recupero.kernel import clock

START = datetime(2026, 1, 1, 2, 0, tzinfo=UTC)


def test_a_simulated_clock_stands_until_it_is_moved() -> None:
    with clock.simulated(START):
        assert clock.now() == clock.now() == START
        clock.advance(timedelta(days=1))
        assert clock.now() == START + timedelta(days=1)
    assert not clock.is_simulated()
    assert clock.now() > START


def test_the_calendar_day_is_the_zones_own() -> None:
    with clock.simulated(START):
        assert clock.today("America/Santiago").isoformat() == "2025-12-31"
        assert clock.today("Europe/Madrid").isoformat() == "2026-01-01"


def test_time_never_goes_back_and_needs_a_zone() -> None:
    with clock.simulated(START):
        with pytest.raises(ValueError, match="back"):
            clock.set_to(START - timedelta(seconds=1))
        with pytest.raises(ValueError, match="zone"):
            clock.set_to(START.replace(tzinfo=None))
    with pytest.raises(RuntimeError):
        clock.advance(timedelta(days=1))
