"""Agreements with a debtor, by agents: plans, settlements, hardship; who allows what lies beyond limits."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from recupero.decisions.advice.negotiation import together
from recupero.kernel import clock, runtime
from recupero.kernel.database import Scope
from recupero.kernel.errors import NotFound, UserError
from recupero.payments.agreements import plans, settlement_queries, settlements
from recupero.payments.agreements.plan_suggestions import suggestions
from recupero.payments.charging import auto_charges, mandates
from recupero.payments.offers import affordability, hardship
from recupero.payments.offers.offer_tables import Plan, Settlement
from recupero.payments.offers.policy import offerer_of, policy_of
from recupero.payments.papers import agreement_documents
from recupero.placements import browse
from recupero.placements.debts import OpenDebt, debts_by_id
from recupero.placements.lifecycle import ENDED
from recupero.portals.accounts import advising
from recupero.portals.debtor.documents import file_response
from recupero.portals.frame import plan_forms
from recupero.portals.frame.errors import said
from recupero.portals.frame.forms import Form
from recupero.portals.frame.pages import blueprint
from recupero.tenancy import queries as tenancy
from recupero.tenancy.guard import requires, tenant_transaction, the_caller, transaction
from recupero.tenancy.permissions import Permission


@blueprint.get("/accounts/<int:account_id>/offers")
@requires(Permission.ACCOUNTS_WORK)
def account_offers(account_id: int) -> ResponseReturnValue:
    """Plans and settlements of an account; with a plan's fields in the address, that plan before agreeing."""
    return _page(account_id, Form(request.args.to_dict()))


@blueprint.post("/accounts/<int:account_id>/offers/plan")
@requires(Permission.ACCOUNTS_WORK)
def account_plan(account_id: int) -> ResponseReturnValue:
    form = Form.sent()
    try:
        with tenant_transaction(_tenant_of(account_id)) as session:
            ids = _accounts(session, account_id, form)
            currency, today = ids[0].currency, clock.today(tenancy.tenant(session).timezone)
            made = plans.agree_plan(
                session, account_ids=[one.account_id for one in ids],
                choice=plan_forms.choice_of(form, currency, today), offerer=offerer_of(the_caller()),
                why=form.optional("why"),
            )  # fmt: skip
    except NotFound:
        raise
    except UserError as error:
        plan_forms.refuse(form, error)
        return _page(account_id, form)
    flash(_("The plan runs.") if made.state == "running" else _("The plan waits for approval."))
    return redirect(url_for("portals.account_offers", account_id=account_id))


@blueprint.post("/accounts/<int:account_id>/offers/settlement")
@requires(Permission.ACCOUNTS_WORK)
def account_settlement(account_id: int) -> ResponseReturnValue:
    form = Form.sent()
    try:
        with tenant_transaction(_tenant_of(account_id)) as session:
            ids = _accounts(session, account_id, form)
            today = clock.today(tenancy.tenant(session).timezone)
            with form.together():
                count = form.whole("parts") if form.optional("parts") else 1
                amount, valid_until = form.money("amount", ids[0].currency), form.day("valid_until")
            made = settlements.offer_settlement(
                session, account_ids=[one.account_id for one in ids], amount_minor=amount,
                valid_until=valid_until,
                choice=plans.monthly(today, count) if count > 1 else None,
                offerer=offerer_of(the_caller()), why=form.optional("why"),
            )  # fmt: skip
    except NotFound:
        raise
    except UserError as error:
        form.refuse(error, "amount", "valid_until", "why", "parts")
        return _page(account_id, Form(), settle=form)
    flash(_("The offer stands.") if made.state == "offered" else _("The offer waits for approval."))
    return redirect(url_for("portals.account_offers", account_id=account_id))


@blueprint.post("/accounts/<int:account_id>/offers/hardship")
@requires(Permission.ACCOUNTS_WORK)
def account_hardship(account_id: int) -> ResponseReturnValue:
    form, actor = Form.sent(), the_caller().actor
    try:
        with tenant_transaction(_tenant_of(account_id)) as session:
            debtor_id = _debt(session, account_id).debtor_id
            if form.optional("close"):
                hardship.close_case(
                    session, form.whole("close"), actor=actor, outcome=form.optional("outcome")
                )
            else:
                with form.together():
                    kind = form.one_of("kind", hardship.KINDS)
                    severity = form.one_of("severity", hardship.SEVERITIES)
                    hold_days = form.whole("hold_days") if form.optional("hold_days") else None
                hardship.open_case(
                    session, debtor_id=debtor_id, kind=kind, severity=severity, hold_days=hold_days,
                    note=form.optional("note"), evidence=form.optional("evidence"), opened_with="agent",
                    opened_by=actor,
                )  # fmt: skip
    except NotFound:
        raise
    except UserError as error:
        form.refuse(error, "kind", "severity", "hold_days", "outcome")
        return _page(account_id, Form(), hard=form)
    flash(_("Work goes on.") if form.optional("close") else _("Everything of this debtor rests."))
    return redirect(url_for("portals.account_offers", account_id=account_id))


