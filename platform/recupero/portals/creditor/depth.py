"""The figures in depth of a creditor, beside its recovery report."""

from flask import render_template
from flask.typing import ResponseReturnValue

from recupero.kernel.errors import NotFound, UserError
from recupero.portals.creditor import figures
from recupero.portals.frame.errors import said
from recupero.portals.frame.pages import blueprint
from recupero.reports import depth, page
from recupero.reports.drill_statements import WITHOUT_ROWS
from recupero.reports.periods import Period, current_month
from recupero.reports.words import Words
from recupero.tenancy import queries as tenancy
from recupero.tenancy.guard import requires, tenant_transaction
from recupero.tenancy.permissions import Permission


@blueprint.get("/reports/<int:tenant_id>/depth")
@requires(Permission.REPORTS_READ)
def report_depth(tenant_id: int) -> ResponseReturnValue:
    """Coverage, plans, roll rates and what else the recovery report does not hold."""
    error, status = None, 200
    with tenant_transaction(tenant_id) as session:
        tenant = tenancy.tenant(session)
        period: Period = current_month(tenant.timezone)
        try:
            period = figures.period_asked() or period
        except NotFound:
            raise
        except UserError as refused:
            error, status = said(refused), refused.status
        sections = depth.depth(session, period)
    words = Words.of(figures.locale(), tenant.country)
    shown = [metric for section in sections for metric in section.metrics()]
    return render_template(
        "reports/depth.html", tenant=tenant, sections=sections, period=period, words=words, error=error,
        tooltip=page.tooltip, rows_of=figures.RowsOf(tenant_id, period), keys=depth.ENDS,
        ends=[words.bucket(end) for end in depth.ENDS], why_none=WITHOUT_ROWS,
        definitions=list({metric.key: metric for metric in shown}.values()),
    ), status  # fmt: skip
