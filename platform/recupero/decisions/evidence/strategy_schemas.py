"""What the API says and takes about strategies that are tried, on the past and by arms."""

from marshmallow import Schema, fields

from recupero.decisions.schemas import DifferenceSchema, WinSchema


class TriedStrategySchema(Schema):
    strategy = fields.Dict(
        keys=fields.String(), load_default=None, allow_none=True,
        metadata={"description": "the whole strategy to ask about; by default the portfolio's draft"},
    )  # fmt: skip


class WhatIfQuerySchema(TriedStrategySchema):
    since = fields.AwareDateTime(load_default=None, allow_none=True, metadata={
        "description": "decisions after this moment; by default 90 days before `until`"})  # fmt: skip
    until = fields.AwareDateTime(
        load_default=None, allow_none=True, metadata={"description": "now by default"}
    )


class TrialSideSchema(Schema):
    """What a plan of this moment would do for a portfolio. Counts by channel, segment and arm ("" outside of
    any); sums in minor units of the portfolio's currency."""

    accounts = fields.Integer(required=True)
    workable = fields.Integer(required=True)
    planned = fields.Integer(required=True)
    value_minor = fields.Integer(required=True)
    cost_minor = fields.Integer(required=True)
    channels = fields.Dict(keys=fields.String(), values=fields.Integer(), required=True)
    segments = fields.Dict(keys=fields.String(), values=fields.Integer(), required=True)
    arms = fields.Dict(keys=fields.String(), values=fields.Integer(), required=True)
    people = fields.Dict(keys=fields.String(), values=fields.Integer(), required=True)


class FindingSchema(Schema):
    """Something amiss with a strategy; `grave` where it never does what it says."""

    code = fields.String(required=True)
    grave = fields.Boolean(required=True)
    what = fields.Dict(keys=fields.String(), required=True)


class TrialSchema(Schema):
    now = fields.Nested(TrialSideSchema, required=True)
    tried = fields.Nested(TrialSideSchema, required=True)
    findings = fields.List(fields.Nested(FindingSchema), required=True)


class WhatIfSideSchema(Schema):
    """Contacts that were, or would have been, chosen, with how many people, the most on one day, minutes on
    calls, and by local hour; how many would have waited for a yes; their cost, and what they add up to by the
    values of then, which proves nothing."""

    contacts = fields.Integer(required=True)
    people = fields.Integer(required=True)
    most_a_day = fields.Integer(required=True)
    call_minutes = fields.Integer(required=True)
    cost_minor = fields.Integer(required=True)
    expected_minor = fields.Integer(required=True)
    needs_yes = fields.Integer(required=True)
    channels = fields.Dict(keys=fields.String(), values=fields.Integer(), required=True)
    hours = fields.Dict(keys=fields.String(), values=fields.Integer(), required=True)
    segments = fields.Dict(keys=fields.String(), values=fields.Integer(), required=True)
    arms = fields.Dict(keys=fields.String(), values=fields.Integer(), required=True)


class BroughtSchema(Schema):
    """Per decision: money within 30 days (minor units) and the share followed by a complaint or an opt-out,
    with 95 % intervals. `difference` is null where the two part for too few people who paid."""

    n = fields.Integer(required=True)
    ess = fields.Float(required=True)
    made = fields.Nested(WinSchema, required=True)
    tried = fields.Nested(WinSchema, required=True)
    difference = fields.Nested(WinSchema, required=True, allow_none=True)
    harm_made = fields.Nested(WinSchema, required=True)
    harm_tried = fields.Nested(WinSchema, required=True)


class WhatIfSchema(Schema):
    """What a strategy would have chosen in a past window. `brought` is null where the log cannot say it, and
    `why_not` says why."""

    since = fields.DateTime(required=True)
    until = fields.DateTime(required=True)
    currency = fields.String(required=True)
    decisions = fields.Integer(required=True)
    same = fields.Integer(required=True)
    other = fields.Integer(required=True)
    instead_of_waiting = fields.Integer(required=True)
    waits_instead = fields.Integer(required=True)
    made = fields.Nested(WhatIfSideSchema, required=True)
    tried = fields.Nested(WhatIfSideSchema, required=True)
    alone = fields.Dict(keys=fields.String(), values=fields.Integer(), required=True)
    refused = fields.Dict(keys=fields.String(), values=fields.Dict(), required=True)
    not_known = fields.Dict(keys=fields.String(), values=fields.Integer(), required=True)
    quicker = fields.Boolean(required=True)
    brought = fields.Nested(BroughtSchema, required=True, allow_none=True)
    why_not = fields.String(required=True, allow_none=True)


class ArmsQuerySchema(Schema):
    days = fields.Integer(load_default=30, metadata={"description": "30, 60 or 90"})


class ArmSideSchema(Schema):
    """People of an arm, or those in none, whose days have passed; `waiting`: whose have not yet. Money in
    minor units, less what was taken back."""

    people = fields.Integer(required=True)
    waiting = fields.Integer(required=True)
    accounts = fields.Integer(required=True)
    placed_minor = fields.Integer(required=True)
    contacted = fields.Integer(required=True)
    contacts = fields.Integer(required=True)
    cost_minor = fields.Integer(required=True)
    payers = fields.Integer(required=True)
    recovered_minor = fields.Integer(required=True)
    complaints = fields.Integer(required=True)
    opt_outs = fields.Integer(required=True)
    harmed = fields.Integer(required=True)


class ArmSchema(Schema):
    """An arm beside the people in none. Differences are the arm's less theirs: sums per person, and shares of
    people who paid and who complained or opted out. `end`: null while it is in force."""

    name = fields.String(required=True)
    share = fields.Float(required=True)
    then = fields.Dict(keys=fields.String(), required=True)
    versions = fields.List(fields.Integer(), required=True)
    start = fields.DateTime(required=True)
    end = fields.DateTime(required=True, allow_none=True)
    arm = fields.Nested(ArmSideSchema, required=True)
    none = fields.Nested(ArmSideSchema, required=True)
    recovered_minor = fields.Nested(DifferenceSchema, required=True)
    share_paying = fields.Nested(DifferenceSchema, required=True)
    contacts = fields.Nested(DifferenceSchema, required=True)
    cost_minor = fields.Nested(DifferenceSchema, required=True)
    share_harmed = fields.Nested(DifferenceSchema, required=True)


class ArmsSchema(Schema):
    portfolio_id = fields.Integer(required=True)
    currency = fields.String(required=True)
    days = fields.Integer(required=True)
    arms = fields.List(fields.Nested(ArmSchema), required=True)
