"""Mexico's hours against the clocks of every place a debtor may be in, worked out with zoneinfo alone."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from recupero_sdk.law import Channel, Facts, Proposal, judge, load_pack
from recupero_sdk.law.zones import Place as Found
from recupero_sdk.law.zones import load_zone, place_of_phone, place_of_postcode

PACK = load_pack(Path(__file__).parents[1] / "recupero_regulation_mx")
START = datetime(2015, 2, 2, tzinfo=UTC)
REGIONS = PACK.manifest.regions
MOMENTS = st.integers(0, 20 * 366 * 24 * 60).map(lambda minute: START + timedelta(minutes=minute))
Place = tuple[str | None, str | None]
#: A state, and one of its zones or none stated.
PLACES = st.sampled_from(
    [(code, zone) for code, region in REGIONS.items() for zone in (*region.zones, None)] + [(None, None)]
)
MONDAYS = ((2, 1), (3, 3), (11, 3))
DAYS = ((1, 1), (5, 1), (9, 16), (12, 25))


def clocks(region: str | None, zone: str | None) -> list[ZoneInfo]:
    if zone:
        return [load_zone(zone)]
    return [load_zone(name) for name in (REGIONS[region].zones if region else PACK.manifest.zones)]


def rests(day: date) -> bool:
    """Mandatory rest days of Ley Federal del Trabajo art. 74, and Sundays."""
    nth_monday = (day.month, (day.day + 6) // 7) if day.weekday() == 0 else None
    changes = {date(2018, 12, 1), *(date(year, 10, 1) for year in range(2024, 2040, 6))}
    return day.weekday() == 6 or nth_monday in MONDAYS or (day.month, day.day) in DAYS or day in changes


def facts(region: str | None, zone: str | None) -> Facts:
    return Facts("MX", region=region, timezone=zone, due_date=date(2014, 12, 1))


@settings(deadline=None)
@given(MOMENTS, PLACES, st.sampled_from(["call", "visit", "sms", "email", "whatsapp", "letter"]))
def test_open_from_7_to_22_by_every_clock_the_debtor_may_live_by(
    at: datetime, place: Place, channel: Channel
) -> None:
    local = [at.astimezone(clock) for clock in clocks(*place)]
    expected = all(7 <= there.hour < 22 for there in local)
    if channel in ("call", "visit"):
        expected = expected and not any(rests(there.date()) for there in local)
    verdict = judge(PACK, facts(*place), (), Proposal(at, channel), next_lawful=False)
    assert verdict.allowed is expected


@settings(deadline=None)
@given(MOMENTS, PLACES)
def test_the_next_lawful_minute_is_the_first(at: datetime, place: Place) -> None:
    question = facts(*place)
    verdict = judge(PACK, question, (), Proposal(at, "sms"))
    moment = at
    while not all(7 <= moment.astimezone(clock).hour < 22 for clock in clocks(*place)):
        moment += timedelta(minutes=1)
    assert verdict.next_lawful_at == moment


def test_states_are_known_by_postcode_and_area_code() -> None:
    assert place_of_postcode(PACK, "77500") == Found("MX-ROO", ("America/Cancun",))
    assert place_of_postcode(PACK, "22000") == Found("MX-BCN", ("America/Tijuana",))
    assert place_of_phone(PACK, "+52 664 123 4567") == Found("MX-BCN", ("America/Tijuana",))
    shared = Found(None, ("America/Mexico_City",))  # the capital and the state around it
    assert place_of_phone(PACK, "+52 55 1234 5678") == shared
    every = {prefix for region in REGIONS.values() for prefix in region.postal_prefixes}
    assert every == {f"{number:02d}" for number in range(1, 100)} - {"17", "18", "19"}
