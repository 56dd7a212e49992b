"""What the API says and takes about creditors, users, keys, plug-ins and the audit trail."""

from marshmallow import Schema, fields, validate

from recupero.kernel.marking import LANGUAGES
from recupero.kernel.rest import MAX_ID, MAX_PAGE, PAGE, reference
from recupero.tenancy.permissions import Permission, Role
from recupero.tenancy.users import SKILLS, SPOKEN

PERMISSIONS = [one.value for one in Permission if one is not Permission.PLATFORM_OPERATE]
ROLES = [one.value for one in Role if one is not Role.PLATFORM_OPERATOR]


class MeSchema(Schema):
    """Who calls, and what they may do and see."""

    actor = fields.String(required=True, metadata={"description": "key:<id>"})
    name = fields.String(required=True)
    permissions = fields.List(fields.String(), required=True)
    tenant_ids = fields.List(fields.Integer(), required=True)


class TenantSchema(Schema):
    """A creditor."""

    id = fields.Integer(required=True)
    slug = fields.String(required=True)
    name = fields.String(required=True)
    country = fields.String(required=True)
    currency = fields.String(required=True)
    locale = fields.String(required=True)
    timezone = fields.String(required=True)
    status = fields.String(required=True)


class TenantsSchema(Schema):
    items = fields.List(fields.Nested(TenantSchema), required=True)


class UserSchema(Schema):
    """Somebody who signs in. `tenant_ids` null means every creditor of the agency."""

    id = fields.Integer(required=True)
    name = fields.String(required=True)
    email = fields.String(required=True)
    role = fields.String(required=True)
    tenant_ids = fields.List(fields.Integer(), required=True, allow_none=True)
    locale = fields.String(required=True)
    desk = fields.String(required=True, allow_none=True)
    skills = fields.List(fields.String(), required=True)
    languages = fields.List(fields.String(), required=True)
    active = fields.Boolean(required=True)
    last_login_at = fields.DateTime(required=True, allow_none=True)


class UsersSchema(Schema):
    items = fields.List(fields.Nested(UserSchema), required=True)


class NewUserSchema(Schema):
    email = fields.Email(required=True, validate=validate.Length(max=200))
    name = fields.String(required=True, validate=validate.Length(min=1, max=200))
    password = fields.String(required=True, load_only=True, validate=validate.Length(min=10, max=200))
    role = fields.String(required=True, validate=validate.OneOf(ROLES))
    tenant_ids = fields.List(reference(), required=True, validate=validate.Length(min=1, max=1000))
    locale = fields.String(load_default="es", validate=validate.OneOf(LANGUAGES))
    desk = fields.String(load_default=None, allow_none=True, validate=validate.Length(max=40))
    skills = fields.List(fields.String(validate=validate.OneOf(SKILLS)), load_default=list)
    languages = fields.List(fields.String(validate=validate.OneOf(SPOKEN)), load_default=list)


class UserSwitchSchema(Schema):
    active = fields.Boolean(required=True, metadata={"description": "false ends every session at once"})


class ApiKeySchema(Schema):
    """A machine's key; the key itself is shown once, when it is made."""

    id = fields.Integer(required=True)
    name = fields.String(required=True)
    permissions = fields.List(fields.String(), required=True)
    tenant_ids = fields.List(fields.Integer(), required=True)
    created_at = fields.DateTime(required=True)
    expires_at = fields.DateTime(required=True, allow_none=True)
    revoked_at = fields.DateTime(required=True, allow_none=True)
    last_used_at = fields.DateTime(required=True, allow_none=True)


class ApiKeysSchema(Schema):
    items = fields.List(fields.Nested(ApiKeySchema), required=True)


class NewApiKeySchema(Schema):
    name = fields.String(required=True, validate=validate.Length(min=1, max=200))
    permissions = fields.List(
        fields.String(validate=validate.OneOf(PERMISSIONS)), required=True, validate=validate.Length(min=1)
    )
    tenant_ids = fields.List(reference(), required=True, validate=validate.Length(min=1, max=1000))
    expires_at = fields.AwareDateTime(load_default=None, allow_none=True)


class MadeApiKeySchema(Schema):
    key = fields.String(required=True, metadata={"description": "shown this once"})


class PluginSchema(Schema):
    """An installed plug-in. `error` says why it was left out."""

    kind = fields.String(required=True)
    name = fields.String(required=True)
    distribution = fields.String(required=True)
    version = fields.String(required=True)
    keys = fields.List(fields.String(), required=True)
    error = fields.String(required=True, allow_none=True)


class PluginsSchema(Schema):
    items = fields.List(fields.Nested(PluginSchema), required=True)


class PluginSettingSchema(Schema):
    """How a plug-in is set for a creditor. Of secrets only the names of those that are set are told."""

    kind = fields.String(required=True)
    key = fields.String(required=True)
    enabled = fields.Boolean(required=True)
    settings = fields.Dict(keys=fields.String(), values=fields.String(), required=True)
    secrets_set = fields.List(fields.String(), required=True)


class PluginSettingsSchema(Schema):
    items = fields.List(fields.Nested(PluginSettingSchema), required=True)


_TEXT = fields.String(validate=validate.Length(max=4000))


class NewPluginSettingSchema(Schema):
    enabled = fields.Boolean(required=True)
    settings = fields.Dict(keys=fields.String(), values=_TEXT, load_default=dict)
    secrets = fields.Dict(
        keys=fields.String(),
        values=_TEXT,
        load_default=None,
        allow_none=True,
        load_only=True,
        metadata={"description": "replaces all stored secrets; leave out to keep them; never shown"},
    )


class AuditQuerySchema(Schema):
    before = fields.Integer(validate=validate.Range(min=1, max=MAX_ID))
    limit = fields.Integer(load_default=PAGE, validate=validate.Range(min=1, max=MAX_PAGE))
    holding = fields.String(load_default="", validate=validate.Length(max=100))


class AuditEventSchema(Schema):
    seq = fields.Integer(required=True)
    at = fields.DateTime(required=True)
    actor = fields.String(required=True)
    action = fields.String(required=True)
    subject = fields.String(required=True)
    tenant_id = fields.Integer(required=True, allow_none=True)
    details = fields.Dict(required=True)


class AuditPageSchema(Schema):
    items = fields.List(fields.Nested(AuditEventSchema), required=True)
    next = fields.Integer(required=True, allow_none=True, metadata={"description": "ask with `before`"})


class AuditProofSchema(Schema):
    """Whether the agency's chain holds; each problem names the event where it breaks."""

    events = fields.Integer(required=True)
    head = fields.String(required=True, metadata={"description": "hash of the newest event, in hex"})
    problems = fields.List(fields.String(), required=True)
