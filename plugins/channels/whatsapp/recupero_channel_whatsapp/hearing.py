"""What Meta calls us for: what became of our messages, and what people write
(https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages)."""

import hmac
import logging
import re
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from recupero_channel_whatsapp.account import believed, cost
from recupero_channel_whatsapp.failures import fate_of
from recupero_channel_whatsapp.media import Fetching
from recupero_channel_whatsapp.reading import Told, decoded, inner, moment, number, several, text
from recupero_channel_whatsapp.speaking import said
from recupero_sdk.channels import Cost
from recupero_sdk.inbound import (
    Event,
    Fate,
    InboundAnswer,
    InboundRequest,
    MessageEvent,
    Rejected,
    StatusEvent,
    Unread,
)
from recupero_sdk.settings import PluginConfig

log = logging.getLogger(__name__)

_FATES = {
    "sent": Fate.SENT,
    "delivered": Fate.DELIVERED,
    "read": Fate.READ,
    "played": Fate.READ,  # a voice message was listened to
    "failed": Fate.FAILED,
}
Read = TypeVar("Read")
_CHALLENGE = re.compile(r"[0-9A-Za-z_-]{1,200}")
_PHONE = re.compile(r"[0-9]{5,15}")


def hear(request: InboundRequest, config: PluginConfig) -> InboundAnswer:
    """The events of a signed request; a `GET` is Meta's question whether the address is ours.

    What cannot be read is left out and told with the answer, which is 200 all the same: Meta tells a whole
    body again for days where it is answered otherwise, and what else is in it would be lost with that."""
    if request.method == "GET":
        return _verified(request, config)
    body = believed(request, config)
    try:
        changes = _changes(decoded(body))
    except Rejected as wrong:
        raise request.unreadable(wrong.reason) from wrong
    unread = list[Unread]()
    ours = _ours(changes, config, unread)
    with Fetching(config) as fetching:
        events = [event for told_of in ours for event in _events(*told_of, fetching, config, unread)]
    return InboundAnswer(list({event.id: event for event in events}.values()), unread=unread)


def _verified(request: InboundRequest, config: PluginConfig) -> InboundAnswer:
    """https://developers.facebook.com/docs/graph-api/webhooks/getting-started#verification-requests"""
    asked, right = request.query.get("hub.verify_token", ""), config.get("verify_token")
    if not right or not hmac.compare_digest(asked.encode("utf-8", "replace"), right.encode()):
        raise Rejected("the verify token does not match")
    challenge = request.query.get("hub.challenge", "")
    if request.query.get("hub.mode") != "subscribe" or not _CHALLENGE.fullmatch(challenge):
        raise Rejected("the request is no question whether this address is ours", status=400)
    return InboundAnswer(body=challenge)


def _changes(told: Told) -> list[tuple[str, Told]]:
    """What has changed, each with the business account that it is told of. Raises `Rejected`."""
    if text(told, "object") != "whatsapp_business_account":
        raise Rejected("the body is not about a WhatsApp account", status=400)
    changes = [
        (text(entry, "id"), change)
        for entry in several(told, "entry")
        for change in several(entry, "changes")
    ]
    if not changes:
        raise Rejected("the body tells nothing", status=400)
    return changes


def _ours(
    changes: list[tuple[str, Told]], config: PluginConfig, unread: list[Unread]
) -> list[tuple[Told, str]]:
    """What was told of messages of this number, each with the number. News of templates and of the account
    are passed over. Raises `Rejected` where nothing but messages of other numbers or accounts was told."""
    ours, foreign = list[tuple[Told, str]](), 0
    for business, change in changes:
        try:
            value = _of_messages(change)
            told_to = inner(value, "metadata")
            number_id, recipient = text(told_to, "phone_number_id"), text(told_to, "display_phone_number")
        except Rejected as wrong:
            unread.append(Unread.of(wrong.reason, change))
            continue
        if not value:
            continue
        if (number_id, business) == (config.get("phone_number_id"), config.get("business_account_id")):
            ours.append((value, _phone(recipient)))
        else:
            foreign += 1
    if foreign == len(changes):
        raise Rejected("the phone number ID or the business account is another one", status=400)
    if foreign:
        log.warning("%d changes of another WhatsApp number were left out of a request", foreign)
    return ours


