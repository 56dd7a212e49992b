"""The mailbox that answers and bounces come to, read over IMAP (RFC 3501) and left unchanged."""

import imaplib
import re
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime

from recupero_channel_email import reading
from recupero_sdk.inbound import Collected, Event
from recupero_sdk.settings import PluginConfig

#: What one visit takes at most, and how much of one mail is read.
MOST_MAILS, MOST_BYTES, MOST_BYTES_OF_ONE = 200, 40_000_000, 20_000_000
_UID = re.compile(rb"\bUID (\d+)")
_SIZE = re.compile(rb"\bRFC822\.SIZE (\d+)")


def problem(config: PluginConfig) -> str | None:
    """Why the mailbox cannot be asked as the settings say, or None."""
    if not config.get("imap_host"):
        return None
    for name in ("imap_username", "imap_password"):
        if not config.get(name):
            return f"{name} is missing; the mailbox needs a user name and a password"
    folder = config.get("imap_folder", "INBOX")
    if not folder.isascii() or not folder.isprintable():
        return "imap_folder must be written in plain letters, as the server names it"
    return None


def collect(config: PluginConfig, mark: str | None) -> Collected:
    """The mails after `mark`, oldest first. A mark is `<UIDVALIDITY>:<UID>`; where the server numbers its
    mails anew, or at the first visit, it begins at the oldest mail. Raises OSError."""
    if not config.get("imap_host"):
        return Collected((), mark)
    try:
        with _opened(config) as connection:
            return _read(connection, config, mark)
    except imaplib.IMAP4.error as error:
        raise ConnectionError(f"the mailbox refused: {_said(error)}") from error


@contextmanager
def _opened(config: PluginConfig) -> Iterator[imaplib.IMAP4]:
    host, port = config.get("imap_host"), int(config.get("imap_port", "993"))
    timeout, security = float(config.get("timeout", "30")), config.get("imap_security", "ssl")
    context = ssl.create_default_context()
    if security == "ssl":
        connection: imaplib.IMAP4 = imaplib.IMAP4_SSL(host, port, ssl_context=context, timeout=timeout)
    else:
        connection = imaplib.IMAP4(host, port, timeout=timeout)
    try:
        if security == "starttls":
            connection.starttls(ssl_context=context)
        # the standard library quotes the password, and not the name
        connection.login(_quoted(config.get("imap_username")), config.get("imap_password"))
        yield connection
    except BaseException:
        with suppress(OSError):  # why it failed counts, not how the connection closed
            connection.shutdown()
        raise
    with suppress(imaplib.IMAP4.error, OSError):  # everything is read; how the server says goodbye is its own
        connection.logout()


def _read(connection: imaplib.IMAP4, config: PluginConfig, mark: str | None) -> Collected:
    validity = _select(connection, config.get("imap_folder", "INBOX"))
    last = _last(mark, validity)
    uids = _uids(connection, last)[:MOST_MAILS]
    found, weight = list[Event](), 0
    for uid in uids:
        if weight > MOST_BYTES:
            break
        raw, at, whole = _mail(connection, uid)
        if raw is not None:  # otherwise it was deleted meanwhile
            weight += len(raw)
            most = int(config.get("attachment_bytes", "5000000"))
            found += reading.events(
                raw, attachment_bytes=most, at=at, whole=whole, authserv_id=config.get("authserv_id")
            )
        last = uid
    return Collected(_once(found), f"{validity}:{last}")


def _select(connection: imaplib.IMAP4, folder: str) -> int:
    status, _answer = connection.select(_quoted(folder), readonly=True)
    if status != "OK":
        raise ConnectionError("the mailbox has no such folder")
    told = connection.response("UIDVALIDITY")[1]
    first = told[0] if told else None
    if not isinstance(first, bytes) or not first.isdigit():
        raise ConnectionError("the mailbox does not tell its UIDVALIDITY")
    return int(first)


def _uids(connection: imaplib.IMAP4, last: int) -> list[int]:
    """In order. `n:*` always names the newest mail, also where its number is below n."""
    status, answer = connection.uid("SEARCH", "UID", f"{last + 1}:*")
    if status != "OK":
        raise ConnectionError("the mailbox cannot be searched")
    numbers = [int(number) for line in answer if line for number in line.split() if number.isdigit()]
    return sorted(number for number in set(numbers) if number > last)


def _mail(connection: imaplib.IMAP4, uid: int) -> tuple[bytes | None, datetime | None, bool]:
    """A mail, when it arrived, and whether it is whole."""
    part = f"BODY.PEEK[]<0.{MOST_BYTES_OF_ONE}>"
    status, answer = connection.uid("FETCH", str(uid), f"(UID RFC822.SIZE INTERNALDATE {part})")
    if status != "OK":
        raise ConnectionError("a mail could not be read")
    for item in answer:
        if not isinstance(item, tuple):
            continue
        told, raw = item[0], item[1]
        number, size = _UID.search(told), _SIZE.search(told)
        if number is None or int(number[1]) == uid:
            return raw, _arrived(told), size is None or int(size[1]) <= len(raw)
    return None, None, True


def _arrived(told: bytes) -> datetime | None:
    moment = imaplib.Internaldate2tuple(told)
    return datetime(*moment[:6]).astimezone(UTC) if moment else None


def _last(mark: str | None, validity: int) -> int:
    known, _, last = (mark or "").partition(":")
    return int(last) if known == str(validity) and last.isdecimal() else 0


def _once(events: list[Event]) -> list[Event]:
    return list({event.id: event for event in events}.values())


def _quoted(text: str) -> str:
    """As IMAP wants a string. Raises ConnectionError for a text that would end the line."""
    if "\r" in text or "\n" in text:
        raise ConnectionError("a setting of the mailbox holds a line break")
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _said(error: Exception) -> str:
    """What the server answered, on one line."""
    return " ".join(str(error).replace("b'", "").split())[:120]
