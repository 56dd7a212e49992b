"""What Meta's refusals mean
(https://developers.facebook.com/documentation/business-messaging/whatsapp/support/error-codes)."""

import requests

from recupero_sdk.batches import InDoubt, Stopped
from recupero_sdk.channels import Receipt, SendOutcome
from recupero_sdk.inbound import Fate

#: No WhatsApp at this number or it cannot be reached; the number is the sender's own.
DEAD_NUMBER = frozenset({131021, 131026})
#: The person told WhatsApp that they want no such messages of this business.
OPTED_OUT = frozenset({131050})
#: More than 24 hours since the person wrote.
WINDOW_CLOSED = 131047
#: Service down or overloaded, request limits of app, account and number, maintenance.
LATER = frozenset({1, 2, 4, 80007, 130429, 131000, 131016, 131048, 131057, 133004})
#: Too many messages to this one person, or as many as Meta lets one person have.
LATER_TO_THIS_ONE = frozenset({131049, 131056})
#: Token, permission, number, payment, a locked or restricted account: the next message would fare no better.
ACCOUNT = frozenset({0, 3, 10, 33, 190, 368, 131005, 131031, 131037, 131042, 131045, 133010, 133015})
_PERMISSIONS = range(200, 300)


def code_of(response: requests.Response) -> int | None:
    """Meta's error code, or None where the answer holds none."""
    try:
        code = response.json()["error"]["code"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    return code if isinstance(code, int) else None


def of_answer(response: requests.Response, key: str) -> Receipt:
    """What an answer that is no success means for the message. Raises `Stopped` where it holds for all, and
    `InDoubt` where a gateway gave up waiting and nobody knows for what."""
    code, status = code_of(response), response.status_code
    reason = f"Meta {code}" if code is not None else f"Meta answered {status}"
    if code is None and status in (408, 504):
        raise InDoubt(reason)
    if code in LATER_TO_THIS_ONE:
        return Receipt(key, SendOutcome.RETRY, reason=reason)
    if code is not None and (code in ACCOUNT or code in _PERMISSIONS):
        raise Stopped(SendOutcome.REFUSED, reason)
    if code in DEAD_NUMBER or code in OPTED_OUT:
        return Receipt(key, SendOutcome.PERMANENT, reason=reason, opted_out=code in OPTED_OUT)
    if code in LATER or status == 429 or status >= 500:
        raise Stopped(SendOutcome.RETRY, reason)
    if code is None or status in (401, 403):
        raise Stopped(SendOutcome.REFUSED, reason)
    return Receipt(key, SendOutcome.REFUSED, reason=reason)


def fate_of(code: int | None) -> Fate:
    """What became of a message that failed, by its error code."""
    if code in OPTED_OUT:
        return Fate.OPTED_OUT
    return Fate.PERMANENT if code in DEAD_NUMBER else Fate.FAILED
