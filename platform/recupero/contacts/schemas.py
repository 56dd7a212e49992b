"""What the API says and takes about contacts, messages and the law."""

from itertools import chain

from marshmallow import Schema, fields, validate

from recupero.contacts.told import NAMES
from recupero.kernel.rest import MAX_PAGE, PAGE, asked_reference, reference
from recupero_sdk.law import CHANNELS
from recupero_sdk.law.reasons import LANGUAGES
from recupero_sdk.law.values import OWNER_TYPES, PARTIES, SECTORS


class ContactSchema(Schema):
    """One contact with the verdict of the law under which it was made."""

    id = fields.Integer(required=True)
    at = fields.DateTime(required=True)
    direction = fields.String(required=True)
    channel = fields.String(required=True)
    connector = fields.String(required=True, allow_none=True)
    purpose = fields.String(required=True)
    state = fields.String(required=True)
    disposition = fields.String(required=True, allow_none=True)
    right_party = fields.Boolean(required=True)
    reference = fields.String(required=True, allow_none=True)
    reason = fields.String(required=True, allow_none=True)
    pack = fields.String(required=True, allow_none=True)
    pack_version = fields.String(required=True, allow_none=True)
    verdict = fields.Dict(required=True, allow_none=True)


class ContactsSchema(Schema):
    items = fields.List(fields.Nested(ContactSchema), required=True)


class MessageQuerySchema(Schema):
    account_id = asked_reference()
    offset = fields.Integer(load_default=0, validate=validate.Range(min=0, max=100_000))
    limit = fields.Integer(load_default=PAGE, validate=validate.Range(min=1, max=MAX_PAGE))


class MessageSchema(Schema):
    """One message word for word."""

    contact_id = fields.Integer(required=True)
    tenant_id = fields.Integer(required=True)
    account_id = fields.Integer(required=True, allow_none=True)
    debtor_id = fields.Integer(required=True)
    at = fields.DateTime(required=True)
    direction = fields.String(required=True)
    channel = fields.String(required=True)
    connector = fields.String(required=True, allow_none=True)
    state = fields.String(required=True)
    template = fields.String(required=True, allow_none=True)
    language = fields.String(required=True)
    address = fields.String(required=True)
    subject = fields.String(required=True)
    body = fields.String(required=True)


class MessagesSchema(Schema):
    items = fields.List(fields.Nested(MessageSchema), required=True)


class PacksSchema(Schema):
    """Regulation packs with version and verification date; countries that are closed, with the reason."""

    items = fields.List(fields.Dict(), required=True)


class RulesQuerySchema(Schema):
    on = fields.Date(metadata={"description": "only the rules in force on this local date"})


class JudgeQuerySchema(Schema):
    channel = fields.String(load_default="email", validate=validate.OneOf(CHANNELS))
    at = fields.AwareDateTime(metadata={"description": "now, unless given with its offset"})


class WordsQuerySchema(Schema):
    language = fields.String(load_default="en", validate=validate.OneOf(LANGUAGES))


class WeekQuerySchema(WordsQuerySchema):
    days = fields.Integer(load_default=7, validate=validate.Range(min=1, max=60))


class ProofSchema(Schema):
    """One contact: its verdict rule by rule, law and house rules apart, and the same judged again."""

    contact = fields.Integer(required=True)
    tenant = fields.Integer(required=True)
    account = fields.Integer(required=True, allow_none=True)
    at = fields.String(required=True)
    channel = fields.String(required=True)
    direction = fields.String(required=True)
    state = fields.String(required=True)
    allowed = fields.Boolean(required=True, allow_none=True)
    pack = fields.String(required=True, allow_none=True)
    version = fields.String(required=True, allow_none=True)
    policies = fields.List(fields.Integer(), required=True)
    law = fields.List(fields.Dict(), required=True)
    house = fields.List(fields.Dict(), required=True)
    caller = fields.Dict(required=True, allow_none=True)
    again = fields.Dict(required=True, allow_none=True)
    today = fields.Dict(required=True, allow_none=True)


class WeekSchema(Schema):
    """An account's coming days as the law sees them."""

    account = fields.Integer(required=True)
    zone = fields.String(required=True)
    zones = fields.List(fields.String(), required=True)
    unknown_zone = fields.Boolean(required=True)
    closed = fields.String(required=True, allow_none=True)
    pack = fields.String(required=True)
    channels = fields.List(fields.Dict(), required=True)


