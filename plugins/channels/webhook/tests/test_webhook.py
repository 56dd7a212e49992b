"""An agency's own system: what each answer means, where we never go, what is refused of what it tells."""

import ipaddress
import json
import socket
from typing import Any

import pytest
from recupero_channel_webhook import Webhook

from recupero_sdk.channels import Cost, Message, SendOutcome, Uncertain, carried
from recupero_sdk.conformance.standin import Answer, Asked, standing_in
from recupero_sdk.inbound import InboundRequest, MessageEvent, Rejected
from recupero_sdk.settings import PluginConfig
from recupero_sdk.signatures import signed_headers

SECRET = "a-secret-of-32-characters-at-least"
MESSAGE = Message(key="7-41", channel="sms", recipient="+56911111111", subject="", text="Hola Ñandú")


def config(url: str = "https://own.example/in", **settings: str) -> PluginConfig:
    return PluginConfig({"url": url, "channels": "sms", "timeout": "5", **settings}, {"secret": SECRET})


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECUPERO_WEBHOOK_NETWORKS", "127.0.0.0/8")


@pytest.mark.usefixtures("opened")
@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (400, SendOutcome.REFUSED),
        (401, SendOutcome.REFUSED),
        (404, SendOutcome.REFUSED),
        (408, SendOutcome.RETRY),
        (410, SendOutcome.PERMANENT),
        (422, SendOutcome.REFUSED),
        (429, SendOutcome.RETRY),
        (500, SendOutcome.RETRY),
    ],
)
def test_what_an_answer_means(status: int, outcome: SendOutcome) -> None:
    with standing_in(lambda asked: Answer(status)) as url:
        (receipt,) = Webhook().send([MESSAGE], config(url))
    assert (receipt.outcome, receipt.reason) == (outcome, f"HTTP {status}")


@pytest.mark.usefixtures("opened")
def test_a_redirect_is_not_followed() -> None:
    asked: list[str] = []

    def answers(one: Asked) -> Answer:
        asked.append(one.path)
        return Answer(307, headers={"Location": "/elsewhere"})

    with standing_in(answers) as url:
        (receipt,) = Webhook().send([MESSAGE], config(f"{url}/in"))
    assert (receipt.outcome, asked) == (SendOutcome.REFUSED, ["/in"])


@pytest.mark.usefixtures("opened")
@pytest.mark.parametrize("body", [b"", b"ok", b"{}", b"[" * 5000, b'{"reference": 7}', b"x" * 200_000])
def test_an_acceptance_without_a_reference_is_in_doubt(body: bytes) -> None:
    with standing_in(lambda asked: Answer(200, body)) as url, pytest.raises(Uncertain):
        Webhook().send([MESSAGE], config(url))


@pytest.mark.usefixtures("opened")
@pytest.mark.parametrize(
    ("cost", "booked"),
    [
        ({"amount": "0.05", "currency": "USD", "units": 2}, Cost(50_000, "USD", 2)),
        ({"amount": "-1", "currency": "USD"}, None),
        ("cheap", None),
    ],
)
def test_a_price_is_booked_where_it_is_told_rightly(cost: object, booked: Cost | None) -> None:
    with standing_in(lambda asked: Answer.of_json(200, {"reference": "r", "cost": cost})) as url:
        (receipt,) = Webhook().send([MESSAGE], config(url))
    assert receipt.cost == booked


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.0.0.7", "172.16.3.4", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",
        "224.0.0.1", "::1", "fe80::1", "fd00::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::a00:1",
        "2002:a00:1::1",
    ],
)  # fmt: skip
def test_a_name_that_leads_into_a_private_network_is_refused(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    family = socket.AF_INET6 if ipaddress.ip_address(address).version == 6 else socket.AF_INET
    public = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("93.184.215.14", 443))
    private = (family, socket.SOCK_STREAM, 6, "", (address, 443))

    def nowhere(*where: object, **more: object) -> socket.socket:
        raise AssertionError("a connection was tried")

    monkeypatch.setattr(socket, "getaddrinfo", lambda *name, **more: [public, private])
    monkeypatch.setattr(socket, "create_connection", nowhere)
    (receipt,) = Webhook().send([MESSAGE], config())
    assert receipt.outcome is SendOutcome.REFUSED
    assert "not open" in str(receipt.reason)


