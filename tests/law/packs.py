"""The packs of this repository, loaded from their folders, and random cases to judge with them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path

from hypothesis import strategies as st

from recupero.law.service import Packs
from recupero_sdk.law import (
    CHANNELS,
    Channel,
    Event,
    Facts,
    PastContact,
    Proposal,
    Recipient,
    RegulationPack,
    Window,
    load_pack,
)
from recupero_sdk.law.values import (
    CONTACT_OUTCOMES,
    DIRECTIONS,
    EVENT_KINDS,
    FLAGS,
    PERMISSIONS,
    PLACES,
    WEEKDAYS,
)

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


#: Every country of this repository, and an invented one (QK) whose pack uses every kind of rule that decides.
COUNTRIES = ("AR", "BR", "CL", "CO", "ES", "GB", "MX", "PE", "US", "QK")


@cache
def any_pack(country: str) -> RegulationPack:
    """The pack of a country, or the invented one that uses every kind."""
    return load_pack(ROOT / "tests" / "law" / "everything") if country == "QK" else pack(country)


def all_packs() -> Packs:
    return Packs.of(map(any_pack, COUNTRIES), {"XX": "its rules could not be read"})


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
        phone_timezone=st.sampled_from(
            [None, None, *_ZONES[country], ",".join(filter(None, _ZONES[country]))]
        ),
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


_NAMED = ["QK-CITY", "old town", "Elsewhere", "New York City"]
_DAYS = st.dates(min_value=date(2024, 6, 1), max_value=date(2025, 3, 25))


def windows() -> st.SearchStrategy[Window]:
    hours = st.tuples(st.integers(0, 23), st.integers(1, 24)).filter(lambda pair: pair[0] < pair[1])
    days = st.lists(st.sampled_from(WEEKDAYS), min_size=1, max_size=4, unique=True).map(tuple)
    return st.builds(
        lambda days, hours, channels: Window(days, hours[0] * 60, hours[1] * 60, channels),
        days, hours, st.sampled_from([frozenset(CHANNELS), frozenset({"call", "sms"})]),
    )  # fmt: skip


def events() -> st.SearchStrategy[Event]:
    lasting = st.one_of(st.none(), st.dates(min_value=date(2025, 3, 26), max_value=date(2025, 4, 20)))
    channel = st.sampled_from([None, None, "sms", "call"])
    return st.builds(Event, st.sampled_from(EVENT_KINDS), _DAYS, lasting, channel)


def rich_facts(country: str) -> st.SearchStrategy[Facts]:
    """Everything a pack may ask about, known or not."""
    manifest = any_pack(country).manifest
    regions = [None, *list(manifest.regions)[:12], f"{country}-nowhere"]
    zones = [None, None, *manifest.zones]
    few = {"US-MA", "US-DC", "US-NY", "US-WA", "GB-SCT", "BR-SP", "AR-C", "ES-CN"} & manifest.regions.keys()
    sets = st.frozensets(st.sampled_from(CHANNELS))
    return st.builds(
        Facts,
        country=st.just(country),
        region=st.sampled_from([*regions, *sorted(few), *sorted(few)]),
        timezone=st.sampled_from(zones),
        phone_timezone=st.sampled_from([None, *zones, ",".join(manifest.zones[-2:])]),
        phone_region=st.sampled_from([None, None, *list(manifest.regions)[:5]]),
        agency_region=st.sampled_from([None, "QK-NY", "AR-C"]),
        commune=st.sampled_from([None, None, *_NAMED]),
        consented_channels=st.one_of(st.just(frozenset(CHANNELS)), st.none(), sets),
        opted_out_channels=st.one_of(st.just(frozenset[Channel]()), sets),
        written_consents=st.one_of(st.just(frozenset[Channel]()), sets),
        employer_contact=st.sampled_from([False, False, False, True]),
        point_refused=st.sampled_from([False, False, False, True]),
        flags=st.one_of(st.just(frozenset[str]()), st.frozensets(st.sampled_from(FLAGS), max_size=2)),
        permissions=st.frozensets(st.sampled_from(PERMISSIONS), max_size=1),
        due_date=st.dates(min_value=date(2019, 1, 1), max_value=date(2025, 4, 10)),
        amount=st.one_of(st.none(), st.sampled_from([Decimal(50), Decimal(100), Decimal(5000)])),
        debt_kind=st.sampled_from([None, "rent", "card"]),
        creditor_sector=st.sampled_from([None, "bank", "telecom", "utility"]),
        owner_type=st.sampled_from([None, "original_creditor", "debt_buyer"]),
        party=st.sampled_from([None, "first", "third"]),
        closed_windows=st.lists(windows(), max_size=1).map(tuple),
        asked_windows=st.lists(windows(), max_size=1).map(tuple),
        closed_places=st.frozensets(st.sampled_from(PLACES), max_size=1),
        events=st.lists(events(), max_size=3).map(tuple),
    )


def rich_histories(before: datetime, days: int = 40) -> st.SearchStrategy[list[PastContact]]:
    """Contacts that say where, for what and to whom they were made, or do not."""
    contact = st.builds(
        PastContact,
        at=moments(days, before - timedelta(days=days)),
        channel=st.sampled_from(CHANNELS),
        direction=st.sampled_from([*DIRECTIONS, "outbound"]),
        outcome=st.sampled_from(CONTACT_OUTCOMES),
        same_debt=st.booleans(),
        same_creditor=st.booleans(),
        same_account=st.booleans(),
        recipient=st.sampled_from(["debtor", "debtor", "third_party"]),
        place=st.sampled_from([None, None, "home", "work"]),
        purpose=st.sampled_from([None, None, "reply", "reminder", "locate"]),
        asked=st.sampled_from([False, False, True]),
        with_consent=st.sampled_from([False, False, True]),
    )
    return st.lists(contact, max_size=12)
