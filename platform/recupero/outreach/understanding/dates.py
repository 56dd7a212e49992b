"""Days named in a message. What is vague ("next month", "in March") is none.

dateparser reads them; it does not know the days on which people are paid, the day after tomorrow in Spanish
and Portuguese, nor a bare day of the month, so these few are taken out first.
"""

import re
from calendar import monthrange
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from re import IGNORECASE

from recupero.outreach.understanding.amounts import NUMBERS

_SUMS = re.compile(
    r"(?:[$€£]|s/\.?)\s*[\d.,]+|\b\d{1,3}(?:[.,]\d{3})+\b"
    r"|\b\d+\s*(?:mil|lucas|cuotas|parcelas|pesos|soles|euros|reais|bucks|quid)\b",
    IGNORECASE,
)
_HOURS = re.compile(
    r"\b(?:por|en|a|de|toda)\s+la\s+(?:ma[ñn]ana|tarde|noche)\b|\b(?:de|da|pela)\s+manh[ãa]\b"
    r"|\b(?:a|desde|despu[eé]s de|tipo|depois d)\s*las?\s+\d{1,2}(?::\d\d)?(?:\s*[ap]\.?m\b\.?)?"
    r"|\b(?:after|before|at|until)\s+\d{1,2}(?::\d\d)?(?:\s*[ap]m\b)?|\bdepois das \d{1,2}h?\b",
    IGNORECASE,
)
_BARE_DAY = re.compile(
    r"\b(?:el\s+d[íi]a|el|al|no\s+dia|d[íi]a)\s+(\d{1,2})\b"
    r"(?!\s*(?:de\s+(?!este|cada|este mes)|/|-|[.,:]\d|%|cuotas|h\b))",
    IGNORECASE,
)
#: What dateparser found is believed only where it names a day, not a month or a length of time alone.
_SURE = re.compile(
    r"\d|lunes|martes|mi[eé]rcoles|jueves|viernes|s[aá]bado|domingo|hoy|ma[ñn]ana|ayer|segunda|ter[cç]a"
    r"|quarta|quinta|sexta|hoje|amanh[ãa]|ontem|day\b|tomorrow|tonight",
    IGNORECASE,
)
_MONTH_END = (
    r"(?:fin(?:es|al|ales)?|fim|end|[uú]ltimo\s+d[ií]a|last\s+day)\s+(?:del?|do|deste|of)(?:\s+(?:the|el))?"
)
_MONTH = r"(?:mes|m[eê]s|month)"
_NEXT, _NEXT_AFTER = r"(?:pr[oó]ximo|next)\s+", r"(?:que\s+v(?:iene|em)|siguiente|entrante|seguinte)"
_NAMED: tuple[tuple[re.Pattern[str], Callable[[date], date]], ...] = (
    (
        re.compile(
            r"\bpasado\s+ma[ñn]ana\b|\bdepois\s+de\s+amanh[ãa]\b|\bday\s+after\s+tomorrow\b", IGNORECASE
        ),
        lambda today: today + timedelta(days=2),
    ),
    (
        re.compile(r"\bantes\s+de\s+ayer\b|\banteayer\b|\banteontem\b", IGNORECASE),
        lambda today: today - timedelta(days=2),
    ),
    (
        re.compile(rf"\b{_MONTH_END}\s+(?:{_NEXT}{_MONTH}|{_MONTH}\s+{_NEXT_AFTER})\b", IGNORECASE),
        lambda today: _month_end(_month_end(today) + timedelta(days=1)),
    ),
    (
        re.compile(rf"\b{_MONTH_END}\s+(?:est[ea]\s+|this\s+)?{_MONTH}\b", IGNORECASE),
        lambda today: _month_end(today),
    ),
    (
        re.compile(r"\bquincena\b", IGNORECASE),
        lambda today: _in_month(today, 15) if today.day <= 15 else _month_end(today),
    ),
)  # fmt: skip
#: A length of time that says a day: "in two weeks", "dentro de 10 días", "daqui a dez dias".
_AFTER = re.compile(
    r"\b(?:en|dentro\s+de|in|within|em|daqui\s+a)\s+"
    r"(\d{1,2}|una?|uma?|an?|one|dos|dois|duas|two|tres|tr[eê]s|three|cuatro|quatro|four|cinco|five|seis|six"
    r"|siete|sete|seven|ocho|oito|eight|diez|dez|ten|quince|quinze|fifteen)\s+"
    r"(d[ií]as?|days?|semanas?|weeks?)\b",
    IGNORECASE,
)
_NUMBERS = {
    "un": 1, "una": 1, "um": 1, "uma": 1, "a": 1, "an": 1, "one": 1, "dos": 2, "dois": 2, "duas": 2, "two": 2,
    "tres": 3, "três": 3, "three": 3, "cuatro": 4, "quatro": 4, "four": 4, "cinco": 5, "five": 5, "seis": 6,
    "six": 6, "siete": 7, "sete": 7, "seven": 7, "ocho": 8, "oito": 8, "eight": 8, "diez": 10, "dez": 10,
    "ten": 10, "quince": 15, "quinze": 15, "fifteen": 15,
}  # fmt: skip
#: The first of a month has a name of its own; a day with its month needs no word before it.
_FIRST = re.compile(r"\b(?:primero|primeiro|1(?:ero|ro|[º°o]))\s+de\b", IGNORECASE)
_DAY_OF_MONTH = re.compile(r"\b(?:no\s+)?dia\s+(?=\d{1,2}\s+de\s+[^\W\d])", IGNORECASE)
#: As people say it aloud: "el veinte", "no dia quinze", "el treinta y uno".
_SPOKEN = {
    **{word: number for word, number in NUMBERS.items() if 2 <= number <= 30},
    "dieciséis": 16, "veintidós": 22, "veintitrés": 23, "veintiséis": 26, "veintiuno": 21,
    "treinta y uno": 31, "vinte e um": 21, "trinta e um": 31,
    **{f"vinte e {word}": 20 + ones for word, ones in NUMBERS.items() if 2 <= ones <= 9},
}  # fmt: skip
_SPOKEN_DAY = re.compile(
    rf"\b(el|el\s+d[íi]a|al|d[íi]a)\s+({'|'.join(sorted(_SPOKEN, key=len, reverse=True))})\b"
    r"(?!\s*(?:por\s+c|%|mil|cuotas|parcelas|pesos|soles|euros|reais|y\s|e\s))",
    IGNORECASE,
)
_FARTHEST = timedelta(days=366)


