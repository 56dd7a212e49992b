"""The debtor's own pages behind a payment link: prove who you are, see, pay, promise, object.

Before the proof nothing of a debt, a creditor or an agency is shown, not even that there is one.
"""

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from functools import wraps
from typing import Any

from babel import Locale
from babel.numbers import format_decimal
from flask import Blueprint, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale
from flask_babel import gettext as _
from flask_wtf.csrf import CSRFError
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from recupero.kernel import clock, runtime
from recupero.kernel.database import Scope
from recupero.kernel.errors import Conflict, Forbidden, NotFound, UserError
from recupero.kernel.money import Money
from recupero.ledger import queries as ledger
from recupero.outreach import preferences
from recupero.outreach.understanding import hand_overs
from recupero.payments import accruing, charges, promises, sandbox, wishes
from recupero.payments import queries as payments
from recupero.payments.agreements import agreements
from recupero.payments.links import Door, debtor_of, open_link, prove_identity
from recupero.payments.plan_schedule import most_instalments
from recupero.payments.policy import PAGE, policy_of
from recupero.placements.debts import OpenDebt
from recupero.placements.identity import Fact
from recupero.portals.errors import said
from recupero.portals.forms import Form
from recupero.portals.language import CODES, Brand, money, wear
from recupero.portals.shell import limiter
from recupero.tenancy import queries as tenancy
from recupero.tenancy.guard import public
from recupero_sdk.gateways import PaymentEventKind

blueprint = Blueprint("debtor", __name__)
limiter.limit("120 per minute")(blueprint)
PROOF = timedelta(minutes=30)
SLOW = timedelta(minutes=1)
WHY = "a debtor has no login: the link's token opens it and nothing is shown before the identity is proven"


@blueprint.get("/p/<token>")
@public(WHY)
def link(token: str) -> ResponseReturnValue:
    """The questions, or what is owed once they are answered."""
    door = _door(token)
    return _account_page(token, door, Form()) if _proven(door) else _questions(token, door, Form())


@blueprint.post("/p/<token>")
@limiter.limit("10 per minute")
@public(WHY)
def prove(token: str) -> ResponseReturnValue:
    """Answers to the questions."""
    door, form = _door(token), Form.sent()
    answers = {fact: form.optional(fact.value) for fact in door.questions}
    if prove_identity(runtime.current().database, door, answers):
        proofs = {**session.get("proofs", {}), _proof_key(door): _expiry()}
        session["proofs"] = {key: until for key, until in proofs.items() if until > clock.now().timestamp()}
        return redirect(url_for("debtor.link", token=token))
    form.errors[""] = _(
        "That does not match what we have. Check both answers;"
        " after five tries the page rests for half an hour."
    )
    return _questions(token, _door(token), form)


def proven(view: Callable[..., ResponseReturnValue]) -> Callable[..., ResponseReturnValue]:
    """Let only people in who have just proven who they are; others are asked first."""

    @wraps(view)
    def guarded(token: str, **values: Any) -> ResponseReturnValue:
        door = _door(token)
        if not _proven(door):
            return redirect(url_for("debtor.link", token=token))
        try:
            return view(token, door, **values)
        except (NotFound, Forbidden):
            raise
        except Conflict:  # paid meanwhile, perhaps in another window: the page says so
            return redirect(url_for("debtor.link", token=token))
        except UserError as error:
            form = Form.sent()
            form.refuse(error)
            return _account_page(token, door, form)

    return guarded


@blueprint.post("/p/<token>/pay")
@public(WHY)
@proven
def pay(token: str, door: Door) -> ResponseReturnValue:
    """Ask for a payment page over everything or another amount."""
    form = Form.sent()
    with transaction_of(door) as opened:
        wear_house(opened)
        accruing.accrue_link(opened, door.link_id)
        can = charges.payable(opened, door.link_id)
        amount = _asked_amount(form, opened, door, can)
        if can.total_minor and not can.minimum_minor <= amount <= can.total_minor:
            raise _amount_outside("amount", can.minimum_minor, can.total_minor, can.currency)
        charge_id = charges.start_charge(opened, door.link_id, amount)
    return redirect(url_for("debtor.wait", token=token, charge_id=charge_id))


def _asked_amount(form: Form, opened: Session, door: Door, can: charges.Payable) -> int:
    """Everything, the next instalment, the rest of a settlement, or the amount that was typed."""
    if form.optional("full"):
        return can.total_minor
    wanted = agreements(opened, door.link_id)
    if form.optional("instalment") and wanted.due is not None:
        return can.fitting(wanted.due.amount_minor - wanted.due.paid_minor)
    for offer, rest in wanted.offers:
        if offer.state == "accepted" and str(offer.id) == form.optional("settlement"):
            return can.fitting(rest)
    return form.money("amount", can.currency)


