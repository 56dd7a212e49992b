"""Whose accounts benchmarks measure on: an agency and creditors in Chile."""

from recupero.kernel import runtime
from recupero.kernel.database import PLATFORM, Scope, scope_of
from recupero.tenancy import service

_ZONE = "America/Santiago"


def agency(platform: runtime.Runtime, slug: str = "bench") -> Scope:
    """A new agency without creditors."""
    with platform.database.transaction(PLATFORM) as session:
        service.create_agency(
            session, slug=slug, name=slug, country="CL", locale="es", timezone=_ZONE,
            contact_phone="+56 2 2345 6789", contact_email="bench@example.com",
        )  # fmt: skip
        return Scope(scope_of(session).agency())


def creditor(platform: runtime.Runtime, agency: Scope, slug: str = "bench") -> Scope:
    """A new creditor of the agency."""
    with platform.database.transaction(agency) as session:
        tenant = service.create_tenant(
            session, slug=slug, name=slug, country="CL", currency="CLP", locale="es", timezone=_ZONE,
            actor="system",
        )  # fmt: skip
        return Scope(agency.agency(), (tenant.id,))
