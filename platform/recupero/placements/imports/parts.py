"""Parse a part of a workbook as a stream: no document type, no token without end."""

from collections.abc import Callable
from typing import IO
from xml.parsers import expat

from recupero.kernel.errors import UserError

BLOCK = 256 * 1024
MAX_PART = 256 * 1024**2  # of styles and lists of sheets; the sheet itself and its strings may be larger


def new_parser() -> expat.XMLParserType:
    """A parser that knows no document types, so that nothing is expanded or fetched."""
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = _refuse
    return parser


def _refuse(*_: object) -> None:
    raise UserError("the workbook holds a document type definition, which none needs", field="file")


def feed(parser: expat.XMLParserType, block: bytes) -> None:
    """Parse a block (none: the end). Raises UserError where it is no XML."""
    try:
        parser.Parse(block, not block)
    except expat.ExpatError as error:
        raise UserError("the workbook is broken: %(reason)s", field="file", reason=error) from None


def parse(stream: IO[bytes], start: Callable[[str, dict[str, str]], None]) -> None:
    """Call `start` for each element. Raises UserError on a broken or absurdly large part."""
    parser, size = new_parser(), 0
    parser.StartElementHandler = start
    while block := stream.read(BLOCK):
        size += len(block)
        if size > MAX_PART:
            raise UserError("the workbook unpacks to far too much: save it anew or send CSV", field="file")
        feed(parser, block)
    feed(parser, b"")


def local(name: str) -> str:
    """The name without its namespace prefix, which every writer may choose."""
    return name.rpartition(":")[2]
