"""Roll rates as a heat table: from which bucket to which, by balance or by accounts."""

from flask import render_template, request
from flask.typing import ResponseReturnValue

from recupero.portals.creditor import figures
from recupero.portals.creditor.own import reading, tenant_id
from recupero.portals.frame.pages import blueprint
from recupero.reports import rolls
from recupero.reports.figures import Figure
from recupero.reports.metrics import ROLL_RATE
from recupero.tenancy.guard import requires
from recupero.tenancy.permissions import Permission

DARKEST = 9


@blueprint.get("/portal/rolls")
@requires(Permission.REPORTS_READ)
def creditor_rolls() -> ResponseReturnValue:
    with reading() as session:
        span = figures.span(session)
        found = rolls.roll_rates(session, span.period)
    by = "accounts" if request.args.get("by") == "accounts" else "balance"
    page = render_template(
        "creditor/rolls.html", **span.values, matrices=found, by=by, metric=ROLL_RATE, shade=_shade,
        rows_of=figures.RowsOf(tenant_id(), span.period), whole=_whole,
    )  # fmt: skip
    return page, span.status


def _whole(row: rolls.Row) -> Figure:
    """All that was in a bucket, as the figure that its rows make up."""
    return Figure(ROLL_RATE, row.accounts, row.accounts)


def _shade(figure: Figure) -> int:
    return round((figure.value or 0.0) * DARKEST)
