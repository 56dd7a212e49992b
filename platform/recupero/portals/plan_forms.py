"""A plan as it is asked for in a form, and a few that are worth showing before anybody asks."""

from collections.abc import Collection
from datetime import date, timedelta

from sqlalchemy.orm import Session

from recupero.kernel.errors import UserError
from recupero.payments import plans
from recupero.payments.plan_schedule import Choice, Schedule, most_instalments
from recupero.payments.policy import Offerer, OfferPolicy
from recupero.portals.forms import Form

#: Numbers of instalments that are shown without asking, where the creditor allows them.
SHOWN = (2, 3, 6, 12)
FIELDS = ("instalments", "at_most", "every", "pay_day", "down_payment", "first_on", "step_percent")
_SOON = timedelta(days=7)
#: Where the engine's fields stand in the form.
_AT = {"at_most_minor": "at_most", "down_payment_minor": "down_payment", "total": ""}


def choice_of(form: Form, currency: str, today: date) -> Choice:
    """What the form asks for. Raises UserError at the field."""
    at_most = form.money("at_most", currency) if form.optional("at_most") else None
    if at_most is None and not form.optional("instalments"):
        raise UserError("say how many instalments, or how much each may be at most", field="instalments")
    return Choice(
        first_on=form.day("first_on") if form.optional("first_on") else today + _SOON,
        every=form.optional("every") or "monthly",
        instalments=None if at_most is not None else form.whole("instalments"),
        at_most_minor=at_most,
        down_payment_minor=form.money("down_payment", currency) if form.optional("down_payment") else 0,
        pay_day=form.whole("pay_day") if form.optional("pay_day") else None,
        step_percent=form.whole("step_percent") if form.optional("step_percent") else 0,
    )


def refuse(form: Form, error: UserError) -> None:
    """Put the error at its field of a plan's form."""
    error.field = _AT.get(error.field or "", error.field)
    form.refuse(error, *FIELDS, "why", "amount", "valid_until")


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
