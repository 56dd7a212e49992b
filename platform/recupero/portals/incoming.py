"""Money that came in by other ways than a link: receipts to approve, money that waits, money to pay back."""

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from recupero.kernel import clock
from recupero.kernel.errors import NotFound, UserError
from recupero.payments import queries, receipts, suspense
from recupero.placements.debts import named_debts
from recupero.portals.forms import Form
from recupero.portals.pages import blueprint
from recupero.portals.words import options
from recupero.tenancy import queries as tenancy
from recupero.tenancy.guard import requires, tenant_transaction, the_caller, transaction
from recupero.tenancy.permissions import Permission

PAGE = 50


@blueprint.get("/suspense")
@requires(Permission.PAYMENTS_READ)
def suspense_list() -> ResponseReturnValue:
    """Money that waits, by age; money to pay back; events that could not be booked."""
    with transaction() as session:
        found = suspense.waiting(session)
        return render_template(
            "incoming/suspense.html", waiting=found, ages=suspense.by_age(found),
            buckets=[name for _most, name in suspense.AGES], tasks=suspense.refund_tasks(session),
            events=queries.refused_events(session, 50), means=options("refund_means"),
            tenants=tenant_names(session),
        )  # fmt: skip


@blueprint.get("/suspense/<int:tenant_id>/<int:payment_id>")
@requires(Permission.PAYMENTS_READ)
def suspense_payment(tenant_id: int, payment_id: int) -> ResponseReturnValue:
    return _payment_page(tenant_id, payment_id, Form())


@blueprint.post("/suspense/<int:tenant_id>/<int:payment_id>")
@requires(Permission.PAYMENTS_BOOK)
def suspense_payment_sent(tenant_id: int, payment_id: int) -> ResponseReturnValue:
    """Give the money to accounts, or say that it goes back."""
    form, actor = Form.sent(), the_caller().actor
    try:
        with tenant_transaction(tenant_id) as session:
            if form.optional("do") == "refund":
                suspense.ask_refund(session, payment_id, actor=actor)
                flash(_("The money waits to be paid back."))
            else:
                accounts = accounts_named(session, form, _waiting(session, payment_id).currency)
                suspense.assign(session, payment_id, accounts, actor=actor)
                flash(_("The money has been booked on the account."))
    except UserError as error:
        form.refuse(error, "accounts")
        return _payment_page(tenant_id, payment_id, form)
    return redirect(url_for("portals.suspense_list"))


def _payment_page(tenant_id: int, payment_id: int, form: Form) -> ResponseReturnValue:
    with tenant_transaction(tenant_id) as session:
        found = _waiting(session, payment_id)
        proposed = suspense.suggestions(session, [found])[payment_id][:10]
        name = tenancy.tenant(session).name
    page = render_template(
        "incoming/payment.html", waiting=found, proposed=proposed, form=form, tenant_name=name
    )
    return page, form.status


def _waiting(session: Session, payment_id: int) -> suspense.Waiting:
    for one in suspense.waiting(session):
        if one.payment_id == payment_id:
            return one
    raise NotFound("nothing of this payment waits any more")


def accounts_named(session: Session, form: Form, currency: str) -> list[int]:
    """The accounts whose numbers at the creditor were typed, divided by blanks or commas; ids that were
    chosen from suggestions. Raises UserError where a number is unknown."""
    chosen = [int(one) for one in request.form.getlist("account") if one.isdecimal()]
    typed = form.optional("accounts").replace(",", " ").split()
    known = {
        debt.client_account.upper(): debt.account_id
        for debt in (named_debts(session, client_accounts=typed, currency=currency) if typed else ())
    }
    missing = [one for one in typed if one.upper() not in known]
    if missing:
        raise UserError(
            "there is no account %(number)s in %(currency)s with this creditor",
            field="accounts", number=missing[0], currency=currency,
        )  # fmt: skip
    return sorted({*chosen, *(known[one.upper()] for one in typed)})


