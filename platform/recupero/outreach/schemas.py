"""What the API says about actions."""

from marshmallow import Schema, fields


class ActionEventSchema(Schema):
    at = fields.DateTime(required=True)
    state = fields.String(required=True)
    reason = fields.String(required=True, allow_none=True)


class ActionSchema(Schema):
    """One thing done or to be done for an account, and how it came where it is."""

    id = fields.Integer(required=True)
    channel = fields.String(required=True)
    template = fields.String(required=True)
    tone = fields.String(required=True)
    purpose = fields.String(required=True)
    state = fields.String(required=True)
    reason = fields.String(required=True, allow_none=True)
    due_at = fields.DateTime(required=True)
    expires_at = fields.DateTime(required=True)
    attempts = fields.Integer(required=True)
    decision_id = fields.Integer(required=True, allow_none=True)
    events = fields.List(fields.Nested(ActionEventSchema), required=True)


class ActionsSchema(Schema):
    items = fields.List(fields.Nested(ActionSchema), required=True)


class NextStepSchema(Schema):
    """What stands against writing to the account now, and what comes next."""

    standing = fields.List(fields.String(), required=True)
    next_at = fields.DateTime(required=True, allow_none=True)
    next_channel = fields.String(required=True, allow_none=True)
    next_template = fields.String(required=True, allow_none=True)


class ActionCountsSchema(Schema):
    """How many actions are in each state."""

    counts = fields.Dict(keys=fields.String(), values=fields.Integer(), required=True)
