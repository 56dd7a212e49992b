"""Sending through the Cloud API: free text or template, what each answer means, each key once."""

import json
import logging
import socket
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from recupero_channel_whatsapp import WhatsApp

from recupero_sdk.channels import Cost, Message, SendOutcome, Uncertain
from recupero_sdk.conformance.standin import Answer, standing_in
from recupero_sdk.settings import PluginConfig

sys.path.insert(0, str(Path(__file__).parent))
from cloud_api import GOOD, NOBODY, VERSION, CloudApi, configured, running

MESSAGE = Message(
    key="3-41",
    channel="whatsapp",
    recipient=GOOD,
    subject="",
    text="Hola, Ana:\nsu saldo es de $125.000. https://agency.example.com/p/abc",
    sender_name="Agencia Ñandú",
    template="first_notice",
    values={
        "name": "Ana  \n Soto",
        "creditor": "Tienda Sur",
        "amount": "$125.000",
        "link": "https://agency.example.com/p/abc?x=1",
    },
    code="NANDU001",
)
OPEN = replace(MESSAGE, heard_at=datetime.now(UTC))
SENT, RETRY = SendOutcome.SENT, SendOutcome.RETRY
REFUSED, PERMANENT = SendOutcome.REFUSED, SendOutcome.PERMANENT


def several(count: int, of: Message = OPEN) -> list[Message]:
    return [replace(of, key=f"3-{number}") for number in range(count)]


def test_while_the_window_is_open_the_words_go_as_they_are() -> None:
    api = CloudApi()
    with running(api, prices="default=0.02") as config:
        (receipt,) = WhatsApp().send([replace(OPEN, answers="wamid.theirs")], config)
    (asked,) = api.asked
    assert asked.path == f"/{VERSION}/{api.number}/messages"
    assert json.loads(asked.body) == {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": "56912345678",
        "type": "text",
        "text": {"preview_url": False, "body": MESSAGE.text},
        "context": {"message_id": "wamid.theirs"},
        "biz_opaque_callback_data": "3-41",
    }
    assert (receipt.outcome, receipt.reference) == (SENT, api.taken[0]["id"])
    assert receipt.cost == Cost(0, "USD"), "answers within the window are free"


def test_what_we_answer_over_another_channel_is_not_named() -> None:
    api = CloudApi()
    with running(api) as config:
        WhatsApp().send([replace(OPEN, answers="SM0a0a:received")], config)
    assert "context" not in api.taken[0]


@pytest.mark.parametrize(
    ("heard", "kind"),
    [
        (None, "template"),
        (timedelta(hours=25), "template"),
        (timedelta(hours=24), "template"),
        (timedelta(hours=23, minutes=50), "text"),
        (timedelta(0), "text"),
    ],
)
def test_the_window_is_24_hours_from_what_the_person_wrote(heard: timedelta | None, kind: str) -> None:
    api = CloudApi()
    with running(api) as config:
        message = replace(MESSAGE, heard_at=None if heard is None else datetime.now(UTC) - heard)
        (receipt,) = WhatsApp().send([message], config)
    assert (receipt.outcome, api.taken[0]["type"]) == (SENT, kind)


def test_outside_the_window_an_approved_template_is_filled() -> None:
    api = CloudApi()
    with running(api, prices="default=0.02, +56=0.03") as config:
        (receipt,) = WhatsApp().send([MESSAGE], config)
    assert api.taken[0]["template"] == {
        "name": "recupero_first_notice",
        "language": {"code": "es_CL"},
        "components": [
            {
                "type": "body",
                "parameters": [
                    {"type": "text", "text": "Ana Soto"},
                    {"type": "text", "text": "Tienda Sur"},
                    {"type": "text", "text": "$125.000"},
                    {"type": "text", "text": "NANDU001"},
                ],
            },
            {
                "type": "button",
                "sub_type": "url",
                "index": "0",
                "parameters": [{"type": "text", "text": "p/abc?x=1"}],
            },
            {
                "type": "button",
                "sub_type": "quick_reply",
                "index": "1",
                "parameters": [{"type": "payload", "payload": "STOP"}],
            },
        ],
    }
    assert receipt.cost == Cost(30_000, "USD")


