"""Where the debtor may be: agreeing evidence narrows, disagreeing evidence adds, none means everywhere."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from recupero_sdk.law import Facts, Proposal, judge, load_pack
from recupero_sdk.law.zones import UnknownZoneError, load_zone, plausible_zones

SANTIAGO, SOUTH, ISLAND = "America/Santiago", "America/Punta_Arenas", "Pacific/Easter"


def of_two_regions(manifest: str) -> str:
    """The sample's manifest with region A on the mainland and the island, and every zone in the country."""
    mainland = "XX-A: {name: A, zones: [America/Santiago]}"
    wider = manifest.replace(mainland, f"XX-A: {{name: A, zones: [{SANTIAGO}, {ISLAND}]}}")
    return wider.replace(
        "zones: [America/Santiago]\nregions", f"zones: [{SANTIAGO}, {SOUTH}, {ISLAND}]\nregions"
    )


@pytest.mark.parametrize(
    "facts, expected",
    [
        (Facts("XX"), {SANTIAGO, SOUTH, ISLAND}),
        (Facts("XX", timezone=SANTIAGO), {SANTIAGO}),
        (Facts("XX", region="XX-A"), {SANTIAGO, ISLAND}),
        (Facts("XX", region="XX-A", timezone=ISLAND), {ISLAND}),
        (Facts("XX", region="XX-B", timezone=SANTIAGO), {SANTIAGO, SOUTH}),
        (Facts("XX", region="XX-A", postal_timezone=SANTIAGO), {SANTIAGO}),
        (Facts("XX", timezone=SANTIAGO, phone_timezone=SOUTH), {SANTIAGO, SOUTH}),
        (Facts("XX", phone_timezone=SOUTH), {SOUTH}),
        (Facts("XX", phone_timezone=f"{SOUTH},{ISLAND}"), {SOUTH, ISLAND}),
        (Facts("XX", timezone=SANTIAGO, phone_timezone=f"{SANTIAGO},{SOUTH}"), {SANTIAGO, SOUTH}),
        (Facts("XX", phone_region="XX-A"), {SANTIAGO, ISLAND}),
        (Facts("XX", phone_region="XX-A", phone_timezone=ISLAND), {ISLAND}),
        (Facts("XX", phone_region="XX-A", phone_timezone=SOUTH), {SANTIAGO, ISLAND, SOUTH}),
        (Facts("XX", region="XX-nowhere"), {SANTIAGO, SOUTH, ISLAND}),
    ],
)
def test_plausible_zones(sample: Any, tmp_path: Path, facts: Facts, expected: set[str]) -> None:
    pack = load_pack(sample.write(tmp_path, manifest=of_two_regions(sample.manifest)))
    assert set(plausible_zones(pack, facts)) == expected


def test_zones_come_from_the_pinned_database() -> None:
    """America/Coyhaique has been apart from Santiago since 2025; an old system database lacks it."""
    summer_time_ended = datetime(2025, 6, 10, 12, tzinfo=UTC)
    assert summer_time_ended.astimezone(load_zone("America/Coyhaique")).hour == 9
    assert summer_time_ended.astimezone(load_zone(SANTIAGO)).hour == 8


@pytest.mark.parametrize("name", ["America/Nowhere", "", "../etc/passwd"])
def test_a_zone_that_does_not_exist(name: str) -> None:
    with pytest.raises(UnknownZoneError):
        load_zone(name)


def test_a_contact_in_a_zone_that_does_not_exist_is_refused(sample: Any, tmp_path: Path) -> None:
    pack = load_pack(sample.write(tmp_path))
    proposal = Proposal(datetime(2025, 3, 11, 15, tzinfo=UTC), "call")
    verdict = judge(pack, Facts("XX", timezone="America/Nowhere"), [], proposal)
    assert not verdict.allowed
    assert "America/Nowhere" in verdict.refusals[0].explain("es")
