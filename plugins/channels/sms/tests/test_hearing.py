"""What Twilio tells, once it is believed: fates, answers, files within limits, opt-outs."""

import sys
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from recupero_channel_sms import Sms
from twilio.request_validator import RequestValidator

from recupero_sdk.conformance.standin import Answer, Asked, standing_in
from recupero_sdk.inbound import Fate, InboundAnswer, InboundRequest, MessageEvent, Rejected, StatusEvent
from recupero_sdk.settings import PluginConfig

sys.path.insert(0, str(Path(__file__).parent))
from twilio_messages import ACCOUNT, GOOD, SENDER, TOKEN, Twilio, running, signed

URL = "https://agency.example.com/channels/sms/7?message=3-41"
SID = "SM" + "ab" * 16
CONFIG = PluginConfig({"account_sid": ACCOUNT, "from_number": SENDER}, {"auth_token": TOKEN})
PIXEL = b"\x89PNG\r\n\x1a\n" + b"\x00" * 60


def called(form: dict[str, str], url: str = URL) -> InboundRequest:
    body = urlencode({"AccountSid": ACCOUNT, "MessageSid": SID} | form).encode()
    query = dict(parse_qsl(urlsplit(url).query))
    return signed(InboundRequest("POST", url, {"content-type": "x-www-form-urlencoded"}, query, body))


def heard(form: dict[str, str], config: PluginConfig = CONFIG) -> InboundAnswer:
    return Sms().hear(called(form), config)


def wrote(form: dict[str, str], config: PluginConfig = CONFIG) -> MessageEvent:
    (event,) = heard({"From": GOOD, "To": SENDER, "Body": "Hola", "NumMedia": "0"} | form, config).events
    assert isinstance(event, MessageEvent)
    return event


@pytest.mark.parametrize(
    ("form", "fate", "reason"),
    [
        ({"MessageStatus": "sent"}, Fate.SENT, None),
        ({"MessageStatus": "delivered"}, Fate.DELIVERED, None),
        ({"MessageStatus": "read"}, Fate.READ, None),
        ({"MessageStatus": "undelivered", "ErrorCode": "30003"}, Fate.FAILED, "Twilio 30003"),
        ({"MessageStatus": "undelivered", "ErrorCode": "30005"}, Fate.PERMANENT, "Twilio 30005"),
        ({"MessageStatus": "undelivered", "ErrorCode": "30006"}, Fate.PERMANENT, "Twilio 30006"),
        ({"MessageStatus": "failed", "ErrorCode": "21614"}, Fate.PERMANENT, "Twilio 21614"),
        ({"MessageStatus": "failed", "ErrorCode": "21610"}, Fate.OPTED_OUT, "Twilio 21610"),
        ({"MessageStatus": "failed"}, Fate.FAILED, None),
        ({"MessageStatus": "canceled"}, Fate.FAILED, None),
    ],
)
def test_what_became_of_a_message(form: dict[str, str], fate: Fate, reason: str | None) -> None:
    (event,) = heard(form).events
    status = form["MessageStatus"]
    assert event == StatusEvent(f"{SID}:{status}", SID, fate, reason=reason)


@pytest.mark.parametrize("status", ["accepted", "queued", "sending", "scheduled"])
def test_a_message_under_way_is_no_news(status: str) -> None:
    assert heard({"MessageStatus": status}).events == []


def test_an_answer_comes_in_whole_and_twilio_is_told_to_say_nothing() -> None:
    answer = heard({"From": GOOD, "To": SENDER, "Body": "No puedo pagar 😟 <b>", "NumMedia": "0"})
    (event,) = answer.events
    assert isinstance(event, MessageEvent)
    assert (event.id, event.channel, event.sender, event.recipient) == (
        f"{SID}:received",
        "sms",
        GOOD,
        SENDER,
    )
    assert (event.text, event.payload, event.attachments) == ("No puedo pagar 😟 <b>", None, ())
    assert answer.content_type == "text/xml"
    assert answer.body.endswith("<Response />")


@pytest.mark.parametrize(("told", "payload"), [("STOP", "STOP"), ("START", "START"), ("", None), ("X", None)])
def test_an_opt_out_that_twilio_answered_is_told(told: str, payload: str | None) -> None:
    assert wrote({"Body": "BASTA", "OptOutType": told}).payload == payload


def media(place: int, config: PluginConfig, kind: str = "image/png") -> dict[str, str]:
    url = f"{config.get('api_base')}/2010-04-01/Accounts/{ACCOUNT}/Messages/{SID}/Media/ME{place}"
    return {f"MediaUrl{place}": url, f"MediaContentType{place}": kind}


def path(place: int) -> str:
    return f"/2010-04-01/Accounts/{ACCOUNT}/Messages/{SID}/Media/ME{place}"


