"""The SMTP conversation, and what each answer of the relay means for the message."""

import smtplib
import ssl
from collections.abc import Sequence
from dataclasses import dataclass

from recupero_channel_email.letter import build, message_id, written
from recupero_channel_email.logo import logo_of
from recupero_channel_email.signing import signed
from recupero_sdk.batches import Stopped, all_refused, untried
from recupero_sdk.channels import Message, Receipt, SendOutcome, Uncertain
from recupero_sdk.settings import PluginConfig

#: Enhanced status codes of RFC 3463 that speak of the recipient's address, and the plain codes that do.
_ADDRESS_STATUS = "5.1."
_ADDRESS_CODES = frozenset({550, 551, 553})


def foreseen(messages: Sequence[Message], config: PluginConfig) -> list[Receipt]:
    """The receipts of letters that can be written, and of those that cannot. Connects to nothing."""
    return [_foreseen(message, config) for message in messages]


def send(messages: Sequence[Message], config: PluginConfig) -> list[Receipt]:
    """Send the batch over one connection; raises `Uncertain` as `Email.send` says."""
    try:
        connection = _connect(config)
    except (smtplib.SMTPException, OSError) as error:
        if _needs_a_person(error):
            return all_refused(messages, _plain(error))
        return [Receipt(message.key, SendOutcome.RETRY, reason=_plain(error)) for message in messages]
    try:
        return _send_all(connection, messages, config)
    finally:
        connection.close()


@dataclass(frozen=True, slots=True)
class _Letter:
    """A mail ready for the relay; `recipient` for the envelope."""

    recipient: str
    content: bytes


def _letter(message: Message, config: PluginConfig) -> _Letter:
    """Raises ValueError and UnicodeError where it cannot be written."""
    sender = config.get("sender")
    mail = build(message, sender, _domain(config), logo_of(config))
    content = signed(written(mail, message, sender), config)
    return _Letter(mail["To"].addresses[0].addr_spec, content)


def _foreseen(message: Message, config: PluginConfig) -> Receipt:
    try:
        _letter(message, config)
    except (ValueError, UnicodeError):
        return _unwritable(message)
    return Receipt(message.key, SendOutcome.SENT)


def _unwritable(message: Message) -> Receipt:
    return Receipt(message.key, SendOutcome.PERMANENT, reason="the address cannot be written")


def _domain(config: PluginConfig) -> str:
    """Right-hand side of Message-ID."""
    return config.get("domain") or config.get("sender").rpartition("@")[2]


def _connect(config: PluginConfig) -> smtplib.SMTP:
    host, port = config.get("host"), int(config.get("port", "587"))
    timeout, security = float(config.get("timeout", "30")), config.get("security", "starttls")
    if security == "ssl":
        connection: smtplib.SMTP = smtplib.SMTP_SSL(host, port, timeout=timeout, context=_tls())
    else:
        connection = smtplib.SMTP(host, port, timeout=timeout)
    try:
        if security == "starttls":
            connection.starttls(context=_tls())
        if config.get("username"):
            connection.login(config.get("username"), config.get("password"))
        connection.ehlo_or_helo_if_needed()
    except BaseException:
        connection.close()
        raise
    return connection


def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()


def _send_all(connection: smtplib.SMTP, messages: Sequence[Message], config: PluginConfig) -> list[Receipt]:
    sender, domain = config.get("sender"), _domain(config)
    receipts: list[Receipt] = []
    for place, message in enumerate(messages):
        try:
            letter = _letter(message, config)
        except (ValueError, UnicodeError):
            receipts.append(_unwritable(message))
            continue
        try:
            receipts.append(_send_one(connection, letter, message, sender, domain))
        except Stopped as stop:
            return receipts + all_refused(messages[place:], stop.reason)
        except _Lost as lost:
            rest = [untried(later) for later in messages[place + 1 :]]
            if lost.in_doubt:
                raise Uncertain(lost.reason, [*receipts, *rest]) from lost
            return [*receipts, Receipt(message.key, SendOutcome.RETRY, reason=lost.reason), *rest]
    _leave(connection)
    return receipts


