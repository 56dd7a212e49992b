"""E-mail over real SMTP: what is written, what each answer means, one connection a batch."""

import socket
import ssl
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from aiosmtpd.smtp import AuthResult
from recupero_channel_email import Email

from recupero_sdk.channels import Message, SendOutcome, Uncertain
from recupero_sdk.settings import PluginConfig

sys.path.insert(0, str(Path(__file__).parent))
from relay import Relay, running

MESSAGE = Message(
    key="3-41",
    channel="email",
    recipient="ana.peña@dominio-eñe.example".replace("ñ", "n", 1),
    subject="Información sobre su cuenta",
    text="Hola, Ana:\n\nSaldo: $125.000\n.\nCódigo ABCD2345",
    html="<p>Hola, <b>Ana</b></p>",
    language="es",
    sender_name="Agencia Ñandú",
    reply_to="ayuda@agencia.example.com",
)


def several(count: int) -> list[Message]:
    return [replace(MESSAGE, key=f"3-{number}") for number in range(count)]


def changed(config: PluginConfig, **settings: str) -> PluginConfig:
    secrets = {name: settings.pop(name) for name in list(settings) if name == "password"}
    return PluginConfig({**config.settings, **settings}, secrets)


def test_the_letter_has_what_a_letter_needs() -> None:
    relay = Relay()
    with running(relay) as config:
        (receipt,) = Email().send([MESSAGE], config)
    (letter,) = relay.arrived
    assert receipt.reference == letter["Message-ID"] == "<3-41@agencia.example.com>"
    assert letter["Subject"] == "Información sobre su cuenta"
    assert str(letter["From"]) == "Agencia Ñandú <cobranza@agencia.example.com>"
    assert letter["To"].addresses[0].addr_spec == "ana.pena@xn--dominio-ee-19a.example"
    assert letter["List-Unsubscribe"] == "<mailto:ayuda@agencia.example.com?subject=BAJA>"
    assert letter["Auto-Submitted"] == "auto-generated"
    text, html = letter.get_body(("plain",)), letter.get_body(("html",))
    assert text is not None
    assert html is not None
    assert text.get_content().replace("\r\n", "\n").strip() == MESSAGE.text
    assert html.get_content().strip() == MESSAGE.html


def test_an_unsubscribe_link_works_with_one_click() -> None:
    relay = Relay()
    with running(relay) as config:
        Email().send([replace(MESSAGE, unsubscribe_url="https://a.example/x")], config)
    (letter,) = relay.arrived
    assert letter["List-Unsubscribe"] == "<https://a.example/x>"
    assert letter["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


def test_a_batch_goes_over_one_connection() -> None:
    relay = Relay()
    with running(relay) as config:
        receipts = Email().send(several(50), config)
    assert (relay.connections, len(relay.arrived)) == (1, 50)
    assert {receipt.outcome for receipt in receipts} == {SendOutcome.SENT}


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        ("450 4.2.1 mailbox busy", SendOutcome.RETRY),
        ("452 too many recipients", SendOutcome.RETRY),
        ("550 5.1.1 no such user", SendOutcome.PERMANENT),
        ("550 no such user", SendOutcome.PERMANENT),
        ("553 malformed", SendOutcome.PERMANENT),
        ("550 5.7.1 relaying denied", SendOutcome.REFUSED),
        ("554 5.7.1 blocked", SendOutcome.REFUSED),
    ],
)
def test_what_the_relay_says_of_a_recipient(answer: str, outcome: SendOutcome) -> None:
    relay = Relay(rcpt={2: answer})
    with running(relay) as config:
        outcomes = [receipt.outcome for receipt in Email().send(several(3), config)]
    assert outcomes == [SendOutcome.SENT, outcome, SendOutcome.SENT]


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [("451 4.3.0 later", SendOutcome.RETRY), ("554 5.6.0 refused", SendOutcome.REFUSED)],
)
def test_what_the_relay_says_of_the_words(answer: str, outcome: SendOutcome) -> None:
    with running(Relay(data={1: answer})) as config:
        outcomes = [receipt.outcome for receipt in Email().send(several(2), config)]
    assert outcomes == [outcome, SendOutcome.SENT]


