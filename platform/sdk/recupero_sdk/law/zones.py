"""Time zones from the pinned `tzdata` distribution, and which zones a debtor may be in.

The system's own zone files are not used: they may be older than a law that moved a zone
(America/Coyhaique exists only since release 2025b).
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from zoneinfo import ZoneInfo

from recupero_sdk.law.pack import RegulationPack
from recupero_sdk.law.values import Facts


class UnknownZoneError(ValueError):
    """A zone that is not in the IANA database."""

    def __init__(self, name: str) -> None:
        super().__init__(f"zone `{name}` does not exist; use an IANA name such as America/Santiago")
        self.zone = name


@cache
def _names() -> frozenset[str]:
    return frozenset(files("tzdata").joinpath("zones").read_text(encoding="utf-8").split())


def zone_exists(name: str) -> bool:
    """Whether the pinned database knows this zone."""
    return name in _names()


@cache
def load_zone(name: str) -> ZoneInfo:
    """The zone by its IANA name; `UnknownZoneError` where there is none."""
    if not zone_exists(name):
        raise UnknownZoneError(name)
    with files("tzdata.zoneinfo").joinpath(*name.split("/")).open("rb") as file:
        return ZoneInfo.from_file(file, key=name)


def plausible_zones(pack: RegulationPack, facts: Facts) -> tuple[str, ...]:
    """Every zone the debtor may be in, so that a moment must be lawful in all of them.

    A stated or postal zone that fits the region narrows it (a region may span zones); evidence that
    disagrees is kept side by side; without any evidence all zones of the country are plausible.
    """
    stated = [zone for zone in (facts.timezone, facts.postal_timezone) if zone]
    region = pack.manifest.regions.get(facts.region or "")
    zones = list(stated)
    if region and not set(stated) & set(region.zones):
        zones += region.zones
    if facts.phone_timezone:
        zones.append(facts.phone_timezone)
    return tuple(dict.fromkeys(zones or pack.manifest.zones))


def plausible_regions(pack: RegulationPack, facts: Facts, zones: tuple[str, ...]) -> frozenset[str]:
    """The region where the pack knows it; otherwise every region that has one of the plausible zones."""
    if facts.region in pack.manifest.regions:
        return frozenset((facts.region,))
    named = frozenset(
        code for code, region in pack.manifest.regions.items() if not set(region.zones).isdisjoint(zones)
    )
    return named or frozenset(pack.manifest.regions)
