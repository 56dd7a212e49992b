"""What Twilio's refusals mean for a call (https://www.twilio.com/docs/api/errors)."""

import json

from twilio.base.exceptions import TwilioException, TwilioRestException, TwilioServiceException
from twilio.http.response import Response

from recupero_sdk.batches import Stopped
from recupero_sdk.channels import Receipt, SendOutcome

#: The number is none, or nothing leads there.
DEAD_NUMBER = frozenset({13224, 21211, 21214, 21217, 21401})
#: Too many calls at once, too many requests, maintenance.
LATER = frozenset({10004, 20429, 21730})
#: Of the account as a whole, so that the next call would fare no better.
ACCOUNT = frozenset({10001, 20003, 20005, 20006, 20404, 21210, 21212})


def of_answer(error: TwilioException, key: str) -> Receipt:
    """What a refusal by Twilio means for the call. Raises `Stopped` where it holds for all."""
    status, code = _told(error)
    reason = f"Twilio {code}"
    if code in LATER or status in (0, 408, 429) or status >= 500:
        raise Stopped(SendOutcome.RETRY, reason) from error
    if code in ACCOUNT or status == 401:
        raise Stopped(SendOutcome.REFUSED, reason) from error
    outcome = SendOutcome.PERMANENT if code in DEAD_NUMBER else SendOutcome.REFUSED
    return Receipt(key, outcome, reason=reason)


def may_have_it(error: TwilioException) -> bool:
    """Whether Twilio broke over a request to make a call, and may have made it all the same."""
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
