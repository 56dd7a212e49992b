"""In which language, locale and time zone a page speaks: the switch, the user's own setting, the browser."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from babel import Locale, localedata
from babel.dates import format_skeleton, get_timezone_location, get_timezone_name
from babel.dates import format_time as format_time_of
from babel.numbers import format_compact_decimal, format_percent
from babel.numbers import format_decimal as format_plain
from flask import g, has_request_context, request, session
from flask_babel import (
    Babel,
    Domain,
    format_date,
    format_decimal,
    format_time,
    format_timedelta,
    get_locale,
)
from flask_babel import gettext as _
from jinja2 import pass_context
from jinja2.runtime import Context

from recupero.kernel import rest, runtime
from recupero.kernel.money import Money, format_micro, format_minor, minor_units
from recupero.placements.products import name_of
from recupero.tenancy import queries as tenancy
from recupero.tenancy.guard import current_caller

LANGUAGES = (("es", "Español"), ("en", "English"), ("pt", "Português"))
CODES = tuple(code for code, _name in LANGUAGES)


#: Dates as forms and statements write them, where the locale's own is a phrase: 23 de nov. de 2026.
_DAYS = {"pt": "dd/MM/yyyy"}
#: The end of a time of day as some countries write it, and the full stop of the sentence behind it.
_TWO_STOPS = re.compile(r"(\b[ap]\.\s?m\.)\.(?!\.)")


def one_stop(text: str) -> str:
    """A sentence without its own full stop where it ends in a time that has one: a las 3:00 p. m."""
    return type(text)(_TWO_STOPS.sub(r"\1", text)) if ".." in text else text


class _Counts(Domain):  # type: ignore[misc]  # flask-babel has no types
    """Texts about a number write it as the reader does, unless the caller wrote it already; those that end in
    a time of day end in one full stop."""

    def gettext(self, string: str, **variables: Any) -> str:
        text: str = super().gettext(string, **variables)
        return one_stop(text)

    def ngettext(self, singular: str, plural: str, num: int, **variables: Any) -> str:
        text: str = self.get_translations().ungettext(singular, plural, num)
        return text % {"num": number(num), **variables}


class _Babel(Babel):  # type: ignore[misc]  # flask-babel has no types
    @cached_property
    def domain_instance(self) -> Domain:
        return _Counts(domain=self.domain)


def ended(gettext: Any) -> Callable[..., str]:
    """The same for what templates say: their own `gettext`, which knows nothing of domains."""

    @pass_context
    def said(context: Context, string: str, *args: Any, **variables: Any) -> str:
        text: str = gettext(context, string, *args, **variables)
        return one_stop(text)

    return said


def counted(ngettext: Any) -> Callable[..., str]:
    """The same for what templates say: their own `ngettext`, which knows nothing of domains."""

    @pass_context
    def said(context: Context, singular: str, plural: str, num: int, **variables: Any) -> str:
        text: str = ngettext(context, singular, plural, num, **{"num": number(num), **variables})
        return text

    return said


babel = _Babel()


@dataclass(frozen=True, slots=True)
class Brand:
    """Whose pages these are: the agency of staff, the creditor of its users. `country` ISO 3166-1."""

    name: str
    country: str | None
    timezone: str


PLATFORM_BRAND = Brand("Recupero", None, "UTC")


def brand() -> Brand:
    """The house the caller belongs to, read once per request; the platform's own for strangers."""
    if "brand" not in g:
        g.brand = _find_brand()
    found: Brand = g.brand
    return found


def wear(found: Brand) -> None:
    """Show this request's page as of `found`: for pages whose reader is not signed in, such as a debtor's."""
    g.brand = found


def _find_brand() -> Brand:
    caller = current_caller()
    if caller is None:
        return PLATFORM_BRAND
    with runtime.current().database.transaction(caller.scope) as session_:
        house = tenancy.tenant(session_) if caller.is_creditor else tenancy.agency(session_)
        return Brand(house.name, house.country, house.timezone)


def switch_language() -> None:
    """Keep `?lang=` for the rest of the session."""
    wanted = request.args.get("lang")
    if wanted in CODES:
        session["language"] = wanted


def language() -> str:
    """es, en or pt: the switch in this session, else the user's own, else the browser's, else Spanish. On the
    API what `Accept-Language` asks for, else English."""
    if _asked_by_program():
        return _preferred("en")
    chosen = session.get("language")
    if chosen in CODES:
        return str(chosen)
    caller = current_caller()
    if caller is not None and caller.locale[:2] in CODES:
        return caller.locale[:2]
    return _preferred("es")


def _preferred(default: str) -> str:
    """The first language of ours in `Accept-Language`, whatever the country: es-CL is Spanish."""
    for asked, quality in request.accept_languages:
        code = asked.partition("-")[0].lower()
        if quality > 0 and code in CODES:
            return code
    return default


def _asked_by_program() -> bool:
    return request.path.startswith(rest.PREFIX)


