"""The report's words, dates and numbers in the reader's locale, with or without a web request around."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError, dates, localedata, numbers
from babel.support import NullTranslations, Translations

import recupero
from recupero.kernel.marking import LANGUAGES, N_
from recupero.kernel.money import format_micro, format_minor, minor_units
from recupero.reports.figures import Figure, Unit
from recupero.reports.periods import Period

_CATALOGUES = Path(recupero.__file__).parent / "portals" / "translations"
CHANNELS = {
    "call": N_("Call"),
    "sms": N_("SMS"),
    "email": N_("E-mail"),
    "whatsapp": N_("WhatsApp"),
    "letter": N_("Letter"),
    "visit": N_("Visit"),
    "": N_("No contact known"),
}

CLOSE_CODES = {
    "PIF": N_("Paid in full"),
    "SIF": N_("Settled in full"),
    "CURED": N_("Cured"),
    "CORRECTED": N_("Corrected to zero"),
    "RECALLED": N_("Recalled by the creditor"),
    "SOLD": N_("Sold"),
    "UNTRACEABLE": N_("Cannot be found"),
    "UNECONOMIC": N_("Not economic"),
    "EXHAUSTED": N_("Term reached"),
    "TIME_BARRED": N_("Time-barred"),
    "INSOLVENT": N_("Insolvent"),
    "DECEASED": N_("Deceased"),
    "FRAUD": N_("Fraud"),
    "DISPUTE_UPHELD": N_("Dispute upheld"),
    "CEASED": N_("Contact ceased"),
    "INVALID_DATA": N_("Invalid data"),
    "DUPLICATE": N_("Duplicate"),
    "NOT_ELIGIBLE": N_("Not eligible"),
}


_TENTH_OF_A_PERCENT = Decimal("0.001")


@lru_cache
def _catalogue(language: str) -> NullTranslations:
    return Translations.load(str(_CATALOGUES), [language])


# A report shows thousands of rates and counts, most of them more than once.
@lru_cache(maxsize=20_000)
def _percent(rate: Decimal, locale: str) -> str:
    return str(numbers.format_percent(rate, "#,##0.0%", locale=locale))


@lru_cache(maxsize=20_000)
def _count(value: int, locale: str) -> str:
    return str(numbers.format_decimal(value, locale=locale))


@dataclass(frozen=True, slots=True)
class Words:
    """Translates and formats for one locale, such as `es`, `es_CL` or `pt_BR`."""

    locale: str

    @classmethod
    def of(cls, locale: str, country: str) -> "Words":
        """For a locale as users and tenants have it, with the country's way to write money and dates where
        the locale names none; Spanish where the house does not speak the language."""
        try:
            parsed = Locale.parse(locale.replace("-", "_"))
        except (ValueError, UnknownLocaleError):
            parsed = Locale("es")
        if parsed.language not in LANGUAGES:
            parsed = Locale("es")
        if parsed.territory is None and localedata.exists(f"{parsed.language}_{country}"):
            parsed = Locale(parsed.language, country)
        return cls(str(parsed))

    @property
    def language(self) -> str:
        return self.locale[:2]

    def __call__(self, text: str, **values: object) -> str:
        """The translation of a message id, with `%(name)s` filled in."""
        found = str(_catalogue(self.language).gettext(text))
        return found % values if values else found

    def figure(self, figure: Figure, currency: str) -> str:
        """The figure as people read it; a rate over fewer than 30 with its counts."""
        value = figure.value
        if value is None:
            return "–"
        text = self._value(value, figure.metric.unit, currency)
        if not figure.small:
            return text
        return f"{text} ({self.count(figure.numerator)}/{self.count(figure.denominator or 0)})"

    def _value(self, value: float, unit: Unit, currency: str) -> str:
        if unit is Unit.MONEY:
            return format_minor(int(value), currency, self.locale)
        if unit is Unit.COST:
            return format_micro(round(value), currency, self.locale)
        if unit is Unit.COUNT:
            return self.count(int(value))
        if unit is Unit.DAYS:
            return self(
                N_("%(count)s days"), count=numbers.format_decimal(value, "#,##0.#", locale=self.locale)
            )
        if unit is Unit.HOURS:
            return self(N_("%(count)s h"), count=numbers.format_decimal(value, "#,##0.#", locale=self.locale))
        if unit is Unit.PERCENT:
            return _percent(Decimal(str(value)).quantize(_TENTH_OF_A_PERCENT), self.locale)
        if unit is Unit.PER_THOUSAND:
            return str(numbers.format_decimal(value * 1000, "#,##0.0", locale=self.locale)) + " ‰"
        return str(numbers.format_decimal(value, "#,##0.0", locale=self.locale))

    def count(self, value: int) -> str:
        return _count(value, self.locale)

    def money(self, minor: int, currency: str) -> str:
        return format_minor(minor, currency, self.locale)

    def micro(self, micro: int, currency: str) -> str:
        """What a provider charges, in millionths of the currency's main unit."""
        return format_micro(micro, currency, self.locale)

    def amount(self, minor: int, currency: str) -> str:
        """The number of an amount, without the currency's sign."""
        digits = minor_units(currency)
        pattern = "#,##0" + ("." + "0" * digits if digits else "")
        major = Decimal(minor).scaleb(-digits)
        return str(numbers.format_decimal(major, pattern, locale=self.locale))

    def rate(self, basis_points: int) -> str:
        """A rate as a percentage with two decimals."""
        return str(numbers.format_percent(basis_points / 10_000, "#,##0.00%", locale=self.locale))

    def day(self, day: date) -> str:
        """A date in words: `31 mar 2026`."""
        return str(dates.format_date(day, "medium", locale=self.locale))

    def short_day(self, day: date) -> str:
        """A date in figures."""
        return str(dates.format_date(day, "short", locale=self.locale))

    def month(self, month: date) -> str:
        """Short month and year: `ene 26`."""
        return str(dates.format_date(month, "MMM yy", locale=self.locale)).replace(".", "")

    def period(self, period: Period) -> str:
        """The whole period in words."""
        first, last = (
            str(dates.format_skeleton("yMMMM", day, locale=self.locale))
            for day in (period.first, period.last)
        )
        return first if first == last else f"{first} – {last}"

    def moment(self, at: datetime, zone: str) -> str:
        """Date and time of day in the zone, which is named by its city."""
        local = at.astimezone(ZoneInfo(zone))
        return f"{self.day(local.date())}, {local:%H:%M} ({self.zone(zone)})"

    def zone(self, key: str) -> str:
        """The city whose clocks a time zone goes by."""
        city = dates.get_timezone_location(ZoneInfo(key), locale=self.locale, return_city=True)
        return str(city).rpartition("/")[2]

    def channel(self, code: str) -> str:
        return self(CHANNELS[code]) if code in CHANNELS else code

    def close_code(self, code: str) -> str:
        return self(CLOSE_CODES[code]) if code in CLOSE_CODES else code

    def bucket(self, code: str) -> str:
        """A range of days past due, or where an account went from there."""
        named = {"current": N_("Current"), "paid": N_("Paid"), "written_off": N_("Written off")}
        return self(named[code]) if code in named else code
