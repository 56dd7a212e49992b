"""Events of connectors as they are stored: JSON without the files, which have a table of their own."""

import json
from datetime import datetime
from typing import Any

from recupero_sdk.channels import Cost
from recupero_sdk.inbound import Event, Fate, MessageEvent, StatusEvent, Unread

LONGEST_TEXT = 20_000  # characters that are kept of a message; what is cut off is said
LONGEST_ID = 200
#: The kind of what a connector could not read: neither a message nor news of one.
UNREAD = "unread"


def kind_of(event: Event) -> str:
    return "status" if isinstance(event, StatusEvent) else "message"


def to_json(event: Event) -> str:
    """The event as text, without its files."""
    if isinstance(event, StatusEvent):
        return json.dumps(_status(event))
    return json.dumps(_message(event), ensure_ascii=False)


def _status(event: StatusEvent) -> dict[str, Any]:
    cost = event.cost
    return {
        "id": event.id, "reference": event.reference, "fate": event.fate.value,
        "at": event.at and event.at.isoformat(), "reason": event.reason,
        "cost": cost and [cost.amount_micro, cost.currency, cost.units], "key": event.key[:LONGEST_ID],
    }  # fmt: skip


def _message(event: MessageEvent) -> dict[str, Any]:
    return {
        "id": event.id, "channel": event.channel, "sender": _storable(event.sender),
        "text": _storable(event.text)[: LONGEST_TEXT + 1], "at": event.at and event.at.isoformat(),
        "recipient": _storable(event.recipient), "subject": _storable(event.subject)[:LONGEST_ID],
        "answers": list(event.answers)[:50], "payload": event.payload and _storable(event.payload),
        "automatic": event.automatic, "forged": event.forged,
    }  # fmt: skip


def unread_to_json(entry: Unread) -> str:
    """What could not be read as text: why, and what it said."""
    cut = "" if len(entry.content) <= LONGEST_TEXT else " […]"
    said = {"reason": entry.reason, "content": _storable(entry.content)[:LONGEST_TEXT] + cut}
    return json.dumps(said, ensure_ascii=False)


def unread_from(payload: str) -> Unread:
    return Unread(**json.loads(payload))


def _storable(text: str) -> str:
    """Without the characters that no text column and no page can hold."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode()


def status_from(payload: str) -> StatusEvent:
    said = json.loads(payload)
    cost = Cost(*said["cost"]) if said["cost"] else None
    return StatusEvent(
        said["id"], said["reference"], Fate(said["fate"]), _moment(said["at"]), said["reason"], cost,
        said.get("key", ""),
    )  # fmt: skip


def message_from(payload: str) -> MessageEvent:
    said = json.loads(payload)
    said["at"], said["answers"] = _moment(said["at"]), tuple(said["answers"])
    return MessageEvent(**said)


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
