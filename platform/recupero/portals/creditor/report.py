"""The creditor's recovery report: as a page, and to download. Agency staff choose among their creditors."""

from flask import render_template, url_for
from flask.typing import ResponseReturnValue

from recupero.kernel import rest
from recupero.kernel.errors import NotFound, UserError
from recupero.portals.creditor import figures
from recupero.portals.frame.errors import said
from recupero.portals.frame.pages import blueprint
from recupero.reports import service
from recupero.reports.periods import Period
from recupero.reports.report import RecoveryReport
from recupero.tenancy import queries as tenancy
from recupero.tenancy.guard import requires, tenant_transaction, the_caller, transaction
from recupero.tenancy.permissions import Permission

#: Placement months and files that the page shows of a report, the newest: each month adds to either, and a
#: page of all of ten years would be too large. Files of a report hold all.
NEWEST = 18


@blueprint.get("/reports")
@requires(Permission.REPORTS_READ)
def reports() -> ResponseReturnValue:
    with transaction() as session:
        rows = tenancy.tenants(session)
    return render_template("reports/list.html", tenants=rows)


@blueprint.get("/report")
@requires(Permission.REPORTS_READ)
def creditor_report() -> ResponseReturnValue:
    """The report of the only creditor in the caller's scope."""
    tenants = the_caller().scope.tenant_ids
    if len(tenants) != 1:
        raise NotFound("choose a creditor first")
    return _page(tenants[0])


@blueprint.get("/reports/<int:tenant_id>")
@requires(Permission.REPORTS_READ)
def report(tenant_id: int) -> ResponseReturnValue:
    return _page(tenant_id)


@blueprint.get("/reports/<int:tenant_id>/file.<form>")
@requires(Permission.REPORTS_READ)
def report_file(tenant_id: int, form: str) -> ResponseReturnValue:
    """The same report to keep: html, pdf, xlsx, csv or json."""
    made = _report(tenant_id, figures.period_asked())
    content = service.render(made, form, figures.locale())
    return rest.file(content, service.MEDIA_TYPES[form], f"{made.file_name}.{form}")


def _page(tenant_id: int) -> ResponseReturnValue:
    """The page; a period that does not hold is said at its field, over the report of this month."""
    from recupero.reports import page

    error, status = None, 200
    try:
        made = _report(tenant_id, figures.period_asked())
    except NotFound:
        raise
    except UserError as refused:
        error, status = said(refused), refused.status
        made = _report(tenant_id, None)
    words, rows_of = service.words_for(made, figures.locale()), figures.RowsOf(tenant_id, made.period)
    shown = page.contents(made, words, rows_of, NEWEST)
    files = {
        form: url_for("portals.report_file", tenant_id=tenant_id, form=form, period=str(made.period))
        for form in service.MEDIA_TYPES
    }
    page_of = render_template("reports/recovery.html", **shown, files=files, error=error, tenant_id=tenant_id)
    return page_of, status


def _report(tenant_id: int, period: Period | None) -> RecoveryReport:
    with tenant_transaction(tenant_id) as session:
        return service.recovery_report(session, period)
