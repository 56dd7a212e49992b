"""A call turn by turn: what Twilio asks is read, what it is told is TwiML that says and does just that."""

import sys
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from recupero_channel_voice import Voice
from recupero_channel_voice.conversation import VOICES

from recupero_sdk.channels import Cost
from recupero_sdk.inbound import CallEvent, CallStage, CallTurn, InboundRequest, Rejected
from recupero_sdk.settings import PluginConfig

sys.path.insert(0, str(Path(__file__).parent))
from twilio_calls import ACCOUNT, AGENT, CALLER, GOOD, TOKEN, signed

BASE = "https://agency.example.com/channels/voice/tienda/call"
SID = "CA" + "ab" * 16
CONFIG = PluginConfig(
    {"account_sid": ACCOUNT, "caller": CALLER, "prices": "default=0.1,+56=0.0425"}, {"auth_token": TOKEN}
)


def asked(form: dict[str, str], query: str = "?key=3-41") -> InboundRequest:
    common = {
        "CallSid": SID, "AccountSid": ACCOUNT, "CallStatus": "in-progress", "Direction": "outbound-api",
        "From": CALLER, "To": GOOD,
    }  # fmt: skip
    url = f"{BASE}{query}"
    body = urlencode(common | form).encode()
    return signed(InboundRequest("POST", url, {}, dict(parse_qsl(urlsplit(url).query)), body))


def heard(form: dict[str, str], query: str = "?key=3-41") -> CallEvent:
    return Voice().hear_call(asked(form, query), CONFIG)


def said(turn: CallTurn, query: str = "?key=3-41", config: PluginConfig = CONFIG) -> list[ET.Element]:
    answer = Voice().say(turn, asked({}, query), config)
    assert (answer.status, answer.content_type) == (200, "text/xml")
    root = ET.fromstring(answer.body)
    assert root.tag == "Response"
    return list(root)


def test_who_took_the_call() -> None:
    assert heard({"AnsweredBy": "human"}).stage is CallStage.HUMAN
    assert heard({}).stage is CallStage.HUMAN
    assert heard({"AnsweredBy": "unknown"}).stage is CallStage.HUMAN
    for machine in ("machine_start", "machine_end_beep", "machine_end_silence", "machine_end_other", "fax"):
        assert heard({"AnsweredBy": machine}).stage is CallStage.MACHINE
    assert heard({"AnsweredBy": "human"}, "?key=3-41&leg=agent").stage is CallStage.AGENT
    assert heard({"AnsweredBy": "machine_start"}, "?key=3-41&leg=agent").stage is CallStage.MACHINE


def test_somebody_calls_us() -> None:
    event = heard({"Direction": "inbound", "CallStatus": "ringing", "From": GOOD, "To": CALLER}, "")
    assert (event.stage, event.key, event.caller) == (CallStage.INCOMING, "", GOOD)
    pressed = heard({"Direction": "inbound", "From": GOOD, "Digits": "2"}, "?turn=1")
    assert (pressed.stage, pressed.digits, pressed.caller) == (CallStage.HEARD, "2", GOOD)


def test_what_was_pressed_and_said_and_silence() -> None:
    pressed = heard({"Digits": "12#"}, "?key=3-41&turn=1")
    spoken = heard({"SpeechResult": "ya pagué", "Confidence": "0.8"}, "?key=3-41&turn=2")
    silent = heard({}, "?key=3-41&turn=3")
    assert {event.stage for event in (pressed, spoken, silent)} == {CallStage.HEARD}
    assert (pressed.digits, spoken.speech, silent.digits, silent.speech) == ("12#", "ya pagué", "", "")
    assert len({event.id for event in (pressed, spoken, silent, heard({}))}) == 4


@pytest.mark.parametrize(
    ("status", "end"),
    [("completed", "answered"), ("answered", "answered"), ("no-answer", "no_answer"), ("busy", "busy"),
     ("failed", "failed"), ("canceled", "no_answer")],
)  # fmt: skip
def test_how_a_transfer_ended(status: str, end: str) -> None:
    event = heard({"DialCallStatus": status, "DialCallDuration": "44"}, "?key=3-41&turn=4")
    assert (event.stage, event.end, event.seconds) == (CallStage.TRANSFERRED, end, 44)


