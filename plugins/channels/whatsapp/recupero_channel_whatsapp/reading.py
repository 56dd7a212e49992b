"""Reading JSON that came from outside: what is not of the kind it ought to be is rejected with 400."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from recupero_sdk.inbound import Rejected

Told = Mapping[str, Any]


def decoded(body: bytes) -> Told:
    """The object in a body. Raises `Rejected`."""
    try:
        told = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Rejected("the body is no JSON", status=400) from error
    if not isinstance(told, dict):
        raise Rejected("the body is no object", status=400)
    return told


def inner(told: Told, name: str) -> Told:
    """The object under a name; empty where there is none. Raises `Rejected`."""
    found = told.get(name)
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise Rejected(f"{name} is no object", status=400)
    return found


def several(told: Told, name: str) -> list[Told]:
    """The objects in the list under a name; empty where there is none. Raises `Rejected`."""
    found = told.get(name)
    if found is None:
        return []
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise Rejected(f"{name} is no list of objects", status=400)
    return found


def text(told: Told, name: str) -> str:
    """The text under a name, or a whole number as text; empty where there is none. Raises `Rejected`."""
    found = told.get(name)
    if found is None:
        return ""
    if isinstance(found, bool) or not isinstance(found, str | int):
        raise Rejected(f"{name} is no text", status=400)
    return str(found)


def number(told: Told, name: str) -> int | None:
    """The whole number under a name, None where there is none."""
    found = told.get(name)
    return found if isinstance(found, int) and not isinstance(found, bool) else None


def moment(told: Told) -> datetime | None:
    """`timestamp`: seconds since 1970; None where it is no moment."""
    seconds = text(told, "timestamp")
    if not (seconds.isascii() and seconds.isdecimal() and len(seconds) <= 11):
        return None
    return datetime.fromtimestamp(int(seconds), UTC)
