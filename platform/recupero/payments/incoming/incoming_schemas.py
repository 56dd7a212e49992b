"""What the API says and takes about receipts, suspense, bank statements and reconciliation. Minor units."""

from marshmallow import Schema, fields, validate

from recupero.kernel.rest import BINARY, Page, asked_reference, reference
from recupero.payments.incoming.paying_back import REFUND_MEANS
from recupero.payments.incoming.receipts import MEANS
from recupero.payments.schemas import amount

CURRENCY = validate.Regexp(r"\A[A-Z]{3}\Z")
TEXT = validate.Length(max=500)
WAITING = (
    "payment_id",
    "kind",
    "amount_minor",
    "currency",
    "received_at",
    "age",
    "debtor_id",
    "note",
    "task_id",
)


class TenantPageSchema(Page):
    tenant_id = asked_reference()


class ReceiptQuerySchema(TenantPageSchema):
    state = fields.String(validate=validate.OneOf(("entered", "approved", "rejected")))


class ReceiptSchema(Schema):
    """Money that a person says has come in. `payment_id` once somebody else has approved it."""

    id = fields.Integer(required=True)
    tenant_id = fields.Integer(required=True)
    means = fields.String(required=True)
    amount_minor = fields.Integer(required=True)
    currency = fields.String(required=True)
    received_on = fields.Date(required=True)
    debtor_id = fields.Integer(required=True, allow_none=True)
    account_ids = fields.List(fields.Integer(), required=True)
    state = fields.String(required=True)
    entered_by = fields.String(required=True)
    entered_at = fields.DateTime(required=True)
    decided_by = fields.String(required=True, allow_none=True)
    decided_at = fields.DateTime(required=True, allow_none=True)
    reason = fields.String(required=True, allow_none=True)
    payment_id = fields.Integer(required=True, allow_none=True)


class NewReceiptSchema(Schema):
    means = fields.String(required=True, validate=validate.OneOf(MEANS))
    amount_minor = amount(required=True)
    currency = fields.String(required=True, validate=CURRENCY)
    received_on = fields.Date(required=True)
    account_ids = fields.List(reference(), load_default=list, validate=validate.Length(max=100))
    reference = fields.String(load_default="", validate=TEXT)
    payer = fields.String(load_default="", validate=TEXT)


class ReasonSchema(Schema):
    reason = fields.String(required=True, validate=validate.Length(min=1, max=500))


class SuggestionSchema(Schema):
    """An account that the money may be for. `why`: number, payer, person, name, amount, promised."""

    account_id = fields.Integer(required=True)
    debtor_id = fields.Integer(required=True)
    why = fields.List(fields.String(), required=True)
    score = fields.Integer(required=True)


class WaitingSchema(Schema):
    """A payment with money that waits; `task_id` where it is to be paid back."""

    payment_id = fields.Integer(required=True)
    kind = fields.String(required=True)
    amount_minor = fields.Integer(required=True)
    currency = fields.String(required=True)
    received_at = fields.DateTime(required=True)
    age = fields.String(required=True, metadata={"description": "days: 0-7, 8-30, 31-90, 90+"})
    debtor_id = fields.Integer(required=True, allow_none=True)
    note = fields.String(required=True, allow_none=True)
    task_id = fields.Integer(required=True, allow_none=True)
    suggestions = fields.List(fields.Nested(SuggestionSchema), required=True)


class AgeSchema(Schema):
    currency = fields.String(required=True)
    age = fields.String(required=True)
    number = fields.Integer(required=True)
    amount_minor = fields.Integer(required=True)


class SuspensePageSchema(Schema):
    items = fields.List(fields.Nested(WaitingSchema), required=True)
    ages = fields.List(fields.Nested(AgeSchema), required=True)


class AccountsSchema(Schema):
    account_ids = fields.List(reference(), required=True, validate=validate.Length(min=1, max=100))


class MaybeAccountsSchema(Schema):
    account_ids = fields.List(reference(), load_default=list, validate=validate.Length(max=100))


class TaskQuerySchema(TenantPageSchema):
    state = fields.String(validate=validate.OneOf(("open", "done", "void", "dismissed")))


class RefundTaskSchema(Schema):
    """Money to pay back to a debtor."""

    id = fields.Integer(required=True)
    tenant_id = fields.Integer(required=True)
    payment_id = fields.Integer(required=True)
    amount_minor = fields.Integer(required=True)
    failed_minor = fields.Integer(required=True)
    currency = fields.String(required=True)
    state = fields.String(required=True)
    opened_at = fields.DateTime(required=True)
    closed_at = fields.DateTime(required=True, allow_none=True)
    closed_by = fields.String(required=True, allow_none=True)
    means = fields.String(required=True, allow_none=True)
    reference = fields.String(required=True, allow_none=True)
    reason = fields.String(required=True, allow_none=True)


