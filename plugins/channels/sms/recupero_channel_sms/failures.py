"""What Twilio's error codes mean for a text message (https://www.twilio.com/docs/api/errors)."""

from recupero_sdk.inbound import Fate
from recupero_sdk.twilio import Refusals

REFUSALS = Refusals(
    # The number is none, or cannot take text messages.
    dead_number=frozenset({21211, 21217, 21401, 21614, 21635}),
    # Queue full, too many requests, daily cap, maintenance.
    later=frozenset({14107, 20429, 21611, 21730, 30001, 30022, 30023}),
    # Credentials, a closed account; a sender that is none or another's, a messaging service without numbers.
    account=frozenset({10001, 20003, 20005, 20006, 20404, 21212, 21606, 21703, 21705}),
    # Its owner answered STOP to this sender.
    opted_out=frozenset({21610}),
)
#: No such subscriber; a landline or a carrier that cannot be reached.
UNDELIVERABLE = frozenset({30005, 30006}) | REFUSALS.dead_number


def fate_of(code: int | None) -> Fate:
    """What became of a message that was not delivered, by its error code."""
    if code in REFUSALS.opted_out:
        return Fate.OPTED_OUT
    return Fate.PERMANENT if code in UNDELIVERABLE else Fate.FAILED
