"""What the API says of offers and moments that models advise."""

from marshmallow import Schema, fields


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