@pytest.mark.parametrize(
    ("template", "language"), [("offer", "en"), ("reminder", "pt"), ("thanks", "es"), ("thanks", "es-CL")]
)
def test_named_variables_headers_fixed_buttons_and_templates_without_any(
    template: str, language: str
) -> None:
    with running(CloudApi()) as config:
        (receipt,) = WhatsApp().send([replace(MESSAGE, template=template, language=language)], config)
    assert (receipt.outcome, receipt.reason) == (SENT, None)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"template": "reply"}, "set an approved template for `reply.es`"),
        ({"language": "en"}, "set an approved template for `first_notice.en`"),
        ({"values": {"name": "Ana"}}, "wants `creditor`, and this message has none"),
        ({"values": {**MESSAGE.values, "link": "https://agency.example.com/"}}, "nothing after its host"),
    ],
)
def test_what_no_template_says_is_refused_with_what_to_do(change: dict[str, object], told: str) -> None:
    api = CloudApi()
    with running(api) as config:
        message = replace(MESSAGE, **change)  # type: ignore[arg-type] # fields of Message
        (foreseen,) = WhatsApp().dry_run([message], config)
        bad, good = WhatsApp().send([message, replace(MESSAGE, key="3-42")], config)
    assert foreseen == bad
    assert (bad.outcome, good.outcome) == (REFUSED, SENT)
    assert told in (bad.reason or "")
    assert "Ana" not in (bad.reason or "")


def test_where_meta_finds_the_window_closed_the_template_goes() -> None:
    api = CloudApi(window_open=False)
    with running(api) as config:
        found, without = WhatsApp().send([OPEN, replace(OPEN, key="3-42", template="reply")], config)
    assert (found.outcome, api.taken[0]["type"], len(api.taken)) == (SENT, "template", 1)
    assert without.outcome is REFUSED
    assert "`reply.es`" in (without.reason or "")


@pytest.mark.parametrize(
    ("status", "code", "outcome"),
    [
        (400, 131026, PERMANENT),
        (400, 131021, PERMANENT),
        (400, 131050, PERMANENT),
        (429, 131056, RETRY),
        (400, 131049, RETRY),
        (400, 131051, REFUSED),
        (400, 131008, REFUSED),
        (400, 131053, REFUSED),
        (404, 132001, REFUSED),
        (400, 132000, REFUSED),
        (400, 132015, REFUSED),
        (400, 100, REFUSED),
        (400, 999999, REFUSED),
    ],
)
def test_what_concerns_one_message_holds_up_no_other(status: int, code: int, outcome: SendOutcome) -> None:
    api = CloudApi(status=status, code=code)
    with running(api) as config:
        receipts = WhatsApp().send(several(3), config)
    assert {(one.outcome, one.reason) for one in receipts} == {(outcome, f"Meta {code}")}
    assert {one.opted_out for one in receipts} == {code == 131050}
    assert len(api.asked) == 3


@pytest.mark.parametrize(
    ("status", "code", "outcome"),
    [
        (429, 130429, RETRY),
        (429, 80007, RETRY),
        (400, 4, RETRY),
        (400, 131048, RETRY),
        (500, 131000, RETRY),
        (503, 131016, RETRY),
        (429, None, RETRY),
        (500, None, RETRY),
        (503, None, RETRY),
        (500, 999999, RETRY),
        (401, 190, REFUSED),
        (403, 10, REFUSED),
        (403, 200, REFUSED),
        (400, 131031, REFUSED),
        (400, 131042, REFUSED),
        (400, 368, REFUSED),
        (400, 133010, REFUSED),
        (401, None, REFUSED),
        (302, None, REFUSED),
    ],
)
def test_what_concerns_the_account_stops_the_batch(
    status: int, code: int | None, outcome: SendOutcome
) -> None:
    api = CloudApi(status=status, code=code)
    with running(api) as config:
        receipts = WhatsApp().send(several(5), config)
    reason = f"Meta {code}" if code is not None else f"Meta answered {status}"
    assert {(receipt.outcome, receipt.reason) for receipt in receipts} == {(outcome, reason)}
    assert len(api.asked) == 1, "an account that is refused or full is not asked five times"


@pytest.mark.parametrize(
    ("change", "outcome"),
    [
        ({"text": "a" * 4097}, REFUSED),
        ({"text": " \n "}, REFUSED),
        ({"recipient": "56912345678"}, PERMANENT),
        ({"recipient": "+56 9 1234"}, PERMANENT),
    ],
)
def test_what_cannot_go_never_leaves(change: dict[str, str], outcome: SendOutcome) -> None:
    api = CloudApi()
    with running(api) as config:
        (receipt,) = WhatsApp().send([replace(OPEN, **change)], config)  # type: ignore[arg-type] # as above
    assert (receipt.outcome, api.asked) == (outcome, [])


