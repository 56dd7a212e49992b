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
    r"\b(?:el\s+d[íi]a|el|al|antes\s+del|entre\s+el|no\s+dia|d[íi]a|(?:on|by|before)\s+the)\s+(\d{1,2})"
    r"(?:(?:st|nd|rd|th)\b|\b)"
    r"(?!\s*(?:of\b|(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)"
    r"|de\s+(?!este|cada|este mes)|/|-|[.,:]\d|%|cuotas|h\b))",
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
#: Weekdays by their first letters, Monday first.
_WEEKDAYS = (
    r"(?:lun|seg|mon)", r"(?:mart|ter[cç]|tue)", r"(?:mi[eé]r|quar|wed)", r"(?:jue|quin|thu)",
    r"(?:vie|sex|fri)", r"(?:s[aá]b|sat)", r"(?:dom|sun)",
)  # fmt: skip
_WEEKDAY = (
    r"((?:lunes|martes|mi[eé]rcoles|jueves|viernes|s[aá]bado|domingo"
    r"|(?:segunda|ter[cç]a|quarta|quinta|sexta)(?:[- ]feira)?|(?:mon|tues|wednes|thurs|fri|satur|sun)day))"
)
_NEXT_WEEK = (
    r"(?:(?:de|en|na|da)?\s*(?:la\s+)?(?:(?:pr[oó]xima|otra|outra)\s+semana"
    r"|semana\s+(?:que\s+v(?:iene|em)|que\s+entra|siguiente|entrante|seguinte|pr[oó]xima))|(?:of\s+)?next\s+week)"
)
_NAMED: tuple[tuple[re.Pattern[str], Callable[[date], date]], ...] = (
    (
        re.compile(
            r"\bpasado\s+ma[ñn]ana\b|\bma[ñn]ana\s+pasado\b|\bdepois\s+de\s+amanh[ãa]\b"
            r"|\bday\s+after\s+tomorrow\b",
            IGNORECASE,
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
_FIRST_OF_MONTH = re.compile(
    r"\b(?:(?:el|al?|no)\s+)?(?:d[ií]a\s+(?:primero|primeiro|1(?:ero|ro|[º°]))|(?:primero|primeiro)\s+(?=d(?:el?|o)\s"
    r"+(?:mes|m[eê]s|pr[oó]ximo)))\b|\b(?:the\s+)?(?:first|1st)\s+of\s+the\s+month\b",
    IGNORECASE,
)
_FIRST_OF_NEXT = re.compile(r"\bfirst\s+(?=of\s+next\s+month\b)", IGNORECASE)
#: "el jueves de la próxima semana", "next week on Thursday", "a week on Thursday", "Thursday week".
_OF_NEXT_WEEK = re.compile(
    rf"\b{_WEEKDAY},?\s+{_NEXT_WEEK}\b|\b{_NEXT_WEEK},?\s+(?:(?:el|on|na)\s+)?{_WEEKDAY}\b", IGNORECASE
)
_A_WEEK_ON = re.compile(
    rf"\ba\s+week\s+(?:on|from)\s+{_WEEKDAY}\b|\b{_WEEKDAY}\s+week\b|\b{_WEEKDAY}\s+en\s+ocho\b", IGNORECASE
)
_LAST_OF_MONTH = re.compile(
    rf"\b(?:[uú]ltim[oa]|last)\s+{_WEEKDAY}\s+(?:del?|do|d[ea]ste|of)\s+(?:(?:est[ea]|el|the|this)\s+)?{_MONTH}\b",
    IGNORECASE,
)
#: "De hoy en ocho": people count today, too.
_FROM_TODAY = re.compile(r"\b(?:de\s+)?hoy\s+en\s+(ocho|quince)\b", IGNORECASE)
#: What somebody cannot do on a day is no day to wait for, but "I can't before Friday" is.
_CANNOT = re.compile(
    r"\b(?:no\s+(?:puedo|podr[eé]|podr[ií]a|voy\s+a\s+poder|alcanzo|pude)|n[aã]o\s+(?:posso|consigo|vou\s+(?:poder"
    r"|conseguir)|d[aá])|can(?:no|\s+no|['’])?t|(?:could|wo|do)n['’]?t|will\s+not"
    r"|hoy\s+no|hoje\s+n[aã]o|not\s+today|imposible|unable)\b",
    IGNORECASE,
)
_UNTIL = re.compile(r"\b(?:hasta|antes|sino|until|till?|before|at[eé]|reci[eé]n|s[oó])\b", IGNORECASE)
_CLAUSE = re.compile(r"[,.;:!?\n]+|\b(?:pero|mas|but|sino)\b", IGNORECASE)
#: A length of time alone ("llevo 3 meses") says no day; with "ago" it does.
_LENGTH = re.compile(
    r"^\d+\s+(?:d[ií]as?|semanas?|mes(?:es)?|a[nñ]os?|anos?|days?|weeks?|months?|years?|horas?|hours?|minut[eo]s?)"
    r"(?!.*\b(?:ago|atr[aá]s)\b)",
    IGNORECASE,
)
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
#: A day and month without a year that would lie farther ahead lay in the last two months.
_FARTHEST, _AHEAD = timedelta(days=366), timedelta(days=300)


def dates(text: str, *, language: str, today: date, past: bool = False, country: str = "") -> list[date]:
    """The days that the text surely names, the earliest first, each once.

    `today` is that of the debtor. A weekday or a day of the month is the next one, or with `past` the last;
    a day more than a year away is a misreading, and so is one on which somebody cannot pay. In the United
    States 4/5 is the fifth of April, elsewhere the fourth of May.
    """
    rest = text if past else _without_refusals(text)
    rest = _HOURS.sub(" ", _SUMS.sub(" ", rest))
    rest = _FIRST.sub("1 de", _FIRST_OF_MONTH.sub("el 1 ", _FIRST_OF_NEXT.sub("1st ", rest)))
    rest = _SPOKEN_DAY.sub(_in_digits, _DAY_OF_MONTH.sub("", rest))
    days = set[date]()
    for pattern, day in () if past else _AHEAD_OF:
        for match in pattern.finditer(rest):
            days.add(day(today, match))
        rest = pattern.sub(" ", rest)
    for pattern, named in _NAMED:
        if pattern.search(rest):
            days.add(named(today))
            rest = pattern.sub(" ", rest)
    for match in _BARE_DAY.finditer(rest):
        bare = _nearest(today, int(match.group(1)), past=past)
        days |= {bare} if bare else set()
    days.update(_searched(_BARE_DAY.sub(" ", rest), language, today, past=past, country=country))
    return sorted(day for day in days if -_FARTHEST <= day - today <= _AHEAD)


def _without_refusals(text: str) -> str:
    """The text without the clauses that say on which day somebody cannot pay."""
    kept, end = list[str](), 0
    for match in [*_CLAUSE.finditer(text), None]:
        clause = text[end : match.start() if match else len(text)]
        kept.append(" " if _CANNOT.search(clause) and not _UNTIL.search(clause) else clause)
        kept.append(match.group() if match else "")
        end = match.end() if match else end
    return "".join(kept)


def _weekday(match: re.Match[str]) -> int:
    """Which day of the week the match names, Monday 0."""
    name = next(group for group in match.groups() if group)
    return next(place for place, first in enumerate(_WEEKDAYS) if re.match(first, name, IGNORECASE))


def _in_next_week(today: date, match: re.Match[str]) -> date:
    return today + timedelta(days=7 - today.weekday() + _weekday(match))


def _week_after(today: date, match: re.Match[str]) -> date:
    return today + timedelta(days=(_weekday(match) - today.weekday() - 1) % 7 + 8)


def _last_in_month(today: date, match: re.Match[str]) -> date:
    end = _month_end(today)
    return end - timedelta(days=(end.weekday() - _weekday(match)) % 7)


#: Days ahead of which dateparser makes others, or none.
_AHEAD_OF: tuple[tuple[re.Pattern[str], Callable[[date, re.Match[str]], date]], ...] = (
    (_FROM_TODAY, lambda today, match: today + timedelta(days=7 if match[1].casefold() == "ocho" else 14)),
    (_AFTER, lambda today, match: today + _length(match[1].casefold(), match[2].casefold())),
    (_LAST_OF_MONTH, _last_in_month),
    (_A_WEEK_ON, _week_after),
    (_OF_NEXT_WEEK, _in_next_week),
)


def _in_digits(match: re.Match[str]) -> str:
    return f"{match[1]} {_SPOKEN[match[2].casefold()]}"


def _length(number: str, unit: str) -> timedelta:
    count = int(number) if number.isdecimal() else _NUMBERS[number]
    return timedelta(weeks=count) if unit.startswith(("semana", "week")) else timedelta(days=count)


def _searched(text: str, language: str, today: date, *, past: bool, country: str) -> list[date]:
    from dateparser.search import search_dates

    found = search_dates(
        text, languages=[language],
        settings={
            "RELATIVE_BASE": datetime.combine(today, time(12)),
            "DATE_ORDER": "MDY" if language == "en" and country == "US" else "DMY",
            "PREFER_DATES_FROM": "past" if past else "future",
        },
    )  # fmt: skip
    return [at.date() for words, at in found or () if _SURE.search(words) and not _LENGTH.search(words)]


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
