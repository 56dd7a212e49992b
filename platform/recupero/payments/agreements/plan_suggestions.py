"""A few plans that are worth showing before anybody asks."""

from collections.abc import Collection
from datetime import date, timedelta

from sqlalchemy.orm import Session

from recupero.kernel.errors import UserError
from recupero.payments.agreements import plans
from recupero.payments.offers.plan_schedule import Choice, Schedule, most_instalments
from recupero.payments.offers.policy import Offerer, OfferPolicy

#: Numbers of instalments that are shown without asking, where the creditor allows them.
SHOWN = (2, 3, 6, 12)
_SOON = timedelta(days=7)


def suggestions(
    session: Session, account_ids: Collection[int], policy: OfferPolicy, offerer: Offerer, today: date
) -> list[tuple[int, Schedule]]:
    """A few monthly plans that need nobody's leave, by number of instalments."""
    limits = policy.of(offerer).plan_limits
    first = today + min(_SOON, timedelta(days=limits.first_payment_days))
    most = most_instalments(policy.balance_minor, limits)
    counts = [count for count in sorted({*(one for one in SHOWN if one < most), most}) if count > 1]
    if not counts:
        return []
    try:
        propose = plans.proposer(session, account_ids, offerer)
    except UserError:
        return []  # nothing is owed on one of them any more
    found = []
    for count in counts:
        try:
            made = propose(Choice(first, instalments=count), None)
        except UserError:
            continue  # a holiday right after the last day on which it could begin
        if made.leave.approver is None:
            found.append((count, made.schedule))
    return found
