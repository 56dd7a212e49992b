"""Placing calls through Twilio's own library: what goes out, what each answer means, each key once."""

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from recupero_channel_voice import Voice

from recupero_sdk.channels import Message, SendOutcome, Uncertain
from recupero_sdk.conformance.standin import Answer, Asked, standing_in
from recupero_sdk.inbound import Connects
from recupero_sdk.settings import PluginConfig

sys.path.insert(0, str(Path(__file__).parent))
from twilio_calls import (
    ACCOUNT,
    AGENT,
    BLOCKED,
    CALLER,
    FOREIGN,
    GOOD,
    INVALID,
    TOKEN,
    UNREACHABLE,
    Twilio,
    running,
)

CALL = Message(
    key="3-41",
    channel="call",
    recipient=GOOD,
    subject="",
    text="",
    callback_url="https://agency.example.com/channels/voice/7?message=3-41",
)
ASKED = "https://agency.example.com/channels/voice/7/call?message=3-41&key=3-41"
SENT, RETRY = SendOutcome.SENT, SendOutcome.RETRY
REFUSED, PERMANENT = SendOutcome.REFUSED, SendOutcome.PERMANENT


def several(count: int) -> list[Message]:
    return [replace(CALL, key=f"3-{number}", recipient=f"+5691234567{number}") for number in range(count)]


def placed_forms(twilio: Twilio) -> list[dict[str, str]]:
    return [dict(asked.form()) for asked in twilio.asked if asked.method == "POST"]


def test_what_goes_out_is_what_twilio_wants_and_nothing_is_recorded() -> None:
    twilio = Twilio()
    with running(twilio, ring_seconds="25", machine_detection="message_end") as config:
        (receipt,) = Voice().send([CALL], config)
    assert (receipt.outcome, receipt.reference) == (SENT, f"CA{1:032x}")
    assert placed_forms(twilio) == [
        {
            "To": GOOD,
            "From": CALLER,
            "Url": ASKED,
            "Method": "POST",
            "StatusCallback": ASKED,
            "StatusCallbackMethod": "POST",
            "StatusCallbackEvent": "completed",
            "Timeout": "25",
            "TimeLimit": "900",
            "MachineDetection": "DetectMessageEnd",
        }
    ]


def test_machine_detection_can_be_left_out() -> None:
    twilio = Twilio()
    with running(twilio, machine_detection="off") as config:
        Voice().send([CALL], config)
    assert "MachineDetection" not in placed_forms(twilio)[0]


@pytest.mark.parametrize(
    ("number", "caller", "outcome", "reason"),
    [
        (INVALID, CALLER, PERMANENT, "Twilio 21217"),
        (UNREACHABLE, CALLER, PERMANENT, "Twilio 21214"),
        (FOREIGN, CALLER, REFUSED, "Twilio 21215"),
        (BLOCKED, CALLER, REFUSED, "Twilio 21216"),
        (GOOD, "+15005550009", REFUSED, "Twilio 21210"),
        ("912345678", CALLER, PERMANENT, "the number is not in E.164"),
    ],
)
def test_what_twilio_says_of_a_number(number: str, caller: str, outcome: SendOutcome, reason: str) -> None:
    with running(Twilio(), caller=caller) as config:
        (receipt,) = Voice().send([replace(CALL, recipient=number)], config)
    assert (receipt.outcome, receipt.reason) == (outcome, reason)


@pytest.mark.parametrize(
    ("status", "code", "outcome"),
    [(429, 20429, RETRY), (400, 10004, RETRY), (503, 20503, RETRY), (401, 20003, REFUSED)],
)
def test_what_concerns_the_account_stops_the_batch(status: int, code: int, outcome: SendOutcome) -> None:
    twilio = Twilio(status=status, code=code)
    with running(twilio) as config:
        receipts = Voice().send(several(5), config)
    assert {(receipt.outcome, receipt.reason) for receipt in receipts} == {(outcome, f"Twilio {code}")}
    assert len(twilio.asked) == 1


def test_without_an_address_to_ask_nothing_is_called() -> None:
    twilio = Twilio()
    with running(twilio) as config:
        (receipt,) = Voice().send([replace(CALL, callback_url="")], config)
        (foreseen,) = Voice().dry_run([replace(CALL, callback_url="")], config)
    assert receipt == foreseen
    assert receipt.outcome is REFUSED
    assert twilio.calls == []


def test_a_repeated_key_rings_once_also_from_another_process() -> None:
    twilio, here, there = Twilio(), Voice(), Voice()
    with running(twilio) as config:
        references = {one.send([CALL], config)[0].reference for one in (here, here, there)}
    assert len(references) == len(twilio.calls) == 1


def test_another_key_of_this_process_rings_again() -> None:
    twilio, voice = Twilio(), Voice()
    with running(twilio) as config:
        first, second = voice.send([CALL, replace(CALL, key="3-42")], config)
    assert first.reference != second.reference


