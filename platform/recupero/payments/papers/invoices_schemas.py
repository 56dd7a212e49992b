"""What the API says and takes about invoices that debtors ask for."""

from marshmallow import Schema, fields, validate

from recupero.kernel.rest import BINARY


class InvoiceRequestSchema(Schema):
    id = fields.Integer(required=True)
    tenant_id = fields.Integer(required=True)
    account_id = fields.Integer(required=True)
    asked_with = fields.String(required=True)
    asked_at = fields.AwareDateTime(required=True)


class InvoiceRequestsSchema(Schema):
    items = fields.List(fields.Nested(InvoiceRequestSchema), required=True)


class InvoiceFileSchema(Schema):
    file = fields.Raw(required=True, metadata=BINARY)


class RefusedSchema(Schema):
    why = fields.String(required=True, validate=validate.Length(min=1, max=2000))
