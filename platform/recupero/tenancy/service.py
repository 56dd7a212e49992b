"""What changes agencies, tenants, users, API keys and plug-in settings."""

import json
import re
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError
from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from recupero.kernel import audit, clock, crypto
from recupero.kernel.database import PLATFORM, Database, Scope, scope_of, set_scope
from recupero.kernel.errors import Conflict, NotFound, UserError
from recupero.tenancy import queries
from recupero.tenancy.permissions import CREDITOR_ROLES, GRANTS, Permission, Role
from recupero.tenancy.queries import concerns
from recupero.tenancy.tables import Agency, ApiKey, LoginDirectory, PluginSetting, Tenant, User

MAX_FAILED_LOGINS = 5
_E164 = re.compile(r"\+[1-9]\d{6,14}")
LOCK = timedelta(minutes=15)
MIN_PASSWORD = 10
#: Matters that want somebody trained for them.
SKILLS = ("complaints", "disputes", "hardship", "identity")
#: Languages that debtors are written to in.
SPOKEN = ("es", "en", "pt")
NOTE_USE_AFTER = timedelta(minutes=1)  # a busy key's row is not written at every request

_hasher = PasswordHasher()
_AGENCY_NUMBER = re.compile(r"[0-9]{1,18}")
# In the agency's scope, which migration 0073 states within the statement; a row without an id if none holds.
_KEY = """SELECT id, name, permissions, tenant_ids, expires_at, last_used_at
    FROM recupero_api_key(%(agency)s, %(hash)s)"""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who makes a request: a signed-in user or an API key, with what they may do and see."""

    actor: str  # user:<id> or key:<id>
    name: str
    role: Role | None
    permissions: frozenset[Permission]
    agency_id: int
    scope: Scope
    locale: str
    desk: str | None = None  # the team of a user, whose offers the creditor may limit

    def may(self, permission: Permission) -> bool:
        return permission in self.permissions

    @property
    def is_creditor(self) -> bool:
        return self.role in CREDITOR_ROLES


def normalise_email(email: str) -> str:
    """The form that logins are compared in."""
    return email.strip().lower()


def create_agency(
    session: Session,
    *,
    slug: str,
    name: str,
    country: str,
    locale: str,
    timezone: str,
    contact_phone: str,
    contact_email: str,
) -> Agency:
    """Add an agency and move the session's scope into it. Needs the platform scope.

    Raises Conflict where the slug is taken.
    """
    if session.execute(select(Agency.id).where(Agency.slug == slug)).first():
        raise Conflict(
            "there is an agency '%(slug)s' already: choose another short name", field="slug", slug=slug
        )
    agency = Agency(
        slug=slug, name=name, country=country, locale=locale, timezone=timezone,
        contact_phone=contact_phone, contact_email=contact_email, created_at=clock.now(),
    )  # fmt: skip
    identity = session.execute(
        insert(Agency).values(
            slug=slug, name=name, country=country, locale=locale, timezone=timezone,
            contact_phone=contact_phone, contact_email=contact_email, created_at=agency.created_at,
        ).returning(Agency.id)
    ).scalar_one()  # fmt: skip
    set_scope(session, Scope(agency_id=identity))
    audit.record(session, "tenancy.create_agency", f"agency:{identity}", actor="system")
    return session.get_one(Agency, identity)


def create_tenant(
    session: Session,
    *,
    slug: str,
    name: str,
    country: str,
    currency: str,
    locale: str,
    timezone: str,
    actor: str,
    settings: dict[str, Any] | None = None,
) -> Tenant:
    """Add a creditor to the agency in scope, and to the scope. Raises Conflict where the slug is taken.

    `settings`: `plan_every_days`, days between two plans (1 by default).
    """
    scope = scope_of(session)
    agency = scope.agency()
    if session.execute(select(Tenant.id).where(Tenant.agency_id == agency, Tenant.slug == slug)).first():
        raise Conflict(
            "there is a creditor '%(slug)s' already: choose another short name", field="slug", slug=slug
        )
    tenant = Tenant(
        agency_id=agency, slug=slug, name=name, country=country, currency=currency, locale=locale,
        timezone=timezone, settings=settings or {}, created_at=clock.now(),
    )  # fmt: skip
    session.add(tenant)
    session.flush()
    set_scope(session, Scope(agency, (*scope.tenant_ids, tenant.id), scope.platform))
    audit.record(session, "tenancy.create_tenant", f"tenant:{tenant.id}", actor=actor, tenant_id=tenant.id)
    return tenant


def configure_tenant(session: Session, tenant_id: int, *, actor: str, **settings: Any) -> None:
    """Change settings of a tenant in scope, as `create_tenant` lists them. Raises NotFound."""
    tenant = session.get(Tenant, tenant_id)
    if tenant is None or tenant_id not in scope_of(session).tenant_ids:
        raise NotFound("no such creditor")
    tenant.settings = {**tenant.settings, **settings}
    audit.record(
        session,
        "tenancy.configure_tenant",
        f"tenant:{tenant_id}",
        actor=actor,
        tenant_id=tenant_id,
        **settings,
    )


def state_law(session: Session, stated: dict[str, Any], *, actor: str) -> None:
    """Keep what the law is told of the agency in scope, in place of what was."""
    agency = session.get_one(Agency, scope_of(session).agency())
    before, agency.law = agency.law, stated
    if before != stated:
        audit.record(
            session, "tenancy.state_law", f"agency:{agency.id}", actor=actor, before=before, after=stated
        )


def create_user(
    session: Session,
    *,
    email: str,
    name: str,
    password: str,
    role: Role,
    tenant_ids: Iterable[int] | None,
    locale: str,
    actor: str,
    desk: str | None = None,
    skills: Iterable[str] = (),
    languages: Iterable[str] = (),
) -> User:
    """Add a user to the agency in scope. `tenant_ids` None means every tenant; creditor roles need one.

    Raises UserError on a short password, an address without @, a creditor without tenant or a skill that is
    not known, Conflict on a login that exists.
    """
    tenants = None if tenant_ids is None else list(tenant_ids)
    _check_user(email, password, role, tenants)
    agency, index = scope_of(session).agency(), crypto.keyring().blind_index(normalise_email(email))
    user = User(
        agency_id=agency, email=normalise_email(email), email_index=index, name=name,
        password_hash=_hasher.hash(password), role=role.value, tenant_ids=tenants, locale=locale,
        desk=(desk or "").strip() or None, skills=_known(skills, SKILLS, "skills"),
        languages=_known(languages, SPOKEN, "languages"), created_at=clock.now(),
    )  # fmt: skip
    session.add(user)
    session.flush()
    listed = session.execute(
        insert(LoginDirectory)
        .values(email_index=index, agency_id=agency, user_id=user.id)
        .on_conflict_do_nothing()
        .returning(LoginDirectory.user_id)
    ).scalar_one_or_none()
    if listed is None:
        raise Conflict("somebody signs in with this e-mail already: choose another", field="email")
    audit.record(
        session,
        "tenancy.create_user",
        f"user:{user.id}",
        actor=actor,
        tenant_id=_only(tenants),
        role=role.value,
    )  # fmt: skip
    return user


def set_work(
    session: Session,
    user_id: int,
    *,
    desk: str | None,
    skills: Iterable[str],
    languages: Iterable[str],
    actor: str,
) -> None:
    """What work a user of the agency in scope is given. Raises NotFound, UserError on an unknown skill."""
    scope = scope_of(session)
    user = session.execute(
        select(User).where(
            User.agency_id == scope.agency(), User.id == user_id, concerns(scope, User.tenant_ids)
        )
    ).scalar_one_or_none()
    if user is None:
        raise NotFound("no such user")
    user.desk = (desk or "").strip() or None
    user.skills, user.languages = _known(skills, SKILLS, "skills"), _known(languages, SPOKEN, "languages")
    audit.record(
        session, "tenancy.set_work", f"user:{user_id}", actor=actor, desk=user.desk, skills=user.skills,
        languages=user.languages,
    )  # fmt: skip


def _known(chosen: Iterable[str], known: Sequence[str], field: str) -> list[str]:
    wanted = sorted(set(chosen))
    if not set(wanted) <= set(known):
        raise UserError("Please choose one.", field=field)
    return wanted


def _only(tenants: list[int] | None) -> int | None:
    """The one tenant that something is about, so that only its people are shown the audit event."""
    return tenants[0] if tenants is not None and len(tenants) == 1 else None


def _check_user(email: str, password: str, role: Role, tenants: list[int] | None) -> None:
    if "@" not in email:
        raise UserError("the e-mail needs an @", field="email")
    if len(password) < MIN_PASSWORD:
        raise UserError(
            "the password needs at least %(least)s characters", field="password", least=MIN_PASSWORD
        )
    if role in CREDITOR_ROLES and (tenants is None or len(tenants) != 1):
        raise UserError("a creditor's user belongs to exactly one creditor", field="tenant_ids")


def sign_in(database: Database, email: str, password: str) -> tuple[User, Caller] | None:
    """Check a login. None where it does not hold: unknown, wrong, inactive or locked are not told apart.

    Five wrong passwords lock the login for fifteen minutes.
    """
    index = crypto.keyring().blind_index(normalise_email(email))
    with database.transaction(PLATFORM) as session:
        entry = session.execute(
            select(LoginDirectory.agency_id, LoginDirectory.user_id).where(
                LoginDirectory.email_index == index
            )
        ).one_or_none()
    if entry is None:
        _hasher.hash(password)  # so that an unknown login costs the same time
        return None
    with database.transaction(Scope(agency_id=entry.agency_id)) as session:
        user = session.execute(
            select(User).where(User.agency_id == entry.agency_id, User.id == entry.user_id).with_for_update()
        ).scalar_one()
        matches = _matches(user.password_hash, password)
        if not user.active or (user.locked_until is not None and user.locked_until > clock.now()):
            return None
        if not matches:
            _count_failure(session, user)
            return None
        user.failed_logins, user.locked_until, user.last_login_at = 0, None, clock.now()
        audit.record(session, "tenancy.sign_in", f"user:{user.id}", actor=f"user:{user.id}")
        return user, caller_of(session, user)


def _matches(password_hash: str, password: str) -> bool:
    try:
        return _hasher.verify(password_hash, password)
    except VerificationError:
        return False


def _count_failure(session: Session, user: User) -> None:
    user.failed_logins += 1
    if user.failed_logins >= MAX_FAILED_LOGINS:
        user.failed_logins, user.locked_until = 0, clock.now() + LOCK
    audit.record(session, "tenancy.sign_in_failed", f"user:{user.id}", actor="nobody")


def caller_of(session: Session, user: User) -> Caller:
    """What the user may do and see. Creditor users get no agency in scope."""
    role = Role(user.role)
    if role in CREDITOR_ROLES:
        scope = Scope(None, tuple(user.tenant_ids or ()))
    else:
        scope = Scope(user.agency_id, _tenants_of(session, user), platform=role is Role.PLATFORM_OPERATOR)
    return Caller(
        f"user:{user.id}", user.name, role, GRANTS[role], user.agency_id, scope, user.locale, user.desk
    )


def _tenants_of(session: Session, user: User) -> tuple[int, ...]:
    if Role(user.role) is Role.PLATFORM_OPERATOR:
        return ()
    query = select(Tenant.id).where(Tenant.agency_id == user.agency_id).order_by(Tenant.id)
    if user.tenant_ids is not None:
        query = query.where(Tenant.id.in_(user.tenant_ids))
    return tuple(session.execute(query).scalars())


def resume(database: Database, agency_id: int, user_id: int, session_version: int) -> Caller | None:
    """The caller behind a session cookie, or None where the user is gone, inactive or signed out."""
    with database.transaction(Scope(agency_id=agency_id)) as session:
        user = session.execute(
            select(User).where(User.agency_id == agency_id, User.id == user_id)
        ).scalar_one_or_none()
        if user is None or not user.active or user.session_version != session_version:
            return None
        return caller_of(session, user)


def set_locale(session: Session, user_id: int, locale: str) -> None:
    """Keep the language in which the user wants their pages."""
    session.execute(
        update(User)
        .where(User.agency_id == scope_of(session).agency(), User.id == user_id)
        .values(locale=locale)
    )


def set_phone(session: Session, user_id: int, phone: str) -> None:
    """Where calls ring for the user; empty for nowhere, which ends their taking calls. Raises UserError for
    what is no number with its country's code."""
    number = "".join(letter for letter in phone if letter not in " ().-")
    if number and not _E164.fullmatch(number):
        raise UserError("Write the number with its country code, such as +56 2 2345 6789.", field="phone")
    found = queries.user(session, user_id)
    found.phone = number or None
    if not number:
        found.takes_calls_until = None


