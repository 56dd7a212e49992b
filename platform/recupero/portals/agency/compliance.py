"""Compliance reports: made for a regulator or a client, read, taken home, and proven."""

from flask import Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext

from recupero.kernel import rest, runtime
from recupero.kernel.database import Scope
from recupero.kernel.errors import NotFound, UserError
from recupero.portals.frame.forms import Form
from recupero.portals.frame.pages import blueprint
from recupero.portals.frame.tables import Column, Table, answer
from recupero.portals.words.language import locale
from recupero.portals.words.words import LABELS, label
from recupero.reports.compliance import cli, layout, rows, service
from recupero.reports.compliance_api import file_name
from recupero.reports.periods import Period, current_month, parse_period
from recupero.reports.words import Words
from recupero.tenancy import queries
from recupero.tenancy.guard import recorded_transaction, requires, tenant_transaction, the_caller, transaction
from recupero.tenancy.permissions import Permission

_SAID = {"consent": lazy_gettext("allowed"), "opt_out": lazy_gettext("forbidden")}


@blueprint.get("/compliance")
@requires(Permission.REPORTS_READ)
def compliance_list() -> ResponseReturnValue:
    month = str(current_month("UTC"))
    return _list_page(Form({"first": month, "last": month, "sample": service.SAMPLE}))


@blueprint.post("/compliance")
@requires(Permission.REPORTS_READ)
def compliance_make() -> ResponseReturnValue:
    form, mine = Form.sent(), the_caller().scope.tenant_ids
    try:
        with form.together(period="last"):
            tenant = form.id("tenant") if len(mine) > 1 else mine[0]
            sample = form.whole("sample")
            period = _months(form)
        with recorded_transaction(tenant) as session:
            made = service.make(
                session, period, actor=the_caller().actor, sample=sample, seed=form.optional("seed") or None
            )
    except UserError as error:
        error.field = "last" if error.field == "period" else error.field
        form.refuse(error)
        return _list_page(form)
    flash(_("The report is made and sealed."))
    return redirect(url_for("portals.compliance_report", report_id=made.id))


def _months(form: Form) -> Period:
    """The months from `first` to `last`. Raises UserError at the field that does not hold."""
    for name in ("first", "last"):
        try:
            parse_period(form.text(name))
        except UserError as error:
            error.field = name
            form.wrong(error)
    return parse_period(f"{form.text('first')}..{form.text('last')}")


def _list_page(form: Form, verdict: list[str] | None = None) -> ResponseReturnValue:
    with transaction() as session:
        rows = service.reports(session)
        names = {tenant.id: tenant.name for tenant in queries.tenants(session)}
    page = render_template("compliance/list.html", rows=rows, names=names, form=form, verdict=verdict)
    return page, form.status


@blueprint.get("/compliance/<int:report_id>")
@requires(Permission.REPORTS_READ)
def compliance_report(report_id: int) -> ResponseReturnValue:
    with transaction() as session:
        found = service.one(session, report_id)
    report = found.report
    words = Words.of(locale() or report["locale"], report["country"])
    return render_template(
        "compliance/one.html", title=layout.title(report, words), tables=layout.tables(report, words),
        seal=layout.seal_line(report, words), found=found, forms=layout.MEDIA_TYPES, leads=rows.COLUMNS,
        cases=[one["account_id"] for one in report["cases"]["cases"]],
    )  # fmt: skip


@blueprint.get("/compliance/<int:report_id>/rows/<table>/<int:line>/<int:column>")
@requires(Permission.REPORTS_READ)
def compliance_rows(report_id: int, table: str, line: int, column: int) -> ResponseReturnValue:
    """What a figure of a report counted, as it stands in the records now."""
    listed = _rows_table()
    with transaction() as session:
        found = service.one(session, report_id)
        report, tenant_id = found.report, found.tenant_id
    words = Words.of(locale() or report["locale"], report["country"])
    with tenant_transaction(tenant_id) as session:
        behind, count = rows.behind(session, report, table, line, column, listed.part)
    shown = next(one for one in layout.tables(report, words) if one.key == table)
    return answer(
        "compliance/rows.html", listed.fill(behind), title=layout.title(report, words), found=found,
        shown=shown, line=shown.rows[line], column=column, count=count,
    )  # fmt: skip


def _rows_table() -> Table[rows.Row]:
    caller = the_caller()
    account = "creditor_account" if caller.is_creditor else "account"

    def proof(row: rows.Row) -> str | None:
        if row.contact_id is None or not caller.may(Permission.LAW_READ):
            return None
        return url_for("portals.contact_proof", contact_id=row.contact_id)

    def number(row: rows.Row) -> str | None:
        return url_for(f"portals.{account}", account_id=row.account_id) if row.account_id else None

    columns: list[Column[rows.Row]] = [
        Column("at", _("Moment"), lambda row: row.at, link=proof),
        Column("number", _("Account"), lambda row: row.client_account, link=number),
        Column("channel", _("Channel"), lambda row: row.channel if row.channel != "all" else None,
               words="channel"),
        Column("what", _("Result"), _result, sorts=False),
    ]  # fmt: skip
    return Table("counted", _("What the figure counts"), columns, sort="-at")


def _result(row: rows.Row) -> str:
    if row.what in _SAID:
        return str(_SAID[row.what])
    kinds = ("disposition", "contact", "template")
    return next((label(kind, row.what) for kind in kinds if row.what in LABELS[kind]), row.what)


@blueprint.get("/compliance/<int:report_id>/file.<form>")
@requires(Permission.REPORTS_READ)
def compliance_file(report_id: int, form: str) -> Response:
    if form not in layout.MEDIA_TYPES:
        raise NotFound("There is no such file.")
    with transaction() as session:
        report = service.one(session, report_id).report
    content = layout.render(report, form, locale())
    return rest.file(content, layout.MEDIA_TYPES[form], f"{file_name(report)}.{form}")


@blueprint.post("/compliance/verify")
@requires(Permission.REPORTS_READ)
def compliance_verify() -> ResponseReturnValue:
    """A sealed report that somebody holds, proven against the audit trail."""
    month, caller = str(current_month("UTC")), the_caller()
    form = Form({"first": month, "last": month, "sample": service.SAMPLE, "file": ""})
    try:
        sent = request.files.get("file")
        report = cli.read(sent.read() if sent else b"")
        if report["agency_id"] != caller.agency_id:
            raise UserError("this report was made by another agency: ask there", field="file")
        scope = Scope(caller.agency_id, caller.scope.tenant_ids)
        with runtime.current().database.transaction(scope) as session:
            verdict = service.verify(session, report)
    except UserError as error:
        form.refuse(error, "file")
        return _list_page(form)
    return _list_page(form, verdict)
