"""Reports of mail systems about a mail of ours: bounces (RFC 3464) and complaints (RFC 5965)."""

import hashlib
import re
from collections.abc import Iterator
from datetime import datetime
from email.message import Message as Mail

from recupero_sdk.inbound import Event, Fate, StatusEvent

_MESSAGE_ID = re.compile(rb"^message-id:\s*(<[^<>\s]{3,300}>)", re.IGNORECASE | re.MULTILINE)
_STATUS = re.compile(r"\s*([245]\.\d{1,3}\.\d{1,3})\b")
_PLAIN_CODE = re.compile(r"\s*(?:smtp\s*;)?\s*(5\d\d)\b(?!.?\s?\d\.\d)", re.IGNORECASE)
#: Statuses of RFC 3463 that say that there is no such mailbox, or none any more. A full mailbox (5.2.2) or a
#: refusal by policy (5.7.x) says nothing of the address.
_DEAD = ("5.1.0", "5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1")
#: What programs without such statuses answer for an address.
_DEAD_CODES = ("550", "551", "553")
_MOST_PARTS = 50


def told_by(mail: Mail, at: datetime | None) -> list[Event] | None:
    """The news in a report; empty where it is none for us (a delay). None: not such a report, or one that
    does not name a mail, which a person should look at."""
    if mail.get_content_type() != "multipart/report":
        return None
    parts = _parts(mail)
    reference = _original(parts)
    if reference is None:
        return None
    for part in parts:
        if part.get_content_type() in ("message/delivery-status", "message/global-delivery-status"):
            return [event(reference, fate, at, why) for fate, why in _fates(part)]
        if part.get_content_type() == "message/feedback-report":
            kind = _fields(part).get("feedback-type", "").strip().lower()
            if kind in ("not-spam", "auth-failure"):
                return []
            return [event(reference, Fate.COMPLAINT, at, "feedback report")]
    return None


def fate_of(status: str, diagnostic: str = "") -> tuple[Fate, str]:
    """What a status of RFC 3463 (5.1.1), or else the code in what the other system said, means for the
    address, and the reason in words that name nobody."""
    found, code = _STATUS.match(status), _PLAIN_CODE.match(diagnostic)
    if found is not None and not found[1].endswith(".0.0"):
        dead, reason = found[1] in _DEAD, f"status {found[1]}"
    elif code is not None:
        dead, reason = code[1] in _DEAD_CODES, f"SMTP {code[1]}"
    else:
        dead, reason = False, f"status {found[1]}" if found is not None else "no status"
    return (Fate.PERMANENT if dead else Fate.FAILED), reason


def event(reference: str, fate: Fate, at: datetime | None, reason: str | None) -> StatusEvent:
    """News of one mail; told twice it has the same id."""
    name = f"{reference} {fate.value}"
    if len(name) > 190:
        name = f"mail:{hashlib.sha256(name.encode()).hexdigest()}"
    return StatusEvent(name, reference, fate, at, reason)


def _fates(part: Mail) -> Iterator[tuple[Fate, str | None]]:
    """One for each kind of news: a report has a block for the mail, then one for each recipient."""
    seen = set[Fate]()
    blocks = part.get_payload()
    for block in blocks if isinstance(blocks, list) else []:
        if not isinstance(block, Mail):
            continue
        action = str(block.get("Action", "")).strip().lower()
        reason: str | None = None
        if action == "failed":
            fate, reason = fate_of(str(block.get("Status", "")), str(block.get("Diagnostic-Code", "")))
        elif action == "delivered":
            fate = Fate.DELIVERED
        else:  # delayed, relayed, expanded: nothing has become of it yet
            continue
        if fate not in seen:
            seen.add(fate)
            yield fate, reason


def _parts(mail: Mail) -> list[Mail]:
    parts = mail.get_payload()
    return [one for one in parts if isinstance(one, Mail)][:_MOST_PARTS] if isinstance(parts, list) else []


def _original(parts: list[Mail]) -> str | None:
    """The Message-ID of the mail that the report is about, which it brings whole or its headers alone."""
    for part in parts:
        if part.get_content_type() not in ("message/rfc822", "text/rfc822-headers", "message/global"):
            continue
        if part.is_multipart():
            inner = part.get_payload(0)
            content = str(inner.get("Message-ID", "")) if isinstance(inner, Mail) else ""
            found = _MESSAGE_ID.search(b"message-id: " + content.strip().encode("utf-8", "replace"))
        else:
            payload = part.get_payload(decode=True)
            found = _MESSAGE_ID.search(payload[:100_000]) if isinstance(payload, bytes) else None
        if found is not None:
            return found[1].decode("utf-8", "replace")
    return None


def _fields(part: Mail) -> dict[str, str]:
    """The fields of a feedback report, which the standard library reads as a mail within the part."""
    inner = part.get_payload(0) if part.is_multipart() else part
    text = inner if isinstance(inner, Mail) else part
    found = {name.lower(): str(value) for name, value in text.items()}
    payload = text.get_payload()
    if "feedback-type" not in found and isinstance(payload, str):
        pairs = (line.partition(":") for line in payload[:10_000].splitlines())
        found |= {name.strip().lower(): value.strip() for name, _, value in pairs}
    return found
