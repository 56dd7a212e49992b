"""What holds of Spain whatever the moment, the place and the past: laws of the pack, not examples."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from recupero_sdk.law import Channel, Facts, PastContact, Proposal, judge, load_pack
from recupero_sdk.law.zones import load_zone

PACK = load_pack(Path(__file__).parents[1] / "recupero_regulation_es")
START = datetime(2024, 1, 1, tzinfo=UTC)
MOMENTS = st.integers(0, 3 * 366 * 24 * 60).map(lambda minute: START + timedelta(minutes=minute))
REGIONS = st.sampled_from([None, *PACK.manifest.regions])


@given(MOMENTS, REGIONS, st.sampled_from(["call", "visit", "sms"]))
@settings(deadline=None)
def test_nobody_is_disturbed_at_night_or_at_the_weekend_wherever_in_spain(
    at: datetime, region: str | None, channel: Channel
) -> None:
    if judge(PACK, Facts("ES", region=region), (), Proposal(at, channel), next_lawful=False).allowed:
        zones = PACK.manifest.regions[region].zones if region else PACK.manifest.zones
        for local in (at.astimezone(load_zone(zone)) for zone in zones):
            assert 9 <= local.hour < 21
            assert local.weekday() < 5


@given(MOMENTS, REGIONS, st.lists(st.integers(1, 10 * 24 * 60), max_size=12))
@settings(deadline=None)
def test_no_third_call_of_a_day_and_no_fourth_day_of_a_week(
    at: datetime, region: str | None, minutes: list[int]
) -> None:
    past = [PastContact(at - timedelta(minutes=minute), "call", outcome="no_answer") for minute in minutes]
    facts = Facts("ES", region=region, timezone="Europe/Madrid")
    if judge(PACK, facts, past, Proposal(at, "call"), next_lawful=False).allowed:
        zone = load_zone("Europe/Madrid")
        days = [contact.at.astimezone(zone).date() for contact in past]
        today = at.astimezone(zone).date()
        assert days.count(today) < 2
        week = {day for day in days if day > today - timedelta(days=7)}
        assert today in week or len(week) < 3
