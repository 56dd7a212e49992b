"""How a text is encoded, and how many segments it takes.

The alphabet is GSM 03.38 (3GPP TS 23.038, 6.2.1): seven bits a character, two characters' room for those
of the extension table. A text with any other character goes as UCS-2, sixteen bits a unit. A text that needs
more than one segment gives up room for the header that joins them (3GPP TS 23.040, 9.2.3.24.1); neither an
extension character nor a pair of surrogates is cut in two.
"""

import unicodedata
from collections.abc import Callable

GSM_7 = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENSION = frozenset("\f^{}\\[~]|€")
_ALPHABET = GSM_7 | EXTENSION
#: (room in a text of one segment, room in each of several)
_GSM_ROOM, _UCS_ROOM = (160, 153), (70, 67)
#: What typesetting writes and a telephone's keypad never could.
_TYPOGRAPHIC = {
    "‘": "'", "’": "'", "‚": ",", "‛": "'", "′": "'", "“": '"', "”": '"', "„": '"', "″": '"', "«": '"',
    "»": '"', "‹": "<", "›": ">", "–": "-", "—": "-", "‑": "-", "‐": "-", "−": "-", "…": "...", "•": "-",
    "·": ".", "\u00a0": " ", "\u2009": " ", "\u202f": " ", "\u200b": "", "\ufeff": "", "\t": " ",
    "ª": "a", "º": "o", "°": "o", "´": "'", "`": "'",
}  # fmt: skip
REPLACING = ("none", "typographic", "accents")


def is_gsm(text: str) -> bool:
    """Whether every character is in the seven-bit alphabet or its extension."""
    return _ALPHABET.issuperset(text)


def segments(text: str) -> int:
    """How many segments a text takes; an empty one takes one."""
    if is_gsm(text):
        return _count([2 if character in EXTENSION else 1 for character in text], _GSM_ROOM)
    return _count([2 if ord(character) > 0xFFFF else 1 for character in text], _UCS_ROOM)


def _count(sizes: list[int], room: tuple[int, int]) -> int:
    alone, joined = room
    if sum(sizes) <= alone:
        return 1
    count, free = 1, joined
    for size in sizes:
        if size > free:
            count, free = count + 1, joined
        free -= size
    return count


def replaced(text: str, how: str) -> str:
    """The text with look-alikes in the seven-bit alphabet, where that makes it fit as a whole; otherwise as
    it was written. `typographic` spares letters; `accents` also takes accents from letters that the alphabet
    has only without (á í ó ú ã õ ç; é and ñ are in it)."""
    if how == "none" or is_gsm(text):
        return text
    plain = _exchanged(text, lambda character: _TYPOGRAPHIC.get(character, character))
    if not is_gsm(plain) and how == "accents":
        composed = unicodedata.normalize("NFC", plain)
        plain = _exchanged(composed, lambda character: unicodedata.normalize("NFD", character)[0])
    return plain if is_gsm(plain) else text


def _exchanged(text: str, instead: Callable[[str], str]) -> str:
    """The text with something else for each character that is not in the alphabet: these are few."""
    for character in set(text) - _ALPHABET:
        text = text.replace(character, instead(character))
    return text
