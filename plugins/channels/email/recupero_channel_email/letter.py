"""Builds the e-mail of one message."""

import re
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from html import escape

from recupero_channel_email.logo import Logo
from recupero_sdk.channels import Message

#: Relays that know nothing of 8BITMIME get it too.
_SEVEN_BIT = SMTP.clone(cte_type="7bit")
_PRINTABLE = re.compile(r"[!-~]+")
_MESSAGE_ID = re.compile(r"<[!-;=?-~]{3,900}>")
_BODY = re.compile(r"<body[^<>]*>", re.IGNORECASE)
#: What a person wrote by hand, of all the house's words.
_BY_HAND = "reply"


def build(message: Message, sender: str, domain: str, logo: Logo | None = None) -> EmailMessage:
    """The e-mail: text, with HTML beside it where there is one, and the logo within that.

    Raises ValueError where an address or a header cannot be written (a line break, no @).
    """
    mail = EmailMessage(policy=_SEVEN_BIT)
    mail["From"] = _address(sender, message.sender_name)
    mail["To"] = _address(message.recipient, "")
    mail["Subject"] = " ".join(message.subject.split())
    mail["Date"] = format_datetime(datetime.now(UTC))
    mail["Message-ID"] = message_id(message.key, domain)
    if message.reply_to:
        mail["Reply-To"] = _address(message.reply_to, "")
    if message.template != _BY_HAND:  # RFC 3834: what a person writes is not automatic
        mail["Auto-Submitted"] = "auto-replied" if message.answers else "auto-generated"
    mail.set_content(message.text)
    if message.html:
        _add_html(mail, message, domain, logo)
    mail["Content-Language"] = message.language  # at the end: setting content takes such headers away
    return mail


def written(mail: EmailMessage, message: Message, sender: str) -> bytes:
    """The mail as it goes out. The headers that hold addresses and ids of other makers stand before the rest
    as they are: the standard library would fold a long one into encoded words, which readers do not undo."""
    lines = _unsubscribe(message, sender) + _thread(message)
    return b"".join(line.encode("ascii") + b"\r\n" for line in lines) + mail.as_bytes()


def message_id(key: str, domain: str) -> str:
    """The same for the same key, whenever and wherever it is built."""
    return f"<{key}@{domain}>"


def _add_html(mail: EmailMessage, message: Message, domain: str, logo: Logo | None) -> None:
    html = message.html or ""
    if logo is None:
        mail.add_alternative(html, subtype="html")
        return
    name = f"logo.{message.key}@{domain}"
    shown = f'<p><img src="cid:{name}" alt="{escape(message.sender_name)}" style="max-height:64px"></p>'
    body = _BODY.search(html)
    place = body.end() if body else 0
    mail.add_alternative(html[:place] + shown + html[place:], subtype="html")
    parts = mail.get_payload()
    assert isinstance(parts, list)
    part = parts[1]
    assert isinstance(part, EmailMessage)
    part.add_related(
        logo.content, "image", logo.subtype, cid=f"<{name}>", disposition="inline",
        filename=f"logo.{logo.subtype}",
    )  # fmt: skip


def _address(address: str, name: str) -> Address:
    local, at, domain = address.strip().rpartition("@")
    written = local.isascii() and not any(map(str.isspace, address.strip()))
    if not (at and local and domain and written):
        raise ValueError("not an e-mail address")
    return Address(" ".join(name.split()), local, domain.encode("idna").decode("ascii"))


def _unsubscribe(message: Message, sender: str) -> list[str]:
    """RFC 2369 and 8058: a link that works with one click where there is one, else an address to write to.
    One click is promised over https only."""
    url = message.unsubscribe_url
    if not url:
        address = _address(message.reply_to or sender, "").addr_spec
        return [f"List-Unsubscribe: <mailto:{address}?subject=BAJA>"]
    if not _PRINTABLE.fullmatch(url) or "<" in url or ">" in url:
        raise ValueError("the unsubscribe address cannot be written")
    lines = [f"List-Unsubscribe: <{url}>"]
    if url.lower().startswith("https://"):
        lines.append("List-Unsubscribe-Post: List-Unsubscribe=One-Click")
    return lines


def _thread(message: Message) -> list[str]:
    """RFC 5322, 3.6.4: the mail that this one answers."""
    found = _MESSAGE_ID.match(message.answers or "")
    return [f"In-Reply-To: {found[0]}", f"References: {found[0]}"] if found else []
