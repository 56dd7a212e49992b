"""The debtor's own page: what is owed, to whom, how it is made up; paying it; the receipt."""

from collections.abc import Sequence
from datetime import date, timedelta

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from recupero.decisions.strategies import offer_rules
from recupero.kernel import clock
from recupero.kernel.errors import NotFound, UserError
from recupero.ledger import queries as ledger
from recupero.outreach.debtors import dispute_answers
from recupero.payments import queries as payments
from recupero.payments.agreements import settlement_queries, wishes
from recupero.payments.agreements.agreements import Agreements, agreements
from recupero.payments.debts import accruing
from recupero.payments.gateways import charges
from recupero.payments.gateways.links import Door, debtor_of
from recupero.payments.offers.offer_tables import Settlement
from recupero.payments.offers.plan_schedule import most_instalments
from recupero.payments.offers.policy import PAGE, policy_of
from recupero.placements.debts import OpenDebt
from recupero.placements.reach import open_holds
from recupero.portals.debtor.door import (
    WHY,
    blueprint,
    door_of,
    is_proven,
    proven,
    questions,
    transaction_of,
    tried,
    wear_house,
)
from recupero.portals.frame.forms import Form
from recupero.portals.words.language import money
from recupero.tenancy.guard import public

SLOW = timedelta(minutes=1)
#: For how long the page says of a payment that it went back.
WENT_BACK_FOR = timedelta(days=90)
#: Holds that the debtor asked for or should know of, in the order in which the page tells them.
TOLD = ("deceased", "hardship", "dispute", "complaint", "person", "cease")


@blueprint.get("/p/<token>")
@public(WHY)
def link(token: str) -> ResponseReturnValue:
    """The questions, or what is owed once they are answered."""
    door = door_of(token)
    return _page(token, door) if is_proven(door) else questions(token, door, Form())


def _page(token: str, door: Door) -> ResponseReturnValue:
    with transaction_of(door) as opened:
        agency, creditor = wear_house(opened)
        accruing.accrue_link(opened, door.link_id)
        can, debtor_id = charges.payable(opened, door.link_id), debtor_of(opened, door.link_id)
        accounts = [debt.account_id for debt in can.debts]
        answered = dispute_answers.told(opened, debtor_id, charges.accounts_of(opened, door.link_id))
        holds = {
            hold.kind: hold
            for hold in open_holds(opened, [debtor_id]).get(debtor_id, ())
            if hold.account_id is None or hold.account_id in accounts
        }
        agreed = agreements(opened, door.link_id)
        return render_template(
            "debtor/owed.html", token=token, can=can, agency=agency, creditor=creditor,
            balances=ledger.balances(opened, accounts), paid=payments.paid_so_far(opened, accounts),
            promised=[one for one in payments.promises_of(opened, accounts) if one.state == "open"],
            done=request.args.get("done"),
            holds=[holds[kind] for kind in TOLD if kind in holds], answered=answered,
            agreed=agreed, settled=is_settled(agreed, can), splits=splits(opened, can),
            settles=settles(opened, can), asked=last_asked(opened, can),
            on_their_way=charges.on_their_way(opened, door.link_id),
            went_back=payments.went_back(opened, debtor_id, clock.now() - WENT_BACK_FOR),
        )  # fmt: skip


def is_settled(agreed: Agreements, can: charges.Payable) -> bool:
    """Whether offers that were taken cover all that is owed: to pay it in full would be to pay too much."""
    taken = {one for offer, _rest in agreed.offers if offer.state == "accepted" for one in offer.account_ids}
    return bool(can.debts) and taken.issuperset(can.account_ids)


def splits(opened: Session, can: charges.Payable) -> bool:
    """Whether the creditor's policy and strategy let it be paid in parts."""
    limits = policy_of(can.debts).of(PAGE).plan_limits if can.debts else None
    allowed = limits is not None and most_instalments(can.total_minor, limits) > 1
    return allowed and "plan" in offer_rules.kinds(opened, can.account_ids)


def settles(opened: Session, can: charges.Payable) -> bool:
    """Whether the creditor's policy and strategy let less than everything settle it."""
    allowed = bool(can.debts) and policy_of(can.debts).of(PAGE).settles
    return allowed and "settlement" in offer_rules.kinds(opened, can.account_ids)


def last_asked(opened: Session, can: charges.Payable) -> Settlement | None:
    """The last sum that was asked for on the page to settle it, whatever came of it since."""
    found = settlement_queries.settlements_of(opened, can.account_ids)
    mine = [one for one in found if one.made_with == PAGE.role]
    return max(mine, key=lambda one: (one.made_at, one.id), default=None)


@blueprint.route("/p/<token>/pay", methods=["GET", "POST"])
@public(WHY)
@proven
def pay(token: str, door: Door) -> ResponseReturnValue:
    """Ask for a payment page over everything or another amount."""
    form = Form.sent()
    if form.is_sent and (answer := tried(form, lambda: _pay(token, door, form), "amount")):
        return answer
    with transaction_of(door) as opened:
        _agency, creditor = wear_house(opened)
        can = charges.payable(opened, door.link_id)
    if not can.total_minor:
        return redirect(url_for("debtor.link", token=token))
    return render_template(
        "debtor/amount.html", token=token, form=form, can=can, creditor=creditor
    ), form.status


def _pay(token: str, door: Door, form: Form) -> ResponseReturnValue:
    with transaction_of(door) as opened:
        wear_house(opened)
        accruing.accrue_link(opened, door.link_id)
        can = charges.payable(opened, door.link_id)
        amount = _asked_amount(form, opened, door, can)
        if can.total_minor and not can.minimum_minor <= amount <= can.total_minor:
            raise amount_outside("amount", can.minimum_minor, can.total_minor, can.currency)
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


def amount_outside(field: str, lowest: int, highest: int, currency: str) -> UserError:
    """What is said of an amount that is too low or too high."""
    return UserError(
        "Choose an amount from %(minimum)s to %(total)s.", field=field,
        minimum=money(lowest, currency), total=money(highest, currency),
    )  # fmt: skip


def furthest(today: date, debts: Sequence[OpenDebt]) -> date:
    """The last day that may be promised on this page."""
    return today + timedelta(days=policy_of(debts).of(PAGE).promise_days_ahead) if debts else today


def own_account(opened: Session, door: Door, form: Form, field: str) -> int:
    """The account that was chosen, if it is one of the link's. Raises UserError at the field."""
    try:
        return wishes.account_of(opened, door.link_id, form.whole(field))
    except UserError as error:
        error.field = field
        raise
