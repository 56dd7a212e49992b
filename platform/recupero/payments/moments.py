"""Money, promises, agreements, papers and hardship on a debtor's line of time."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ARRAY, BigInteger, ColumnElement, Select, and_, func, literal, select
from sqlalchemy.orm import Session, aliased

from recupero.kernel.bulk import among
from recupero.kernel.database import scope_of
from recupero.kernel.moments import About, keys
from recupero.payments.offers.offer_tables import HardshipCase, Plan, Settlement
from recupero.payments.papers.document_tables import Document
from recupero.payments.tables import Allocation, Payment, PromiseToPay

#: What the allocations of one move of money have in common.
_ONE_MOVE = (Allocation.tenant_id, Allocation.payment_id, Allocation.account_id, Allocation.at)

_OF_PAYMENT = (Payment.tenant_id == Allocation.tenant_id) & (Payment.id == Allocation.payment_id)


def moments(about: About) -> dict[str, Select[Any]]:
    """Money that came to the accounts or went back, promises on them, plans, settlements, papers and hardship
    cases."""
    accounts = about.account_ids
    paid = (Allocation.tenant_id == about.tenant_id) & among(Allocation.account_id, accounts)
    promised = (PromiseToPay.tenant_id == about.tenant_id) & among(PromiseToPay.account_id, accounts)
    hard = (HardshipCase.tenant_id == about.tenant_id) & (HardshipCase.debtor_id == about.debtor_id)
    moved = keys("payment", Allocation.at, func.min(Allocation.id), paid).join(Payment, _OF_PAYMENT)
    return {
        "payment": moved.group_by(*_ONE_MOVE),
        "promise": keys("promise", PromiseToPay.made_at, PromiseToPay.id, promised),
        "plan": keys("plan", Plan.agreed_at, Plan.id, _of_several(Plan, about)),
        "settlement": keys("settlement", Settlement.made_at, Settlement.id, _of_several(Settlement, about)),
        "document": keys("document", Document.issued_at, Document.id, _of_several(Document, about)),
        "hardship": keys("hardship", HardshipCase.opened_at, HardshipCase.id, hard),
    }


def _of_several(table: type[Document] | type[Plan] | type[Settlement], about: About) -> ColumnElement[bool]:
    """Condition on what is of several accounts of one debtor: one of them is meant."""
    accounts = table.account_ids.bool_op("&&")(literal(list(about.account_ids), ARRAY(BigInteger)))
    return (table.tenant_id == about.tenant_id) & (table.debtor_id == about.debtor_id) & accounts


@dataclass(frozen=True, slots=True)
class Move:
    """Money of a payment that came to an account at one moment, or went back (minor units of `currency`)."""

    payment_id: int
    account_id: int | None
    kind: str
    currency: str
    amount_minor: int
    state: str


def moves(session: Session, ids: Collection[int]) -> Mapping[int, Move]:
    """Money that moved, by the lowest id of its allocations, of the tenants in scope."""
    first = aliased(Allocation)
    rows = session.execute(
        select(first.id, Payment.id, first.account_id, Payment.kind, Payment.currency,
               func.sum(Allocation.amount_minor), Payment.state)
        .join(Allocation, and_(*(getattr(first, column.key) == column for column in _ONE_MOVE)))
        .join(Payment, (Payment.tenant_id == first.tenant_id) & (Payment.id == first.payment_id))
        .where(first.tenant_id.in_(scope_of(session).tenant_ids), first.id.in_(ids))
        .group_by(first.tenant_id, first.id, Payment.tenant_id, Payment.id)
    )  # fmt: skip
    return {row[0]: Move(*row[1:5], int(row[5]), row[6]) for row in rows}


def promises(session: Session, ids: Collection[int]) -> Mapping[int, PromiseToPay]:
    """Promises of the tenants in scope by id."""
    mine = among(PromiseToPay.tenant_id, scope_of(session).tenant_ids)
    rows = session.scalars(select(PromiseToPay).where(mine, among(PromiseToPay.id, ids)))
    return {one.id: one for one in rows}


def papers(session: Session, ids: Collection[int]) -> Mapping[int, Document]:
    """Papers of the tenants in scope by id."""
    mine = among(Document.tenant_id, scope_of(session).tenant_ids)
    return {one.id: one for one in session.scalars(select(Document).where(mine, among(Document.id, ids)))}


def plans(session: Session, ids: Collection[int]) -> Mapping[int, Plan]:
    """Plans of the tenants in scope by id."""
    mine = among(Plan.tenant_id, scope_of(session).tenant_ids)
    return {one.id: one for one in session.scalars(select(Plan).where(mine, among(Plan.id, ids)))}


def settlements(session: Session, ids: Collection[int]) -> Mapping[int, Settlement]:
    """Settlements of the tenants in scope by id."""
    mine = among(Settlement.tenant_id, scope_of(session).tenant_ids)
    rows = session.scalars(select(Settlement).where(mine, among(Settlement.id, ids)))
    return {one.id: one for one in rows}


def cases(session: Session, ids: Collection[int]) -> Mapping[int, HardshipCase]:
    """Hardship cases of the tenants in scope by id."""
    mine = among(HardshipCase.tenant_id, scope_of(session).tenant_ids)
    rows = session.scalars(select(HardshipCase).where(mine, among(HardshipCase.id, ids)))
    return {one.id: one for one in rows}
