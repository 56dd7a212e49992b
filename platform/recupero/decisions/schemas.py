"""What the API says and takes about plans and decisions."""

from marshmallow import Schema, fields, validate

from recupero.decisions.learning.promotion import WHY_NOT
from recupero.kernel.rest import Page, asked_reference, reference
from recupero.outreach.schemas import NextStepSchema


class NewPlanSchema(Schema):
    tenant_id = reference(required=True)


class AskedSchema(Schema):
    """Whether a plan was asked for, or one was under way already."""

    asked = fields.Boolean(required=True)


class LeftSchema(Schema):
    """A reason for which plans leave an account alone, until when (null: nothing tells), and of a declined
    proposal who said no and why."""

    code = fields.String(required=True)
    until = fields.DateTime(required=True, allow_none=True)
    by = fields.String(required=True, allow_none=True)
    why = fields.String(required=True, allow_none=True)


class OutlookSchema(NextStepSchema):
    """What stands against writing to the account now, and what comes next. `lawful_at`: the first moment at
    which something could go out by any channel; `next_state` proposed: the next action waits for a yes.
    `last_state` and `last_reason`: nothing waits, and the last action did not go out. `left_alone`: why plans
    choose nothing for it; `strategy_channels`: by which they would (none: its strategy cannot be read);
    `looked_at`: from when on a plan can choose something, null: not before somebody changes something."""

    left_alone = fields.List(fields.Nested(LeftSchema), required=True)
    strategy_channels = fields.List(fields.String(), required=True)
    looked_at = fields.DateTime(required=True, allow_none=True)


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


class OtherSchema(Schema):
    """What was second best; no channel: to wait. `behind_minor`: by how much the choice was worth more."""

    channel = fields.String(required=True, allow_none=True)
    at = fields.DateTime(required=True, allow_none=True)
    value_minor = fields.Integer(required=True)
    behind_minor = fields.Integer(required=True)


class ClosedSchema(Schema):
    """A channel that was not open, by which rule, and where that is written (null: a rule of the house)."""

    channel = fields.String(required=True)
    rule = fields.String(required=True)
    citation = fields.String(required=True, allow_none=True)


class ExplanationSchema(Schema):
    """What a decision says of itself, in minor units; `annoyance_minor` is null where no model tells."""

    value_minor = fields.Integer(required=True)
    cost_minor = fields.Integer(required=True)
    annoyance_minor = fields.Integer(required=True, allow_none=True)
    second_best = fields.Nested(OtherSchema, required=True, allow_none=True)
    closed = fields.List(fields.Nested(ClosedSchema), required=True)
    words = fields.List(
        fields.String(), required=True,
        metadata={"description": "the same, and the reasons, in sentences in the language asked for"},
    )  # fmt: skip


class KeptDecisionSchema(Schema):
    """What is kept of a decision: what was chosen for an account, why, by which model and under which law."""

    id = fields.Integer(required=True)
    run_id = fields.Integer(required=True)
    account_id = fields.Integer(required=True)
    strategy_version = fields.Integer(
        required=True,
        allow_none=True,
        metadata={"description": "of the account's portfolio; null before versions"},
    )
    segment = fields.String(
        required=True, allow_none=True, metadata={"description": "of the strategy; null outside of any"}
    )
    arm = fields.String(
        required=True, allow_none=True, metadata={"description": "of the strategy; null in none"}
    )
    assistant = fields.String(
        required=True, allow_none=True,
        metadata={"description": "who would speak, by the strategy's name; null: nobody by name"},
    )  # fmt: skip
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


class DecisionSchema(KeptDecisionSchema):
    """A decision with what it says of itself."""

    explanation = fields.Nested(ExplanationSchema, required=True)


class ControlSchema(Schema):
    """The share of a creditor's people who are left alone on purpose, drawn at random once and for all."""

    share = fields.Float(required=True, metadata={"description": "0 to 0.2"})
    since = fields.DateTime(required=True, allow_none=True, metadata={"description": "of its last change"})


