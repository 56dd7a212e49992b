"""Makers of test data, through the rooms' own services wherever they have one."""

import itertools
from dataclasses import dataclass, field

from recupero.kernel import runtime
from recupero.kernel.database import PLATFORM, Scope, scope_of
from recupero.tenancy import service as tenancy

_ZONES = {"CL": "America/Santiago", "CO": "America/Bogota"}
_CURRENCIES = {"CL": "CLP", "CO": "COP"}


@dataclass
class World:
    """Makes things with sensible defaults and unique names."""

    platform: runtime.Runtime
    _numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    def agency(self, country: str = "CL") -> Scope:
        """A new agency without tenants; its scope."""
        number = next(self._numbers)
        with self.platform.database.transaction(PLATFORM) as session:
            tenancy.create_agency(
                session,
                slug=f"agency-{number}",
                name=f"Agencia {number}",
                country=country,
                locale="es",
                timezone=_ZONES[country],
                contact_phone="+56 2 2345 6789",
                contact_email="ayuda@agencia.example.com",
            )
            return scope_of(session)

    def tenant(self, agency: Scope | None = None, country: str = "CL", control: float = 0) -> Scope:
        """A new tenant of the agency (a new one by default); the scope of exactly that tenant. `control`: the
        share of its people who are left alone, nobody by default."""
        agency, number = agency or self.agency(country), next(self._numbers)
        with self.platform.database.transaction(agency) as session:
            made = tenancy.create_tenant(
                session,
                slug=f"tenant-{number}",
                name=f"Acreedor {number}",
                country=country,
                currency=_CURRENCIES[country],
                locale="es",
                timezone=_ZONES[country],
                actor="system",
                settings={"control_share": control},
            )
            return Scope(agency.agency_id, (made.id,))
