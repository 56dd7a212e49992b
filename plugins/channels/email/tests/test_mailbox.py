"""Answers, bounces and complaints out of a real mailbox: from where the last visit ended, nothing changed."""

import ssl
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from recupero_channel_email import Email, mailbox

from recupero_sdk.inbound import Collects, Fate, MessageEvent, StatusEvent
from recupero_sdk.settings import PluginConfig

sys.path.insert(0, str(Path(__file__).parent))
from imap_server import Mailbox, running
from mails import OURS, bounce, complaint, reply


def changed(config: PluginConfig, **settings: str) -> PluginConfig:
    return PluginConfig({**config.settings, **settings}, config.secrets)


def test_it_collects_what_came_and_goes_on_from_there() -> None:
    box = Mailbox()
    box.put(reply())
    box.put(bounce())
    with running(box) as config:
        first = Email().collect(config, None)
        again = Email().collect(config, None)
        nothing = Email().collect(config, first.mark)
        box.put(complaint())
        later = Email().collect(config, first.mark)
    message, status = first.events
    assert isinstance(Email(), Collects)
    assert isinstance(message, MessageEvent)
    assert (message.sender, message.text) == ("ana@example.com", "Mañana pago, ¿está bien?")
    assert message.answers == (OURS, "<first@x.example>")
    assert message.at == datetime(2026, 11, 3, 13, 15, tzinfo=UTC)
    assert isinstance(status, StatusEvent)
    assert (status.reference, status.fate, status.reason) == (OURS, Fate.PERMANENT, "status 5.1.1")
    assert (first.mark, again, nothing.events, nothing.mark) == ("77:2", first, [], "77:2")
    assert [(event.fate, later.mark) for event in later.events if isinstance(event, StatusEvent)] == [
        (Fate.COMPLAINT, "77:3")
    ]


def test_the_mailbox_is_left_as_it_is() -> None:
    box = Mailbox()
    box.put(reply())
    with running(box) as config:
        Email().collect(config, None)
    assert set(box.asked) <= {"CAPABILITY", "LOGIN", "EXAMINE", "UID SEARCH", "UID FETCH", "LOGOUT"}


def test_a_mailbox_that_numbers_anew_is_read_anew_and_gives_the_same_ids() -> None:
    box = Mailbox()
    box.put(reply())
    with running(box) as config:
        first = Email().collect(config, None)
        box.validity = 78
        anew = Email().collect(config, first.mark)
    assert anew.mark == "78:1"
    assert [event.id for event in anew.events] == [event.id for event in first.events]


def test_a_visit_takes_some_and_the_next_one_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mailbox, "MOST_MAILS", 2)
    box, mark, texts = Mailbox(), None, list[str]()
    for number in range(5):
        box.put(reply(f"número {number}", Message_ID=f"<{number}@mail.example.com>"))
    with running(box) as config:
        for _visit in range(3):
            found = Email().collect(config, mark)
            assert len(found.events) <= 2
            mark = found.mark
            texts += [event.text for event in found.events if isinstance(event, MessageEvent)]
    assert texts == [f"número {number}" for number in range(5)]


def test_of_an_endless_mail_the_beginning_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mailbox, "MOST_BYTES_OF_ONE", 3000)
    box = Mailbox()
    box.put(reply("Le mando todo") + b"x" * 50_000)
    with running(box) as config:
        (event,) = Email().collect(config, None).events
    assert isinstance(event, MessageEvent)
    assert event.text.startswith("Le mando todo")


def test_two_mails_of_one_message_id_are_two_messages() -> None:
    box = Mailbox()
    box.put(reply("uno"))
    box.put(reply("dos"))
    with running(box) as config:
        events = Email().collect(config, None).events
    assert len({event.id for event in events}) == 2


def test_tls_with_a_trusted_certificate_only(
    certificate: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    box = Mailbox(context=certificate)
    box.put(reply())
    with running(box) as config:
        assert len(Email().collect(config, None).events) == 1
        monkeypatch.delenv("SSL_CERT_FILE")
        with pytest.raises(OSError, match="certificate"):
            Email().collect(config, None)


def test_what_goes_wrong_is_said_without_the_password() -> None:
    with running(Mailbox()) as config:
        wrong = PluginConfig(config.settings, {"imap_password": "wrong-password"})
        with pytest.raises(OSError, match="refused") as raised:
            Email().collect(wrong, None)
        assert "wrong-password" not in str(raised.value)
        with pytest.raises(OSError, match="folder"):
            Email().collect(changed(config, imap_folder="none"), None)
        with pytest.raises(OSError, match="line break"):
            Email().collect(changed(config, imap_username="a\r\nb LOGOUT"), None)
        gone = changed(config, imap_port="1")
    with pytest.raises(OSError):
        Email().collect(gone, None)


def test_without_a_mailbox_nothing_is_collected() -> None:
    found = Email().collect(PluginConfig({"host": "h", "sender": "a@b.example"}), "77:3")
    assert (found.events, found.mark) == ((), "77:3")


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"imap_username": "", "imap_host": "h"}, "imap_username"),
        ({"imap_username": "u", "imap_host": "h"}, "imap_password"),
        ({"imap_port": "x"}, "imap_port"),
        ({"imap_security": "x"}, "imap_security"),
    ],
)
def test_the_check_names_what_is_wrong(settings: dict[str, str], named: str) -> None:
    config = PluginConfig({"host": "h", "sender": "a@b.example", **settings})
    assert named in str(Email().check(config))
