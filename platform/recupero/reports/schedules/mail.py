"""One mail with a report to its readers, through the creditor's own mail server or the platform's."""

import smtplib
import ssl
from collections.abc import Callable, Sequence
from email.message import EmailMessage
from email.policy import SMTP
from urllib.parse import unquote, urlsplit

from sqlalchemy.orm import Session

from recupero.kernel import runtime
from recupero.tenancy import queries as tenancy
from recupero_sdk.settings import PluginConfig

SECONDS = 30


class NotSent(Exception):
    """The mail did not go; its text says why, without quoting the other side."""


def settings(session: Session) -> PluginConfig:
    """The mail server of the tenant in scope: that of its e-mail channel, else `RECUPERO_SMTP_URL`. Raises
    NotSent where there is neither."""
    found = tenancy.plugin_config(session, "channel", "email")
    if found is not None and found[0] and found[1].get("host") and found[1].get("sender"):
        return found[1]
    url = runtime.current().config.smtp_url
    if not url:
        raise NotSent("no mail server is set up")
    parts = urlsplit(url)
    security = {"smtps": "ssl", "smtp+plain": "none"}.get(parts.scheme, "starttls")
    sender = tenancy.agency(session).contact_email
    told = {
        "host": parts.hostname or "", "port": str(parts.port or 587), "security": security, "sender": sender,
        "username": unquote(parts.username or ""),
    }  # fmt: skip
    return PluginConfig(told, {"password": unquote(parts.password or "")})


class InDoubt(Exception):
    """The connection broke after the words were handed over: nobody knows whether the mail went."""


def send(
    mail: EmailMessage, recipients: Sequence[str], config: PluginConfig, before_words: Callable[[], None]
) -> None:
    """Hand the mail over in one piece. `before_words` is called when all that may be refused before the words
    has been said: what fails earlier has surely not gone. Raises NotSent, InDoubt."""
    handed = False
    try:
        connection = _connected(config)
        try:
            _expect(connection.mail(config.get("sender")), "the sender")
            for recipient in recipients:
                _expect(connection.rcpt(recipient), "a recipient")
            before_words()
            handed = True
            _expect(connection.data(mail.as_bytes(policy=SMTP)), "the mail")
        finally:
            connection.close()
    except smtplib.SMTPNotSupportedError as error:
        raise NotSent("the mail server offers no encrypted connection") from error
    except smtplib.SMTPResponseException as error:
        raise NotSent(f"the mail server refused: {error.smtp_code}") from error
    except (smtplib.SMTPException, OSError) as error:
        if handed:
            raise InDoubt from error
        raise NotSent("the mail server cannot be reached") from error


def _connected(config: PluginConfig) -> smtplib.SMTP:
    host, port = config.get("host"), int(config.get("port", "587"))
    security, context = config.get("security", "starttls"), ssl.create_default_context()
    if security == "ssl":
        connection: smtplib.SMTP = smtplib.SMTP_SSL(host, port, timeout=SECONDS, context=context)
    else:
        connection = smtplib.SMTP(host, port, timeout=SECONDS)
    try:
        connection.ehlo()
        if security == "starttls":
            connection.starttls(context=context)
            connection.ehlo()
        if config.get("username"):
            connection.login(config.get("username"), config.get("password"))
    except BaseException:
        connection.close()
        raise
    return connection


def _expect(answer: tuple[int, bytes], what: str) -> None:
    if answer[0] // 100 != 2:
        raise NotSent(f"the mail server refused {what}: {answer[0]}")
