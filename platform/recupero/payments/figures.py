"""Today in numbers: money received, promises due, money and events that wait for a person."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from recupero.kernel.database import scope_of
from recupero.payments.tables import Allocation, Payment, PromiseToPay, ProviderEvent


@dataclass(frozen=True, slots=True)
class Sum:
    """How many, and their amount in minor units of `currency`."""

    currency: str
    number: int
    amount_minor: int


def received(session: Session, since: datetime) -> list[Sum]:
    """What the tenants in scope received since a moment, net of what went back, by currency."""
    rows = session.execute(
        select(Payment.currency, func.count(Payment.id.distinct()), func.sum(Allocation.amount_minor))
        .join(Payment, (Payment.tenant_id == Allocation.tenant_id) & (Payment.id == Allocation.payment_id))
        .where(Allocation.tenant_id.in_(scope_of(session).tenant_ids), Allocation.at >= since)
        .group_by(Payment.currency)
        .order_by(Payment.currency)
    )
    return [Sum(currency, number, int(amount)) for currency, number, amount in rows]


def promised(session: Session, until: date) -> list[Sum]:
    """Open promises to the tenants in scope that are due by a day, by currency."""
    rows = session.execute(
        select(PromiseToPay.currency, func.count(), func.sum(PromiseToPay.amount_minor))
        .where(
            PromiseToPay.tenant_id.in_(scope_of(session).tenant_ids),
            PromiseToPay.state == "open",
            PromiseToPay.due_date <= until,
        )
        .group_by(PromiseToPay.currency)
        .order_by(PromiseToPay.currency)
    )
    return [Sum(currency, number, int(amount)) for currency, number, amount in rows]


def waiting(session: Session) -> tuple[int, int]:
    """Payments that no debt took, and providers' events that could not be booked."""
    tenants = scope_of(session).tenant_ids
    suspense = select(func.count()).where(Payment.tenant_id.in_(tenants), Payment.state == "suspense")
    refused = select(func.count()).where(
        ProviderEvent.tenant_id.in_(tenants), ProviderEvent.state == "refused"
    )
    row = session.execute(select(suspense.scalar_subquery(), refused.scalar_subquery())).one()
    return row[0], row[1]
