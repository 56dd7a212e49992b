"""What the API says and takes about plans and decisions."""

from marshmallow import Schema, fields

from recupero.kernel.rest import Page, asked_reference, reference


class NewPlanSchema(Schema):
    tenant_id = reference(required=True)


class AskedSchema(Schema):
    """Whether a plan was asked for, or one was under way already."""

    asked = fields.Boolean(required=True)


class PlanQuerySchema(Page):
    tenant_id = asked_reference()


class PlanSchema(Schema):
    """One planning of a creditor's accounts. `expected_value` in minor units by currency."""

    id = fields.Integer(required=True)
    tenant_id = fields.Integer(required=True)
    at = fields.DateTime(required=True)
    model = fields.String(required=True)
    model_version = fields.String(required=True)
    accounts = fields.Integer(required=True)
    candidates = fields.Integer(required=True)
    planned = fields.Integer(required=True)
    blocked = fields.Dict(keys=fields.String(), values=fields.Integer(), required=True)
    held = fields.Dict(keys=fields.String(), values=fields.Integer(), required=True)
    expected_value = fields.Dict(keys=fields.String(), values=fields.Integer(), required=True)
    bound_gap = fields.Float(required=True)
    part_of = fields.Integer(
        required=True,
        allow_none=True,
        metadata={"description": "the plan of all accounts after which these few were planned; else null"},
    )
    notes = fields.List(fields.String(), required=True)
    finished_at = fields.DateTime(required=True)


class DecisionSchema(Schema):
    """What was chosen for an account, why, by which model and under which law."""

    id = fields.Integer(required=True)
    run_id = fields.Integer(required=True)
    account_id = fields.Integer(required=True)
    strategy_version = fields.Integer(
        required=True,
        allow_none=True,
        metadata={"description": "of the account's portfolio; null before versions"},
    )
    at = fields.DateTime(required=True)
    choice = fields.String(required=True)
    channel = fields.String(required=True, allow_none=True)
    scheduled_at = fields.DateTime(required=True, allow_none=True)
    model = fields.String(required=True)
    model_version = fields.String(required=True)
    pack = fields.String(required=True, allow_none=True)
    pack_version = fields.String(required=True, allow_none=True)
    score = fields.Float(required=True)
    propensity = fields.Float(required=True)
    expected_value_minor = fields.Integer(required=True)
    cost_minor = fields.Integer(required=True)
    alternatives = fields.List(fields.Dict(), required=True)
    reasons = fields.List(fields.Dict(), required=True)
    blocked = fields.Dict(required=True)
