"""What Meta tells, once it is believed: fates and prices, words, buttons, files within limits."""

import json
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from recupero_channel_whatsapp import WhatsApp

from recupero_sdk.channels import Cost
from recupero_sdk.conformance.standin import Answer
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

sys.path.insert(0, str(Path(__file__).parent))
from cloud_api import (
    BUSINESS,
    NUMBER,
    VERIFY,
    VERSION,
    CloudApi,
    change,
    configured,
    running,
    signed,
    webhook,
)

URL = "https://agency.example.com/channels/whatsapp/7"
AT = datetime(2025, 6, 8, 19, 46, 23, tzinfo=UTC)
STAMP = str(int(AT.timestamp()))
STATUS = {"id": "wamid.ours", "timestamp": STAMP, "recipient_id": "56912345678"}
SAID = {"from": "56912345678", "id": "wamid.theirs", "timestamp": STAMP}
PIXEL = b"\x89PNG\r\n\x1a\n" + b"\x00" * 60
CONFIG = configured(prices="default=0.02, +56=0.03", prices_marketing="+56=0.08")


def heard(*changes: dict[str, Any], config: PluginConfig = CONFIG, business: str = BUSINESS) -> list[Event]:
    return list(told(webhook(*changes, business=business), config).events)


def told(body: bytes, config: PluginConfig = CONFIG) -> InboundAnswer:
    return WhatsApp().hear(signed(InboundRequest("POST", URL, {}, {}, body)), config)


def status(**more: object) -> StatusEvent:
    (event,) = heard(change(statuses=[STATUS | more]))
    assert isinstance(event, StatusEvent)
    return event


def wrote(config: PluginConfig = CONFIG, **more: object) -> MessageEvent:
    (event,) = heard(change(number=config.get("phone_number_id"), messages=[SAID | more]), config=config)
    assert isinstance(event, MessageEvent)
    return event


@pytest.mark.parametrize(
    ("name", "code", "fate"),
    [
        ("sent", None, Fate.SENT),
        ("delivered", None, Fate.DELIVERED),
        ("read", None, Fate.READ),
        ("failed", 131026, Fate.PERMANENT),
        ("failed", 131047, Fate.FAILED),
        ("failed", 131050, Fate.OPTED_OUT),
        ("failed", 130472, Fate.FAILED),
        ("failed", None, Fate.FAILED),
    ],
)
def test_what_became_of_a_message(name: str, code: int | None, fate: Fate) -> None:
    errors = (
        [] if code is None else [{"code": code, "title": "no", "error_data": {"details": "+56912345678"}}]
    )
    event = status(status=name, errors=errors, biz_opaque_callback_data="3-41")
    reason = None if code is None else f"Meta {code}"
    assert event == StatusEvent(f"wamid.ours:{name}", "wamid.ours", fate, AT, reason, key="3-41")


@pytest.mark.parametrize(
    ("pricing", "cost"),
    [
        ({"billable": True, "pricing_model": "PMP", "category": "utility", "type": "regular"}, 30_000),
        ({"billable": True, "pricing_model": "PMP", "category": "marketing", "type": "regular"}, 80_000),
        ({"billable": False, "category": "utility", "type": "free_customer_service"}, 0),
        ({"billable": False, "category": "service", "type": "free_customer_service"}, 0),
        ({"category": "marketing", "type": "free_entry_point"}, 0),
        ({"billable": True, "category": "authentication"}, None),
        ({"billable": True, "category": "referral_conversion"}, None),
        ({}, None),
    ],
)
def test_the_price_follows_the_category_that_meta_charges(
    pricing: dict[str, object], cost: int | None
) -> None:
    event = status(
        status="delivered", pricing=pricing, conversation={"id": "c", "origin": {"type": "utility"}}
    )
    assert event.cost == (None if cost is None else Cost(cost, "USD"))


def test_a_status_that_means_nothing_is_no_event() -> None:
    assert heard(change(statuses=[STATUS | {"status": "warning"}])) == []


