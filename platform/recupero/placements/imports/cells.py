"""What the cells of a sheet mean, as the text that a mapping expects."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import IO

from recupero.kernel.errors import UserError
from recupero.placements.imports.collecting import pieces
from recupero.placements.imports.strings import MAX_TEXT

MAX_PLACE = 16_384  # columns of a sheet, whatever the file says
_DIGITS = "0123456789"
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")  # a character that XML cannot hold, or a literal underscore
_LAST_DAY = 2_958_465  # 31 December 9999


@dataclass(slots=True)
class Grid:
    """Rows of a sheet by columns. `numbers` are the rows as the spreadsheet shows them; `columns` have the
    letters of each column that holds anything and a cell for each row: text, None where empty, or the number
    of a shared string. `shared` are all of these numbers."""

    numbers: list[int]
    columns: dict[str, list[str | int | None]]
    shared: set[int]


class Reader:
    """Reads one sheet. `date_styles` are the styles that show numbers as dates. `size` is how many rows the
    next grid has; it may be changed between grids."""

    def __init__(self, date_styles: frozenset[str], decimal: str, *, since_1904: bool) -> None:
        self.size = 1
        self._date_styles, self._decimal = date_styles, decimal
        self._since_1904 = since_1904
        self._days: dict[str, str] = {}

    def grids(self, stream: IO[bytes]) -> Iterator[Grid]:
        """The rows that have cells, in their order. Raises UserError on a sheet that is none, ValueError
        where a cell names a shared string by no number."""
        grid, size = Grid([], {}, set()), self.size
        columns, numbers, shared = grid.columns, grid.numbers, grid.shared
        column: list[str | int | None] | None = None
        letters, kind, style, text, number, line = "", "n", None, "", 0, -1
        for found in pieces(stream):
            for piece in found:
                if isinstance(piece, str):
                    text = text + piece if text else piece
                    continue
                if text:
                    if column is not None and not text.isspace():  # a file may have blanks between its cells
                        if kind == "s":
                            index = column[line] = int(text)
                            shared.add(index)
                        else:
                            column[line] = self._value(kind, style, text, number)
                    text = ""
                if isinstance(piece, dict):
                    reference = piece.get("r")
                    letters = reference.rstrip(_DIGITS) if reference else _after(letters)
                    column = columns.get(letters)
                    if column is None:
                        place_of(letters)
                        column = columns[letters] = [None] * size
                    kind, style = piece.get("t", "n"), piece.get("s")
                    continue
                if len(numbers) == size:
                    yield grid
                    grid, size = Grid([], {}, set()), self.size
                    columns, numbers, shared = grid.columns, grid.numbers, grid.shared
                number = _next(piece[0].get("r"), number)
                numbers.append(number)
                letters, column, line = "", None, len(numbers) - 1
            if len(text) > MAX_TEXT:
                raise _too_long(number)
        if text and column is not None and not text.isspace():
            column[line] = int(text) if kind == "s" else self._value(kind, style, text, number)
            shared.update({int(text)} if kind == "s" else ())
        yield Grid(numbers, {name: cells[: len(numbers)] for name, cells in columns.items()}, shared)

    def _value(self, kind: str, style: str | None, text: str, number: int) -> str | None:
        if kind == "inlineStr" or kind == "str":
            if len(text) > MAX_TEXT:
                raise _too_long(number)
            return _ESCAPED.sub(_unescaped, text) if "_x" in text else text
        if kind == "n":
            if style in self._date_styles:
                return self._day(text)
            return text if len(text) < 16 and text.isdecimal() else self._number(text)
        if kind == "b":
            return "true" if text.strip() in {"1", "true"} else "false"
        if kind == "e":  # a formula that failed has no value
            return None
        if kind == "d":
            return text.strip()[:10]
        return text

    def _number(self, text: str) -> str:
        """As a spreadsheet shows it in a wide cell: fifteen digits, the rest is noise of its arithmetic."""
        value = float(text)
        if value.is_integer() and abs(value) < 1e15:
            return str(int(value))
        return format(value, ".15g").replace(".", self._decimal)

    def _day(self, text: str) -> str:
        """ISO date of a serial number; a time without a day is shown as a time."""
        known = self._days.get(text)
        if known is None:
            known = self._days[text] = self._fresh_day(float(text), text)
            if len(self._days) > 100_000:  # times of day make every one different
                self._days.clear()
        return known

    def _fresh_day(self, serial: float, text: str) -> str:
        whole = int(serial)
        if not 0 <= serial <= _LAST_DAY:
            return self._number(text)
        if whole == 0 and not self._since_1904:
            minutes = round(serial * 24 * 60)
            return f"{minutes // 60:02}:{minutes % 60:02}"
        if self._since_1904:
            return (date(1904, 1, 1) + timedelta(days=min(whole, _LAST_DAY - 1462))).isoformat()
        # Excel counts a 29 February 1900 that never was, so days before it are one further on
        return (date(1899, 12, 30 if whole >= 60 else 31) + timedelta(days=whole)).isoformat()


def place_of(letters: str) -> int:
    """The place of a column by its letters: A is 0. Raises UserError beyond what a sheet can have."""
    place = 0
    for letter in letters.upper():
        place = place * 26 + ord(letter) - 64
        if place > MAX_PLACE or not "A" <= letter.upper() <= "Z":
            raise UserError(
                "the sheet has a cell in column %(name)s, which no sheet has", field="file", name=letters[:8]
            )
    return place - 1


def _after(letters: str) -> str:
    """The letters of the next column."""
    place, after = place_of(letters) + 2, ""
    while place:
        place, rest = divmod(place - 1, 26)
        after = chr(65 + rest) + after
    return after


def _too_long(number: int) -> UserError:
    return UserError("a cell is longer than %(limit)s characters", field="file", row=number, limit=MAX_TEXT)


def _next(stated: str | None, before: int) -> int:
    number = before + 1 if stated is None else int(stated)
    if number <= before:
        raise UserError(
            "the rows of the sheet are not in their order: save it anew", field="file", row=number
        )
    return number


def _unescaped(found: re.Match[str]) -> str:
    return chr(int(found[1], 16)).replace("\x00", "")
