"""Laws that hold of every contact in the United Kingdom, whatever the nation, channel and history."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from recupero_sdk.law import CHANNELS, Facts, PastContact, Proposal, judge, load_pack
from recupero_sdk.law.zones import load_zone

PACK = load_pack(Path(__file__).parents[1] / "recupero_regulation_gb")
LONDON = load_zone("Europe/London")
MINUTE = timedelta(minutes=1)
START = datetime(2022, 1, 1, tzinfo=UTC)
moments = st.integers(0, 5 * 365 * 24 * 60).map(lambda minutes: START + minutes * MINUTE)
debtors = st.builds(
    Facts,
    country=st.just("GB"),
    region=st.sampled_from([None, *PACK.manifest.regions]),
    due_date=st.dates(date(2016, 1, 1), date(2021, 12, 31)),
    flags=st.frozensets(st.sampled_from(("vulnerable", "breathing_space", "cease_request")), max_size=1),
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


@settings(max_examples=150, deadline=None)
@given(contacts())
def test_nobody_is_contacted_at_night_and_nobody_is_called_on_a_sunday(
    contact: tuple[Facts, list[PastContact], Proposal],
) -> None:
    facts, history, proposal = contact
    if judge(PACK, facts, history, proposal, next_lawful=False).allowed:
        local = proposal.at.astimezone(LONDON)
        assert 8 <= local.hour < 21
        assert proposal.channel in ("email", "letter") or local.weekday() < 6


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


@settings(max_examples=100, deadline=None)
@given(contacts())
def test_an_old_debt_in_scotland_is_never_collected(
    contact: tuple[Facts, list[PastContact], Proposal],
) -> None:
    facts, history, proposal = contact
    extinguished = Facts("GB", region="GB-SCT", due_date=date(2016, 6, 1), flags=facts.flags)
    assert not judge(PACK, extinguished, history, proposal, next_lawful=False).allowed