def test_words_come_in_whole_and_name_what_they_answer() -> None:
    event = wrote(type="text", text={"body": "Ya pagué 😟 <b>"}, context={"from": "1", "id": "wamid.ours"})
    assert event == MessageEvent(
        id="wamid.theirs", channel="whatsapp", sender="+56912345678", text="Ya pagué 😟 <b>", at=AT,
        recipient="+15550783881", answers=("wamid.ours",),
    )  # fmt: skip


def pressed(kind: str, **what: str) -> dict[str, object]:
    return {"type": "interactive", "interactive": {"type": kind, kind: what}}


CARD = {"name": {"formatted_name": "Eva"}, "phones": [{"phone": "+56 2"}]}


@pytest.mark.parametrize(
    ("more", "text", "payload"),
    [
        ({"type": "button", "button": {"payload": "STOP", "text": "No más"}}, "No más", "STOP"),
        (pressed("button_reply", id="PAID", title="Ya"), "Ya", "PAID"),
        (pressed("list_reply", id="P3", title="3"), "3", "P3"),
        (pressed("nfm_reply", response_json="{}"), "[form]", "{}"),
        (
            {"type": "location", "location": {"latitude": -33.4, "longitude": -70.6, "name": "Casa"}},
            "[location: Casa, -33.4 -70.6]",
            None,
        ),
        ({"type": "contacts", "contacts": [CARD]}, "[contact: Eva +56 2]", None),
        (
            {"type": "unsupported", "errors": [{"code": 131051}]},
            "[unsupported: not readable here, 131051]",
            None,
        ),
        ({"type": "order", "order": {"catalog_id": "1"}}, "[order: not readable here]", None),
        ({}, "[unknown: not readable here]", None),
    ],
)
def test_what_is_pressed_or_shared_is_text(more: dict[str, object], text: str, payload: str | None) -> None:
    event = wrote(**more)
    assert (event.text, event.payload, event.automatic) == (text, payload, False)


def test_a_reaction_is_an_answer_to_the_message_it_is_to() -> None:
    event = wrote(type="reaction", reaction={"message_id": "wamid.ours", "emoji": "👍"})
    assert (event.text, event.answers) == ("👍", ("wamid.ours",))
    assert wrote(type="reaction", reaction={"message_id": "wamid.ours"}).text == "[reaction taken back]"


def test_what_whatsapp_itself_says_is_nobody_s_answer() -> None:
    event = wrote(type="system", system={"type": "user_changed_number", "body": "changed"})
    assert (event.text, event.automatic) == ("[system: changed]", True)


def test_a_person_without_a_number_is_named_by_their_user_id() -> None:
    assert wrote(**{"from": None}, from_user_id="CL.13491208655302741918", type="text").sender.startswith(
        "CL."
    )


def test_one_body_tells_many_things() -> None:
    events = heard(
        change(statuses=[STATUS | {"status": "sent"}, STATUS | {"status": "delivered"}]),
        {"field": "message_template_status_update", "value": {"event": "APPROVED"}},
        change(messages=[SAID | {"type": "text", "text": {"body": "a"}}]),
        change(number="999", messages=[SAID | {"id": "wamid.foreign"}]),
        change(statuses=[STATUS | {"status": "sent"}], errors=[{"code": 130429}]),
    )
    assert [event.id for event in events] == ["wamid.ours:sent", "wamid.ours:delivered", "wamid.theirs"]


@pytest.mark.parametrize(
    ("number", "business"), [("999", BUSINESS), (NUMBER, "999"), ("", BUSINESS), (NUMBER, "")]
)
def test_another_number_or_account_is_refused(number: str, business: str) -> None:
    with pytest.raises(Rejected) as raised:
        heard(change(number=number, messages=[SAID]), business=business)
    assert raised.value.status == 400


