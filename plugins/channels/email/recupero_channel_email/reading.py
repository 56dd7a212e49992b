"""What an arrived mail tells: a person's words, a bounce (RFC 3464) or a complaint (RFC 5965)."""

import hashlib
import logging
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from email import message_from_bytes
from email.errors import HeaderParseError
from email.header import decode_header
from email.message import Message as Mail
from email.utils import getaddresses

from recupero_channel_email import plain
from recupero_channel_email.forged import is_forged
from recupero_channel_email.reports import told_by
from recupero_sdk.inbound import Attachment, Event, MessageEvent

log = logging.getLogger(__name__)
#: Kinds that are carried; of others name and size are told and the content left out.
CARRIED = ("image/", "audio/", "video/", "application/pdf", "text/plain")
MOST_FILES, MOST_PARTS, MOST_DEPTH = 10, 200, 20
MOST_ANSWERS = 20
LONGEST_ID = 180
_MESSAGE_ID = re.compile(r"<[^<>\s]{3,300}>")
_ADDRESS = re.compile(r"[^\s<>()\[\],;:\"@]{1,64}@[^\s<>()\[\],;:\"@]{1,255}")
#: Who writes for a mail system, where it does not say so otherwise.
_MAIL_SYSTEMS = ("mailer-daemon@", "postmaster@")
_AWAY = re.compile(
    r"\s*(out of (the )?office|auto(matic)?[- ]?(reply|response)|respuesta autom[aá]tica"
    r"|autorespuesta|auto-?respond(er)?|fuera de (la )?oficina|de vacaciones|resposta autom[aá]tica"
    r"|aus[eê]ncia|ausente|fora do escrit[oó]rio|de f[eé]rias|on vacation|vacation reply)\b",
    re.IGNORECASE,
)


def events(
    raw: bytes,
    *,
    attachment_bytes: int,
    at: datetime | None = None,
    whole: bool = True,
    authserv_id: str = "",
) -> list[Event]:
    """The events of a mail as it came (RFC 5322). `at` is when it arrived. `whole` False: the end of the mail
    was left out, and with it the content of its files. `authserv_id` as in `is_forged`.

    A mail that cannot be taken apart is a message all the same, with the mail as a file without content: what
    somebody makes of a mail has no end, and none may stand before all that come after it.
    """
    try:
        mail = message_from_bytes(raw)
        told = told_by(mail, at)
        if told is not None:
            return told
        said = _said(mail, raw, at, attachment_bytes if whole else 0)
        return [replace(said, forged=is_forged(_all(mail, "Authentication-Results"), authserv_id))]
    except Exception as error:  # noqa: BLE001 - whatever fails, the mail is told
        log.warning("a mail could not be taken apart: %s", type(error).__name__)
        bare = message_from_bytes(raw.partition(b"\r\n\r\n")[0].partition(b"\n\n")[0][:100_000])
        bare.set_payload("")
        file = Attachment("message.eml", "message/rfc822", len(raw))
        return [_message(bare, raw, at, "", (file,))]


def _said(mail: Mail, raw: bytes, at: datetime | None, most: int) -> MessageEvent:
    texts: dict[str, list[str]] = {"plain": [], "html": []}
    files: list[Attachment] = []
    for part in _parts(mail):
        kind, subtype = part.get_content_type(), part.get_content_subtype()
        attached = part.get_content_disposition() == "attachment" or bool(part.get_filename())
        if part.get_content_maintype() == "text" and subtype in texts and not attached:
            texts[subtype].append(_text(part))
        else:
            files.append(_file(part, kind, most if len(files) < MOST_FILES else 0))
    text = "\n".join(texts["plain"]).strip() or plain.of_html("\n".join(texts["html"]))
    return _message(mail, raw, at, plain.without_quote(text), tuple(files))


def _message(
    mail: Mail, raw: bytes, at: datetime | None, text: str, files: tuple[Attachment, ...]
) -> MessageEvent:
    sender, recipient, subject = _address(mail, "From"), _address(mail, "To"), header(mail, "Subject")
    return MessageEvent(
        id=message_id(header(mail, "Message-ID"), sender, subject, header(mail, "Date"), text),
        channel="email",
        sender=sender,
        recipient=recipient,
        subject=subject,
        text=text,
        at=at,
        answers=named(header(mail, "In-Reply-To"), header(mail, "References")),
        attachments=files,
        automatic=_automatic(mail, subject),
    )


