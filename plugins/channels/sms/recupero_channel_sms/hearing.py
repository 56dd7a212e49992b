"""What Twilio calls us for: what became of our messages, and what people write
(https://www.twilio.com/docs/messaging/guides/webhook-request)."""

import re
from collections.abc import Mapping

from twilio.twiml.messaging_response import MessagingResponse

from recupero_channel_sms.failures import fate_of
from recupero_channel_sms.media import attachments
from recupero_sdk.inbound import (
    Event,
    Fate,
    InboundAnswer,
    InboundRequest,
    MessageEvent,
    StatusEvent,
)
from recupero_sdk.settings import PluginConfig
from recupero_sdk.twilio import believed

_MESSAGE_SID = re.compile(r"(SM|MM)[0-9a-fA-F]{32}")
#: A number or a short code; `whatsapp:+…` and `rcs:…` are other channels.
_NUMBER = re.compile(r"\+?[0-9]{3,15}")
_FATES = {
    "sent": Fate.SENT,
    "delivered": Fate.DELIVERED,
    "read": Fate.READ,
    "undelivered": Fate.FAILED,
    "failed": Fate.FAILED,
    "canceled": Fate.FAILED,
}
#: On the way; nothing has become of it yet.
_UNDER_WAY = ("accepted", "scheduled", "queued", "sending", "receiving", "received", "partially_delivered")
#: Opt-outs that Twilio has confirmed to the person itself.
_OPT_OUTS = ("STOP", "START", "HELP")


def hear(request: InboundRequest, config: PluginConfig) -> InboundAnswer:
    """The events of a signed request. Answers with an empty TwiML, since any other text would be sent to the
    person as a message."""
    form = believed(request, config)
    sid = form.get("MessageSid") or form.get("SmsSid", "")
    if not _MESSAGE_SID.fullmatch(sid):
        raise request.unreadable("the request names no message")
    if "MessageStatus" in form:
        events = _status(sid, form, request)
    elif "Body" in form and _NUMBER.fullmatch(form.get("From", "")):
        events = [_message(sid, form, config)]
    else:
        raise request.unreadable("the request is neither news nor a message")
    return InboundAnswer(events, body=str(MessagingResponse()), content_type="text/xml")


def _status(sid: str, form: Mapping[str, str], request: InboundRequest) -> list[Event]:
    status, code = form["MessageStatus"], form.get("ErrorCode", "")
    if status in _UNDER_WAY:
        return []
    fate = _FATES.get(status)
    if fate is None:
        raise request.unreadable("the status is not known")
    if fate is Fate.FAILED:
        fate = fate_of(int(code) if code.isdecimal() else None)
    reason = f"Twilio {code}" if code.isdecimal() else None
    return [StatusEvent(f"{sid}:{status}", sid, fate, reason=reason)]


def _message(sid: str, form: Mapping[str, str], config: PluginConfig) -> MessageEvent:
    """What a person wrote. `payload` is the kind of opt-out where Twilio has taken it as one and answered."""
    opt_out = form.get("OptOutType", "").upper()
    return MessageEvent(
        id=f"{sid}:received",
        channel="sms",
        sender=form["From"],
        recipient=form.get("To", ""),
        text=form["Body"],
        attachments=attachments(form, config),
        payload=opt_out if opt_out in _OPT_OUTS else None,
    )
