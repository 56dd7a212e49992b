"""Papers of debtors for staff, and the invoices that debtors have asked their creditor for."""

from collections.abc import Mapping

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from werkzeug.datastructures import FileStorage

from recupero.kernel import runtime
from recupero.kernel.database import Scope
from recupero.kernel.errors import NotFound, UserError
from recupero.payments.debts import accruing
from recupero.payments.papers import documents, invoice_requests
from recupero.payments.papers.document_tables import InvoiceRequest
from recupero.placements import browse
from recupero.placements.browse import AccountLine
from recupero.portals.debtor.documents import file_response
from recupero.portals.frame.errors import said
from recupero.portals.frame.forms import Form
from recupero.portals.frame.pages import blueprint
from recupero.portals.frame.tables import Column, Pick, Table, answer, creditor_column, creditor_pick
from recupero.portals.words.words import options
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
    """What debtors have asked for: what waits first, then what was answered."""
    lines: dict[int, AccountLine] = {}
    with transaction() as session:
        table = _invoices_table({one.id: one.name for one in tenancy.tenants(session)}, lines)
        of = int(table.chosen.get("tenant") or 0) or None
        rows = invoice_requests.requests(session, table.part, table.chosen["state"] or None, of)
        table.fill(rows)
        lines.update(browse.lines(session, sorted({row.account_id for row in table.rows})))
    return answer("invoices/list.html", table)


def _invoices_table(names: Mapping[int, str], lines: Mapping[int, AccountLine]) -> Table[InvoiceRequest]:
    def number(row: InvoiceRequest) -> str | None:
        return lines[row.account_id].client_account if row.account_id in lines else None

    return Table(
        "invoices", _("Invoices asked for"),
        [
            Column("account", _("Account"), number, sorts=False,
                   link=lambda row: url_for("portals.invoice", request_id=row.id)),
            *(creditor_column(names, sorts=False) if len(names) > 1 else []),
            Column("asked", _("Asked"), lambda row: row.asked_at),
            Column("state", _("State"), lambda row: row.state, words="invoice_request", badge=True,
                   sorts=False),
            Column("answered", _("Answered"), lambda row: row.answered_at),
            Column("note", _("Why there is none"), lambda row: row.note, sorts=False),
        ],
        filters=[*creditor_pick(names), Pick("state", _("State"), options("invoice_request"))],
    )  # fmt: skip


@blueprint.get("/invoices/<int:request_id>")
@requires(Permission.PLACEMENTS_READ)
def invoice(request_id: int) -> ResponseReturnValue:
    """One request: the form of its answer, or how it was answered."""
    return _invoice_page(request_id, Form())


@blueprint.get("/invoices/<int:request_id>/file")
@requires(Permission.PLACEMENTS_READ)
def invoice_file(request_id: int) -> ResponseReturnValue:
    """The invoice that was given, as the debtor has it."""
    with transaction() as session:
        asked = invoice_requests.request(session, request_id)
        if asked.document_id is None:
            raise NotFound("no such document")
        return file_response(documents.document(session, asked.document_id))


@blueprint.post("/invoices/<int:request_id>")
@requires(Permission.PLACEMENTS_IMPORT)
def invoice_answer(request_id: int) -> ResponseReturnValue:
    """The creditor's file, or why there is none."""
    form = Form.sent()
    with transaction() as session:
        asked = invoice_requests.request(session, request_id)
    try:
        _answer(asked, request.files.get("file"), form.optional("why"))
    except NotFound:
        raise
    except UserError as error:
        form.refuse(error, "file", "why")
        return _invoice_page(request_id, form)
    return redirect(url_for("portals.invoices"))


def _answer(asked: InvoiceRequest, sent: FileStorage | None, why: str) -> None:
    # A creditor's own users answer into the agency's audit trail, too; of it they see nothing.
    scope, actor = Scope(the_caller().agency_id, (asked.tenant_id,)), the_caller().actor
    given = sent is not None and bool(sent.filename)
    if given and why:
        raise UserError("send a file or say why there is none, not both", field="why")
    if not (given or why):
        raise UserError("send a file, or say why there is none", field="file")
    with runtime.current().database.transaction(scope) as session:
        if sent is not None and given:
            content = sent.stream.read(invoice_requests.MOST_BYTES + 1)
            invoice_requests.answer(session, asked.id, content, actor=actor)
        else:
            invoice_requests.refuse(session, asked.id, why=why, actor=actor)
    if given:
        flash(_("The invoice stands on the debtor's page now."))
    else:
        flash(_("The request is closed. Somebody at the agency tells the debtor."))


def _invoice_page(request_id: int, form: Form) -> ResponseReturnValue:
    caller = the_caller()
    with transaction() as session:
        asked = invoice_requests.request(session, request_id)
        account = browse.lines(session, [asked.account_id])[asked.account_id]
        page = "portals.creditor_account" if caller.is_creditor else "portals.account"
        seen = caller.is_creditor or caller.may(Permission.ACCOUNTS_READ)
        shown = render_template(
            "invoices/request.html", asked=asked, account=account, form=form,
            account_url=url_for(page, account_id=account.id) if seen else None,
            most=invoice_requests.MOST_BYTES // 2**20,
        )  # fmt: skip
    return shown, form.status
