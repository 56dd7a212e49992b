"""Bank statements against the books, line by line; and our payments against the gateways' own records."""

from collections.abc import Mapping

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from recupero.kernel import jobs
from recupero.kernel.errors import NotFound, UserError
from recupero.kernel.money import Money
from recupero.payments.charging import reconcile
from recupero.payments.incoming import bank_control, bank_items, statements
from recupero.payments.incoming_tables import BankLine, BankStatement
from recupero.portals.frame.forms import Form
from recupero.portals.frame.pages import blueprint
from recupero.portals.frame.tables import Column, Pick, Search, Table, answer, creditor_column, creditor_pick
from recupero.portals.money.incoming import accounts_named, tenant_names
from recupero.portals.words.words import options
from recupero.tenancy import queries as tenancy
from recupero.tenancy.guard import requires, tenant_transaction, the_caller, transaction
from recupero.tenancy.permissions import Permission


@blueprint.get("/bank")
@requires(Permission.PAYMENTS_READ)
def bank() -> ResponseReturnValue:
    return _page(Form())


@blueprint.post("/bank")
@requires(Permission.PAYMENTS_BOOK)
def bank_sent() -> ResponseReturnValue:
    """Take a statement file in."""
    form, sent = Form.sent(), request.files.get("file")
    try:
        if sent is None or not sent.filename:
            raise UserError("Choose a file.", field="file")
        with tenant_transaction(form.id("tenant")) as session:
            currency = (form.optional("currency") or tenancy.tenant(session).currency).upper()
            closing = form.money("closing", currency) if form.optional("closing") else None
            taken = statements.take_file(
                session, sent.read(), file_name=sent.filename, account=form.optional("account"),
                currency=currency, closing_minor=closing, actor=the_caller().actor,
            )  # fmt: skip
    except UserError as error:
        form.refuse(error, "file", "tenant", "currency", "closing")
        return _page(form)
    said = {"lines": taken.lines, "added": taken.added, "matched": taken.matched}
    flash(_("%(lines)s lines read, %(added)s new, %(matched)s matched at once.", **said))
    return redirect(url_for("portals.bank"))


def _page(form: Form) -> ResponseReturnValue:
    with transaction() as session:
        names, items = tenant_names(session), bank_items.uncleared(session)
        positions = bank_control.bank_positions(session, items)
        return answer(
            "incoming/bank.html",
            _open_table(names).fill_whole(statements.open_lines(session)),
            _uncleared_table(names).fill_whole(items),
            _statements_table(names).fill_whole(statements.statements(session)),
            form=form, tenants=names, positions=positions, status=form.status,
        )  # fmt: skip


def _open_table(names: Mapping[int, str]) -> Table[BankLine]:
    columns: list[Column[BankLine]] = [
        Column("day", _("Day"), lambda row: row.booked_on,
               link=lambda row: url_for("portals.bank_line", tenant_id=row.tenant_id, line_id=row.id)),
        *creditor_column(names),
        Column("name", _("Name"), lambda row: row.name),
        Column("text", _("Text"), lambda row: row.reference),
        Column("amount", _("Amount"), lambda row: Money(row.amount_minor, row.currency)),
    ]  # fmt: skip
    search = Search[BankLine](_("Search"), _("Name or text"), of=lambda row: f"{row.name} {row.reference}")
    return Table(
        "open_lines", _("Lines that nothing explains yet"), columns, (search, *creditor_pick(names)),
        sort="day", key="open",
    )  # fmt: skip


def _uncleared_table(names: Mapping[int, str]) -> Table[bank_items.Item]:
    columns: list[Column[bank_items.Item]] = [
        Column("day", _("Day"), lambda row: row.on),
        *creditor_column(names),
        Column("what", _("What"), lambda row: row.subject, words="bank_item", note=lambda row: row.words),
        Column("amount", _("Amount"), lambda row: Money(row.amount_minor, row.currency)),
    ]
    return Table("uncleared", _("In the books, not yet at the bank"), columns, sort="day", key="books")


def _closing(row: BankStatement) -> Money | None:
    return None if row.closing_minor is None else Money(row.closing_minor, row.currency)


def _statements_table(names: Mapping[int, str]) -> Table[BankStatement]:
    columns: list[Column[BankStatement]] = [
        Column("closing_on", _("Up to"), lambda row: row.closing_on,
               link=lambda row: url_for("portals.bank_statement", statement_id=row.id)),
        *creditor_column(names),
        Column("file", _("File"), lambda row: row.file_name, note=lambda row: row.format),
        Column("lines", _("Lines"), lambda row: row.lines),
        Column("new", _("New"), lambda row: row.added),
        Column("closing", _("Closing balance"), numeric=True,
               value=_closing),
    ]  # fmt: skip
    return Table("statements", _("Bank statements"), columns, sort="-closing_on", key="statements")


