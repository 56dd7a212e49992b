"""The next lawful moment is the first whole minute that the gate allows: shown by trying every minute."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recupero_sdk.law import Facts, PastContact, Proposal, judge
from recupero_sdk.law.moments import ceil_minute
from recupero_sdk.law.zones import load_zone
from tests.law import packs
from tests.thorough import examples

HORIZON = timedelta(days=3)


def by_trying_every_minute(
    country: str, facts: Facts, history: list[PastContact], proposal: Proposal
) -> datetime | None:
    moment, last = ceil_minute(proposal.at), proposal.at + HORIZON
    while moment <= last:
        if judge(
            packs.any_pack(country), facts, history, replace(proposal, at=moment), next_lawful=False
        ).allowed:
            return moment
        moment += timedelta(minutes=1)
    return None


@st.composite
def cases(draw: st.DrawFn) -> tuple[str, Facts, list[PastContact], Proposal]:
    country = draw(st.sampled_from(["CL", "CO"]))
    # Around clock changes, moved and regional holidays, and days on which the law changed.
    days = ["2025-03-10", "2025-04-04", "2025-09-05", "2024-06-05", "2023-06-23", "2021-04-17", "2023-10-07"]
    day = draw(st.sampled_from(days))
    at = draw(packs.moments(7, datetime.fromisoformat(day).replace(tzinfo=UTC)))
    history = draw(packs.histories(at + timedelta(days=1), days=12))
    return country, draw(packs.facts(country)), history, draw(packs.proposals(at))


@given(cases())
@settings(max_examples=examples(15), deadline=None)
def test_it_is_the_first_lawful_minute(case: tuple[str, Facts, list[PastContact], Proposal]) -> None:
    country, facts, history, proposal = case
    verdict = judge(packs.any_pack(country), facts, history, proposal, horizon=HORIZON)
    if verdict.allowed:
        assert verdict.next_lawful_at == proposal.at
    else:
        assert verdict.next_lawful_at == by_trying_every_minute(country, facts, history, proposal)


@st.composite
def rich_cases(draw: st.DrawFn) -> tuple[str, Facts, list[PastContact], Proposal]:
    country = draw(st.sampled_from([*packs.COUNTRIES, "QK", "QK", "QK", "US", "GB"]))
    # Law, summer time and a city's cap change in these weeks.
    day = draw(st.sampled_from(["2025-03-05", "2025-03-09", "2025-03-11", "2025-03-28"]))
    at = draw(packs.moments(4, datetime.fromisoformat(day).replace(tzinfo=UTC)))
    history = draw(packs.rich_histories(at + timedelta(days=1), days=12))
    purpose = draw(st.sampled_from([None, None, None, "collection", "notice", "ask_consent"]))
    proposal = replace(
        draw(packs.proposals(at)), purpose=purpose, asked=draw(st.sampled_from([False, False, True]))
    )
    return country, draw(packs.rich_facts(country)), history, proposal


@given(rich_cases())
@settings(max_examples=examples(12), deadline=None)
def test_it_is_so_for_every_country_and_kind_of_rule(
    case: tuple[str, Facts, list[PastContact], Proposal],
) -> None:
    country, facts, history, proposal = case
    verdict = judge(packs.any_pack(country), facts, history, proposal, horizon=HORIZON)
    if verdict.allowed:
        assert verdict.next_lawful_at == proposal.at
    else:
        assert verdict.next_lawful_at == by_trying_every_minute(country, facts, history, proposal)


@pytest.mark.parametrize("recipient", ["third_party", "employer"])
def test_none_where_only_a_changed_fact_can_lift_the_refusal(recipient: str) -> None:
    at = datetime(2025, 3, 16, 15, tzinfo=UTC)
    facts = Facts("CL", timezone="America/Santiago")
    verdict = judge(packs.pack("CL"), facts, [], Proposal(at, "call", recipient))  # type: ignore[arg-type]  # parametrized
    assert not verdict.allowed
    assert verdict.next_lawful_at is None


def test_hours_are_counted_on_the_clock_of_the_world_not_of_the_wall() -> None:
    """Santiago leaves summer time on 2025-04-06; 48 hours later the wall clock shows an hour less."""
    santiago = load_zone("America/Santiago")
    sent = PastContact(datetime(2025, 4, 5, 12, tzinfo=santiago), "email", outcome="delivered")
    facts = Facts("CL", timezone="America/Santiago")
    proposal = Proposal(datetime(2025, 4, 7, 10, 59, tzinfo=santiago), "sms")
    verdict = judge(packs.pack("CL"), facts, [sent], proposal)
    assert verdict.first_refusal == "CL-37-other-media-gap"
    assert verdict.next_lawful_at == datetime(2025, 4, 7, 11, tzinfo=santiago)
