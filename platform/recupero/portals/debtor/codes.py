"""The other proof: a code sent to a telephone number or e-mail address that is on file already."""

from flask import render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from recupero.kernel import runtime
from recupero.kernel.errors import NotFound, UserError
from recupero.outreach.sending import page_codes
from recupero.payments.gateways.links import Door, prove_by
from recupero.payments.tables import PaymentLink
from recupero.portals.debtor.door import WHY, blueprint, door_of, let_in, transaction_of
from recupero.portals.frame.errors import said
from recupero.portals.frame.forms import Form
from recupero.portals.frame.identity import masked
from recupero.portals.frame.shell import limiter
from recupero.portals.words.language import Brand, wear
from recupero.tenancy.guard import public


@blueprint.get("/p/<token>/code")
@public(WHY)
def code(token: str) -> ResponseReturnValue:
    """Where a code can be sent, by what little of it shows; or the field for the one that was sent."""
    return _page(token, door_of(token), Form(), sent="sent" in request.args)


def _page(token: str, door: Door, form: Form, *, sent: bool) -> ResponseReturnValue:
    wear(Brand("", door.country, "UTC"))
    with transaction_of(door) as opened:
        ways = [
            (point.id, channel, masked(point.value))
            for point, channel in page_codes.ways(opened, door.link_id)
        ]
    page = render_template(
        "debtor/code.html", token=token, door=door, form=form, ways=ways, sent=sent,
        minutes=int(page_codes.LIFE.total_seconds() // 60),
    )  # fmt: skip
    return page, 429 if door.locked_until else form.status


@blueprint.post("/p/<token>/code/send")
@limiter.limit("5 per minute; 20 per hour")
@public(WHY)
def send_code(token: str) -> ResponseReturnValue:
    """Send one to the chosen place."""
    door, form = door_of(token), Form.sent()
    if door.locked_until:
        return _page(token, door, form, sent=False)
    try:
        with transaction_of(door) as opened:
            page_codes.ask(opened, door.link_id, form.id("point"))
    except NotFound:
        raise
    except UserError as error:
        form.errors[""] = said(error)
        return _page(token, door, form, sent=error.status == 409)
    return _page(token, door, Form(), sent=True)


@blueprint.post("/p/<token>/code")
@limiter.limit("10 per minute")
@public(WHY)
def prove_by_code(token: str) -> ResponseReturnValue:
    """The code as it was typed."""
    door, form = door_of(token), Form.sent()
    typed = form.optional("code")

    def right(session: Session, link: PaymentLink) -> bool:
        return page_codes.is_right(session, link.id, typed)

    if prove_by(runtime.current().database, door, right):
        return let_in(token, door)
    form.errors["code"] = _("This code is not right, or its time is over. Check it, or ask for another one.")
    return _page(token, door_of(token), form, sent=True)
