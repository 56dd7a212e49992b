"""The DKIM signature of a mail (RFC 6376), by dkimpy."""

import base64
import binascii
import re

import dkim  # type: ignore[import-untyped] # dkimpy ships no types

from recupero_sdk.settings import PluginConfig

#: Signed once more than they are there, so that nobody can add one. RFC 8058 wants both List-Unsubscribe.
_HEADERS = (
    b"from", b"to", b"cc", b"reply-to", b"subject", b"date", b"message-id", b"in-reply-to", b"references",
    b"mime-version", b"content-type", b"list-unsubscribe", b"list-unsubscribe-post", b"auto-submitted",
)  # fmt: skip
_NAMES = ("dkim_domain", "dkim_selector", "dkim_key")
_LABELS = re.compile(r"[A-Za-z0-9]([A-Za-z0-9_-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9_-]*[A-Za-z0-9])?)*")
_PEM = re.compile(r"-----BEGIN ((?:RSA )?PRIVATE KEY)-----(.*)-----END \1-----", re.DOTALL)


def problem(config: PluginConfig) -> str | None:
    """Why mails cannot be signed as the settings say, or None."""
    given = [name for name in _NAMES if config.get(name)]
    if not given:
        return None
    for name in _NAMES:
        if name not in given:
            return f"{name} is missing; DKIM needs domain, selector and private key"
        if name != "dkim_key" and not _LABELS.fullmatch(config.get(name)):
            return f"{name} must be a name of DNS"
    sender, domain = config.get("sender").rpartition("@")[2].lower(), config.get("dkim_domain").lower()
    if sender != domain and not sender.endswith(f".{domain}"):
        return "dkim_domain must be the sender's domain or the one above it"
    try:
        signed(b"From: a@b.example\r\n\r\n", config)
    except (ValueError, dkim.DKIMException):
        return "dkim_key is not an RSA private key in PEM"
    return None


def signed(mail: bytes, config: PluginConfig) -> bytes:
    """The mail with its signature before it, or as it is where no key is set."""
    key = config.get("dkim_key")
    if not key:
        return mail
    header: bytes = dkim.sign(
        mail, config.get("dkim_selector").encode(), config.get("dkim_domain").encode(), _pem(key),
        canonicalize=(b"relaxed", b"relaxed"), include_headers=[*_HEADERS, *_HEADERS],
    )  # fmt: skip
    return header + mail


def _pem(text: str) -> bytes:
    """The key in lines, as a form of one line loses them. Raises ValueError for another text."""
    found = _PEM.search(text.replace("\\n", "\n"))
    if found is None:
        raise ValueError("no private key")
    try:
        content = base64.b64decode("".join(found[2].split()), validate=True)
    except binascii.Error as error:
        raise ValueError("the private key is not base64") from error
    body = base64.encodebytes(content)
    return b"-----BEGIN %b-----\n%b-----END %b-----\n" % (found[1].encode(), body, found[1].encode())
