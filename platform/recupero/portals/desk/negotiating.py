"""What the panel's form asks for, read as `decisions.advice.negotiation` takes it."""

from sqlalchemy.orm import Session

from recupero.decisions.advice import negotiation
from recupero.decisions.advice.negotiation import Asked, Part, Shown, Whole, together
from recupero.kernel import clock
from recupero.kernel.errors import UserError
from recupero.payments.offers.policy import Offerer, offerer_of
from recupero.portals.frame import plan_forms
from recupero.portals.frame.forms import Form
from recupero.tenancy import queries as tenancy
from recupero.tenancy.guard import the_caller

ASKED = ("amount", "due", "parts", *plan_forms.FIELDS)


def asked_of(session: Session, account_id: int, kind: str, form: Form) -> Asked:
    """What the form of this kind asks for. Raises UserError at the field."""
    currency = together(session, account_id)[0].currency
    if kind == "full":
        return Whole(form.money("amount", currency), form.day("due"))
    if kind == "plan":
        return plan_forms.choice_of(form, currency, clock.today(tenancy.tenant(session).timezone))
    if kind != "settlement":
        raise UserError("Please choose one.", field="kind")
    parts = form.whole("parts") if form.optional("parts") else 1
    return Part(form.money("amount", currency), parts)


def shown(session: Session, account_id: int, kind: str, form: Form) -> Shown:
    """The agreement that the form asks for, within the creditor's policy. Raises UserError at the field."""
    return negotiation.shown(session, account_id, asked_of(session, account_id, kind, form), offerer())


def offerer() -> Offerer:
    """The user as somebody who offers."""
    return offerer_of(the_caller())
