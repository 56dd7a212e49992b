"""Which settlements there are: of a debtor, of accounts, those that stand or wait for an approver."""

from collections.abc import Collection, Sequence
from datetime import date

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from recupero.kernel import clock
from recupero.kernel.bulk import among
from recupero.kernel.database import scope_of
from recupero.kernel.errors import NotFound
from recupero.payments.offers.offer_tables import Settlement
from recupero.payments.tables import Allocation, Payment
from recupero.placements.debts import debts_by_id
from recupero.placements.lifecycle import ENDED
from recupero.tenancy import queries as tenancy

STANDING = ("offered", "accepted")


def open_of(session: Session, debtor_ids: Collection[int]) -> Sequence[Settlement]:
    """What these debtors of the tenant in scope were offered, or asked for, and has not ended."""
    query = select(Settlement).where(
        Settlement.tenant_id == scope_of(session).tenant(), among(Settlement.debtor_id, debtor_ids),
        Settlement.state.in_(["asked", *STANDING]),
    )  # fmt: skip
    return session.execute(query).scalars().all()


def find(session: Session, settlement_id: int, *, lock: bool = False) -> Settlement:
    """The settlement of the tenants in scope. Raises NotFound."""
    query = select(Settlement).where(
        Settlement.tenant_id.in_(scope_of(session).tenant_ids), Settlement.id == settlement_id
    )
    found = session.execute(query.with_for_update() if lock else query).scalar_one_or_none()
    if found is None:
        raise NotFound("no such settlement")
    return found


def settlements_of(session: Session, account_ids: Collection[int]) -> Sequence[Settlement]:
    """Settlements of accounts of the tenants in scope, newest first."""
    query = select(Settlement).where(
        Settlement.tenant_id.in_(scope_of(session).tenant_ids),
        Settlement.account_ids.overlap(list(account_ids)),
    )
    return session.execute(query.order_by(Settlement.id.desc())).scalars().all()


def standing(session: Session, account_ids: Collection[int]) -> list[Settlement]:
    """Offers that a debtor can take now, and those they have taken and not paid. Not an offer above what is
    still owed, nor of an account that has ended."""
    today, found = today_of(session), settlements_of(session, account_ids)
    offered = [one for one in found if one.state == "offered" and one.valid_until >= today]
    wanted = {account for one in offered for account in one.account_ids}
    owed = {debt.account_id: debt.balance_minor for debt in debts_by_id(session, wanted)
            if debt.status not in ENDED}  # fmt: skip
    open_ = {one.id for one in offered if owed.keys() >= set(one.account_ids)
             and sum(owed[account] for account in one.account_ids) > one.amount_minor}  # fmt: skip
    return [one for one in found if one.state == "accepted" or one.id in open_]


def rest_minor(session: Session, found: Settlement) -> int:
    """What is still to be paid of the agreed sum."""
    if found.accepted_at is None:
        return found.amount_minor
    paid = session.execute(
        select(func.coalesce(func.sum(Allocation.amount_minor), 0))
        .join(Payment, (Payment.tenant_id == Allocation.tenant_id) & (Payment.id == Allocation.payment_id))
        .where(
            Allocation.tenant_id == found.tenant_id,
            Allocation.account_id.in_(found.account_ids),
            Payment.received_at >= found.accepted_at,
        )
    ).scalar_one()
    return max(0, found.amount_minor - int(paid))


def asked(session: Session) -> Sequence[Settlement]:
    """Offers of the tenants in scope that wait for an approver, oldest first."""
    query = select(Settlement).where(
        Settlement.tenant_id.in_(scope_of(session).tenant_ids), Settlement.state == "asked"
    )
    return session.execute(query.order_by(Settlement.made_at)).scalars().all()


def held_on(session: Session, account_ids: Collection[int], states: Collection[str]) -> Sequence[Settlement]:
    """Settlements of these accounts of the tenant in scope in one of the states, their rows held."""
    query = select(Settlement).where(
        Settlement.tenant_id == scope_of(session).tenant(),
        Settlement.account_ids.overlap(list(account_ids)),
        Settlement.state.in_(states),
    )
    return session.execute(query.with_for_update()).scalars().all()


def today_of(session: Session) -> date:
    """The date in the creditor's zone."""
    return clock.today(tenancy.tenant(session).timezone)