@pytest.mark.parametrize(
    "change",
    [{"date_created": "Mon, 02 Mar 2026 10:00:00 +0000"}, {"status": "failed"}, {"status": "canceled"}],
)
def test_what_rang_long_ago_or_never_is_no_repeat(change: dict[str, str]) -> None:
    twilio = Twilio()
    with running(twilio) as config:
        Voice().send([CALL], config)
        twilio.calls[0].update(change)
        Voice().send([CALL], config)
    assert len(twilio.calls) == 2


def test_a_call_that_twilio_took_before_it_hung_up_is_placed() -> None:
    twilio = Twilio(hang_up_at=2, having_taken=True)
    with running(twilio) as config:
        receipts = Voice().send(several(3), config)
    assert [receipt.outcome for receipt in receipts] == [SENT, SENT, SENT]
    assert receipts[1].reference == twilio.calls[1]["sid"]


def with_answers(place: Callable[[Asked], Answer | None]) -> Callable[[Asked], Answer | None]:
    twilio = Twilio()
    return lambda asked: place(asked) if asked.method == "POST" else twilio.answer(asked)


@pytest.mark.parametrize("answer", [Answer(201, b"<html>"), Answer(200, b""), Answer(201, b"[]"), None])
def test_an_answer_that_says_nothing_leaves_doubt(answer: Answer | None) -> None:
    with (
        standing_in(with_answers(lambda _: answer)) as address,
        running(Twilio(), api_base=address) as config,
    ):
        with pytest.raises(Uncertain) as raised:
            Voice().send(several(2), config)
        with pytest.raises(Uncertain):
            Voice().connect(CALL, AGENT, config)
    assert [(one.key, one.outcome) for one in raised.value.receipts] == [("3-1", RETRY)]


def test_a_click_rings_the_agent_first() -> None:
    twilio, voice = Twilio(), Voice()
    assert isinstance(voice, Connects)
    with running(twilio) as config:
        receipt = voice.connect(CALL, AGENT, config)
    (form,) = placed_forms(twilio)
    assert receipt.outcome is SENT
    assert (form["To"], form["Url"]) == (AGENT, f"{ASKED}&leg=agent")
    assert form["MachineDetection"] == "Enable", "an agent's answering machine must not be put through"
    assert GOOD not in str(form), "the person's number is not told before the agent is there"


def test_a_second_click_does_not_ring_twice_and_another_call_waits() -> None:
    twilio, voice = Twilio(), Voice()
    with running(twilio) as config:
        first, second = voice.connect(CALL, AGENT, config), voice.connect(CALL, AGENT, config)
        other = voice.connect(replace(CALL, key="3-42"), AGENT, config)
        twilio.calls[0]["status"] = "completed"
        later = voice.connect(replace(CALL, key="3-42"), AGENT, config)
    assert first == second
    assert (other.outcome, other.reason) == (RETRY, "the agent's telephone is in use")
    assert later.outcome is SENT
    assert len(twilio.calls) == 2


@pytest.mark.parametrize(
    ("number", "agent", "outcome"),
    [("12", AGENT, PERMANENT), (GOOD, "101", REFUSED), (GOOD, FOREIGN, REFUSED)],
)
def test_a_number_that_cannot_be_connected(number: str, agent: str, outcome: SendOutcome) -> None:
    with running(Twilio()) as config:
        assert Voice().connect(replace(CALL, recipient=number), agent, config).outcome is outcome


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"account_sid": ""}, "account_sid is missing"),
        ({"account_sid": "AC1"}, "account_sid must be AC and 32 hexadecimal digits"),
        ({"caller": ""}, "caller is missing"),
        ({"caller": "22123"}, "caller must be a number in E.164"),
        ({"channels": "robots"}, "channels must be call or none"),
        ({"machine_detection": "maybe"}, "machine_detection must be one of enable, message_end, off"),
        ({"ring_seconds": "long"}, "ring_seconds must be a whole number above 0"),
        ({"prices": "Chile=1"}, "prices or voices: `Chile=1` is no price"),
        ({"voices": "Mia"}, "prices or voices: `Mia` is no voice"),
    ],
)
def test_the_check_names_what_is_wrong_and_nothing_rings_so(settings: dict[str, str], told: str) -> None:
    good = {"account_sid": ACCOUNT, "caller": CALLER, "api_base": "http://127.0.0.1:9"}
    config = PluginConfig(good | settings, {"auth_token": TOKEN})
    problem = Voice().check(config)
    assert problem is not None
    assert problem.startswith(told)
    (receipt,) = Voice().send([CALL], config)
    assert (receipt.outcome, receipt.reason) == (REFUSED, problem)
    assert Voice().dry_run([CALL], config) == [receipt]
    assert Voice().connect(CALL, AGENT, config) == receipt
