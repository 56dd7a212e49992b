"""What the API says and takes about plans, settlements and hardship. Amounts in minor units."""

from marshmallow import Schema, fields, validate

from recupero.kernel.rest import reference
from recupero.payments.offers import hardship
from recupero.payments.offers.plan_schedule import EVERY, MOST_STEP
from recupero.payments.schemas import MAX_MINOR, amount


def _accounts() -> fields.List[int]:
    return fields.List(
        reference(),
        required=True,
        validate=validate.Length(min=1, max=100),
        metadata={"description": "accounts of one debtor in one currency"},
    )


class OfferPolicySchema(Schema):
    """What may be offered. The lowest sums are of the balance now."""

    currency = fields.String(required=True)
    balance_minor = fields.Integer(required=True)
    floor_minor = fields.Integer(required=True, metadata={"description": "the lowest settlement"})
    max_instalments = fields.Integer(required=True)
    lowest_instalment_minor = fields.Integer(required=True)
    first_payment_days = fields.Integer(required=True)
    offer_days = fields.Integer(required=True)
    lowest_promise_minor = fields.Integer(required=True)
    promise_days_ahead = fields.Integer(required=True)
    promises_at_once = fields.Integer(required=True)
    exception_approver = fields.String(required=True)


class PlanTermsSchema(Schema):
    """How many instalments follow the down payment, or the most that each may be."""

    every = fields.String(load_default="monthly", validate=validate.OneOf(EVERY))
    first_on = fields.Date(load_default=None, allow_none=True)
    instalments = fields.Integer(
        load_default=None, allow_none=True, strict=True, validate=validate.Range(min=1, max=120)
    )
    at_most_minor = amount(load_default=None, allow_none=True)
    down_payment_minor = fields.Integer(
        load_default=0, strict=True, validate=validate.Range(min=0, max=MAX_MINOR)
    )
    pay_day = fields.Integer(
        load_default=None, allow_none=True, strict=True, validate=validate.Range(min=1, max=31)
    )
    step_percent = fields.Integer(load_default=0, strict=True, validate=validate.Range(min=0, max=MOST_STEP))


class PlanChoiceSchema(PlanTermsSchema):
    """A plan's terms, and the accounts that it is for."""

    account_ids = _accounts()


class NewPaymentPlanSchema(PlanChoiceSchema):
    why = fields.String(load_default=None, allow_none=True, validate=validate.Length(max=2000))


class InstalmentSchema(Schema):
    number = fields.Integer(required=True)
    due_date = fields.Date(required=True)
    amount_minor = fields.Integer(required=True)


class PreviewSchema(Schema):
    """A plan that is not agreed yet. `approver` has to allow it where it lies beyond a limit."""

    total_minor = fields.Integer(required=True)
    currency = fields.String(required=True)
    instalments = fields.List(fields.Nested(InstalmentSchema), required=True)
    beyond = fields.List(fields.String(), required=True)
    approver = fields.String(required=True, allow_none=True)


class StandingSchema(InstalmentSchema):
    moved_from = fields.Date(
        required=True, allow_none=True,
        metadata={"description": "the day that was agreed, where a pause has moved it"},
    )  # fmt: skip
    paid_minor = fields.Integer(required=True)
    paid_on = fields.Date(required=True, allow_none=True)
    state = fields.String(required=True)


class AutomaticSchema(Schema):
    """The debtor's consent to charge a saved card for the plan: what was agreed to, and how it stands."""

    id = fields.Integer(required=True)
    state = fields.String(required=True)
    words = fields.String(required=True)
    most_minor = fields.Integer(required=True, metadata={"description": "no charge is higher"})
    until = fields.Date(required=True)
    brand = fields.String(required=True, allow_none=True)
    last4 = fields.String(required=True, allow_none=True)
    expires = fields.Date(required=True, allow_none=True)
    given_at = fields.DateTime(required=True, allow_none=True)
    ended_at = fields.DateTime(required=True, allow_none=True)
    ended_why = fields.String(required=True, allow_none=True)


