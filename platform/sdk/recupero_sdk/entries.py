"""For connectors whose senders tell events in JSON: the fields of one entry, read strictly. What is wrong is
raised as `Unreadable`, in words that name the field and nobody."""

import base64
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from recupero_sdk.inbound import Unreadable


def text(entry: Mapping[str, Any], name: str, most: int | None = None, *, required: bool = False) -> str:
    """A text without NUL, of `most` characters at most; empty where the field is left out."""
    value = entry.get(name)
    if value is None and not required:
        return ""
    if not isinstance(value, str) or (required and not value.strip()):
        raise Unreadable(f"`{name}` must be a text")
    if most is not None and len(value) > most:
        raise Unreadable(f"`{name}` has more than {most} characters")
    return value.replace("\x00", "")


def content(entry: Mapping[str, Any], name: str, most: int | None = None) -> bytes:
    """What a text in base64 holds; `most` counts its characters."""
    told = text(entry, name, most)
    try:
        return base64.b64decode(told, validate=True)
    except ValueError as error:
        raise Unreadable(f"`{name}` is not base64") from error


def moment(entry: Mapping[str, Any], name: str = "at") -> datetime | None:
    """A moment in ISO 8601 with its offset; None where the field is left out."""
    told = text(entry, name, 40)
    if not told:
        return None
    try:
        found = datetime.fromisoformat(told)
    except ValueError as error:
        raise Unreadable(f"`{name}` must be a moment such as 2026-11-03T14:05:00Z") from error
    if found.tzinfo is None:
        raise Unreadable(f"`{name}` must name its offset from UTC")
    return found
