"""The reference code of a letter: the message's key with two check digits (ISO 7064, MOD 97-10, as in an
IBAN), so that a wrongly typed one is noticed: `7-41` is `7-41-44`."""

import re

_KEY = re.compile(r"[0-9A-Z]+(-[0-9A-Z]+)*")
_VALUES = {letter: str(value) for value, letter in enumerate("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ-")}
LONGEST = 40


def code_of(key: str) -> str:
    """The code that is printed. Raises ValueError for a key that cannot be."""
    if len(key) > LONGEST or not _KEY.fullmatch(key):
        raise ValueError("the key cannot be printed as a code")
    return f"{key}-{98 - _remainder(key, '00'):02d}"


def is_code(text: str) -> bool:
    """Whether the text is a code with the right check digits."""
    key, _, check = text.rpartition("-")
    right = len(key) <= LONGEST and _KEY.fullmatch(key) and len(check) == 2 and check in _CHECKS
    return bool(right) and _remainder(key, check) == 1


_CHECKS = frozenset(f"{number:02d}" for number in range(2, 99))


def _remainder(key: str, check: str) -> int:
    return int("".join(_VALUES[letter] for letter in key) + check) % 97
