"""What the agency's own system tells: signed JSON (the README tells its form)."""

import re
from collections.abc import Mapping
from typing import Any

from recupero_sdk import entries
from recupero_sdk.inbound import (
    Attachment,
    Event,
    Fate,
    InboundAnswer,
    InboundRequest,
    MessageEvent,
    StatusEvent,
    Unreadable,
    read_each,
)
from recupero_sdk.settings import PluginConfig
from recupero_sdk.signatures import believed_json

MOST_EVENTS, MOST_FILES, MOST_BYTES = 100, 10, 5_000_000
MOST_CHARACTERS = 100_000
CARRIED = ("image/jpeg", "image/png", "image/gif", "image/webp", "application/pdf", "audio/")
_REASON = re.compile(r"[A-Za-z0-9 _.:-]{1,60}")


def channels_of(config: PluginConfig) -> tuple[str, ...]:
    """The channels of law that go to this agency's system."""
    return tuple(filter(None, (name.strip() for name in config.get("channels").split(","))))


def hear(request: InboundRequest, config: PluginConfig) -> InboundAnswer:
    """The events of a signed request; the answer names the entries that cannot be read."""
    told = believed_json(request, config.get("secret")).get("events")
    if not isinstance(told, list) or not 0 < len(told) <= MOST_EVENTS:
        raise request.unreadable(f"`events` must be a list of 1 to {MOST_EVENTS} entries")
    return read_each(told, lambda entry: [_event(entry, config)])


def _event(entry: object, config: PluginConfig) -> Event:
    if not isinstance(entry, dict):
        raise Unreadable("must be an object")
    kind = entry.get("kind")
    if kind == "status":
        return _status(entry)
    if kind == "message":
        return _message(entry, channels_of(config))
    raise Unreadable("`kind` must be status or message")


def _status(entry: Mapping[str, Any]) -> StatusEvent:
    reference, told = entries.text(entry, "reference", 180, required=True), entries.text(entry, "fate", 20)
    reason = entries.text(entry, "reason", 60) or None
    if reason is not None and not _REASON.fullmatch(reason):
        raise Unreadable("`reason` must be a short code and hold nothing of a person")
    try:
        fate = Fate(told)
    except ValueError as error:
        raise Unreadable(f"`fate` must be one of {', '.join(Fate)}") from error
    name = f"{reference}:{fate.value}"
    return StatusEvent(entries.text(entry, "id", 180) or name, reference, fate, entries.moment(entry), reason)


def _message(entry: Mapping[str, Any], channels: tuple[str, ...]) -> MessageEvent:
    channel, answers = entries.text(entry, "channel", 20), entry.get("answers") or []
    if channel not in channels:
        raise Unreadable(f"`channel` must be one of {', '.join(channels)}")
    if not isinstance(answers, list) or not all(isinstance(one, str) for one in answers):
        raise Unreadable("`answers` must be a list of texts")
    files = entry.get("attachments") or []
    if not isinstance(files, list) or len(files) > MOST_FILES:
        raise Unreadable(f"`attachments` must be a list of {MOST_FILES} at most")
    return MessageEvent(
        id=entries.text(entry, "id", 180, required=True),
        channel=channel,
        sender=entries.text(entry, "from", 320, required=True).strip(),
        recipient=entries.text(entry, "to", 320),
        subject=entries.text(entry, "subject", 1000),
        text=entries.text(entry, "text", MOST_CHARACTERS),
        at=entries.moment(entry),
        answers=tuple(answers[:20]),
        attachments=tuple(_file(file) for file in files),
        payload=entries.text(entry, "payload", 1000) or None,
        automatic=entry.get("automatic") is True,
    )


def _file(file: object) -> Attachment:
    if not isinstance(file, dict):
        raise Unreadable("an attachment must be an object")
    kind = entries.text(file, "media_type", 100).lower() or "application/octet-stream"
    content = entries.content(file, "content", 40_000_000)
    name = re.split(r"[/\\]", entries.text(file, "name", 1000))[-1]
    name = "".join(letter for letter in name if letter.isprintable()).strip(" .")[:120] or "file"
    kept = len(content) <= MOST_BYTES and kind.startswith(CARRIED)
    return Attachment(name, kind, len(content), content if kept else None)
