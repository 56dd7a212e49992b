"""What a debtor asks of us: to wait until a day, to be reached otherwise, to be left alone."""

from datetime import date

from flask import redirect, render_template, session, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from recupero.kernel import clock
from recupero.kernel.errors import UserError
from recupero.outreach.channels import preferences
from recupero.payments.agreements import wishes
from recupero.payments.books import promises
from recupero.payments.gateways import charges
from recupero.payments.gateways.links import Door, debtor_of
from recupero.placements.debts import OpenDebt
from recupero.portals.debtor.door import WHY, blueprint, done, proven, transaction_of, tried, wear_house
from recupero.portals.debtor.owed import amount_outside, furthest, own_account
from recupero.portals.frame.forms import Form
from recupero.tenancy import queries as tenancy
from recupero.tenancy.guard import public

_PROMISED = {"amount_minor": "promise_amount", "due_date": "promise_day", "account": "promise_account"}
#: The fields of a wish as the page names them.
_REACHED = {"channel": "reach_channel", "language": "reach_language"}


@blueprint.route("/p/<token>/promise", methods=["GET", "POST"])
@public(WHY)
@proven
def promise(token: str, door: Door) -> ResponseReturnValue:
    """A promise to pay an account by a day."""
    form = Form.sent()
    if form.is_sent and (answer := tried(form, lambda: _promise(token, door, form), *_PROMISED.values())):
        return answer
    with transaction_of(door) as opened:
        _agency, creditor = wear_house(opened)
        can, today = charges.payable(opened, door.link_id), clock.today(creditor.timezone)
        if not can.debts:
            return redirect(url_for("debtor.link", token=token))
        page = render_template(
            "debtor/promise.html", token=token, form=form, can=can, creditor=creditor, today=today,
            last=furthest(today, can.debts),
        )  # fmt: skip
    return page, form.status


def _promise(token: str, door: Door, form: Form) -> ResponseReturnValue:
    with transaction_of(door) as opened:
        wear_house(opened)
        chosen = own_account(opened, door, form, "promise_account")
        debt = next(
            (one for one in charges.payable(opened, door.link_id).debts if one.account_id == chosen), None
        )
        if debt is None:
            return done(token, "promise")  # paid meanwhile: the page says so
        with form.together():
            amount, due = form.money("promise_amount", debt.currency), form.day("promise_day")
            _check_promise(opened, form, debt, amount, due)
        try:
            promises.make_promise(
                opened, account_id=chosen, amount_minor=amount, due_date=due, made_with="page"
            )
        except UserError as error:
            error.field = _PROMISED.get(error.field or "", error.field)
            raise
    return done(token, "promise")


def _check_promise(opened: Session, form: Form, debt: OpenDebt, amount: int, promised: date) -> None:
    """What `promises.make_promise` will not take, in the debtor's words."""
    today = clock.today(tenancy.tenant(opened).timezone)
    if not 0 < amount <= debt.balance_minor:
        form.wrong(amount_outside("promise_amount", 1, debt.balance_minor, debt.currency))
    last = furthest(today, [debt])
    if not today <= promised <= last:
        form.wrong(UserError("Choose a day from today to %(day)s.", field="promise_day", day=last))


@blueprint.route("/p/<token>/stop", methods=["GET", "POST"])
@public(WHY)
@proven
def stop(token: str, door: Door) -> ResponseReturnValue:
    """No more contact by a channel, or at all."""
    form = Form.sent()
    if form.is_sent and (answer := tried(form, lambda: _stop(token, door, form), "channel")):
        return answer
    with transaction_of(door) as opened:
        agency, creditor = wear_house(opened)
    return render_template(
        "debtor/stop.html", token=token, form=form, agency=agency, creditor=creditor
    ), form.status


def _stop(token: str, door: Door, form: Form) -> ResponseReturnValue:
    channel = form.text("channel")
    with transaction_of(door) as opened:
        wishes.stop(opened, door.link_id, channel=channel)
    return done(token, "stop_all" if channel == "all" else "stop")


@blueprint.route("/p/<token>/reach", methods=["GET", "POST"])
@public(WHY)
@proven
def reach_me(token: str, door: Door) -> ResponseReturnValue:
    """By which channel, at what hours and in what language the debtor wants to be reached, from now on."""
    form = Form.sent()
    if form.is_sent and (answer := tried(form, lambda: _reach(token, door, form))):
        return answer
    with transaction_of(door) as opened:
        _agency, creditor = wear_house(opened)
        wish = preferences.of_debtor(opened, debtor_of(opened, door.link_id), door.language)
    if not form.is_sent:
        hours = [at.isoformat("minutes") for at in wish.hours] if wish.hours else ["", ""]
        form = Form({
            "reach_channel": wish.channel or "", "reach_language": wish.language,
            "begins": hours[0], "ends": hours[1],
        })  # fmt: skip
    return render_template("debtor/reach.html", token=token, form=form, creditor=creditor), form.status


def _reach(token: str, door: Door, form: Form) -> ResponseReturnValue:
    with form.together(**_REACHED):
        wish = preferences.read(
            form.optional("reach_channel"), form.optional("begins"), form.optional("ends"),
            form.optional("reach_language"),
        )  # fmt: skip
    with transaction_of(door) as opened:
        preferences.keep(opened, debtor_of(opened, door.link_id), wish, actor="debtor")
    session["language"] = wish.language
    return done(token, "reach")