def test_a_number_without_whatsapp_is_permanent() -> None:
    with running(CloudApi()) as config:
        (receipt,) = WhatsApp().send([replace(MESSAGE, recipient=NOBODY)], config)
    assert (receipt.outcome, receipt.reason) == (PERMANENT, "Meta 131026")


def test_a_key_in_doubt_stays_in_doubt_and_is_not_sent_again() -> None:
    api, channel = CloudApi(hang_up_at=1), WhatsApp()
    with running(api) as config:
        for _ in range(2):
            with pytest.raises(Uncertain):
                channel.send([OPEN], config)
        (other,) = channel.send([replace(OPEN, key="3-42")], config)
    assert len(api.taken) == 2
    assert other.outcome is SENT


def test_a_repeated_key_goes_out_once_and_what_was_refused_goes_again() -> None:
    api, channel = CloudApi(status=429, code=130429), WhatsApp()
    with running(api) as config:
        (busy,) = channel.send([OPEN], config)
        api.status = 0
        first, second = (channel.send([OPEN], config)[0] for _ in range(2))
    assert (busy.outcome, first.outcome) == (RETRY, SENT)
    assert first == second
    assert len(api.taken) == 1


@pytest.mark.parametrize(
    "answer",
    [
        Answer(200, b"<html>"),
        Answer(200, b"{}"),
        Answer(200, b'{"messages": [{"id": 7}]}'),
        Answer(504, b"<html>"),
        None,
    ],
)
def test_an_answer_that_says_nothing_leaves_doubt(answer: Answer | None) -> None:
    with (
        standing_in(lambda _: answer) as address,
        pytest.raises(Uncertain) as raised,
    ):
        WhatsApp().send(several(2), configured(api_base=address, timeout="5"))
    assert [(one.key, one.outcome) for one in raised.value.receipts] == [("3-1", RETRY)]


def test_nobody_there_means_later() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        config = configured(api_base=f"http://127.0.0.1:{taken.getsockname()[1]}")
        receipts = WhatsApp().send(several(2), config)
    assert [receipt.outcome for receipt in receipts] == [RETRY, RETRY]


def test_an_address_that_is_none_is_refused() -> None:
    receipts = WhatsApp().send(several(2), configured(api_base="graph"))
    assert [receipt.reason for receipt in receipts] == ["api_base is no address"] * 2


def test_no_number_no_word_and_no_token_reaches_a_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with running(CloudApi()) as config:
        WhatsApp().send([OPEN], config)
    for secret in (GOOD.removeprefix("+"), "Ana", config.get("access_token")):
        assert secret not in caplog.text


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"phone_number_id": ""}, "phone_number_id is missing"),
        ({"phone_number_id": "+56912345678"}, "phone_number_id must be digits"),
        ({"business_account_id": ""}, "business_account_id is missing"),
        ({"api_version": "24"}, "api_version must be written as v24.0"),
        ({"timeout": "0"}, "timeout must be a whole number above 0"),
        ({"prices": "Chile=1"}, "prices: `Chile=1` is no price"),
        ({"prices_marketing": "x"}, "prices_marketing: `x` is no price"),
        ({"currency": "pesos"}, "prices: the currency must be a code"),
        ({"templates": "first_notice = x"}, "templates: `first_notice = x` is no template"),
    ],
)
def test_the_check_names_what_is_wrong_and_nothing_is_sent_so(settings: dict[str, str], told: str) -> None:
    good = configured(api_base="http://127.0.0.1:9")
    config = PluginConfig({**good.settings, **settings}, good.secrets)
    problem = WhatsApp().check(config)
    assert problem is not None
    assert problem.startswith(told)
    (receipt,) = WhatsApp().send([OPEN], config)
    assert (receipt.outcome, receipt.reason) == (REFUSED, problem)
    assert WhatsApp().dry_run([OPEN], config) == [receipt]


@pytest.mark.parametrize("secret", ["access_token", "app_secret", "verify_token"])
def test_the_check_names_a_missing_secret(secret: str) -> None:
    config = configured()
    left = {name: value for name, value in config.secrets.items() if name != secret}
    assert WhatsApp().check(replace(config, secrets=left)) == f"{secret} is missing"
