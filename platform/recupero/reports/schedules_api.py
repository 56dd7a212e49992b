"""Scheduled reports, for machines."""

from contextlib import AbstractContextManager
from typing import Any

from flask import Response
from marshmallow import Schema, fields, validate
from sqlalchemy.orm import Session

from recupero.kernel import rest
from recupero.reports.schedules import service
from recupero.reports.schedules.tables import ReportMail, ReportSchedule
from recupero.tenancy.guard import (
    page_of,
    recorded_of,
    recorded_transaction,
    requires,
    the_caller,
    transaction,
)
from recupero.tenancy.permissions import Permission

blueprint = rest.Endpoints("schedules", "Reports that go out by e-mail by themselves")


class ScheduleSettingsSchema(Schema):
    report = fields.String(required=True, validate=validate.OneOf(tuple(service.FORMS)))
    form = fields.String(required=True, validate=validate.OneOf(("pdf", "xlsx", "csv", "json")))
    every = fields.String(required=True, validate=validate.OneOf(service.EVERY))
    day = fields.Integer(required=True, validate=validate.Range(1, 28))
    recipients = fields.String(
        required=True, validate=validate.Length(min=3, max=4000),
        metadata={"description": "e-mail addresses, one a line"},
    )  # fmt: skip


class NewScheduleSchema(ScheduleSettingsSchema):
    tenant_id = rest.reference(required=True)


class ChangedScheduleSchema(ScheduleSettingsSchema):
    active = fields.Boolean(load_default=True)


class ScheduleSchema(ScheduleSettingsSchema):
    """A report that goes out on a day of the month over the month or quarter before."""

    id = fields.Integer(required=True)
    tenant_id = fields.Integer(required=True)
    active = fields.Boolean(required=True)
    created_at = fields.DateTime(required=True)


class SchedulesSchema(Schema):
    items = fields.List(fields.Nested(ScheduleSchema), required=True)


class ReportMailSchema(Schema):
    """One report over one period. `state`: waiting, sending, sent, failed, unknown (it may have gone)."""

    id = fields.Integer(required=True)
    schedule_id = fields.Integer(required=True)
    period = fields.String(required=True)
    state = fields.String(required=True)
    attempts = fields.Integer(required=True)
    next_at = fields.DateTime(required=True)
    sent_at = fields.DateTime(required=True, allow_none=True)
    problem = fields.String(required=True, allow_none=True)


def _of(schedule_id: int) -> AbstractContextManager[Session]:
    """A transaction of the creditor whose schedule it is. Raises NotFound."""
    return recorded_of(lambda session: service.one(session, schedule_id).tenant_id)


@blueprint.get("/report-schedules")
@requires(Permission.FEEDS_MANAGE)
@blueprint.response(200, SchedulesSchema)
def schedules() -> dict[str, Any]:
    """Reports that go out by themselves"""
    with transaction() as session:
        return {"items": service.schedules(session)}


@blueprint.post("/report-schedules")
@requires(Permission.FEEDS_MANAGE)
@blueprint.arguments(NewScheduleSchema)
@blueprint.response(201, ScheduleSchema)
def add(data: dict[str, Any]) -> ReportSchedule:
    """Have a report sent by itself; the first is that whose day comes next"""
    with recorded_transaction(data.pop("tenant_id")) as session:
        return service.add(session, **data, actor=the_caller().actor)


@blueprint.put("/report-schedules/<int:schedule_id>")
@requires(Permission.FEEDS_MANAGE)
@blueprint.arguments(ChangedScheduleSchema)
@blueprint.response(200, ScheduleSchema)
def change(data: dict[str, Any], schedule_id: int) -> ReportSchedule:
    """Change a schedule, or switch it on or off"""
    with _of(schedule_id) as session:
        return service.change(session, schedule_id, **data, actor=the_caller().actor)


@blueprint.delete("/report-schedules/<int:schedule_id>")
@requires(Permission.FEEDS_MANAGE)
@blueprint.response(204)
def remove(schedule_id: int) -> None:
    """Forget a schedule and what it sent"""
    with _of(schedule_id) as session:
        service.remove(session, schedule_id, actor=the_caller().actor)


@blueprint.get("/report-schedules/<int:schedule_id>/mails")
@requires(Permission.FEEDS_MANAGE)
@blueprint.arguments(rest.Page, location="query")
@blueprint.response(200, rest.paged(ReportMailSchema))
def mails(query: dict[str, Any], schedule_id: int) -> Response:
    """What a schedule sent, oldest first"""
    with transaction() as session:
        service.one(session, schedule_id)
    return page_of(ReportMail, ReportMailSchema, {**query, "schedule_id": schedule_id})


@blueprint.post("/report-schedules/<int:schedule_id>/mails/<int:mail_id>/again")
@requires(Permission.FEEDS_MANAGE)
@blueprint.response(204)
def again(schedule_id: int, mail_id: int) -> None:
    """Send a report once more that failed, or of which nobody knows whether it went"""
    with _of(schedule_id) as session:
        service.again(session, schedule_id, mail_id, actor=the_caller().actor)
