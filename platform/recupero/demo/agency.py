"""The demo agency itself: one agency, three creditors, a login per role, their portfolios and files."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text

from recupero.demo.marks import Login
from recupero.demo.population import BOOKS, Book, mapping
from recupero.kernel.database import PLATFORM, Scope, scope_of
from recupero.kernel.runtime import Runtime
from recupero.placements import service as placements
from recupero.tenancy import service as tenancy
from recupero.tenancy import users
from recupero.tenancy.permissions import Role

SLUG = "cobranza-demo"
ACTOR = "system:demo"
PLAN_EVERY_DAYS = 5  # while two months pass in two minutes; every day from then on

# Terms and strategy by creditor: what the agency earns and how often it may be heard.
_TERMS = {
    1: {"commission_rate": 1800, "settlement_floor_percent": 70, "max_instalments": 12, "recall_days": 180},
    2: {"commission_rate": 3200, "settlement_floor_percent": 45, "max_instalments": 24, "recall_days": 240},
}

# Few contacts, each worth having: about two a month for each debtor, and a small desk of agents.
_STRATEGY = {
    "channels": ["email", "whatsapp", "sms", "call"],
    "pace_days": 9,
    "max_contacts_30d": 4,
    "daily": {"email": 40, "whatsapp": 34, "sms": 24, "call": 8},
    "exploration": 0.05,
}


@dataclass(frozen=True)
class DemoTenant:
    """A creditor of the demo with its scope and portfolio."""

    book: Book
    scope: Scope
    portfolio_id: int


def create(
    platform: Runtime, books: Sequence[Book] = BOOKS, strategy: Mapping[str, Any] = _STRATEGY
) -> tuple[Scope, list[DemoTenant]]:
    """The agency with its creditors and portfolios, all through the rooms' services."""
    with platform.database.transaction(PLATFORM) as session:
        tenancy.create_agency(
            session,
            slug=SLUG,
            name="Cobranza Clara",
            country="CL",
            locale="es",
            timezone="America/Santiago",
            contact_phone="+56 2 2345 0000",
            contact_email="ayuda@cobranza-clara.example.com",
        )
        agency = scope_of(session)
    tenants = [_creditor(platform, agency, book, strategy) for book in books]
    ids = tuple(tenant_id for tenant in tenants for tenant_id in tenant.scope.tenant_ids)
    return Scope(agency.agency_id, ids), tenants


def _creditor(platform: Runtime, agency: Scope, book: Book, strategy: Mapping[str, Any]) -> DemoTenant:
    with platform.database.transaction(agency) as session:
        tenant = tenancy.create_tenant(
            session, slug=book.slug, name=book.name, country=book.country, currency=book.currency,
            locale=book.locale, timezone=book.timezone, actor=ACTOR,
            settings={"plan_every_days": PLAN_EVERY_DAYS},
        )  # fmt: skip
        scope = Scope(agency.agency_id, (tenant.id,))
    with platform.database.transaction(scope) as session:
        portfolio = placements.create_portfolio(
            session, name=book.portfolio, country=book.country, currency=book.currency, product=book.product,
            placement_number=book.placement_number, terms=dict(_TERMS[book.placement_number]),
            strategy=dict(strategy),
            actor=ACTOR,
        )  # fmt: skip
        placements.save_mapping(
            session,
            portfolio_id=portfolio.id,
            kind="placement",
            name="default",
            spec=mapping(book),
            actor=ACTOR,
        )
        return DemoTenant(book, scope, portfolio.id)


def create_users(platform: Runtime, agency: Scope, tenants: list[DemoTenant]) -> list[Login]:
    """One login per role; passwords are random."""
    creditor = list(tenants[0].scope.tenant_ids)
    wanted = {
        Role.PLATFORM_OPERATOR: ("operador", "Olga Prado", None),
        Role.AGENCY_ADMINISTRATOR: ("admin", "Amalia Torres", None),
        Role.COMPLIANCE_OFFICER: ("cumplimiento", "Clara Ibáñez", None),
        Role.SUPERVISOR: ("supervision", "Simón Vidal", None),
        Role.AGENT: ("agente", "Gema Rojas", None),
        Role.CREDITOR_ADMINISTRATOR: ("acreedor", "Aldo Marín", creditor),
        Role.CREDITOR_VIEWER: ("consulta", "Carla Vera", creditor),
    }
    logins = []
    with platform.database.transaction(agency) as session:
        for role, (account, name, tenant_ids) in wanted.items():
            login = Login(role, f"{account}@cobranza-clara.example.com", _password())
            users.create(
                session, email=login.email, name=name, password=login.password, role=role,
                tenant_ids=tenant_ids, locale="es", actor=ACTOR,
            )  # fmt: skip
            logins.append(login)
    return logins


def plan_daily(platform: Runtime, agency: Scope) -> None:
    """From now on the demo is planned as a real agency is."""
    with platform.database.transaction(agency) as session:
        # The demo's last words wait for the disk, and with them all that was said before.
        session.execute(text("SET LOCAL synchronous_commit = on"))
        for tenant_id in agency.tenant_ids:
            tenancy.configure_tenant(session, tenant_id, actor=ACTOR, plan_every_days=1)


def _password() -> str:
    return "-".join(secrets.token_hex(2) for _ in range(3))
