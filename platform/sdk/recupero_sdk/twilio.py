"""For connectors over one Twilio account (extra `twilio`): reaching it through Twilio's own client, making
each thing once, what a refusal means, believing what Twilio signs.

The settings are `account_sid`, `auth_token` (secret), `timeout` in seconds and `api_base`, for tests.
"""

import json
import logging
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import requests
from twilio.base.exceptions import TwilioException, TwilioRestException, TwilioServiceException
from twilio.http.http_client import TwilioHttpClient
from twilio.http.response import Response
from twilio.request_validator import (
    SIGNATURE_HEADER,
    SIGNATURE_SETTINGS_HEADER,
    RequestValidator,
    get_signature_algorithm,
)
from twilio.rest import Client

from recupero_sdk.batches import InDoubt, Stopped
from recupero_sdk.channels import Receipt, SendOutcome
from recupero_sdk.http import lost
from recupero_sdk.inbound import InboundRequest, Rejected
from recupero_sdk.settings import PluginConfig

API = "https://api.twilio.com"
_ACCOUNT_SID = re.compile(r"AC[0-9a-fA-F]{32}")
#: Twilio's client writes the address of each request, and with it telephone numbers, to its log at INFO.
_quiet = logging.getLogger(f"{__name__}.client")
_quiet.setLevel(logging.WARNING)

Made = TypeVar("Made")


class _HttpClient(TwilioHttpClient):  # type: ignore[misc] # Twilio ships no types
    """Twilio's HTTP client, sent to another address where one is set."""

    def __init__(self, base: str, timeout: float) -> None:
        super().__init__(timeout=timeout, logger=_quiet)
        self._base = base

    def request(self, method: str, url: str, *args: Any, **options: Any) -> Response:
        return super().request(method, url.replace(API, self._base, 1), *args, **options)


def problem(config: PluginConfig) -> str | None:
    """What is missing or malformed in the account's own settings."""
    if missing := config.missing("account_sid", "auth_token"):
        return missing
    if not _ACCOUNT_SID.fullmatch(config.get("account_sid")):
        return "account_sid must be AC and 32 hexadecimal digits"
    return None


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


def once(look: Callable[[], Made | None], make: Callable[[], Made | None]) -> Made:
    """What `make` makes in the account, unless `look` finds it there already: Twilio knows no idempotency
    key. An answer that tells nothing (None, a broken connection, 5xx) is looked into once more.

    Raises TwilioException for a refusal, `Stopped` where Twilio was never asked to make it, and `InDoubt`
    where it may have made it and does not show it.
    """
    asked, doubt = False, "Twilio's answer says nothing"
    try:
        found = look()
        if found is None:
            asked = True
            found = make()
    except TwilioException as error:
        found = _seen(look) if asked and _may_have_it(error) else None
        if found is None:
            raise
    except requests.RequestException as error:
        found, doubt = None, lost(error, "Twilio", asked=asked)
    if found is None:
        found = _seen(look)
    if found is None:
        raise InDoubt(doubt)
    return found


def read(ask: Callable[[], Made]) -> Made:
    """What a list of Twilio's holds. Raises TwilioException for an answer that is no such list."""
    try:
        return ask()
    except (ValueError, AttributeError) as error:
        raise TwilioException("the list cannot be read") from error


def taken(ask: Callable[[], Any]) -> Any:
    """What Twilio made, with its `sid`; None where it took the request and its answer cannot be read."""
    try:
        made = ask()
    except (ValueError, AttributeError):  # 2xx, and no JSON or no object
        return None
    return made if made.sid else None


@dataclass(frozen=True, slots=True)
class Refusals:
    """What Twilio's error codes mean (https://www.twilio.com/docs/api/errors): of the number, for later, of
    the account as a whole, so that the next request would fare no better, or of somebody who wants no more
    of ours."""

    dead_number: frozenset[int]
    later: frozenset[int]
    account: frozenset[int]
    opted_out: frozenset[int] = frozenset()

    def receipt(self, error: TwilioException, key: str) -> Receipt:
        """What a refusal means for the message `key`. Raises `Stopped` where it holds for all."""
        status, code = _told(error)
        reason = f"Twilio {code}"
        if code in self.later or status in (0, 408, 429) or status >= 500:
            raise Stopped(SendOutcome.RETRY, reason) from error
        if code in self.account or status == 401:
            raise Stopped(SendOutcome.REFUSED, reason) from error
        stopped = code in self.opted_out
        lost = stopped or code in self.dead_number
        outcome = SendOutcome.PERMANENT if lost else SendOutcome.REFUSED
        return Receipt(key, outcome, reason=reason, opted_out=stopped)


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


def _seen(look: Callable[[], Made | None]) -> Made | None:
    """After an answer that told nothing; None where Twilio does not show it, or anything."""
    try:
        return look()
    except (TwilioException, requests.RequestException):
        return None


def _may_have_it(error: TwilioException) -> bool:
    """Whether Twilio broke over a request to make something, and may have made it all the same."""
    status, _ = _told(error)
    return status == 0 or status >= 500


def _told(error: TwilioException) -> tuple[int, int]:
    """HTTP status and Twilio's code; 0 for an answer that cannot be read. Twilio's library hands on the plain
    response where a list was asked for."""
    if isinstance(error, TwilioRestException | TwilioServiceException):
        return error.status, error.code or error.status
    response = error.args[-1] if error.args else None
    if not isinstance(response, Response):
        return 0, 0
    try:
        return response.status_code, int(json.loads(response.text)["code"])
    except (ValueError, TypeError, KeyError):
        return response.status_code, response.status_code