@pytest.mark.parametrize(
    "value",
    [
        {"messages": "x"}, {"messages": [1]}, {"messages": [{}]}, {"statuses": [{"status": "sent"}]},
        {"messages": [SAID | {"type": ["text"]}]}, {"messages": [SAID | {"type": "text", "text": "x"}]},
        {"messages": [SAID | {"type": "text", "text": {"body": {}}}]},
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_told_and_keeps_nothing_else_away(value: dict[str, Any]) -> None:
    (name,) = value
    good = {
        "messages": SAID | {"type": "text", "text": {"body": "a"}},
        "statuses": STATUS | {"status": "sent"},
    }
    among = [*value[name], good[name]] if isinstance(value[name], list) else value[name]
    other = change(statuses=[STATUS | {"status": "delivered"}])
    answer = told(webhook(change(**{name: among}), other, business=BUSINESS))
    assert (answer.status, len(answer.unread)) == (200, 1)
    wanted = ["wamid.ours:delivered"]
    if isinstance(among, list):
        wanted.insert(0, "wamid.theirs" if name == "messages" else "wamid.ours:sent")
    assert [event.id for event in answer.events] == wanted


def test_a_change_that_cannot_be_read_keeps_no_other_away() -> None:
    broken = change(statuses=[STATUS | {"status": "sent"}])
    broken["value"]["metadata"] = "x"
    answer = told(webhook(broken, change(statuses=[STATUS | {"status": "read"}]), business=BUSINESS))
    assert [event.id for event in answer.events] == ["wamid.ours:read"]
    assert [(one.reason, json.loads(one.content)) for one in answer.unread] == [
        ("metadata is no object", broken)
    ]


_WORD = st.text(alphabet="id1é\x00 ", max_size=4)
_PLAIN = st.none() | st.booleans() | st.integers() | _WORD
_JSON = (
    _PLAIN | st.lists(_PLAIN, max_size=2) | st.dictionaries(st.sampled_from(["id", "type", "body"]), _PLAIN)
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # other work may be on this machine
@given(
    st.dictionaries(
        st.sampled_from(["id", "type", "text", "from", "context", "timestamp", "button", "reaction", "status",
                         "errors", "pricing", "location", "contacts", "interactive", "system"]),
        _JSON | st.sampled_from(["text", "button", "contacts", "interactive", "sent", "failed", "location"]),
    ),
    st.sampled_from(["messages", "statuses"]),
)  # fmt: skip
def test_whatever_is_signed_is_read_or_left_out(one: dict[str, Any], where: str) -> None:
    answer = told(webhook(change(**{where: [{"id": "wamid.1"} | one]}), business=BUSINESS))
    assert len(answer.events) + len(answer.unread) <= 1


def asked(**query: str) -> InboundRequest:
    return InboundRequest(
        "GET", URL, {}, {name.replace("_", ".", 1): text for name, text in query.items()}, b""
    )


def test_meta_s_question_is_answered_with_its_challenge() -> None:
    answer = WhatsApp().hear(
        asked(hub_mode="subscribe", hub_verify_token=VERIFY, hub_challenge="1158201444"), CONFIG
    )
    assert (answer.status, answer.body, answer.content_type, list(answer.events)) == (
        200, "1158201444", "text/plain", [],
    )  # fmt: skip


@pytest.mark.parametrize(
    ("query", "status_told"),
    [
        ({"hub_mode": "subscribe", "hub_verify_token": "another", "hub_challenge": "1"}, 401),
        ({"hub_mode": "subscribe", "hub_challenge": "1"}, 401),
        ({"hub_mode": "subscribe", "hub_verify_token": VERIFY, "hub_challenge": "<script>"}, 400),
        ({"hub_mode": "unsubscribe", "hub_verify_token": VERIFY, "hub_challenge": "1"}, 400),
        ({}, 401),
    ],
)
def test_another_question_is_not_answered(query: dict[str, str], status_told: int) -> None:
    with pytest.raises(Rejected) as raised:
        WhatsApp().hear(asked(**query), CONFIG)
    assert raised.value.status == status_told
    nothing = replace(CONFIG, secrets={})
    with pytest.raises(Rejected):
        WhatsApp().hear(asked(hub_mode="subscribe", hub_verify_token="", hub_challenge="1"), nothing)


def with_file(api: CloudApi, base: str, answer: Answer, size: int, url: str | None = None) -> None:
    where = {"messaging_product": "whatsapp", "url": url or f"{base}/store/77", "file_size": size, "id": "77"}
    api.files = {f"/{VERSION}/77": Answer.of_json(200, where), "/store/77": answer}


def test_a_file_is_fetched_in_two_steps_with_the_token() -> None:
    api = CloudApi()
    with running(api) as config:
        with_file(api, config.get("api_base"), Answer(200, PIXEL), 68)
        event = wrote(config, type="image", image={"id": "77", "mime_type": "image/png", "caption": "Pagado"})
    (file,) = event.attachments
    assert (event.text, file.name, file.media_type, file.size, file.content) == (
        "Pagado", "1.png", "image/png", 68, PIXEL,
    )  # fmt: skip
    assert [one.path for one in api.asked] == [f"/{VERSION}/77", "/store/77"]
    assert dict(api.asked[0].query) == {"phone_number_id": api.number}


@pytest.mark.parametrize(
    ("kind", "mime", "carried"),
    [
        ("audio", "audio/ogg; codecs=opus", True),
        ("document", "application/pdf", True),
        ("video", "video/mp4", True),
        ("sticker", "image/webp", True),
        ("document", "application/zip", False),
        ("document", "image/svg+xml", False),
        ("document", "", False),
    ],
)
def test_kinds_that_are_carried_and_kinds_that_are_only_named(kind: str, mime: str, carried: bool) -> None:
    api = CloudApi()
    with running(api) as config:
        with_file(api, config.get("api_base"), Answer(200, b"12345"), 5)
        event = wrote(config, type=kind, **{kind: {"id": "77", "mime_type": mime, "filename": "recibo"}})
    (file,) = event.attachments
    assert (file.name, file.media_type, file.size) == ("recibo", mime.partition(";")[0], 5)
    assert file.content == (b"12345" if carried else None)


@pytest.mark.parametrize(("told_size", "size"), [(1001, 1001), (3, 1001)])
def test_a_file_that_is_too_large_is_named_without_its_content(told_size: int, size: int) -> None:
    api = CloudApi()
    with running(api, attachment_bytes="1000") as config:
        with_file(api, config.get("api_base"), Answer(200, b"x" * 1001), told_size)
        (file,) = wrote(config, type="image", image={"id": "77", "mime_type": "image/png"}).attachments
    assert (file.size, file.content) == (size, None)
    assert len(api.asked) == (1 if told_size > 1000 else 2)


@pytest.mark.parametrize(
    ("media_id", "url"),
    [
        ("77", "http://169.254.169.254/latest/meta-data"),
        ("77", "file:///etc/passwd"),
        ("77", "https://lookaside.fbsbx.com.evil.example/x"),
        ("77", "http://lookaside.fbsbx.com/x"),
        ("../7/messages", None),
        ("", None),
        ("78", None),
    ],
)
def test_the_token_is_shown_nowhere_else_and_the_words_stay(media_id: str, url: str | None) -> None:
    api = CloudApi()
    with running(api) as config:
        with_file(api, config.get("api_base"), Answer(200, PIXEL), 68, url)
        event = wrote(config, type="image", image={"id": media_id, "mime_type": "image/png", "caption": "a"})
    assert event.text == "a"
    assert (event.attachments[0].size, event.attachments[0].content) == (0, None)


@pytest.mark.parametrize("answer", [Answer(302, headers={"Location": "file:///etc/passwd"}), Answer(404)])
def test_a_file_that_leads_elsewhere_or_is_gone_leaves_the_message_whole(answer: Answer) -> None:
    api = CloudApi()
    with running(api) as config:
        with_file(api, config.get("api_base"), answer, 68)
        event = wrote(config, type="document", document={"id": "77", "mime_type": "application/pdf"})
    assert (event.attachments[0].name, event.attachments[0].content) == ("1.pdf", None)


def test_the_signature_covers_every_byte() -> None:
    request = signed(
        InboundRequest("POST", URL, {}, {}, webhook(change(statuses=[STATUS | {"status": "sent"}])))
    )
    assert WhatsApp().hear(request, CONFIG).events
    spaced = json.dumps(json.loads(request.body), indent=1).encode()
    with pytest.raises(Rejected):
        WhatsApp().hear(replace(request, body=spaced), CONFIG)
    for odd in ("sha1=00", "sha256=", "é"):
        with pytest.raises(Rejected):
            WhatsApp().hear(replace(request, headers={"x-hub-signature-256": odd}), CONFIG)