def take_calls(session: Session, user_id: int, until: datetime | None) -> None:
    """Calls are put through to the user until then; None: no more. Raises UserError where no number is known
    at which they ring."""
    found = queries.user(session, user_id)
    if until is not None and not found.phone:
        raise UserError("First tell at which number calls ring for you.", field="phone")
    found.takes_calls_until = until


def set_active(session: Session, user_id: int, *, active: bool, actor: str) -> None:
    """Let a user sign in, or end every session of theirs and keep them out. Raises NotFound where the user
    sees none of the tenants in scope."""
    scope = scope_of(session)
    done = session.execute(
        update(User)
        .where(User.agency_id == scope.agency(), User.id == user_id, concerns(scope, User.tenant_ids))
        .values(active=active, session_version=User.session_version + 1)
        .returning(User.id)
    ).scalar_one_or_none()
    if done is None:
        raise NotFound("no such user")
    audit.record(session, "tenancy.set_active", f"user:{user_id}", actor=actor, active=active)


def new_password(session: Session, user_id: int, *, actor: str) -> str:
    """Give the user a fresh random password, end their sessions, and return it; it is shown this once.

    Raises NotFound.
    """
    password = secrets.token_urlsafe(12)
    done = session.execute(
        update(User)
        .where(User.agency_id == scope_of(session).agency(), User.id == user_id)
        .values(
            password_hash=_hasher.hash(password),
            session_version=User.session_version + 1,
            failed_logins=0,
            locked_until=None,
        )
        .returning(User.id)
    ).scalar_one_or_none()
    if done is None:
        raise NotFound("no such user")
    audit.record(session, "tenancy.new_password", f"user:{user_id}", actor=actor)
    return password


