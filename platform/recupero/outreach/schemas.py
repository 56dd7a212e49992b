"""What the API says about actions."""

from marshmallow import Schema, fields, validate

from recupero.kernel.rest import asked_reference, reference
from recupero.outreach.actions.kinds import TEMPLATES, TONES
from recupero.outreach.orders.proposals import LONGEST_REASON, MOST
from recupero_sdk.law import CHANNELS


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


class ChannelStepSchema(Schema):
    """Why nothing goes out by one channel now; the rules that refuse are those of law and house.
    `welcome_at`: the first lawful moment that lies in the hours the debtor asked for. `problem`: what the
    settings of its connector lack."""

    channel = fields.String(required=True)
    reasons = fields.List(fields.String(), required=True)
    rules = fields.Function(lambda step: [one.rule_id for one in step.refusals], required=True)
    lawful_at = fields.DateTime(required=True, allow_none=True)
    welcome_at = fields.DateTime(required=True, allow_none=True)
    rests_until = fields.DateTime(required=True, allow_none=True)
    connector = fields.String(required=True, allow_none=True)
    problem = fields.String(required=True, allow_none=True)


class NextStepSchema(Schema):
    """What stands against writing to the account now, and what comes next. `lawful_at`: the first moment at
    which something could go out by any channel; `next_state` proposed: the next action waits for a yes.
    `last_state` and `last_reason`: nothing waits, and the last action did not go out."""

    channels = fields.List(fields.Nested(ChannelStepSchema), required=True)
    lawful_at = fields.DateTime(required=True, allow_none=True)
    next_state = fields.String(required=True, allow_none=True)
    next_reason = fields.String(required=True, allow_none=True)
    next_id = fields.Integer(required=True, allow_none=True)

    standing = fields.List(fields.String(), required=True)
    next_at = fields.DateTime(required=True, allow_none=True)
    next_channel = fields.String(required=True, allow_none=True)
    next_template = fields.String(required=True, allow_none=True)
    last_state = fields.String(required=True, allow_none=True)
    last_reason = fields.String(required=True, allow_none=True)


class PreferencesSchema(Schema):
    """How a debtor wants to be reached. Hours by their own clock, as 09:00; null leaves a thing open."""

    channel = fields.String(required=True, allow_none=True)
    begins = fields.String(required=True, allow_none=True)
    ends = fields.String(required=True, allow_none=True)
    language = fields.String(required=True)


class ActionCountsSchema(Schema):
    """How many actions are in each state."""

    counts = fields.Dict(keys=fields.String(), values=fields.Integer(), required=True)


class ProposalQuerySchema(Schema):
    """Which proposals; without more, all."""

    channel = fields.String(load_default=None, validate=validate.OneOf(CHANNELS))
    template = fields.String(load_default=None, validate=validate.OneOf(TEMPLATES))
    tone = fields.String(load_default=None, validate=validate.OneOf(TONES))
    account_id = asked_reference()
    limit = fields.Integer(load_default=100, validate=validate.Range(min=1, max=MOST))
    after = fields.String(load_default=None, metadata={"description": "`next` of the page before"})


class ProposalSchema(Schema):
    """An action that waits for a yes. `reason` is `needs_yes:` and what the strategy's condition names."""

    id = fields.Integer(required=True)
    tenant_id = fields.Integer(required=True)
    account_id = fields.Integer(required=True)
    decision_id = fields.Integer(required=True, allow_none=True)
    channel = fields.String(required=True)
    template = fields.String(required=True)
    tone = fields.String(required=True)
    purpose = fields.String(required=True)
    reason = fields.String(required=True, allow_none=True)
    due_at = fields.DateTime(required=True)
    expires_at = fields.DateTime(required=True)


class ProposalsSchema(Schema):
    """`waiting`: how many there are altogether; `next`: where to go on with `after`, null at the end."""

    items = fields.List(fields.Nested(ProposalSchema), required=True)
    next = fields.String(required=True, allow_none=True)
    waiting = fields.Integer(required=True)


class WrittenSchema(Schema):
    """A message as its debtor would read it. `added`: items that the law wants and that were added;
    `missing`: those that nobody can say yet, without which it is not sent."""

    language = fields.String(required=True)
    subject = fields.String(required=True)
    text = fields.String(required=True)
    segments = fields.Integer(required=True, allow_none=True)
    added = fields.List(fields.String(), required=True)
    missing = fields.List(fields.String(), required=True)


class ProposedMessageSchema(Schema):
    """`against`: what stands against the moment that it is proposed for."""

    action = fields.Nested(ProposalSchema, required=True)
    message = fields.Nested(WrittenSchema, required=True, allow_none=True)
    next_lawful_at = fields.DateTime(required=True, allow_none=True)
    against = fields.String(required=True, allow_none=True)


class ChosenSchema(Schema):
    action_ids = fields.List(
        reference(required=True), required=True, validate=validate.Length(min=1, max=MOST)
    )


class DeclinedSchema(ChosenSchema):
    why = fields.String(required=True, validate=validate.Length(min=1, max=LONGEST_REASON))


class OneAnsweredSchema(Schema):
    """`state`: scheduled, cancelled, expired or blocked; null where it did not wait for a yes any more."""

    action_id = fields.Integer(required=True)
    state = fields.String(required=True, allow_none=True)
    reason = fields.String(required=True, allow_none=True)
    due_at = fields.DateTime(required=True, allow_none=True)


class AnsweredSchema(Schema):
    items = fields.List(fields.Nested(OneAnsweredSchema), required=True)


class NewDraftSchema(Schema):
    """Words of a person; values of the account stand in double braces, as in own words of messages."""

    channel = fields.String(required=True)
    template = fields.String(required=True)
    tone = fields.String(load_default="neutral")
    subject = fields.String(load_default="")
    body = fields.String(required=True)
    not_before = fields.Date(load_default=None, allow_none=True)


class DraftSchema(NewDraftSchema):
    """`state`: draft or submitted; `action_state`: what became of it."""

    id = fields.Integer(required=True)
    account_id = fields.Integer(required=True)
    state = fields.String(required=True)
    made_by = fields.String(required=True)
    made_at = fields.DateTime(required=True)
    changed_at = fields.DateTime(required=True)
    action_state = fields.String(required=True, allow_none=True)
    action_reason = fields.String(required=True, allow_none=True)


class DraftsSchema(Schema):
    items = fields.List(fields.Nested(DraftSchema), required=True)


class DraftedMessageSchema(Schema):
    """`against`: what stands against sending it now."""

    message = fields.Nested(WrittenSchema, required=True)
    next_lawful_at = fields.DateTime(required=True, allow_none=True)
    against = fields.String(required=True, allow_none=True)


class SubmitQuerySchema(Schema):
    """`knowing`: it goes to somebody of the control group, who is left alone on purpose, all the same;
    without it such a draft is refused."""

    knowing = fields.Boolean(load_default=False)


class SubmittedSchema(Schema):
    action_id = fields.Integer(required=True)
    state = fields.String(required=True)
    due_at = fields.DateTime(required=True)
