"""Laws that hold of every contact in the United States, whatever the state, channel and history."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from recupero_sdk.law import CHANNELS, Facts, PastContact, Proposal, judge, load_pack
from recupero_sdk.law.zones import load_zone, whereabouts

PACK = load_pack(Path(__file__).parents[1] / "recupero_regulation_us")
MINUTE = timedelta(minutes=1)
REGIONS = sorted(PACK.manifest.regions)
START = datetime(2022, 1, 1, tzinfo=UTC)
moments = st.integers(0, 5 * 365 * 24 * 60).map(lambda minutes: START + minutes * MINUTE)
debtors = st.builds(
    Facts,
    country=st.just("US"),
    region=st.sampled_from(REGIONS),
    phone_timezone=st.sampled_from([None, "America/New_York", "Pacific/Honolulu"]),
    consented_channels=st.frozensets(st.sampled_from(CHANNELS)),
)


@st.composite
def contacts(draw: st.DrawFn) -> tuple[Facts, list[PastContact], Proposal]:
    facts, at = draw(debtors), draw(moments)
    history = [
        PastContact(
            at=at - timedelta(minutes=draw(st.integers(0, 20 * 24 * 60))),
            channel=draw(st.sampled_from(CHANNELS)),
            outcome=draw(st.sampled_from(("answered", "no_answer", "delivered", "failed", "unknown"))),
            same_debt=draw(st.booleans()),
        )
        for _ in range(draw(st.integers(0, 8)))
    ]
    return facts, history, Proposal(at, draw(st.sampled_from(CHANNELS)))


@settings(max_examples=120, deadline=None)
@given(contacts())
def test_nobody_is_contacted_outside_the_federal_hours_of_any_place_they_may_be(
    contact: tuple[Facts, list[PastContact], Proposal],
) -> None:
    facts, history, proposal = contact
    if judge(PACK, facts, history, proposal, next_lawful=False).allowed:
        for name in whereabouts(PACK, facts).zones:
            local = proposal.at.astimezone(load_zone(name))
            assert 8 * 60 < local.hour * 60 + local.minute < 21 * 60, f"{local:%H:%M} in {name}"


@settings(max_examples=60, deadline=None)
@given(contacts(), st.data())
def test_the_next_lawful_moment_is_lawful_and_none_lies_before_it(
    contact: tuple[Facts, list[PastContact], Proposal], data: st.DataObject
) -> None:
    facts, history, proposal = contact
    lawful_at = judge(PACK, facts, history, proposal).next_lawful_at
    end = lawful_at or proposal.at + timedelta(days=20)
    if lawful_at is not None:
        found = Proposal(lawful_at, proposal.channel)
        assert judge(PACK, facts, history, found, next_lawful=False).allowed
    minutes = int((end - proposal.at) / MINUTE)
    for _ in range(20 if minutes else 0):
        at = proposal.at + data.draw(st.integers(0, minutes - 1)) * MINUTE
        assert not judge(PACK, facts, history, Proposal(at, proposal.channel), next_lawful=False).allowed


@settings(max_examples=120, deadline=None)
@given(contacts())
def test_seven_calls_about_a_debt_close_the_telephone(
    contact: tuple[Facts, list[PastContact], Proposal],
) -> None:
    facts, _history, proposal = contact
    calls = [
        PastContact(proposal.at - timedelta(hours=hours), "call", outcome="no_answer")
        for hours in range(1, 8)
    ]
    verdict = judge(PACK, facts, calls, Proposal(proposal.at, "call"), next_lawful=False)
    assert "US-REGF-call-7in7" in {refusal.rule_id for refusal in verdict.refusals}