class NewControlSchema(Schema):
    share = fields.Float(required=True, metadata={"description": "0 to 0.2"})


class UpliftQuerySchema(Schema):
    """A period; by default since the group began or last changed, until now."""

    portfolio_id = asked_reference()
    start = fields.AwareDateTime(data_key="from")
    end = fields.AwareDateTime(data_key="to")


class SideSchema(Schema):
    """One of the two groups; money in minor units, less what was taken back."""

    people = fields.Integer(required=True)
    accounts = fields.Integer(required=True)
    payers = fields.Integer(required=True)
    recovered_minor = fields.Integer(required=True)
    per_person_minor = fields.Float(required=True)
    per_account_minor = fields.Float(required=True)
    share_paying = fields.Float(required=True)


class DifferenceSchema(Schema):
    """One group less the other, with its 95 % interval; `too_few` to tell it from chance."""

    value = fields.Float(required=True)
    low = fields.Float(required=True, allow_none=True)
    high = fields.Float(required=True, allow_none=True)
    verdict = fields.String(
        required=True, validate=validate.OneOf(("too_few", "more", "less", "none"))
    )  # fmt: skip


class UpliftSchema(Schema):
    """What was recovered from people who were worked beside those in the control group."""

    tenant_id = fields.Integer(required=True)
    portfolio_id = fields.Integer(required=True, allow_none=True)
    currency = fields.String(required=True)
    start = fields.DateTime(required=True)
    end = fields.DateTime(required=True)
    share = fields.Float(required=True)
    treated = fields.Nested(SideSchema, required=True)
    control = fields.Nested(SideSchema, required=True)
    per_person_minor = fields.Nested(DifferenceSchema, required=True)
    per_account_minor = fields.Nested(DifferenceSchema, required=True)
    share_paying = fields.Nested(DifferenceSchema, required=True)
    extra_minor = fields.Nested(DifferenceSchema, required=True)


class WinSchema(Schema):
    """A measured difference to what served, with its interval; above 0 is better."""

    value = fields.Float(required=True)
    low = fields.Float(required=True)
    high = fields.Float(required=True)


class EvidenceSchema(Schema):
    """What speaks for a version: log-loss saved in shadow on the same held-out rows (90 %), share of people
    who pay by its choices on the decisions made (95 %). `missing`: why it may not serve; empty where it may.
    """

    shadow = fields.Nested(WinSchema, required=True, allow_none=True)
    choices = fields.Nested(WinSchema, required=True, allow_none=True)
    choices_ess = fields.Float(required=True, allow_none=True)
    served_before = fields.Boolean(required=True)
    won = fields.Boolean(required=True)
    missing = fields.List(fields.String(validate=validate.OneOf(list(WHY_NOT))), required=True)


class ModelVersionSchema(Schema):
    """One version of a model. `aliases`: champion serves, challenger answers in shadow. `tenant_id`: the
    creditor whose own it is; null: the agency's."""

    name = fields.String(required=True)
    version = fields.String(required=True)
    kind = fields.String(required=True)
    tenant_id = fields.Integer(required=True, allow_none=True)
    aliases = fields.List(fields.String(), required=True)
    trained_at = fields.String(required=True, allow_none=True)
    metrics = fields.Dict(keys=fields.String(), values=fields.Float(), required=True)
    evidence = fields.Nested(EvidenceSchema, required=True)


class ModelListSchema(Schema):
    items = fields.List(fields.Nested(ModelVersionSchema), required=True)


class LookSchema(Schema):
    """What was seen of a version: `drift` (PSI of scores and features; `alarm` above 0.25), or `shadow` (its
    answers beside those of the version `against`)."""

    at = fields.DateTime(required=True)
    version = fields.String(required=True)
    what = fields.String(required=True, validate=validate.OneOf(["drift", "shadow"]))
    against = fields.String(required=True, allow_none=True)
    figures = fields.Dict(keys=fields.String(), values=fields.Raw(), required=True)
    alarm = fields.Boolean(required=True)


class LookListSchema(Schema):
    items = fields.List(fields.Nested(LookSchema), required=True)