def locale() -> str | None:
    """Language with the country's way to write dates and money, where there is one: es and CL give es_CL."""
    if not has_request_context():
        return None
    code = language()
    country = None if _asked_by_program() else brand().country
    full = f"{code}_{country}"
    return full if country and localedata.exists(full) else code


def timezone() -> str | None:
    """The zone in which the reader's house works."""
    return brand().timezone if has_request_context() else None


def money(minor: int | None, currency: str) -> str:
    """Minor units as the reader writes them."""
    return "–" if minor is None else format_minor(minor, currency, str(get_locale() or "es"))


def about(minor: int | None, currency: str) -> str:
    """An expected amount, which is known to no cent: in whole units of the currency."""
    unit = 10 ** minor_units(currency)
    return money(None if minor is None else round(minor / unit) * unit, currency)


def country(code: str | None) -> str:
    """A country's name (of its ISO 3166-1 code) in the reader's language."""
    return "–" if not code else str((get_locale() or Locale("es")).territories.get(code, code))


def language_name(code: str) -> str:
    """A language (of its ISO 639-1 code) in the reader's own."""
    return str((get_locale() or Locale("es")).languages.get(code, code))


def plain_money(minor: int, currency: str) -> str:
    """An amount as the reader would type it."""
    locale = get_locale() or Locale("en")
    text: str = format_plain(Money(minor, currency).major(), locale=locale, group_separator=False)
    return text


def micro(amount: int, currency: str) -> str:
    """Millionths of the main unit, as what costs less than a coin is written."""
    return format_micro(amount, currency, str(get_locale() or "es"))


def day(value: date | datetime | None) -> str:
    written = get_locale()
    return "–" if value is None else str(format_date(value, _DAYS.get(str(written)[:2], "medium")))


def moment(value: datetime | None) -> str:
    """Date and time of day in the reader's zone."""
    return "–" if value is None else f"{day(value)}, {format_time(value, 'short')}"


def hour(value: datetime) -> str:
    """The time of day in the reader's zone."""
    return str(format_time(value, "short"))


def month_name(value: date) -> str:
    """The month in a short word."""
    text: str = format_date(value, "MMM")
    return text


def day_and_month(value: date) -> str:
    """Day and month in figures, as narrow as can be."""
    return format_skeleton("Md", value, locale=get_locale() or Locale("es"))


def compact(value: float) -> str:
    """A large number in a few letters: 1.2 M."""
    return str(format_compact_decimal(value, locale=get_locale() or Locale("es"), fraction_digits=1))


def short_day(value: date) -> str:
    """Weekday, day and month in a few letters."""
    text: str = format_date(value, "EEE d MMM")
    return text


def zone_name(key: str) -> str:
    """A time zone as people call it: hora de Chile."""
    return get_timezone_name(ZoneInfo(key), locale=get_locale() or "es")


def city(key: str) -> str:
    """The city that a time zone is named after, for sentences and lists of several: Ciudad de México."""
    named = get_timezone_location(ZoneInfo(key), locale=get_locale() or "es", return_city=True)
    return str(named).rpartition("/")[2]


def own_hour(value: datetime) -> str:
    """The time of day as a clock in the moment's own zone shows it."""
    return str(format_time_of(value, "short", tzinfo=value.tzinfo, locale=get_locale() or "es"))


def wall(value: datetime, zone: str, end: bool = False) -> str:
    """The time of day on a clock in `zone`; the `end` of a day is 24:00."""
    local = value.astimezone(ZoneInfo(zone))
    return "24:00" if end and (local.hour, local.minute) == (0, 0) else f"{local:%H:%M}"


def iso_day(text: str | None) -> str:
    """A date written YYYY-MM-DD, as rules carry it."""
    return day(date.fromisoformat(text) if text else None)


def duration(value: timedelta) -> str:
    text: str = format_timedelta(value, threshold=1.5)
    return text


def number(value: float | None) -> str:
    return "–" if value is None else format_decimal(value)


def figure(value: float, digits: int = 3) -> str:
    """A number with up to `digits` decimals."""
    text: str = format_plain(round(value, digits) + 0.0, locale=get_locale(), decimal_quantization=False)
    return text


def percent(value: float | None, digits: int = 1) -> str:
    """A ratio as a percentage with `digits` decimals."""
    if value is None:
        return "–"
    text: str = format_percent(round(value, digits + 2), locale=get_locale(), decimal_quantization=False)
    return text


def yes_no(value: bool) -> str:
    return str(_("yes") if value else _("no"))


def product(code: str | None) -> str:
    """What people read for a product."""
    return name_of(code, language())


FILTERS = {
    "hour": hour, "own_hour": own_hour,
    "money": money, "about": about, "micro": micro, "country": country,
    "day": day, "iso_day": iso_day, "moment": moment, "number": number,
    "figure": figure,
    "percent": percent, "product": product,
    "yes_no": yes_no, "duration": duration, "month_name": month_name, "short_day": short_day, "wall": wall,
    "zone_name": zone_name, "city": city,
}  # fmt: skip
