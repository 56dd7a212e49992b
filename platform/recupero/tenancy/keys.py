"""API keys: made, ended and checked at every request."""

import re
import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import update
from sqlalchemy.orm import Session

from recupero.kernel import audit, clock, crypto
from recupero.kernel.database import Database, Scope, scope_of
from recupero.kernel.errors import NotFound, UserError
from recupero.tenancy.callers import Caller
from recupero.tenancy.permissions import Permission
from recupero.tenancy.queries import concerns
from recupero.tenancy.tables import ApiKey

NOTE_USE_AFTER = timedelta(minutes=1)  # a busy key's row is not written at every request
_AGENCY_NUMBER = re.compile(r"[0-9]{1,18}")
# In the agency's scope, which migration 0073 states within the statement; a row without an id if none holds.
_KEY = """SELECT id, name, permissions, tenant_ids, expires_at, last_used_at
    FROM recupero_api_key(%(agency)s, %(hash)s)"""


def create(
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
    audit.record(
        session,
        "tenancy.create_api_key",
        f"key:{row.id}",
        actor=actor,
        tenant_id=tenants[0] if len(tenants) == 1 else None,
    )
    return key


def revoke(session: Session, key_id: int, *, actor: str) -> None:
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


def check(database: Database, key: str) -> Caller | None:
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
