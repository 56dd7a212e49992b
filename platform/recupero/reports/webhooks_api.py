"""Webhooks of creditors, for machines: set up, tried, looked after."""

from contextlib import AbstractContextManager
from typing import Any

from marshmallow import Schema, fields, validate
from sqlalchemy.orm import Session

from recupero.kernel import rest
from recupero.reports.webhooks import service
from recupero.reports.webhooks.tables import Webhook, WebhookEvent
from recupero.reports.webhooks.telling import KINDS
from recupero.tenancy.guard import (
    page_of,
    recorded_of,
    recorded_transaction,
    requires,
    the_caller,
    transaction,
)
from recupero.tenancy.permissions import Permission

blueprint = rest.Endpoints("webhooks", "Events told to creditors' systems")


class WebhookSettingsSchema(Schema):
    name = fields.String(required=True, validate=validate.Length(min=1, max=100))
    url = fields.String(
        required=True, validate=validate.Length(min=1, max=1000),
        metadata={"description": "HTTPS; never an address of a private network"},
    )  # fmt: skip
    kinds = fields.List(
        fields.String(validate=validate.OneOf(KINDS)), required=True, validate=validate.Length(min=1)
    )


class NewWebhookSchema(WebhookSettingsSchema):
    tenant_id = rest.reference(required=True)


class ChangedWebhookSchema(WebhookSettingsSchema):
    active = fields.Boolean(load_default=True)


class WebhookSchema(Schema):
    """An address that is told of events. Its secret is told once, when it is made."""

    id = fields.Integer(required=True)
    tenant_id = fields.Integer(required=True)
    name = fields.String(required=True)
    url = fields.String(required=True)
    kinds = fields.List(fields.String(), required=True)
    active = fields.Boolean(required=True)
    old_until = fields.DateTime(
        required=True, allow_none=True, metadata={"description": "until then the secret before signs, too"}
    )
    created_at = fields.DateTime(required=True)


class MadeWebhookSchema(WebhookSchema):
    secret = fields.String(required=True, metadata={"description": "shown this once; it signs every event"})


class WebhooksSchema(Schema):
    items = fields.List(fields.Nested(WebhookSchema), required=True)


class SecretSchema(Schema):
    secret = fields.String(required=True)


class WebhookEventSchema(Schema):
    """What was told, or is to be. `state`: waiting, sending, delivered, dead (given up)."""

    id = fields.Integer(required=True)
    webhook_id = fields.Integer(required=True)
    kind = fields.String(required=True)
    data = fields.Dict(required=True)
    state = fields.String(required=True)
    attempts = fields.Integer(required=True)
    created_at = fields.DateTime(required=True)
    next_at = fields.DateTime(required=True)
    finished_at = fields.DateTime(required=True, allow_none=True)
    status = fields.Integer(required=True, allow_none=True)
    problem = fields.String(required=True, allow_none=True)


class WebhookEventQuerySchema(rest.Page):
    state = fields.String(validate=validate.OneOf(("waiting", "sending", "delivered", "dead")))


def _of(webhook_id: int) -> AbstractContextManager[Session]:
    """A transaction of the creditor whose webhook it is. Raises NotFound."""
    return recorded_of(lambda session: service.one(session, webhook_id).tenant_id)


@blueprint.get("/webhooks")
@requires(Permission.FEEDS_MANAGE)
@blueprint.response(200, WebhooksSchema)
def webhooks() -> dict[str, Any]:
    """Addresses that are told of events"""
    with transaction() as session:
        return {"items": service.webhooks(session)}


@blueprint.post("/webhooks")
@requires(Permission.FEEDS_MANAGE)
@blueprint.arguments(NewWebhookSchema)
@blueprint.response(201, MadeWebhookSchema)
def add(data: dict[str, Any]) -> Webhook:
    """Add an address; the answer holds the secret, this once"""
    with recorded_transaction(data.pop("tenant_id")) as session:
        return service.add(session, **data, actor=the_caller().actor)


@blueprint.put("/webhooks/<int:webhook_id>")
@requires(Permission.FEEDS_MANAGE)
@blueprint.arguments(ChangedWebhookSchema)
@blueprint.response(200, WebhookSchema)
def change(data: dict[str, Any], webhook_id: int) -> Webhook:
    """Change an address, or switch it on or off"""
    with _of(webhook_id) as session:
        return service.change(session, webhook_id, **data, actor=the_caller().actor)


@blueprint.delete("/webhooks/<int:webhook_id>")
@requires(Permission.FEEDS_MANAGE)
@blueprint.response(204)
def remove(webhook_id: int) -> None:
    """Forget an address and what was told to it"""
    with _of(webhook_id) as session:
        service.remove(session, webhook_id, actor=the_caller().actor)


@blueprint.post("/webhooks/<int:webhook_id>/secret")
@requires(Permission.FEEDS_MANAGE)
@blueprint.response(201, SecretSchema)
def rotate(webhook_id: int) -> dict[str, Any]:
    """A new secret; the one before signs too for 24 hours"""
    with _of(webhook_id) as session:
        return {"secret": service.rotate(session, webhook_id, actor=the_caller().actor)}


@blueprint.post("/webhooks/<int:webhook_id>/test")
@requires(Permission.FEEDS_MANAGE)
@blueprint.response(204)
def test(webhook_id: int) -> None:
    """Have an event of the type `test` sent"""
    with _of(webhook_id) as session:
        service.send_test(session, webhook_id, actor=the_caller().actor)


@blueprint.get("/webhooks/<int:webhook_id>/events")
@requires(Permission.FEEDS_MANAGE)
@blueprint.arguments(WebhookEventQuerySchema, location="query")
@blueprint.response(200, rest.paged(WebhookEventSchema))
def events(query: dict[str, Any], webhook_id: int) -> Any:
    """What an address was told, oldest first"""
    with transaction() as session:
        service.one(session, webhook_id)
    return page_of(WebhookEvent, WebhookEventSchema, {**query, "webhook_id": webhook_id})


@blueprint.post("/webhooks/<int:webhook_id>/events/<int:event_id>/again")
@requires(Permission.FEEDS_MANAGE)
@blueprint.response(204)
def again(webhook_id: int, event_id: int) -> None:
    """Send an event once more that was given up, or delivered"""
    with _of(webhook_id) as session:
        service.again(session, webhook_id, event_id, actor=the_caller().actor)
