"""Money that came in by other ways than a link: receipts to approve, money that waits, money to pay back."""

from collections import Counter
from collections.abc import Mapping

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy.orm import Session

from recupero.kernel import clock
from recupero.kernel.errors import Conflict, NotFound, UserError
from recupero.kernel.money import Money
from recupero.payments import queries
from recupero.payments.incoming import paying_back, receipts, suspense
from recupero.payments.incoming_tables import Receipt, RefundTask
from recupero.payments.tables import ProviderEvent
from recupero.placements.debts import named_debts
from recupero.portals.frame.actors import who
from recupero.portals.frame.forms import Form, ids_of
from recupero.portals.frame.pages import blueprint
from recupero.portals.frame.tables import Column, Pick, Search, Table, answer, creditor_column, creditor_pick
from recupero.portals.words.words import options
from recupero.tenancy import queries as tenancy
from recupero.tenancy.guard import requires, tenant_transaction, the_caller, transaction
from recupero.tenancy.permissions import Permission


@blueprint.get("/suspense")
@requires(Permission.PAYMENTS_READ)
def suspense_list() -> ResponseReturnValue:
    """Money that waits, by age; money to pay back; events that could not be booked."""
    with transaction() as session:
        found, names = suspense.waiting(session), tenant_names(session)
        return answer(
            "incoming/suspense.html",
            _waiting_table(names).fill_whole(found),
            _refunds_table(names).fill_whole(paying_back.tasks(session)),
            _events_table(names).fill_whole(queries.refused_events(session)),
            ages=suspense.by_age(found), buckets=[name for _most, name in suspense.AGES],
            means=options("refund_means"),
        )  # fmt: skip


def _waiting_table(names: Mapping[int, str]) -> Table[suspense.Waiting]:
    columns: list[Column[suspense.Waiting]] = [
        Column("received", _("Received on"), lambda row: row.received_at,
               link=lambda row: url_for("portals.suspense_payment", tenant_id=row.tenant_id,
                                        payment_id=row.payment_id)),
        *creditor_column(names),
        Column("kind", _("Kind"), lambda row: row.kind, words="payment_kind"),
        Column("payer", _("Payer"), lambda row: row.payer or None),
        Column("note", _("Note"), lambda row: row.note or " · ".join(row.texts) or None),
        Column("amount", _("Amount"), lambda row: Money(row.amount_minor, row.currency)),
    ]  # fmt: skip
    search = Search[suspense.Waiting](_("Search"), _("Payer or note"), of=_said_with)
    return Table(
        "waiting", _("Payments"), columns, (search, *creditor_pick(names)), sort="received", key="waiting"
    )


def _said_with(row: suspense.Waiting) -> str:
    return " ".join((row.payer, row.note or "", *row.texts))


def _refunds_table(names: Mapping[int, str]) -> Table[RefundTask]:
    columns: list[Column[RefundTask]] = [
        Column("since", _("Since"), lambda row: row.opened_at),
        *creditor_column(names),
        Column("amount", _("Amount"), lambda row: Money(row.amount_minor, row.currency)),
    ]
    if the_caller().may(Permission.PAYMENTS_BOOK):
        columns.append(Column("paid_back", _("Paid back"), lambda _row: None, sorts=False))
    return Table("refunds", _("To pay back"), columns, sort="since", key="refunds")


