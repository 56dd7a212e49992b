"""Sending through Twilio's own library: what goes out, what each answer means, each key once."""

import logging
import socket
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from threading import Event

import pytest
from recupero_channel_sms import Sms

from recupero_sdk.channels import Cost, Message, SendOutcome, Uncertain
from recupero_sdk.conformance.standin import Answer, Asked, standing_in
from recupero_sdk.settings import PluginConfig

sys.path.insert(0, str(Path(__file__).parent))
from twilio_messages import (
    ACCOUNT,
    FOREIGN,
    FULL_SENDER,
    GOOD,
    INVALID,
    LANDLINE,
    OTHERS_SENDER,
    SENDER,
    STOPPED,
    TOKEN,
    Twilio,
    running,
)

MESSAGE = Message(
    key="3-41",
    channel="sms",
    recipient=GOOD,
    subject="",
    text="Hola, Ana: su saldo es de $125.000. Código NANDU001",
    callback_url="https://agency.example.com/channels/sms/7?message=3-41",
    code="NANDU001",
)
SENT, RETRY = SendOutcome.SENT, SendOutcome.RETRY
REFUSED, PERMANENT = SendOutcome.REFUSED, SendOutcome.PERMANENT


def several(count: int) -> list[Message]:
    return [
        replace(MESSAGE, key=f"3-{number}", code=f"NANDU{number:03}", text=f"Hola. NANDU{number:03}")
        for number in range(count)
    ]


def sent_forms(twilio: Twilio) -> list[dict[str, str]]:
    return [dict(asked.form()) for asked in twilio.asked if asked.method == "POST"]


def test_what_goes_out_is_what_twilio_wants() -> None:
    twilio = Twilio()
    with running(twilio) as config:
        (receipt,) = Sms().send([MESSAGE], config)
    assert (receipt.outcome, receipt.reference) == (SENT, f"SM{1:032x}")
    assert sent_forms(twilio) == [
        {
            "To": GOOD,
            "From": SENDER,
            "Body": MESSAGE.text,
            "StatusCallback": "https://agency.example.com/channels/sms/7?message=3-41",
        }
    ]


def test_a_messaging_service_sends_and_segments_are_ours_until_it_tells() -> None:
    twilio = Twilio()
    with running(twilio, messaging_service="MG" + "7" * 32, from_number="", prices="default=0.05") as config:
        (receipt,) = Sms().send([MESSAGE], config)
    (form,) = sent_forms(twilio)
    assert form["MessagingServiceSid"] == "MG" + "7" * 32
    assert "From" not in form
    assert receipt.cost == Cost(50_000, "USD", 1)


def test_a_price_counts_segments_by_country() -> None:
    long = replace(MESSAGE, text="á" * 71 + " NANDU001")
    with running(Twilio(), prices="default=1, +56=0.0612", currency="EUR") as config:
        (receipt,) = Sms().send([long], config)
        (foreseen,) = Sms().dry_run([long], config)
    assert receipt.cost == foreseen.cost == Cost(122_400, "EUR", 2)


def test_look_alikes_are_replaced_where_it_helps() -> None:
    twilio = Twilio()
    with running(twilio) as config:
        Sms().send([replace(MESSAGE, text="“Aviso”… NANDU001")], config)
    assert sent_forms(twilio)[0]["Body"] == '"Aviso"... NANDU001'


def test_a_batch_stays_on_one_line_and_all_of_it_arrives() -> None:
    twilio = Twilio()
    with running(twilio) as config:
        receipts = Sms().send(several(20), config)
    assert {receipt.outcome for receipt in receipts} == {SENT}
    assert len({receipt.reference for receipt in receipts}) == len(twilio.messages) == 20