def test_plain_http_goes_to_this_machine_only_where_the_operator_opened_it() -> None:
    with standing_in(lambda asked: Answer.of_json(200, {"reference": "r"})) as url:
        (receipt,) = Webhook().send([MESSAGE], config(url))
    assert (receipt.outcome, receipt.reason) == (SendOutcome.REFUSED, "url must begin with https://")


def test_nobody_there_means_later(opened: None) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        (receipt,) = Webhook().send([MESSAGE], config(f"https://127.0.0.1:{taken.getsockname()[1]}/"))
    assert receipt.outcome is SendOutcome.RETRY


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"url": "ftp://own.example"}, "url"),
        ({"url": "https://u:p@own.example/"}, "url"),
        ({"url": "https://own.example:99999/"}, "url"),
        ({"url": "https://own.example/ x"}, "url"),
        ({"url": "http://own.example/"}, "https://"),
        ({"url": "http://127.0.0.1:9000/"}, "https://"),
        ({"url": "https://10.0.0.7/"}, "not open"),
        ({"url": "https://localhost/"}, "not open"),
        ({"channels": "sms, fax"}, "channels"),
        ({"timeout": "soon"}, "timeout"),
    ],
)
def test_the_check_names_what_is_wrong(settings: dict[str, str], named: str) -> None:
    assert named in str(Webhook().check(config(**settings)))


def test_a_channel_that_does_not_go_there_is_refused() -> None:
    (receipt,) = Webhook().dry_run([MESSAGE], config(channels="letter"))
    assert receipt.outcome is SendOutcome.REFUSED


def heard(entry: dict[str, Any]) -> MessageEvent:
    body = json.dumps({"events": [entry]}).encode()
    headers = {name.lower(): value for name, value in signed_headers(SECRET, body).items()}
    request = InboundRequest("POST", "https://a.example/channels/webhook/7", headers, {}, body)
    (event,) = Webhook().hear(request, config()).events
    assert isinstance(event, MessageEvent)
    return event


WROTE = {"kind": "message", "id": "m-1", "channel": "sms", "from": "+56911111111", "text": "<b>Sí</b>"}


def test_a_message_is_read_with_its_files() -> None:
    file = {"name": "../pago.png", "media_type": "image/png", "content": "iVBORw=="}
    event = heard({**WROTE, "answers": ["7-41"], "attachments": [file, {**file, "media_type": "text/html"}]})
    assert (event.text, event.answers) == ("<b>Sí</b>", ("7-41",))
    assert [(one.name, one.size, one.content is None) for one in event.attachments] == [
        ("pago.png", 4, False),
        ("pago.png", 4, True),
    ]


@pytest.mark.parametrize(
    "changed",
    [
        {"channel": "email"},
        {"id": ""},
        {"id": "x" * 300},
        {"from": 7},
        {"text": "x" * 200_000},
        {"answers": "7-41"},
        {"at": "2026-11-03"},
        {"attachments": [{}] * 11},
        {"attachments": [{"content": "%%"}]},
        {"kind": "status", "reference": "r", "fate": "lost"},
        {"kind": "status", "reference": "r", "fate": "failed", "reason": "<deudor@example.com>"},
    ],
)
def test_an_entry_that_cannot_be_read_is_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(Rejected, match=r"events\[0\]") as raised:
        heard({**WROTE, **changed})
    assert raised.value.status == 400


def test_an_entry_that_cannot_be_read_keeps_no_other_away() -> None:
    body = json.dumps({"events": [{**WROTE, "id": ""}, WROTE]}).encode()
    headers = {name.lower(): value for name, value in signed_headers(SECRET, body).items()}
    request = InboundRequest("POST", "https://a.example/channels/webhook/7", headers, {}, body)
    answer = Webhook().hear(request, config())
    assert [event.id for event in answer.events] == ["m-1"]
    (left,) = answer.unread
    assert left.reason == "events[0]: `id` must be a text"
    assert json.loads(left.content) == {**WROTE, "id": ""}
    assert json.loads(answer.body) == {"unread": [left.reason]}


def test_the_settings_say_which_channels_go_there() -> None:
    assert carried(Webhook(), config(channels="letter, sms")) == ("sms", "letter")
    assert carried(Webhook(), config(channels="")) == Webhook.capabilities.channels