def test_a_relay_that_closes_between_letters_leaves_nothing_in_doubt() -> None:
    relay = Relay(rcpt={2: "421 4.3.2 closing"})
    with running(relay) as config:
        outcomes = [receipt.outcome for receipt in Email().send(several(3), config)]
    assert outcomes == [SendOutcome.SENT, SendOutcome.RETRY, SendOutcome.RETRY]
    assert len(relay.arrived) == 1


def test_a_connection_lost_over_the_words_leaves_one_in_doubt() -> None:
    with running(Relay(hang_up_at=2)) as config, pytest.raises(Uncertain) as raised:
        Email().send(several(4), config)
    known = {receipt.key: receipt.outcome for receipt in raised.value.receipts}
    assert known == {"3-0": SendOutcome.SENT, "3-2": SendOutcome.RETRY, "3-3": SendOutcome.RETRY}


def test_nobody_there_means_later() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = str(taken.getsockname()[1])
        config = PluginConfig(
            {"host": "127.0.0.1", "port": port, "security": "none", "sender": "a@b.example"}
        )
        receipts = Email().send(several(2), config)
    assert [receipt.outcome for receipt in receipts] == [SendOutcome.RETRY] * 2


def test_a_relay_without_starttls_is_refused_when_it_is_asked_for() -> None:
    relay = Relay()
    with running(relay) as config:
        (receipt,) = Email().send([MESSAGE], changed(config, security="starttls"))
    assert receipt.outcome is SendOutcome.REFUSED
    assert relay.arrived == []


def test_wrong_credentials_are_refused_and_right_ones_are_not() -> None:
    def check(server: object, session: object, envelope: object, mechanism: str, data: object) -> AuthResult:
        return AuthResult(success=getattr(data, "password", b"") == b"good", handled=False)

    relay = Relay()
    with running(relay, authenticator=check, auth_required=True, auth_require_tls=False) as config:
        (bad,) = Email().send([MESSAGE], changed(config, username="u", password="wrong"))
        (good,) = Email().send([MESSAGE], changed(config, username="u", password="good"))
    assert (bad.outcome, good.outcome) == (SendOutcome.REFUSED, SendOutcome.SENT)


def test_starttls_with_a_trusted_certificate(certificate: ssl.SSLContext) -> None:
    relay = Relay()
    with running(relay, tls_context=certificate, require_starttls=True) as config:
        (receipt,) = Email().send([MESSAGE], changed(config, security="starttls"))
    assert receipt.outcome is SendOutcome.SENT


def test_a_certificate_nobody_vouches_for_is_refused(
    certificate: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    relay = Relay()
    with running(relay, tls_context=certificate, require_starttls=True) as config:
        (receipt,) = Email().send([MESSAGE], changed(config, security="starttls"))
    assert receipt.outcome is SendOutcome.REFUSED
    assert receipt.reason == "nobody vouches for the mail server's certificate"
    assert relay.arrived == []


@pytest.mark.parametrize("address", ["nobody", "a b@c.example", "a@", "@c.example", "á@c.example", "a@c\n.d"])
def test_an_address_that_cannot_be_written_is_permanent(address: str) -> None:
    relay = Relay()
    with running(relay) as config:
        first, second = Email().send([replace(MESSAGE, recipient=address), MESSAGE], config)
        foreseen = Email().dry_run([replace(MESSAGE, recipient=address), MESSAGE], config)
    assert (first.outcome, second.outcome) == (SendOutcome.PERMANENT, SendOutcome.SENT)
    assert [receipt.outcome for receipt in foreseen] == [first.outcome, second.outcome]


def test_a_line_break_in_the_subject_makes_no_header() -> None:
    relay = Relay()
    with running(relay) as config:
        Email().send([replace(MESSAGE, subject="Aviso\r\nBcc: otro@example.com")], config)
    (letter,) = relay.arrived
    assert letter["Bcc"] is None
    assert letter["Subject"] == "Aviso Bcc: otro@example.com"


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({}, "host"),
        ({"host": "h"}, "sender"),
        ({"host": "h", "sender": "nobody"}, "sender"),
        ({"host": "h", "sender": "a@b.example", "port": "x"}, "port"),
        ({"host": "h", "sender": "a@b.example", "security": "maybe"}, "security"),
        ({"host": "h", "sender": "a@b.example", "username": "u"}, "password"),
    ],
)
def test_the_check_names_what_is_wrong(settings: dict[str, str], named: str) -> None:
    assert named in str(Email().check(PluginConfig(settings)))
