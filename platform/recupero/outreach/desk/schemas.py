"""What the API says and takes about agents' desks. Amounts in minor units, times in seconds."""

from marshmallow import Schema, fields, validate

from recupero.kernel.rest import reference
from recupero.outreach.calls import runs
from recupero.outreach.desk import figures
from recupero.outreach.desk.finishing import CALL_RESULTS, MATTERS
from recupero.outreach.desk.link import CHANNELS
from recupero.outreach.desk.notes import LONGEST
from recupero.outreach.scripts.shape import REASONS
from recupero.outreach.understanding import hand_overs


class HeldSchema(Schema):
    """An account at an agent's desk. `why`: call_back, handed_over, queue, chosen."""

    id = fields.Integer(required=True)
    agent_id = fields.Integer(required=True, attribute="user_id")
    tenant_id = fields.Integer(required=True)
    account_id = fields.Integer(required=True)
    debtor_id = fields.Integer(required=True)
    why = fields.String(required=True)
    contact_id = fields.Integer(required=True, allow_none=True)
    taken_at = fields.DateTime(required=True)
    leased_until = fields.DateTime(required=True)
    talk_from = fields.DateTime(required=True, allow_none=True)
    talk_until = fields.DateTime(required=True, allow_none=True)


class TakenAccountSchema(Schema):
    """`sitting` null: nobody may or has to be called now; `next_at` says from when, where anybody waits."""

    sitting = fields.Nested(HeldSchema, required=True, allow_none=True)
    next_at = fields.DateTime(required=True, allow_none=True)


class TakeSchema(Schema):
    account_id = reference(required=True)


class DeskFiguresSchema(Schema):
    """What an agent did: results, of these people reached and agreements; seconds of talk and after it."""

    worked = fields.Integer(required=True)
    reached = fields.Integer(required=True)
    agreed = fields.Integer(required=True)
    talk_seconds = fields.Integer(required=True)
    wrap_seconds = fields.Integer(required=True)


class TargetSchema(Schema):
    period = fields.String(required=True, validate=validate.OneOf(figures.PERIODS))
    measure = fields.String(required=True, validate=validate.OneOf(figures.MEASURES))
    target = fields.Integer(required=True, strict=True, validate=validate.Range(min=1, max=figures.MOST))


class GoalsSchema(Schema):
    """All goals of an agent; what is not named is aimed at no more."""

    goals = fields.List(
        fields.Nested(TargetSchema), required=True,
        validate=validate.Length(max=len(figures.PERIODS) * len(figures.MEASURES)),
    )  # fmt: skip


class PromisedSchema(Schema):
    account_id = fields.Integer(required=True)
    at = fields.DateTime(required=True)


class AgentDeskSchema(Schema):
    """An agent's desk. `day` and `week` by the agency's clock, `coming` the calls they promised."""

    id = fields.Integer(required=True)
    name = fields.String(required=True)
    sitting = fields.Nested(HeldSchema, required=True, allow_none=True)
    day = fields.Nested(DeskFiguresSchema, required=True)
    week = fields.Nested(DeskFiguresSchema, required=True)
    goals = fields.List(fields.Nested(TargetSchema), required=True)


class OwnDeskSchema(AgentDeskSchema):
    coming = fields.List(fields.Nested(PromisedSchema), required=True)


class AgentDesksSchema(Schema):
    items = fields.List(fields.Nested(AgentDeskSchema), required=True)


class DeskPhoneSchema(Schema):
    id = fields.Integer(required=True)
    value = fields.String(required=True)
    at_work = fields.Boolean(required=True)
    score = fields.Float(required=True, allow_none=True)


class ScriptAnswerSchema(Schema):
    id = fields.String(required=True)
    label = fields.Dict(keys=fields.String(), values=fields.String(), required=True)


class LegSchema(Schema):
    """Something that became of one side of the call, `agent` or `person`."""

    at = fields.DateTime(required=True)
    leg = fields.String(required=True)
    status = fields.String(required=True)
    seconds = fields.Integer(required=True, allow_none=True)


class ScriptStandSchema(Schema):
    """Where the call stands in its script. `questions` are the facts that prove who they are, of which two
    must be right; `results` what may have come of it, the likeliest first; `legs` what became of a call that
    was rung."""

    contact_id = fields.Integer(required=True)
    step = fields.String(required=True)
    stage = fields.String(required=True)
    text = fields.String(required=True)
    hint = fields.String(required=True)
    read_out = fields.List(fields.String(), required=True)
    choices = fields.List(fields.Nested(ScriptAnswerSchema), required=True)
    questions = fields.List(fields.String(), required=True)
    proven = fields.Boolean(required=True)
    failures = fields.Integer(required=True)
    over = fields.Boolean(required=True)
    results = fields.List(fields.String(), required=True)
    legs = fields.List(fields.Nested(LegSchema), required=True)


class NoteLineSchema(Schema):
    at = fields.DateTime(required=True)
    by = fields.String(required=True)
    text = fields.String(required=True)


class EarlierSchema(Schema):
    at = fields.DateTime(required=True)
    channel = fields.String(required=True)
    disposition = fields.String(required=True, allow_none=True)


class PromiseKeptSchema(Schema):
    id = fields.Integer(required=True)
    amount_minor = fields.Integer(required=True)
    due_date = fields.Date(required=True)


class PlanKeptSchema(Schema):
    id = fields.Integer(required=True)
    total_minor = fields.Integer(required=True)
    agreed_at = fields.DateTime(required=True)


class SettlementKeptSchema(Schema):
    id = fields.Integer(required=True)
    amount_minor = fields.Integer(required=True)
    state = fields.String(required=True)
    made_at = fields.DateTime(required=True)


