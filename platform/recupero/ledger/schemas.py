"""What the API says and takes about statements of remittance and the trust account; money in minor units."""

from marshmallow import Schema, fields, validate

from recupero.kernel.rest import Page, asked_reference
from recupero.ledger.statement import Method
from recupero.ledger.statements import KINDS, STATES

CURRENCY = validate.Regexp(r"\A[A-Z]{3}\Z")
REFERENCE = validate.Length(min=1, max=200)


class RemittanceQuerySchema(Page):
    tenant_id = asked_reference()
    currency = fields.String(validate=CURRENCY)
    state = fields.String(validate=validate.OneOf(STATES))


class RemittanceSchema(Schema):
    """A statement. payable + closing = opening + collected - withheld; closing is carried to the next."""

    id = fields.Integer(required=True)
    tenant_id = fields.Integer(required=True)
    currency = fields.String(required=True)
    method = fields.String(required=True, validate=validate.OneOf([one.value for one in Method]))
    period_from = fields.Date(required=True)
    period_to = fields.Date(required=True)
    state = fields.String(required=True, validate=validate.OneOf(STATES))
    opening_minor = fields.Integer(required=True)
    collected_minor = fields.Integer(required=True)
    direct_minor = fields.Integer(required=True)
    fees_minor = fields.Integer(required=True)
    tax_minor = fields.Integer(required=True)
    withheld_minor = fields.Integer(required=True)
    invoiced_minor = fields.Integer(required=True)
    payable_minor = fields.Integer(required=True)
    closing_minor = fields.Integer(required=True)
    statement_number = fields.Integer(required=True, allow_none=True)
    invoice_number = fields.Integer(required=True, allow_none=True)
    drawn_by = fields.String(required=True)
    drawn_at = fields.DateTime(required=True)
    reviewed_by = fields.String(required=True, allow_none=True)
    reviewed_at = fields.DateTime(required=True, allow_none=True)
    issued_by = fields.String(required=True, allow_none=True)
    issued_at = fields.DateTime(required=True, allow_none=True)
    paid_by = fields.String(required=True, allow_none=True)
    paid_at = fields.DateTime(required=True, allow_none=True)
    payment_reference = fields.String(required=True, allow_none=True)


class CurrencyQuerySchema(Schema):
    currency = fields.String(required=True, validate=CURRENCY)


class DrawSchema(Schema):
    currency = fields.String(required=True, validate=CURRENCY)
    period_from = fields.Date(required=True)
    period_to = fields.Date(required=True)


class StatementLineSchema(Schema):
    """A line: what one transaction of the books did to one account. `fee_rate` in basis points."""

    id = fields.Integer(required=True)
    at = fields.DateTime(required=True)
    client_account = fields.String(required=True)
    debtor_reference = fields.String(required=True, allow_none=True)
    kind = fields.String(required=True, validate=validate.OneOf(KINDS))
    direct = fields.Boolean(required=True)
    amount_minor = fields.Integer(required=True)
    parts = fields.Dict(required=True)
    fee_rate = fields.Integer(required=True)
    fee_minor = fields.Integer(required=True)
    tax_minor = fields.Integer(required=True)
    costs_minor = fields.Integer(required=True)
    due_to_client_minor = fields.Integer(required=True)
    due_to_agency_minor = fields.Integer(required=True)
    balance_after_minor = fields.Integer(required=True)


class ReferenceSchema(Schema):
    reference = fields.String(required=True, validate=REFERENCE)


class FeesSchema(ReferenceSchema):
    currency = fields.String(required=True, validate=CURRENCY)


class InvoicePaidSchema(FeesSchema):
    amount_minor = fields.Integer(required=True, strict=True, validate=validate.Range(min=1, max=10**15))


class TakenSchema(Schema):
    amount_minor = fields.Integer(required=True)


class MethodSchema(Schema):
    method = fields.String(required=True, validate=validate.OneOf([one.value for one in Method]))


class PositionSchema(Schema):
    """A creditor's trust money in one currency. balance = received + advanced - remitted - fees taken -
    gateway fees - refunded - charged back = suspense + creditor + issued + agency + advances."""

    tenant_id = fields.Integer(required=True)
    currency = fields.String(required=True)
    received_minor = fields.Integer(required=True)
    advanced_minor = fields.Integer(required=True)
    remitted_minor = fields.Integer(required=True)
    fees_taken_minor = fields.Integer(required=True)
    gateway_fees_minor = fields.Integer(required=True)
    refunded_minor = fields.Integer(required=True)
    charged_back_minor = fields.Integer(required=True)
    balance_minor = fields.Integer(required=True)
    suspense_minor = fields.Integer(required=True)
    creditor_minor = fields.Integer(required=True)
    issued_minor = fields.Integer(required=True)
    agency_minor = fields.Integer(required=True)
    advances_minor = fields.Integer(required=True)
    invoiced_minor = fields.Integer(required=True)
    takeable_minor = fields.Integer(required=True)


class TrustSchema(Schema):
    items = fields.List(fields.Nested(PositionSchema), required=True)
    alarms = fields.List(fields.String(), required=True, metadata={"description": "what a check found wrong"})