@pytest.mark.parametrize(
    ("number", "sender", "outcome", "reason"),
    [
        (INVALID, SENDER, PERMANENT, "Twilio 21211"),
        (LANDLINE, SENDER, PERMANENT, "Twilio 21614"),
        (STOPPED, SENDER, PERMANENT, "Twilio 21610"),
        (FOREIGN, SENDER, REFUSED, "Twilio 21408"),
        (GOOD, OTHERS_SENDER, REFUSED, "Twilio 21606"),
        (GOOD, FULL_SENDER, RETRY, "Twilio 21611"),
        ("56912345678", SENDER, PERMANENT, "the number is not in E.164"),
        ("+56 9 1234", SENDER, PERMANENT, "the number is not in E.164"),
    ],
)
def test_what_twilio_says_of_a_number(number: str, sender: str, outcome: SendOutcome, reason: str) -> None:
    with running(Twilio(), from_number=sender) as config:
        (receipt,) = Sms().send([replace(MESSAGE, recipient=number)], config)
    assert (receipt.outcome, receipt.reason) == (outcome, reason)
    assert receipt.opted_out == (number == STOPPED)


@pytest.mark.parametrize(
    ("status", "code", "outcome"),
    [
        (429, 20429, RETRY),
        (500, 20500, RETRY),
        (503, 20503, RETRY),
        (400, 30001, RETRY),
        (401, 20003, REFUSED),
        (404, 20404, REFUSED),
        (403, 20005, REFUSED),
    ],
)
def test_what_concerns_the_account_stops_the_batch(status: int, code: int, outcome: SendOutcome) -> None:
    twilio = Twilio(status=status, code=code)
    with running(twilio) as config:
        receipts = Sms().send(several(5), config)
    assert {(receipt.outcome, receipt.reason) for receipt in receipts} == {(outcome, f"Twilio {code}")}
    assert len(twilio.asked) == 1, "an account that is refused or full is not asked five times"


@pytest.mark.parametrize("change", [{"text": "a" * 1601}, {"text": "á" * 671}, {"text": " \n "}])
def test_words_that_cannot_go_are_refused(change: dict[str, str]) -> None:
    twilio = Twilio()
    with running(twilio, max_segments="10") as config:
        first, second = Sms().send([replace(MESSAGE, **change), replace(MESSAGE, key="3-42")], config)
        assert Sms().dry_run([replace(MESSAGE, **change)], config)[0].outcome is REFUSED
    assert (first.outcome, second.outcome) == (REFUSED, SENT)
    assert len(twilio.messages) == 1


def test_a_callback_that_twilio_refuses_is_for_a_person_to_see() -> None:
    with running(Twilio()) as config:
        (receipt,) = Sms().send([replace(MESSAGE, callback_url="https://a_b.example.com/x")], config)
    assert (receipt.outcome, receipt.reason) == (REFUSED, "Twilio 21609")


def test_a_repeated_key_is_known_to_another_process_by_its_code() -> None:
    twilio = Twilio()
    with running(twilio) as config:
        (first,) = Sms().send([MESSAGE], config)
        (second,) = Sms().send([replace(MESSAGE, text=MESSAGE.text.replace("Hola", "Buenas"))], config)
    assert first.reference == second.reference
    assert len(twilio.messages) == 1


def test_words_without_a_code_are_known_for_a_day() -> None:
    plain, twilio = replace(MESSAGE, code="", text="Su pago fue recibido."), Twilio()
    with running(twilio) as config:
        first, second = (Sms().send([plain], config)[0].reference for _ in range(2))
        twilio.messages[0]["date_created"] = "Mon, 02 Mar 2026 10:00:00 +0000"
        (later,) = Sms().send([plain], config)
    assert first == second != later.reference
    assert len(twilio.messages) == 2


@pytest.mark.parametrize("status", ["failed", "canceled"])
def test_what_never_left_twilio_is_sent_again(status: str) -> None:
    twilio = Twilio()
    with running(twilio) as config:
        Sms().send([MESSAGE], config)
        twilio.messages[0]["status"] = status
        Sms().send([MESSAGE], config)
    assert len(twilio.messages) == 2


def test_a_message_that_twilio_took_before_it_hung_up_is_sent() -> None:
    twilio = Twilio(hang_up_at=2, having_taken=True)
    with running(twilio) as config:
        receipts = Sms().send(several(3), config)
    assert [receipt.outcome for receipt in receipts] == [SENT, SENT, SENT]
    assert receipts[1].reference == twilio.messages[1]["sid"]