@blueprint.post("/accounts/<int:account_id>/offers/accept")
@requires(Permission.ACCOUNTS_WORK)
def account_offer_accept(account_id: int) -> ResponseReturnValue:
    """The debtor told the agent that they take an offer of this account."""
    form = Form.sent()
    with tenant_transaction(_tenant_of(account_id)) as session:
        found = settlement_queries.find(session, form.whole("settlement"))
        _check_of(account_id, found)
        settlements.accept(session, found.id, accepted_with="agent")
    flash(_("The offer is taken: its sum settles the debt."))
    return redirect(url_for("portals.account_offers", account_id=account_id))


@blueprint.post("/accounts/<int:account_id>/offers/end")
@requires(Permission.ACCOUNTS_WORK)
def account_offer_end(account_id: int) -> ResponseReturnValue:
    """Cancel a plan, end its automatic payments or withdraw an offer of this account."""
    form, actor = Form.sent(), the_caller().actor
    with tenant_transaction(_tenant_of(account_id)) as session:
        if form.optional("plan"):
            plan = plans.find(session, form.whole("plan"))
            _check_of(account_id, plan)
            plans.cancel_plan(session, plan.id, actor=actor, why=form.optional("why"))
        elif form.optional("mandate"):
            mandate = mandates.find(session, form.whole("mandate"))
            _check_of(account_id, plans.find(session, mandate.plan_id))
            mandates.revoke(session, mandate.id, actor=actor)
        else:
            found = settlement_queries.find(session, form.whole("settlement"))
            _check_of(account_id, found)
            settlements.withdraw(session, found.id, actor=actor)
    flash(_("It has ended."))
    return redirect(url_for("portals.account_offers", account_id=account_id))


@blueprint.get("/accounts/<int:account_id>/plans/<int:plan_id>.pdf")
@requires(Permission.ACCOUNTS_READ)
def account_plan_letter(account_id: int, plan_id: int) -> ResponseReturnValue:
    """The terms of a plan, in the debtor's language."""
    with tenant_transaction(_tenant_of(account_id)) as session:
        plan = plans.find(session, plan_id)
        _check_of(account_id, plan)
        return file_response(agreement_documents.plan_paper(session, plan, actor=the_caller().actor))


@blueprint.get("/accounts/<int:account_id>/settlements/<int:settlement_id>.pdf")
@requires(Permission.ACCOUNTS_READ)
def account_settlement_letter(account_id: int, settlement_id: int) -> ResponseReturnValue:
    """An offer to settle and what came of it, in the debtor's language."""
    with tenant_transaction(_tenant_of(account_id)) as session:
        found = settlement_queries.find(session, settlement_id)
        _check_of(account_id, found)
        return file_response(agreement_documents.settlement_paper(session, found, actor=the_caller().actor))


@blueprint.get("/approvals")
@requires(Permission.OFFERS_APPROVE)
def approvals() -> ResponseReturnValue:
    """Exceptions that wait for a supervisor or an administrator."""
    return _approvals(Form())


@blueprint.post("/approvals")
@requires(Permission.OFFERS_APPROVE)
def approvals_decide() -> ResponseReturnValue:
    return _decide("portals.approvals")


@blueprint.get("/exceptions")
@requires(Permission.OFFERS_GRANT)
def exceptions() -> ResponseReturnValue:
    """Exceptions to the creditor's terms, that wait for the creditor."""
    return _approvals(Form())


@blueprint.post("/exceptions")
@requires(Permission.OFFERS_GRANT)
def exceptions_decide() -> ResponseReturnValue:
    return _decide("portals.exceptions")


@dataclass(frozen=True, slots=True)
class Waiting:
    """An offer that lies beyond a limit, as its approver sees it."""

    kind: str
    offer: Plan | Settlement
    accounts: list[OpenDebt]
    instalments: int
    mine: bool

    @property
    def total_minor(self) -> int:
        return self.offer.total_minor if isinstance(self.offer, Plan) else self.offer.amount_minor


