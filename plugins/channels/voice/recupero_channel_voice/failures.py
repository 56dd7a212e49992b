"""What Twilio's refusals mean for a call (https://www.twilio.com/docs/api/errors)."""

import json
from dataclasses import dataclass

import requests
from twilio.base.exceptions import TwilioException, TwilioRestException, TwilioServiceException
from twilio.http.response import Response

from recupero_sdk.channels import SendOutcome

#: The number is none, or nothing leads there.
DEAD_NUMBER = frozenset({13224, 21211, 21214, 21217, 21401})
#: Too many calls at once, too many requests, maintenance.
LATER = frozenset({10004, 20429, 21730})
#: Of the account as a whole, so that the next call would fare no better.
ACCOUNT = frozenset({10001, 20003, 20005, 20006, 20404, 21210, 21212})


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a call was not placed. `general`: the rest of the batch need not be tried now."""

    outcome: SendOutcome
    reason: str
    general: bool = False


def of_answer(error: TwilioException) -> Failure:
    """What a refusal by Twilio means for the call."""
    status, code = _told(error)
    reason = f"Twilio {code}"
    if code in LATER or status in (408, 429) or status >= 500:
        return Failure(SendOutcome.RETRY, reason, general=True)
    if code in DEAD_NUMBER:
        return Failure(SendOutcome.PERMANENT, reason)
    return Failure(SendOutcome.REFUSED, reason, general=code in ACCOUNT or status == 401)


def _told(error: TwilioException) -> tuple[int, int]:
    """HTTP status and Twilio's code. Its library hands on the plain response where a list was asked for."""
    if isinstance(error, TwilioRestException | TwilioServiceException):
        return error.status, error.code or error.status
    response = error.args[-1] if error.args else None
    if not isinstance(response, Response):
        return 0, 0
    try:
        return response.status_code, int(json.loads(response.text)["code"])
    except (ValueError, TypeError, KeyError):
        return response.status_code, response.status_code


def of_connection(error: requests.RequestException) -> Failure | None:
    """What a failed request means; None: nobody knows whether Twilio had it."""
    if isinstance(error, requests.exceptions.SSLError) and "CERTIFICATE_VERIFY_FAILED" in str(error):
        return Failure(SendOutcome.REFUSED, "nobody vouches for Twilio's certificate", general=True)
    if isinstance(error, requests.exceptions.InvalidURL | requests.exceptions.MissingSchema):
        return Failure(SendOutcome.REFUSED, "api_base is no address", general=True)
    if isinstance(error, requests.exceptions.ConnectTimeout | requests.exceptions.ProxyError):
        return Failure(SendOutcome.RETRY, "Twilio does not answer", general=True)
    if isinstance(error, requests.exceptions.ConnectionError) and _never_connected(error):
        return Failure(SendOutcome.RETRY, "Twilio cannot be reached", general=True)
    return None


def _never_connected(error: requests.exceptions.ConnectionError) -> bool:
    """urllib3 tells a connection that was never made apart from one that broke."""
    cause = getattr(error.args[0] if error.args else None, "reason", None)
    return type(cause).__name__ in ("NewConnectionError", "NameResolutionError")