@pytest.mark.parametrize(("taken", "outcomes"), [(True, [SENT, SENT, SENT]), (False, [SENT, RETRY, RETRY])])
def test_an_answer_that_twilio_broke_is_looked_into(taken: bool, outcomes: list[SendOutcome]) -> None:
    twilio = Twilio(breaks_at=2, having_taken=taken)
    with running(twilio) as config:
        receipts = Sms().send(several(3), config)
    assert [receipt.outcome for receipt in receipts] == outcomes
    references = [receipt.reference for receipt in receipts if receipt.reference]
    assert references == [message["sid"] for message in twilio.messages]


def with_answers(send: Callable[[Asked], Answer | None]) -> Callable[[Asked], Answer | None]:
    twilio = Twilio()
    return lambda asked: send(asked) if asked.method == "POST" else twilio.answer(asked)


@pytest.mark.parametrize("answer", [Answer(201, b"<html>"), Answer(200, b""), Answer(201, b"[]"), None])
def test_an_answer_that_says_nothing_leaves_doubt(answer: Answer | None) -> None:
    with (
        standing_in(with_answers(lambda _: answer)) as address,
        running(Twilio(), api_base=address) as config,
        pytest.raises(Uncertain) as raised,
    ):
        Sms().send(several(2), config)
    assert [(one.key, one.outcome) for one in raised.value.receipts] == [("3-1", RETRY)]


def test_a_line_that_breaks_while_looking_leaves_no_doubt() -> None:
    with standing_in(lambda _: None) as address, running(Twilio(), api_base=address) as config:
        receipts = Sms().send(several(2), config)
    assert [receipt.outcome for receipt in receipts] == [RETRY, RETRY]


def test_an_answer_that_takes_too_long_leaves_doubt() -> None:
    ends = Event()

    def wait(_: Asked) -> None:
        ends.wait(20)

    with (
        standing_in(with_answers(wait)) as address,
        running(Twilio(), api_base=address, timeout="1") as config,
    ):
        with pytest.raises(Uncertain, match="ReadTimeout") as raised:
            Sms().send(several(2), config)
        ends.set()
    assert [(one.key, one.outcome) for one in raised.value.receipts] == [("3-1", RETRY)]


@pytest.mark.parametrize("answer", [Answer(200, b"<html>"), Answer(200, b"{}"), Answer(200, b"[]")])
def test_a_list_that_cannot_be_read_means_later(answer: Answer) -> None:
    with standing_in(lambda _: answer) as address, running(Twilio(), api_base=address) as config:
        receipts = Sms().send(several(2), config)
    assert [receipt.outcome for receipt in receipts] == [RETRY, RETRY]


def test_nobody_there_means_later() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        base = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with running(Twilio(), api_base=base) as config:
            receipts = Sms().send(several(2), config)
    assert [receipt.outcome for receipt in receipts] == [RETRY, RETRY]


def test_no_number_and_no_word_reaches_a_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with running(Twilio()) as config:
        Sms().send([MESSAGE], config)
    assert GOOD.removeprefix("+") not in caplog.text
    assert "Ana" not in caplog.text


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"account_sid": ""}, "account_sid is missing"),
        ({"account_sid": "AC1"}, "account_sid must be AC and 32 hexadecimal digits"),
        ({"from_number": ""}, "from_number or messaging_service is missing"),
        ({"messaging_service": "XX1"}, "messaging_service must begin with MG"),
        ({"max_segments": "many"}, "max_segments must be a whole number above 0"),
        ({"per_second": "0.5"}, "per_second must be a whole number above 0"),
        ({"timeout": "0"}, "timeout must be a whole number above 0"),
        ({"replace": "all"}, "replace must be one of none, typographic, accents"),
        ({"prices": "Chile=1"}, "prices: `Chile=1` is no price"),
        ({"currency": "pesos"}, "prices: the currency must be a code"),
    ],
)
def test_the_check_names_what_is_wrong_and_nothing_is_sent_so(settings: dict[str, str], told: str) -> None:
    good = {"account_sid": ACCOUNT, "from_number": SENDER, "api_base": "http://127.0.0.1:9"}
    config = PluginConfig(good | settings, {"auth_token": TOKEN})
    problem = Sms().check(config)
    assert problem is not None
    assert problem.startswith(told)
    (receipt,) = Sms().send([MESSAGE], config)
    assert (receipt.outcome, receipt.reason) == (REFUSED, problem)
    assert Sms().dry_run([MESSAGE], config) == [receipt]
