"""The neutral webhook: signed JSON gives events, anything else is refused."""

import base64
import json
import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from recupero_channel_email import Email

from recupero_sdk.conformance.inbound import ListensConformance
from recupero_sdk.inbound import Event, Fate, InboundRequest, MessageEvent, Rejected, StatusEvent
from recupero_sdk.settings import PluginConfig
from recupero_sdk.signatures import signed_headers

sys.path.insert(0, str(Path(__file__).parent))
from mails import OURS, bounce, reply

SECRET = "a-secret-of-32-characters-at-least"
CONFIG = PluginConfig({"host": "h", "sender": "a@b.example"}, {"inbound_secret": SECRET})
WROTE = {
    "kind": "message",
    "id": "<abc@mail.example.com>",
    "from": "Ana@Example.com",
    "to": "cobranza@agencia.example.com",
    "subject": "Re: Aviso",
    "text": "Mañana pago\n\nOn Tue, Agency wrote:\n> Saldo",
    "in_reply_to": OURS,
    "at": "2026-11-03T14:05:00Z",
}


def body(*events: Mapping[str, Any]) -> bytes:
    return json.dumps({"events": events}).encode()


def mime(raw: bytes) -> dict[str, str]:
    return {"kind": "mime", "raw": base64.b64encode(raw).decode()}


def asked(content: bytes, at: int | None = None) -> InboundRequest:
    headers = {name.lower(): value for name, value in signed_headers(SECRET, content, at).items()}
    return InboundRequest("POST", "https://agency.example.com/channels/email/3", headers, {}, content)


def heard(*events: Mapping[str, Any]) -> list[Event]:
    return list(Email().hear(asked(body(*events)), CONFIG).events)


class TestInbound(ListensConformance):
    channel = Email()
    content_type = "application/json"
    signs_url = False

    def config(self) -> PluginConfig:
        return CONFIG

    def bodies(self) -> Mapping[str, bytes]:
        return {
            "a mail": body(mime(reply())),
            "a bounced mail": body(mime(bounce("failed", "5.2.2"))),
            "fields": body(WROTE),
            "a bounce": body({"kind": "bounce", "message_id": OURS, "status": "5.1.1"}),
            "a complaint": body({"kind": "complaint", "message_id": OURS}),
            "delivered": body({"kind": "delivered", "message_id": OURS}),
        }

    def sign(self, request: InboundRequest, config: PluginConfig) -> InboundRequest:
        headers = signed_headers(config.get("inbound_secret"), request.body)
        added = {name.lower(): value for name, value in headers.items()}
        return replace(request, headers={**request.headers, **added})


def test_fields_are_read_like_a_mail() -> None:
    png = base64.b64encode(b"\x89PNG\r\n\x1a\n").decode()
    files = [{"name": "a/pago.png", "media_type": "image/png", "content": png}]
    (event,) = heard({**WROTE, "attachments": files})
    assert isinstance(event, MessageEvent)
    assert (event.sender, event.text, event.answers) == ("ana@example.com", "Mañana pago", (OURS,))
    assert [(file.name, file.size) for file in event.attachments] == [("pago.png", 8)]


def test_a_bounce_may_say_itself_whether_it_is_for_ever() -> None:
    told = {"kind": "bounce", "message_id": OURS.strip("<>")}
    fates = []
    for more in ({"permanent": True}, {"permanent": False}, {"status": "5.1.1"}, {}):
        (event,) = heard({**told, **more})
        assert isinstance(event, StatusEvent)
        assert event.reference == OURS
        fates.append(event.fate)
    assert fates == [Fate.PERMANENT, Fate.FAILED, Fate.PERMANENT, Fate.FAILED]


@pytest.mark.parametrize("seconds", [-301, 301, -86_400])
def test_a_stale_request_is_refused(seconds: int) -> None:
    with pytest.raises(Rejected, match="stale") as raised:
        Email().hear(asked(body(WROTE), int(time.time()) + seconds), CONFIG)
    assert raised.value.status == 400


def test_without_a_secret_nothing_is_believed() -> None:
    with pytest.raises(Rejected) as raised:
        Email().hear(asked(body(WROTE)), PluginConfig({"host": "h", "sender": "a@b.example"}))
    assert raised.value.status == 401


@pytest.mark.parametrize(
    "entry",
    [
        {},
        {"kind": "party"},
        {"kind": ["mime"]},
        {"kind": "mime", "raw": "%%%"},
        {"kind": "mime"},
        {"kind": "message", "id": "<a@b>"},
        {**WROTE, "text": 7},
        {**WROTE, "at": "yesterday"},
        {**WROTE, "at": "2026-11-03T14:05:00"},
        {**WROTE, "attachments": {"a": 1}},
        {**WROTE, "attachments": [7]},
        {"kind": "bounce", "message_id": "a b"},
        {"kind": "bounce", "message_id": OURS, "permanent": "yes"},
        {"kind": "complaint"},
    ],
)
def test_an_entry_that_cannot_be_read_is_named_and_keeps_no_other_away(entry: dict[str, Any]) -> None:
    answer = Email().hear(asked(body(WROTE, entry)), CONFIG)
    assert len(answer.events) == 1
    (named,) = json.loads(answer.body)["unread"]
    assert named.startswith("events[1]: ")
    assert [one.reason for one in answer.unread] == [named]
    with pytest.raises(Rejected, match=r"events\[0\]") as raised:
        heard(entry)
    assert raised.value.status == 400
    assert [json.loads(one.content) for one in raised.value.unread] == [entry]


def test_fields_may_say_that_the_sender_is_forged() -> None:
    found = [heard({**WROTE, **more})[0] for more in ({}, {"forged": False}, {"forged": True})]
    assert [one.forged for one in found if isinstance(one, MessageEvent)] == [False, False, True]


def test_a_short_secret_is_named() -> None:
    assert "inbound_secret" in str(Email().check(PluginConfig(CONFIG.settings, {"inbound_secret": "short"})))
