"""The debtor's page beyond paying at once: a plan, an offer to settle, what they can afford, hard times."""

from datetime import date

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from recupero.kernel import clock
from recupero.kernel.errors import NotFound, UserError
from recupero.payments import (
    affordability,
    agreement_documents,
    charges,
    hardship,
    mandates,
    plans,
    settlements,
)
from recupero.payments.links import Door, debtor_of
from recupero.payments.offer_tables import Plan, Settlement
from recupero.payments.policy import PAGE, policy_of
from recupero.portals import plan_forms
from recupero.portals.debtor import account as debtor
from recupero.portals.debtor.documents import file_response
from recupero.portals.forms import Form
from recupero.tenancy import queries as tenancy
from recupero.tenancy.guard import public

blueprint = debtor.blueprint
_WHY = debtor.WHY


@blueprint.get("/p/<token>/plan")
@public(_WHY)
@debtor.proven
def plan(token: str, door: Door) -> ResponseReturnValue:
    """Plans to choose from, or one's own with its dates and totals before agreeing."""
    return _plan_page(token, door, Form(request.args.to_dict()))


@blueprint.post("/p/<token>/plan")
@public(_WHY)
@debtor.proven
def agree(token: str, door: Door) -> ResponseReturnValue:
    """Agree to the plan that was shown."""
    form = Form.sent()
    try:
        with debtor.transaction_of(door) as opened:
            debtor.wear_house(opened)
            can = charges.payable(opened, door.link_id)
            made = plans.agree_plan(
                opened, account_ids=[debt.account_id for debt in can.debts],
                choice=plan_forms.choice_of(form, can.currency, _today(opened)), offerer=PAGE,
            )  # fmt: skip
    except NotFound:
        raise
    except UserError as error:
        plan_forms.refuse(form, error)
        return _plan_page(token, door, form)
    return redirect(url_for("debtor.agreed_plan", token=token, plan_id=made.id))


def _plan_page(token: str, door: Door, form: Form) -> ResponseReturnValue:
    with debtor.transaction_of(door) as opened:
        _agency, creditor = debtor.wear_house(opened)
        can = charges.payable(opened, door.link_id)
        if not can.debts:
            return redirect(url_for("debtor.link", token=token))
        accounts, policy, today = [one.account_id for one in can.debts], policy_of(can.debts), _today(opened)
        shown = None
        if form.values.get("every") and not form.errors:
            try:
                choice = plan_forms.choice_of(form, can.currency, today)
                shown = plans.propose(opened, accounts, choice, PAGE).schedule
            except UserError as error:
                plan_forms.refuse(form, error)
        page = render_template(
            "debtor/plan.html", token=token, form=form, can=can, creditor=creditor, schedule=shown,
            limits=policy.of(PAGE).plan_limits, today=today,
            suggested=plan_forms.suggestions(opened, accounts, policy, PAGE, today),
            fields={name: form.optional(name) for name in plan_forms.FIELDS},
        )  # fmt: skip
    return page, form.status


@blueprint.get("/p/<token>/plans/<int:plan_id>")
@public(_WHY)
@debtor.proven
def agreed_plan(token: str, door: Door, plan_id: int) -> ResponseReturnValue:
    """An agreed plan and how it stands."""
    with debtor.transaction_of(door) as opened:
        _agency, creditor = debtor.wear_house(opened)
        found = own_plan(opened, door, plan_id)
        return render_template(
            "debtor/agreed.html", token=token, plan=found, creditor=creditor,
            instalments=plans.instalments_of(opened, [found.id])[found.id],
            pause=hardship.pause_of(opened, found), mandate=mandates.latest(opened, found.id),
            bounds=mandates.bounds(opened, found),
        )  # fmt: skip


@blueprint.get("/p/<token>/plans/<int:plan_id>.pdf")
@public(_WHY)
@debtor.proven
def plan_letter(token: str, door: Door, plan_id: int) -> ResponseReturnValue:
    """The plan's terms to keep."""
    with debtor.transaction_of(door) as opened:
        found = own_plan(opened, door, plan_id)
        return file_response(agreement_documents.plan_paper(opened, found, actor="debtor"))


