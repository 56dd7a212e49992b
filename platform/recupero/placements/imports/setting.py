"""What a file is read against: the portfolio it goes into, and the day."""

from dataclasses import dataclass
from datetime import date, datetime


@dataclass(frozen=True, slots=True)
class Setting:
    """`today` is the business day in the tenant's zone, `now` the instant that rows are stamped with."""

    agency_id: int
    tenant_id: int
    portfolio_id: int
    country: str
    currency: str
    product: str
    placement_number: int
    today: date
    now: datetime
    waive: bool = False  # a person has looked at the quarantined rows: they are placed


_LANGUAGES = {"BR": "pt", "PT": "pt", "US": "en", "GB": "en", "CA": "en", "AU": "en", "IE": "en", "NZ": "en"}


def language_of(country: str) -> str:
    """Language of a debtor whose file names none: the country's, among es, en and pt."""
    return _LANGUAGES.get(country, "es")
