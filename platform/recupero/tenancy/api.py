"""Creditors, users, API keys, plug-ins and the audit trail, for machines."""

from typing import Any

from recupero.kernel import audit, rest, runtime
from recupero.kernel.errors import Forbidden, NotFound, Quoted, UserError
from recupero.tenancy import keys, queries, schemas, service
from recupero.tenancy import users as user_service
from recupero.tenancy.guard import requires, tenant_transaction, the_caller, transaction
from recupero.tenancy.permissions import GRANTS, Permission, Role
from recupero_sdk.settings import PluginConfig, Setting

blueprint = rest.Endpoints("tenancy", "Creditors, users, keys, plug-ins, audit")
CONFIGURABLE = ("channel", "gateway")


@blueprint.get("/me")
@requires(Permission.REPORTS_READ)
@blueprint.response(200, schemas.MeSchema)
def me() -> dict[str, Any]:
    """Who am I"""
    caller = the_caller()
    return {
        "actor": caller.actor,
        "name": caller.name,
        "permissions": sorted(one.value for one in caller.permissions),
        "tenant_ids": list(caller.scope.tenant_ids),
    }


@blueprint.get("/tenants")
@requires(Permission.TENANCY_READ)
@blueprint.response(200, schemas.TenantsSchema)
def tenants() -> dict[str, Any]:
    """Creditors of the key"""
    with transaction() as session:
        return {"items": queries.tenants(session)}


@blueprint.get("/tenants/<int:tenant_id>")
@requires(Permission.TENANCY_READ)
@blueprint.response(200, schemas.TenantSchema)
def tenant(tenant_id: int) -> Any:
    """One creditor"""
    with tenant_transaction(tenant_id) as session:
        return queries.tenant(session)


@blueprint.get("/users")
@requires(Permission.TENANCY_MANAGE)
@blueprint.response(200, schemas.UsersSchema)
def users() -> dict[str, Any]:
    """Users who see the key's creditors"""
    with transaction() as session:
        return {"items": queries.users(session)}


@blueprint.post("/users")
@requires(Permission.TENANCY_MANAGE)
@blueprint.arguments(schemas.NewUserSchema)
@blueprint.response(201, schemas.UserSchema)
def add_user(data: dict[str, Any]) -> Any:
    """Add a user

    A user gets no right that the key does not have, and no creditor outside the key's."""
    role = Role(data["role"])
    _check_grant(GRANTS[role], data["tenant_ids"])
    with transaction() as session:
        return user_service.create(session, **{**data, "role": role}, actor=the_caller().actor)


@blueprint.patch("/users/<int:user_id>")
@requires(Permission.TENANCY_MANAGE)
@blueprint.arguments(schemas.UserSwitchSchema)
@blueprint.response(204)
def switch_user(data: dict[str, Any], user_id: int) -> None:
    """Let a user sign in, or keep them out"""
    with transaction() as session:
        user_service.set_active(session, user_id, active=data["active"], actor=the_caller().actor)


@blueprint.get("/api-keys")
@requires(Permission.TENANCY_MANAGE)
@blueprint.response(200, schemas.ApiKeysSchema)
def api_keys() -> dict[str, Any]:
    """Keys for the key's creditors"""
    with transaction() as session:
        return {"items": queries.api_keys(session)}


@blueprint.post("/api-keys")
@requires(Permission.TENANCY_MANAGE)
@blueprint.arguments(schemas.NewApiKeySchema)
@blueprint.response(201, schemas.MadeApiKeySchema)
def add_api_key(data: dict[str, Any]) -> dict[str, Any]:
    """Make a key; it is shown this once"""
    wanted = frozenset(Permission(name) for name in data.pop("permissions"))
    _check_grant(wanted, data["tenant_ids"])
    with transaction() as session:
        made = keys.create(session, **data, permissions=wanted, actor=the_caller().actor)
    return {"key": made}


@blueprint.delete("/api-keys/<int:key_id>")
@requires(Permission.TENANCY_MANAGE)
@blueprint.response(204)
def revoke_api_key(key_id: int) -> None:
    """End a key at once"""
    with transaction() as session:
        keys.revoke(session, key_id, actor=the_caller().actor)


def _check_grant(permissions: frozenset[Permission], tenant_ids: list[int]) -> None:
    """Nobody gives what they do not have."""
    caller = the_caller()
    if not permissions <= caller.permissions:
        missing = ", ".join(sorted(one.value for one in permissions - caller.permissions))
        raise Forbidden("your key cannot give what it does not have: %(missing)s", missing=missing)
    if not set(tenant_ids) <= set(caller.scope.tenant_ids):
        raise UserError("name creditors of your own key", field="tenant_ids")