def message_id(told: str, *content: str) -> str:
    """An id that is the same for the same mail by whatever way it came: its Message-ID, with which an answer
    threads, and a digest, since there are programs that give two mails one Message-ID."""
    digest = hashlib.sha256("\x00".join(content).encode("utf-8", "replace")).hexdigest()
    found = _MESSAGE_ID.search(told)
    if found is None or len(found[0]) > LONGEST_ID:
        return f"mail:{hashlib.sha256(f'{told}{digest}'.encode()).hexdigest()}"
    return f"{found[0]} {digest[:12]}"


def named(in_reply_to: str, references: str) -> tuple[str, ...]:
    """The mails that one answers, nearest first."""
    nearest = _MESSAGE_ID.findall(in_reply_to[:2000])
    return tuple(dict.fromkeys([*nearest, *reversed(_MESSAGE_ID.findall(references[-8000:]))]))[:MOST_ANSWERS]


def header(mail: Mail, name: str) -> str:
    """A header's words on one line; words in an encoding that nobody knows stand as they came."""
    return _on_one_line(str(mail.get(name, "")))


def _all(mail: Mail, name: str) -> list[str]:
    """The words of each header of the name, the topmost first."""
    return [_on_one_line(str(value)) for value in mail.get_all(name, [])[:MOST_ANSWERS]]


def _on_one_line(told: str) -> str:
    value = told[:10_000]
    try:
        pieces = decode_header(value)
    except (HeaderParseError, ValueError):
        return " ".join(value.split())
    words = [decoded(piece, charset) if isinstance(piece, bytes) else piece for piece, charset in pieces]
    return " ".join("".join(words).replace("\x00", "").split())


def decoded(content: bytes, charset: str | None) -> str:
    """Text in the charset that is told; in UTF-8, else in Windows' Western one, where that is not so."""
    for name in (charset, "utf-8"):
        try:
            return content.decode(name or "utf-8")
        except (LookupError, ValueError):
            continue
    return content.decode("cp1252", "replace")


def file_of(name: str, kind: str, content: bytes, most: int) -> Attachment:
    """A file, its content left out where it is too large or of a kind that is not carried."""
    kept = len(content) <= most and kind.startswith(CARRIED)
    return Attachment(_file_name(name), kind, len(content), content if kept else None)


def _parts(mail: Mail) -> Iterator[Mail]:
    """The leaves of a mail in their order; a mail within a mail is one of them."""
    waiting, seen = [(mail, 0)], 0
    while waiting and seen < MOST_PARTS:
        part, depth = waiting.pop()
        seen += 1
        within = part.get_payload() if part.get_content_maintype() == "multipart" else None
        if isinstance(within, list):
            if depth < MOST_DEPTH:
                waiting.extend((one, depth + 1) for one in reversed(within) if isinstance(one, Mail))
        else:
            yield part


def _content(part: Mail) -> bytes:
    if part.is_multipart():  # a mail within the mail
        return part.as_bytes()
    content = part.get_payload(decode=True)
    return content if isinstance(content, bytes) else b""


def _text(part: Mail) -> str:
    content = _content(part)[: 4 * plain.MOST_CHARACTERS]
    return decoded(content, part.get_content_charset()).replace("\x00", "")[: plain.MOST_CHARACTERS]


def _file(part: Mail, kind: str, most: int) -> Attachment:
    name = part.get_filename() or f"{part.get_content_maintype()}.{part.get_content_subtype()}"
    return file_of(name, kind, _content(part), most)


def _file_name(name: str) -> str:
    """A name without folders and without what no name needs."""
    last = re.split(r"[/\\]", name)[-1]
    return "".join(letter for letter in last if letter.isprintable()).strip(" .")[:120] or "file"


def _address(mail: Mail, name: str) -> str:
    value = header(mail, name)
    try:
        found = [address for _name, address in getaddresses([value])]
    except RecursionError:  # comments within comments
        found = _ADDRESS.findall(value)
    return found[0].strip().lower()[:320] if found else ""


def _automatic(mail: Mail, subject: str) -> bool:
    """Whether a machine wrote it: RFC 3834, and what programs write that do not know it."""
    if header(mail, "Auto-Submitted").partition(";")[0].strip().lower() not in ("", "no"):
        return True
    if header(mail, "Precedence").lower() in ("bulk", "junk", "list", "auto_reply"):
        return True
    if any(name in mail for name in ("X-Autoreply", "X-Autorespond", "List-Id", "X-Failed-Recipients")):
        return True
    if header(mail, "Return-Path") == "<>" or _address(mail, "From").startswith(_MAIL_SYSTEMS):
        return True
    return _AWAY.match(subject) is not None
