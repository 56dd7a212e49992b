"""What stands in a mail: DKIM, one-click unsubscribing, the logo, the thread."""

import base64
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import dkim
import pytest
from recupero_channel_email import Email
from test_email import MESSAGE

from recupero_sdk.channels import SendOutcome
from recupero_sdk.settings import PluginConfig

sys.path.insert(0, str(Path(__file__).parent))
from relay import Relay, running

URL = "https://agencia.example.com/unsubscribe/" + "a1b2" * 60
PIXEL = b"\x89PNG\r\n\x1a\n" + b"\x00" * 60


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, bytes]:
    """A private key, and what DNS answers for it."""
    file = tmp_path_factory.mktemp("dkim") / "key.pem"
    subprocess.run(
        ["openssl", "genrsa", "-traditional", "-out", str(file), "2048"], check=True, capture_output=True
    )
    public = subprocess.run(
        ["openssl", "rsa", "-in", str(file), "-pubout", "-outform", "DER"], check=True, capture_output=True
    ).stdout
    return file.read_text(), b"v=DKIM1; k=rsa; p=" + base64.b64encode(public)


def signing(config: PluginConfig, private: str) -> PluginConfig:
    named = {"dkim_domain": "agencia.example.com", "dkim_selector": "rec1"}
    return PluginConfig({**config.settings, **named}, {"dkim_key": private})


def test_a_signature_holds_over_what_arrived(key: tuple[str, bytes]) -> None:
    private, public = key
    asked = list[bytes]()

    def dns(name: bytes, timeout: int = 5) -> bytes:
        asked.append(name)
        return public

    relay = Relay()
    for text in (private, " ".join(private.split("\n")), private.replace("\n", "\\n")):
        with running(relay) as config:
            message = replace(MESSAGE, unsubscribe_url=URL, text=".\n..hola  \n\n\nMañana\n\n")
            (receipt,) = Email().send([message], signing(config, text))
        assert receipt.outcome is SendOutcome.SENT
    for raw in relay.raw:
        assert dkim.verify(raw, dnsfunc=dns)
        assert not dkim.verify(raw.replace(b"a1b2", b"b1b2", 1), dnsfunc=dns)
        assert not dkim.verify(b"Reply-To: thief@example.com\r\n" + raw, dnsfunc=dns)
    assert set(asked) == {b"rec1._domainkey.agencia.example.com."}
    covered = str(relay.arrived[0]["DKIM-Signature"])
    assert all(name in covered for name in ("list-unsubscribe ", "list-unsubscribe-post", "in-reply-to"))


def test_a_long_address_to_unsubscribe_arrives_as_it_is() -> None:
    relay = Relay()
    with running(relay) as config:
        Email().send([replace(MESSAGE, unsubscribe_url=URL)], config)
    assert f"List-Unsubscribe: <{URL}>\r\n".encode() in relay.raw[0]
    assert b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n" in relay.raw[0]


def test_one_click_is_promised_over_https_only() -> None:
    relay = Relay()
    with running(relay) as config:
        Email().send([replace(MESSAGE, unsubscribe_url="http://127.0.0.1:8000/x")], config)
    assert relay.arrived[0]["List-Unsubscribe-Post"] is None


def test_an_answer_stands_in_its_thread() -> None:
    theirs = "<" + "x" * 120 + "@mail.example.com>"
    relay = Relay()
    with running(relay) as config:
        answers = replace(MESSAGE, answers=f"{theirs} 0123456789ab")
        by_hand = replace(answers, template="reply")
        Email().send([answers, by_hand, replace(MESSAGE, answers="mail:abc")], config)
    first, second, third = relay.arrived
    assert (first["In-Reply-To"], first["References"]) == (theirs, theirs)
    assert first["Auto-Submitted"] == "auto-replied"
    assert second["Auto-Submitted"] is None
    assert third["In-Reply-To"] is None


@pytest.mark.parametrize("subtype", ["png", "jpeg"])
def test_the_logo_is_within_the_mail(subtype: str) -> None:
    content = PIXEL if subtype == "png" else b"\xff\xd8\xff" + b"\x00" * 9
    relay, html = Relay(), "<html><body class='x'><p>Hola</p></body></html>"
    with running(relay) as config:
        logo = f"data:image/{subtype};base64,{base64.b64encode(content).decode()}"
        Email().send([replace(MESSAGE, html=html)], PluginConfig({**config.settings, "logo": logo}))
    (letter,) = relay.arrived
    shown, image = letter.get_body(("html",)), list(letter.walk())[-1]
    assert shown is not None
    assert [part.get_content_type() for part in letter.walk()] == [
        "multipart/alternative", "text/plain", "multipart/related", "text/html", f"image/{subtype}",
    ]  # fmt: skip
    assert image.get_payload(decode=True) == content
    assert letter["Content-Language"] == MESSAGE.language
    assert (
        f"<body class='x'><p><img src=\"cid:{str(image['Content-ID']).strip('<>')}\"" in shown.get_content()
    )


@pytest.mark.parametrize(
    ("settings", "secret", "named"),
    [
        ({"dkim_domain": "b.example"}, "", "dkim_selector"),
        ({"dkim_domain": "b.example", "dkim_selector": "s"}, "", "dkim_key"),
        ({"dkim_domain": "b.example", "dkim_selector": "s"}, "nonsense", "dkim_key"),
        ({"dkim_domain": "other.example", "dkim_selector": "s"}, "nonsense", "dkim_domain"),
        ({"dkim_domain": "b.example", "dkim_selector": "a b"}, "nonsense", "dkim_selector"),
        ({"logo": "%%%"}, "", "logo"),
        ({"logo": base64.b64encode(b"GIF89a").decode()}, "", "logo"),
        ({"logo": base64.b64encode(PIXEL * 9000).decode()}, "", "logo"),
    ],
)
def test_the_check_names_what_is_wrong(settings: dict[str, str], secret: str, named: str) -> None:
    config = PluginConfig({"host": "h", "sender": "a@b.example", **settings}, {"dkim_key": secret})
    assert named in str(Email().check(config))
    (receipt,) = Email().send([MESSAGE], config)
    assert receipt.outcome is SendOutcome.REFUSED
