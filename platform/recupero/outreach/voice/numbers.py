"""Numbers that were said in words, as digits: a date of birth and digits of a document may be heard so."""

import re

from recupero.outreach.understanding.amounts import NUMBERS

_VALUES = {
    **{word: value for word, value in NUMBERS.items() if word != "a"},
    "cero": 0, "zero": 0, "uno": 1, "veintiuno": 21, "dieciséis": 16, "veintidós": 22, "veintitrés": 23,
    "veintiséis": 26, "três": 3, "hundred": 100, "mil": 1000, "thousand": 1000,
}  # fmt: skip
#: First to ninth, and the tens that stand for themselves.
_ORDINALS = {
    "first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5, "sixth": 6, "seventh": 7, "eighth": 8,
    "ninth": 9, "tenth": 10, "eleventh": 11, "twelfth": 12, "thirteenth": 13, "fourteenth": 14,
    "fifteenth": 15, "sixteenth": 16, "seventeenth": 17, "eighteenth": 18, "nineteenth": 19,
    "twentieth": 20, "thirtieth": 30, "primero": 1, "primeiro": 1, "1ero": 1, "1ro": 1, "1º": 1, "1°": 1,
}  # fmt: skip
_ORDINAL = re.compile(
    rf"\b(?:(twenty|thirty)[\s-]+)?({'|'.join(sorted(_ORDINALS, key=len, reverse=True))})(?!\w)",
    re.IGNORECASE,
)
#: "double six", "doble seis", "dois meia": how digits are dictated.
_TWICE = re.compile(r"\b(?:double|doble|duplo)\s+(\w+)", re.IGNORECASE)
_DICTATED = (
    (re.compile(r"\b(?:oh|nought)\b", re.IGNORECASE), "0"),
    (re.compile(r"\bmeia\b", re.IGNORECASE), "6"),
)
_MULTIPLIES = ("hundred", "mil", "thousand")
_WORD = "|".join(sorted(_VALUES, key=len, reverse=True))
_RUN = re.compile(rf"\b(?:{_WORD})\b(?:(?:\s+(?:y|e|and))?[\s-]+(?:{_WORD})\b)*", re.IGNORECASE)
#: "nineteen eighty-five", "veinte diez"
_YEAR_IN_TWO = re.compile(r"\b(19|20) (\d\d)\b(?! \d)")


def in_digits(text: str) -> str:
    """The text with its number words as digits: "dos de abril de mil novecientos ochenta y cinco" becomes
    "2 de abril de 1985", "seis siete ocho cinco" "6 7 8 5": digits that are said one by one stay apart."""
    plain = _ORDINAL.sub(_cardinal, _TWICE.sub(r"\1 \1", text))
    for pattern, digit in _DICTATED:
        plain = pattern.sub(digit, plain)
    return _YEAR_IN_TWO.sub(r"\1\2", _RUN.sub(lambda run: " ".join(map(str, _numbers(run[0]))), plain))


def _cardinal(match: re.Match[str]) -> str:
    tens = {"twenty": 20, "thirty": 30}.get((match[1] or "").casefold(), 0)
    return str(tens + _ORDINALS[match[2].casefold()])


def _numbers(run: str) -> list[int]:
    """The numbers that words in a row say. Each word adds to the number before it where it fits into that."""
    found, room = list[int](), 0
    for word in re.findall(_WORD, run.casefold()):
        value = _VALUES[word]
        if word in _MULTIPLIES and found and 0 < found[-1] < value:
            found[-1] *= value
        elif 0 < value < room:
            found[-1] += value
        else:
            found.append(value)
        room = _room(value)
    return found


def _room(value: int) -> int:
    """Below which a number must be that may follow: eighty takes what is below ten."""
    return next((unit for unit in (1000, 100, 10) if value >= unit and value % unit == 0 and value > 10), 0)
