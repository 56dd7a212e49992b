"""What Meta calls us for: what became of our messages, and what people write
(https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages)."""

import hmac
import logging
import re
from collections.abc import Iterator

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
_CHALLENGE = re.compile(r"[0-9A-Za-z_-]{1,200}")
_PHONE = re.compile(r"[0-9]{5,15}")


def hear(request: InboundRequest, config: PluginConfig) -> InboundAnswer:
    """The events of a signed request; a `GET` is Meta's question whether the address is ours."""
    if request.method == "GET":
        return _verified(request, config)
    told = decoded(believed(request, config))
    if text(told, "object") != "whatsapp_business_account":
        raise Rejected("the body is not about a WhatsApp account", status=400)
    ours = list(_ours(told, config))
    with Fetching(config) as fetching:
        events = [event for value in ours for event in _events(value, fetching, config)]
    return InboundAnswer(list({event.id: event for event in events}.values()))


def _verified(request: InboundRequest, config: PluginConfig) -> InboundAnswer:
    """https://developers.facebook.com/docs/graph-api/webhooks/getting-started#verification-requests"""
    asked, right = request.query.get("hub.verify_token", ""), config.get("verify_token")
    if not right or not hmac.compare_digest(asked.encode("utf-8", "replace"), right.encode()):
        raise Rejected("the verify token does not match")
    challenge = request.query.get("hub.challenge", "")
    if request.query.get("hub.mode") != "subscribe" or not _CHALLENGE.fullmatch(challenge):
        raise Rejected("the request is no question whether this address is ours", status=400)
    return InboundAnswer(body=challenge)


def _ours(told: Told, config: PluginConfig) -> Iterator[Told]:
    """What was told of messages of this number. News of templates and of the account are passed over. Raises
    `Rejected` where nothing but messages of other numbers or accounts was told."""
    changes = [
        (text(entry, "id"), change)
        for entry in several(told, "entry")
        for change in several(entry, "changes")
    ]
    if not changes:
        raise Rejected("the body tells nothing", status=400)
    foreign, found = 0, 0
    for business, change in changes:
        value = inner(change, "value")
        if text(change, "field") != "messages":
            found += 1
            log.info("WhatsApp tells something that is no message: %r", text(change, "field")[:40])
        elif text(inner(value, "metadata"), "phone_number_id") == config.get(
            "phone_number_id"
        ) and business == config.get("business_account_id"):
            found += 1
            yield value
        else:
            foreign += 1
    if foreign and not found:
        raise Rejected("the phone number ID or the business account is another one", status=400)
    if foreign:
        log.warning("%d changes of another WhatsApp number were left out of a request", foreign)


def _events(value: Told, fetching: Fetching, config: PluginConfig) -> Iterator[Event]:
    for error in several(value, "errors"):
        log.warning("WhatsApp tells an error of the number: Meta %s", number(error, "code"))
    recipient = _phone(text(inner(value, "metadata"), "display_phone_number"))
    for status in several(value, "statuses"):
        yield from _status(status, config)
    for message in several(value, "messages"):
        yield _message(message, recipient, fetching)


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