def sign_out_everywhere(session: Session, user_id: int, *, actor: str) -> None:
    """End every session of the user."""
    session.execute(
        update(User)
        .where(User.agency_id == scope_of(session).agency(), User.id == user_id)
        .values(session_version=User.session_version + 1)
    )
    audit.record(session, "tenancy.sign_out_everywhere", f"user:{user_id}", actor=actor)


def create_api_key(
    session: Session,
    *,
    name: str,
    permissions: Iterable[Permission],
    tenant_ids: Iterable[int],
    actor: str,
    expires_at: datetime | None = None,
) -> str:
    """Make a key and return it; it is shown this once. Raises UserError where a tenant is not in scope."""
    scope, tenants = scope_of(session), list(tenant_ids)
    unseen = set(tenants) - set(scope.tenant_ids)
    if unseen or not tenants:
        raise UserError("name at least one creditor, each of your own", field="tenant_ids")
    key = f"rcp_{scope.agency()}_{secrets.token_urlsafe(32)}"
    row = ApiKey(
        agency_id=scope.agency(), name=name, secret_hash=crypto.hash_token(key),
        permissions=sorted(permission.value for permission in permissions), tenant_ids=tenants,
        created_at=clock.now(), expires_at=expires_at,
    )  # fmt: skip
    session.add(row)
    session.flush()
    audit.record(session, "tenancy.create_api_key", f"key:{row.id}", actor=actor, tenant_id=_only(tenants))
    return key


