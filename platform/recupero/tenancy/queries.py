"""What reads agencies, tenants, users and plug-in settings."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, bindparam, func, or_, select
from sqlalchemy.orm import Session

from recupero.kernel import crypto
from recupero.kernel.bulk import any_of
from recupero.kernel.database import PLATFORM, Database, Scope, scope_of
from recupero.kernel.errors import NotFound
from recupero.kernel.statements import Parameters, Statement
from recupero.tenancy.tables import Agency, ApiKey, PluginSetting, Tenant, User
from recupero_sdk.settings import PluginConfig

_Row = TypeVar("_Row", Agency, Tenant)


@dataclass(frozen=True, slots=True)
class AgencyScope:
    """An agency and all of its tenants, as scheduled work goes through them."""

    agency_id: int
    tenant_ids: tuple[int, ...]

    def scope(self) -> Scope:
        return Scope(self.agency_id, self.tenant_ids)

    def of_tenant(self, tenant_id: int) -> Scope:
        return Scope(self.agency_id, (tenant_id,))


def agency_scopes(database: Database) -> list[AgencyScope]:
    """Every agency of the deployment with its active tenants: the directory that scheduled jobs walk."""
    with database.transaction(PLATFORM) as session:
        rows = session.execute(
            select(Tenant.agency_id, Tenant.id)
            .where(Tenant.status == "active")
            .order_by(Tenant.agency_id, Tenant.id)
        ).all()
    tenants: dict[int, list[int]] = {}
    for agency_id, tenant_id in rows:
        tenants.setdefault(agency_id, []).append(tenant_id)
    return [AgencyScope(agency_id, tuple(ids)) for agency_id, ids in tenants.items()]


def tenant_scope(database: Database, name: str) -> Scope:
    """Scope of one tenant by `slug` (or `agency/slug` where two agencies use the same) or id.

    For operators' commands. Raises NotFound, saying what to type instead.
    """
    agency_slug, _, slug = name.rpartition("/")
    query = select(Tenant.agency_id, Tenant.id, Tenant.slug, Agency.slug).join(
        Agency, Agency.id == Tenant.agency_id
    )
    with database.transaction(PLATFORM) as session:
        rows = session.execute(query.order_by(Agency.slug, Tenant.slug)).all()
    matches = [row for row in rows if row[2] == slug or str(row[1]) == slug]
    if agency_slug:
        matches = [row for row in matches if row[3] == agency_slug]
    if len(matches) == 1:
        return Scope(matches[0][0], (matches[0][1],))
    known = ", ".join(f"{row[3]}/{row[2]}" for row in rows[:20]) or "-"
    if matches:
        raise NotFound(
            "several tenants are called '%(name)s': write agency/name; tenants: %(known)s",
            field="tenant",
            name=name,
            known=known,
        )
    raise NotFound(
        "there is no tenant '%(name)s'; tenants: %(known)s", field="tenant", name=name, known=known
    )


def agency(session: Session) -> Agency:
    """The agency in scope."""
    return _held(session, session.get_one(Agency, scope_of(session).agency()))


def tenant(session: Session, tenant_id: int | None = None) -> Tenant:
    """The tenant in scope, or the one of that id among those in scope. Raises NotFound."""
    wanted = scope_of(session).tenant() if tenant_id is None else tenant_id
    found = session.get(Tenant, wanted)
    if found is None or wanted not in scope_of(session).tenant_ids:
        raise NotFound("no such creditor")
    return _held(session, found)


def _held(session: Session, row: _Row) -> _Row:
    """The row, held to the end of the transaction: the session forgets what nobody holds, and would ask for
    it again for each who wants to know a name or a time zone."""
    session.info.setdefault("held", {})[type(row), row.id] = row
    return row


def tenants(session: Session) -> Sequence[Tenant]:
    """The tenants in scope, by name."""
    ids = scope_of(session).tenant_ids
    if len(ids) == 1 and (held := session.info.get("held", {}).get((Tenant, ids[0]))) is not None:
        return [held]
    return session.execute(select(Tenant).where(Tenant.id.in_(ids)).order_by(Tenant.name)).scalars().all()


def whole_agency(session: Session) -> bool:
    """Whether every tenant of the agency is in scope."""
    scope = scope_of(session)
    beyond = select(Tenant.id).where(Tenant.agency_id == scope.agency(), Tenant.id.not_in(scope.tenant_ids))
    return session.execute(beyond.limit(1)).first() is None


@dataclass(frozen=True, slots=True)
class House:
    """A creditor and its agency, as far as whoever writes, calls or asks the law for them wants it. `agency`
    to `law` are the agency's, the others the creditor's: None and nothing where no creditor is in scope."""

    agency: str
    phone: str
    email: str
    law: Mapping[str, Any]
    tenant_id: int | None
    creditor: str
    timezone: str
    settings: Mapping[str, Any]


_HOUSES = Statement(
    select(
        Agency.name, Agency.contact_phone, Agency.contact_email, Agency.law,
        Tenant.id, Tenant.name, Tenant.timezone, Tenant.settings,
    )
    .outerjoin(Tenant, (Tenant.agency_id == Agency.id) & any_of(Tenant.id, "tenants"))
    .where(Agency.id == bindparam("agency"))
    .order_by(Tenant.name)
)  # fmt: skip


def houses(session: Session) -> list[House]:
    """One for each tenant in scope, by name; one without a tenant where there is none. Needs the agency in
    scope."""
    statement, asked = ask_houses(session)
    if (known := statement.answered(session, asked)) is not None:
        return [
            House(name, phone, email, law, tenant_id, creditor or "", timezone or "", settings or {})
            for name, phone, email, law, tenant_id, creditor, timezone, settings in known
        ]
    of = agency(session)
    there = (of.name, of.contact_phone, of.contact_email, of.law)
    several = len(scope_of(session).tenant_ids) != 1
    all_ = tenants(session) if several else [tenant(session)]
    found = [House(*there, one.id, one.name, one.timezone, one.settings) for one in all_]
    return found or [House(*there, None, "", "", {})]


def house(session: Session) -> House:
    """That of the one tenant in scope. Raises NotFound."""
    found = [one for one in houses(session) if one.tenant_id == scope_of(session).tenant()]
    if not found:
        raise NotFound("no such creditor")
    return found[0]


def ask_houses(session: Session) -> tuple[Statement, Parameters]:
    """What `houses` asks, for `statements.asked_together`."""
    scope = scope_of(session)
    return _HOUSES, {"agency": scope.agency(), "tenants": list(scope.tenant_ids)}


def users(session: Session) -> Sequence[User]:
    """Users of the agency in scope who see one of the tenants in scope, or all of the agency's."""
    mine = concerns(scope_of(session), User.tenant_ids)
    return session.execute(select(User).where(mine).order_by(User.id)).scalars().all()