@blueprint.get("/p/<token>/pay/<int:charge_id>")
@public(WHY)
@proven
def wait(token: str, door: Door, charge_id: int) -> ResponseReturnValue:
    """Until a worker has made the payment page; then on to it."""
    with transaction_of(door) as opened:
        charge = charges.charge(opened, charge_id)
        if charge.link_id != door.link_id:
            raise NotFound("no such payment")
        wear_house(opened)
        slow = clock.now() - charge.created_at > SLOW
        return render_template("debtor/wait.html", token=token, charge=charge, slow=slow)


@blueprint.get("/p/<token>/thanks")
@public(WHY)
@proven
def thanks(token: str, door: Door) -> ResponseReturnValue:
    """After paying: booked already, or still on its way."""
    with transaction_of(door) as opened:
        wear_house(opened)
        charge = charges.latest(opened, door.link_id)
        paid = payments.latest_payment(opened, door.link_id, charge.id) if charge else None
        return render_template(
            "debtor/thanks.html", token=token, payment=paid, latest_charge=charge,
            can=charges.payable(opened, door.link_id),
        )  # fmt: skip


@blueprint.post("/p/<token>/promise")
@public(WHY)
@proven
def promise(token: str, door: Door) -> ResponseReturnValue:
    """A promise to pay an account by a day."""
    form = Form.sent()
    with transaction_of(door) as opened:
        wear_house(opened)
        chosen = wishes.account_of(opened, door.link_id, form.whole("promise_account"))
        debt = next(
            (one for one in charges.payable(opened, door.link_id).debts if one.account_id == chosen), None
        )
        if debt is None:
            return _done(token, "promise")  # paid meanwhile: the page says so
        amount, due = form.money("promise_amount", debt.currency), form.day("promise_day")
        _check_promise(opened, debt, amount, due)
        promises.make_promise(opened, account_id=chosen, amount_minor=amount, due_date=due, made_with="page")
    return _done(token, "promise")


@blueprint.post("/p/<token>/dispute")
@public(WHY)
@proven
def dispute(token: str, door: Door) -> ResponseReturnValue:
    """The debtor says that it is not owed."""
    form = Form.sent()
    with transaction_of(door) as opened:
        wishes.dispute(
            opened, door.link_id, account_id=form.whole("dispute_account"), why=form.text("dispute_why")
        )
    return _done(token, "dispute")


@blueprint.post("/p/<token>/stop")
@public(WHY)
@proven
def stop(token: str, door: Door) -> ResponseReturnValue:
    """No more contact by a channel, or at all."""
    with transaction_of(door) as opened:
        wishes.stop(opened, door.link_id, channel=Form.sent().text("channel"))
    return _done(token, "stop")


@blueprint.post("/p/<token>/person")
@public(WHY)
@proven
def person(token: str, door: Door) -> ResponseReturnValue:
    """The debtor wants to talk to somebody."""
    with transaction_of(door) as opened:
        hand_overs.asked_on_page(opened, *wishes.ask_person(opened, door.link_id))
    return _done(token, "person")


@blueprint.post("/p/<token>/reach")
@public(WHY)
@proven
def reach_me(token: str, door: Door) -> ResponseReturnValue:
    """By which channel, at what hours and in what language the debtor wants to be reached, from now on."""
    form = Form.sent()
    wish = preferences.read(
        form.optional("reach_channel"), form.optional("begins"), form.optional("ends"),
        form.optional("reach_language"),
    )  # fmt: skip
    with transaction_of(door) as opened:
        preferences.keep(opened, debtor_of(opened, door.link_id), wish, actor="debtor")
    session["language"] = wish.language
    return _done(token, "reach")


@blueprint.get("/sandbox/pay/<reference>")
@public("the sandbox's payment page: the address is random, moves no money and names no debtor")
def sandbox_page(reference: str) -> ResponseReturnValue:
    """Choose what a provider would report."""
    scope = sandbox_scope(reference)
    database = runtime.current().database
    charge = sandbox.find(database, scope, reference)
    with database.transaction(scope) as opened:
        wear_house(opened)
    return render_template("debtor/sandbox.html", charge=charge, reference=reference)


@blueprint.post("/sandbox/pay/<reference>")
@public("the sandbox's payment page: the address is random, moves no money and names no debtor")
def sandbox_choice(reference: str) -> ResponseReturnValue:
    """Report it the way a provider does, and go back to where the debtor came from."""
    database, scope = runtime.current().database, sandbox_scope(reference)
    charge = sandbox.find(database, scope, reference)
    choice = Form.sent().text("outcome")
    if choice == "later":
        sandbox.report_later(database, scope, charge.id)
    elif choice == "failed":
        sandbox.report(database, scope, charge.id, PaymentEventKind.FAILED)
    elif choice == "paid":
        sandbox.report(database, scope, charge.id, PaymentEventKind.SUCCEEDED)
    else:
        raise UserError("Choose what happens to this payment.")
    with database.transaction(scope) as opened:
        return redirect(charges.request_of(opened, charge).success_url)


