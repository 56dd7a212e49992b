"""What money counts for a promise, as `payments.books.promises` counts it, of what was booked by a moment."""

from recupero.payments.books.promises import GRACE, TOLERANCE_PERCENT

GRACE_DAYS = GRACE.days
#: Allocations with their payments: to be joined by account and `counts`.
BOOKED = "(allocations a JOIN payments m ON m.tenant_id = a.tenant_id AND m.id = a.payment_id)"


def counts(*, moment: str, promise: str, due: str, made: str) -> str:
    """Whether a booked allocation counts by the `moment` for the row `promise`, whose columns are named;
    beside these it has the creditor's `timezone`."""
    return f"""a.at <= {moment}
     AND (m.received_at AT TIME ZONE {promise}.timezone)::date <= {promise}.{due} + {GRACE_DAYS}
     AND CASE WHEN m.kind = 'direct' THEN (m.received_at AT TIME ZONE {promise}.timezone)::date
              >= ({promise}.{made} AT TIME ZONE {promise}.timezone)::date
              ELSE m.received_at >= {promise}.{made} END"""


def kept(paid: str, amount: str) -> str:
    """Whether what was paid keeps the promise."""
    return f"{paid} * 100 >= {amount} * {TOLERANCE_PERCENT}"
