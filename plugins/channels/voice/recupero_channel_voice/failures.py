"""What Twilio's error codes mean for a call (https://www.twilio.com/docs/api/errors)."""

from recupero_sdk.twilio import Refusals

REFUSALS = Refusals(
    # The number is none, or nothing leads there.
    dead_number=frozenset({13224, 21211, 21214, 21217, 21401}),
    # Too many calls at once, too many requests, maintenance.
    later=frozenset({10004, 20429, 21730}),
    account=frozenset({10001, 20003, 20005, 20006, 20404, 21210, 21212}),
)
