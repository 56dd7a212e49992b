"""What a room refused, in the reader's language."""

from datetime import date

from flask_babel import gettext

from recupero.kernel.errors import InLanguages, Quoted, UserError, Words, fill
from recupero.portals.words.language import day, language, number
from recupero.portals.words.words import as_told, label


def said(error: UserError) -> str:
    """The error as a page says it: a sentence, codes in words, dates and numbers as the reader writes them,
    and the row of the file where it is about one."""
    text: str = gettext(error.template)
    values = {name: _as_read(value) for name, value in error.values.items()}
    sentence = fill(text[:1].upper() + text[1:], values)
    if error.row is None:
        return sentence
    placed: str = gettext("Row %(row)s: %(what)s", row=error.row, what=sentence)
    return placed


def told(error: UserError) -> str:
    """The error as the API tells it: in the language asked for, codes, dates and numbers as the API writes
    them."""
    values = {
        name: _as_read(value) if isinstance(value, InLanguages | Quoted) or _says_more(value) else value
        for name, value in error.values.items()
    }
    return fill(gettext(error.template), values)


def _says_more(value: object) -> bool:
    """Words that are told as words also where codes are written."""
    return isinstance(value, Words) and bool(value.english)


def _as_read(value: object) -> object:
    if isinstance(value, Words):
        return ", ".join(label(value.kind, code) for code in value.codes)
    if isinstance(value, InLanguages):
        return value.texts[language()]
    if isinstance(value, Quoted):
        return as_told(value.text)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return number(value)
    return day(value) if isinstance(value, date) else value