@pytest.mark.parametrize(
    ("form", "end", "seconds", "cost"),
    [
        ({"CallStatus": "completed", "CallDuration": "60"}, "answered", 60, Cost(42_500, "USD", 60)),
        ({"CallStatus": "completed", "CallDuration": "61"}, "answered", 61, Cost(85_000, "USD", 61)),
        ({"CallStatus": "no-answer", "CallDuration": "0"}, "no_answer", 0, None),
        ({"CallStatus": "busy", "CallDuration": "0"}, "busy", 0, None),
        ({"CallStatus": "failed", "CallDuration": "0", "SipResponseCode": "503"}, "failed", 0, None),
        ({"CallStatus": "failed", "CallDuration": "0", "SipResponseCode": "404"}, "invalid", 0, None),
        ({"CallStatus": "canceled"}, "no_answer", None, None),
    ],
)
def test_how_a_call_ended(form: dict[str, str], end: str, seconds: int | None, cost: Cost | None) -> None:
    event = heard(form)
    assert (event.stage, event.end, event.seconds, event.cost) == (CallStage.ENDED, end, seconds, cost)


def test_the_end_with_its_length_is_not_taken_for_a_turn_nobody_waited_for() -> None:
    early = heard({"CallStatus": "completed"}, "?key=3-41&turn=2")
    told = heard({"CallStatus": "completed", "CallDuration": "9"})
    assert early.stage is told.stage is CallStage.ENDED
    assert early.id != told.id


@pytest.mark.parametrize(
    ("form", "query"),
    [
        ({"CallSid": "CA1"}, "?key=1"),
        ({"CallStatus": "asleep"}, "?key=1"),
        ({}, ""),
        ({"AccountSid": "AC" + "6" * 32}, "?key=1"),
    ],
)
def test_what_is_signed_and_senseless_is_400(form: dict[str, str], query: str) -> None:
    with pytest.raises(Rejected) as raised:
        heard(form, query)
    assert raised.value.status == 400


def test_a_turn_that_listens() -> None:
    turn = CallTurn("¿Hablo con Ana?", "es-CL", listens=True, hints=("sí, soy yo", "no"), wait_seconds=7)
    (gather,) = said(turn, "?key=3-41&turn=4")
    assert gather.tag == "Gather"
    assert gather.attrib == {
        "input": "dtmf speech",
        "action": f"{BASE}?key=3-41&turn=5",
        "method": "POST",
        "timeout": "7",
        "speechTimeout": "auto",
        "language": "es-CL",
        "hints": "sí soy yo, no",
        "numDigits": "1",
        "finishOnKey": "#",
        "actionOnEmptyResult": "true",
    }
    (words,) = gather
    assert (words.tag, words.text) == ("Say", "¿Hablo con Ana?")
    assert words.attrib == {"language": "es-MX", "voice": "Polly.Mia-Neural"}


def test_any_number_of_keys_ends_with_the_hash() -> None:
    (gather,) = said(CallTurn("Digite", "pt-BR", listens=True, digits=0))
    assert "numDigits" not in gather.attrib
    assert gather.attrib["finishOnKey"] == "#"


@pytest.mark.parametrize(
    ("asked_for", "spoken", "understood"),
    [
        ("es", "es-MX", "es-US"), ("es-CL", "es-MX", "es-CL"), ("es-MX", "es-MX", "es-MX"),
        ("es-ES", "es-ES", "es-ES"), ("es-419", "es-MX", "es-US"), ("pt", "pt-BR", "pt-BR"),
        ("pt-BR", "pt-BR", "pt-BR"), ("en", "en-US", "en-US"), ("en-GB", "en-GB", "en-GB"),
        ("en_US", "en-US", "en-US"),
    ],
)  # fmt: skip
def test_languages(asked_for: str, spoken: str, understood: str) -> None:
    (gather,) = said(CallTurn("x", asked_for, listens=True))
    assert gather.attrib["language"] == understood
    assert gather[0].attrib == {"language": spoken, "voice": VOICES[spoken]}


