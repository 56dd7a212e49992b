"""What arrived mails tell: words without the thread, files within limits, reports, hostile mails."""

import sys
from email.message import EmailMessage
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from recupero_channel_email import plain, reading

from recupero_sdk.inbound import Event, Fate, MessageEvent, StatusEvent

sys.path.insert(0, str(Path(__file__).parent))
from mails import OURS, bounce, complaint, reply, with_files

PIXEL = b"\x89PNG\r\n\x1a\n" + b"\x00" * 60


def read(raw: bytes, most: int = 5_000_000) -> list[Event]:
    return reading.events(raw, attachment_bytes=most)


def message(raw: bytes, most: int = 5_000_000) -> MessageEvent:
    (event,) = read(raw, most)
    assert isinstance(event, MessageEvent)
    return event


@pytest.mark.parametrize(
    "text",
    [
        "Ya pagué\n\nEl mar, 3 nov 2026 a las 10:00, Agencia (<a@b.example>) escribió:\n> Saldo: $1\n> x",
        "Ya pagué\n\nEl mar, 3 nov 2026 a las 10:00, Agencia de Cobranza\n<a@b.example> escribió:\n\n> Saldo",
        "Ya pagué\n\nOn Tue, 3 Nov 2026 at 10:00, Agency <a@b.example> wrote:\n> Balance",
        "Ya pagué\n\nEm ter., 3 de nov. de 2026, Agência <a@b.example> escreveu:\n> Saldo",
        "Ya pagué\n\n-----Mensaje original-----\nDe: Agencia\nSaldo: $125.000",
        "Ya pagué\n\nDe: Agencia <a@b.example>\nEnviado el: martes, 3 de noviembre\nPara: Ana\nSaldo",
        "Ya pagué\n________________________________\nFrom: x\nSent: y\nold",
        "Ya pagué\r\n\r\nOn Tue, 3 Nov 2026, Agency wrote:\r\nOld words without any mark",
        "> Saldo: $125.000\n> Pague\n\nYa pagué",
        "Ya pagué\n\nEnviado desde mi iPhone",
        "Ya pagué\n\nSent from my Galaxy\n\n> Saldo",
        "Ya pagué\n\nObter o Outlook para Android\n________________________________\nDe: x\nEnviado: y\nold",
        "Ya pagué\n-- \nAna Prueba\n+56 9 1234 5678",
    ],
)
def test_only_the_persons_own_words_are_read(text: str) -> None:
    assert plain.without_quote(text) == "Ya pagué"


def test_what_is_longer_than_a_signature_stays() -> None:
    text = "Ya pagué\n--\n" + "\n".join(f"{place}. cuota" for place in range(12))
    assert plain.without_quote(text) == text


def test_words_between_the_quoted_parts_stay() -> None:
    assert plain.without_quote("> ¿Cuándo?\nMañana\n> ¿Cuánto?\nTodo") == "Mañana\nTodo"


@pytest.mark.parametrize(
    "text",
    [
        "> todo citado",
        "Enviado desde mi iPhone",
        "--\nAna",
        "De: mí\nFecha: hoy",
        "On Monday he wrote:",
        "Pago así:\n1. mañana\n2. el resto",
    ],
)
def test_a_text_is_never_cut_down_to_nothing(text: str) -> None:
    assert plain.without_quote(text) == text


@given(st.text(alphabet=st.sampled_from("a>\n :-_DeEln<b/"), max_size=300))
def test_no_text_makes_it_stumble_or_lose_everything(text: str) -> None:
    assert bool(plain.without_quote(text)) == bool(text.strip())
    plain.of_html(text)


def test_a_mail_of_html_alone_is_read_as_text() -> None:
    mail = EmailMessage()
    mail["From"] = "ana@example.com"
    mail.set_content(
        "<html><head><style>p{}</style></head><body><p>No&nbsp;puedo &lt;pagar&gt;<br>este mes</p>"
        "<script>alert('x')</script><!-- <p>hidden</p> -->"
        "<div>El mar, 3 nov 2026, Agencia escribió:</div><blockquote><p>Saldo</p>viejo</blockquote></body>",
        subtype="html",
    )
    assert message(mail.as_bytes()).text == "No puedo <pagar>\neste mes"


@pytest.mark.parametrize("charset", ["utf-8", "iso-8859-1", "cp1252", "no-such-charset"])
def test_any_charset_is_read(charset: str) -> None:
    known = "utf-8" if charset.startswith("no") else charset
    head = f"From: a@b.example\r\nContent-Type: text/plain; charset={charset}\r\n\r\n"
    assert message(head.encode() + "Mañana".encode(known)).text == "Mañana"


@pytest.mark.parametrize(
    "headers",
    [
        {"Auto_Submitted": "auto-replied; owner=x"},
        {"Precedence": "bulk"},
        {"X_Autoreply": "yes"},
        {"Subject": "Respuesta automática: Aviso"},
        {"Subject": "Out of Office: back on Monday"},
        {"Subject": "Fora do escritório até segunda"},
        {"Subject": "De vacaciones hasta el 3 de marzo"},
        {"From": "MAILER-DAEMON@mx.example.com"},
    ],
)
def test_a_machines_answer_is_known(headers: dict[str, str]) -> None:
    assert message(reply(**headers)).automatic
    assert not message(reply(Auto_Submitted="no")).automatic


