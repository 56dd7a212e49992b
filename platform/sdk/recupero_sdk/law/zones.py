"""Time zones from the pinned `tzdata` distribution, and which zones a debtor may be in.

The system's own zone files are not used: they may be older than a law that moved a zone
(America/Coyhaique exists only since release 2025b).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
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

    A stated or postal zone that fits the region narrows it (a region may span zones), and so does the zone of
    a number its region; a number of several zones may be in any of them. Evidence that disagrees is kept side
    by side; without any evidence all zones of the country are plausible.
    """
    stated = tuple(zone for zone in (facts.timezone, facts.postal_timezone) if zone)
    zones = _narrowed(pack, facts.region, stated)
    zones += _narrowed(pack, facts.phone_region, zones_listed(facts.phone_timezone))
    return tuple(dict.fromkeys(zones or pack.manifest.zones))


def _narrowed(pack: RegulationPack, code: str | None, zones: tuple[str, ...]) -> tuple[str, ...]:
    """The zones known, and those of the region where none of the known is one of them."""
    region = pack.manifest.regions.get(code or "")
    return zones if region is None or set(zones) & set(region.zones) else (*zones, *region.zones)


def zones_listed(text: str | None) -> tuple[str, ...]:
    """The zones of a text that has commas between them; none of an empty one."""
    return tuple(text.split(",")) if text else ()


@dataclass(frozen=True, slots=True)
class Place:
    """Where a telephone number or postcode points: one region if it is one, and the zones it may be in."""

    region: str | None
    zones: tuple[str, ...]

    @property
    def timezone(self) -> str | None:
        """The zone, if it is one."""
        return self.zones[0] if len(self.zones) == 1 else None


def place_of_phone(pack: RegulationPack, number: str) -> Place | None:
    """Where a number in E.164 form (+56 2 …) belongs, by the longest prefix in pack.yaml; else None."""
    digits = re.sub(r"\D", "", number)
    code = pack.manifest.calling_code or ""
    if not number.strip().startswith("+") or not code or not digits.startswith(code):
        return None
    return _by_prefix(pack, digits.removeprefix(code), "phone_prefixes")


def place_of_postcode(pack: RegulationPack, postcode: str) -> Place | None:
    """Where a postcode lies, by the longest prefix that pack.yaml lists; else None."""
    return _by_prefix(pack, re.sub(r"\W", "", postcode).upper(), "postal_prefixes")


def area_of_postcode(pack: RegulationPack, postcode: str) -> str | None:
    """The area of the pack that a postcode lies in; None where it lies in none."""
    text = re.sub(r"\W", "", postcode).upper()
    for code, area in pack.manifest.areas.items():
        if text and text.startswith(area.postal_prefixes or ("-",)):
            return code
    return None


def _by_prefix(pack: RegulationPack, text: str, kind: str) -> Place | None:
    longest, found = 0, list[str]()
    for code, region in pack.manifest.regions.items():
        fitting = max((len(prefix) for prefix in getattr(region, kind) if text.startswith(prefix)), default=0)
        if fitting > longest:
            longest, found = fitting, [code]
        elif fitting and fitting == longest:
            found.append(code)
    if not found:
        return None
    zones = dict.fromkeys(zone for code in found for zone in pack.manifest.regions[code].zones)
    return Place(found[0] if len(found) == 1 else None, tuple(zones))


def plausible_areas(pack: RegulationPack, facts: Facts, regions: frozenset[str]) -> frozenset[str]:
    """Areas the debtor may live in: those the commune names, else those that the unknown are taken for in."""
    if facts.commune is None:
        return frozenset(
            code
            for code, area in pack.manifest.areas.items()
            if area.where_unknown and not regions.isdisjoint(area.regions)
        )
    named = facts.commune.casefold()
    return frozenset(
        code
        for code, area in pack.manifest.areas.items()
        if named in {code.casefold(), area.name.casefold(), *(name.casefold() for name in area.communes)}
    )


def plausible_regions(pack: RegulationPack, facts: Facts, zones: tuple[str, ...]) -> frozenset[str]:
    """The region where the pack knows it, and that of the phone; otherwise all of the plausible zones."""
    if facts.region in pack.manifest.regions:
        phone = None if pack.manifest.residence_decides else facts.phone_region
        known = {facts.region, phone} & pack.manifest.regions.keys()
        return frozenset(code for code in known if code)
    named = frozenset(
        code for code, region in pack.manifest.regions.items() if not set(region.zones).isdisjoint(zones)
    )
    return named or frozenset(pack.manifest.regions)


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """Where a debtor may be: zones, regions, and the `places` by which rules are chosen.

    `places` holds the regions, the areas, areas the debtor is surely in, and where the agency sits.
    """

    zones: tuple[str, ...]
    regions: frozenset[str]
    places: frozenset[str]


def agency_in(region: str) -> str:
    """The place that stands for an agency of a region."""
    return f"agency:{region}"


def area_in(area: str) -> str:
    """The place that stands for a debtor who may live in an area."""
    return f"area:{area}"


def surely_in(area: str) -> str:
    """The place that stands for a debtor known to live in an area."""
    return f"surely:{area}"


def is_region(place: str) -> bool:
    """Whether a place of `Whereabouts.places` is a region, not an area or a mark."""
    return ":" not in place


def whereabouts(pack: RegulationPack, facts: Facts) -> Whereabouts:
    """Everything that is known of where the debtor is."""
    zones = plausible_zones(pack, facts)
    regions = plausible_regions(pack, facts, zones)
    areas = plausible_areas(pack, facts, regions)
    marks = {surely_in(area) for area in areas} if facts.commune else set()
    if facts.agency_region:
        marks.add(agency_in(facts.agency_region))
    return Whereabouts(zones, regions, regions | {area_in(area) for area in areas} | marks)
