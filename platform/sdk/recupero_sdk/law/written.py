"""Days and zones of the checks' details, as people write them in the languages of `reasons`."""

from __future__ import annotations

import re

_DAY = re.compile(r"(\d{4})-(\d\d)-(\d\d)( \d\d:\d\d)?")
_MONTHS: tuple[tuple[str, ...], ...] = (
    (
        "enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto", "septiembre", "octubre",
        "noviembre", "diciembre",
    ),
    (
        "January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
        "November", "December",
    ),
    (
        "janeiro", "fevereiro", "março", "abril", "maio", "junho", "julho", "agosto", "setembro", "outubro",
        "novembro", "dezembro",
    ),
)  # fmt: skip
_DATES = ("{day} de {month} de {year}", "{day} {month} {year}", "{day} de {month} de {year}")


def day(text: str, column: int) -> str:
    """A detail that is a day, `2026-03-05` or `2026-03-05 18:00`, as people write it (5 de marzo de 2026,
    18:00) in the language at the `column` of `reasons.LANGUAGES`; any other detail as it is."""
    found = _DAY.fullmatch(text)
    if found is None:
        return text
    year, month, day_of_month, time = found.groups()
    shown = _DATES[column].format(day=int(day_of_month), month=_MONTHS[column][int(month) - 1], year=year)
    return f"{shown},{time}" if time else shown


def city(zone: str) -> str:
    """The city that an IANA zone is named after: `America/Argentina/Buenos_Aires` is Buenos Aires."""
    return zone.rpartition("/")[2].replace("_", " ")