def user(session: Session, user_id: int) -> User:
    """The user of that id of the agency in scope. Raises NotFound."""
    found = session.get(User, (scope_of(session).agency(), user_id))
    if found is None:
        raise NotFound("no such user")
    return found


def user_by_email(session: Session, email: str) -> User:
    """The active user of the agency in scope who signs in with `email` and sees one of the tenants in scope.
    Raises NotFound."""
    index = crypto.keyring().blind_index(email.strip().lower())
    found = session.execute(
        select(User).where(
            User.agency_id == scope_of(session).agency(), User.email_index == index, User.active,
            concerns(scope_of(session), User.tenant_ids),
        )
    ).scalar_one_or_none()  # fmt: skip
    if found is None:
        raise NotFound("nobody of the agency signs in with %(email)s", field="by", email=email)
    return found


def concerns(scope: Scope, tenant_ids: Any) -> ColumnElement[bool]:
    """Condition on a column of tenants: it names one that is in scope, or is null and means all."""
    return or_(tenant_ids.is_(None), tenant_ids.overlap(list(scope.tenant_ids)))


def api_keys(session: Session) -> Sequence[ApiKey]:
    """Keys of the agency in scope that open one of the tenants in scope, newest first."""
    mine = concerns(scope_of(session), ApiKey.tenant_ids)
    return session.execute(select(ApiKey).where(mine).order_by(ApiKey.id.desc())).scalars().all()


def plugin_config(session: Session, kind: str, key: str) -> tuple[bool, PluginConfig] | None:
    """Whether the plug-in is on for the tenant in scope and how it is set; None where nobody set it."""
    row = session.execute(
        select(PluginSetting).where(
            PluginSetting.tenant_id == scope_of(session).tenant(),
            PluginSetting.kind == kind,
            PluginSetting.key == key,
        )
    ).scalar_one_or_none()
    if row is None:
        return None
    secrets = json.loads(row.secrets) if row.secrets else {}
    return row.enabled, PluginConfig(dict(row.settings), secrets)