def _approvals(form: Form) -> ResponseReturnValue:
    me = offerer_of(the_caller())
    with transaction() as session:
        waiting: list[Plan | Settlement] = [*plans.asked(session), *settlement_queries.asked(session)]
        known = {
            one.account_id: one
            for one in debts_by_id(session, {account for offer in waiting for account in offer.account_ids})
        }
        rows = plans.instalments_of(session, [one.id for one in waiting if isinstance(one, Plan)])
        names = {tenant.id: tenant.name for tenant in tenancy.tenants(session)}
    shown = [
        Waiting(
            "plan" if isinstance(one, Plan) else "settlement", one,
            [known[account] for account in one.account_ids],
            len(rows[one.id]) if isinstance(one, Plan) else one.instalments, one.approver in me.approves,
        )
        for one in waiting
    ]  # fmt: skip
    if the_caller().is_creditor:
        shown = [one for one in shown if one.mine]
    return render_template("offers/approvals.html", waiting=shown, names=names, form=form), form.status


def _decide(back: str) -> ResponseReturnValue:
    form, me = Form.sent(), offerer_of(the_caller())
    number, allow, note = form.whole("number"), bool(form.optional("allow")), form.optional("note")
    service: Any = {"plan": plans, "settlement": settlements}.get(form.optional("kind"))
    if service is None:
        raise NotFound("There is no such offer.")
    with transaction() as session:
        tenant_id = service.find(session, number).tenant_id
    try:
        with _as_agency(tenant_id) as session:
            service.decide(session, number, me, allow=allow, note=note)
    except UserError as error:
        if error.status == 404:
            raise
        form.errors[""] = said(error)
        return _approvals(form)
    flash(_("Allowed.") if allow else _("Refused."))
    return redirect(url_for(back))


@contextmanager
def _as_agency(tenant_id: int) -> Iterator[Session]:
    """A creditor's own user decides in the agency's audit chain, although they see nothing of the agency."""
    scope = Scope(the_caller().agency_id, (tenant_id,))
    with runtime.current().database.transaction(scope) as session:
        yield session


def _page(
    account_id: int, form: Form, *, settle: Form | None = None, hard: Form | None = None
) -> ResponseReturnValue:
    me = offerer_of(the_caller())
    with tenant_transaction(_tenant_of(account_id)) as session:
        card, today = browse.account(session, account_id), clock.today(tenancy.tenant(session).timezone)
        owed = _accounts(session, account_id, form)
        is_open = all(one.balance_minor > 0 and one.status not in ENDED for one in owed)
        ids, policy, proposal = [one.account_id for one in owed], policy_of(owed), None
        if is_open and form.values.get("every") and not form.errors:
            try:
                choice = plan_forms.choice_of(form, card.account.currency, today)
                proposal = plans.propose(session, ids, choice, me)
            except UserError as error:
                plan_forms.refuse(form, error)
        made = plans.plans_of(session, [account_id])
        view = {
            "card": card, "tenant": tenancy.tenant(session), "today": today, "open": is_open,
            "policy": policy.of(me), "terms": policy, "proposal": proposal, "form": form,
            "settle": settle or Form({"valid_until": (today + timedelta(days=14)).isoformat()}),
            "hard": hard or Form({"severity": "medium"}), "plans": made,
            "instalments": plans.instalments_of(session, [one.id for one in made]),
            "pauses": {
                one.id: pause for one in made
                if one.state == "running" and (pause := hardship.pause_of(session, one))
            },
            "mandates": mandates.of_plans(session, [one.id for one in made]),
            "tries": {one.id: auto_charges.tries_of(session, one.id) for one in made[:1]},
            "settlements": settlement_queries.settlements_of(session, [account_id]),
            "hardship": hardship.open_of(session, card.debtor.id),
            "means": affordability.latest(session, card.debtor.id),
            "advised": advising.shown(session, ids, me) if is_open else None,
            "suggested": suggestions(session, ids, policy, me, today) if is_open else [],
            "fields": {name: form.optional(name) for name in (*plan_forms.FIELDS, "only")},
        }  # fmt: skip
    status = max(one.status for one in (form, settle or Form(), hard or Form()))
    return render_template("offers/account.html", **view), status


def _accounts(session: Session, account_id: int, form: Form) -> list[OpenDebt]:
    """Everything the debtor owes in the account's currency and that is worked; or this account only."""
    debt = _debt(session, account_id)
    if form.optional("only"):
        return [debt]
    return together(session, account_id)


def _debt(session: Session, account_id: int) -> OpenDebt:
    found = debts_by_id(session, [account_id])
    if not found:
        raise NotFound("no such account")
    return found[0]


def _check_of(account_id: int, found: Plan | Settlement) -> None:
    if account_id not in found.account_ids:
        raise NotFound("no such account")


def _tenant_of(account_id: int) -> int:
    with transaction() as session:
        return browse.account(session, account_id).account.tenant_id
