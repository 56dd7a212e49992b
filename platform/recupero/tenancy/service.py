"""What changes agencies, tenants and plug-in settings."""

import json
import re
from typing import Any
from zoneinfo import available_timezones

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from recupero.kernel import audit, clock
from recupero.kernel.database import Scope, scope_of, set_scope
from recupero.kernel.errors import Conflict, Faults, NotFound, UserError
from recupero.kernel.events import publish
from recupero.kernel.money import is_currency
from recupero.tenancy.events import PluginConfigured
from recupero.tenancy.tables import Agency, PluginSetting, Tenant

LONGEST_NAME = 100  # characters
_SLUG = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,39}")
_COUNTRY = re.compile(r"[A-Z]{2}")


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
    """Add a creditor to the agency in scope, and to the scope. Raises UserError at each field that cannot be,
    Conflict where the slug is taken.

    `settings`: `plan_every_days`, days between two plans (1 by default).
    """
    _check_tenant(slug, name, country, currency, timezone)
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


def _check_tenant(slug: str, name: str, country: str, currency: str, timezone: str) -> None:
    faults = Faults()
    if not name.strip():
        faults.note(UserError("the creditor needs a name", field="name"))
    if len(name) > LONGEST_NAME:
        faults.note(UserError("At most %(most)s characters fit here.", field="name", most=LONGEST_NAME))
    if not _SLUG.fullmatch(slug):
        faults.note(
            UserError(
                "the short name is at most 40 letters, digits and hyphens, such as bank-1", field="slug"
            )
        )
    if not _COUNTRY.fullmatch(country):
        faults.note(UserError("the country is two capital letters (ISO 3166-1), such as CL", field="country"))
    if not is_currency(currency):
        faults.note(UserError("the currency is an ISO 4217 code such as CLP or EUR", field="currency"))
    if timezone not in available_timezones():
        faults.note(UserError("the time zone is one of IANA, such as America/Bogota", field="timezone"))
    faults.tell()


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
    publish(session, PluginConfigured(kind, key))
