"""One Twilio account: reaching it through Twilio's own client, and believing what it signs.

The plug-ins for text messages and for calls have this file each, since either is installed without the other
and imports only the SDK, which knows no provider. A test keeps the two the same.
"""

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from twilio.http.http_client import TwilioHttpClient
from twilio.http.response import Response
from twilio.request_validator import (
    SIGNATURE_HEADER,
    SIGNATURE_SETTINGS_HEADER,
    RequestValidator,
    get_signature_algorithm,
)
from twilio.rest import Client

from recupero_sdk.inbound import InboundRequest, Rejected
from recupero_sdk.settings import PluginConfig

API = "https://api.twilio.com"
ACCOUNT_SID = re.compile(r"AC[0-9a-fA-F]{32}")
E164 = re.compile(r"\+[1-9][0-9]{6,14}")
#: Twilio's client writes the address of each request, and with it telephone numbers, to its log at INFO.
_quiet = logging.getLogger(f"{__package__}.twilio")
_quiet.setLevel(logging.WARNING)


class _HttpClient(TwilioHttpClient):  # type: ignore[misc] # Twilio ships no types
    """Twilio's HTTP client, sent to another address where one is set."""

    def __init__(self, base: str, timeout: float) -> None:
        super().__init__(timeout=timeout, logger=_quiet)
        self._base = base

    def request(self, method: str, url: str, *args: Any, **options: Any) -> Response:
        return super().request(method, url.replace(API, self._base, 1), *args, **options)


def api_of(config: PluginConfig) -> str:
    """The address of the API, without a slash at its end."""
    return config.get("api_base", API).rstrip("/")


@contextmanager
def reached(config: PluginConfig) -> Iterator[Client]:
    """A client of the account; one connection is kept for the length of the block."""
    http = _HttpClient(api_of(config), float(config.get("timeout", "20")))
    try:
        yield Client(config.get("account_sid"), config.get("auth_token"), http_client=http)
    finally:
        if http.session is not None:
            http.session.close()


def believed(request: InboundRequest, config: PluginConfig) -> dict[str, str]:
    """The form of a request that Twilio signed (https://www.twilio.com/docs/usage/security). Raises
    `Rejected`: 401 without the right signature, 400 for a body that is no form or is another account's."""
    token, signature = config.get("auth_token"), request.headers.get(SIGNATURE_HEADER.lower(), "")
    if not token or not signature:
        raise Rejected("the request is not signed")
    form = request.form()
    algorithm = get_signature_algorithm(request.headers.get(SIGNATURE_SETTINGS_HEADER.lower(), ""))
    try:
        right = RequestValidator(token).validate(request.url, form, signature, algorithm)
    except ValueError as error:
        raise Rejected("the address of the request is none", status=400) from error
    if not right:
        raise Rejected("the signature does not match")
    if form.get("AccountSid") != config.get("account_sid"):
        raise request.unreadable("the request names no account, or another one")
    return form