class _Lost(Exception):
    """The connection is gone. `in_doubt`: after the words of the message had been handed over."""

    def __init__(self, reason: str, *, in_doubt: bool) -> None:
        super().__init__(reason)
        self.reason, self.in_doubt = reason, in_doubt


def _send_one(
    connection: smtplib.SMTP, letter: _Letter, message: Message, sender: str, domain: str
) -> Receipt:
    """MAIL, RCPT, DATA one by one, so that it is known how far the relay came. Raises `Stopped` where it
    refuses the sender for good: that is a setting, and holds for every message."""
    handed_over = False
    try:
        code, answer = connection.mail(sender)
        if code != 250:
            refused = _refusal(connection, message, code, answer, about_address=False)
            if refused.outcome is SendOutcome.RETRY:
                return refused
            raise Stopped(SendOutcome.REFUSED, str(refused.reason))
        code, answer = connection.rcpt(letter.recipient)
        if code not in (250, 251):
            return _refusal(connection, message, code, answer, about_address=True)
        handed_over = True
        code, answer = connection.data(letter.content)
    except smtplib.SMTPDataError as error:
        return _refusal(connection, message, error.smtp_code, error.smtp_error, about_address=False)
    except (smtplib.SMTPServerDisconnected, OSError) as error:
        raise _Lost(_plain(error), in_doubt=handed_over) from error
    if code != 250:
        return _refusal(connection, message, code, answer, about_address=False)
    return Receipt(message.key, SendOutcome.SENT, reference=message_id(message.key, domain))


def _refusal(
    connection: smtplib.SMTP, message: Message, code: int, answer: bytes | str, *, about_address: bool
) -> Receipt:
    """What a refusing answer means; the connection is made ready for the next message."""
    if code == 421:
        raise _Lost(f"SMTP {code}", in_doubt=False)
    try:
        connection.rset()
    except (smtplib.SMTPServerDisconnected, OSError):
        connection.close()  # the next message finds it closed and is tried again later
    status = _status(answer)
    reason = f"SMTP {code} {status}".strip()
    if 400 <= code < 500:
        return Receipt(message.key, SendOutcome.RETRY, reason=reason)
    if status.startswith(_ADDRESS_STATUS) or (
        about_address and code in _ADDRESS_CODES and not status.startswith("5.7")
    ):
        return Receipt(message.key, SendOutcome.PERMANENT, reason=reason)
    return Receipt(message.key, SendOutcome.REFUSED, reason=reason)


def _status(answer: bytes | str) -> str:
    """The enhanced status code that begins an answer, such as 5.1.1; the rest may quote an address."""
    text = answer.decode("ascii", "replace") if isinstance(answer, bytes) else answer
    first = text.split(maxsplit=1)[0] if text.split() else ""
    return first if first.count(".") == 2 and first.replace(".", "").isdigit() else ""


def _needs_a_person(error: Exception) -> bool:
    """Whether what failed before any message was tried is the set-up: credentials, TLS, what the relay cannot
    do. Everything else passes by itself."""
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return error.smtp_code >= 500
    return isinstance(error, smtplib.SMTPNotSupportedError | ssl.SSLCertVerificationError)


def _plain(error: Exception) -> str:
    """What failed, without quoting what the other side wrote."""
    if isinstance(error, smtplib.SMTPResponseException):
        return f"SMTP {error.smtp_code} {_status(error.smtp_error)}".strip()
    if isinstance(error, ssl.SSLCertVerificationError):
        return "nobody vouches for the mail server's certificate"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return type(error).__name__


def _leave(connection: smtplib.SMTP) -> None:
    try:
        connection.quit()
    except (smtplib.SMTPException, OSError):
        connection.close()  # everything is answered; how the other side hangs up does not matter