def dates(text: str, *, language: str, today: date, past: bool = False) -> list[date]:
    """The days that the text surely names, the earliest first, each once.

    `today` is that of the debtor. A weekday or a day of the month is the next one, or with `past` the last;
    a day more than a year away is a misreading.
    """
    rest, days = _HOURS.sub(" ", _SUMS.sub(" ", text)), set[date]()
    rest = _SPOKEN_DAY.sub(_in_digits, _DAY_OF_MONTH.sub("", _FIRST.sub("1 de", rest)))
    for match in () if past else _AFTER.finditer(rest):
        days.add(today + _length(match[1].casefold(), match[2].casefold()))
    rest = _AFTER.sub(" ", rest)
    for pattern, day in _NAMED:
        if pattern.search(rest):
            days.add(day(today))
            rest = pattern.sub(" ", rest)
    for match in _BARE_DAY.finditer(rest):
        bare = _nearest(today, int(match.group(1)), past=past)
        days |= {bare} if bare else set()
    days.update(_searched(_BARE_DAY.sub(" ", rest), language, today, past=past))
    return sorted(day for day in days if abs(day - today) <= _FARTHEST)


def _in_digits(match: re.Match[str]) -> str:
    return f"{match[1]} {_SPOKEN[match[2].casefold()]}"


def _length(number: str, unit: str) -> timedelta:
    count = int(number) if number.isdecimal() else _NUMBERS[number]
    return timedelta(weeks=count) if unit.startswith(("semana", "week")) else timedelta(days=count)


def _searched(text: str, language: str, today: date, *, past: bool) -> list[date]:
    from dateparser.search import search_dates

    found = search_dates(
        text, languages=[language],
        settings={
            "RELATIVE_BASE": datetime.combine(today, time(12)),
            "DATE_ORDER": "MDY" if language == "en" else "DMY",
            "PREFER_DATES_FROM": "past" if past else "future",
        },
    )  # fmt: skip
    return [at.date() for words, at in found or () if _SURE.search(words)]


def _month_end(today: date) -> date:
    return _in_month(today, monthrange(today.year, today.month)[1])


def _in_month(today: date, day: int) -> date:
    return today.replace(day=day)


def _nearest(today: date, day: int, *, past: bool) -> date | None:
    """The next, or last, month's day of that number, today included; None where no month nearby has it."""
    for step in range(3):
        month = today.year * 12 + today.month - 1 + (-step if past else step)
        year, place = month // 12, month % 12 + 1
        if 1 <= day <= monthrange(year, place)[1]:
            found = date(year, place, day)
            if (found <= today) if past else (found >= today):
                return found
    return None
