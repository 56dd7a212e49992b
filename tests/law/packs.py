"""The packs of this repository, loaded from their folders, and random cases to judge with them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from hypothesis import strategies as st

from recupero.law.service import Packs
from recupero_sdk.law import (
    CHANNELS,
    Channel,
    Facts,
    PastContact,
    Proposal,
    Recipient,
    RegulationPack,
    load_pack,
)
from recupero_sdk.law.values import CONTACT_OUTCOMES, DIRECTIONS, FLAGS

ROOT = Path(__file__).parents[2]
MONDAY = datetime(2025, 3, 10, tzinfo=UTC)

_REGIONS = {
    "CL": [None, "CL-RM", "CL-VS", "CL-MA", "CL-AI", "CL-AP", "CL-NB", "CL-XX"],
    "CO": [None, "CO-DC"],
}
_ZONES = {
    "CL": [None, "America/Santiago", "Pacific/Easter", "America/Punta_Arenas"],
    "CO": [None, "America/Bogota"],
}


@cache
def pack(country: str) -> RegulationPack:
    """The pack of a country, straight from its folder in this repository."""
    code = country.lower()
    return load_pack(ROOT / "plugins" / "regulations" / code / f"recupero_regulation_{code}")


def packs() -> Packs:
    return Packs.of([pack("CL"), pack("CO")], {"XX": "its rules could not be read"})


def moments(days: int, since: datetime = MONDAY) -> st.SearchStrategy[datetime]:
    """Moments to the second within some days, most of them on whole minutes."""
    seconds = st.one_of(
        st.integers(0, days * 1440 - 1).map(lambda minute: minute * 60), st.integers(0, days * 86400 - 1)
    )
    return seconds.map(lambda second: since + timedelta(seconds=second))


def facts(country: str) -> st.SearchStrategy[Facts]:
    channels = st.frozensets(st.sampled_from(CHANNELS))
    return st.builds(
        Facts,
        country=st.just(country),
        region=st.sampled_from(_REGIONS[country]),
        timezone=st.sampled_from(_ZONES[country]),
        phone_timezone=st.sampled_from([None, None, *_ZONES[country]]),
        commune=st.sampled_from([None, "Chillán", "Coihueco"]),
        consented_channels=st.one_of(st.just(frozenset(CHANNELS)), st.none(), channels),
        opted_out_channels=st.one_of(st.just(frozenset[Channel]()), channels),
        employer_contact=st.sampled_from([False, False, False, True]),
        flags=st.one_of(st.just(frozenset[str]()), st.frozensets(st.sampled_from(FLAGS), max_size=1)),
        due_date=st.dates(min_value=(MONDAY - timedelta(days=60)).date(), max_value=MONDAY.date()),
    )


def histories(before: datetime, days: int = 40) -> st.SearchStrategy[list[PastContact]]:
    """Up to a dozen contacts in the days before a moment."""
    contact = st.builds(
        PastContact,
        at=moments(days, before - timedelta(days=days)),
        channel=st.sampled_from(CHANNELS),
        direction=st.sampled_from(DIRECTIONS),
        outcome=st.sampled_from(CONTACT_OUTCOMES),
        same_debt=st.booleans(),
        same_creditor=st.booleans(),
    )
    return st.lists(contact, max_size=12)


def proposals(at: datetime) -> st.SearchStrategy[Proposal]:
    recipients: list[Recipient] = ["debtor", "debtor", "debtor", "guarantor", "third_party", "employer"]
    return st.builds(
        Proposal, at=st.just(at), channel=st.sampled_from(CHANNELS), recipient=st.sampled_from(recipients)
    )