@blueprint.errorhandler(CSRFError)
def lost_form(_error: CSRFError) -> ResponseReturnValue:
    """The form was open longer than its session: start again at the link."""
    token = (request.view_args or {}).get("token")
    if token is None:
        return _plain_error(_("The page was open for too long. Load it again."), 400)
    return redirect(url_for("debtor.link", token=token))


@blueprint.errorhandler(UserError)
def refused(error: UserError) -> ResponseReturnValue:
    """What is wrong, without a word about debts."""
    text = _("This link is not valid any more.") if isinstance(error, NotFound) else said(error)
    return _plain_error(text, error.status)


def _plain_error(message: str, status: int) -> ResponseReturnValue:
    return render_template("debtor/error.html", message=message), status


def _door(token: str) -> Door:
    """The link behind the token. Raises NotFound."""
    door = open_link(runtime.current().database, token)
    if door is None:
        raise NotFound("no such link")
    if door.language in CODES and session.get("language") not in CODES:
        session["language"] = door.language
    return door


def _proof_key(door: Door) -> str:
    return f"{door.scope.tenant()}:{door.link_id}"


def _expiry() -> float:
    return (clock.now() + PROOF).timestamp()


def _proven(door: Door) -> bool:
    return bool(session.get("proofs", {}).get(_proof_key(door), 0) > clock.now().timestamp())


def transaction_of(door: Door) -> Any:
    """A transaction in the scope of the link's creditor."""
    return runtime.current().database.transaction(door.scope)


def _done(token: str, what: str) -> Response:
    return redirect(url_for("debtor.link", token=token, done=what))


def wear_house(opened: Session) -> tuple[Any, Any]:
    """Agency and creditor, and money and dates as their country writes them."""
    agency, creditor = tenancy.agency(opened), tenancy.tenant(opened)
    wear(Brand(agency.name, creditor.country, creditor.timezone))
    return agency, creditor


def plain_money(minor: int, currency: str) -> str:
    """An amount as the reader would type it."""
    locale = get_locale() or Locale("en")
    text: str = format_decimal(Money(minor, currency).major(), locale=locale, group_separator=False)
    return text


def _amount_outside(field: str, lowest: int, highest: int, currency: str) -> UserError:
    return UserError(
        "Choose an amount from %(minimum)s to %(total)s.", field=field,
        minimum=money(lowest, currency), total=money(highest, currency),
    )  # fmt: skip


def _check_promise(opened: Session, debt: OpenDebt, amount: int, promised: date) -> None:
    """What `promises.make_promise` will not take, in the debtor's words."""
    today = clock.today(tenancy.tenant(opened).timezone)
    if not 0 < amount <= debt.balance_minor:
        raise _amount_outside("promise_amount", 1, debt.balance_minor, debt.currency)
    furthest = _furthest(today, [debt])
    if not today <= promised <= furthest:
        raise UserError("Choose a day from today to %(day)s.", field="promise_day", day=furthest)


def _furthest(today: date, debts: Sequence[OpenDebt]) -> date:
    """The last day that may be promised on this page."""
    if not debts:
        return today
    return today + timedelta(days=policy_of(debts).of(PAGE).promise_days_ahead)


def _questions(token: str, door: Door, form: Form) -> ResponseReturnValue:
    wear(Brand("", door.country, "UTC"))
    page = render_template("debtor/questions.html", token=token, door=door, form=form, Fact=Fact)
    return page, 429 if door.locked_until else form.status


def _account_page(token: str, door: Door, form: Form) -> ResponseReturnValue:
    with transaction_of(door) as opened:
        agency, creditor = wear_house(opened)
        accruing.accrue_link(opened, door.link_id)
        can = charges.payable(opened, door.link_id)
        accounts = [debt.account_id for debt in can.debts]
        today = clock.today(creditor.timezone)
        page = render_template(
            "debtor/account.html", token=token, form=form, can=can, agency=agency, creditor=creditor,
            balances=ledger.balances(opened, accounts), today=today, furthest=_furthest(today, can.debts),
            promised=[one for one in payments.promises_of(opened, accounts) if one.state == "open"],
            done=request.args.get("done"), disputes=wishes.DISPUTES,
            wish=preferences.of_debtor(opened, debtor_of(opened, door.link_id), door.language),
            agreed=agreements(opened, door.link_id), splits=bool(can.debts) and most_instalments(
                can.total_minor, policy_of(can.debts).of(PAGE).plan_limits) > 1,
        )  # fmt: skip
    return page, form.status


def sandbox_scope(reference: str) -> Scope:
    """The sandbox's references begin with the creditor's number. Raises NotFound."""
    return tenancy.tenant_scope(runtime.current().database, reference.partition("-")[0])