def test_files_are_fetched_with_credentials_that_the_store_of_files_never_sees() -> None:
    twilio, at_store = Twilio(), list[Asked]()

    def store(asked: Asked) -> Answer:
        at_store.append(asked)
        return Answer(200, PIXEL)

    with running(twilio) as config, standing_in(store) as address:
        twilio.media[path(0)] = Answer(307, headers={"Location": f"{address}/signed"})
        (file,) = wrote({"NumMedia": "1", **media(0, config)}, config).attachments
    assert (file.name, file.media_type, file.size, file.content) == ("1.png", "image/png", 68, PIXEL)
    assert ["authorization" in asked.headers for asked in at_store] == [False]
    assert "authorization" in twilio.asked[-1].headers


def test_a_file_that_leads_elsewhere_is_not_followed() -> None:
    twilio = Twilio(media={path(0): Answer(302, headers={"Location": "file:///etc/passwd"})})
    with running(twilio) as config:
        (file,) = wrote({"NumMedia": "1", **media(0, config)}, config).attachments
    assert (file.size, file.content) == (0, None)


def test_a_file_that_is_too_large_is_named_without_its_content() -> None:
    twilio = Twilio(media={path(0): Answer(200, b"x" * 1001), path(1): Answer(200, b"x" * 1000)})
    with running(twilio, attachment_bytes="1000") as config:
        event = wrote({"NumMedia": "2", **media(0, config), **media(1, config)}, config)
    large, fitting = event.attachments
    assert (large.name, large.size, large.content) == ("1.png", 1001, None)
    assert (fitting.name, fitting.size, fitting.content) == ("2.png", 1000, b"x" * 1000)


def test_a_kind_that_is_not_carried_is_named_without_its_content() -> None:
    twilio = Twilio(media={path(0): Answer(200, b"<script>")})
    with running(twilio) as config:
        (file,) = wrote({"NumMedia": "1", **media(0, config, "text/html")}, config).attachments
    assert (file.media_type, file.size, file.content) == ("text/html", 8, None)


@pytest.mark.parametrize(
    "form",
    [
        {"MediaUrl0": "http://169.254.169.254/latest/meta-data", "MediaContentType0": "image/png"},
        {"MediaUrl0": "file:///etc/passwd", "MediaContentType0": "image/png"},
        {"MediaUrl0": "https://api.twilio.com.evil.example/x", "MediaContentType0": "image/png"},
        {},
    ],
)
def test_nothing_is_fetched_from_anywhere_else(form: dict[str, str]) -> None:
    (file,) = wrote({"NumMedia": "1", **form}).attachments
    assert (file.size, file.content) == (0, None)


def test_a_file_that_is_gone_leaves_the_message_whole() -> None:
    with running(Twilio()) as config:
        event = wrote({"NumMedia": "1", **media(0, config), "Body": "mire"}, config)
    assert event.text == "mire"
    assert (event.attachments[0].size, event.attachments[0].content) == (0, None)


def test_a_thousand_files_are_ten() -> None:
    assert len(wrote({"NumMedia": "1000"}).attachments) == 10
    assert wrote({"NumMedia": "²"}).attachments == ()


@pytest.mark.parametrize(
    "form",
    [
        {"MessageSid": "SM1", "MessageStatus": "sent"},
        {"MessageStatus": "eaten"},
        {"Body": "nobody said this"},
        {"From": GOOD},
        {"From": f"whatsapp:{GOOD}", "Body": "Hola"},
        {"From": "", "Body": "Hola"},
        {"AccountSid": "AC" + "6" * 32, "MessageStatus": "sent"},
    ],
)
def test_what_is_signed_and_senseless_is_400(form: dict[str, str]) -> None:
    with pytest.raises(Rejected) as raised:
        heard(form)
    assert raised.value.status == 400


def test_our_signature_is_twilio_s() -> None:
    """The stand-in signs by the published rule; Twilio's own library agrees."""
    request = called({"MessageStatus": "sent"})
    signature = request.headers["x-twilio-signature"]
    assert RequestValidator(TOKEN).validate(request.url, request.form(), signature)


def test_a_signature_with_sha256_and_one_with_an_unknown_method() -> None:
    request = called({"MessageStatus": "sent"})
    right = RequestValidator(TOKEN).compute_signature(request.url, request.form(), "HMAC_SHA256")
    name = "x-twilio-webhooks-signature-settings"
    good = {"x-twilio-signature": right, name: "key=1,algorithm=HMAC_SHA256"}
    assert Sms().hear(InboundRequest("POST", URL, good, request.query, request.body), CONFIG).events
    with pytest.raises(Rejected):
        odd = {**good, name: "algorithm=NONE"}
        Sms().hear(InboundRequest("POST", URL, odd, request.query, request.body), CONFIG)
