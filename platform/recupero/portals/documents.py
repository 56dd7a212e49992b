"""Papers of debtors for staff, and the invoices that debtors have asked their creditor for."""

from collections.abc import Mapping

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from recupero.kernel import runtime
from recupero.kernel.database import Scope
from recupero.kernel.errors import NotFound, UserError
from recupero.payments import accruing, documents, invoice_requests
from recupero.payments.document_tables import InvoiceRequest
from recupero.placements import browse
from recupero.portals.debtor.documents import file_response
from recupero.portals.errors import said
from recupero.portals.pages import blueprint
from recupero.portals.tables import Column, Table, answer, creditor_column, creditor_pick
from recupero.tenancy import queries as tenancy
from recupero.tenancy.guard import requires, tenant_transaction, the_caller, transaction
from recupero.tenancy.permissions import Permission


@blueprint.get("/documents/<int:document_id>")
@requires(Permission.ACCOUNTS_READ)
def document_file(document_id: int) -> ResponseReturnValue:
    with transaction() as session:
        return file_response(documents.document(session, document_id))


@blueprint.post("/accounts/<int:account_id>/documents")
@requires(Permission.ACCOUNTS_WORK)
def account_document(account_id: int) -> ResponseReturnValue:
    """Issue a letter, or ask the creditor for the invoice."""
    kind, actor = request.form.get("kind", ""), the_caller().actor
    with transaction() as session:
        account = browse.account(session, account_id).account
    try:
        with tenant_transaction(account.tenant_id) as session:
            if kind == "balance":
                accruing.accrue_debtor(session, account.debtor_id)
                documents.balance_letter(session, account.debtor_id, account.currency, actor=actor)
            elif kind == "paid_in_full":
                documents.paid_letter(session, account_id, actor=actor)
            elif kind == "invoice":
                invoice_requests.ask(session, account_id, asked_with=actor)
                flash(_("The creditor is asked for the invoice."))
            else:
                raise NotFound("no such document")
    except NotFound:
        raise
    except UserError as error:
        flash(said(error), "warn")
    return redirect(url_for("portals.account", account_id=account_id) + "#documents")


@blueprint.get("/invoices")
@requires(Permission.PLACEMENTS_READ)
def invoices() -> ResponseReturnValue:
    """What debtors wait for."""
    with transaction() as session:
        rows = invoice_requests.waiting(session)
        tenants = {tenant.id: tenant for tenant in tenancy.tenants(session)}
        lines = browse.lines(session, [row.account_id for row in rows])
    table = _invoices_table({id_: tenant.name for id_, tenant in tenants.items()}, lines)
    return answer("invoices/list.html", table.fill_whole(rows))


def _invoices_table(
    names: Mapping[int, str], lines: Mapping[int, browse.AccountLine]
) -> Table[InvoiceRequest]:
    caller = the_caller()
    page = "portals.creditor_account" if caller.is_creditor else "portals.account"
    columns: list[Column[InvoiceRequest]] = [
        Column("account", _("Account"),
               lambda row: lines[row.account_id].client_account if row.account_id in lines else None,
               link=lambda row: url_for(page, account_id=row.account_id)
               if caller.is_creditor or caller.may(Permission.ACCOUNTS_READ) else None),
        creditor_column(names),
        Column("asked", _("Asked"), lambda row: row.asked_at),
    ]  # fmt: skip
    if caller.may(Permission.PLACEMENTS_IMPORT):
        columns.append(Column("answer", _("Answer"), lambda _row: None, sorts=False))
    return Table("invoices", _("Invoices asked for"), columns, creditor_pick(names), sort="asked")


@blueprint.post("/invoices/<int:request_id>")
@requires(Permission.PLACEMENTS_IMPORT)
def invoice_answer(request_id: int) -> ResponseReturnValue:
    """The creditor's file, or why there is none."""
    with transaction() as session:
        asked = invoice_requests.request(session, request_id)
    sent, actor = request.files.get("file"), the_caller().actor
    # A creditor's own users answer into the agency's audit trail, too; of it they see nothing.
    scope = Scope(the_caller().agency_id, (asked.tenant_id,))
    try:
        with runtime.current().database.transaction(scope) as session:
            if sent is not None and sent.filename:
                content = sent.stream.read(invoice_requests.MOST_BYTES + 1)
                invoice_requests.answer(session, request_id, content, actor=actor)
                flash(_("The invoice stands on the debtor's page now."))
            else:
                invoice_requests.refuse(session, request_id, why=request.form.get("why", ""), actor=actor)
                flash(_("The request is closed."))
    except NotFound:
        raise
    except UserError as error:
        flash(said(error), "warn")
    return redirect(url_for("portals.invoices"))
