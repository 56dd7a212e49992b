"""The rows behind the figures, for a creditor's lists: moves of money and promises on its accounts.

Dates and signs follow the report's own rules (docs/reports.md): the first move of a payment is dated when the
money came, later ones when they happened, so that the rows of a month add up to the figure of that month.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, CompoundSelect, Select, Subquery, case, cast, func, select
from sqlalchemy.orm import Session

from recupero.kernel.database import scope_of
from recupero.kernel.listing import Part, arranged
from recupero.payments.tables import PAID_TO_CREDITOR, Allocation, Payment, PromiseToPay
from recupero.placements.tables import Account, Portfolio
from recupero.reports.periods import Period
from recupero.tenancy import queries as tenancy

WAYS = ("agency", "direct", "back")


@dataclass(frozen=True, slots=True)
class Move:
    """Money that came onto an account, or went off it again (below zero); fee and tax that go with it."""

    account_id: int
    client_account: str
    portfolio: str
    placed_on: date
    at: datetime
    way: str
    currency: str
    amount_minor: int
    fee_minor: int
    tax_minor: int


@dataclass(frozen=True, slots=True)
class MoveFilter:
    """None means all. `until` are the months up to and with it, `months` those of a period; `placed` is a
    placement month. Months are those of the creditor's zone."""

    months: Period | None = None
    until: date | None = None
    placed: date | None = None
    portfolio_id: int | None = None
    way: str | None = None
    number: str = ""


@dataclass(frozen=True, slots=True)
class Sum:
    """What the rows of a list add up to, in one currency."""

    currency: str
    rows: int
    amount_minor: int
    fee_minor: int


def moves(session: Session, wanted: MoveFilter, part: Part) -> list[Move]:
    """Moves on accounts of the one tenant in scope, the newest first unless the part says otherwise."""
    found, moved = _narrowed(session, wanted)
    query = found.with_only_columns(
        Account.id, Account.client_account, Portfolio.name, Account.placed_on, moved.c.at, moved.c.way,
        Account.currency, moved.c.amount, moved.c.fee, moved.c.tax,
    )  # fmt: skip
    by: Mapping[str, Any] = {
        "at": moved.c.at, "number": Account.client_account, "portfolio": Portfolio.name,
        "placed_on": Account.placed_on, "amount": moved.c.amount, "fee": moved.c.fee,
    }  # fmt: skip
    rows = session.execute(arranged(query, by, part, moved.c.at.desc(), moved.c.step.desc(), Account.id))
    return [Move(*row) for row in rows]


def sums(session: Session, wanted: MoveFilter) -> list[Sum]:
    """What all of them add up to, by currency."""
    found, moved = _narrowed(session, wanted)
    query = found.with_only_columns(
        Account.currency, func.count(), func.sum(moved.c.amount), func.sum(moved.c.fee)
    )
    rows = session.execute(query.group_by(Account.currency).order_by(Account.currency))
    return [Sum(row[0], row[1], int(row[2]), int(row[3])) for row in rows]


def _moved(tenant: int, during: tuple[datetime, datetime] | None) -> Subquery:
    """One row for each step of a payment on an account: of every payment, or of those that were received or
    moved `during` a time, which are all that have a step in it."""
    first = func.min(Allocation.transaction_id).over(partition_by=Allocation.payment_id)
    step = func.sum(Allocation.amount_minor).over(
        partition_by=(Allocation.payment_id, Allocation.transaction_id)
    )
    told = (
        select(
            Allocation.account_id, Allocation.transaction_id, Payment.kind, Payment.received_at,
            Allocation.at, Allocation.amount_minor, Allocation.fee_minor, Allocation.tax_minor,
            first.label("first"),
            step.label("step_minor"),
        )
        .join(Payment, (Payment.tenant_id == Allocation.tenant_id) & (Payment.id == Allocation.payment_id))
        .where(Allocation.tenant_id == tenant)
    )  # fmt: skip
    if during is not None:
        told = told.where(Allocation.payment_id.in_(_touched(tenant, *during)))
    rows = told.subquery()
    at = case((rows.c.transaction_id == rows.c.first, rows.c.received_at), else_=rows.c.at)
    way = case((rows.c.step_minor < 0, "back"), (rows.c.kind.in_(PAID_TO_CREDITOR), "direct"), else_="agency")
    return (
        select(
            rows.c.account_id, rows.c.transaction_id.label("step"), at.label("at"), way.label("way"),
            *(cast(func.sum(rows.c[f"{name}_minor"]), BigInteger).label(name)
              for name in ("amount", "fee", "tax")),
        )
        .where(rows.c.account_id.is_not(None))
        .group_by(rows.c.account_id, rows.c.transaction_id, at, way)
        .subquery()
    )  # fmt: skip


