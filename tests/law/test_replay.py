"""Replay judges every stored contact again under the law of its own day, each after those before it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from recupero.law.queries import StoredContact, replay
from recupero_sdk.law import Channel, ContactOutcome, Direction, Facts, PastContact, Proposal
from tests.law import packs

CHILEAN = Facts("CL", timezone="America/Santiago")
MONDAY = datetime(2025, 3, 10, 14, tzinfo=UTC)


def stored(
    number: int,
    at: datetime,
    channel: Channel = "call",
    outcome: ContactOutcome = "answered",
    *,
    person: str = "p",
    debt: str = "d",
    direction: Direction = "outbound",
    facts: Facts = CHILEAN,
) -> StoredContact:
    contact = PastContact(at, channel, direction, outcome)
    return StoredContact(str(number), person, debt, "c", facts, Proposal(at, channel), contact)


def test_a_second_call_in_the_week_is_illegal_and_the_first_is_not() -> None:
    made = [stored(1, MONDAY), stored(2, MONDAY + timedelta(days=2)), stored(3, MONDAY, person="q")]
    result = replay(made, packs.packs())
    assert (result.contacts, [one.id for one in result.illegal], result.against_policy) == (3, ["2"], ())
    refusals = [refusal.rule_id for refusal in result.illegal[0].refusals]
    assert refusals[0] == "CL-37-phone-visit-weekly"
    assert "CL-37-per-debtor" in refusals


def test_a_call_about_another_debt_counts_too() -> None:
    made = [stored(1, MONDAY), stored(2, MONDAY + timedelta(days=2), debt="other")]
    assert [one.id for one in replay(made, packs.packs()).illegal] == ["2"]


def test_a_contact_is_judged_by_the_law_of_its_day() -> None:
    before_the_caps = datetime(2021, 3, 8, 14, tzinfo=UTC)
    made = [stored(1, before_the_caps), stored(2, before_the_caps + timedelta(hours=1))]
    assert replay(made, packs.packs()).illegal == ()


def test_inbound_contacts_are_history_and_not_judged() -> None:
    at_night = datetime(2025, 3, 10, 3, tzinfo=UTC)
    result = replay([stored(1, at_night, direction="inbound"), stored(2, MONDAY)], packs.packs())
    assert (result.contacts, result.illegal) == (1, ())


def test_a_contact_in_a_country_without_a_working_pack_is_illegal() -> None:
    result = replay([stored(1, MONDAY, facts=Facts("XX"))], packs.packs())
    assert [refusal.code for refusal in result.illegal[0].refusals] == ["no_pack"]


@pytest.mark.parametrize(
    "made",
    [
        [stored(1, MONDAY), stored(2, MONDAY - timedelta(days=1))],
        [stored(1, MONDAY), stored(2, MONDAY, person="q"), stored(3, MONDAY)],
    ],
)
def test_rows_out_of_order_are_refused(made: list[StoredContact]) -> None:
    with pytest.raises(ValueError, match="by person, then by time"):
        replay(made, packs.packs())
