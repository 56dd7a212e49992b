"""The rows behind the figures, for a creditor's lists: moves of money and promises on its accounts.

Dates and signs follow the report's own rules (docs/reports.md): the first move of a payment is dated when the
money came, later ones when they happened, so that the rows of a month add up to the figure of that month.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    CompoundSelect,
    FromClause,
    Select,
    Subquery,
    case,
    cast,
    func,
    select,
    true,
)
from sqlalchemy.orm import Session

from recupero.kernel.database import scope_of
from recupero.kernel.listing import Part, arranged, begins
from recupero.payments.tables import PAID_TO_CREDITOR, Allocation, Payment, PromiseToPay
from recupero.placements.tables import Account, Portfolio
from recupero.reports.periods import Period
from recupero.reports.tables import ReportMoney
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
    """What the rows of a list add up to, in one currency. `rows` is None where they were not counted."""

    currency: str
    rows: int | None
    amount_minor: int
    fee_minor: int


Stretch = tuple[datetime | None, datetime | None]  # of time, from its start to before its end; None: no bound


def moves(session: Session, wanted: MoveFilter, part: Part) -> list[Move]:
    """Moves on accounts of the one tenant in scope, the newest first unless the part says otherwise.

    The newest are looked for in the newest stretches of time, each longer than the one before, so that the
    first pages of ten years cost no more than those of one."""
    whole = _stretch(session, wanted)
    newest_first = part.limit is not None and (part.sort in ("", "at") and (part.descending or not part.sort))
    if not newest_first or wanted.number or wanted.placed:
        return _moves(session, wanted, part, whole)
    reach = part.offset + (part.limit or 0)
    while True:
        since = _nth_newest(session, whole, reach)
        found = _moves(session, wanted, part, (since or whole[0], whole[1]))
        if since is None or len(found) == part.limit:
            return found
        reach *= 8


def _nth_newest(session: Session, whole: Stretch, number: int) -> datetime | None:
    """When the payment was received that is the `number`th newest of a stretch; None: there are fewer."""
    start, end = whole
    query = select(Payment.received_at).where(Payment.tenant_id == scope_of(session).tenant())
    if start is not None:
        query = query.where(Payment.received_at >= start)
    if end is not None:
        query = query.where(Payment.received_at < end)
    newest = query.order_by(Payment.received_at.desc()).offset(number).limit(1)
    return session.execute(newest).scalar_one_or_none()


def _moves(session: Session, wanted: MoveFilter, part: Part, during: Stretch) -> list[Move]:
    found, moved = _narrowed(session, wanted, during)
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
    """What all of them add up to, by currency: as the roll-ups hold it, or counted where only some kinds of
    moves or numbers of accounts are wanted."""
    if not wanted.way and not wanted.number:
        return _kept_sums(session, wanted)
    found, moved = _narrowed(session, wanted, _stretch(session, wanted))
    query = found.with_only_columns(
        Account.currency, func.count(), func.sum(moved.c.amount), func.sum(moved.c.fee)
    )
    rows = session.execute(query.group_by(Account.currency).order_by(Account.currency))
    return [Sum(row[0], row[1], int(row[2]), int(row[3])) for row in rows]


def _kept_sums(session: Session, wanted: MoveFilter) -> list[Sum]:
    conditions: list[ColumnElement[bool]] = [ReportMoney.tenant_id == scope_of(session).tenant()]
    if wanted.months is not None:
        conditions += [ReportMoney.month >= wanted.months.first, ReportMoney.month < wanted.months.end]
    if wanted.until is not None:
        conditions.append(ReportMoney.month <= wanted.until)
    if wanted.placed is not None:
        conditions.append(ReportMoney.cohort == wanted.placed)
    if wanted.portfolio_id is not None:
        conditions.append(ReportMoney.portfolio_id == wanted.portfolio_id)
    amount = func.sum(ReportMoney.received_minor + ReportMoney.reversed_minor)
    query = select(ReportMoney.currency, amount, func.sum(ReportMoney.fee_minor)).where(*conditions)
    rows = session.execute(query.group_by(ReportMoney.currency).order_by(ReportMoney.currency))
    return [Sum(currency, None, int(moved), int(fee)) for currency, moved, fee in rows if moved or fee]


def _moved(tenant: int, during: Stretch, on: Select[int] | None) -> Subquery:
    """One row for each step of a payment on an account: of every payment, of those that were received or
    moved `during` a time, which are all that have a step in it, or of those that paid `on` some accounts."""
    wanted: Select[int] | CompoundSelect[int] | None = None
    if on is not None:
        wanted = (
            select(Allocation.payment_id.label("id"))
            .where(Allocation.tenant_id == tenant, Allocation.account_id.in_(on))
            .distinct()
        )
    elif during != (None, None):
        wanted = _touched(tenant, during)
    moves = Allocation.__table__ if wanted is None else _of_payments(tenant, wanted)
    of_step = (moves.c.payment_id, moves.c.transaction_id)
    rows = (
        select(
            moves.c.account_id, moves.c.transaction_id, Payment.kind, Payment.received_at,
            moves.c.at, moves.c.amount_minor, moves.c.fee_minor, moves.c.tax_minor,
            func.min(moves.c.transaction_id).over(partition_by=moves.c.payment_id).label("first"),
            func.sum(moves.c.amount_minor).over(partition_by=of_step).label("step_minor"),
        )
        .join(Payment, (Payment.tenant_id == tenant) & (Payment.id == moves.c.payment_id))
        .where(moves.c.tenant_id == tenant)
        .subquery()
    )  # fmt: skip
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


def _of_payments(tenant: int, wanted: Select[int] | CompoundSelect[int]) -> FromClause:
    """All moves of these payments, looked up payment by payment (`offset(0)` keeps it so): those of other
    years are not read."""
    payment = wanted.subquery()
    mine = (Allocation.tenant_id == tenant) & (Allocation.payment_id == payment.c.id)
    found = select(Allocation.__table__).where(mine).offset(0).lateral()
    return select(found).select_from(payment.join(found, true())).subquery()


def _touched(tenant: int, during: Stretch) -> CompoundSelect[int]:
    """Payments that were received in a stretch of time, or of which anything was moved in it."""
    received = select(Payment.id).where(Payment.tenant_id == tenant, *_within(Payment.received_at, during))
    moved = select(Allocation.payment_id).where(
        Allocation.tenant_id == tenant, *_within(Allocation.at, during)
    )
    return received.union(moved)


def _within(at: Any, during: Stretch) -> list[ColumnElement[bool]]:
    start, end = during
    return [*([at >= start] if start is not None else []), *([at < end] if end is not None else [])]


def _stretch(session: Session, wanted: MoveFilter) -> Stretch:
    """The time that the months of a filter make."""
    zone = tenancy.tenant(session).timezone
    start, end = wanted.months.bounds(zone) if wanted.months is not None else (None, None)
    if wanted.until is not None:
        end = Period(wanted.until, wanted.until).bounds(zone)[1]
    return start, end


def _narrowed(session: Session, wanted: MoveFilter, during: Stretch) -> tuple[Select[Any], Subquery]:
    """The moves of a stretch of time that are wanted, with their accounts and portfolios."""
    tenant = scope_of(session).tenant()
    on: list[ColumnElement[bool]] = []
    if wanted.placed is not None:
        cohort = Period(wanted.placed, wanted.placed)
        on += [Account.placed_on >= cohort.first, Account.placed_on < cohort.end]
    if wanted.number:
        on.append(begins(Account.client_account, wanted.number))
    moved = _moved(tenant, during, select(Account.id).where(Account.tenant_id == tenant, *on) if on else None)
    conditions = [Account.is_test.is_(False), *_within(moved.c.at, during), *on]
    if wanted.portfolio_id is not None:
        conditions.append(Account.portfolio_id == wanted.portfolio_id)
    if wanted.way is not None:
        conditions.append(moved.c.way == wanted.way)
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
        conditions.append(begins(Account.client_account, wanted.number))
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