class PolicySchema(Schema):
    """One version of house rules. `tenant` null: the agency's."""

    id = fields.Integer(required=True)
    tenant = fields.Integer(required=True, allow_none=True)
    starts_at = fields.String(required=True)
    limits = fields.Dict(required=True)
    document = fields.String(required=True)
    note = fields.String(required=True)
    made_by = fields.String(required=True)
    made_at = fields.String(required=True)


class PoliciesSchema(Schema):
    items = fields.List(fields.Nested(PolicySchema), required=True)


class NewPolicySchema(Schema):
    """House rules to put above the law."""

    tenant_id = reference(allow_none=True, metadata={"description": "left out: the agency's"})
    limits = fields.Dict(
        keys=fields.String(), load_default=dict,
        metadata={"description": "per_day, per_week, per_month, gap_hours, counted, counts, channels, "
                  "weekdays, saturday, sunday (HH:MM-HH:MM or closed), no_holidays, unused"},
    )  # fmt: skip
    document = fields.String(
        load_default="",
        validate=validate.Length(max=200_000),
        metadata={"description": "more rules, as YAML"},
    )
    starts_on = fields.Date(allow_none=True, metadata={"description": "first day; now, where left out"})
    note = fields.String(load_default="", validate=validate.Length(max=500))


class StatedSchema(Schema):
    """What the law is told of debts; left out: not known, or for a portfolio as its creditor."""

    creditor_sector = fields.String(validate=validate.OneOf(SECTORS))
    owner_type = fields.String(validate=validate.OneOf(OWNER_TYPES))
    party = fields.String(validate=validate.OneOf(PARTIES))
    debt_kind = fields.String(validate=validate.Regexp(r"^[a-z][a-z0-9_]{1,39}$"))


_NUMBERS = {"description": "by country, the number that calls show; the word hidden: none is shown"}


class CreditorStatedSchema(StatedSchema):
    """What the law is told of a creditor, and by country the number that its calls show."""

    numbers = fields.Dict(
        keys=fields.String(validate=validate.Regexp(r"^[A-Z]{2}$")),
        values=fields.String(validate=validate.Length(max=25)),
        metadata=_NUMBERS,
    )


class AgencyStatedSchema(Schema):
    """Where the agency sits, and by country the number that its calls show."""

    region = fields.String(validate=validate.Length(max=10), metadata={"description": "ISO 3166-2"})
    numbers = fields.Dict(
        keys=fields.String(validate=validate.Regexp(r"^[A-Z]{2}$")),
        values=fields.String(validate=validate.Length(max=25)),
        metadata=_NUMBERS,
    )


class FactSchema(Schema):
    """One stated fact that stands. `account_id` null: of everything of the debtor. `until`: its last day."""

    id = fields.Integer(required=True)
    account_id = fields.Integer(required=True, allow_none=True)
    kind = fields.String(required=True)
    name = fields.String(required=True)
    began_on = fields.Date(required=True)
    until = fields.Date(required=True, allow_none=True)
    channel = fields.String(required=True, allow_none=True)
    stated_by = fields.String(required=True)
    stated_at = fields.DateTime(required=True)


class FactsSchema(Schema):
    items = fields.List(fields.Nested(FactSchema), required=True)


class NewFactSchema(Schema):
    """A fact to state. Which names a kind takes is in the guide of what the law is told."""

    kind = fields.String(required=True, validate=validate.OneOf(NAMES))
    name = fields.String(required=True, validate=validate.OneOf(sorted({*chain(*NAMES.values())})))
    began_on = fields.Date(required=True, metadata={"description": "the day it happened or began"})
    until = fields.Date(load_default=None, allow_none=True, metadata={"description": "its last day"})
    channel = fields.String(
        load_default=None, allow_none=True, validate=validate.OneOf(CHANNELS),
        metadata={"description": "only of an event that is about one channel"},
    )  # fmt: skip
    note = fields.String(load_default="", validate=validate.Length(max=500))
    whole_debtor = fields.Boolean(load_default=False)


class VerdictSchema(Schema):
    """What the law says of one contact: every rule consulted, and the next lawful moment."""

    allowed = fields.Boolean(required=True)
    pack = fields.String(required=True)
    version = fields.String(required=True)
    next_lawful_at = fields.String(required=True, allow_none=True)
    decided = fields.List(fields.Dict(), required=True)
    noted = fields.List(fields.List(fields.Raw()), required=True)