def plugin_configs(session: Session, tenant_id: int, kind: str) -> list[tuple[str, PluginConfig]]:
    """Key and settings of each plug-in of a kind that is on for one of the tenants in scope."""
    return [(key, config) for _tenant, key, config in all_plugin_configs(session, kind, tenant_id)]


def all_plugin_configs(
    session: Session, kind: str, tenant_id: int | None = None
) -> list[tuple[int, str, PluginConfig]]:
    """Tenant, key and settings of each plug-in of a kind that is on for the tenants in scope, or for one of
    them."""
    only = () if tenant_id is None else (PluginSetting.tenant_id == tenant_id,)
    rows = session.execute(
        select(PluginSetting)
        .where(
            PluginSetting.tenant_id.in_(scope_of(session).tenant_ids), PluginSetting.kind == kind,
            PluginSetting.enabled, *only,
        )
        .order_by(PluginSetting.tenant_id, PluginSetting.key)
    ).scalars()  # fmt: skip
    return [
        (row.tenant_id, row.key, PluginConfig(
            dict(row.settings), json.loads(row.secrets) if row.secrets else {}
        ))
        for row in rows
    ]  # fmt: skip


def plugins_set(session: Session) -> dict[tuple[str, str], bool]:
    """Kind and key of each plug-in that was set for the tenant in scope, and whether it is on."""
    rows = session.execute(
        select(PluginSetting.kind, PluginSetting.key, PluginSetting.enabled).where(
            PluginSetting.tenant_id == scope_of(session).tenant()
        )
    )
    return {(row.kind, row.key): row.enabled for row in rows}


_ENABLED = Statement(
    select(PluginSetting.key)
    .where(
        PluginSetting.tenant_id == bindparam("tenant"),
        PluginSetting.kind == bindparam("kind"),
        PluginSetting.enabled,
    )
    .order_by(PluginSetting.key)
)


def enabled_plugins(session: Session, kind: str) -> list[str]:
    """Keys of the plug-ins of a kind that are on for the tenant in scope."""
    statement, asked = ask_enabled(session, kind)
    return statement.column(session, asked)


def ask_enabled(session: Session, kind: str) -> tuple[Statement, Parameters]:
    """What `enabled_plugins` asks, for `statements.asked_together`."""
    return _ENABLED, {"tenant": scope_of(session).tenant(), "kind": kind}


def plugin_settings_on(
    session: Session, kind: str, keys: Collection[str]
) -> list[tuple[int, str, dict[str, str]]]:
    """Tenant, key and plain settings of each of these plug-ins that is on for one of the tenants in scope."""
    rows = session.execute(
        select(PluginSetting.tenant_id, PluginSetting.key, PluginSetting.settings)
        .where(
            PluginSetting.tenant_id.in_(scope_of(session).tenant_ids),
            PluginSetting.kind == kind,
            PluginSetting.key.in_(keys),
            PluginSetting.enabled,
        )
        .order_by(PluginSetting.tenant_id, PluginSetting.key)
    )
    return [(row.tenant_id, row.key, dict(row.settings)) for row in rows]


def plugins_on(session: Session, kind: str) -> list[tuple[int, str]]:
    """Tenant and key of each plug-in of a kind that is on for one of the tenants in scope."""
    rows = session.execute(
        select(PluginSetting.tenant_id, PluginSetting.key)
        .where(
            PluginSetting.tenant_id.in_(scope_of(session).tenant_ids),
            PluginSetting.kind == kind,
            PluginSetting.enabled,
        )
        .order_by(PluginSetting.tenant_id, PluginSetting.key)
    )
    return [(row[0], row[1]) for row in rows]


@dataclass(frozen=True, slots=True)
class AgencyLine:
    """An agency as the platform's operator sees it: no personal data, no accounts."""

    name: str
    slug: str
    country: str
    timezone: str
    tenants: int


def agencies(database: Database) -> list[AgencyLine]:
    """Every agency of the deployment by name."""
    count = select(func.count()).where(Tenant.agency_id == Agency.id).scalar_subquery()
    with database.transaction(PLATFORM) as session:
        rows = session.execute(
            select(Agency.name, Agency.slug, Agency.country, Agency.timezone, count).order_by(Agency.name)
        )
        return [AgencyLine(*row) for row in rows]
