"""What holds of Colombia whatever the moment and the past: laws of the pack, not examples."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from recupero_sdk.law import Channel, Facts, PastContact, Proposal, judge, load_pack
from recupero_sdk.law.zones import load_zone

PACK = load_pack(Path(__file__).parents[1] / "recupero_regulation_co")
START = datetime(2023, 11, 1, tzinfo=UTC)
MOMENTS = st.integers(0, 3 * 366 * 24 * 60).map(lambda minute: START + timedelta(minutes=minute))
CHANNELS = st.sampled_from(["call", "sms", "email", "whatsapp", "letter"])
FACTS = Facts("CO", consented_channels=frozenset({"call", "sms", "email", "whatsapp", "letter"}))
BOGOTA = load_zone("America/Bogota")


@given(MOMENTS, CHANNELS)
@settings(deadline=None)
def test_no_channel_is_open_outside_the_hours_of_the_law(at: datetime, channel: Channel) -> None:
    if judge(PACK, FACTS, (), Proposal(at, channel), next_lawful=False).allowed:
        local = at.astimezone(BOGOTA)
        saturday = local.weekday() == 5
        assert (8 if saturday else 7) <= local.hour < (15 if saturday else 19)
        assert local.weekday() != 6


@given(MOMENTS, CHANNELS, CHANNELS, st.integers(1, 10 * 24 * 60))
@settings(deadline=None)
def test_after_a_direct_contact_not_that_day_and_only_its_channel_that_week(
    at: datetime, before: Channel, now: Channel, minutes: int
) -> None:
    past = [PastContact(at - timedelta(minutes=minutes), before, outcome="answered")]
    if judge(PACK, FACTS, past, Proposal(at, now), next_lawful=False).allowed:
        assert past[0].at.astimezone(BOGOTA).date() != at.astimezone(BOGOTA).date()
        assert now == before or minutes >= 168 * 60


@given(MOMENTS, CHANNELS, st.sets(CHANNELS))
@settings(deadline=None)
def test_a_channel_that_was_not_authorised_is_never_open(
    at: datetime, channel: Channel, authorised: set[Channel]
) -> None:
    facts = Facts("CO", consented_channels=frozenset(authorised))
    if judge(PACK, facts, (), Proposal(at, channel), next_lawful=False).allowed:
        assert channel in authorised
