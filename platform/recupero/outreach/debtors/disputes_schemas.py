"""What the API says and takes about disputes and complaints. Minor units."""

from marshmallow import Schema, fields, validate

from recupero.kernel.rest import MAX_ID
from recupero.outreach.debtors.dispute_answers import LONGEST, VERDICTS


class NewAnswerSchema(Schema):
    verdict = fields.String(required=True, validate=validate.OneOf(VERDICTS))
    words = fields.String(
        required=True, validate=validate.Length(min=1, max=LONGEST), metadata={"description": "why"}
    )
    balance_minor = fields.Integer(
        strict=True, load_default=None, allow_none=True, validate=validate.Range(min=1, max=MAX_ID),
        metadata={"description": "what is owed after all, where it is corrected"},
    )  # fmt: skip


class AnswerSchema(Schema):
    verdict = fields.String(required=True)
    words = fields.String(required=True)
    balance_minor = fields.Integer(required=True, allow_none=True)
    answered_by = fields.String(required=True)
    answered_at = fields.AwareDateTime(required=True)


class DisputeSchema(Schema):
    """`why` is what the debtor chose on their page, null where it came in otherwise; `whole`: everything that
    the debtor owes; `answer` null while it waits."""

    id = fields.Integer(required=True)
    account_id = fields.Integer(required=True)
    client_account = fields.String(required=True)
    portfolio_id = fields.Integer(required=True)
    currency = fields.String(required=True)
    balance_minor = fields.Integer(required=True)
    whole = fields.Boolean(required=True)
    why = fields.String(required=True, allow_none=True)
    began_at = fields.AwareDateTime(required=True)
    days = fields.Integer(required=True)
    answer = fields.Nested(AnswerSchema, required=True, allow_none=True)


class DisputesSchema(Schema):
    items = fields.List(fields.Nested(DisputeSchema), required=True)


class ComplaintQuerySchema(Schema):
    state = fields.String(
        load_default="", validate=validate.OneOf(("open", "late", "ended")),
        metadata={"description": "only these; late ones are open, too"},
    )  # fmt: skip


class ComplaintSchema(Schema):
    """Account and portfolio null: everything that the debtor owes."""

    id = fields.Integer(required=True)
    account_id = fields.Integer(required=True, allow_none=True)
    client_account = fields.String(required=True, allow_none=True)
    portfolio_id = fields.Integer(required=True, allow_none=True)
    since = fields.AwareDateTime(required=True)
    due = fields.AwareDateTime(required=True, allow_none=True)
    ended = fields.AwareDateTime(required=True, allow_none=True)
    state = fields.String(required=True)


class ComplaintsSchema(Schema):
    items = fields.List(fields.Nested(ComplaintSchema), required=True)
