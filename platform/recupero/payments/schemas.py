"""What the API says and takes about payments, promises and links. Amounts in minor units."""

from marshmallow import Schema, fields, validate

from recupero.kernel.rest import Page, asked_reference, reference

MAX_MINOR = 10**15


def amount(**more: object) -> fields.Integer:
    """An amount above zero, in minor units."""
    return fields.Integer(strict=True, validate=validate.Range(min=1, max=MAX_MINOR), **more)  # type: ignore[arg-type]  # passed on to the field


class PaymentQuerySchema(Page):
    tenant_id = asked_reference()
    state = fields.String(validate=validate.OneOf(("booked", "reversed", "suspense")))


class PaymentSchema(Schema):
    """Money received, booked once. `account_ids` are the debts that it may pay."""

    id = fields.Integer(required=True)
    tenant_id = fields.Integer(required=True)
    debtor_id = fields.Integer(required=True, allow_none=True)
    account_ids = fields.List(fields.Integer(), required=True)
    external_key = fields.String(required=True)
    kind = fields.String(required=True)
    gateway = fields.String(required=True, allow_none=True)
    amount_minor = fields.Integer(required=True)
    currency = fields.String(required=True)
    state = fields.String(required=True)
    received_at = fields.DateTime(required=True)
    booked_at = fields.DateTime(required=True)
    channel = fields.String(required=True, allow_none=True)


class NewPaymentSchema(Schema):
    account_id = reference(required=True)
    amount_minor = amount(required=True)
    currency = fields.String(required=True, validate=validate.Regexp(r"\A[A-Z]{3}\Z"))
    received_at = fields.AwareDateTime(load_default=None, allow_none=True)
    paid_to = fields.String(load_default="agency", validate=validate.OneOf(("agency", "creditor")))


class AccountPaymentSchema(Schema):
    """What one payment did to one account."""

    payment_id = fields.Integer(required=True)
    kind = fields.String(required=True)
    received_at = fields.DateTime(required=True)
    currency = fields.String(required=True)
    amount_minor = fields.Integer(required=True)
    state = fields.String(required=True)


class AccountPaymentsSchema(Schema):
    items = fields.List(fields.Nested(AccountPaymentSchema), required=True)


class PromiseSchema(Schema):
    """The debtor named amount and date."""

    id = fields.Integer(required=True)
    account_id = fields.Integer(required=True)
    amount_minor = fields.Integer(required=True)
    currency = fields.String(required=True)
    made_at = fields.DateTime(required=True)
    due_date = fields.Date(required=True)
    state = fields.String(required=True)
    paid_minor = fields.Integer(required=True)
    made_with = fields.String(required=True)


class PromisesSchema(Schema):
    items = fields.List(fields.Nested(PromiseSchema), required=True)


class NewPromiseSchema(Schema):
    amount_minor = amount(required=True)
    due_date = fields.Date(required=True)


class NewLinkSchema(Schema):
    account_ids = fields.List(
        reference(),
        required=True,
        validate=validate.Length(min=1, max=100),
        metadata={"description": "accounts of one debtor in one currency"},
    )


class LinkSchema(Schema):
    """Where the debtor pays. Asking again gives the same address."""

    url = fields.String(required=True)


class LinkQuerySchema(Page):
    tenant_id = asked_reference()
    debtor_id = asked_reference()


class LinkLineSchema(Schema):
    """A payment link without its address."""

    id = fields.Integer(required=True)
    tenant_id = fields.Integer(required=True)
    debtor_id = fields.Integer(required=True)
    account_ids = fields.List(fields.Integer(), required=True)
    currency = fields.String(required=True)
    status = fields.String(required=True)
    created_at = fields.DateTime(required=True)
    first_opened_at = fields.DateTime(required=True, allow_none=True)
