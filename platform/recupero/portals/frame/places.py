"""Countries and time zones to choose from, in the reader's language, out of what Babel knows; regions."""

from collections.abc import Mapping

from babel import Locale
from babel.core import get_global
from flask_babel import get_locale

from recupero.contacts.queries import packs
from recupero.portals.words.language import city, zone_name

#: Countries offered first: the house works in them or prepares to.
COUNTRIES = (
    "AR", "BO", "BR", "CL", "CO", "CR", "DO", "EC", "ES", "GB", "GT", "HN", "MX", "NI", "PA", "PE", "PT",
    "PY", "SV", "US", "UY", "VE",
)  # fmt: skip


def countries() -> list[tuple[str, str]]:
    """Code and name of the offered countries by name."""
    names: Mapping[str, str] = (get_locale() or Locale("en")).territories
    return sorted(((code, names.get(code, code)) for code in COUNTRIES), key=lambda pair: pair[1])


def zones() -> list[tuple[str, str]]:
    """IANA zones of the offered countries."""
    by_country: Mapping[str, str] = get_global("zone_territories")
    names = [zone for zone, country in by_country.items() if country in COUNTRIES]
    said = ((name, f"{city(name)} · {zone_name(name)}") for name in names)
    return sorted(said, key=lambda pair: pair[1])


def region(code: str) -> str:
    """The name of a region (of its ISO 3166-2 code) in its country's pack; the code where none names it."""
    pack = packs().by_country.get(code.partition("-")[0])
    named = pack.manifest.regions.get(code) if pack else None
    return named.name if named else code