def _touched(tenant: int, start: datetime, end: datetime) -> CompoundSelect[int]:
    """Payments that were received from `start` to `end`, or of which anything was moved."""
    received = select(Payment.id).where(
        Payment.tenant_id == tenant, Payment.received_at >= start, Payment.received_at < end
    )
    moved = select(Allocation.payment_id).where(
        Allocation.tenant_id == tenant, Allocation.at >= start, Allocation.at < end
    )
    return received.union(moved)


def _narrowed(session: Session, wanted: MoveFilter) -> tuple[Select[Any], Subquery]:
    """The moves that are wanted, with their accounts and portfolios."""
    tenant, zone = scope_of(session).tenant(), tenancy.tenant(session).timezone
    during = wanted.months.bounds(zone) if wanted.months is not None else None
    moved = _moved(tenant, during)
    conditions: list[ColumnElement[bool]] = [Account.is_test.is_(False)]
    if during is not None:
        conditions += [moved.c.at >= during[0], moved.c.at < during[1]]
    if wanted.until is not None:
        conditions.append(moved.c.at < Period(wanted.until, wanted.until).bounds(zone)[1])
    if wanted.placed is not None:
        cohort = Period(wanted.placed, wanted.placed)
        conditions += [Account.placed_on >= cohort.first, Account.placed_on < cohort.end]
    if wanted.portfolio_id is not None:
        conditions.append(Account.portfolio_id == wanted.portfolio_id)
    if wanted.way is not None:
        conditions.append(moved.c.way == wanted.way)
    if wanted.number:
        conditions.append(func.starts_with(Account.client_account, wanted.number))
    query = (
        select(moved)
        .select_from(moved)
        .join(Account, (Account.tenant_id == tenant) & (Account.id == moved.c.account_id))
        .join(Portfolio, (Portfolio.tenant_id == tenant) & (Portfolio.id == Account.portfolio_id))
        .where(*conditions)
    )
    return query, moved


@dataclass(frozen=True, slots=True)
class Promised:
    """A promise on an account; what came in for it counts to what was promised."""

    account_id: int
    client_account: str
    portfolio: str
    made_at: datetime
    due_date: date
    currency: str
    amount_minor: int
    paid_minor: int
    state: str


@dataclass(frozen=True, slots=True)
class PromiseFilter:
    """None means all. `due`: months of the due date."""

    due: Period | None = None
    portfolio_id: int | None = None
    state: str | None = None
    number: str = ""


def promises(session: Session, wanted: PromiseFilter, part: Part) -> list[Promised]:
    """Promises on accounts of the one tenant in scope, by due date, the latest first."""
    tenant, by = scope_of(session).tenant(), {
        "number": Account.client_account, "portfolio": Portfolio.name, "made": PromiseToPay.made_at,
        "due": PromiseToPay.due_date, "amount": PromiseToPay.amount_minor, "paid": PromiseToPay.paid_minor,
        "state": PromiseToPay.state,
    }  # fmt: skip
    conditions: list[ColumnElement[bool]] = [PromiseToPay.tenant_id == tenant, Account.is_test.is_(False)]
    if wanted.due is not None:
        conditions += [PromiseToPay.due_date >= wanted.due.first, PromiseToPay.due_date < wanted.due.end]
    if wanted.portfolio_id is not None:
        conditions.append(Account.portfolio_id == wanted.portfolio_id)
    if wanted.state is not None:
        conditions.append(PromiseToPay.state == wanted.state)
    if wanted.number:
        conditions.append(func.starts_with(Account.client_account, wanted.number))
    query = (
        select(
            Account.id, Account.client_account, Portfolio.name, PromiseToPay.made_at, PromiseToPay.due_date,
            PromiseToPay.currency, PromiseToPay.amount_minor,
            func.least(PromiseToPay.paid_minor, PromiseToPay.amount_minor), PromiseToPay.state,
        )
        .join(Account, (Account.tenant_id == tenant) & (Account.id == PromiseToPay.account_id))
        .join(Portfolio, (Portfolio.tenant_id == tenant) & (Portfolio.id == Account.portfolio_id))
        .where(*conditions)
    )  # fmt: skip
    rows = session.execute(arranged(query, by, part, PromiseToPay.due_date.desc(), PromiseToPay.id.desc()))
    return [Promised(*row) for row in rows]
