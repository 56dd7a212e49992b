"""What the API says and takes about what is agreed at the desk. Amounts in minor units."""

from marshmallow import Schema, fields, validate

from recupero.decisions.advice.negotiation import KINDS
from recupero.payments.offers_schemas import OfferPolicySchema, PlanTermsSchema
from recupero.payments.schemas import amount


class AskedOfferSchema(PlanTermsSchema):
    """What is asked for. full: `amount_minor` by `due`; settlement: `amount_minor` in monthly `parts`; plan:
    `instalments`, or what each may be `at_most_minor`."""

    kind = fields.String(required=True, validate=validate.OneOf(KINDS))
    amount_minor = amount(load_default=None, allow_none=True)
    due = fields.Date(load_default=None, allow_none=True)
    parts = fields.Integer(load_default=1, strict=True, validate=validate.Range(min=1, max=120))


class AgreeSchema(AskedOfferSchema):
    why = fields.String(load_default=None, allow_none=True, validate=validate.Length(max=2000))


class OfferRowSchema(Schema):
    due_date = fields.Date(required=True)
    amount_minor = fields.Integer(required=True)


class OfferSchema(Schema):
    """An agreement as it would be. `approver` has to allow it where it lies `beyond` a limit; `may_agree`:
    the agent may agree it as it is; `kept`: the chance that a promise like this is kept, null where no model
    says so."""

    kind = fields.String(required=True)
    currency = fields.String(required=True)
    total_minor = fields.Integer(required=True)
    saved_minor = fields.Integer(required=True)
    rows = fields.List(fields.Nested(OfferRowSchema), required=True)
    beyond = fields.List(fields.String(), required=True)
    approver = fields.String(required=True, allow_none=True)
    may_agree = fields.Boolean(required=True)
    kept = fields.Float(required=True, allow_none=True)


class OptionsSchema(Schema):
    """What may be offered, in the strategy's order; `limits` are the agent's own, within the creditor's."""

    kinds = fields.List(fields.String(), required=True)
    limits = fields.Nested(OfferPolicySchema, required=True)
    account_ids = fields.List(fields.Integer(), required=True)
    options = fields.List(fields.Nested(OfferSchema), required=True)


class AgreedSchema(Schema):
    """`id` among promises, plans or settlements. `state`: open (a promise), running, accepted, or asked where
    somebody has to allow it."""

    kind = fields.String(required=True)
    id = fields.Integer(required=True)
    state = fields.String(required=True)
