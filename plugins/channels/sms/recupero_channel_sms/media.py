"""Files that came with a message: fetched from Twilio with the account's credentials, within limits."""

import base64
import logging
import mimetypes
import time
from collections.abc import Mapping
from http.client import HTTPException
from typing import IO
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, OpenerDirector, Request, build_opener

from recupero_sdk.inbound import Attachment
from recupero_sdk.settings import PluginConfig
from recupero_sdk.twilio import api_of

log = logging.getLogger(__name__)

#: Kinds that are carried; of others the size is told and the content left out.
CARRIED = ("image/jpeg", "image/png", "image/gif", "image/webp", "application/pdf", "audio/")
#: Twilio sends ten files at most with a message, and waits fifteen seconds for an answer.
MOST = 10
SECONDS_FOR_ALL, SECONDS_FOR_ONE = 10.0, 4.0


class _SameScheme(HTTPRedirectHandler):
    """Follows Twilio to its store of files, never from https to anything else."""

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: object, newurl: str
    ) -> Request | None:
        if urlsplit(newurl).scheme != urlsplit(req.full_url).scheme:
            raise URLError("redirected to another scheme")
        return super().redirect_request(req, fp, code, msg, headers, newurl)  # type: ignore[arg-type] # passed on


def attachments(form: Mapping[str, str], config: PluginConfig) -> tuple[Attachment, ...]:
    """The files of a message, in order. One that cannot be fetched is told with size 0 and no content."""
    number = form.get("NumMedia", "0")
    wanted = min(int(number), MOST) if number.isascii() and number.isdecimal() else 0
    opener, ends = build_opener(_SameScheme), time.monotonic() + SECONDS_FOR_ALL
    found: list[Attachment] = []
    for place in range(wanted):
        url, kind = form.get(f"MediaUrl{place}", ""), form.get(f"MediaContentType{place}", "").lower()
        name = f"{place + 1}{mimetypes.guess_extension(kind) or ''}"
        if not url.startswith(f"{api_of(config)}/") or time.monotonic() > ends:
            log.warning("a file of a message was not fetched: foreign address or no time left")
            found.append(Attachment(name, kind, 0))
            continue
        try:
            found.append(_fetched(opener, name, kind, url, config))
        except (OSError, HTTPException, ValueError) as error:
            log.warning("a file of a message could not be fetched: %s", type(error).__name__)
            found.append(Attachment(name, kind, 0))
    return tuple(found)


def _fetched(opener: OpenerDirector, name: str, kind: str, url: str, config: PluginConfig) -> Attachment:
    limit = int(config.get("attachment_bytes", "5000000"))
    request = Request(url)  # noqa: S310 - begins with the API's address
    credentials = f"{config.get('account_sid')}:{config.get('auth_token')}".encode()
    request.add_unredirected_header("Authorization", f"Basic {base64.b64encode(credentials).decode()}")
    with opener.open(request, timeout=SECONDS_FOR_ONE) as answer:
        told = int(answer.headers.get("Content-Length") or 0)
        if told > limit or not kind.startswith(CARRIED):
            return Attachment(name, kind, told)
        content = answer.read(limit + 1)
    if len(content) > limit:
        return Attachment(name, kind, max(told, len(content)))
    return Attachment(name, kind, len(content), content)
