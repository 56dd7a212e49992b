"""Who makes a request: a user who signs in and comes back. Keys of programs are in `keys`."""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from recupero.kernel import audit, clock, crypto
from recupero.kernel.database import PLATFORM, Database, Scope
from recupero.tenancy import passwords
from recupero.tenancy.permissions import CREDITOR_ROLES, GRANTS, Permission, Role
from recupero.tenancy.tables import LoginDirectory, Tenant, User

MAX_FAILED_LOGINS = 5
LOCK = timedelta(minutes=15)


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
        passwords.hashed(password)  # so that an unknown login costs the same time
        return None
    with database.transaction(Scope(agency_id=entry.agency_id)) as session:
        user = session.execute(
            select(User).where(User.agency_id == entry.agency_id, User.id == entry.user_id).with_for_update()
        ).scalar_one()
        matches = passwords.matches(user.password_hash, password)
        if not user.active or (user.locked_until is not None and user.locked_until > clock.now()):
            return None
        if not matches:
            _count_failure(session, user)
            return None
        user.failed_logins, user.locked_until, user.last_login_at = 0, None, clock.now()
        audit.record(session, "tenancy.sign_in", f"user:{user.id}", actor=f"user:{user.id}")
        return user, caller_of(session, user)


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
