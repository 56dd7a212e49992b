"""The shared strings of a workbook, packed: a million names take a few dozen megabytes.

They are read only as far as the sheet has asked for them, since spreadsheets number them as they first occur.
"""

import zlib
from collections.abc import Callable, Collection, Iterator
from contextlib import closing
from typing import IO

from recupero.kernel.errors import UserError
from recupero.placements.imports.collecting import pieces

_PER_BLOCK = 4096
MAX_TEXT = 128 * 1024
_SEPARATOR = "\x00"  # no XML holds it


class SharedStrings:
    """`open_part` is called when the first string is wanted."""

    def __init__(self, open_part: Callable[[], IO[bytes]]) -> None:
        self._blocks: list[bytes] = []
        self._more = self._read(open_part)

    def texts(self, wanted: Collection[int]) -> dict[int, str]:
        """These strings by number. Raises UserError where the workbook has no such string."""
        found: dict[int, str] = {}
        number, block = -1, [""]
        for index in sorted(wanted):
            if index // _PER_BLOCK != number:
                number = index // _PER_BLOCK
                block = self._block(number)
            if not 0 <= index % _PER_BLOCK < len(block):
                raise UserError("the workbook is broken: a cell names a text that is not there", field="file")
            found[index] = block[index % _PER_BLOCK]
        return found

    def _block(self, number: int) -> list[str]:
        while number >= len(self._blocks):
            packed = next(self._more, None)
            if packed is None:
                return []
            self._blocks.append(packed)
        return zlib.decompress(self._blocks[number]).decode().split(_SEPARATOR)

    def _read(self, open_part: Callable[[], IO[bytes]]) -> Iterator[bytes]:
        with closing(open_part()) as stream:
            texts: list[str] = []
            for text in _texts(stream):
                texts.append(text)
                if len(texts) == _PER_BLOCK:
                    yield _packed(texts)
                    texts = []
            yield _packed(texts)


def _packed(texts: list[str]) -> bytes:
    return zlib.compress(_SEPARATOR.join(texts).encode(), 1)


def _texts(stream: IO[bytes]) -> Iterator[str]:
    text: str | None = None
    for found in pieces(stream):
        for piece in found:
            if piece.__class__ is str:
                text = (text or "") + str(piece)
                if len(text) > MAX_TEXT:
                    raise UserError(
                        "a cell is longer than %(limit)s characters", field="file", limit=MAX_TEXT
                    )
            else:
                if text is not None:
                    yield text
                text = ""
    if text is not None:
        yield text
