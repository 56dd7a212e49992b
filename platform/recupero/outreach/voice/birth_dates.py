"""A date of birth, as people say it: "el dos de abril del ochenta y cinco", "April second, nineteen
eighty-five", "zero two, zero four, eighty-five".

The question asks for day, month and year in that order; a month said by its name may stand before the day.
"""

import re
from datetime import date

from recupero.outreach.voice.numbers import in_digits

_MONTHS = (
    r"ene\w*|jan\w*", r"feb\w*|fev\w*", r"mar[czs]?\w*", r"abr\w*|apr\w*", r"may\w*|mai\w*", r"jun\w*",
    r"jul\w*", r"ago\w*|aug\w*", r"se[pt]\w*", r"oct\w*|out\w*", r"nov\w*", r"dic\w*|dec\w*|dez\w+",
)  # fmt: skip
_NAMED = tuple(re.compile(rf"\b(?:{words})\b", re.IGNORECASE) for words in _MONTHS)
_ROWS = (6, 8)  # digits of a whole date in a row, two each for day and month


def birth_date(told: str, today: date) -> date | None:
    """The date that was said; None where it is none, or not all of it."""
    text = in_digits(told)
    named = [number for number, pattern in enumerate(_NAMED, 1) if pattern.search(text)]
    numbers = re.findall(r"\d+", text)
    if len(named) == 1 and len(numbers) == 2:
        day, year = numbers
        return _date(int(day), named[0], year, today)
    if named or not numbers:
        return None
    if len(numbers) == 3 and len(numbers[0]) <= 2 and len(numbers[1]) <= 2:
        return _date(int(numbers[0]), int(numbers[1]), numbers[2], today)
    row = "".join(numbers)
    return _date(int(row[:2]), int(row[2:4]), row[4:], today) if len(row) in _ROWS else None


def _date(day: int, month: int, said: str, today: date) -> date | None:
    """The day of that year; of two digits, the latest year in which it is not ahead."""
    if len(said) not in (1, 2, 4):
        return None
    century = today.year // 100 * 100
    years = [int(said)] if len(said) == 4 else [century + int(said), century - 100 + int(said)]
    days = (_day_of(year, month, day) for year in years)
    return next((found for found in days if found is not None and found <= today), None)


def _day_of(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None
