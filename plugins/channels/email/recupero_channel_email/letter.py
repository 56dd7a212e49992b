"""Builds the e-mail of one message."""

from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from recupero_sdk.channels import Message

#: Relays that know nothing of 8BITMIME get it too.
_SEVEN_BIT = SMTP.clone(cte_type="7bit")


def build(message: Message, sender: str, domain: str) -> EmailMessage:
    """The e-mail: text, with HTML beside it where there is one.

    Raises ValueError where an address or a header cannot be written (a line break, no @).
    """
    mail = EmailMessage(policy=_SEVEN_BIT)
    mail["From"] = _address(sender, message.sender_name)
    mail["To"] = _address(message.recipient, "")
    mail["Subject"] = " ".join(message.subject.split())
    mail["Date"] = format_datetime(datetime.now(UTC))
    mail["Message-ID"] = message_id(message.key, domain)
    mail["Auto-Submitted"] = "auto-generated"
    if message.reply_to:
        mail["Reply-To"] = _address(message.reply_to, "")
    _unsubscribe(mail, message, sender)
    mail.set_content(message.text)
    if message.html:
        mail.add_alternative(message.html, subtype="html")
    mail["Content-Language"] = message.language
    return mail


def message_id(key: str, domain: str) -> str:
    """The same for the same key, whenever and wherever it is built."""
    return f"<{key}@{domain}>"


def _address(address: str, name: str) -> Address:
    local, at, domain = address.strip().rpartition("@")
    written = local.isascii() and not any(map(str.isspace, address.strip()))
    if not (at and local and domain and written):
        raise ValueError("not an e-mail address")
    return Address(" ".join(name.split()), local, domain.encode("idna").decode("ascii"))


def _unsubscribe(mail: EmailMessage, message: Message, sender: str) -> None:
    """RFC 2369 and 8058: a link that works with one click where there is one, else an address to write to."""
    if message.unsubscribe_url:
        mail["List-Unsubscribe"] = f"<{message.unsubscribe_url}>"
        mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    else:
        mail["List-Unsubscribe"] = f"<mailto:{message.reply_to or sender}?subject=BAJA>"