class DebtFactsSchema(Schema):
    """What is known of the debt, and what was agreed before."""

    creditor = fields.String(required=True)
    client_account = fields.String(required=True)
    currency = fields.String(required=True)
    balance_minor = fields.Integer(required=True)
    due_date = fields.Date(required=True)
    product = fields.String(required=True, allow_none=True)
    reason = fields.String(required=True, allow_none=True)
    hardship = fields.String(required=True, allow_none=True)
    promises = fields.List(fields.Nested(PromiseKeptSchema), required=True)
    plans = fields.List(fields.Nested(PlanKeptSchema), required=True)
    settlements = fields.List(fields.Nested(SettlementKeptSchema), required=True)
    notes = fields.List(fields.Nested(NoteLineSchema), required=True)
    earlier = fields.List(fields.Nested(EarlierSchema), required=True)


class DeskSchema(HeldSchema):
    """`warnings`: situations of the law, angry, complained, hardship, refused, language. `handed_over`: why
    they were handed to a person. `facts` null: nobody proved yet who they are. `left_alone`: they are of the
    control group, and a call has to say that the agent knows."""

    name = fields.String(required=True)
    language = fields.String(required=True)
    country = fields.String(required=True)
    timezone = fields.String(required=True)
    phones = fields.List(fields.Nested(DeskPhoneSchema), required=True)
    warnings = fields.List(fields.String(), required=True)
    tone = fields.String(required=True, allow_none=True)
    left_alone = fields.Boolean(required=True)
    handed_over = fields.String(required=True, allow_none=True)
    talk = fields.Nested(ScriptStandSchema, required=True, allow_none=True)
    facts = fields.Nested(DebtFactsSchema, required=True, allow_none=True)


class CallSchema(Schema):
    """`knowing`: the agent chose somebody of the control group, who is left alone on purpose, and calls them
    all the same; the audit trail keeps it."""

    contact_point_id = reference(required=True)
    knowing = fields.Boolean(load_default=False)


class RefusingRuleSchema(Schema):
    rule_id = fields.String(required=True)
    reason = fields.String(required=True)


class CalledSchema(Schema):
    """`contact_id` null: the law does not allow the call now; `refusals` say why, `next_lawful_at` when."""

    contact_id = fields.Integer(required=True, allow_none=True)
    refusals = fields.List(fields.Nested(RefusingRuleSchema), required=True)
    next_lawful_at = fields.String(required=True, allow_none=True)


class RungSchema(Schema):
    """`rung` false: the law does not allow the call at this moment; `refusals` say why."""

    rung = fields.Boolean(required=True)
    refusals = fields.List(fields.Nested(RefusingRuleSchema), required=True)


class ChosenAnswerSchema(Schema):
    step = fields.String(required=True, validate=validate.Length(min=1, max=64))
    answer = fields.String(required=True, validate=validate.Length(min=1, max=64))


class ToldFactsSchema(Schema):
    """What the person told of themselves, by fact. It is compared and not kept."""

    step = fields.String(required=True, validate=validate.Length(min=1, max=64))
    facts = fields.Dict(
        keys=fields.String(validate=validate.OneOf([fact.value for fact in runs.ASKED])),
        values=fields.String(validate=validate.Length(max=200)), required=True,
    )  # fmt: skip


class IdentityFoundSchema(Schema):
    proven = fields.Boolean(required=True)
    step = fields.String(required=True)


class ScriptStepSchema(Schema):
    step = fields.String(required=True)


class MomentsSchema(Schema):
    """Moments at which the law allows a call and the creditor's people work."""

    moments = fields.List(fields.DateTime(), required=True)


class NewNoteSchema(Schema):
    text = fields.String(required=True, validate=validate.Length(min=1, max=LONGEST))


class BackSchema(Schema):
    note = fields.String(load_default="", validate=validate.Length(max=LONGEST))


class WaySchema(Schema):
    channel = fields.String(required=True)
    address = fields.String(required=True)
    refusals = fields.List(fields.Nested(RefusingRuleSchema), required=True)


class SentSchema(Schema):
    """What became of the link that was sent in this sitting."""

    channel = fields.String(required=True)
    at = fields.DateTime(required=True)
    state = fields.String(required=True)
    reason = fields.String(required=True, allow_none=True)
    opened_at = fields.DateTime(required=True, allow_none=True)
    paid_at = fields.DateTime(required=True, allow_none=True)


class LinksSchema(Schema):
    ways = fields.List(fields.Nested(WaySchema), required=True)
    sent = fields.Nested(SentSchema, required=True, allow_none=True)


class SendSchema(Schema):
    channel = fields.String(required=True, validate=validate.OneOf(CHANNELS))


class FinishSchema(Schema):
    """The coded result with everything that follows it. `next_step` ends a hand-over to this agent, with its
    `cause`; `matter` begins one, to `colleague_id` or whoever suits best."""

    code = fields.String(required=True, validate=validate.OneOf(CALL_RESULTS))
    reason = fields.String(load_default=None, allow_none=True, validate=validate.OneOf(REASONS))
    note = fields.String(load_default="", validate=validate.Length(max=LONGEST))
    call_back = fields.AwareDateTime(
        load_default=None, allow_none=True, metadata={"description": "with its offset, within 14 days"}
    )
    next_step = fields.String(load_default="", validate=validate.Length(max=hand_overs.LONGEST))
    cause = fields.String(load_default=None, allow_none=True, validate=validate.OneOf(hand_overs.CAUSES))
    matter = fields.String(load_default=None, allow_none=True, validate=validate.OneOf(MATTERS))
    colleague_id = reference(load_default=None, allow_none=True)