def _of_messages(change: Told) -> Told:
    """What a change tells of messages; empty where it tells of something else. Raises `Rejected`."""
    if (field := text(change, "field")) != "messages":
        log.info("WhatsApp tells something that is no message: %r", field[:40])
        return {}
    if not (value := inner(change, "value")):
        raise Rejected("a change tells nothing", status=400)
    return value


def _events(
    value: Told, recipient: str, fetching: Fetching, config: PluginConfig, unread: list[Unread]
) -> Iterator[Event]:
    for code in _each(value, "errors", lambda error: [number(error, "code")], unread):
        log.warning("WhatsApp tells an error of the number: Meta %s", code)
    yield from _each(value, "statuses", lambda status: _status(status, config), unread)
    yield from _each(value, "messages", lambda message: [_message(message, recipient, fetching)], unread)


def _each(
    value: Told, name: str, read: Callable[[Told], Iterable[Read]], unread: list[Unread]
) -> Iterator[Read]:
    """What `read` makes of the entries in a list; why one cannot be read goes to `unread`."""
    listed = value.get(name) or []
    for entry in listed if isinstance(listed, list) else [listed]:
        try:
            if not isinstance(entry, dict):
                raise Rejected(f"{name} holds what is no object", status=400)
            found = list(read(entry))
        except Rejected as wrong:
            unread.append(Unread.of(wrong.reason, entry))
        else:
            yield from found


def _status(status: Told, config: PluginConfig) -> Iterator[StatusEvent]:
    reference, told = _id(status), text(status, "status")
    fate = _FATES.get(told)
    if fate is None:
        log.info("WhatsApp tells a status that means nothing to us: %r", told[:40])
        return
    codes = [number(error, "code") for error in several(status, "errors")]
    if fate is Fate.FAILED:
        fate = fate_of(codes[0] if codes else None)
    reason = f"Meta {codes[0]}" if codes and codes[0] is not None else None
    yield StatusEvent(
        id=f"{reference}:{told}",
        reference=reference,
        fate=fate,
        at=moment(status),
        reason=reason,
        cost=_cost(status, config) if told != "failed" else None,
        key=text(status, "biz_opaque_callback_data"),
    )


def _cost(status: Told, config: PluginConfig) -> Cost | None:
    """The price by the category under which Meta charges the message; None where it tells none, or where we
    know no price."""
    pricing = inner(status, "pricing")
    category = text(pricing, "category")
    if not category:
        return None
    billable = pricing.get("billable") is not False and text(pricing, "type") in ("", "regular")
    return cost(config, category.lower(), _phone(text(status, "recipient_id")), billable=billable)


def _message(message: Told, recipient: str, fetching: Fetching) -> MessageEvent:
    """What a person wrote, sent or pressed. The id is Meta's own, which an answer of ours names."""
    reference, found = _id(message), said(message)
    answered = found.about or text(inner(message, "context"), "id")
    return MessageEvent(
        id=reference,
        channel="whatsapp",
        sender=_phone(text(message, "from") or text(message, "from_user_id")),
        recipient=recipient,
        text=found.text,
        at=moment(message),
        answers=(answered,) if answered else (),
        attachments=(fetching.attachment(found.media),) if found.media else (),
        payload=found.payload,
        automatic=found.automatic,
    )


def _id(told: Told) -> str:
    found = text(told, "id")
    if not found:
        raise Rejected("a message or a status has no ID", status=400)
    return found


def _phone(number: str) -> str:
    """A number as Meta writes it, in E.164; what is none (a user ID) as it is."""
    digits = re.sub(r"[+ ()-]", "", number)
    return f"+{digits}" if _PHONE.fullmatch(digits) else number
