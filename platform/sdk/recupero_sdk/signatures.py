"""Signed JSON between an agency's own systems and a connector, both ways, where no provider sets the rules:

    X-Recupero-Timestamp: 1700000000
    X-Recupero-Signature: sha256=<hex of HMAC-SHA256(secret, "1700000000." + body)>

The timestamp (seconds since 1970) is under the signature, and a request older than five minutes is refused.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from typing import Any

from recupero_sdk.inbound import InboundRequest, Rejected

TIMESTAMP, SIGNATURE = "X-Recupero-Timestamp", "X-Recupero-Signature"
#: How far a timestamp may lie from our clock, in seconds.
TOLERANCE = 300
SHORTEST_SECRET = 16


def signed_headers(secret: str, body: bytes, at: int | None = None) -> dict[str, str]:
    """The two headers for a body; `at` in seconds since 1970, None for now."""
    moment = str(int(time.time()) if at is None else at)
    return {TIMESTAMP: moment, SIGNATURE: _signature(secret, moment, body)}


def believed_json(request: InboundRequest, secret: str) -> dict[str, Any]:
    """The JSON object in a request that was signed with `secret`.

    Raises `Rejected`: 401 unsigned or wrongly signed, 400 stale or no JSON object.
    """
    moment = request.headers.get(TIMESTAMP.lower(), "")
    told = request.headers.get(SIGNATURE.lower(), "")
    if len(secret) < SHORTEST_SECRET or not moment or not told:
        raise Rejected("the request is not signed")
    right = _signature(secret, moment, request.body)
    if not hmac.compare_digest(told.encode("utf-8", "replace"), right.encode()):
        raise Rejected("the signature does not match")
    if not _fresh(moment):
        raise Rejected("the request is stale: its timestamp is more than five minutes off", status=400)
    try:
        value = json.loads(request.body)
    except (ValueError, RecursionError) as error:
        raise request.unreadable("the body is no JSON") from error
    if not isinstance(value, dict):
        raise request.unreadable("the body is no JSON object")
    return value


def _signature(secret: str, moment: str, body: bytes) -> str:
    made = hmac.new(secret.encode(), moment.encode("utf-8", "replace") + b"." + body, hashlib.sha256)
    return f"sha256={made.hexdigest()}"


def _fresh(moment: str) -> bool:
    if not (moment.isascii() and moment.isdecimal() and len(moment) <= 12):
        return False
    return abs(time.time() - int(moment)) <= TOLERANCE
