"""What the API says and takes about plans and decisions."""

from marshmallow import Schema, fields, validate

from recupero.decisions.learning.promotion import WHY_NOT
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


class OfferPaymentSchema(Schema):
    """One payment of an offer."""

    due = fields.Date(required=True)
    amount_minor = fields.Integer(required=True)


class AdvisedOfferSchema(Schema):
    """One offer: `plan`, `settlement` or `full`. `count` is of the instalments after a down payment."""

    kind = fields.String(required=True)
    count = fields.Integer(required=True)
    down_minor = fields.Integer(required=True)
    total_minor = fields.Integer(required=True)
    chance = fields.Float(required=True)
    expected_minor = fields.Integer(required=True)
    payments = fields.List(fields.Nested(OfferPaymentSchema), required=True)


class AdviceSchema(Schema):
    """Offers, the best first. `learned`: by a model of agreements, else by the terms alone. `payable_minor`
    is what the debtor told they can pay a month; `too_dear` counts offers above it, which are left out."""

    currency = fields.String(required=True)
    owed_minor = fields.Integer(required=True)
    learned = fields.Boolean(required=True)
    payable_minor = fields.Integer(required=True, allow_none=True)
    too_dear = fields.Integer(required=True)
    offers = fields.List(fields.Nested(AdvisedOfferSchema), required=True)


class CallMomentSchema(Schema):
    """A moment, the chance that a call then reaches the person, and the mean chance of all lawful moments."""

    at = fields.DateTime(required=True)
    chance = fields.Float(required=True)
    usual = fields.Float(required=True)


class BestMomentSchema(Schema):
    """Null where no model serves, or no call is lawful."""

    best = fields.Nested(CallMomentSchema, required=True, allow_none=True)
