"""What the API takes and says about reports."""

from marshmallow import Schema, fields, validate

from recupero.kernel.rest import asked_reference
from recupero.reports.causes import ACTS
from recupero.reports.service import MEDIA_TYPES


class ReportQuerySchema(Schema):
    period = fields.String(
        validate=validate.Length(max=20),
        metadata={"description": "YYYY-MM or YYYY-MM..YYYY-MM in the creditor's time zone; else this month"},
    )


class LocaleQuerySchema(Schema):
    locale = fields.String(
        validate=validate.Length(max=10), metadata={"description": "such as es, en or pt_BR"}
    )


class FileQuerySchema(ReportQuerySchema, LocaleQuerySchema):
    """What a report's file is of, and its language."""


class ReportSchema(Schema):
    """A creditor's recovery report. Every figure is {value} or {value, numerator, denominator}; money is in
    minor units of its section's currency. `definitions` says what each figure means."""

    tenant = fields.String(required=True)
    tenant_name = fields.String(required=True)
    period = fields.String(required=True)
    timezone = fields.String(required=True)
    generated_at = fields.String(required=True)
    currencies = fields.List(fields.Dict(), required=True)
    definitions = fields.Dict(required=True)


class DepthSchema(Schema):
    """The figures in depth by currency, each with its definition; roll rates by bucket at the start and at
    the end of the period."""

    period = fields.String(required=True)
    currencies = fields.List(fields.Dict(), required=True)


class CausesQuerySchema(ReportQuerySchema):
    reason = fields.String(
        validate=validate.OneOf(tuple(ACTS)), metadata={"description": "only accounts of this reason"}
    )
    portfolio_id = asked_reference()
    limit = fields.Integer(
        load_default=50, validate=validate.Range(0, 500), metadata={"description": "accounts at most"}
    )


class CauseSchema(Schema):
    """`acts`: who can do something about it, creditor, agency or debtor. `accounts` of `of_accounts`, all of
    which a reason is known."""

    reason = fields.String(required=True)
    acts = fields.String(required=True)
    accounts = fields.Integer(required=True)
    of_accounts = fields.Integer(required=True)


class CauseExampleSchema(Schema):
    """`how`: by which way the reason was told."""

    account_id = fields.Integer(required=True)
    client_account = fields.String(required=True)
    portfolio = fields.String(required=True)
    reason = fields.String(required=True)
    how = fields.String(required=True)
    at = fields.AwareDateTime(required=True)
    currency = fields.String(required=True)
    balance_minor = fields.Integer(required=True)
    status = fields.String(required=True)


class CausesSchema(Schema):
    period = fields.String(required=True)
    causes = fields.List(fields.Nested(CauseSchema), required=True)
    examples = fields.List(fields.Nested(CauseExampleSchema), required=True)


class NewDocumentSchema(Schema):
    kind = fields.String(
        required=True, validate=validate.OneOf(("balance", "paid_in_full", "plan", "settlement"))
    )
    subject_id = fields.Integer(
        load_default=None, allow_none=True, validate=validate.Range(1, 2**63 - 1),
        metadata={"description": "the plan or settlement, of papers about one"},
    )  # fmt: skip


class DocumentSchema(Schema):
    """A numbered paper for a debtor."""

    id = fields.Integer(required=True)
    kind = fields.String(required=True)
    number = fields.String(required=True)
    language = fields.String(required=True)
    debtor_id = fields.Integer(required=True)
    account_ids = fields.List(fields.Integer(), required=True)
    payment_id = fields.Integer(required=True, allow_none=True)
    subject_id = fields.Integer(required=True, allow_none=True)
    media_type = fields.String(required=True)
    issued_at = fields.DateTime(required=True)
    issued_by = fields.String(required=True)


class DocumentsSchema(Schema):
    items = fields.List(fields.Nested(DocumentSchema), required=True)


FORMATS = tuple(MEDIA_TYPES)
