"""What the API says and takes about conversations and what nobody could place."""

from marshmallow import Schema, fields, validate

from recupero.kernel.rest import BINARY, MAX_PAGE, PAGE, asked_reference, reference
from recupero.outreach.conversations.replies import LONGEST


class TalkQuerySchema(Schema):
    """Which conversations; without more, all. `waiting`: for an answer, or not; `handed_over`: only those
    that a person has, answered or not."""

    tenant_id = asked_reference(load_default=None)
    waiting = fields.Boolean(load_default=None)
    handed_over = fields.Boolean(load_default=False)
    offset = fields.Integer(load_default=0, validate=validate.Range(min=0, max=100_000))
    limit = fields.Integer(load_default=PAGE, validate=validate.Range(min=1, max=MAX_PAGE))


class TalkSchema(Schema):
    """The conversation with one debtor. `waiting_since` null: nobody need answer."""

    debtor_id = fields.Integer(required=True)
    tenant_id = fields.Integer(required=True)
    account_id = fields.Integer(required=True)
    channel = fields.String(required=True)
    last_at = fields.DateTime(required=True)
    waiting_since = fields.DateTime(required=True, allow_none=True)
    due_at = fields.DateTime(required=True, allow_none=True)
    assigned_to = fields.Integer(required=True, allow_none=True)


class TalksSchema(Schema):
    items = fields.List(fields.Nested(TalkSchema), required=True)


class TalkFileSchema(Schema):
    """A file that came with a message; `refused` says why it was not kept."""

    id = fields.Integer(required=True)
    name = fields.String(required=True)
    media_type = fields.String(required=True)
    size = fields.Integer(required=True)
    refused = fields.String(required=True, allow_none=True)


class TalkLineSchema(Schema):
    """One thing said or done. `channel` may be `link`: they opened their own page."""

    at = fields.DateTime(required=True)
    direction = fields.String(required=True)
    channel = fields.String(required=True)
    state = fields.String(required=True)
    reason = fields.String(required=True, allow_none=True)
    subject = fields.String(required=True)
    body = fields.String(required=True)
    address = fields.String(required=True)
    disposition = fields.String(required=True, allow_none=True)
    contact_id = fields.Integer(required=True, allow_none=True)
    account_id = fields.Integer(required=True, allow_none=True)
    files = fields.List(fields.Nested(TalkFileSchema), required=True)


class TalkLinesSchema(TalkSchema):
    """A conversation with everything said in it, over all channels, in order."""

    lines = fields.List(fields.Nested(TalkLineSchema), required=True)


class NewReplySchema(Schema):
    """An answer to the debtor's last message, by the same channel."""

    text = fields.String(required=True, validate=validate.Length(min=1, max=LONGEST))
    subject = fields.String(load_default="", validate=validate.Length(max=200))


class ReplyMadeSchema(Schema):
    """The action that carries the answer."""

    action_id = fields.Integer(required=True)


class UnplacedSchema(Schema):
    """An event that a person must look at."""

    id = fields.Integer(required=True)
    tenant_id = fields.Integer(required=True)
    connector = fields.String(required=True)
    kind = fields.String(required=True)
    state = fields.String(required=True)
    reason = fields.String(required=True, allow_none=True)
    received_at = fields.DateTime(required=True)
    channel = fields.String(required=True)
    sender = fields.String(required=True)
    subject = fields.String(required=True)
    text = fields.String(required=True)
    files = fields.List(fields.Nested(TalkFileSchema), required=True)


class UnplacedListSchema(Schema):
    items = fields.List(fields.Nested(UnplacedSchema), required=True)


class PlaceSchema(Schema):
    """The account that a message is about; left out or null: it is about nobody here."""

    account_id = reference(allow_none=True, load_default=None)


class PlacedSchema(Schema):
    """The contact that the message became; null where it was dismissed."""

    contact_id = fields.Integer(required=True, allow_none=True)


class ChannelFileSchema(Schema):
    """A connector's file."""

    file = fields.Raw(required=True, metadata=BINARY)


class FileProblemSchema(Schema):
    line = fields.Integer(required=True)
    problem = fields.String(required=True)


class FileTakenSchema(Schema):
    """Events in the file, how many of them are new, and the lines that could not be read."""

    events = fields.Integer(required=True)
    new = fields.Integer(required=True)
    problems = fields.List(fields.Nested(FileProblemSchema), required=True)
