"""PDF files that do something when they are opened, or bring other files along.

We have no virus scanner. What people send is never shown in a page and is handed out as a file to keep;
beyond that, what a paper has no need of is refused: programs, starting other programs, sending what was typed
elsewhere, files within the file (ISO 32000-1: 7.11.4, 12.6.4, 13.6). Names are read as a reader reads them:
also written with escapes (`/J#61vaScript`), and within compressed object streams. What a file keeps under a
password is not seen.
"""

import re
import zlib
from collections.abc import Iterator

_ACTIVE = re.compile(
    rb"/(?:JavaScript|Launch|EmbeddedFiles?|RichMedia|GoToE|ImportData|SubmitForm)(?![A-Za-z0-9_.-])"
)
_STREAM = re.compile(rb"stream\r?\n")
_ESCAPE = re.compile(rb"#([0-9A-Fa-f]{2})")
#: So far before its stream an object says what it is.
_HEAD = 4096
#: Of object streams no more than this is unfolded, together. A paper's have some hundred kilobytes.
_MOST_UNFOLDED = 32 * 2**20


def acts(content: bytes) -> bool:
    """Whether the PDF holds a program, an action that leaves it, or files; also where its object streams
    cannot be looked through, or unfold to more than anybody would. Nothing else of it is checked."""
    if _ACTIVE.search(_plain(content)):
        return True
    room, locked = _MOST_UNFOLDED, b"/Encrypt" in content
    for packed in _object_streams(content):
        try:
            unfolded = zlib.decompressobj().decompress(packed, room + 1)
        except zlib.error:
            if locked:
                continue
            return True
        room -= len(unfolded)
        if room < 0 or _ACTIVE.search(_plain(unfolded)):
            return True
    return False


def _object_streams(content: bytes) -> Iterator[memoryview]:
    """The compressed streams that hold objects, each with all that follows it."""
    for found in _STREAM.finditer(content):
        head = _plain(content[max(0, found.start() - _HEAD) : found.start()])
        head = head[head.rfind(b"endobj") + 1 :]
        if b"/ObjStm" in head and b"/Filter" in head:
            yield memoryview(content)[found.end() :]


def _plain(part: bytes) -> bytes:
    return _ESCAPE.sub(lambda found: bytes([int(found[1], 16)]), part) if b"#" in part else part
