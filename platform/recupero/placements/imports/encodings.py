"""Find out how a text file was written: its encoding and its delimiter."""

import codecs
import csv
import hashlib
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import IO

from recupero.kernel.errors import UserError

MAX_BYTES = 16 * 1024**3
_BLOCK = 1024 * 1024
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)  # fmt: skip
#: What Excel writes without a mark: Windows, DOS ("CSV (MS-DOS)") and Macintosh ("CSV (Macintosh)").
_EIGHT_BIT = ("cp1252", "cp850", "mac_roman")
_LETTERS = frozenset("áéíóúüñçãõâêôàèÁÉÍÓÚÜÑÇÃÕÂÊÔÀ°ºª¿¡")
_DELIMITERS = (";", ",", "\t", "|")


@dataclass(frozen=True, slots=True)
class Scan:
    """`encoding` is one that Python's codecs know; `content_hash` the SHA-256 of the unpacked bytes."""

    encoding: str
    content_hash: bytes


def scan(open_binary: Callable[[], AbstractContextManager[IO[bytes]]], wanted: str | None) -> Scan:
    """Read the file once: its hash, and whether it is UTF-8, UTF-16 or one of Excel's 8-bit encodings.

    Raises UserError on a binary, truncated or far too large file, or an encoding that Python does not know.
    """
    digest, utf8, size, sample = hashlib.sha256(), _Utf8(), 0, b""
    try:
        with open_binary() as file:
            while block := file.read(_BLOCK):
                size += len(block)
                if size > MAX_BYTES:
                    raise UserError(
                        "the file is larger than %(most)s GiB: split it",
                        field="file",
                        most=MAX_BYTES // 1024**3,
                    )
                digest.update(block)
                utf8.feed(block)
                sample = sample or block
                if not utf8.valid:
                    sample = _with_letters(sample, block)
    except (EOFError, OSError) as error:
        raise UserError(
            "the packed file is broken: pack it anew (%(why)s)", field="file", why=error
        ) from None
    if size == 0:
        raise UserError("the file is empty: send one with headings and rows", field="file")
    return Scan(_encoding(sample, wanted, utf8.ends_well()), digest.digest())


class _Utf8:
    """Whether the blocks fed so far are UTF-8."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self.valid = True

    def feed(self, block: bytes) -> None:
        if self.valid:
            try:
                self._decoder.decode(block)
            except UnicodeDecodeError:
                self.valid = False

    def ends_well(self) -> bool:
        try:
            self._decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return False
        return self.valid


def _with_letters(sample: bytes, block: bytes) -> bytes:
    """The first block, and one with letters outside ASCII, which tell the 8-bit encodings apart."""
    if len(sample) > _BLOCK or sample is block or sample.isascii() is False:
        return sample
    return sample + block


def _encoding(sample: bytes, wanted: str | None, is_utf8: bool) -> str:
    if wanted is not None:
        try:
            return codecs.lookup(wanted).name
        except LookupError:
            raise UserError(
                "unknown encoding '%(name)s': use one such as utf-8 or cp1252", field="encoding", name=wanted
            ) from None
    for bom, name in _BOMS:
        if sample.startswith(bom):
            return name
    if b"\x00" in sample[:4096]:
        return _utf16(sample[:4096])
    if is_utf8:
        return "utf-8"
    return max(_EIGHT_BIT, key=lambda name: _likeness(sample, name))


def _utf16(head: bytes) -> str:
    """UTF-16 without a mark has its zeros on one side of each pair; anything else with zeros is no text."""
    even, odd = head[0::2].count(0), head[1::2].count(0)
    if odd > len(head) // 4 and even * 20 < odd:
        return "utf-16-le"
    if even > len(head) // 4 and odd * 20 < even:
        return "utf-16-be"
    raise UserError("this is no text file and no workbook: send CSV or XLSX", field="file")


def _likeness(sample: bytes, name: str) -> int:
    """How many letters of Spanish and Portuguese appear if the sample is read so."""
    high = bytes(byte for byte in sample if byte >= 0x80).decode(name, errors="replace")
    return sum(letter in _LETTERS for letter in high) - 5 * high.count("�")


def guess_delimiter(sample: str) -> str:
    """The delimiter that cuts most lines of the sample into the same number of cells, and into most."""
    lines = sample.splitlines(keepends=True)
    whole = lines[:-1] if len(lines) > 1 else lines
    return max(_DELIMITERS, key=lambda mark: _regularity(whole[:200], mark))


def _regularity(lines: list[str], mark: str) -> tuple[float, int]:
    widths = [len(row) for row in csv.reader(lines, delimiter=mark) if row]
    if not widths or widths[0] < 2:
        return 0.0, 0
    return sum(width == widths[0] for width in widths) / len(widths), widths[0]
