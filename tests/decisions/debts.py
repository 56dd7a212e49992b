"""Debtors and accounts made fast, row by row as the rooms write them, for planning and training tests."""

import secrets
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from recupero.contacts.tables import Contact, Permission
from recupero.kernel import clock
from recupero.kernel.database import Scope, scope_of
from recupero.payments.tables import Allocation, Payment
from recupero.placements.tables import Account, ContactPoint, Debtor, Person, Portfolio


@dataclass(frozen=True)
class Debt:
    """Ids of one account and of whom it belongs to."""

    tenant_id: int
    portfolio_id: int
    person_id: int
    debtor_id: int
    account_id: int
    points: dict[str, int]


def portfolio(session: Session, currency: str = "CLP", country: str = "CL", **strategy: Any) -> int:
    """A primary portfolio with a commission of 20 %, whose plans leave nothing to lot unless told to."""
    row = Portfolio(
        tenant_id=scope_of(session).tenant(), name=secrets.token_hex(4), country=country, currency=currency,
        product="loan", placement_number=1, terms={"commission_rate": 2000},
        strategy={"exploration": 0, **strategy}, created_at=clock.now(),
    )  # fmt: skip
    session.add(row)
    session.flush()
    return row.id


def debt(
    session: Session,
    portfolio_id: int,
    *,
    owner: Debt | None = None,
    balance: int = 100_000,
    days_late: int = 60,
    currency: str = "CLP",
    country: str = "CL",
    zone: str = "America/Santiago",
    region: str | None = "CL-RM",
    points: tuple[str, ...] = ("email", "phone"),
    consents: tuple[str, ...] = ("email", "sms"),
    placed_ago: int = 5,
    **account: Any,
) -> Debt:
    """An active account; of a new debtor with contact points, or of the `owner` of another one."""
    tenant, now = scope_of(session).tenant(), clock.now()
    if owner is None:
        owner = _debtor(session, portfolio_id, country, region, zone, points, consents)
    due = (now - timedelta(days=days_late)).date()
    row = _account(
        tenant, portfolio_id, owner.debtor_id, balance, due, currency, now - timedelta(days=placed_ago)
    )
    for name, value in account.items():
        setattr(row, name, value)
    session.add(row)
    session.flush()
    return replace(owner, portfolio_id=portfolio_id, account_id=row.id)


def _debtor(
    session: Session,
    portfolio_id: int,
    country: str,
    region: str | None,
    zone: str,
    points: tuple[str, ...],
    consents: tuple[str, ...],
) -> Debt:
    scope, now = scope_of(session), clock.now()
    person_id = _person(session, scope)
    debtor = Debtor(
        tenant_id=scope.tenant(), person_id=person_id, kind="person", name="Ana Prueba", name_index=b"a",
        country=country, region=region, timezone=zone, language="es", created_at=now,
    )  # fmt: skip
    session.add(debtor)
    session.flush()
    kinds = {kind: _point(session, scope.tenant(), debtor.id, kind, zone, now) for kind in points}
    for channel in consents:
        permit(session, debtor.id, channel)
    return Debt(scope.tenant(), portfolio_id, person_id, debtor.id, 0, kinds)


def _person(session: Session, scope: Scope) -> int:
    row = Person(agency_id=scope.agency(), identity_index=secrets.token_bytes(8))
    session.add(row)
    session.flush()
    return row.id


def _account(
    tenant: int, portfolio_id: int, debtor_id: int, balance: int, due: date, currency: str, placed: datetime
) -> Account:
    return Account(
        tenant_id=tenant, portfolio_id=portfolio_id, batch_id=0, debtor_id=debtor_id,
        client_account=secrets.token_hex(6), currency=currency, delinquency_date=due, due_date=due,
        placement_number=1, placed_on=placed.date(), placed_minor=balance, principal_minor=balance,
        interest_minor=0, fee_minor=0, cost_minor=0, tax_minor=0, balance_minor=balance, status="active",
        stage="unreached", status_changed_at=placed,
    )  # fmt: skip


def _point(session: Session, tenant: int, debtor_id: int, kind: str, zone: str, now: datetime) -> int:
    values = {"email": "ana@example.com", "phone": "+56221234567", "address": "Calle 1"}
    row = ContactPoint(
        tenant_id=tenant, debtor_id=debtor_id, kind=kind, value=values[kind],
        value_index=secrets.token_bytes(8),
        line_type="mobile" if kind == "phone" else None, timezone=zone if kind == "phone" else None,
        status="valid", source="test", created_at=now - timedelta(days=5),
    )  # fmt: skip
    session.add(row)
    session.flush()
    return row.id


def permit(session: Session, debtor_id: int, channel: str, kind: str = "consent", **more: Any) -> None:
    """A consent to a channel, or its withdrawal."""
    at = more.get("at", clock.now() - timedelta(days=5))
    session.add(
        Permission(
            tenant_id=scope_of(session).tenant(),
            debtor_id=debtor_id,
            channel=channel,
            kind=kind,
            at=at,
            source="test",
        )
    )
    session.flush()


def receive(
    session: Session, owed: Debt, amount: int, at: datetime, received: datetime | None = None
) -> Payment:
    """A payment in pesos with its allocation, booked at `at`, received then or at `received`."""
    payment = Payment(
        tenant_id=owed.tenant_id, debtor_id=owed.debtor_id, external_key=secrets.token_hex(), kind="manual",
        amount_minor=amount, currency="CLP", account_ids=[owed.account_id], rates={}, state="booked",
        received_at=received or at, booked_at=at, transaction_id=0,
    )  # fmt: skip
    session.add(payment)
    session.flush()
    pay(session, owed, amount, at, payment.id)
    return payment


def pay(
    session: Session, owed: Debt, amount: int, at: datetime, payment_id: int | None = None, step: int = 0
) -> None:
    """The allocation of a payment booked at `at`; negative takes one back. `step` is its transaction."""
    session.add(
        Allocation(
            tenant_id=owed.tenant_id,
            payment_id=payment_id or secrets.randbits(48),
            account_id=owed.account_id,
            part="principal",
            amount_minor=amount,
            at=at,
            transaction_id=step,
            fee_minor=0,
        )
    )
    session.flush()


def contact(session: Session, owed: Debt, at: datetime, **values: Any) -> int:
    """A contact reserved at `at`."""
    given: dict[str, Any] = {
        "direction": "outbound", "channel": "email", "recipient": "debtor", "purpose": "collection",
        "state": "sent", "state_at": at, **values,
    }  # fmt: skip
    row = Contact(
        tenant_id=owed.tenant_id, debtor_id=owed.debtor_id, account_id=owed.account_id,
        person_id=owed.person_id, at=at, **given,
    )  # fmt: skip
    session.add(row)
    session.flush()
    return row.id