def revoke_api_key(session: Session, key_id: int, *, actor: str) -> None:
    """End a key at once. Raises NotFound where it opens none of the tenants in scope."""
    scope = scope_of(session)
    done = session.execute(
        update(ApiKey)
        .where(
            ApiKey.agency_id == scope.agency(),
            ApiKey.id == key_id,
            ApiKey.revoked_at.is_(None),
            concerns(scope, ApiKey.tenant_ids),
        )
        .values(revoked_at=clock.now())
        .returning(ApiKey.id)
    ).scalar_one_or_none()
    if done is None:
        raise NotFound("no such key")
    audit.record(session, "tenancy.revoke_api_key", f"key:{key_id}", actor=actor)


def check_api_key(database: Database, key: str) -> Caller | None:
    """The caller behind an API key, or None where it is malformed, unknown, expired or revoked."""
    prefix, _, rest = key.partition("_")
    agency_text, _, secret = rest.partition("_")
    if prefix != "rcp" or not _AGENCY_NUMBER.fullmatch(agency_text) or not secret:
        return None
    scope, now = Scope(agency_id=int(agency_text)), clock.now()
    asked = {"agency": scope.agency_id, "hash": crypto.hash_token(key)}
    key_id, name, granted, tenant_ids, expires_at, used_at = database.at_once(_KEY, asked)
    if key_id is None or (expires_at is not None and expires_at <= now):
        return None
    if used_at is None or now - used_at > NOTE_USE_AFTER:
        with database.transaction(scope) as session:
            session.execute(update(ApiKey).where(ApiKey.id == key_id).values(last_used_at=now))
    permissions = frozenset(map(Permission, granted))
    reads = Scope(scope.agency_id, tuple(tenant_ids))
    return Caller(f"key:{key_id}", name, None, permissions, scope.agency(), reads, "en")


def configure_plugin(
    session: Session,
    *,
    kind: str,
    key: str,
    enabled: bool,
    settings: dict[str, str],
    secret_values: dict[str, str] | None = None,
    actor: str,
) -> None:
    """Switch a plug-in on or off for the tenant in scope. `secret_values` None keeps the stored ones."""
    tenant, now = scope_of(session).tenant(), clock.now()
    values: dict[str, object] = {"enabled": enabled, "settings": settings, "updated_at": now}
    if secret_values is not None:
        values["secrets"] = json.dumps(secret_values)
    session.execute(
        insert(PluginSetting)
        .values(tenant_id=tenant, kind=kind, key=key, **values)
        .on_conflict_do_update(index_elements=["tenant_id", "kind", "key"], set_=values)
    )
    audit.record(
        session,
        "tenancy.configure_plugin",
        f"plugin:{kind}:{key}",
        actor=actor,
        tenant_id=tenant,
        enabled=enabled,
    )
