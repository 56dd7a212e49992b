"""What holds of Brazil whatever the moment, the state and the past: laws of the pack, not examples."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from recupero_sdk.law import Channel, Facts, Proposal, judge, load_pack
from recupero_sdk.law.zones import load_zone

PACK = load_pack(Path(__file__).parents[1] / "recupero_regulation_br")
START = datetime(2016, 1, 1, tzinfo=UTC)
MOMENTS = st.integers(0, 11 * 366 * 24 * 60).map(lambda minute: START + timedelta(minutes=minute))
STATES = st.sampled_from([*PACK.manifest.regions])


@given(MOMENTS, STATES)
@settings(deadline=None)
def test_no_state_opens_calls_beyond_the_practice_of_the_sector(at: datetime, state: str) -> None:
    if judge(PACK, Facts("BR", region=state), (), Proposal(at, "call"), next_lawful=False).allowed:
        for zone in PACK.manifest.regions[state].zones:
            local = at.astimezone(load_zone(zone))
            assert 8 <= local.hour < (14 if local.weekday() == 5 else 20)
            assert local.weekday() != 6


@given(MOMENTS, STATES, st.sampled_from(["call", "sms", "whatsapp"]))
@settings(deadline=None)
def test_only_sao_paulo_has_a_register_of_refused_numbers(at: datetime, state: str, channel: Channel) -> None:
    free = Facts("BR", region=state)
    refused = Facts("BR", region=state, opted_out_channels=frozenset({channel}))
    verdicts = [judge(PACK, facts, (), Proposal(at, channel), next_lawful=False) for facts in (free, refused)]
    register = state == "BR-SP" and at.astimezone(load_zone("America/Sao_Paulo")) >= datetime(
        2021, 3, 10, tzinfo=load_zone("America/Sao_Paulo")
    )
    assert verdicts[1].allowed is (verdicts[0].allowed and not register)
