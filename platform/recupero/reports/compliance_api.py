"""Compliance reports, for machines."""

from typing import Any

from flask import Response
from marshmallow import INCLUDE, Schema, fields, validate

from recupero.kernel import rest
from recupero.kernel.errors import NotFound, UserError
from recupero.reports.compliance import layout, service
from recupero.reports.compliance.tables import ComplianceReport
from recupero.reports.periods import parse_period
from recupero.reports.schemas import LocaleQuerySchema
from recupero.tenancy.guard import page_of, recorded_transaction, requires, the_caller, transaction
from recupero.tenancy.permissions import Permission

blueprint = rest.Endpoints("compliance", "Reports of how people were treated, sealed with the audit trail")


class NewComplianceSchema(Schema):
    period = fields.String(
        required=True, validate=validate.Length(min=1, max=20),
        metadata={"description": "YYYY-MM or YYYY-MM..YYYY-MM in the creditor's time zone"},
    )  # fmt: skip
    seed = fields.String(
        load_default=None, allow_none=True, validate=validate.Length(min=1, max=100),
        metadata={"description": "decides which contacts are judged again; the period by default"},
    )  # fmt: skip
    sample = fields.Integer(load_default=service.SAMPLE, validate=validate.Range(1, service.MOST))


class ComplianceLineSchema(Schema):
    """A report that was made."""

    id = fields.Integer(required=True)
    tenant_id = fields.Integer(required=True)
    period = fields.String(required=True)
    made_at = fields.DateTime(required=True)
    made_by = fields.String(required=True)


class ComplianceSchema(ComplianceLineSchema):
    report = fields.Dict(required=True, metadata={"description": "sealed: what `verify` takes"})


class ComplianceQuerySchema(rest.Page):
    tenant_id = rest.asked_reference()


class SealedSchema(Schema):
    """A sealed report, just as it was made."""

    class Meta:
        unknown = INCLUDE

    agency_id = rest.reference(required=True)
    kind = fields.String(required=True)
    seal = fields.Dict(required=True)


class ProvenSchema(Schema):
    holds = fields.Boolean(required=True)
    problems = fields.List(fields.String(), required=True)


@blueprint.get("/compliance-reports")
@requires(Permission.REPORTS_READ)
@blueprint.arguments(ComplianceQuerySchema, location="query")
@blueprint.response(200, rest.paged(ComplianceLineSchema))
def reports(query: dict[str, Any]) -> Response:
    """Compliance reports that were made, oldest first"""
    return page_of(ComplianceReport, ComplianceLineSchema, query)


@blueprint.post("/tenants/<int:tenant_id>/compliance-reports")
@requires(Permission.REPORTS_READ)
@blueprint.arguments(NewComplianceSchema)
@blueprint.response(201, ComplianceSchema)
def make(data: dict[str, Any], tenant_id: int) -> ComplianceReport:
    """Make, seal and keep a creditor's compliance report"""
    period = parse_period(data.pop("period"))
    with recorded_transaction(tenant_id) as session:
        return service.make(session, period, actor=the_caller().actor, **data)


@blueprint.get("/compliance-reports/<int:report_id>/file.<form>")
@requires(Permission.REPORTS_READ)
@blueprint.arguments(LocaleQuerySchema, location="query")
@blueprint.response(200, rest.BINARY, content_type="application/octet-stream")
def file(query: dict[str, Any], report_id: int, form: str) -> Response:
    """A compliance report as a file: pdf, csv, or the sealed json"""
    if form not in layout.MEDIA_TYPES:
        known = ", ".join(layout.MEDIA_TYPES)
        raise NotFound("unknown format '%(form)s': use %(known)s", form=form, known=known)
    with transaction() as session:
        report = service.one(session, report_id).report
    content = layout.render(report, form, query.get("locale"))
    return rest.file(content, layout.MEDIA_TYPES[form], f"{file_name(report)}.{form}")


def file_name(report: dict[str, Any]) -> str:
    """A name for downloads, without extension."""
    return f"compliance-{report['tenant']}-{str(report['period']).replace('..', '_')}"


@blueprint.post("/compliance-reports/verify")
@requires(Permission.REPORTS_READ)
@blueprint.arguments(SealedSchema)
@blueprint.response(200, ProvenSchema)
def verify(report: dict[str, Any]) -> dict[str, Any]:
    """Prove a sealed report against the audit trail; `problems` says what does not hold"""
    if report["agency_id"] != the_caller().agency_id:
        raise UserError("this report was made by another agency: ask there", field="agency_id")
    with transaction() as session:
        problems = service.verify(session, report)
    return {"holds": not problems, "problems": problems}