def test_files_are_carried_within_limits() -> None:
    raw = with_files(
        ("pago.png", "image/png", PIXEL),
        ("grande.pdf", "application/pdf", b"%PDF" + b"x" * 2000),
        ("virus.exe", "application/octet-stream", b"MZ"),
        ("../../etc/passwd", "image/png", PIXEL),
        ("nota.txt", "text/plain", b"ya pague"),
        ("recibo.heic", "image/heic", b"\0\0\0\x18ftypheic"),
    )
    files = message(raw, most=1000).attachments
    assert [(file.name, file.size, file.content is not None) for file in files] == [
        ("pago.png", 68, True),
        ("grande.pdf", 2004, False),
        ("virus.exe", 2, False),
        ("passwd", 68, True),
        ("nota.txt", 8, True),
        ("recibo.heic", 12, True),
    ]


def test_of_a_hundred_files_ten_are_carried() -> None:
    files = message(with_files(*[(f"{n}.png", "image/png", PIXEL) for n in range(100)])).attachments
    assert (len(files), sum(file.content is not None for file in files)) == (100, 10)


@pytest.mark.parametrize(
    ("action", "status", "diagnostic", "fate"),
    [
        ("failed", "5.1.1", "smtp; 550 5.1.1 unknown", Fate.PERMANENT),
        ("failed", "5.1.10", "", Fate.PERMANENT),
        ("failed", "5.2.1", "", Fate.PERMANENT),
        ("failed", "5.2.2", "smtp; 552 5.2.2 full", Fate.FAILED),
        ("failed", "5.7.1", "smtp; 550 5.7.1 spam", Fate.FAILED),
        ("failed", "4.4.7", "", Fate.FAILED),
        ("failed", "5.0.0", "smtp; 550 no such user", Fate.PERMANENT),
        ("failed", "5.0.0", "smtp; 554 no", Fate.FAILED),
        ("delivered", "2.0.0", "", Fate.DELIVERED),
    ],
)
def test_what_a_bounce_means(action: str, status: str, diagnostic: str, fate: Fate) -> None:
    (event,) = read(bounce(action, status, diagnostic))
    assert isinstance(event, StatusEvent)
    assert (event.reference, event.fate) == (OURS, fate)
    assert "example.com" not in (event.reason or "")


def test_a_delay_is_no_news() -> None:
    assert read(bounce("delayed", "4.4.1")) == []


def test_a_bounce_with_headers_alone_is_read_and_one_that_names_no_mail_goes_to_a_person() -> None:
    assert isinstance(read(bounce(kind="text/rfc822-headers"))[0], StatusEvent)
    lost = message(bounce(original="X-None: 1"))
    assert lost.automatic
    assert lost.text == "I could not deliver your message."


@pytest.mark.parametrize(("kind", "told"), [("abuse", 1), ("fraud", 1), ("not-spam", 0), ("auth-failure", 0)])
def test_a_complaint_is_read(kind: str, told: int) -> None:
    events = read(complaint(kind))
    assert [event.fate for event in events if isinstance(event, StatusEvent)] == [Fate.COMPLAINT] * told


def nested(depth: int) -> bytes:
    raw = b"From: a@b.example\r\n"
    for level in range(depth):
        raw += b'Content-Type: multipart/mixed; boundary="%d"\r\n\r\n--%d\r\n' % (level, level)
    return raw + b"Content-Type: text/plain\r\n\r\nfondo"


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\x00\xff\xfe",
        b"no headers at all",
        b"From: =?utf-8?b?!!!?= <a@b.example>\r\nSubject: =?x?q?=\r\n\r\nhola",
        b"From: " + b"a," * 20_000 + b"\r\n\r\nhola",
        b"From: Ana <a@b.example> " + b"(" * 9_000 + b"\r\nTo: " + b"(" * 9_000 + b"\r\n\r\nhola",
        b"Content-Type: multipart/mixed\r\n\r\nno boundary",
        b"Content-Type: text/plain; charset=\xff\r\nContent-Transfer-Encoding: base64\r\n\r\n!!!",
        b"Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n--b--",
        b"References: " + b"<" * 50_000 + b"\r\n\r\nhola",
        b"Content-Type: text/html\r\n\r\n" + b"<!--" * 50_000,
        b"Content-Type: text/html\r\n\r\n" + b"<" * 200_000,
        nested(30),
        nested(3000),
    ],
)
def test_a_hostile_mail_is_a_message_that_people_see(raw: bytes) -> None:
    event = message(raw)
    assert event.id
    assert len(event.id) <= 200


def test_a_sender_hidden_in_comments_within_comments_is_found() -> None:
    said = message(b"From: " + b"(" * 5_000 + b" <ana@b.example>\r\n\r\nhola")
    assert (said.sender, said.text) == ("ana@b.example", "hola")


@given(st.binary(max_size=400), st.integers(0, 2000))
def test_no_broken_mail_raises(noise: bytes, place: int) -> None:
    for whole in (bounce(), complaint(), with_files(("a.png", "image/png", PIXEL))):
        for event in read(whole[:place] + noise + whole[place:]):
            assert len(event.id) <= 200
