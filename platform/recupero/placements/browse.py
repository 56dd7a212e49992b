"""What pages read of placed accounts: lists to search, one account whole, portfolios.

Everything is read in the tenants in scope. Names and ids come readable: who sees them is the page's matter.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.orm import Session, aliased

from recupero.kernel.bulk import among
from recupero.kernel.database import scope_of
from recupero.kernel.errors import NotFound
from recupero.kernel.listing import Part, arranged_of
from recupero.placements import finding, labels
from recupero.placements.service import is_open
from recupero.placements.tables import Account, ContactPoint, Debtor, Hold, Portfolio, PortfolioSum


@dataclass(frozen=True, slots=True)
class Filter:
    """What a list of accounts is narrowed to; None means all. `held`: with or without an open hold."""

    text: str = ""
    tenant_id: int | None = None
    portfolio_id: int | None = None
    status: str | None = None
    stage: str | None = None
    held: bool | None = None
    label_id: int | None = None


@dataclass(frozen=True, slots=True)
class AccountLine:
    """One row of the list. Money in minor units of `currency`."""

    id: int
    tenant_id: int
    client_account: str
    portfolio: str
    debtor: str
    currency: str
    balance_minor: int
    placed_minor: int
    due_date: date
    status: str
    stage: str
    held: bool
    debtor_id: int


def accounts(
    session: Session,
    wanted: Filter,
    *,
    countries: Sequence[str] = (),
    part: Part | None = None,
) -> list[AccountLine]:
    """The `part` of the accounts, newest first where no other order is asked for. `countries`: where ids and
    phones are local."""
    query = _lines().where(*_conditions(session, wanted, countries))
    by = {"account": Account.client_account, "balance": Account.balance_minor, "due": Account.due_date,
          "status": Account.status, "stage": Account.stage}  # fmt: skip
    key, tenants = (Account.tenant_id, Account.id), scope_of(session).tenant_ids
    rows = session.execute(arranged_of(query, key, tenants, by, part or Part(), Account.id.desc()))
    return [AccountLine(*row) for row in rows]


def lines(session: Session, account_ids: Sequence[int]) -> dict[int, AccountLine]:
    """Rows of the list for these accounts of the tenants in scope, by id."""
    mine = among(Account.tenant_id, scope_of(session).tenant_ids)
    # Found before anything is joined: else all of the creditor are looked through, by a plan that was made
    # for any list of ids, or where PostgreSQL does not know of its rows yet.
    found = select(Account).where(mine, among(Account.id, account_ids)).cte("found")
    of = aliased(Account, found.prefix_with("MATERIALIZED"))
    return {row[0]: AccountLine(*row) for row in session.execute(_lines(of))}


@dataclass(frozen=True, slots=True)
class Chosen:
    """An account chosen for an order. `held`: an open hold of the kind asked for is on it, `held_whole`: on
    everything of its debtor."""

    id: int
    tenant_id: int
    debtor_id: int
    client_account: str
    currency: str
    balance_minor: int
    status: str
    held: bool
    held_whole: bool


def chosen(session: Session, account_ids: Collection[int], kind: str) -> list[Chosen]:
    """These accounts of the tenants in scope, by number; others are left out."""

    def held(*on: ColumnElement[bool]) -> ColumnElement[bool]:
        of_debtor = (Hold.tenant_id == Account.tenant_id) & (Hold.debtor_id == Account.debtor_id)
        return select(Hold.id).where(of_debtor, Hold.kind == kind, is_open(), *on).exists()

    rows = session.execute(
        select(
            Account.id, Account.tenant_id, Account.debtor_id, Account.client_account, Account.currency,
            Account.balance_minor, Account.status, held(Hold.account_id == Account.id),
            held(Hold.account_id.is_(None)),
        )
        .where(among(Account.tenant_id, scope_of(session).tenant_ids), among(Account.id, account_ids))
        .order_by(Account.client_account, Account.id)
    )  # fmt: skip
    return [Chosen(*row) for row in rows]


def account_ids(session: Session, wanted: Filter, countries: Sequence[str], limit: int) -> list[int]:
    """Ids of the accounts that the list narrowed so has, at most `limit`."""
    query = select(Account.id).where(*_conditions(session, wanted, countries))
    return list(session.execute(query.order_by(Account.id.desc()).limit(limit)).scalars())


def _lines(of: type[Account] = Account) -> Select[*tuple[Any, ...]]:
    return (
        select(
            of.id, of.tenant_id, of.client_account, Portfolio.name, Debtor.name, of.currency,
            of.balance_minor, of.placed_minor, of.due_date, of.status, of.stage, _held(of), of.debtor_id,
        )
        .join(Debtor, (Debtor.tenant_id == of.tenant_id) & (Debtor.id == of.debtor_id))
        .join(Portfolio, (Portfolio.tenant_id == of.tenant_id) & (Portfolio.id == of.portfolio_id))
    )  # fmt: skip


def _held(of: type[Account] = Account) -> ColumnElement[bool]:
    return (
        select(Hold.id)
        .where(
            Hold.tenant_id == of.tenant_id, Hold.debtor_id == of.debtor_id, is_open(),
            or_(Hold.account_id.is_(None), Hold.account_id == of.id),
        )
        .exists()
    )  # fmt: skip


def _conditions(session: Session, wanted: Filter, countries: Sequence[str]) -> list[ColumnElement[bool]]:
    tenants = scope_of(session).tenant_ids
    conditions: list[ColumnElement[bool]] = [Account.tenant_id.in_(tenants)]
    if wanted.tenant_id is not None:
        conditions.append(Account.tenant_id == wanted.tenant_id)
    if wanted.portfolio_id is not None:
        conditions.append(Account.portfolio_id == wanted.portfolio_id)
    if wanted.status is not None:
        conditions.append(Account.status == wanted.status)
    if wanted.stage is not None:
        conditions.append(Account.stage == wanted.stage)
    if wanted.held is not None:
        conditions.append(_held() if wanted.held else ~_held())
    if wanted.label_id is not None:
        conditions.append(labels.bears(wanted.label_id))
    if wanted.text.strip():
        conditions.append(Account.id.in_(finding.found(session, wanted.text.strip(), countries)))
    return conditions


@dataclass(frozen=True, slots=True)
class AccountCard:
    """One account whole: the obligation, who owes it, under which portfolio, and how they are reached."""

    account: Account
    debtor: Debtor
    portfolio: Portfolio
    points: Sequence[ContactPoint]
    holds: Sequence[Hold]
    siblings: int  # further accounts of the same debtor at this creditor


def account(session: Session, account_id: int) -> AccountCard:
    """The account of that id among the tenants in scope. Raises NotFound."""
    tenants, other = scope_of(session).tenant_ids, aliased(Account)
    others = select(func.count()).where(
        other.tenant_id == Account.tenant_id, other.debtor_id == Account.debtor_id, other.id != Account.id
    )
    row = session.execute(
        select(Account, Debtor, Portfolio, others.scalar_subquery())
        .join(Debtor, (Debtor.tenant_id == Account.tenant_id) & (Debtor.id == Account.debtor_id))
        .join(Portfolio, (Portfolio.tenant_id == Account.tenant_id) & (Portfolio.id == Account.portfolio_id))
        .where(Account.tenant_id.in_(tenants), Account.id == account_id)
    ).one_or_none()
    if row is None:
        raise NotFound("no such account")
    found, debtor, portfolio, siblings = row
    of_debtor = (ContactPoint.tenant_id == debtor.tenant_id, ContactPoint.debtor_id == debtor.id)
    points = session.execute(select(ContactPoint).where(*of_debtor).order_by(ContactPoint.id)).scalars().all()
    return AccountCard(found, debtor, portfolio, points, _open_holds(session, found), siblings)


@dataclass(frozen=True, slots=True)
class DebtorCard:
    """One debtor whole, as one creditor knows them: all their accounts there, newest first, how they are
    reached, and the holds that are open on everything of theirs."""

    debtor: Debtor
    accounts: Sequence[AccountLine]
    points: Sequence[ContactPoint]
    holds: Sequence[Hold]


def debtor(session: Session, debtor_id: int) -> DebtorCard:
    """The debtor of that id among the tenants in scope. Raises NotFound."""
    mine = Debtor.tenant_id.in_(scope_of(session).tenant_ids)
    found = session.execute(select(Debtor).where(mine, Debtor.id == debtor_id)).scalar_one_or_none()
    if found is None:
        raise NotFound("no such debtor")
    theirs = (Account.tenant_id == found.tenant_id, Account.debtor_id == debtor_id)
    rows = session.execute(_lines().where(*theirs).order_by(Account.id.desc()))
    points = select(ContactPoint).where(
        ContactPoint.tenant_id == found.tenant_id, ContactPoint.debtor_id == debtor_id
    )
    holds = select(Hold).where(
        Hold.tenant_id == found.tenant_id, Hold.debtor_id == debtor_id, Hold.account_id.is_(None), is_open()
    )
    return DebtorCard(
        found, [AccountLine(*row) for row in rows],
        session.execute(points.order_by(ContactPoint.id)).scalars().all(),
        session.execute(holds.order_by(Hold.started_at.desc())).scalars().all(),
    )  # fmt: skip


def _open_holds(session: Session, found: Account) -> Sequence[Hold]:
    return (
        session.execute(
            select(Hold)
            .where(
                Hold.tenant_id == found.tenant_id, Hold.debtor_id == found.debtor_id, is_open(),
                or_(Hold.account_id.is_(None), Hold.account_id == found.id),
            )
            .order_by(Hold.started_at.desc())
        )
        .scalars()
        .all()
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class PortfolioLine:
    """A portfolio and what lies in it; money in minor units of its currency. `open_accounts` are worked."""

    portfolio: Portfolio
    accounts: int
    open_accounts: int
    placed_minor: int
    balance_minor: int


_SUMMED = ("accounts", "open_accounts", "placed_minor", "balance_minor")


def portfolios(session: Session) -> list[Portfolio]:
    """All portfolios of the tenants in scope by name."""
    query = select(Portfolio).where(Portfolio.tenant_id.in_(scope_of(session).tenant_ids))
    return list(session.execute(query.order_by(Portfolio.tenant_id, Portfolio.name)).scalars())


def portfolios_with_totals(session: Session) -> list[PortfolioLine]:
    """`portfolios`, each with what its accounts add up to, as it is kept (`PortfolioSum`)."""
    tenants = scope_of(session).tenant_ids
    totals = (
        select(
            PortfolioSum.tenant_id, PortfolioSum.portfolio_id,
            *(func.sum(getattr(PortfolioSum, name)).label(name) for name in _SUMMED),
        )
        .where(PortfolioSum.tenant_id.in_(tenants))
        .group_by(PortfolioSum.tenant_id, PortfolioSum.portfolio_id)
        .subquery()
    )  # fmt: skip
    rows = session.execute(
        select(Portfolio, *(totals.c[name] for name in _SUMMED))
        .outerjoin(
            totals, (totals.c.tenant_id == Portfolio.tenant_id) & (totals.c.portfolio_id == Portfolio.id)
        )
        .where(Portfolio.tenant_id.in_(tenants))
        .order_by(Portfolio.tenant_id, Portfolio.name)
    )
    return [PortfolioLine(row[0], *(int(value or 0) for value in row[1:])) for row in rows]


def portfolio_names(session: Session) -> dict[int, str]:
    """Names of the portfolios of the tenants in scope by id, for a list to choose from."""
    rows = session.execute(
        select(Portfolio.id, Portfolio.name)
        .where(Portfolio.tenant_id.in_(scope_of(session).tenant_ids))
        .order_by(Portfolio.name)
    )
    return {row.id: row.name for row in rows}


def portfolio(session: Session, portfolio_id: int) -> Portfolio:
    """The portfolio of that id among the tenants in scope. Raises NotFound."""
    found = session.execute(
        select(Portfolio).where(
            Portfolio.tenant_id.in_(scope_of(session).tenant_ids), Portfolio.id == portfolio_id
        )
    ).scalar_one_or_none()
    if found is None:
        raise NotFound("no such portfolio")
    return found