@blueprint.post("/p/<token>/settlements/<int:settlement_id>")
@public(_WHY)
@debtor.proven
def accept_settlement(token: str, door: Door, settlement_id: int) -> ResponseReturnValue:
    """Take the offer to settle."""
    with debtor.transaction_of(door) as opened:
        found = _own_settlement(opened, door, settlement_id)
        settlements.accept(opened, found.id, accepted_with="page")
    return redirect(url_for("debtor.link", token=token, done="settlement"))


@blueprint.get("/p/<token>/settlements/<int:settlement_id>.pdf")
@public(_WHY)
@debtor.proven
def settlement_letter(token: str, door: Door, settlement_id: int) -> ResponseReturnValue:
    """The offer, or what came of it, to keep."""
    with debtor.transaction_of(door) as opened:
        found = _own_settlement(opened, door, settlement_id)
        return file_response(agreement_documents.settlement_paper(opened, found, actor="debtor"))


@blueprint.get("/p/<token>/help")
@public(_WHY)
@debtor.proven
def help_page(token: str, door: Door) -> ResponseReturnValue:
    """Say that times are hard, and if one likes, what a month looks like."""
    return _help_page(token, door, Form())


@blueprint.post("/p/<token>/means")
@public(_WHY)
@debtor.proven
def means(token: str, door: Door) -> ResponseReturnValue:
    """What a month looks like: on to a plan that leaves room."""
    form = Form.sent()
    try:
        with debtor.transaction_of(door) as opened:
            debtor.wear_house(opened)
            can = charges.payable(opened, door.link_id)
            answers = {
                question: form.money(question, can.currency)
                for question in affordability.QUESTIONS
                if form.optional(question)
            }
            found = affordability.keep(
                opened, debtor_id=_debtor(opened, door), currency=can.currency, answers=answers,
                told_with="page",
            )  # fmt: skip
            if found is None or not found.payable_minor:
                return redirect(url_for("debtor.help_page", token=token, done="means"))
            at_most = debtor.plain_money(found.payable_minor, can.currency)
    except NotFound:
        raise
    except UserError as error:
        form.refuse(error, *affordability.QUESTIONS)
        return _help_page(token, door, form)
    return redirect(url_for("debtor.plan", token=token, every="monthly", at_most=at_most))


@blueprint.post("/p/<token>/hardship")
@public(_WHY)
@debtor.proven
def tell_hardship(token: str, door: Door) -> ResponseReturnValue:
    """Times are hard: everything rests at once."""
    form = Form.sent()
    try:
        with debtor.transaction_of(door) as opened:
            hardship.open_case(
                opened, debtor_id=_debtor(opened, door), kind=form.text("kind"), severity="medium",
                opened_with="page", opened_by="debtor", note=form.optional("note")[:2000],
            )  # fmt: skip
    except NotFound:
        raise
    except UserError as error:
        if error.status == 409:
            return redirect(url_for("debtor.link", token=token, done="hardship"))
        form.refuse(error, "kind")
        return _help_page(token, door, form)
    return redirect(url_for("debtor.link", token=token, done="hardship"))


def _help_page(token: str, door: Door, form: Form) -> ResponseReturnValue:
    with debtor.transaction_of(door) as opened:
        agency, creditor = debtor.wear_house(opened)
        page = render_template(
            "debtor/help.html", token=token, form=form, agency=agency, creditor=creditor,
            can=charges.payable(opened, door.link_id), kinds=hardship.KINDS, income=affordability.INCOME,
            expenses=affordability.EXPENSES, done=request.args.get("done"),
        )  # fmt: skip
    return page, form.status


def own_plan(opened: Session, door: Door, plan_id: int) -> Plan:
    """The plan, where it is over accounts of this link. Raises NotFound."""
    found = plans.find(opened, plan_id)
    if not set(found.account_ids) <= set(charges.accounts_of(opened, door.link_id)):
        raise NotFound("no such plan")
    return found


def _own_settlement(opened: Session, door: Door, settlement_id: int) -> Settlement:
    found = settlements.find(opened, settlement_id)
    if not set(found.account_ids) <= set(charges.accounts_of(opened, door.link_id)):
        raise NotFound("no such settlement")
    return found


def _debtor(opened: Session, door: Door) -> int:
    return debtor_of(opened, door.link_id)


def _today(opened: Session) -> date:
    return clock.today(tenancy.tenant(opened).timezone)
