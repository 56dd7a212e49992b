"""What holds of Chile whatever the moment and the past: laws of the pack, not examples."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from recupero_sdk.law import Channel, Facts, PastContact, Proposal, judge, load_pack
from recupero_sdk.law.zones import load_zone

PACK = load_pack(Path(__file__).parents[1] / "recupero_regulation_cl")
START = datetime(2021, 5, 1, tzinfo=UTC)
MOMENTS = st.integers(0, 5 * 366 * 24 * 60).map(lambda minute: START + timedelta(minutes=minute))
REGIONS = st.sampled_from([*PACK.manifest.regions])
MESSAGES = st.sampled_from(["sms", "email", "whatsapp", "letter"])
MINUTES = st.lists(st.integers(1, 12 * 24 * 60), max_size=6)


@given(MOMENTS, REGIONS, MINUTES, st.sampled_from(["call", "visit"]))
@settings(deadline=None)
def test_one_conversation_in_seven_days(
    at: datetime, region: str, minutes: list[int], channel: Channel
) -> None:
    past = [PastContact(at - timedelta(minutes=minute), "call", outcome="answered") for minute in minutes]
    if judge(PACK, Facts("CL", region=region), past, Proposal(at, channel), next_lawful=False).allowed:
        assert all(contact.at <= at - timedelta(hours=168) for contact in past)


@given(MOMENTS, REGIONS, MINUTES, MESSAGES, MESSAGES)
@settings(deadline=None)
def test_two_messages_in_seven_days_and_two_days_between(
    at: datetime, region: str, minutes: list[int], before: Channel, now: Channel
) -> None:
    past = [PastContact(at - timedelta(minutes=minute), before, outcome="delivered") for minute in minutes]
    if judge(PACK, Facts("CL", region=region), past, Proposal(at, now), next_lawful=False).allowed:
        recent = [contact for contact in past if contact.at > at - timedelta(hours=168)]
        assert len(recent) < 2
        assert all(contact.at <= at - timedelta(hours=48) for contact in past)


@given(MOMENTS, REGIONS, st.sampled_from(["call", "visit", "sms", "email", "whatsapp"]))
@settings(deadline=None)
def test_the_evening_and_sunday_are_the_debtors_wherever_in_chile(
    at: datetime, region: str, channel: Channel
) -> None:
    if judge(PACK, Facts("CL", region=region), (), Proposal(at, channel), next_lawful=False).allowed:
        for zone in PACK.manifest.regions[region].zones:
            local = at.astimezone(load_zone(zone))
            assert 8 <= local.hour < 20
            assert local.weekday() != 6
