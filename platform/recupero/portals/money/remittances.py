"""Statements of remittance: drawn, reviewed, issued and paid out by staff; read by the creditor itself."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from recupero.kernel import clock, rest, runtime
from recupero.kernel.database import Scope
from recupero.kernel.errors import NotFound, UserError
from recupero.kernel.money import Money
from recupero.ledger import paying, remittances, statements
from recupero.ledger.statements import ISSUED
from recupero.ledger.tables import Remittance
from recupero.portals.frame.actors import who
from recupero.portals.frame.forms import Form
from recupero.portals.frame.pages import blueprint
from recupero.portals.frame.tables import Column, Pick, Table, answer, creditor_column, creditor_pick
from recupero.portals.words.language import brand, locale
from recupero.portals.words.words import options
from recupero.reports import prepared, statement_files
from recupero.reports import statements as documents
from recupero.tenancy import queries as tenancy
from recupero.tenancy.guard import requires, tenant_transaction, the_caller, transaction
from recupero.tenancy.permissions import Permission

LINES = 100


@blueprint.get("/remittances")
@requires(Permission.REMITTANCES_READ)
def remittances_list() -> ResponseReturnValue:
    return _list(Form(_last_month()))


@blueprint.post("/remittances")
@requires(Permission.REMITTANCES_PREPARE)
def remittance_draw() -> ResponseReturnValue:
    """Draw a statement for a creditor and a period."""
    form = Form.sent()
    try:
        with form.together():
            tenant_id = form.id("tenant")
            period_from, period_to = form.day("period_from"), form.day("period_to")
        with tenant_transaction(tenant_id) as session:
            currency = (form.optional("currency") or tenancy.tenant(session).currency).upper()
            drawn = remittances.draw(
                session, currency=currency, period_from=period_from, period_to=period_to,
                actor=the_caller().actor,
            )  # fmt: skip
    except UserError as error:
        form.refuse(error, "tenant", "currency", "period_from", "period_to")
        return _list(form)
    flash(_("The statement has been drawn. Look it through, then have it reviewed and issued."))
    return redirect(url_for("portals.remittance", tenant_id=tenant_id, remittance_id=drawn.id))


def _list(form: Form) -> ResponseReturnValue:
    caller = the_caller()
    with transaction() as session:
        tenants = {tenant.id: tenant for tenant in tenancy.tenants(session)}
        currencies = statements.currencies(session, drafts=not caller.is_creditor)
        table = _table({tenant.id: tenant.name for tenant in tenants.values()}, currencies)
        chosen = table.chosen
        wanted = statements.Filter(
            tenant_id=int(chosen.get("tenant") or 0) or None,
            currency=chosen.get("currency") or None,
            state=chosen["state"] or None,
        )
        table.fill(statements.listed(session, wanted, drafts=not caller.is_creditor, part=table.part))
        waiting = [] if caller.is_creditor else paying.sums(session)
    return answer(
        "remittances/list.html",
        table,
        tenants=tenants,
        creditors=[(one.id, f"{one.name} ({one.currency})") for one in tenants.values()],
        form=form,
        waiting=waiting,
        status=form.status,
    )


def _table(names: Mapping[int, str], currencies: Sequence[str]) -> Table[Remittance]:
    creditor = the_caller().is_creditor
    states = [(code, word) for code, word in options("remittance") if not creditor or code in ISSUED]
    columns: list[Column[Remittance]] = [
        Column("number", _("Statement"), lambda row: row.statement_number),
        *creditor_column(names, sorts=False),
        Column("period", _("Period"), lambda row: row.period_to),
        Column("collected", _("Collected"), lambda row: Money(row.collected_minor, row.currency)),
        Column("direct", _("Direct"), lambda row: Money(row.direct_minor, row.currency)),
        Column("fees", _("Fees and tax"), lambda row: Money(row.fees_minor + row.tax_minor, row.currency)),
        Column("pays", _("Pays out"), lambda row: Money(row.payable_minor, row.currency)),
        Column("state", _("State"), lambda row: row.state, words="remittance", badge=True),
    ]
    currency = Pick[Remittance]("currency", _("Currency"), [(one, one) for one in currencies])
    return Table(
        "remittances", _("Statements"), columns,
        (*creditor_pick(names), *([currency] if len(currencies) > 1 else []),
         Pick("state", _("State"), states)),
    )  # fmt: skip


def _last_month() -> dict[str, object]:
    """The month before this one, which is what is mostly remitted."""
    last = clock.today(brand().timezone).replace(day=1) - timedelta(days=1)
    return {"period_from": date(last.year, last.month, 1).isoformat(), "period_to": last.isoformat()}


@blueprint.get("/remittances/<int:tenant_id>/<int:remittance_id>")
@requires(Permission.REMITTANCES_READ)
def remittance(tenant_id: int, remittance_id: int) -> ResponseReturnValue:
    return _page(tenant_id, remittance_id, Form())


def _page(tenant_id: int, remittance_id: int, form: Form) -> ResponseReturnValue:
    after, staff = request.args.get("after", 0, type=int), not the_caller().is_creditor
    with tenant_transaction(tenant_id) as session:
        one = statements.one(session, remittance_id, drafts=staff)
        sums = statements.sums(session, remittance_id)
        lines = list(statements.lines(session, one, after=after, limit=LINES + 1))
        tenant = tenancy.tenant(session)
        file = _asked_file(session, remittance_id, drafts=staff)
    address: dict[str, Any] = {"tenant_id": tenant_id, "remittance_id": remittance_id}
    page = render_template(
        "remittances/statement.html", remittance=one, sums=sums, lines=lines[:LINES], tenant=tenant,
        form=form, people=_people(one) if staff else [], why_not=_why_not(one),
        reversals=sum(each.amount_minor for each in sums if each.kind == "reversal"),
        file=file, printed=sum(each.lines for each in sums) <= documents.MOST_PRINTED,
        files={each: url_for("portals.remittance_file", **address, form=each)
               for each in statement_files.MEDIA_TYPES},
        first_url=url_for("portals.remittance", **address) if after else None,
        next_url=url_for("portals.remittance", **address, after=lines[LINES - 1].id)
        if len(lines) > LINES else None,
    )  # fmt: skip
    return page, form.status


def _asked_file(session: Session, remittance_id: int, *, drafts: bool) -> tuple[str, str | None] | None:
    """The form of the file that the address says was asked for, and how far it is."""
    form = request.args.get("file", "")
    if form not in statement_files.MEDIA_TYPES:
        return None
    return form, prepared.state_of(session, remittance_id, form, drafts=drafts)


def _people(one: Remittance) -> list[tuple[str, str, object]]:
    """Who took which step and when."""
    steps = (
        (_("Drawn"), one.drawn_by, one.drawn_at), (_("Reviewed"), one.reviewed_by, one.reviewed_at),
        (_("Issued"), one.issued_by, one.issued_at), (_("Paid out"), one.paid_by, one.paid_at),
    )  # fmt: skip
    return [(label, who(actor), at) for label, actor, at in steps if actor is not None]


def _why_not(one: Remittance) -> str | None:
    """Why the caller may not take the next step themselves: two people look at money that leaves."""
    me = the_caller().actor
    if one.state in ("draft", "reviewed") and me in (one.drawn_by, one.reviewed_by):
        return str(
            _("You drew or reviewed this statement. So that two people look at money that leaves, somebody "
              "else issues it.")
        )  # fmt: skip
    if one.state == "issued" and me == one.issued_by:
        return str(
            _("You issued this statement. So that two people look at money that leaves, somebody else pays "
              "it out.")
        )  # fmt: skip
    return None


@blueprint.post("/remittances/<int:tenant_id>/<int:remittance_id>/review")
@requires(Permission.REMITTANCES_PREPARE)
def remittance_review(tenant_id: int, remittance_id: int) -> ResponseReturnValue:
    return _step(tenant_id, remittance_id, _("The statement has been reviewed."), remittances.review)


@blueprint.post("/remittances/<int:tenant_id>/<int:remittance_id>/issue")
@requires(Permission.REMITTANCES_ISSUE)
def remittance_issue(tenant_id: int, remittance_id: int) -> ResponseReturnValue:
    return _step(
        tenant_id, remittance_id, _("The statement has been issued; its lines are locked."), remittances.issue
    )


@blueprint.post("/remittances/<int:tenant_id>/<int:remittance_id>/pay")
@requires(Permission.REMITTANCES_PAY)
def remittance_pay(tenant_id: int, remittance_id: int) -> ResponseReturnValue:
    reference = Form.sent().optional("reference")

    def pay_out(session: Session, remittance_id: int, *, actor: str) -> Remittance:
        return remittances.pay_out(session, remittance_id, reference=reference, actor=actor)

    return _step(tenant_id, remittance_id, _("The payment has been noted."), pay_out)


def _step(tenant_id: int, remittance_id: int, done: str, step: "remittances.Step") -> ResponseReturnValue:
    form = Form.sent()
    try:
        with tenant_transaction(tenant_id) as session:
            step(session, remittance_id, actor=the_caller().actor)
    except NotFound:
        raise
    except UserError as error:
        form.refuse(error, "reference")
        return _page(tenant_id, remittance_id, form)
    flash(done)
    return redirect(url_for("portals.remittance", tenant_id=tenant_id, remittance_id=remittance_id))


@blueprint.get("/remittances/<int:tenant_id>/<int:remittance_id>/statement.<form>")
@requires(Permission.REMITTANCES_READ)
def remittance_file(tenant_id: int, remittance_id: int, form: str) -> ResponseReturnValue:
    """The statement to keep: pdf in the reader's language; xlsx, csv and json in the creditor's, whose
    programs know them by it. A long one is prepared by a worker: its page says so and offers it then."""
    with _letterhead(tenant_id) as session:
        file = prepared.file_of(
            session, remittance_id, form, locale=locale() if form == "pdf" else None,
            drafts=not the_caller().is_creditor,
        )  # fmt: skip
        prepared.ask(session, file)
    content = file.content()
    if content is None:
        return redirect(
            url_for("portals.remittance", tenant_id=tenant_id, remittance_id=remittance_id, file=form)
        )
    return rest.file(content, statement_files.MEDIA_TYPES[form], file.name)


@blueprint.get("/remittances/<int:tenant_id>/<int:remittance_id>/invoice.pdf")
@requires(Permission.REMITTANCES_READ)
def remittance_invoice(tenant_id: int, remittance_id: int) -> ResponseReturnValue:
    """The invoice that goes with a statement, in the reader's language."""
    with _letterhead(tenant_id) as session:
        made = documents.document(session, remittance_id, drafts=not the_caller().is_creditor, lines=False)
    return rest.file(statement_files.invoice(made, locale()), "application/pdf", f"{made.invoice_name}.pdf")


@contextmanager
def _letterhead(tenant_id: int) -> Iterator[Session]:
    """A transaction for one of the caller's creditors with the agency in scope, whose name heads its papers;
    creditors' own users have none. Raises NotFound for any other creditor."""
    caller = the_caller()
    if tenant_id not in caller.scope.tenant_ids:
        raise NotFound("no such creditor")
    with runtime.current().database.transaction(Scope(caller.agency_id, (tenant_id,))) as session:
        yield session


@blueprint.get("/remittances/payments/<currency>.<form>")
@requires(Permission.REMITTANCES_PAY)
def remittance_payments(currency: str, form: str) -> ResponseReturnValue:
    """What waits to be paid out in a currency, as a file for the bank."""
    with transaction() as session:
        content = paying.payment_file(session, currency, form, actor=the_caller().actor)
    return rest.file(content, paying.FORMATS[form], f"payments-{currency}-{clock.now():%Y%m%d}.{form}")
