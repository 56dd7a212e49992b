"""Today in numbers: money received, promises due, money and events that wait for a person."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from recupero.kernel.database import scope_of
from recupero.kernel.listing import Part, arranged, arranged_of
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


def received_by_day(session: Session, since: datetime, zone: str) -> dict[str, dict[date, int]]:
    """What `received` sums, by currency and by the day on a clock in `zone`; days without money are left
    out."""
    day = func.date(func.timezone(zone, Allocation.at))
    rows = session.execute(
        select(Payment.currency, day, func.sum(Allocation.amount_minor))
        .join(Payment, (Payment.tenant_id == Allocation.tenant_id) & (Payment.id == Allocation.payment_id))
        .where(Allocation.tenant_id.in_(scope_of(session).tenant_ids), Allocation.at >= since)
        .group_by(Payment.currency, day)
        .order_by(Payment.currency, day)
    )
    found: dict[str, dict[date, int]] = {}
    for currency, on, amount in rows:
        found.setdefault(currency, {})[on] = int(amount)
    return found


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


@dataclass(frozen=True, slots=True)
class ReceivedLine:
    """Money of a payment that came to an account, or went back (minor units of `currency`)."""

    tenant_id: int
    payment_id: int
    account_id: int | None
    at: datetime
    kind: str
    currency: str
    amount_minor: int
    state: str


def received_lines(session: Session, since: datetime, part: Part) -> list[ReceivedLine]:
    """What `received` sums, the newest first; a payment to several accounts has a line for each."""
    amount = func.sum(Allocation.amount_minor)
    query = (
        select(Allocation.tenant_id, Payment.id, Allocation.account_id, Allocation.at, Payment.kind,
               Payment.currency, amount, Payment.state)
        .join(Payment, (Payment.tenant_id == Allocation.tenant_id) & (Payment.id == Allocation.payment_id))
        .where(Allocation.tenant_id.in_(scope_of(session).tenant_ids), Allocation.at >= since)
        .group_by(Allocation.tenant_id, Payment.tenant_id, Payment.id, Allocation.account_id, Allocation.at)
    )  # fmt: skip
    by = {"at": Allocation.at, "kind": Payment.kind, "amount": amount, "state": Payment.state}
    rows = session.execute(arranged(query, by, part, Allocation.at.desc(), Payment.id, Allocation.account_id))
    found: list[list[Any]] = [list(row) for row in rows]
    return [ReceivedLine(*(*row[:6], int(row[6]), row[7])) for row in found]


def promised_lines(session: Session, until: date, part: Part) -> Sequence[PromiseToPay]:
    """What `promised` sums, by the day on which it is due."""
    query = select(PromiseToPay).where(
        PromiseToPay.tenant_id.in_(scope_of(session).tenant_ids), PromiseToPay.state == "open",
        PromiseToPay.due_date <= until,
    )  # fmt: skip
    by = {"due": PromiseToPay.due_date, "amount": PromiseToPay.amount_minor, "made": PromiseToPay.made_at}
    key, own = (PromiseToPay.tenant_id, PromiseToPay.id), (PromiseToPay.due_date, PromiseToPay.id)
    found = arranged_of(query, key, scope_of(session).tenant_ids, by, part, *own)
    return session.execute(found).scalars().all()
