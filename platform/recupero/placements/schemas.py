"""What the API says and takes about portfolios, imports, accounts, contact points and holds.

Amounts are integers in minor units of the currency beside them.
"""

from marshmallow import Schema, fields, validate

from recupero.kernel.rest import Page, asked_reference, reference
from recupero.placements.lifecycle import HOLDS, STAGES, STATUSES

KINDS = ("placement", "maintenance", "financial", "recall")


class PortfolioSchema(Schema):
    """A set of a creditor's accounts under the same terms, and what lies in it."""

    id = fields.Integer(required=True)
    tenant_id = fields.Integer(required=True)
    name = fields.String(required=True)
    country = fields.String(required=True)
    currency = fields.String(required=True)
    product = fields.String(required=True)
    placement_number = fields.Integer(required=True)
    terms = fields.Dict(required=True)
    strategy = fields.Dict(required=True)
    accounts = fields.Integer(required=True)
    open_accounts = fields.Integer(required=True)
    placed_minor = fields.Integer(required=True)
    balance_minor = fields.Integer(required=True)


class PortfoliosSchema(Schema):
    items = fields.List(fields.Nested(PortfolioSchema), required=True)


class NewPortfolioSchema(Schema):
    tenant_id = reference(required=True)
    name = fields.String(required=True, validate=validate.Length(min=1, max=200))
    country = fields.String(required=True, validate=validate.Regexp(r"\A[A-Z]{2}\Z"))
    currency = fields.String(required=True, validate=validate.Regexp(r"\A[A-Z]{3}\Z"))
    product = fields.String(required=True, validate=validate.Length(min=1, max=100))
    placement_number = fields.Integer(load_default=1, strict=True, validate=validate.Range(min=1, max=9))
    terms = fields.Dict(keys=fields.String(), load_default=dict)
    strategy = fields.Dict(keys=fields.String(), load_default=dict)


class TermsSchema(Schema):
    terms = fields.Dict(
        keys=fields.String(),
        required=True,
        metadata={
            "description": "rates in basis points, money in minor units; docs/money.md tells of `commission`."
            " `before` lists what accrued, and the order of allocation, until earlier days: it is not read"
        },
    )


class NewTermsSchema(TermsSchema):
    holds_from = fields.Date(
        load_default=None, allow_none=True,
        metadata={"description": "first day of `accrual` and `allocation_order`; today unless said"},
    )  # fmt: skip


class StrategySchema(Schema):
    """What decisions may do for a portfolio; docs/strategy.md lists the keys."""

    strategy = fields.Dict(keys=fields.String(), required=True)
    version = fields.Integer(required=True)


class NewStrategySchema(Schema):
    strategy = fields.Dict(keys=fields.String(), required=True)
    instead_of = fields.Integer(
        load_default=None, allow_none=True, strict=True,
        metadata={"description": "the version that you had before you; refused where there is a newer one"},
    )  # fmt: skip


class NewStrategyDraftSchema(Schema):
    strategy = fields.Dict(keys=fields.String(), required=True)


class StrategyDraftSchema(NewStrategyDraftSchema):
    made_by = fields.String(required=True)
    made_at = fields.DateTime(required=True)


class ActivateDraftSchema(Schema):
    instead_of = fields.Integer(
        load_default=None, allow_none=True, strict=True,
        metadata={"description": "the version that you had before you; refused where there is a newer one"},
    )  # fmt: skip


class StrategyVersionSchema(StrategySchema):
    made_by = fields.String(required=True)
    made_at = fields.DateTime(required=True)


class StrategyVersionsSchema(Schema):
    items = fields.List(fields.Nested(StrategyVersionSchema), required=True)


class ImportQuerySchema(Page):
    tenant_id = asked_reference()
    portfolio_id = asked_reference()


class ImportSchema(Schema):
    """One file of a creditor. row_count = accepted + rejected + quarantined + duplicates.

    `status`: queued, running (`rows_done` so far), done, failed (`error` says why; nothing was loaded), or
    tried (a dry run: the counts are what taking it in would have come to)."""

    id = fields.Integer(required=True)
    tenant_id = fields.Integer(required=True)
    portfolio_id = fields.Integer(required=True)
    kind = fields.String(required=True)
    file_name = fields.String(required=True)
    status = fields.String(required=True)
    error = fields.String(required=True, allow_none=True)
    dry_run = fields.Boolean(required=True)
    rows_done = fields.Integer(required=True)
    row_count = fields.Integer(required=True)
    accepted = fields.Integer(required=True)
    rejected = fields.Integer(required=True)
    quarantined = fields.Integer(required=True)
    duplicates = fields.Integer(required=True)
    control_totals = fields.Dict(required=True)
    started_at = fields.DateTime(required=True)
    finished_at = fields.DateTime(required=True, allow_none=True)


