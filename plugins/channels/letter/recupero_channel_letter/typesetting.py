"""A message as a PDF with its address where an envelope's window shows it."""

import hashlib
import json
import re
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path

import typst
from babel import Locale, UnknownLocaleError
from babel.dates import format_date

from recupero_channel_letter.codes import code_of
from recupero_sdk.channels import Message
from recupero_sdk.settings import PluginConfig

_LAYOUT = Path(__file__).with_name("layout.typ")
#: Windows by name: left, top, width and height in mm from the paper's corner (DIN 5008 forms A and B, the
#: window on the right that is usual in Spain and France, a number 10 envelope), then the text beside.
WINDOWS: Mapping[str, tuple[tuple[int, int, int, int], tuple[int, int]]] = {
    "din5008b": ((20, 45, 85, 45), (125, 50)),
    "din5008a": ((20, 27, 85, 45), (125, 32)),
    "right": ((105, 45, 85, 45), (25, 50)),
    "us10": ((22, 51, 102, 29), (130, 52)),
}
PAPERS = {"a4": "a4", "letter": "us-letter"}
_LABELS = {"es": "Referencia:", "en": "Reference:", "pt": "Referência:"}
MOST_LINES, LONGEST_LINE = 6, 44
_PAGE = re.compile(rb"/Type\s*/Page\b")


class Unaddressed(ValueError):
    """The address does not fit a window, or there is none."""


@dataclass(frozen=True, slots=True)
class Printed:
    """A letter as it goes to print; `sheets` of paper."""

    message: Message = field(repr=False)
    code: str
    pages: int
    sheets: int
    pdf: bytes = field(repr=False)

    @property
    def file(self) -> str:
        """The name of its file."""
        return f"{self.code}.pdf"

    @property
    def sha256(self) -> str:
        """Of the file."""
        return hashlib.sha256(self.pdf).hexdigest()


def typeset(message: Message, config: PluginConfig) -> Printed:
    """The letter. Raises `Unaddressed`, and ValueError where its key cannot be printed."""
    code, lines = code_of(message.key), address_lines(message.recipient, message.values.get("name", ""))
    window, beside = WINDOWS[config.get("window", "din5008b")]
    language = message.language.partition("-")[0].partition("_")[0]
    contents = {
        "window": window,
        "beside": beside,
        "paper": PAPERS[config.get("paper", "a4")],
        "language": language if re.fullmatch("[a-z]{2,3}", language) else "en",
        "address": lines,
        "address_size": 10 if len(lines) <= 5 else 9,
        "sender": _line(config.get("return_address")),
        "agency": _line(message.sender_name),
        "date": _date(message.dated or datetime.now(UTC).date(), message.language),
        "reference": code,
        "reference_label": _LABELS.get(language, _LABELS["en"]),
        "subject": _line(message.subject),
        "paragraphs": _paragraphs(message.text),
    }
    inputs = {"letter": json.dumps(contents, ensure_ascii=False)}
    pdf: bytes = typst.compile(_LAYOUT.read_bytes(), sys_inputs=inputs, ignore_system_fonts=True)
    pages = len(_PAGE.findall(pdf))
    sheets = pages if config.get("duplex", "yes") == "no" else (pages + 1) // 2
    return Printed(message, code, pages, sheets, pdf)


def address_lines(address: str, name: str) -> list[str]:
    """The lines in the window: who, then where, as it was written or broken at its commas, or in as few lines
    as it takes where it would not fit otherwise. Raises `Unaddressed`."""
    lines = [_line(line) for line in address.replace("\r", "\n").split("\n")]
    if len(list(filter(None, lines))) == 1 and len(max(lines, key=len)) > LONGEST_LINE // 2:
        lines = [part.strip() for part in max(lines, key=len).split(",")]
    lines = list(filter(None, lines))
    if not any(letter.isalpha() for line in lines for letter in line):
        raise Unaddressed("there is no address")
    who = _line(name)
    names = [who] if who and who.casefold() != lines[0].casefold() else []
    for where in (lines, [", ".join(lines)]):
        broken = [piece for line in [*names, *where] for piece in textwrap.wrap(line, LONGEST_LINE)]
        if len(broken) <= MOST_LINES:
            return broken
    raise Unaddressed(f"the address has {len(broken)} lines; {MOST_LINES} fit the window")


def _paragraphs(text: str) -> list[list[str]]:
    found: list[list[str]] = [[]]
    for line in text.replace("\r\n", "\n").split("\n"):
        if line.strip():
            found[-1].append(_line(line))
        elif found[-1]:
            found.append([])
    return [lines for lines in found if lines]


def _date(day: date, language: str) -> str:
    try:
        locale = Locale.parse(language.replace("-", "_"))
    except (ValueError, UnknownLocaleError):
        locale = Locale("en")
    return format_date(day, "long", locale=locale)


def _line(text: str) -> str:
    """On one line, without what nobody prints."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