def test_an_agency_chooses_its_voices() -> None:
    chosen = PluginConfig({**CONFIG.settings, "voices": "es-CL=Google.es-US-Neural2-A"}, CONFIG.secrets)
    words, _ = said(CallTurn("Adiós", "es-CL"), config=chosen)
    assert words.attrib == {"language": "es-CL", "voice": "Google.es-US-Neural2-A"}


def test_a_language_that_an_agency_adds_is_spoken_and_understood() -> None:
    chosen = PluginConfig({**CONFIG.settings, "voices": "fr-CA=Polly.Gabrielle-Neural"}, CONFIG.secrets)
    (gather,) = said(CallTurn("Bonjour", "fr-CA", listens=True), config=chosen)
    assert gather.attrib["language"] == "fr-CA"
    assert gather[0].attrib == {"language": "fr-CA", "voice": "Polly.Gabrielle-Neural"}


def test_a_language_without_a_voice_is_an_error_of_the_script() -> None:
    with pytest.raises(ValueError, match="no voice for the language fr"):
        said(CallTurn("Bonjour", "fr"))


def test_a_turn_that_neither_listens_nor_transfers_ends_the_call() -> None:
    assert [element.tag for element in said(CallTurn("Gracias", "es"))] == ["Say", "Hangup"]
    assert [element.tag for element in said(CallTurn("", "es"))] == ["Hangup"]


def test_a_transfer_shows_our_number_and_comes_back() -> None:
    words, dial = said(CallTurn("Le comunico", "es", transfer_to=AGENT), "?key=3-41&leg=agent&turn=2")
    assert (words.tag, dial.tag) == ("Say", "Dial")
    assert dial.attrib == {
        "action": f"{BASE}?key=3-41&leg=agent&turn=3",
        "method": "POST",
        "callerId": CALLER,
        "answerOnBridge": "true",
        "timeout": "30",
    }
    assert [(number.tag, number.text) for number in dial] == [("Number", AGENT)]
    with pytest.raises(ValueError, match=r"E\.164"):
        said(CallTurn("x", "es", transfer_to="101"))


def test_nothing_is_recorded_unless_asked() -> None:
    quiet = CallTurn("a", "es")
    for turn in (quiet, replace(quiet, listens=True), replace(quiet, transfer_to=AGENT)):
        answer = Voice().say(turn, asked({}), CONFIG)
        assert "record" not in answer.body.lower()


def test_recording_begins_once_and_after_the_words() -> None:
    notice = CallTurn("Esta llamada se graba", "es", listens=True, record=True)
    words, start, gather = said(notice)
    assert [words.tag, start.tag, gather.tag] == ["Say", "Start", "Gather"]
    assert start[0].tag == "Recording"
    assert gather.attrib["action"] == f"{BASE}?key=3-41&turn=1&recorded=1"
    (again,) = said(notice, "?key=3-41&turn=1&recorded=1")
    assert again.tag == "Gather"
    assert again.attrib["action"].endswith("turn=2&recorded=1")


def test_a_transfer_is_recorded_from_the_answer() -> None:
    _, dial = said(CallTurn("x", "es", transfer_to=AGENT, record=True))
    assert dial.attrib["record"] == "record-from-answer-dual"
    _, dial = said(CallTurn("x", "es", transfer_to=AGENT, record=True), "?key=3-41&turn=1&recorded=1")
    assert "record" not in dial.attrib


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"), min_size=1))
def test_words_are_said_as_they_are(text: str) -> None:
    words = said(CallTurn(f"x{text}", "es"))[0]
    assert words.text == f"x{text}"
    assert list(words) == []


@given(st.text(min_size=1))
def test_no_character_breaks_the_answer(text: str) -> None:
    assert said(CallTurn(f"x{text}", "es", listens=True, hints=(text,)))[0].tag == "Gather"