class PaidBackSchema(Schema):
    means = fields.String(required=True, validate=validate.OneOf(REFUND_MEANS))
    reference = fields.String(required=True, validate=validate.Length(min=1, max=200))


class StatementFormSchema(Schema):
    """What a CSV file does not say."""

    account = fields.String(load_default="", validate=validate.Length(max=100))
    currency = fields.String(load_default="", validate=validate.Regexp(r"\A([A-Z]{3})?\Z"))
    closing_minor = fields.Integer(load_default=None, allow_none=True)


class StatementFileSchema(Schema):
    file = fields.Raw(required=True, metadata=BINARY)


class StatementTakenSchema(Schema):
    """What became of a file."""

    statement_ids = fields.List(fields.Integer(), required=True)
    lines = fields.Integer(required=True)
    added = fields.Integer(required=True)
    matched = fields.Integer(required=True)


class StatementSchema(Schema):
    """A statement of the account that holds the creditor's money."""

    id = fields.Integer(required=True)
    tenant_id = fields.Integer(required=True)
    currency = fields.String(required=True)
    reference = fields.String(required=True, allow_none=True)
    opening_minor = fields.Integer(required=True, allow_none=True)
    closing_minor = fields.Integer(required=True, allow_none=True)
    closing_on = fields.Date(required=True)
    format = fields.String(required=True)
    file_name = fields.String(required=True)
    taken_by = fields.String(required=True)
    taken_at = fields.DateTime(required=True)
    lines = fields.Integer(required=True)
    added = fields.Integer(required=True)


class LineQuerySchema(TenantPageSchema):
    state = fields.String(validate=validate.OneOf(("open", "matched", "aside")))
    statement_id = asked_reference()


class LineSchema(Schema):
    """A movement at the bank, and what it clears. Names and texts are shown on the pages only."""

    id = fields.Integer(required=True)
    tenant_id = fields.Integer(required=True)
    statement_id = fields.Integer(required=True)
    booked_on = fields.Date(required=True)
    amount_minor = fields.Integer(required=True)
    currency = fields.String(required=True)
    state = fields.String(required=True)
    matched_by = fields.String(required=True, allow_none=True)
    subject = fields.String(required=True, allow_none=True)
    subject_id = fields.Integer(required=True, allow_none=True)
    note = fields.String(required=True, allow_none=True)


class SubjectSchema(Schema):
    subject = fields.String(
        required=True, validate=validate.OneOf(("payment", "payout", "returned", "refund", "transaction"))
    )
    subject_id = reference(required=True)


class BankPositionSchema(Schema):
    """Bank against books; `difference_minor` is what nothing explains."""

    tenant_id = fields.Integer(required=True)
    currency = fields.String(required=True)
    closing_on = fields.Date(required=True, allow_none=True, metadata={"description": "none: no statement"})
    closing_minor = fields.Integer(required=True)
    opening_minor = fields.Integer(required=True)
    open_minor = fields.Integer(required=True)
    aside_minor = fields.Integer(required=True)
    uncleared_minor = fields.Integer(required=True)
    at_gateway_minor = fields.Integer(required=True)
    books_minor = fields.Integer(required=True)
    difference_minor = fields.Integer(required=True)


class ItemSchema(Schema):
    """Something in the books that a bank line is to clear."""

    tenant_id = fields.Integer(required=True)
    subject = fields.String(required=True)
    subject_id = fields.Integer(required=True)
    amount_minor = fields.Integer(required=True)
    currency = fields.String(required=True)
    on = fields.Date(required=True)


class PositionsSchema(Schema):
    items = fields.List(fields.Nested(BankPositionSchema), required=True)
    uncleared = fields.List(fields.Nested(ItemSchema), required=True)


class ReconciliationSchema(Schema):
    """One comparison with a gateway's record."""

    id = fields.Integer(required=True)
    tenant_id = fields.Integer(required=True)
    gateway = fields.String(required=True)
    since = fields.DateTime(required=True)
    started_at = fields.DateTime(required=True)
    finished_at = fields.DateTime(required=True, allow_none=True)
    state = fields.String(required=True)
    compared = fields.Integer(required=True)
    findings = fields.List(fields.Dict(), required=True)
    problem = fields.String(required=True, allow_none=True)
