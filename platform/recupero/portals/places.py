"""Countries and time zones to choose from, in the reader's language, out of what Babel knows."""

from collections.abc import Mapping

from babel import Locale
from babel.core import get_global
from flask_babel import get_locale

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
    names = sorted(zone for zone, country in by_country.items() if country in COUNTRIES)
    return [(name, name.replace("_", " ")) for name in names]