@blueprint.post("/suspense/<int:tenant_id>/tasks/<int:task_id>")
@requires(Permission.PAYMENTS_BOOK)
def suspense_paid_back(tenant_id: int, task_id: int) -> ResponseReturnValue:
    """The money of a task has gone back."""
    form = Form.sent()
    with tenant_transaction(tenant_id) as session:
        suspense.paid_back(
            session, task_id, means=form.optional("means"), reference=form.optional("reference"),
            actor=the_caller().actor,
        )  # fmt: skip
    flash(_("The money paid back has been booked."))
    return redirect(url_for("portals.suspense_list"))


@blueprint.post("/suspense/<int:tenant_id>/tasks/<int:task_id>/dismiss")
@requires(Permission.PAYMENTS_BOOK)
def suspense_dismissed(tenant_id: int, task_id: int) -> ResponseReturnValue:
    """The money of a task is not paid back."""
    with tenant_transaction(tenant_id) as session:
        suspense.dismiss(session, task_id, reason=Form.sent().optional("reason"), actor=the_caller().actor)
    flash(_("Dismissed. The money stays where it is."))
    return redirect(url_for("portals.suspense_list"))


@blueprint.get("/receipts")
@requires(Permission.ACCOUNTS_WORK)
def receipts_list() -> ResponseReturnValue:
    return _receipts_page(Form())


@blueprint.post("/receipts")
@requires(Permission.ACCOUNTS_WORK)
def receipt_sent() -> ResponseReturnValue:
    """Enter a receipt for somebody else to approve."""
    form = Form.sent()
    try:
        tenant_id, day = form.whole("tenant"), form.day("received_on")
        with tenant_transaction(tenant_id) as session:
            currency = (form.optional("currency") or tenancy.tenant(session).currency).upper()
            receipts.enter_receipt(
                session, means=form.text("means"), amount_minor=form.money("amount", currency),
                currency=currency, received_on=day, account_ids=accounts_named(session, form, currency),
                reference=form.optional("reference"), payer=form.optional("payer"), actor=the_caller().actor,
            )  # fmt: skip
    except UserError as error:
        form.refuse(error, "tenant", "means", "amount", "currency", "received_on", "accounts")
        return _receipts_page(form)
    flash(_("The receipt has been entered: somebody else approves it."))
    return redirect(url_for("portals.receipts_list"))


def _receipts_page(form: Form) -> ResponseReturnValue:
    before = request.args.get("before", type=int)
    with transaction() as session:
        rows = receipts.receipts(session, before=before, limit=PAGE + 1)
        names = tenant_names(session)
        people = {f"user:{user.id}": user.name for user in tenancy.users(session)}
    values = form.values or {"received_on": clock.now().date().isoformat(), "means": "transfer"}
    page = render_template(
        "incoming/receipts.html", rows=rows[:PAGE], tenants=names, people=people, me=the_caller().actor,
        form=Form(values, form.errors), means=options("means"),
        first_url=url_for("portals.receipts_list") if before else None,
        next_url=url_for("portals.receipts_list", before=rows[PAGE - 1].id) if len(rows) > PAGE else None,
    )  # fmt: skip
    return page, form.status


@blueprint.post("/receipts/<int:tenant_id>/<int:receipt_id>")
@requires(Permission.PAYMENTS_BOOK)
def receipt_decided(tenant_id: int, receipt_id: int) -> ResponseReturnValue:
    """Approve or refuse what somebody else has entered."""
    form, actor = Form.sent(), the_caller().actor
    with tenant_transaction(tenant_id) as session:
        if form.optional("do") == "approve":
            receipts.approve_receipt(session, receipt_id, actor=actor)
            flash(_("The receipt has been booked."))
        else:
            receipts.reject_receipt(session, receipt_id, reason=form.optional("reason"), actor=actor)
            flash(_("The receipt has been refused."))
    return redirect(url_for("portals.receipts_list"))


def tenant_names(session: Session) -> dict[int, str]:
    return {tenant.id: tenant.name for tenant in tenancy.tenants(session)}
