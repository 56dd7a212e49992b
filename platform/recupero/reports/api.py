"""Recovery reports, for machines."""

from typing import Any

from flask import Response

from recupero.kernel import rest
from recupero.kernel.errors import NotFound
from recupero.kernel.listing import Part
from recupero.reports import causes, depth, prepared, schemas, service, sheets, statement_files, statements
from recupero.reports.periods import begun
from recupero.reports.report import RecoveryReport
from recupero.tenancy import queries as tenancy
from recupero.tenancy.guard import requires, tenant_transaction
from recupero.tenancy.permissions import Permission

blueprint = rest.Endpoints("reports", "Recovery reports")


@blueprint.get("/tenants/<int:tenant_id>/report")
@requires(Permission.REPORTS_READ)
@blueprint.arguments(schemas.ReportQuerySchema, location="query")
@blueprint.response(200, schemas.ReportSchema)
def report(query: dict[str, Any], tenant_id: int) -> Response:
    """A creditor's recovery report"""
    return rest.answer(sheets.to_dict(_report(tenant_id, query)))


@blueprint.get("/tenants/<int:tenant_id>/report/depth")
@requires(Permission.REPORTS_READ)
@blueprint.arguments(schemas.ReportQuerySchema, location="query")
@blueprint.response(200, schemas.DepthSchema)
def report_depth(query: dict[str, Any], tenant_id: int) -> Response:
    """What the recovery report does not hold: coverage, plans, roll rates, speed and more"""
    with tenant_transaction(tenant_id) as session:
        zone = tenancy.tenant(session).timezone
        period = begun(service.period_of(query.get("period")), zone)
        sections = depth.depth(session, period)
    return rest.answer({"period": str(period), "currencies": [one.to_dict() for one in sections]})


@blueprint.get("/tenants/<int:tenant_id>/report/causes")
@requires(Permission.REPORTS_READ)
@blueprint.arguments(schemas.CausesQuerySchema, location="query")
@blueprint.response(200, schemas.CausesSchema)
def report_causes(query: dict[str, Any], tenant_id: int) -> dict[str, Any]:
    """Why accounts were not paid, by the last reason told of each, and the newest accounts behind it"""
    with tenant_transaction(tenant_id) as session:
        zone = tenancy.tenant(session).timezone
        period = begun(service.period_of(query.get("period")), zone)
        part, portfolio = Part(limit=query["limit"]), query.get("portfolio_id")
        found = causes.examples(session, period, part, reason=query.get("reason"), portfolio_id=portfolio)
        return {
            "period": str(period),
            "causes": [
                {"reason": one.reason, "acts": one.acts, "accounts": one.share.numerator,
                 "of_accounts": one.share.denominator}
                for one in causes.shares(session, period, portfolio)
            ],
            "examples": found,
        }  # fmt: skip


@blueprint.get("/tenants/<int:tenant_id>/report.<form>")
@requires(Permission.REPORTS_READ)
@blueprint.arguments(schemas.FileQuerySchema, location="query")
@blueprint.response(200, rest.BINARY, content_type="application/octet-stream")
def report_file(query: dict[str, Any], tenant_id: int, form: str) -> Response:
    """The same as a file: pdf, xlsx, csv, html or json"""
    if form not in schemas.FORMATS:
        raise NotFound(
            "unknown format '%(form)s': use %(known)s", form=form, known=", ".join(schemas.FORMATS)
        )
    made = _report(tenant_id, query)
    content = service.render(made, form, query.get("locale"))
    return rest.file(content, service.MEDIA_TYPES[form], f"{made.file_name}.{form}")


def _report(tenant_id: int, query: dict[str, Any]) -> RecoveryReport:
    with tenant_transaction(tenant_id) as session:
        return service.recovery_report(session, service.period_of(query.get("period")))


@blueprint.get("/tenants/<int:tenant_id>/remittances/<int:remittance_id>/statement.<form>")
@requires(Permission.REMITTANCES_READ)
@blueprint.arguments(schemas.LocaleQuerySchema, location="query")
@blueprint.response(200, rest.BINARY, content_type="application/octet-stream")
@blueprint.alt_response(202, description="a long statement: a worker makes the file, ask again")
def statement_file(query: dict[str, Any], tenant_id: int, remittance_id: int, form: str) -> Response:
    """A statement of remittance as a file: pdf, xlsx, csv or json, in the creditor's language

    The file of a statement of more than 5,000 lines (but for the pdf) is made by a worker: until it is ready
    the answer is 202 with `Retry-After` in seconds."""
    if form not in statement_files.MEDIA_TYPES:
        raise NotFound(
            "unknown format '%(form)s': use %(known)s",
            form=form,
            known=", ".join(statement_files.MEDIA_TYPES),
        )
    with tenant_transaction(tenant_id) as session:
        file = prepared.file_of(session, remittance_id, form, locale=query.get("locale"))
        prepared.ask(session, file)
    content = file.content()
    if content is None:
        return rest.answer({"message": "the file is being prepared"}, 202, {"Retry-After": "5"})
    return rest.file(content, statement_files.MEDIA_TYPES[form], file.name)


@blueprint.get("/tenants/<int:tenant_id>/remittances/<int:remittance_id>/invoice.pdf")
@requires(Permission.REMITTANCES_READ)
@blueprint.arguments(schemas.LocaleQuerySchema, location="query")
@blueprint.response(200, rest.BINARY, content_type="application/pdf")
def invoice_file(query: dict[str, Any], tenant_id: int, remittance_id: int) -> Response:
    """The invoice that goes with a statement"""
    with tenant_transaction(tenant_id) as session:
        made = statements.document(session, remittance_id, lines=False)
    return rest.file(
        statement_files.invoice(made, query.get("locale")), "application/pdf", f"{made.invoice_name}.pdf"
    )
