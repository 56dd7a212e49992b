"""The provider-neutral webhook: an agency's mail system posts signed JSON (the README tells its form)."""

from collections.abc import Callable, Mapping
from typing import Any

from recupero_channel_email import plain, reading, reports
from recupero_sdk import entries
from recupero_sdk.inbound import (
    Attachment,
    Event,
    Fate,
    InboundAnswer,
    InboundRequest,
    MessageEvent,
    Unreadable,
    read_each,
)
from recupero_sdk.settings import PluginConfig
from recupero_sdk.signatures import believed_json

MOST_EVENTS = 100


def hear(request: InboundRequest, config: PluginConfig) -> InboundAnswer:
    """The events of a signed request; the answer names the entries that cannot be read."""
    told = believed_json(request, config.get("inbound_secret")).get("events")
    if not isinstance(told, list) or not 0 < len(told) <= MOST_EVENTS:
        raise request.unreadable(f"`events` must be a list of 1 to {MOST_EVENTS} entries")
    return read_each(told, lambda entry: _events(entry, config))


def _events(entry: object, config: PluginConfig) -> list[Event]:
    if not isinstance(entry, dict):
        raise Unreadable("must be an object")
    kind = _KINDS.get(entries.text(entry, "kind"))
    if kind is None:
        raise Unreadable(f"`kind` must be one of {', '.join(_KINDS)}")
    return kind(entry, config)


def _mime(entry: Mapping[str, Any], config: PluginConfig) -> list[Event]:
    raw = entries.content(entry, "raw")
    if not raw.strip():
        raise Unreadable("`raw` must be a mail in base64")
    return reading.events(
        raw, attachment_bytes=_most(config), at=entries.moment(entry), authserv_id=config.get("authserv_id")
    )


def _most(config: PluginConfig) -> int:
    """The largest file that is taken in, in bytes."""
    return int(config.get("attachment_bytes", "5000000"))


def _message(entry: Mapping[str, Any], config: PluginConfig) -> list[Event]:
    sender = entries.text(entry, "from", required=True)
    text = entries.text(entry, "text") or plain.of_html(entries.text(entry, "html"))
    files = entry.get("attachments") or []
    if not isinstance(files, list) or len(files) > reading.MOST_PARTS:
        raise Unreadable(f"`attachments` must be a list of {reading.MOST_PARTS} at most")
    told, subject = entries.text(entry, "id", required=True), entries.text(entry, "subject")
    words = plain.without_quote(text)
    return [
        MessageEvent(
            id=reading.message_id(told, sender, subject, words),
            channel="email",
            sender=sender.strip().lower(),
            recipient=entries.text(entry, "to"),
            subject=subject,
            text=words,
            at=entries.moment(entry),
            answers=reading.named(entries.text(entry, "in_reply_to"), entries.text(entry, "references")),
            attachments=tuple(_file(file, _most(config), place) for place, file in enumerate(files)),
            automatic=entry.get("automatic") is True,
            forged=entry.get("forged") is True,
        )
    ]


def _file(file: object, most: int, place: int) -> Attachment:
    if not isinstance(file, dict):
        raise Unreadable("an attachment must be an object")
    kind = entries.text(file, "media_type").lower() or "application/octet-stream"
    limit = most if place < reading.MOST_FILES else 0
    return reading.file_of(entries.text(file, "name"), kind, entries.content(file, "content"), limit)


def _bounce(entry: Mapping[str, Any], config: PluginConfig) -> list[Event]:
    fate, reason = reports.fate_of(entries.text(entry, "status"), entries.text(entry, "diagnostic"))
    if "permanent" in entry:
        if not isinstance(entry["permanent"], bool):
            raise Unreadable("`permanent` must be true or false")
        fate = Fate.PERMANENT if entry["permanent"] else Fate.FAILED
    return [reports.event(_reference(entry), fate, entries.moment(entry), reason)]


def _complaint(entry: Mapping[str, Any], config: PluginConfig) -> list[Event]:
    return [reports.event(_reference(entry), Fate.COMPLAINT, entries.moment(entry), "complaint")]


def _delivered(entry: Mapping[str, Any], config: PluginConfig) -> list[Event]:
    return [reports.event(_reference(entry), Fate.DELIVERED, entries.moment(entry), None)]


_KINDS: Mapping[str, Callable[[Mapping[str, Any], PluginConfig], list[Event]]] = {
    "mime": _mime,
    "message": _message,
    "bounce": _bounce,
    "complaint": _complaint,
    "delivered": _delivered,
}


def _reference(entry: Mapping[str, Any]) -> str:
    """The Message-ID of our mail; its brackets may be left out."""
    told = entries.text(entry, "message_id", required=True).strip()
    if len(told) > 300 or any(map(str.isspace, told)):
        raise Unreadable("`message_id` is no Message-ID")
    return told if told.startswith("<") else f"<{told}>"
