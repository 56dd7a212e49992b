"""Offers to settle that are taken by paying them: who was offered a sum and pays it in time has said yes.

Most people who pay an offer by a transfer say nothing else. Whether a sum is in is read from the receipts
that are known: an offer is taken, and given back (`write_offs`), whatever the order in which they are told.
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from recupero.kernel import audit, clock, events
from recupero.kernel.database import scope_of
from recupero.payments.agreements.settlements import PAY_DAYS
from recupero.payments.books.settlement_windows import GRACE
from recupero.payments.events import SettlementAccepted
from recupero.payments.offers.offer_tables import Settlement
from recupero.payments.tables import Allocation, Payment
from recupero.tenancy import queries as tenancy

#: What `accepted_with` says of an offer that was taken by paying it.
PAYING = "payment"


class Came(NamedTuple):
    """Money on an account: the moment of its receipt (a direct payment's counts as the whole day)."""

    account_id: int | None
    received_at: datetime
    whole_day: bool
    amount_minor: int


def take_paid(session: Session, mine: Any) -> None:
    """Take the offers of the tenant in scope, among those that the condition `mine` names, whose sum came in
    on their accounts from the moment they stood to their last day and the days of grace. Not where the
    debtor took another offer of one of these accounts by word. The debtors' accounts are locked already."""
    offers = [one for one in _open(session, mine) if one.decided_by is not None or not one.beyond]
    if not offers:
        return
    said = _said_yes(session, offers)
    came, zone = _came(session, offers), ZoneInfo(tenancy.tenant(session).timezone)
    for one in offers:
        if said.isdisjoint(one.account_ids) and _paid(one, came, zone) >= one.amount_minor:
            _take(session, one)
    session.flush()


def give_back(found: Settlement, today: date) -> None:
    """What was taken by paying stands as an offer again, once the sum is not there any more."""
    found.state = "offered" if found.valid_until >= today else "expired"
    found.accepted_at, found.accepted_with, found.settled_at = None, None, None
    found.pay_by, found.moved_from = found.valid_until + PAY_DAYS, None
    found.ended_at = None if found.state == "offered" else clock.now()


def _open(session: Session, mine: Any) -> Sequence[Settlement]:
    query = (
        select(Settlement)
        .where(Settlement.tenant_id == scope_of(session).tenant(), Settlement.accepted_at.is_(None),
               Settlement.state.in_(["offered", "expired"]), mine)
        .order_by(Settlement.made_at, Settlement.id)
    )  # fmt: skip
    return session.execute(query.with_for_update()).scalars().all()


def _said_yes(session: Session, offers: Sequence[Settlement]) -> set[int]:
    """The accounts of these debtors on which a settlement was accepted by word and stands or was paid."""
    rows = session.execute(
        select(Settlement.account_ids).where(
            Settlement.tenant_id == scope_of(session).tenant(), Settlement.accepted_with != PAYING,
            Settlement.state.in_(["accepted", "settled"]),
            Settlement.debtor_id.in_({one.debtor_id for one in offers}),
        )
    )  # fmt: skip
    return {account for (account_ids,) in rows for account in account_ids}


def _came(session: Session, offers: Sequence[Settlement]) -> list[Came]:
    """All money on the offers' accounts, less what went back."""
    rows = session.execute(
        select(Allocation.account_id, Payment.received_at, Payment.kind == "direct", Allocation.amount_minor)
        .join(Payment, (Payment.tenant_id == Allocation.tenant_id) & (Payment.id == Allocation.payment_id))
        .where(
            Allocation.tenant_id == scope_of(session).tenant(),
            Allocation.account_id.in_({account for one in offers for account in one.account_ids}),
        )
    )
    return [Came(*row) for row in rows]


def _paid(found: Settlement, came: Sequence[Came], zone: ZoneInfo) -> int:
    since, last = stands_since(found), found.valid_until + GRACE
    first = since.astimezone(zone).date()
    total = 0
    for one in came:
        day = one.received_at.astimezone(zone).date()
        begun = first <= day if one.whole_day else since <= one.received_at
        if one.account_id in found.account_ids and begun and day <= last:
            total += one.amount_minor
    return total


def stands_since(found: Settlement) -> datetime:
    """From when an offer stood: where somebody had to allow it, from then."""
    return max(found.made_at, found.decided_at or found.made_at)


def _take(session: Session, found: Settlement) -> None:
    found.state, found.accepted_at, found.accepted_with = "accepted", stands_since(found), PAYING
    found.pay_by, found.ended_at = found.valid_until, None
    session.flush()
    events.publish(session, SettlementAccepted(tuple(found.account_ids), found.id))
    audit.record(
        session, "payments.settlement_accepted", f"settlement:{found.id}", actor="system",
        tenant_id=found.tenant_id, amount_minor=found.amount_minor, balance_minor=found.balance_minor,
        why="paid",
    )  # fmt: skip
