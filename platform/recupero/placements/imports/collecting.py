"""Cells and strings of a workbook in the order of the file: the inner loop of reading it.

For speed there is no call at the end of an element: text counts to what was begun last.
"""

from collections.abc import Iterator
from typing import IO
from xml.parsers.expat import XMLParserType

from recupero.kernel.errors import UserError
from recupero.placements.imports import parts

#: What a part consists of: attributes begin a cell or string, a tuple of attributes begins a row, text
#: belongs to what was begun last.
Piece = dict[str, str] | tuple[dict[str, str]] | str

MAX_TOKEN = 32 * 1024**2
_OTHER, _ITEM, _ROW, _TEXT, _RUN, _PHONETIC, _AROUND = range(7)
_KINDS = {"c": _ITEM, "si": _ITEM, "row": _ROW, "v": _TEXT, "t": _TEXT, "r": _RUN, "rPh": _PHONETIC,
          "is": _AROUND}  # fmt: skip


def pieces(stream: IO[bytes]) -> Iterator[list[Piece]]:
    """The pieces of a sheet or of the shared strings, as many at a time as a block of the file has. The list
    is emptied when the next one is asked for.

    Formulas, phonetic hints and whatever else is in the part are left out. Raises UserError.
    """
    found: list[Piece] = []
    parser, idle = parts.new_parser(), 0
    _collect(parser, found)
    while block := stream.read(parts.BLOCK):
        parts.feed(parser, block)
        idle = 0 if found else idle + len(block)
        if idle > MAX_TOKEN:
            raise UserError("the workbook has a part that never ends: save it anew or send CSV", field="file")
        yield found
        found.clear()
    parts.feed(parser, b"")
    yield found


def _collect(parser: XMLParserType, found: list[Piece]) -> None:
    """Let the parser fill `found`. Variables of a function are faster than those of an object."""
    append = found.append
    kinds = dict(_KINDS)
    phonetic, reading = False, True

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal phonetic, reading
        kind = kinds.get(name)
        if kind is None:
            kind = kinds[name] = _KINDS.get(parts.local(name), _OTHER)
        if kind == _ITEM:
            append(attributes)
            phonetic = False
        elif kind == _TEXT:
            if not (reading or phonetic):
                parser.CharacterDataHandler = append
                reading = True
        elif kind == _ROW:
            append((attributes,))
        elif kind == _RUN:
            phonetic = False
            parser.EndElementHandler = end  # blanks between the runs of a text are none of it
        elif kind != _AROUND:
            phonetic, reading = kind == _PHONETIC, False
            parser.CharacterDataHandler = None

    def end(name: str) -> None:
        nonlocal reading
        kind = kinds[name]
        if kind == _TEXT:
            parser.CharacterDataHandler = None
            reading = False
        elif kind == _ITEM:
            parser.EndElementHandler = None

    parser.StartElementHandler = start
    parser.CharacterDataHandler = append
