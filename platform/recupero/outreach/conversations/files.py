"""Files that come with messages: what is kept, what is refused, and why.

Kept are kinds that people send and that open harmlessly: pictures, PDF, sound, film, plain text. A kind is
believed only where the first bytes agree. Archives are refused, since nobody knows what unfolds from them,
and so are PDF files that do something when opened or bring other files along.
Of a refused file its name, kind and size stay visible.
"""

import base64
from collections.abc import Sequence
from typing import Any

from recupero.kernel import pdf_actions
from recupero_sdk.inbound import Attachment

MOST_FILES = 10
MOST_NAMED = 50  # files beyond are not even listed, only counted
LARGEST = 10 * 1024 * 1024
LARGEST_TOGETHER = 20 * 1024 * 1024

#: First bytes by media type; an empty list: nothing tells, and the file must then not be an archive.
KINDS: dict[str, tuple[bytes, ...]] = {
    "application/pdf": (b"%PDF-",),
    "image/jpeg": (b"\xff\xd8\xff",),
    "image/png": (b"\x89PNG\r\n\x1a\n",),
    "image/gif": (b"GIF87a", b"GIF89a"),
    "image/webp": (b"RIFF",),
    "image/heic": (),
    "audio/ogg": (b"OggS",),
    "audio/mpeg": (b"ID3", b"\xff\xfb", b"\xff\xf3", b"\xff\xf2"),
    "audio/mp4": (),
    "audio/aac": (),
    "audio/amr": (b"#!AMR",),
    "audio/wav": (b"RIFF",),
    "video/mp4": (),
    "video/3gpp": (),
    "text/plain": (),
}
_ARCHIVES = (
    b"PK\x03\x04",
    b"PK\x05\x06",
    b"Rar!",
    b"\x1f\x8b",
    b"BZh",
    b"7z\xbc\xaf",
    b"\xfd7zXZ",
    b"\x28\xb5/\xfd",
)


def rows(attachments: Sequence[Attachment]) -> list[dict[str, Any]]:
    """What to store of a message's files, in their order."""
    kept, room = list[dict[str, Any]](), LARGEST_TOGETHER
    for place, one in enumerate(attachments[:MOST_NAMED]):
        refused = "too_many" if place >= MOST_FILES else _refused(one, room)
        content = None if refused or one.content is None else base64.b64encode(one.content).decode()
        room -= len(one.content or b"") if content is not None else 0
        kept.append({
            "place": place, "name": _name(one.name), "media_type": plain_type(one.media_type)[:100],
            "size": max(one.size, 0), "content": content, "refused": refused,
        })  # fmt: skip
    beyond = len(attachments) - MOST_NAMED
    if beyond > 0:
        kept.append({
            "place": MOST_NAMED, "name": f"+ {beyond}", "media_type": "", "content": None,
            "size": sum(max(one.size, 0) for one in attachments[MOST_NAMED:]), "refused": "too_many",
        })  # fmt: skip
    return kept


def _refused(one: Attachment, room: int) -> str | None:
    """Why a file is not kept; None where it is."""
    content = one.content
    if content is None:
        return "too_large" if one.size > LARGEST else "left_out"
    if len(content) > LARGEST or len(content) > room:
        return "too_large"
    if content.startswith(_ARCHIVES):
        return "archive"
    kind = plain_type(one.media_type)
    if kind not in KINDS:
        return "kind"
    if KINDS[kind] and not content.startswith(KINDS[kind]):
        return "kind"
    return "active" if kind == "application/pdf" and pdf_actions.acts(content) else None


def plain_type(media_type: str) -> str:
    """Without parameters: `audio/ogg; codecs=opus` is `audio/ogg`."""
    kind = media_type.partition(";")[0].strip().lower()
    return {"image/jpg": "image/jpeg", "audio/mp3": "audio/mpeg"}.get(kind, kind)


def _name(name: str) -> str:
    """The last part of the name, printable, of a length that a page can show."""
    last = name.replace("\\", "/").rpartition("/")[2]
    return "".join(letter for letter in last if letter.isprintable())[:120] or "file"
