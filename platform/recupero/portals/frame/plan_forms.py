"""A plan as it is asked for in a form."""

from datetime import date, timedelta

from recupero.kernel.errors import UserError
from recupero.payments.offers.plan_schedule import Choice
from recupero.portals.frame.forms import Form

FIELDS = ("instalments", "at_most", "every", "pay_day", "down_payment", "first_on", "step_percent")
_SOON = timedelta(days=7)
#: Where the engine's fields stand in the form.
_AT = {"at_most_minor": "at_most", "down_payment_minor": "down_payment", "total": ""}


def choice_of(form: Form, currency: str, today: date) -> Choice:
    """What the form asks for. Raises UserError at the field."""
    with form.together():
        at_most = form.money("at_most", currency) if form.optional("at_most") else None
        if at_most is None and not form.optional("instalments"):
            form.wrong(
                UserError("say how many instalments, or how much each may be at most", field="instalments")
            )
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
