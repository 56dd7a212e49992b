"""The law counts terms from the days on which a debt was paid: contacts is told which these are."""

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from recupero.contacts import told
from recupero.kernel.bulk import among
from recupero.kernel.database import scope_of
from recupero.payments.events import PaymentBooked, PaymentReversed, PaymentsBooked
from recupero.payments.tables import Allocation, Payment
from recupero.tenancy import queries as tenancy


def on_money(session: Session, event: PaymentBooked | PaymentReversed | PaymentsBooked) -> None:
    """Money came in or went back: tell the days of the payments that stand on these accounts."""
    if not event.account_ids:
        return
    tenant = scope_of(session).tenant()
    zone = tenancy.tenant(session).timezone
    day = func.date(func.timezone(zone, Payment.received_at))
    standing = (
        select(Allocation.account_id, day.label("day"))
        .join(Payment, (Payment.tenant_id == Allocation.tenant_id) & (Payment.id == Allocation.payment_id))
        .where(Allocation.tenant_id == tenant, among(Allocation.account_id, event.account_ids))
        .group_by(Allocation.account_id, Payment.id, Payment.received_at)
        .having(func.sum(Allocation.amount_minor) > 0)
    ).subquery()
    paid = session.execute(select(standing.c.account_id, standing.c.day).distinct())
    told.tell_payments(session, event.account_ids, [(row.account_id, row.day) for row in paid])
