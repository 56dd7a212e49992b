"""What the API says and takes about contacts, messages and the law."""

from marshmallow import Schema, fields, validate

from recupero.kernel.rest import MAX_PAGE, PAGE, asked_reference
from recupero_sdk.law import CHANNELS


class ContactSchema(Schema):
    """One contact with the verdict of the law under which it was made."""

    id = fields.Integer(required=True)
    at = fields.DateTime(required=True)
    direction = fields.String(required=True)
    channel = fields.String(required=True)
    connector = fields.String(required=True, allow_none=True)
    purpose = fields.String(required=True)
    state = fields.String(required=True)
    disposition = fields.String(required=True, allow_none=True)
    right_party = fields.Boolean(required=True)
    reference = fields.String(required=True, allow_none=True)
    reason = fields.String(required=True, allow_none=True)
    pack = fields.String(required=True, allow_none=True)
    pack_version = fields.String(required=True, allow_none=True)
    verdict = fields.Dict(required=True, allow_none=True)


class ContactsSchema(Schema):
    items = fields.List(fields.Nested(ContactSchema), required=True)


class MessageQuerySchema(Schema):
    account_id = asked_reference()
    offset = fields.Integer(load_default=0, validate=validate.Range(min=0, max=100_000))
    limit = fields.Integer(load_default=PAGE, validate=validate.Range(min=1, max=MAX_PAGE))


class MessageSchema(Schema):
    """One message word for word."""

    contact_id = fields.Integer(required=True)
    tenant_id = fields.Integer(required=True)
    account_id = fields.Integer(required=True, allow_none=True)
    debtor_id = fields.Integer(required=True)
    at = fields.DateTime(required=True)
    direction = fields.String(required=True)
    channel = fields.String(required=True)
    connector = fields.String(required=True, allow_none=True)
    state = fields.String(required=True)
    template = fields.String(required=True, allow_none=True)
    language = fields.String(required=True)
    address = fields.String(required=True)
    subject = fields.String(required=True)
    body = fields.String(required=True)


class MessagesSchema(Schema):
    items = fields.List(fields.Nested(MessageSchema), required=True)


class PacksSchema(Schema):
    """Regulation packs with version and verification date; countries that are closed, with the reason."""

    items = fields.List(fields.Dict(), required=True)


class RulesQuerySchema(Schema):
    on = fields.Date(metadata={"description": "only the rules in force on this local date"})


class JudgeQuerySchema(Schema):
    channel = fields.String(load_default="email", validate=validate.OneOf(CHANNELS))
    at = fields.AwareDateTime(metadata={"description": "now, unless given with its offset"})


class VerdictSchema(Schema):
    """What the law says of one contact: every rule consulted, and the next lawful moment."""

    allowed = fields.Boolean(required=True)
    pack = fields.String(required=True)
    version = fields.String(required=True)
    next_lawful_at = fields.String(required=True, allow_none=True)
    decided = fields.List(fields.Dict(), required=True)
    noted = fields.List(fields.List(fields.Raw()), required=True)