@blueprint.get("/bank/statements/<int:statement_id>")
@requires(Permission.PAYMENTS_READ)
def bank_statement(statement_id: int) -> ResponseReturnValue:
    """The lines of a statement, and what each clears."""
    with transaction() as session:
        table = _lines_table().fill_whole(statements.lines_of(session, statement_id))
        return answer("incoming/statement.html", table)


def _lines_table() -> Table[BankLine]:
    columns: list[Column[BankLine]] = [
        Column("day", _("Day"), lambda row: row.booked_on),
        Column("name", _("Name"), lambda row: row.name),
        Column("text", _("Text"), lambda row: row.reference),
        Column("amount", _("Amount"), lambda row: Money(row.amount_minor, row.currency)),
        Column("state", _("State"), lambda row: row.state, words="bank_line", badge=True),
        Column("what", _("What"), lambda row: row.subject, words="bank_item",
               note=lambda row: f"{row.subject_id} {row.matched_by}" if row.subject else row.note),
    ]  # fmt: skip
    states = Pick[BankLine]("state", _("State"), options("bank_line"), of=lambda row: row.state)
    return Table("lines", _("Bank statement"), columns, (states,), sort="day", per_page=100)


@blueprint.get("/bank/lines/<int:tenant_id>/<int:line_id>")
@requires(Permission.PAYMENTS_READ)
def bank_line(tenant_id: int, line_id: int) -> ResponseReturnValue:
    return _line_page(tenant_id, line_id, Form())


@blueprint.post("/bank/lines/<int:tenant_id>/<int:line_id>")
@requires(Permission.PAYMENTS_BOOK)
def bank_line_sent(tenant_id: int, line_id: int) -> ResponseReturnValue:
    """Match a line with what is in the books, book it, or set it aside."""
    form, actor = Form.sent(), the_caller().actor
    try:
        with tenant_transaction(tenant_id) as session:
            do = form.optional("do")
            if do == "match":
                subject, _colon, number = form.text("subject").partition(":")
                statements.match_line(
                    session, line_id, subject=subject, subject_id=int(number or 0), actor=actor
                )
            elif do == "aside":
                statements.set_aside(session, line_id, reason=form.optional("reason"), actor=actor)
            else:
                found = _line(session, line_id)
                named = [] if do == "suspense" else accounts_named(session, form, found.currency)
                if do != "suspense" and not named:
                    raise UserError("choose an account", field="accounts")
                statements.book_line(session, line_id, named, actor=actor)
    except UserError as error:
        form.refuse(error, "accounts", "reason")
        return _line_page(tenant_id, line_id, form)
    flash(_("The line has been dealt with."))
    return redirect(url_for("portals.bank"))


def _line_page(tenant_id: int, line_id: int, form: Form) -> ResponseReturnValue:
    with tenant_transaction(tenant_id) as session:
        found = _line(session, line_id)
        items = bank_items.fitting(found, bank_items.uncleared(session))
        proposed = statements.suggestions_for(session, [found])[line_id] if found.amount_minor > 0 else []
        name = tenancy.tenant(session).name
    page = render_template(
        "incoming/line.html",
        line=found,
        items=items[:20],
        proposed=proposed[:10],
        form=form,
        tenant_name=name,
    )
    return page, form.status


def _line(session: Session, line_id: int) -> BankLine:
    for one in statements.open_lines(session):
        if one.id == line_id:
            return one
    raise NotFound("somebody has dealt with this line already")


@blueprint.get("/reconciliation")
@requires(Permission.PAYMENTS_READ)
def reconciliation() -> ResponseReturnValue:
    """The newest comparisons with the gateways' records, and what they found."""
    return _reconciliation(Form())


def _reconciliation(form: Form) -> ResponseReturnValue:
    with transaction() as session:
        page = render_template(
            "incoming/reconciliation.html", runs=reconcile.latest(session), tenants=tenant_names(session),
            form=form,
        )  # fmt: skip
    return page, form.status


@blueprint.post("/reconciliation")
@requires(Permission.PAYMENTS_BOOK)
def reconciliation_asked() -> ResponseReturnValue:
    """Ask a worker to compare one creditor now."""
    form = Form.sent()
    try:
        tenant_id = form.id("tenant")
    except UserError as error:
        form.refuse(error)
        return _reconciliation(form)
    with tenant_transaction(tenant_id) as session:
        jobs.enqueue(session, "payments.reconcile_tenant", unique_key=f"reconcile:{tenant_id}")
    flash(_("A worker compares the payments now; what it finds is shown here."))
    return redirect(url_for("portals.reconciliation"))
