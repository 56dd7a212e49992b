"""Open an .xlsx or .xlsm workbook so that a sheet of any length is read in little memory.

The parts of the zip file are read as streams (ECMA-376 part 1, chapter 18): `parts.py` has the parser,
`cells.py` what a cell means. docs/decisions/0007-large-workbooks.md says why no library does this for us.
"""

import re
import zipfile
import zlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Self

from recupero.kernel.errors import UserError
from recupero.placements.imports import parts
from recupero.placements.imports.cells import Grid, Reader
from recupero.placements.imports.strings import SharedStrings

#: Number formats of dates that every spreadsheet knows without their being written down (18.8.30).
_DATES = frozenset({*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)})
_LITERAL = re.compile(r'"[^"]*"|\[[^\]]*\]|[\\_*].')  # of a format: words, colours and conditions, fillers
MAX_RATIO = 200  # unpacked to packed bytes of an honest workbook stay far below; a zip bomb does not
# NotImplementedError is how zipfile refuses a packing method that it does not know.
_TROUBLES = (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, KeyError, ValueError)


@dataclass(frozen=True, slots=True)
class _Sheet:
    name: str
    part: str
    visible: bool


class Workbook:
    """The parts of a workbook. Raises UserError where one is missing or broken. Close it after use."""

    def __init__(self, path: Path) -> None:
        try:
            self._archive = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, OSError):
            raise UserError("the workbook is broken: it is no whole zip file", field="file") from None
        self._entries = {
            entry.filename.replace("\\", "/").lstrip("/").lower(): entry for entry in self._archive.infolist()
        }
        self.unpacked = sum(entry.file_size for entry in self._entries.values())
        packed = max(1, sum(entry.compress_size for entry in self._entries.values()))
        if self.unpacked > 64 * 1024**2 and self.unpacked / packed > MAX_RATIO:
            raise UserError("the workbook unpacks to far too much: save it anew or send CSV", field="file")
        self.rows_at_once = 1
        self.share = 0.0  # of the sheet that has been read
        self._shared = SharedStrings(lambda: self._stream("xl/sharedstrings.xml"))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._archive.close()

    def streams(self) -> bool:
        """Whether this is a workbook of XML parts, which can be read as a stream."""
        return "xl/workbook.xml" in self._entries

    def grids(self, sheet: str | int, decimal: str) -> Iterator[Grid]:
        """The rows of a sheet, `self.rows_at_once` at a time. Numbers are written with `decimal`.

        `sheet` is a name, or a number counted from 0 among the sheets that are shown. Raises UserError.
        """
        chosen, since_1904 = self._chosen(sheet)
        reader = Reader(self._date_styles(), decimal, since_1904=since_1904)
        try:
            with self._stream(chosen.part) as stream:
                size = max(1, self._entries[chosen.part].file_size)
                for grid in reader.grids(stream):
                    self.share = stream.tell() / size
                    yield grid
                    reader.size = self.rows_at_once
        except _TROUBLES as error:
            raise UserError("the workbook is broken: %(reason)s", field="file", reason=error) from None

    def texts(self, wanted: Collection[int]) -> dict[int, str]:
        """Shared strings by their numbers. Raises UserError."""
        try:
            return self._shared.texts(wanted)
        except _TROUBLES as error:
            raise UserError("the workbook is broken: %(reason)s", field="file", reason=error) from None

    def _stream(self, part: str) -> IO[bytes]:
        entry = self._entries.get(part)
        if entry is None:
            raise UserError("the workbook is broken: it has no %(part)s", field="file", part=part)
        if entry.flag_bits & 1:
            raise UserError("the workbook is protected by a password: save it without", field="file")
        return self._archive.open(entry)

    def _chosen(self, wanted: str | int) -> tuple[_Sheet, bool]:
        sheets, since_1904 = self._sheets()
        shown = [sheet for sheet in sheets if sheet.visible]
        if isinstance(wanted, int) and 0 <= wanted < len(shown):
            return shown[wanted], since_1904
        for sheet in sheets:
            if sheet.name == wanted:
                return sheet, since_1904
        names = ", ".join(sheet.name for sheet in shown)
        raise UserError(
            "the workbook has no sheet %(name)s; it has %(names)s",
            field="sheet",
            name=repr(wanted),
            names=names,
        )

    def _sheets(self) -> tuple[list[_Sheet], bool]:
        targets = {
            found["Id"]: _part(found["Target"])
            for found in self._elements("xl/_rels/workbook.xml.rels", "Relationship")
            if found.get("Type", "").endswith("/worksheet")
        }
        since_1904, sheets = False, []
        for found in self._elements("xl/workbook.xml", "sheet", "workbookPr"):
            if "name" not in found:
                since_1904 = found.get("date1904", "0") in {"1", "true"}
                continue
            relation = next((value for key, value in found.items() if key.endswith(":id")), "")
            if relation in targets:
                visible = found.get("state", "visible") == "visible"
                sheets.append(_Sheet(found["name"], targets[relation], visible))
        return sheets, since_1904

    def _elements(self, part: str, *names: str) -> list[dict[str, str]]:
        """The attributes of these elements of a small part."""
        found: list[dict[str, str]] = []

        def start(name: str, attributes: dict[str, str]) -> None:
            if parts.local(name) in names:
                found.append(attributes)

        with self._stream(part) as stream:
            parts.parse(stream, start)
        return found

    def _date_styles(self) -> frozenset[str]:
        """The cell styles (`s` of a cell) that show a number as a date."""
        if "xl/styles.xml" not in self._entries:
            return frozenset()
        formats: dict[str, str] = {}
        styles: list[str] = []
        inside = ""

        def start(name: str, attributes: dict[str, str]) -> None:
            nonlocal inside
            element = parts.local(name)
            if element == "numFmt" and inside == "numFmts":
                formats[attributes["numFmtId"]] = attributes["formatCode"]
            elif element == "xf" and inside == "cellXfs":
                styles.append(attributes.get("numFmtId", "0"))
            elif element in {"numFmts", "cellXfs", "cellStyleXfs", "cellStyles", "dxfs"}:
                inside = element

        with self._stream("xl/styles.xml") as stream:
            parts.parse(stream, start)
        dates = {code for code in set(styles) if _is_date(code, formats)}
        return frozenset(str(place) for place, code in enumerate(styles) if code in dates)


def _is_date(code: str, formats: dict[str, str]) -> bool:
    if code not in formats:
        return code.isdecimal() and int(code) in _DATES
    first = _LITERAL.sub("", formats[code]).partition(";")[0].lower()
    return first != "general" and any(letter in first for letter in "dmyhs")


def _part(target: str) -> str:
    """The place in the zip file of what the workbook refers to."""
    target = target.replace("\\", "/").lower()
    return target.lstrip("/") if target.startswith("/") else f"xl/{target}"