class InstalmentPlanSchema(Schema):
    """A plan and how it stands."""

    id = fields.Integer(required=True)
    tenant_id = fields.Integer(required=True)
    debtor_id = fields.Integer(required=True)
    account_ids = fields.List(fields.Integer(), required=True)
    settlement_id = fields.Integer(required=True, allow_none=True)
    currency = fields.String(required=True)
    total_minor = fields.Integer(required=True)
    state = fields.String(required=True)
    agreed_at = fields.DateTime(required=True)
    ended_at = fields.DateTime(required=True, allow_none=True)
    paused = fields.Boolean(
        required=True, metadata={"description": "hardship lets it rest: nothing is due or charged meanwhile"}
    )
    paused_until = fields.DateTime(
        required=True, allow_none=True, metadata={"description": "null where nobody knows yet"}
    )
    beyond = fields.List(fields.String(), required=True)
    approver = fields.String(required=True, allow_none=True)
    why = fields.String(required=True, allow_none=True)
    decided_by = fields.String(required=True, allow_none=True)
    instalments = fields.List(fields.Nested(StandingSchema), required=True)
    automatic = fields.Nested(AutomaticSchema, required=True, allow_none=True)


class InstalmentPlansSchema(Schema):
    items = fields.List(fields.Nested(InstalmentPlanSchema), required=True)


class WhySchema(Schema):
    why = fields.String(load_default="", validate=validate.Length(max=2000))


class OfferDecisionSchema(Schema):
    allow = fields.Boolean(required=True)
    note = fields.String(required=True, validate=validate.Length(min=1, max=2000))


class NewSettlementSchema(Schema):
    account_ids = _accounts()
    amount_minor = amount(required=True)
    valid_until = fields.Date(required=True)
    instalments = fields.Integer(load_default=1, strict=True, validate=validate.Range(min=1, max=120))
    why = fields.String(load_default=None, allow_none=True, validate=validate.Length(max=2000))


class SettlementSchema(Schema):
    """An offer to settle and what came of it."""

    id = fields.Integer(required=True)
    tenant_id = fields.Integer(required=True)
    debtor_id = fields.Integer(required=True)
    account_ids = fields.List(fields.Integer(), required=True)
    currency = fields.String(required=True)
    balance_minor = fields.Integer(required=True)
    amount_minor = fields.Integer(required=True)
    instalments = fields.Integer(required=True)
    state = fields.String(required=True)
    valid_until = fields.Date(required=True)
    pay_by = fields.Date(required=True)
    made_at = fields.DateTime(required=True)
    accepted_at = fields.DateTime(required=True, allow_none=True)
    settled_at = fields.DateTime(required=True, allow_none=True)
    written_off_minor = fields.Integer(required=True)
    beyond = fields.List(fields.String(), required=True)
    approver = fields.String(required=True, allow_none=True)
    why = fields.String(required=True, allow_none=True)
    decided_by = fields.String(required=True, allow_none=True)


class SettlementsSchema(Schema):
    items = fields.List(fields.Nested(SettlementSchema), required=True)


class NewHardshipSchema(Schema):
    kind = fields.String(required=True, validate=validate.OneOf(hardship.KINDS))
    severity = fields.String(load_default="medium", validate=validate.OneOf(tuple(hardship.SEVERITIES)))
    hold_days = fields.Integer(
        load_default=None, allow_none=True, strict=True, validate=validate.Range(min=1, max=365)
    )
    note = fields.String(load_default=None, allow_none=True, validate=validate.Length(max=2000))
    evidence = fields.String(load_default=None, allow_none=True, validate=validate.Length(max=2000))


class HardshipSchema(Schema):
    """A case: work rests until it is closed or its days are over."""

    id = fields.Integer(required=True)
    debtor_id = fields.Integer(required=True)
    kind = fields.String(required=True)
    severity = fields.String(required=True)
    until = fields.DateTime(required=True)
    opened_at = fields.DateTime(required=True)
    closed_at = fields.DateTime(required=True, allow_none=True)


class OutcomeSchema(Schema):
    outcome = fields.String(required=True, validate=validate.Length(min=1, max=2000))