def _events_table(names: Mapping[int, str]) -> Table[ProviderEvent]:
    columns: list[Column[ProviderEvent]] = [
        Column("at", _("When"), lambda row: row.received_at),
        *creditor_column(names),
        Column("gateway", _("Gateway"), lambda row: row.gateway),
        Column("why", _("Why"), lambda row: row.note, note=lambda row: row.event_id),
    ]
    return Table("events", _("Gateways' events that could not be booked"), columns, sort="-at", key="events")


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
                paying_back.ask_refund(session, payment_id, actor=actor)
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
    chosen = ids_of("account")
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
        paying_back.paid_back(
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
        paying_back.dismiss(session, task_id, reason=Form.sent().optional("reason"), actor=the_caller().actor)
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
        with tenant_transaction(form.id("tenant")) as session:
            currency = (form.optional("currency") or tenancy.tenant(session).currency).upper()
            account_ids: list[int] = []
            with form.together() as faults:
                means, day = form.text("means"), form.day("received_on")
                amount = form.money("amount", currency)
                with faults.caught():
                    account_ids = accounts_named(session, form, currency)
                receipts.check(session, means=means, amount_minor=amount, currency=currency, received_on=day)
            receipts.enter_receipt(
                session, means=means, amount_minor=amount, currency=currency, received_on=day,
                account_ids=account_ids, reference=form.optional("reference"), payer=form.optional("payer"),
                actor=the_caller().actor,
            )  # fmt: skip
    except UserError as error:
        form.refuse(error, "tenant", "means", "amount", "currency", "received_on", "accounts")
        return _receipts_page(form)
    flash(_("The receipt has been entered: somebody else approves it."))
    return redirect(url_for("portals.receipts_list"))


def _receipts_page(form: Form, at: int = 0, reason: Form | None = None) -> ResponseReturnValue:
    """The list beside the form of a new one; of the receipt `at` the `reason` was refused."""
    with transaction() as session:
        names = tenant_names(session)
        table = _receipts_table(names)
        tenant_id = int(table.chosen.get("tenant") or 0)
        table.fill(
            receipts.receipts(session, state=table.chosen["state"], tenant_id=tenant_id, part=table.part)
        )
    values = form.values or {"received_on": clock.now().date().isoformat(), "means": "transfer"}
    return answer(
        "incoming/receipts.html", table, tenants=names, me=the_caller().actor,
        form=Form(values, form.errors), means=options("means"), at=at, refused=reason or Form(),
        status=(reason or form).status,
    )  # fmt: skip


def _receipts_table(names: Mapping[int, str]) -> Table[Receipt]:
    columns: list[Column[Receipt]] = [
        Column("day", _("Day"), lambda row: row.received_on),
        *creditor_column(names, sorts=False),
        Column("means", _("How it came"), lambda row: row.means, words="means"),
        Column("amount", _("Amount"), lambda row: Money(row.amount_minor, row.currency)),
        Column("payer", _("Payer"), lambda row: row.payer or None, sorts=False,
               note=lambda row: row.reference),
        Column("entered_by", _("Entered by"), lambda row: who(row.entered_by), sorts=False),
        Column("state", _("State"), lambda row: row.state, words="receipt", badge=True),
    ]  # fmt: skip
    filters = (*creditor_pick(names), Pick("state", _("State"), options("receipt")))
    return Table("receipts", _("Receipts"), columns, filters, endpoint="portals.receipts_list")


@blueprint.post("/receipts/<int:tenant_id>/<int:receipt_id>")
@requires(Permission.PAYMENTS_BOOK)
def receipt_decided(tenant_id: int, receipt_id: int) -> ResponseReturnValue:
    """Approve or refuse what somebody else has entered."""
    form, actor = Form.sent(), the_caller().actor
    try:
        with tenant_transaction(tenant_id) as session:
            if form.optional("do") == "approve":
                receipts.approve_receipt(session, receipt_id, actor=actor)
                flash(_("The receipt has been booked."))
            else:
                receipts.reject_receipt(session, receipt_id, reason=form.optional("reason"), actor=actor)
                flash(_("The receipt has been refused."))
    except (Conflict, NotFound):
        raise
    except UserError as error:
        form.refuse(error, "reason")
        return _receipts_page(Form(), receipt_id, form)
    return redirect(url_for("portals.receipts_list"))


@blueprint.post("/receipts/many")
@requires(Permission.PAYMENTS_BOOK)
def receipts_many() -> ResponseReturnValue:
    """Approve those that were ticked: first what that comes to, then, confirmed, all that still wait."""
    with transaction() as session:
        names, chosen = tenant_names(session), receipts.of_ids(session, ids_of("receipt"))
    me = the_caller().actor
    ready = [one for one in chosen if one.state == "entered" and one.entered_by != me]
    if not request.form.get("confirmed"):
        totals: Counter[str] = Counter()
        for one in ready:
            totals[one.currency] += one.amount_minor
        return render_template(
            "incoming/receipts_many.html", ready=ready, left=len(chosen) - len(ready), totals=totals,
            tenants=names,
        )  # fmt: skip
    booked = sum(_booked(one, me) for one in ready)
    flash(ngettext("%(num)s receipt has been booked.", "%(num)s receipts have been booked.", booked))
    if booked < len(chosen):
        flash(_("%(number)s stay as they are: decided already, or entered by you.",
                number=len(chosen) - booked), "warn")  # fmt: skip
    return redirect(url_for("portals.receipts_list"))


def _booked(one: Receipt, actor: str) -> bool:
    """Whether it is booked now; not where somebody decided about it meanwhile."""
    try:
        with tenant_transaction(one.tenant_id) as session:
            receipts.approve_receipt(session, one.id, actor=actor)
    except Conflict:
        return False
    return True


def tenant_names(session: Session) -> dict[int, str]:
    return {tenant.id: tenant.name for tenant in tenancy.tenants(session)}