@blueprint.get("/plugins")
@requires(Permission.TENANCY_READ)
@blueprint.response(200, schemas.PluginsSchema)
def plugins() -> dict[str, Any]:
    """Installed plug-ins"""
    return {"items": runtime.current().plugins.states}


@blueprint.get("/tenants/<int:tenant_id>/plugins")
@requires(Permission.TENANCY_READ)
@blueprint.response(200, schemas.PluginSettingsSchema)
def plugin_settings(tenant_id: int) -> dict[str, Any]:
    """Plug-ins as they are set for a creditor"""
    with tenant_transaction(tenant_id) as session:
        found = [
            (kind, key, queries.plugin_config(session, kind, key))
            for kind, key in queries.plugins_set(session)
        ]
    return {"items": [_shown(kind, key, config) for kind, key, config in found]}


def _shown(kind: str, key: str, stored: tuple[bool, PluginConfig] | None) -> dict[str, Any]:
    enabled, config = stored or (False, PluginConfig())
    return {
        "kind": kind,
        "key": key,
        "enabled": enabled,
        "settings": dict(config.settings),
        "secrets_set": sorted(name for name, value in config.secrets.items() if value),
    }


@blueprint.put("/tenants/<int:tenant_id>/plugins/<kind>/<key>")
@requires(Permission.TENANCY_MANAGE)
@blueprint.arguments(schemas.NewPluginSettingSchema)
@blueprint.response(200, schemas.PluginSettingSchema)
def configure_plugin(data: dict[str, Any], tenant_id: int, kind: str, key: str) -> dict[str, Any]:
    """Switch a plug-in on or off for a creditor, and set it"""
    known = _settings(kind, key)
    with tenant_transaction(tenant_id) as session:
        stored = queries.plugin_config(session, kind, key) or (False, PluginConfig())
        secrets = stored[1].secrets if data["secrets"] is None else data["secrets"]
        config = PluginConfig(data["settings"], secrets)
        _check_names(known, config)
        if data["enabled"]:
            _check_works(kind, key, known, config)
        service.configure_plugin(
            session, kind=kind, key=key, enabled=data["enabled"], settings=data["settings"],
            secret_values=data["secrets"], actor=the_caller().actor,
        )  # fmt: skip
    return _shown(kind, key, (data["enabled"], config))


def _settings(kind: str, key: str) -> list[Setting]:
    """Raises NotFound where no such channel or gateway is installed."""
    plugins = runtime.current().plugins
    if kind == "channel" and key in plugins.channels:
        return list(plugins.channels[key].settings)
    if kind == "gateway" and key in plugins.gateways:
        return list(plugins.gateways[key].settings)
    raise NotFound("no such plug-in can be configured")


def _check_names(known: list[Setting], config: PluginConfig) -> None:
    secret = {one.name for one in known if one.secret}
    plain = {one.name for one in known} - secret
    for where, given, right in (("settings", config.settings, plain), ("secrets", config.secrets, secret)):
        for name in given:
            if name not in right:
                raise UserError(
                    "unknown name '%(name)s': use %(known)s",
                    field=where,
                    name=name,
                    known=", ".join(sorted(right)) or "-",
                )


def _check_works(kind: str, key: str, known: list[Setting], config: PluginConfig) -> None:
    for one in known:
        if one.required and not config.get(one.name):
            raise UserError("'%(name)s' is needed to switch the plug-in on", field=one.name, name=one.name)
    if kind == "channel" and (problem := runtime.current().plugins.channels[key].check(config)):
        raise UserError("the plug-in cannot work so: %(problem)s", problem=Quoted(problem))


@blueprint.get("/audit")
@requires(Permission.AUDIT_READ)
@blueprint.arguments(schemas.AuditQuerySchema, location="query")
@blueprint.response(200, schemas.AuditPageSchema)
def audit_events(query: dict[str, Any]) -> dict[str, Any]:
    """The audit trail, newest first"""
    limit = query["limit"]
    with transaction() as session:
        rows = audit.page(session, before=query.get("before"), holding=query["holding"], limit=limit + 1)
    return {"items": rows[:limit], "next": rows[limit - 1].seq if len(rows) > limit else None}


@blueprint.get("/audit/proof")
@requires(Permission.AUDIT_READ)
@blueprint.response(200, schemas.AuditProofSchema)
def audit_proof() -> dict[str, Any]:
    """Walk the agency's hash chain"""
    with transaction() as session:
        seq, head = audit.head(session)
        return {"events": seq, "head": head.hex(), "problems": audit.verify(session)}