class NewImportSchema(Schema):
    portfolio_id = asked_reference(required=True)
    kind = fields.String(load_default="placement", validate=validate.OneOf(KINDS))
    mapping = fields.String(
        load_default=None,
        allow_none=True,
        validate=validate.Length(max=200_000),
        metadata={
            "description": "a saved mapping's name, or a mapping's JSON; else the default or proposed one"
        },
    )
    dry_run = fields.Boolean(load_default=False)


class ImportFileSchema(Schema):
    file = fields.Raw(required=True, metadata={"type": "string", "format": "binary"})


class ImportResultSchema(Schema):
    """What became of the rows. `batch_id` is null after a dry run."""

    batch_id = fields.Integer(required=True, allow_none=True)
    rows = fields.Integer(required=True)
    accepted = fields.Integer(required=True)
    rejected = fields.Integer(required=True)
    quarantined = fields.Integer(required=True)
    duplicates = fields.Integer(required=True)
    excluded = fields.Integer(required=True)
    warnings = fields.Integer(required=True)
    control_totals = fields.Dict(required=True)
    seconds = fields.Float(required=True)
    dry_run = fields.Boolean(required=True)


class IssueSchema(Schema):
    """Why a row was not taken as it stood. The row itself is in the rejects file."""

    id = fields.Integer(required=True)
    row_number = fields.Integer(required=True)
    outcome = fields.String(required=True)
    field = fields.String(required=True)
    reason = fields.String(required=True)


class AccountQuerySchema(Page):
    tenant_id = asked_reference()
    portfolio_id = asked_reference()
    debtor_id = asked_reference()
    status = fields.String(validate=validate.OneOf(STATUSES))
    stage = fields.String(validate=validate.OneOf(STAGES))
    client_account = fields.String(validate=validate.Length(min=1, max=200))


class AccountSchema(Schema):
    """One obligation. Who owes it is told by the account alone, not in lists."""

    id = fields.Integer(required=True)
    tenant_id = fields.Integer(required=True)
    portfolio_id = fields.Integer(required=True)
    batch_id = fields.Integer(required=True)
    debtor_id = fields.Integer(required=True)
    client_account = fields.String(required=True)
    product = fields.String(required=True, allow_none=True)
    original_creditor = fields.String(required=True, allow_none=True)
    currency = fields.String(required=True)
    delinquency_date = fields.Date(required=True)
    due_date = fields.Date(required=True)
    limitation_date = fields.Date(required=True, allow_none=True)
    placement_number = fields.Integer(required=True)
    placed_on = fields.Date(required=True)
    placed_minor = fields.Integer(required=True)
    balance_minor = fields.Integer(required=True)
    status = fields.String(required=True)
    stage = fields.String(required=True)
    close_code = fields.String(required=True, allow_none=True)
    closed_at = fields.DateTime(required=True, allow_none=True)


class HoldSchema(Schema):
    """A stop beside the status. `account_id` null: on all of the debtor's accounts at the creditor."""

    id = fields.Integer(required=True)
    debtor_id = fields.Integer(required=True)
    account_id = fields.Integer(required=True, allow_none=True)
    kind = fields.String(required=True)
    source = fields.String(required=True)
    started_at = fields.DateTime(required=True)
    until = fields.DateTime(required=True, allow_none=True)


class HoldsSchema(Schema):
    items = fields.List(fields.Nested(HoldSchema), required=True)


class NewHoldSchema(Schema):
    kind = fields.String(required=True, validate=validate.OneOf(HOLDS))
    whole_debtor = fields.Boolean(load_default=False)
    since = fields.AwareDateTime(
        load_default=None, allow_none=True,
        metadata={"description": "when what stops the work began; now, where left out"},
    )  # fmt: skip
    until = fields.AwareDateTime(load_default=None, allow_none=True)


class DebtorSchema(Schema):
    """Who owes. Name and national id are masked unless the key may work accounts."""

    id = fields.Integer(required=True)
    kind = fields.String(required=True)
    name = fields.String(required=True)
    national_id = fields.String(required=True, allow_none=True)
    country = fields.String(required=True)
    region = fields.String(required=True, allow_none=True)
    timezone = fields.String(required=True, allow_none=True)
    language = fields.String(required=True)


class AccountCardSchema(AccountSchema):
    """One account with who owes it and what stops work on it."""

    debtor = fields.Nested(DebtorSchema, required=True)
    holds = fields.List(fields.Nested(HoldSchema), required=True)


class ContactPointSchema(Schema):
    """A way to reach a debtor. `value` is masked unless the key may work accounts."""

    id = fields.Integer(required=True)
    debtor_id = fields.Integer(required=True)
    kind = fields.String(required=True)
    value = fields.String(required=True)
    line_type = fields.String(required=True, allow_none=True)
    timezone = fields.String(required=True, allow_none=True)
    at_work = fields.Boolean(required=True)
    status = fields.String(required=True)
    source = fields.String(required=True)
    score = fields.Float(
        required=True, allow_none=True,
        metadata={"description": "Chance that an attempt reaches the right person; null: no model says so"},
    )  # fmt: skip


class ContactPointsSchema(Schema):
    items = fields.List(fields.Nested(ContactPointSchema), required=True)
