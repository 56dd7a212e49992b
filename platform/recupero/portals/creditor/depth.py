"""The figures in depth of a creditor, beside its recovery report."""

from flask import render_template
from flask.typing import ResponseReturnValue

from recupero.portals.creditor import figures
from recupero.portals.frame.pages import blueprint
from recupero.reports import depth, page
from recupero.reports.drill_statements import WITHOUT_ROWS
from recupero.tenancy import queries as tenancy
from recupero.tenancy.guard import requires, tenant_transaction
from recupero.tenancy.permissions import Permission


@blueprint.get("/reports/<int:tenant_id>/depth")
@requires(Permission.REPORTS_READ)
def report_depth(tenant_id: int) -> ResponseReturnValue:
    """Coverage, plans, roll rates and what else the recovery report does not hold."""
    with tenant_transaction(tenant_id) as session:
        tenant, span = tenancy.tenant(session), figures.span(session)
        sections = depth.depth(session, span.period)
    words = span.words
    shown = [metric for section in sections for metric in section.metrics()]
    return render_template(
        "reports/depth.html", tenant=tenant, sections=sections, period=span.period, words=words,
        error=span.error, tooltip=page.tooltip, rows_of=figures.RowsOf(tenant_id, span.period),
        keys=depth.ENDS, ends=[words.bucket(end) for end in depth.ENDS], why_none=WITHOUT_ROWS,
        definitions=list({metric.key: metric for metric in shown}.values()),
    ), span.status  # fmt: skip
