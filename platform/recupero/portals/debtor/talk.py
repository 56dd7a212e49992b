"""A person to talk to: asked for at once, or a call booked for a moment that suits."""

from collections.abc import Sequence
from datetime import date, datetime
from itertools import groupby
from zoneinfo import ZoneInfo

from flask import render_template
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from recupero.kernel.errors import Conflict, UserError
from recupero.outreach.calls import call_backs
from recupero.outreach.understanding import hand_overs
from recupero.payments.agreements import wishes
from recupero.payments.gateways import charges
from recupero.payments.gateways.links import Door, debtor_of
from recupero.placements import reach
from recupero.portals.debtor.door import WHY, blueprint, done, proven, transaction_of, tried, wear_house
from recupero.portals.frame.forms import Form
from recupero.tenancy.guard import public
from recupero_sdk.law.zones import load_zone


@blueprint.get("/p/<token>/talk")
@public(WHY)
@proven
def talk(token: str, door: Door) -> ResponseReturnValue:
    """Telephone, address, a button for a person, and the moments at which they can call."""
    return _page(token, door, Form())


def _page(token: str, door: Door, form: Form) -> ResponseReturnValue:
    with transaction_of(door) as opened:
        agency, creditor = wear_house(opened)
        account_id, zone = _account(opened, door), _zone(opened, door, creditor.timezone)
        days = _by_day(call_backs.slots(opened, account_id), zone)
        debtor_id = debtor_of(opened, door.link_id)
        booked, dropped = call_backs.booked(opened, debtor_id), call_backs.dropped(opened, debtor_id)
        page = render_template(
            "debtor/talk.html", token=token, form=form, agency=agency, creditor=creditor, days=days,
            zone=zone, dropped=dropped, booked=[one.due_at.astimezone(zone) for one in booked],
        )  # fmt: skip
    return page, form.status


def _by_day(moments: Sequence[datetime], zone: ZoneInfo) -> list[tuple[date, list[datetime]]]:
    """The moments by day, on the clock of whoever is called."""
    local = (at.astimezone(zone) for at in moments)
    return [(day, list(found)) for day, found in groupby(local, key=lambda at: at.date())]


def _zone(opened: Session, door: Door, house: str) -> ZoneInfo:
    """The debtor's clock, the creditor's where nobody knows theirs."""
    account = reach.reachable(opened, [_account(opened, door)]).get(_account(opened, door))
    return load_zone(account.timezone if account and account.timezone else house)


def _account(opened: Session, door: Door) -> int:
    """The account that a call is about: the oldest due, else any of the link."""
    can = charges.payable(opened, door.link_id)
    return can.debts[0].account_id if can.debts else charges.accounts_of(opened, door.link_id)[0]


@blueprint.post("/p/<token>/person")
@public(WHY)
@proven
def person(token: str, door: Door) -> ResponseReturnValue:
    """The debtor wants to talk to somebody."""
    with transaction_of(door) as opened:
        hand_overs.asked_on_page(opened, *wishes.ask_person(opened, door.link_id))
    return done(token, "person")


@blueprint.post("/p/<token>/call")
@public(WHY)
@proven
def book_call(token: str, door: Door) -> ResponseReturnValue:
    """A call at the chosen moment."""
    form = Form.sent()
    return tried(form, lambda: _book(token, door, form), "moment") or _page(token, door, form)


def _book(token: str, door: Door, form: Form) -> ResponseReturnValue:
    try:
        at = datetime.fromisoformat(form.text("moment"))
    except ValueError:
        raise UserError("Please choose one.", field="moment") from None
    if at.tzinfo is None:
        raise UserError("Please choose one.", field="moment")
    with transaction_of(door) as opened:
        try:
            call_backs.book(opened, _account(opened, door), at, actor="debtor")
        except Conflict:
            raise UserError("this moment is not free any more: choose another one", field="moment") from None
    return done(token, "call")


@blueprint.post("/p/<token>/call/cancel")
@public(WHY)
@proven
def cancel_call(token: str, door: Door) -> ResponseReturnValue:
    """The booked call is not wanted any more."""
    with transaction_of(door) as opened:
        call_backs.cancel(opened, debtor_of(opened, door.link_id), actor="debtor")
    return done(token, "no_call")
